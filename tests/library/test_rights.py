"""Who may do what with a prompt: every role, every reach, every share."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts import access
from accounts.models import Membership, Role, User
from playground.library import prompts, rights, sharing
from playground.library.models import (
    ChangeRequest,
    Comment,
    Example,
    Label,
    Level,
    Prompt,
    PromptVersion,
    Reach,
    Share,
)

pytestmark = pytest.mark.usefixtures("no_kinds")


@pytest.fixture
def people(team, owner, mate, viewer, stranger):
    admin = User.objects.create_user("ada@example.com", name="Ada")
    Membership.objects.create(team=team, user=admin, role=Role.ADMIN)
    return {
        "owner": owner,
        "admin": admin,
        "mate": mate,
        "viewer": viewer,
        "stranger": stranger,
        "token": None,
    }


@pytest.fixture
def mates(make, people, mate):
    """A prompt that the mate, a plain member, owns; private."""
    return make(user=mate, shared=False)


# Rows: what the team may do (0: it is private); columns: who asks. The prompt is the mate's.
MATRIX = {
    0: {"owner": 0, "admin": 0, "mate": 40, "viewer": 0, "stranger": 0, "token": 0},
    10: {"owner": 40, "admin": 40, "mate": 40, "viewer": 10, "stranger": 0, "token": 10},
    20: {"owner": 40, "admin": 40, "mate": 40, "viewer": 10, "stranger": 0, "token": 20},
    30: {"owner": 40, "admin": 40, "mate": 40, "viewer": 10, "stranger": 0, "token": 20},
}


@pytest.mark.parametrize("team_may", MATRIX)
def test_what_each_may_do_by_reach(mates, people, mate, team, team_may):
    if team_may:
        sharing.reach(mates, mate, Reach.TEAM, team_may)
    prompt = Prompt.objects.get(pk=mates.pk)
    assert {name: rights.may(user, prompt).level for name, user in people.items()} == MATRIX[team_may]
    seen = {name for name, user in people.items() if rights.visible(team, user).filter(pk=prompt.pk)}
    assert seen == {name for name, level in MATRIX[team_may].items() if level}


@pytest.mark.parametrize("may", Level.values)
def test_a_share_with_a_person_gives_them_just_that(mates, people, mate, may):
    for name in ("admin", "viewer"):
        sharing.share(mates, mate, may, person=people[name])
    levels = {name: rights.may(user, mates).level for name, user in people.items()}
    assert levels == {"owner": 0, "admin": may, "mate": 40, "viewer": 10, "stranger": 0, "token": 0}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.VIEWER, {"owner": 30, "admin": 30, "viewer": 10}),
        (Role.MEMBER, {"owner": 30, "admin": 30, "viewer": 0}),
        (Role.ADMIN, {"owner": 30, "admin": 30, "viewer": 0}),
        (Role.OWNER, {"owner": 30, "admin": 0, "viewer": 0}),
    ],
)
def test_a_share_with_a_role_is_for_those_above_too(mates, people, mate, role, expected):
    sharing.share(mates, mate, Level.EDIT, role=role)
    assert {name: rights.may(people[name], mates).level for name in expected} == expected


def test_the_best_of_several_grounds_counts_and_is_told(make, team, owner, mate):
    prompt = make()
    sharing.reach(prompt, owner, Reach.TEAM, Level.VIEW)
    sharing.share(prompt, owner, Level.RUN, role=Role.MEMBER)
    assert rights.may(mate, prompt).why == "Shared with the role member and above."
    sharing.share(prompt, owner, Level.OWN, person=mate)
    assert rights.may(mate, prompt).why == "Shared by name."
    assert rights.may(mate, prompt).name == "Own"


def test_a_member_who_became_a_viewer_only_looks_at_their_own(make, team, mate):
    prompt = make(user=mate)
    Membership.objects.filter(user=mate, team=team).update(role=Role.VIEWER)
    assert rights.may(mate, prompt).level == Level.VIEW


def test_who_left_the_team_or_is_locked_out_has_nothing(make, team, mate, owner):
    prompt = make()
    sharing.share(prompt, owner, Level.OWN, person=mate)
    mate.is_active = False
    mate.save()
    assert rights.may(mate, prompt).level == 0
    assert not rights.visible(team, mate).exists()
    mate.is_active = True
    mate.save()
    Membership.objects.filter(user=mate, team=team).delete()
    assert rights.may(mate, prompt).level == 0
    with pytest.raises(Http404):
        access.check(Prompt, mate, prompt.pk)


def test_the_one_door_says_the_same_for_everything_of_a_prompt(mates, people, mate, owner):
    version = mates.head
    things = [
        mates,
        version,
        Label.objects.create(prompt=mates, name="production", version=version),
        ChangeRequest.objects.create(prompt=mates, version=version, label="staging", author=mate, title="x"),
        Example.objects.create(prompt=mates, name="x"),
        Share.objects.create(prompt=mates, user=people["admin"], may=Level.VIEW),
        Comment.objects.create(version=version, author=mate, text="x"),
    ]
    for thing in things:
        assert access.check(type(thing), mate, thing.pk, need=Role.MEMBER) == thing
        assert access.check(type(thing), people["admin"], thing.pk) == thing
        with pytest.raises(PermissionDenied):
            access.check(type(thing), people["admin"], thing.pk, need=Role.MEMBER)
        for name in ("owner", "viewer", "stranger"):
            with pytest.raises(Http404):
                access.check(type(thing), people[name], thing.pk)


def test_need_tells_what_is_missing_and_why(make, owner, mate, stranger):
    prompt = make()
    sharing.reach(prompt, owner, Reach.TEAM, Level.RUN)
    assert rights.need(mate, prompt, Level.RUN).level == Level.RUN
    with pytest.raises(
        PermissionDenied, match=r"may not edit this prompt\. Everybody in the team may run it\."
    ):
        rights.need(mate, prompt, Level.EDIT)
    with pytest.raises(Http404):
        rights.need(stranger, prompt, Level.VIEW)


def test_everybody_lists_who_may_do_what_and_why(mates, people, mate):
    sharing.share(mates, mate, Level.RUN, person=people["viewer"])
    sharing.share(mates, mate, Level.EDIT, role=Role.ADMIN)
    told = [(str(one.user), one.standing.level, one.standing.why) for one in rights.everybody(mates)]
    assert told == [
        ("Miguel", 40, "Owner of the prompt."),
        ("Ada", 30, "Shared with the role admin and above."),
        ("Olivia", 30, "Shared with the role admin and above."),
        ("Vera", 10, "Viewers of the team only look."),
    ]


def test_many_standings_cost_two_queries_and_say_the_same(make, owner, mate, django_assert_num_queries):
    made = [make(f"P{place}", shared=place % 2 == 0) for place in range(6)]
    sharing.share(made[1], owner, Level.RUN, person=mate)
    wanted = list(Prompt.objects.all())
    with django_assert_num_queries(2):
        found = rights.standings(mate, wanted)
    assert found == {prompt.pk: rights.may(mate, prompt) for prompt in wanted}
    assert rights.standings(mate, []) == {}


def test_what_one_sees_of_a_team_is_what_the_rule_for_any_prompt_says(make, people, team, mate, viewer):
    """Everybody is the owner of a team of their own: that role counts nothing here."""
    made = {name: make(name, user=mate, shared=name == "open") for name in ("open", "hidden", "all", "vera")}
    made |= {str(role): make(str(role), user=mate, shared=False) for role in (Role.MEMBER, Role.ADMIN)}
    sharing.share(made["all"], mate, Level.VIEW, role=Role.VIEWER)
    sharing.share(made["vera"], mate, Level.VIEW, person=viewer)
    for role in (Role.MEMBER, Role.ADMIN):
        sharing.share(made[str(role)], mate, Level.EDIT, role=role)
    for user in filter(None, (people[name] for name in people if name != "stranger")):
        by_rule = Prompt.objects.filter(Prompt.visible_to(user), team=team)
        assert set(rights.visible(team, user)) == set(by_rule)
    assert not rights.visible(team, people["stranger"])
    titles = {prompt.title for prompt in rights.visible(team, viewer)}
    assert titles == {"open", "all", "vera"}


def test_a_role_that_is_known_is_not_asked_for(make, team, mate, viewer, django_assert_num_queries):
    prompt = make()
    with django_assert_num_queries(1):
        assert list(rights.visible(team, mate, Role.MEMBER)) == [prompt]
    with django_assert_num_queries(1):
        found = rights.standings(viewer, [prompt], Role.VIEWER)
    assert found == {prompt.pk: rights.may(viewer, prompt)}
    assert not rights.visible(team, mate, 0)


def test_every_version_is_seen_through_its_prompt(make, owner, mate):
    hidden, open_ = make("Hidden", shared=False), make("Open")
    assert set(PromptVersion.objects.filter(PromptVersion.visible_to(mate))) == {open_.head}
    assert set(PromptVersion.objects.filter(PromptVersion.visible_to(owner))) == {hidden.head, open_.head}


def test_only_who_owns_it_decides_who_gets_it(make, owner, mate, viewer):
    prompt = make()
    for act in (
        lambda: sharing.reach(prompt, mate, Reach.PRIVATE, Level.VIEW),
        lambda: sharing.share(prompt, mate, Level.OWN, person=mate),
        lambda: sharing.hand_over(prompt, mate, mate),
        lambda: prompts.delete(prompt, mate),
    ):
        with pytest.raises(PermissionDenied):
            act()
    with pytest.raises(PermissionDenied):
        prompts.archive(prompt, viewer)
