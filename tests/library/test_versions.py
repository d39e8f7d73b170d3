"""Versions are saved one behind the other, never changed, and found by number and label."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404

from playground.library import kinds, labels, prompts, versions
from playground.library.guard import GuardError
from playground.library.kinds import Complaint, Kind
from playground.library.models import PromptVersion
from playground.library.versions import Conflict, Invalid, Missing
from tests.library.conftest import chat

pytestmark = pytest.mark.usefixtures("no_kinds")


def test_a_version_gets_the_next_number_and_becomes_the_head(database, make, save, owner, mate):
    prompt = make(text="one", note="  the\n first ")
    first = prompt.head
    second = save(prompt, "two", user=mate)
    prompt.refresh_from_db()
    assert prompt.head == second
    assert [(one.number, one.author, one.note) for one in versions.timeline(prompt)] == [
        (2, mate, ""),
        (1, owner, "the first"),
    ]
    assert PromptVersion.objects.get(pk=first.pk).body == chat("one")
    assert first.digest == versions.digest_of(chat("one"))


def test_a_body_that_says_the_same_makes_no_version(make, owner):
    prompt = make(text="one")
    same = {"messages": [{"text": "one", "role": "user"}]}
    assert versions.save(prompt, same, "again", owner, 1) == prompt.head
    assert prompt.versions.count() == 1


def test_who_saves_second_is_told_of_both_texts_and_nothing_is_overwritten(make, save, owner, mate):
    prompt = make(text="one")
    theirs = save(prompt, "two", user=mate)
    answer = versions.save(prompt, chat("my two"), "", owner, 1)
    assert isinstance(answer, Conflict)
    assert (answer.theirs, answer.base) == (theirs, prompt.versions.get(number=1))
    assert prompt.versions.count() == 2
    merged = versions.save(prompt, chat("my two and theirs"), "", owner, answer.theirs.number)
    assert isinstance(merged, PromptVersion)
    assert merged.number == 3


def test_saving_the_same_text_twice_from_one_form_is_one_version(make, owner):
    prompt = make(text="one")
    first = versions.save(prompt, chat("two"), "", owner, 1)
    assert versions.save(prompt, chat("two"), "", owner, 1) == first


@pytest.mark.parametrize("base", [0, 2, 99, -1])
def test_a_number_that_is_not_the_newest_is_a_conflict(make, owner, base):
    prompt = make(text="one")
    answer = versions.save(prompt, chat("two"), "", owner, base)
    assert isinstance(answer, Conflict)
    assert answer.base is None
    assert prompt.versions.count() == 1


def test_restoring_makes_a_new_version_that_says_the_old(make, save, owner):
    prompt = make(text="one")
    old = prompt.head
    save(prompt, "two")
    new = versions.restore(old, owner, 2)
    assert isinstance(new, PromptVersion)
    assert (new.number, new.body, new.digest) == (3, old.body, old.digest)
    assert "1" in new.note
    assert isinstance(versions.restore(old, owner, 2), PromptVersion)
    assert prompt.versions.count() == 3


def test_a_version_is_never_changed_not_even_by_hand(database, make):
    version = make().head
    version.note = "other"
    with pytest.raises(GuardError):
        version.save()
    with pytest.raises(GuardError):
        PromptVersion.objects.update(note="other")
    with pytest.raises(GuardError):
        PromptVersion.objects.bulk_update([version], ["note"])
    for change in ("note = 'other'", "body = '{}'", "number = 7", "digest = ''", "author_name = 'x'"):
        sql = f"UPDATE library_promptversion SET {change}"
        with (
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
    assert PromptVersion.objects.get().note == ""


def test_a_version_outlives_its_author(database, make, save, mate):
    prompt = make()
    save(prompt, "two", user=mate)
    mate.delete()
    assert [(one.number, one.written_by) for one in versions.timeline(prompt)] == [(2, ""), (1, "Olivia")]


def test_only_who_may_edit_saves(make, viewer, stranger):
    prompt = make()
    with pytest.raises(PermissionDenied):
        versions.save(prompt, chat("two"), "", viewer, 1)
    with pytest.raises(Http404):
        versions.save(prompt, chat("two"), "", stranger, 1)
    assert prompt.versions.count() == 1


def test_a_version_from_a_file_keeps_its_time_and_author(make, mate):
    prompt = make(text="one")
    at = datetime(2024, 5, 6, tzinfo=UTC)
    one = versions.adopt(prompt, chat("two"), "n", author=None, author_name="Grace", at=at)
    two = versions.adopt(prompt, chat("two"), "n", author=mate, author_name="", at=at)
    assert [(v.number, v.written_by, v.created_at) for v in (one, two)] == [
        (2, "Grace", at),
        (3, "Miguel", at),
    ]
    prompt.refresh_from_db()
    assert prompt.head == two


def test_a_prompt_without_versions_gets_its_first_from_a_file(team, owner):
    prompt = prompts.create(team, owner, kind="chat", title="Old", body=None)
    assert prompt.head is None
    with pytest.raises(Missing):
        versions.resolve(team, "old", user=owner)
    first = versions.adopt(
        prompt, chat("one"), "", author=None, author_name="", at=datetime(2024, 1, 1, tzinfo=UTC)
    )
    assert first.number == 1
    assert versions.resolve(team, "old", user=owner) == first


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], ""),
        ("text", ""),
        ({"n": float("nan")}, ""),
        ({"s": {1, 2}}, ""),
        ({"messages": [{"text": "x" * 2_000_001}]}, ""),
        ({"variables": [{"name": "1"}]}, "variables.0.name"),
    ],
)
def test_a_body_that_cannot_be_kept_is_refused_with_its_place(make, owner, body, path):
    prompt = make()
    with pytest.raises(Invalid) as error:
        versions.save(prompt, body, "", owner, 1)
    assert [complaint.path for complaint in error.value.complaints] == [path]
    assert prompt.versions.count() == 1


def test_a_body_that_is_nested_too_deep_is_refused(make, owner):
    deep: dict[str, object] = {}
    for _ in range(5_00):
        deep = {"values": deep}
    with pytest.raises(Invalid):
        versions.save(make(), deep, "", owner, 1)


def test_what_the_kind_complains_of_is_not_saved(make, owner, monkeypatch):
    kind = Kind(
        "chat",
        "Chat",
        "chat",
        lambda body: [Complaint("settings", "No.")],
        lambda version: "",
        kinds.sections,
    )
    prompt = make()
    monkeypatch.setattr(kinds, "_kinds", {"chat": kind})
    with pytest.raises(Invalid, match=r"No\."):
        versions.save(prompt, chat("two"), "", owner, 1)


def test_signs_that_no_database_takes_are_replaced(database, make, save):
    version = save(make(), "a\0b\ud800")
    again = PromptVersion.objects.get(pk=version.pk)
    assert again.body["messages"][0]["text"] == "a\u2400b\ufffd"
    assert again.digest == versions.digest_of(again.body)


def test_a_version_is_found_by_number_label_and_old_slug(make, save, team, owner, mate):
    prompt = make("Greeting", "one")
    first, second = prompt.head, save(prompt, "two")
    labels.point(prompt, "production", first, owner)
    prompts.rename(prompt, owner, title="Hello", about="", slug="hello")

    def found(slug, **how):
        return versions.resolve(team, slug, user=mate, **how)

    assert found("hello") == second
    assert found("hello", label="latest") == second
    assert found("hello", label="production") == first
    assert found("hello", number=1) == first
    assert found("greeting", label="production") == first
    for what, slug, how in (
        ("prompt", "nothing", {}),
        ("label", "hello", {"label": "staging"}),
        ("version", "hello", {"number": 3}),
        ("version", "hello", {"number": 0}),
        ("version", "hello", {"number": 10**30}),
    ):
        with pytest.raises(Missing) as error:
            found(slug, **how)
        assert error.value.what == what


def test_a_private_prompt_is_found_by_its_owner_alone(make, team, owner, mate):
    prompt = make(shared=False)
    assert versions.resolve(team, prompt.slug, user=owner) == prompt.head
    for user in (mate, None):
        with pytest.raises(Missing):
            versions.resolve(team, prompt.slug, user=user)


def test_a_team_token_finds_what_the_team_sees(make, team, stranger):
    prompt = make()
    assert versions.resolve(team, prompt.slug) == prompt.head
    with pytest.raises(Missing):
        versions.resolve(team, prompt.slug, user=stranger)


def test_a_timeline_costs_two_queries(make, save, owner, django_assert_num_queries):
    prompt = make()
    for text in "abc":
        labels.point(prompt, f"at-{text}", save(prompt, text), owner)
    with django_assert_num_queries(2):
        shown = [
            (one.number, one.written_by, [str(label) for label in one.labels.all()])
            for one in versions.timeline(prompt)
        ]
    assert shown[0] == (4, "Olivia", ["at-c"])


def test_a_prompt_that_was_deleted_meanwhile_takes_no_version(database, make, owner):
    prompt = make()
    rights_asked = versions.rights.need
    with pytest.MonkeyPatch.context() as patch:

        def need(*asked):
            standing = rights_asked(*asked)
            type(prompt).objects.filter(pk=prompt.pk).delete()
            return standing

        patch.setattr(versions.rights, "need", need)
        with pytest.raises(Invalid, match="deleted meanwhile"):
            versions.save(prompt, chat("two"), "", owner, 0)
    with pytest.raises(Invalid, match="deleted meanwhile"):
        versions.adopt(
            prompt, chat("two"), "", author=owner, author_name="", at=datetime(2024, 1, 1, tzinfo=UTC)
        )
    assert not PromptVersion.objects.exists()
