"""One prompt's pages: what it says, its settings, and what is done to the whole of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from playground.library import discussion, labels, prompts, sharing, shelves, versions
from playground.library.models import Label, LabelRule, Prompt, Reach, Seen, Share

CHAT = {
    "variables": [{"name": "name", "type": "text", "label": "Customer", "required": True}],
    "messages": [{"role": "user", "text": "Dear {{name}}"}],
    "settings": {"family": "openai_chat", "model": "demo-chat", "system": "Be kind."},
}


def url(name: str, prompt: Prompt) -> str:
    return reverse(f"library:{name}", args=[prompt.pk])


def seen(client: Any, name: str, prompt: Prompt, query: str = "") -> str:
    response = client.get(url(name, prompt) + query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def at_desk(sign_in, owner):
    return sign_in(owner)


def test_the_first_tab_shows_texts_variables_and_labels(at_desk, make, owner):
    prompt = make("Letter", body=CHAT, note="First")
    labels.point(prompt, "production", prompt.head, owner)
    page = seen(at_desk, "prompt", prompt)
    for told in ("Be kind.", "Dear {{name}}", "Customer", "First", "production", prompt.head.digest):
        assert told in page
    assert "This is version" not in page


def test_a_prompt_costs_the_same_however_much_it_holds(at_desk, make, save, team, owner):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            seen(at_desk, "prompt", prompt)
        return len(queries)

    prompt = make("Letter", text="one", folder=shelves.make_folder(team, owner, "Work"))
    cost()
    first = cost()
    for word in ("two", "three", "four"):
        version = save(prompt, word)
        labels.point(prompt, word, version, owner)
    assert cost() == first <= 17


def test_an_older_version_says_so_and_stays_from_tab_to_tab(at_desk, make, save):
    prompt = make(text="Old words")
    save(prompt, "New words")
    page = seen(at_desk, "prompt", prompt, "?version=1")
    assert "Old words" in page and "New words" not in page
    assert "This is version 1." in page
    assert url("settings", prompt) + "?version=1" in page


@pytest.mark.parametrize("number", ["9", "nonsense", "99999999999999999999", "-1"])
def test_a_version_that_is_not_there_is_not_found(at_desk, make, number):
    assert at_desk.get(url("prompt", make()) + f"?version={number}").status_code == 404


def test_settings_stand_on_their_own_tab(at_desk, make):
    prompt = make(body=CHAT)
    assert "demo-chat" in seen(at_desk, "settings", prompt)
    assert "demo-chat" not in seen(at_desk, "prompt", prompt)


def test_the_code_names_the_label_or_the_version_that_is_looked_at(at_desk, make, save, owner):
    prompt = make()
    labels.point(prompt, "production", prompt.head, owner)
    save(prompt)
    page = seen(at_desk, "use", prompt)
    assert f"/api/v1/prompts/{prompt.slug}?label=production" in page
    assert "JavaScript" in page and "PLAYGROUND_TOKEN" in page
    assert f"/api/v1/prompts/{prompt.slug}?version=1" in seen(at_desk, "use", prompt, "?version=1")


def test_without_a_label_the_code_gets_the_newest(at_desk, make):
    page = seen(at_desk, "use", make())
    assert "No label points at this prompt yet" in page
    assert "?label=" not in page.split("<pre")[1]


def details(client: Any, prompt: Prompt, **typed: Any) -> Any:
    data = {"title": prompt.title, "about": "", "slug": prompt.slug, "tags": "", "folder": ""} | typed
    return client.post(url("details", prompt), data)


def test_name_place_and_tags_are_changed_and_the_old_link_still_works(at_desk, make, team, owner):
    prompt = make("Letter")
    sea = shelves.make_folder(team, owner, "Sea")
    details(at_desk, prompt, title="Mail", slug="mail", tags="de, short", folder=str(sea.pk))
    changed = Prompt.objects.get(pk=prompt.pk)
    assert (changed.title, changed.slug, changed.folder) == ("Mail", "mail", sea)
    assert sorted(changed.tags.values_list("name", flat=True)) == ["de", "short"]
    old = at_desk.get(reverse("library:by-slug", args=[prompt.slug]))
    assert old.headers["Location"] == url("prompt", prompt)
    assert at_desk.get(reverse("library:by-slug", args=["nothing"])).status_code == 404


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"title": " "}, "Give it a title."),
        ({"slug": "two words"}, "A name in code is made of"),
        ({"slug": "taken"}, "Another prompt of the team has this name"),
    ],
)
def test_a_wrong_name_is_said_at_its_field_and_changes_nothing(at_desk, make, typed, sentence):
    make("Taken", slug="taken")
    prompt = make("Letter")
    response = details(at_desk, prompt, about="Kept as typed", **typed)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert "Kept as typed" in response.content.decode()
    assert Prompt.objects.get(pk=prompt.pk).about == ""


def test_a_copy_is_private_and_a_fork_remembers_its_parent(sign_in, make, mate):
    prompt = make("Letter")
    client = sign_in(mate)
    client.post(url("act", prompt), {"act": "duplicate"})
    client.post(url("act", prompt), {"act": "fork", "number": "1"})
    copy, fork = Prompt.objects.filter(owner=mate).order_by("created_at")
    assert (copy.reach, copy.forked_from) == (Reach.PRIVATE, None)
    assert fork.forked_from == prompt.head
    assert "Forked from" in seen(client, "prompt", fork)


def test_a_fork_does_not_tell_of_a_parent_that_one_may_not_see(sign_in, make, owner, mate):
    prompt = make("Letter")
    fork = prompts.fork(prompt.head, owner)
    sharing.reach(fork, owner, Reach.TEAM, 10)
    prompts.rename(prompt, owner, title="The merger", about="", slug="merger")
    assert "The merger, version 1" in seen(sign_in(mate), "prompt", fork)
    sharing.reach(prompt, owner, Reach.PRIVATE, 10)
    assert "The merger" not in seen(sign_in(mate), "prompt", fork)
    assert "The merger, version 1" in seen(sign_in(owner), "prompt", fork)


def test_the_archive_takes_and_gives_back(at_desk, make):
    prompt = make()
    at_desk.post(url("act", prompt), {"act": "archive"})
    assert "Archived" in seen(at_desk, "prompt", prompt)
    at_desk.post(url("act", prompt), {"act": "unarchive"})
    assert "Archived" not in seen(at_desk, "prompt", prompt)


def test_deleting_tells_what_goes_and_then_does_it(at_desk, make, owner):
    prompt = make("Letter")
    labels.point(prompt, "production", prompt.head, owner)
    asked = seen(at_desk, "delete", prompt)
    assert "1 version," in asked and "production" in asked
    assert at_desk.post(url("delete", prompt)).headers["Location"] == reverse("library:list")
    assert not Prompt.objects.filter(pk=prompt.pk).exists()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("edit", {"act": "save"}),
        ("details", {"title": "Mine now"}),
        ("restore", {"number": "1", "base": "1"}),
        ("label", {"name": "production", "number": "1"}),
        ("ask", {"label": "production", "version": "1"}),
        ("act", {"act": "archive"}),
        ("delete", {}),
        ("share", {"act": "reach", "reach": "private"}),
        ("try", {"number": "1"}),
        ("examples", {"act": "run", "number": "1"}),
        ("say", {"text": "Hello", "number": "1"}),
    ],
)
def test_a_viewer_of_the_team_changes_nothing(sign_in, viewer, make, name, data):
    prompt = make()
    assert sign_in(viewer).post(url(name, prompt), data).status_code == 403


def test_a_private_prompt_is_not_there_for_others(sign_in, mate, make):
    prompt = make(shared=False)
    client = sign_in(mate)
    for name in ("prompt", "settings", "runs", "use", "discussion", "access", "edit", "compare", "try"):
        assert client.get(url(name, prompt)).status_code == 404, name


def test_a_label_points_moves_and_is_taken_off(at_desk, make, save):
    prompt = make()
    save(prompt)
    for number in ("1", "2"):
        at_desk.post(url("label", prompt), {"name": "production", "number": number})
    assert Label.objects.get(prompt=prompt).version.number == 2
    at_desk.post(url("label", prompt), {"name": "production", "number": "2", "remove": "1"})
    assert not Label.objects.filter(prompt=prompt).exists()


def test_a_label_is_only_taken_off_the_version_it_was_seen_at(at_desk, make, save, owner):
    prompt = make()
    labels.point(prompt, "production", save(prompt), owner)
    stale = {"name": "production", "number": "1", "remove": "1"}
    page = at_desk.post(url("label", prompt), stale, follow=True).content.decode()
    assert "does not point at version 1 any more" in page
    assert Label.objects.get(prompt=prompt).version.number == 2


def test_no_label_is_said_to_be_none(at_desk, make):
    prompt = make()
    response = at_desk.post(url("label", prompt), {"name": "latest", "number": "1"}, follow=True)
    assert "choose another name" in response.content.decode()
    assert not Label.objects.exists()


def test_a_label_that_needs_a_role_is_refused_in_words(sign_in, make, mate, team, owner):
    prompt = make()
    labels.protect(team, "production", owner, needs_role=30, needs_review=False)
    response = sign_in(mate).post(url("label", prompt), {"name": "production", "number": "1"})
    assert response.status_code == 403
    assert "needs the role admin" in response.content.decode()


def test_a_label_that_needs_a_review_leads_to_the_request(sign_in, make, mate, team, owner):
    prompt = make()
    labels.protect(team, "production", owner, needs_role=None, needs_review=True)
    response = sign_in(mate).post(url("label", prompt), {"name": "production", "number": "1"})
    assert response.headers["Location"] == url("ask", prompt) + "?label=production&version=1"


def test_admins_protect_labels_and_others_read_the_rules(sign_in, owner, mate, team):
    place = reverse("library:rules")
    sign_in(owner).post(place, {"name": "production", "needs_review": "1"})
    assert LabelRule.objects.get(team=team).needs_review
    assert "Needs a review" in sign_in(mate).get(place).content.decode()
    assert sign_in(mate).post(place, {"name": "production"}).status_code == 403
    refused = sign_in(owner).post(place, {"name": "No name!"}, follow=True)
    assert "A label is made of" in refused.content.decode()
    sign_in(owner).post(place, {"name": "production"})
    assert not LabelRule.objects.exists()


def test_everybody_who_may_something_is_shown_with_the_reason(at_desk, make, mate):
    page = seen(at_desk, "access", make())
    assert str(mate) in page
    assert "Everybody in the team may edit it." in page


def share(client: Any, prompt: Prompt, **data: Any) -> Any:
    return client.post(url("share", prompt), data, follow=True)


def test_a_private_prompt_is_shared_with_a_person_and_taken_back(sign_in, make, owner, mate):
    prompt = make(shared=False)
    share(sign_in(owner), prompt, act="give", may="20", **{"with": f"user:{mate.pk}"})
    assert sign_in(mate).get(url("prompt", prompt)).status_code == 200
    assert sign_in(mate).get(url("edit", prompt)).status_code == 403
    given = Share.objects.get()
    share(sign_in(owner), prompt, act="take", share=str(given.pk))
    assert sign_in(mate).get(url("prompt", prompt)).status_code == 404


def test_reach_and_roles_and_owner_are_changed_in_the_dialog(sign_in, make, owner, mate):
    prompt = make()
    share(sign_in(owner), prompt, act="reach", reach="team", team_may="10")
    assert sign_in(mate).get(url("edit", prompt)).status_code == 403
    share(sign_in(owner), prompt, act="give", may="30", **{"with": "role:20"})
    assert sign_in(mate).get(url("edit", prompt)).status_code == 200
    share(sign_in(owner), prompt, **{"act": "hand-over", "with": f"user:{mate.pk}"})
    assert Prompt.objects.get(pk=prompt.pk).owner == mate


@pytest.mark.parametrize(
    "data",
    [
        {"act": "give", "may": "20", "with": "user:nonsense"},
        {"act": "give", "may": "99", "with": "role:20"},
        {"act": "hand-over", "with": "role:20"},
        {"act": "reach", "reach": "team", "team_may": "40"},
    ],
)
def test_what_cannot_be_shared_is_refused_in_a_sentence(at_desk, make, owner, data):
    prompt = make()
    page = share(at_desk, prompt, **data).content.decode()
    assert "Choose" in page
    assert not Share.objects.exists()
    assert Prompt.objects.get(pk=prompt.pk).owner == owner


def test_a_comment_is_said_changed_and_removed(sign_in, make, owner, mate):
    prompt = make()
    response = sign_in(mate).post(url("say", prompt), {"text": "Too cold, @olivia", "number": "1"})
    said = discussion.of(prompt)[0]
    assert response.headers["Location"].endswith(f"#comment-{said.pk}")
    page = seen(sign_in(owner), "discussion", prompt)
    assert "Too cold" in page and 'id="unread"' in page
    mine = reverse("library:comment", args=[said.pk])
    assert sign_in(owner).post(mine, {"text": "Warm"}).status_code == 403
    sign_in(mate).post(mine, {"text": "Warm"})
    assert [each.text for each in discussion.of(prompt)] == ["Warm"]
    sign_in(mate).post(mine, {"remove": "1"})
    assert discussion.of(prompt) == []


def test_an_empty_comment_comes_back_with_a_sentence(at_desk, make):
    response = at_desk.post(url("say", make()), {"text": "  ", "number": "1"})
    assert response.status_code == 422
    assert "Write something first." in response.content.decode()


def test_reading_is_told_by_the_page_and_not_by_looking(sign_in, make, owner, mate):
    prompt = make()
    discussion.say(prompt.head, mate, "Hello")
    client = sign_in(owner)
    seen(client, "discussion", prompt)
    assert not Seen.objects.exists()
    client.post(reverse("library:seen"), {"prompt": str(prompt.pk)})
    assert 'id="unread"' not in seen(client, "discussion", prompt)


def test_the_address_of_another_teams_prompt_is_not_found(sign_in, stranger, make):
    prompt = make()
    client = sign_in(stranger)
    assert client.get(url("prompt", prompt)).status_code == 404
    assert client.post(reverse("library:star"), {"prompt": str(prompt.pk)}).status_code == 404


def test_hostile_words_are_shown_as_words(at_desk, make, owner):
    bad = "<script>alert(1)</script>"
    prompt = make(bad, text=bad, about=bad, tags=[bad[:40]])
    discussion.say(prompt.head, owner, bad)
    versions.save(prompt, {"messages": [{"role": "user", "text": bad + "!"}]}, bad, owner, 1)
    for name in ("prompt", "settings", "discussion", "access", "edit", "compare", "try", "runs", "use"):
        assert bad not in seen(at_desk, name, prompt), name
    prompts.favour(prompt, owner)
    assert bad not in at_desk.get(reverse("library:list") + f"?prompt={prompt.pk}").content.decode()


@pytest.mark.parametrize(
    "tail", ["ask/?label=a%00&version=1", "use/?label=%00", "?version=%00", "try/?example=%00"]
)
def test_signs_that_no_database_takes_may_stand_in_the_address(database, at_desk, make, tail):
    assert at_desk.get(url("prompt", make()) + tail).status_code in (200, 404)
    assert at_desk.get("/prompts/by/greeting%00/").status_code == 302


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("label", {"name": "a\0", "number": "1", "remove": "1"}),
        ("label", {"name": "a\0", "number": "1"}),
        ("ask", {"label": "a\0", "version": "1", "title": "\0", "note": "\0", "evidence": "run:\0"}),
        ("details", {"title": "a\0", "slug": "abc", "about": "\0", "tags": "\0,b\0", "folder": ""}),
        ("examples", {"act": "keep", "subject": "\0", "name": "\0"}),
        ("say", {"number": "1", "text": "a\0"}),
        ("share", {"act": "give", "with": "user:\0", "may": "10"}),
    ],
)
def test_signs_that_no_database_takes_may_be_sent(database, at_desk, make, name, data):
    assert at_desk.post(url(name, make()), data).status_code in (200, 302, 404, 422)
