"""Finding conversations: one contract, kept by SQLite and by PostgreSQL."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Membership, Role, Team, User
from playground.chat import search_index
from playground.chat.models import Conversation, Turn
from playground.chat.search import Hit, search


@pytest.fixture
def me(database: str) -> User:
    return User.objects.create_user("me@example.com", name="Me")


@pytest.fixture
def other(database: str) -> User:
    return User.objects.create_user("other@example.com", name="Other")


@pytest.fixture
def research(me: User, other: User) -> Team:
    team = Team.objects.create(name="Research", slug="research")
    for user in (me, other):
        Membership.objects.create(team=team, user=user, role=Role.MEMBER)
    return team


def talk(owner: User, team: Team, title: str = "", *said: str, **fields: object) -> Conversation:
    conversation = Conversation.objects.create(owner=owner, team=team, title=title, **fields)
    for text in said:
        Turn.objects.create(conversation=conversation, role=Turn.Role.USER, text=text)
    return conversation


def titles(hits: list[Hit]) -> list[str]:
    return [hit.conversation.title for hit in hits]


def matched(hit: Hit) -> list[str]:
    return [piece for piece, flagged in hit.excerpt if flagged]


def test_a_word_of_a_turn_finds_its_conversation_and_the_turn(me: User, research: Team) -> None:
    wanted = talk(me, research, "Storage", "How do I vacuum the database?")
    talk(me, research, "Cooking", "How do I fry an egg?")
    (hit,) = search(me, research, "vacuum")
    assert hit.conversation == wanted
    assert hit.turn_id == wanted.turns.get().pk
    assert matched(hit) == ["vacuum"]
    assert "".join(piece for piece, _ in hit.excerpt) == "How do I vacuum the database?"


def test_a_word_of_the_title_comes_before_the_same_word_in_a_text(me: User, research: Team) -> None:
    old = timezone.now() - dt.timedelta(days=3)
    talk(me, research, "Vacuum plans", updated_at=old)
    talk(me, research, "Storage", "vacuum it")
    hits = search(me, research, "VACUUM")
    assert titles(hits) == ["Vacuum plans", "Storage"]
    assert hits[0].turn_id is None
    assert matched(hits[0]) == ["Vacuum"]


def test_newest_conversations_come_first_and_only_as_many_as_asked_for(me: User, research: Team) -> None:
    now = timezone.now()
    for days in (2, 0, 1):
        talk(me, research, f"{days} days ago", "needle", updated_at=now - dt.timedelta(days=days))
    assert titles(search(me, research, "needle", limit=2)) == ["0 days ago", "1 days ago"]


def test_a_conversation_is_listed_once_with_its_newest_matching_turn(me: User, research: Team) -> None:
    conversation = talk(me, research, "Twice", "needle one", "needle two")
    last = conversation.turns.get(text="needle two")
    Turn.objects.exclude(pk=last.pk).update(created_at=timezone.now() - dt.timedelta(hours=1))
    (hit,) = search(me, research, "needle")
    assert hit.turn_id == last.pk


def test_all_words_have_to_be_there_and_the_last_one_may_be_a_beginning(me: User, research: Team) -> None:
    talk(me, research, "Both", "the quick brown foxes")
    talk(me, research, "One", "the quick red hen")
    assert titles(search(me, research, "quick fox")) == ["Both"]
    assert titles(search(me, research, "fox quick")) == []
    (hit,) = search(me, research, "quick fox")
    assert matched(hit) == ["quick", "foxes"]


def test_names_with_dots_dashes_and_underscores_are_found_by_any_of_their_words(
    me: User, research: Team
) -> None:
    talk(me, research, "Names", "call playground.chat_turns with gpt-4o-mini at https://example.com/a/b?c=d")
    for words in ("turns", "chat_turns", "playground.chat", "gpt-4o", "mini", "4o", "example", "a/b"):
        assert titles(search(me, research, words)) == ["Names"], words


def test_text_without_spaces_is_found_in_the_middle(me: User, research: Team) -> None:
    talk(me, research, "Chinese", "今天天气很好，我们去公园。")
    (hit,) = search(me, research, "天气")
    assert hit.conversation.title == "Chinese"
    assert matched(hit) == ["天气"]


def test_signs_alone_are_looked_for_as_they_stand(me: User, research: Team) -> None:
    talk(me, research, "Pointer", "what does p->next mean")
    talk(me, research, "Percent", "it is 100% sure")
    assert titles(search(me, research, "->")) == ["Pointer"]
    assert titles(search(me, research, "%")) == ["Percent"]


def test_edited_renamed_and_deleted_text_is_no_longer_found(me: User, research: Team) -> None:
    conversation = talk(me, research, "Before", "walrus", "penguin")
    Conversation.objects.filter(pk=conversation.pk).update(title="After")
    Turn.objects.filter(text="walrus").update(text="otter")
    Turn.objects.filter(text="penguin").delete()
    assert [bool(search(me, research, word)) for word in ("before", "walrus", "penguin")] == [False] * 3
    assert [bool(search(me, research, word)) for word in ("after", "otter")] == [True] * 2
    conversation.delete()
    assert not search(me, research, "otter")


def test_an_answer_is_found_once_its_text_is_saved(me: User, research: Team) -> None:
    conversation = talk(me, research, "Live", "")
    assert not search(me, research, "platypus")
    conversation.turns.update(text="a platypus", parts=[{"kind": "text", "text": "a platypus"}])
    assert titles(search(me, research, "platypus")) == ["Live"]


def test_only_own_and_shared_conversations_of_this_team_are_found(
    me: User, other: User, research: Team
) -> None:
    talk(other, research, "Private", "needle")
    talk(other, research, "Shared", "needle", shared=True)
    talk(me, me.personal_team, "Elsewhere", "needle", shared=True)
    talk(me, research, "Archived", "needle", archived_at=timezone.now())
    talk(me, research, "Mine", "needle")
    assert sorted(titles(search(me, research, "needle"))) == ["Mine", "Shared"]
    talk(other, research, "针头 private")
    talk(other, research, "针头 shared", shared=True)
    assert titles(search(me, research, "针头")) == ["针头 shared"]


def test_an_excerpt_is_short_plain_text_around_the_match(me: User, research: Team) -> None:
    talk(me, research, "Long", "<b>x</b> " * 500 + "the needle is here\n\nindeed " + "word " * 5000)
    (hit,) = search(me, research, "needle")
    text = "".join(piece for piece, _ in hit.excerpt)
    assert len(text) < 200
    assert text.startswith("…")
    assert text.endswith("…")
    assert "the needle is here indeed word" in text
    assert "<b>" in text


@pytest.mark.parametrize(
    "words",
    ['"', "'", "AND", "a OR", "NOT", "foo:bar", "(", "*", "a*", "NEAR(", "^x", "\\", "a\x00b", "\x00",
     "\ud800", "-a", "a & b | !c", ":*", "{}", "%s", "%(match)s", "नमस्ते", "é", "🙂", " ", "", "x" * 5000,
     "a " * 500, "'; DROP TABLE chat_turn; --", "→ a", "' '", "ａ", "½ ²"],
)  # fmt: skip
def test_whatever_is_typed_is_no_error(me: User, research: Team, words: str) -> None:
    talk(me, research, "Anything", "some text")
    assert search(me, research, words) is not None


@pytest.mark.parametrize("words", ["AND", "foo:bar", 'say "hi"', "नमस्ते", "café", "naïve"])
def test_what_was_said_is_found_as_it_was_said(me: User, research: Team, words: str) -> None:
    talk(me, research, "Quoted", f"before {words} after")
    assert titles(search(me, research, words)) == ["Quoted"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=30))
def test_no_text_is_an_error(me: User, research: Team, words: str) -> None:
    assert search(me, research, words) == []


def test_a_text_of_megabytes_with_wide_letters_can_be_saved_and_found(me: User, research: Team) -> None:
    wide = "".join(chr(0x20000 + n % 40_000) + (" " if n % 7 == 0 else "") for n in range(400_000))
    talk(me, research, "Wide", "needle " + wide)
    assert titles(search(me, research, "needle")) == ["Wide"]


@pytest.mark.django_db(transaction=True)
def test_the_index_can_be_made_anew_for_what_is_there() -> None:
    me = User.objects.create_user("me@example.com", name="Me")
    talk(me, me.personal_team, "Gnu title", "needle")
    with connection.schema_editor() as editor:
        search_index.install(None, editor)
        search_index.install(None, editor)
    assert titles(search(me, me.personal_team, "needle")) == ["Gnu title"]
    assert titles(search(me, me.personal_team, "gnu")) == ["Gnu title"]


def test_no_migration_has_lost_the_triggers(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'chat_search%%'")
        names = {name for (name,) in cursor.fetchall()}
    assert names == {
        f"chat_search_{column}_{when}" for column in ("text", "title") for when in ("in", "new", "out")
    }


def test_search_takes_three_queries_however_many_hits(db: None, django_assert_num_queries: object) -> None:
    me = User.objects.create_user("me@example.com", name="Me")
    for number in range(40):
        talk(me, me.personal_team, f"Talk {number}", "needle")
    with django_assert_num_queries(3):  # type: ignore[operator] # a fixture without a type
        assert len(search(me, me.personal_team, "needle")) == 40
