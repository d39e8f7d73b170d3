"""Drafts of the editor: what was typed is there again for who typed it, until it is saved or thrown away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from playground.library import unsaved
from playground.library.models import Draft, Prompt

NEW, KEEP_NEW = reverse("library:new"), reverse("library:draft-new")
WORDS = "Half a thought about {{boats}}"


def url(name: str, prompt: Prompt) -> str:
    return reverse(f"library:{name}", args=[prompt.pk])


def typed(*texts: str, **fields: Any) -> dict[str, Any]:
    """What the editor of a chat prompt sends: the texts are said in turn, by a person and by the model."""
    said = texts or (WORDS,)
    roles = [("user", "assistant")[at % 2] for at in range(len(said))]
    return {"kind": "chat", "base": "1", "role": roles, "text": said} | fields


def page_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.fixture
def seat(team) -> Callable[[User], Client]:
    """A browser of its own for each who signs in."""

    def sit(user: User) -> Client:
        browser = Client()
        browser.force_login(user)
        session = browser.session
        session["team"] = str(team.pk)
        session.save()
        return browser

    return sit


@pytest.fixture
def desk(sign_in, owner):
    return sign_in(owner)


def test_what_was_typed_stands_in_the_form_again_on_any_device(database, make, seat, owner):
    prompt = make()
    first, second = seat(owner), seat(owner)
    assert first.post(url("draft", prompt), typed(system="Be brief.", note="Shorter")).status_code == 204
    page = page_of(second, url("edit", prompt))
    assert "You were writing this" in page
    assert WORDS in page
    assert "Be brief." in page
    assert 'value="Shorter"' in page
    # A later save takes the place of an earlier one.
    second.post(url("draft", prompt), typed("Another thought"))
    page = page_of(first, url("edit", prompt))
    assert "Another thought" in page
    assert WORDS not in page


def at(moment: float, fields: dict[str, Any], page: str = "1763776800000.5") -> dict[str, Any]:
    """The draft as the page sends it, so many ms after it began."""
    return fields | {"sent-at": f"{page}:{moment}"}


@pytest.mark.parametrize("new", [True, False])
def test_what_a_page_sent_earlier_and_arrives_later_is_not_kept(database, make, desk, new):
    if new:
        address, page, fields = KEEP_NEW, NEW, {"family": "openai_chat"}
        untouched = typed("", **fields)
    else:
        prompt = make(text="Old")
        address, page, fields = url("draft", prompt), url("edit", prompt), {"base": "2"}
        untouched = typed("Hello", **fields)
        desk.post(url("edit", prompt), typed("Hello", act="save"))
    desk.post(address, at(9000.25, typed(**fields)))
    for late in (typed("An older thought", **fields), untouched):
        assert desk.post(address, at(900, late)).status_code == 204
        assert WORDS in page_of(desk, page)
    desk.post(address, at(10_000, typed("A newer thought", **fields)))
    assert "A newer thought" in page_of(desk, page)
    desk.post(address, at(10_001, untouched))
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "sent_at", ["1763776700000:5", "", "x", "1763776800000.5:", "1763776800000.5:nan", ":"]
)
def test_the_clock_of_another_page_or_none_holds_nothing_up(desk, make, sent_at):
    prompt = make()
    desk.post(url("draft", prompt), at(9000, typed("Before")))
    desk.post(url("draft", prompt), typed() | {"sent-at": sent_at})
    assert WORDS in page_of(desk, url("edit", prompt))


def test_a_new_prompt_of_each_kind_has_a_draft_of_its_own(desk):
    assert desk.post(KEEP_NEW, typed(title="Boats", about="Sea", reach="private")).status_code == 204
    desk.post(KEEP_NEW, {"kind": "image", "operation": "nano_banana.create", "title": "Harbour"})
    page = page_of(desk, NEW + "?kind=chat")
    for told in ('value="Boats"', 'value="Sea"', WORDS, '<option value="private" selected>'):
        assert told in page
    page = page_of(desk, NEW + "?kind=image")
    assert 'value="Harbour"' in page
    assert WORDS not in page
    assert "You were writing this" not in page_of(desk, NEW + "?kind=video")


def test_rows_and_json_that_is_not_whole_come_back_as_they_were_typed(desk, make):
    prompt = make()
    fields = typed(
        *("One {{a}}", "Two", "Three"),
        tools='[{"name": "half',
        schema="{",
        **{"var-name": ["a"], "var-type": ["choice"], "var-choices": ["warm\r\ncold"]},
    )
    desk.post(url("draft", prompt), fields)
    page = page_of(desk, url("edit", prompt))
    for told in (
        "One {{a}}",
        ">Two</textarea>",
        ">Three</textarea>",
        "warm\ncold",
        "[{&quot;name&quot;: &quot;half",
    ):
        assert told in page
    # What is not finished is not wrong yet.
    assert 'aria-invalid="true"' not in page


def test_saving_takes_the_draft_away(desk, make):
    prompt = make()
    desk.post(url("draft", prompt), typed())
    desk.post(url("edit", prompt), typed(act="save"))
    assert prompt.versions.count() == 2
    desk.post(KEEP_NEW, typed(title="Boats"))
    desk.post(NEW, typed(act="save", title="Boats"))
    assert Prompt.objects.filter(title="Boats").exists()
    assert not Draft.objects.exists()


def test_what_cannot_be_saved_stays_kept(desk, make):
    prompt = make()
    desk.post(url("draft", prompt), typed())
    assert desk.post(url("edit", prompt), typed("{{> nowhere", act="save", tools="{")).status_code == 422
    desk.post(KEEP_NEW, typed(title="Boats"))
    assert desk.post(NEW, typed(act="save")).status_code == 422
    assert Draft.objects.count() == 2


def test_a_newer_version_is_told_and_saving_shows_both_texts(make, save, sign_in, owner, mate):
    prompt = make(text="Hello {{name}}")
    desk = sign_in(mate)
    desk.post(url("draft", prompt), typed("Hello dear {{name}}"))
    save(prompt, "Good day {{name}}", user=owner)
    page = page_of(desk, url("edit", prompt))
    assert "Olivia saved version 2 meanwhile" in page
    assert '<input type="hidden" name="base" value="1">' in page
    raced = desk.post(url("edit", prompt), typed("Hello dear {{name}}", act="save"))
    assert raced.status_code == 422
    assert "saved version 2 meanwhile" in raced.content.decode()
    # The text is kept until it is saved over what came meanwhile.
    assert Draft.objects.get().user == mate
    desk.post(url("edit", prompt), typed("Good day dear {{name}}", act="save", base="2"))
    assert prompt.versions.count() == 3
    assert not Draft.objects.exists()


def test_an_older_version_that_is_asked_for_stands_in_the_form_and_the_draft_is_offered(desk, make, save):
    prompt = make(text="The first")
    save(prompt, "The second")
    desk.post(url("draft", prompt), typed(base="2"))
    page = page_of(desk, url("edit", prompt) + "?from=1")
    assert "The first" in page
    assert WORDS not in page
    assert "Go on with that" in page
    assert Draft.objects.exists()


def test_throwing_away_gives_the_newest_version_again(desk, make):
    prompt = make(text="As it was")
    desk.post(url("draft", prompt), typed())
    answer = desk.post(url("draft", prompt), {"act": "forget"})
    assert answer.headers["Location"] == url("edit", prompt)
    page = page_of(desk, url("edit", prompt))
    assert "As it was" in page
    assert "You were writing this" not in page
    desk.post(KEEP_NEW, typed())
    assert desk.post(KEEP_NEW, {"act": "forget", "kind": "chat"}).headers["Location"] == NEW + "?kind=chat"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("text", ["Hello {{name}}", "Hello  {{name}}"])
def test_what_says_no_more_than_the_library_is_no_draft(desk, make, text):
    prompt = make(text="Old")
    desk.post(url("edit", prompt), typed("Hello {{name}}", act="save"))
    desk.post(url("draft", prompt), typed(base="2"))
    assert Draft.objects.exists()
    assert desk.post(url("draft", prompt), typed(text, base="2", note=" ")).status_code == 204
    assert Draft.objects.exists() is (text != "Hello {{name}}")


def test_a_note_alone_is_a_draft(desk, make):
    prompt = make(text="Hello {{name}}")
    desk.post(url("draft", prompt), typed("Hello {{name}}", note="Why"))
    assert Draft.objects.exists()


def test_a_draft_that_arrives_after_its_own_saving_is_not_kept(desk, make):
    prompt = make()
    desk.post(url("edit", prompt), typed(note="Boats", act="save"))
    assert desk.post(url("draft", prompt), typed(note="Boats")).status_code == 204
    assert not Draft.objects.exists()


def test_an_untouched_form_of_a_new_prompt_is_no_draft(desk):
    for kind in ("chat", "image"):
        desk.post(KEEP_NEW, {"kind": kind, "family": "openai_chat", "role": ["user"], "text": [" "]})
    assert not Draft.objects.exists()


def test_a_draft_is_seen_and_thrown_away_by_its_writer_alone(make, seat, owner, mate):
    prompt = make()
    mine, theirs = seat(owner), seat(mate)
    mine.post(url("draft", prompt), typed())
    mine.post(KEEP_NEW, typed())
    for address in (url("edit", prompt), NEW, url("prompt", prompt)):
        assert WORDS not in page_of(theirs, address)
    theirs.post(url("draft", prompt), {"act": "forget"})
    theirs.post(KEEP_NEW, {"act": "forget", "kind": "chat"})
    theirs.post(url("draft", prompt), typed("Mine"))
    assert WORDS in page_of(mine, url("edit", prompt))
    assert WORDS in page_of(mine, NEW)


def test_who_may_not_edit_keeps_nothing(make, seat, viewer, stranger, owner):
    shown, hidden = make(), make("Hidden", shared=False, user=owner)
    looks, strange = seat(viewer), seat(stranger)
    assert looks.post(url("draft", shown), typed()).status_code == 403
    assert looks.post(KEEP_NEW, typed()).status_code == 403
    assert looks.post(url("draft", hidden), typed()).status_code == 404
    assert strange.post(url("draft", shown), typed()).status_code == 404
    assert not Draft.objects.exists()


def test_looking_writes_nothing(desk, make):
    prompt = make()
    desk.post(url("draft", prompt), typed())
    before = Draft.objects.get().updated_at
    for address in (url("edit", prompt), NEW):
        desk.get(address)
    assert Draft.objects.get().updated_at == before
    assert desk.get(url("draft", prompt)).status_code == 405
    assert desk.get(KEEP_NEW).status_code == 405


def test_what_is_too_much_is_refused_with_a_sentence_and_the_last_draft_stays(desk, make, monkeypatch):
    prompt = make()
    desk.post(url("draft", prompt), typed())
    monkeypatch.setattr(unsaved, "LONGEST", 200)
    answer = desk.post(url("draft", prompt), typed("x" * 300))
    assert answer.status_code == 422
    assert "too much to be kept" in answer.content.decode()
    monkeypatch.setattr(unsaved, "LONGEST", 10_000)
    monkeypatch.setattr(unsaved, "MOST_FIELDS", 3)
    assert desk.post(url("draft", prompt), typed()).status_code == 422
    assert WORDS in page_of(desk, url("edit", prompt))


@pytest.mark.parametrize("base", ["", "0", "7", "x", "9" * 40, "²"])
def test_a_version_that_is_not_there_is_no_beginning(desk, make, base):
    prompt = make()
    assert desk.post(url("draft", prompt), typed(base=base)).status_code == 422
    assert desk.post(KEEP_NEW, typed(kind="poem")).status_code == 404
    assert "You were writing this" not in page_of(desk, url("edit", prompt))


def test_signs_no_database_takes_and_numbers_that_are_none_are_kept_all_the_same(database, desk, make):
    prompt = make()
    fields = typed(
        "Nul \0 here", family="openai_chat", **{"params-of": "openai_chat", "p-temperature": "nan"}
    )
    assert desk.post(url("draft", prompt), fields).status_code == 204
    page = page_of(desk, url("edit", prompt))
    assert "Nul \u2400 here" in page
    assert 'value="nan"' in page


def test_a_folder_that_is_gone_meanwhile_leaves_the_draft_readable(desk):
    desk.post(KEEP_NEW, typed(title="Boats", folder="00000000-0000-4000-8000-000000000000"))
    assert 'value="Boats"' in page_of(desk, NEW)


def test_a_draft_goes_with_its_prompt(desk, make):
    prompt = make()
    desk.post(url("draft", prompt), typed())
    prompt.delete()
    assert not Draft.objects.exists()
