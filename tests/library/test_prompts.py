"""A prompt as a thing of its team: named, filed, copied, shared, deleted."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.models import AuditEvent, Role
from playground.library import labels, prompts, sharing, shelves, versions
from playground.library.models import Folder, Level, OldSlug, Prompt, Reach, Share, Tag
from tests.library.conftest import chat

pytestmark = pytest.mark.usefixtures("no_kinds")


def test_a_prompt_gets_a_slug_a_version_and_a_private_reach(database, team, owner):
    prompt = prompts.create(
        team,
        owner,
        kind="chat",
        title="  Héllo\nWorld! ",
        body=chat("hi"),
        note="n",
        about=" a ",
        tags=["Fun", "fun"],
    )
    assert (prompt.slug, prompt.title, prompt.about, prompt.reach) == (
        "hello-world",
        "Héllo World!",
        "a",
        "private",
    )
    assert (prompt.head.number, prompt.head.note, prompt.owner) == (1, "n", owner)
    assert [str(tag) for tag in prompt.tags.all()] == ["fun"]


def test_equal_titles_get_numbered_slugs_and_old_slugs_stay_taken(make, owner):
    slugs = [make("Hello").slug for _ in range(3)]
    assert slugs == ["hello", "hello-2", "hello-3"]
    prompts.rename(Prompt.objects.get(slug="hello"), owner, title="Other", about="", slug="other")
    assert make("Hello").slug == "hello-4"
    assert make("!!!").slug == "prompt"
    assert make("x" * 200).slug == "x" * 80
    assert make("x" * 200).slug == "x" * 73 + "-2"


def test_each_team_has_slugs_of_its_own(make, owner):
    assert make("Hello").slug == make("Hello", team=owner.personal_team).slug


def test_viewers_and_strangers_make_no_prompts(team, viewer, stranger):
    for user in (viewer, stranger):
        with pytest.raises(PermissionDenied):
            prompts.create(team, user, kind="chat", title="x", body=chat())
        with pytest.raises(PermissionDenied):
            shelves.make_folder(team, user, "x")
    assert not Prompt.objects.exists()


def test_a_body_that_is_refused_leaves_no_prompt_behind(team, owner):
    with pytest.raises(versions.Invalid):
        prompts.create(team, owner, kind="chat", title="x", body=chat(variables="x"))
    assert not Prompt.objects.exists()


def test_a_renamed_prompt_answers_to_its_old_slugs_until_it_takes_them_back(make, team, owner):
    prompt = make("One")
    for title in ("Two", "Three"):
        assert prompts.rename(prompt, owner, title=title, about="", slug=title)
    assert {versions.prompt_named(team, slug, owner) for slug in ("one", "two", "three")} == {prompt}
    assert prompts.rename(prompt, owner, title="One again", about="b", slug="one")
    assert sorted(OldSlug.objects.values_list("slug", flat=True)) == ["three", "two"]
    assert versions.prompt_named(team, "one", owner).title == "One again"


def test_a_slug_of_another_prompt_is_not_taken_nor_one_it_had(make, owner):
    first, second = make("One"), make("Two")
    assert not prompts.rename(second, owner, title="x", about="", slug="one")
    second.refresh_from_db()
    assert (second.slug, second.title) == ("two", "Two")
    prompts.rename(first, owner, title="Uno", about="", slug="uno")
    assert not prompts.rename(second, owner, title="x", about="", slug="one")


def test_a_new_title_alone_leaves_the_link_as_it_is(make, owner):
    prompt = make("One")
    assert prompts.rename(prompt, owner, title="Two", about="b")
    prompt.refresh_from_db()
    assert (prompt.slug, prompt.title, prompt.about) == ("one", "Two", "b")
    assert not OldSlug.objects.exists()


def test_a_copy_is_ones_own_and_private_and_a_fork_knows_its_parent(make, save, mate, owner, team):
    prompt = make("Greeting", "one", tags=["a"], about="b")
    first = prompt.head
    save(prompt, "two")
    copy = prompts.duplicate(prompt, mate)
    assert (copy.title, copy.slug, copy.owner, copy.reach) == (
        "Greeting (copy)",
        "greeting-2",
        mate,
        "private",
    )
    assert (copy.head.body, copy.forked_from) == (chat("two"), None)
    assert (copy.about, [str(tag) for tag in copy.tags.all()]) == ("b", ["a"])
    fork = prompts.fork(first, mate)
    assert (fork.head.body, fork.forked_from) == (chat("one"), first)
    away = prompts.fork(first, mate, mate.personal_team)
    assert (away.team, away.slug, away.forked_from) == (mate.personal_team, "greeting", first)
    prompts.delete(prompt, owner)
    away.refresh_from_db()
    assert away.forked_from is None


def test_what_one_does_not_see_is_not_copied(make, mate, stranger):
    hidden, shown = make(shared=False), make("Shown")
    with pytest.raises(Http404):
        prompts.fork(hidden.head, mate)
    with pytest.raises(Http404):
        prompts.fork(shown.head, stranger, stranger.personal_team)


def test_a_star_is_ones_own_and_goes_on_and_off(make, owner, viewer, stranger):
    prompt = make()
    assert [
        prompts.favour(prompt, viewer),
        prompts.favour(prompt, owner),
        prompts.favour(prompt, viewer),
    ] == [
        True,
        True,
        False,
    ]
    assert [star.user for star in prompt.favourites.all()] == [owner]
    with pytest.raises(Http404):
        prompts.favour(prompt, stranger)


def test_deleting_takes_everything_and_is_recorded(database, make, save, owner):
    prompt = make("Greeting")
    labels.point(prompt, "production", save(prompt), owner)
    prompts.delete(prompt, owner)
    assert not Prompt.objects.exists()
    assert AuditEvent.objects.get(verb="prompt.delete").target == "greeting"


def test_archived_and_back(make, mate):
    prompt = make()
    prompts.archive(prompt, mate)
    prompt.refresh_from_db()
    first = prompt.archived_at
    assert first
    prompts.archive(prompt, mate)
    prompt.refresh_from_db()
    assert prompt.archived_at == first
    prompts.unarchive(prompt, mate)
    prompt.refresh_from_db()
    assert prompt.archived_at is None


def test_folders_are_made_once_renamed_and_emptied_upwards(database, make, team, mate):
    work = shelves.make_folder(team, mate, " Work ")
    assert shelves.make_folder(team, mate, "work") == work
    letters = shelves.make_folder(team, mate, "Letters", work)
    prompt = make(folder=letters)
    shelves.rename_folder(letters, mate, "Mail")
    assert str(Folder.objects.get(pk=letters.pk)) == "Mail"
    shelves.make_folder(team, mate, "Bills", work)
    with pytest.raises(ValueError, match="already"):
        shelves.rename_folder(letters, mate, "BILLS")
    shelves.remove_folder(letters, mate)
    prompt.refresh_from_db()
    assert prompt.folder == work


def test_a_folder_is_not_removed_when_names_would_meet(team, owner):
    top = shelves.make_folder(team, owner, "Work")
    shelves.make_folder(team, owner, "Mail")
    shelves.make_folder(team, owner, "mail", top)
    with pytest.raises(ValueError, match="rename"):
        shelves.remove_folder(top, owner)
    assert Folder.objects.count() == 3


def test_folders_go_eight_deep_and_never_into_another_team(make, team, owner):
    folder = None
    for depth in range(8):
        folder = shelves.make_folder(team, owner, f"{depth}", folder)
    with pytest.raises(ValueError, match="deep"):
        shelves.make_folder(team, owner, "too deep", folder)
    with pytest.raises(ValueError, match="name"):
        shelves.make_folder(team, owner, " ")
    foreign = shelves.make_folder(owner.personal_team, owner, "Mine")
    prompt = make()
    for act in (
        lambda: shelves.file_under(prompt, owner, foreign, []),
        lambda: make(folder=foreign),
        lambda: shelves.make_folder(team, owner, "x", foreign),
    ):
        with pytest.raises(ValueError, match="not the team's"):
            act()


def test_tags_are_the_teams_and_case_does_not_tell_them_apart(make, team, owner, viewer):
    one = make(tags=["Mail"])
    shelves.file_under(one, owner, None, ["mail", " new  one ", ""])
    assert sorted(str(tag) for tag in one.tags.all()) == ["Mail", "new one"]
    assert Tag.objects.count() == 2
    with pytest.raises(ValueError, match="at most 30"):
        shelves.file_under(one, owner, None, [f"t{place}" for place in range(31)])
    with pytest.raises(PermissionDenied):
        shelves.file_under(one, viewer, None, [])


def test_shares_are_changed_in_place_taken_back_and_recorded(make, team, owner, mate, stranger):
    prompt = make(shared=False)
    sharing.share(prompt, owner, Level.RUN, person=mate)
    share = sharing.share(prompt, owner, Level.EDIT, person=mate)
    assert Share.objects.get() == share
    assert AuditEvent.objects.filter(verb="prompt.share").latest("id").detail == {
        "to": "Miguel",
        "may": "edit",
    }
    sharing.unshare(share, owner)
    assert not Share.objects.exists()
    given = sharing.share(prompt, owner, Level.VIEW, role=Role.MEMBER)
    with pytest.raises(PermissionDenied):
        sharing.unshare(given, mate)
    sharing.unshare(sharing.share(prompt, owner, Level.VIEW, person=mate), mate)
    with pytest.raises(ValueError, match="within the team"):
        sharing.share(prompt, owner, Level.VIEW, person=stranger)
    for wrong in ({}, {"person": mate, "role": Role.MEMBER}):
        with pytest.raises(ValueError, match="Choose"):
            sharing.share(prompt, owner, Level.VIEW, **wrong)
    with pytest.raises(ValueError, match="Choose"):
        sharing.share(prompt, owner, 50, person=mate)


def test_a_prompt_is_handed_to_a_member_who_can_edit(make, owner, mate, viewer, stranger):
    prompt = make(shared=False)
    for person in (viewer, stranger):
        with pytest.raises(ValueError, match="member of the team"):
            sharing.hand_over(prompt, owner, person)
    stale = Prompt.objects.get()
    sharing.hand_over(prompt, owner, mate)
    assert Prompt.objects.get().owner == mate
    with pytest.raises((PermissionDenied, Http404)):
        sharing.hand_over(stale, owner, owner)
    assert AuditEvent.objects.get(verb="prompt.hand_over").detail == {"to": "Miguel"}


def test_a_prompt_whose_owner_is_gone_stays_with_the_team(make, owner, mate):
    prompt = make(user=mate)
    mate.delete()
    prompt.refresh_from_db()
    assert prompt.owner is None
    with pytest.raises(ValueError, match="without an owner"):
        sharing.reach(prompt, owner, Reach.PRIVATE, Level.VIEW)
    for reach, level in (("world", Level.VIEW), (Reach.TEAM, Level.OWN)):
        with pytest.raises(ValueError, match="no such reach"):
            sharing.reach(prompt, owner, reach, level)
