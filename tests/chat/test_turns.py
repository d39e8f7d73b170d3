"""What a person can do to a conversation, and what each act leaves behind."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import ledger, relay, turns
from playground.chat.models import Attachment, Conversation, Draft, Run, Turn
from playground.chat.thread import thread


@pytest.fixture
def key(owner: User, team: Team) -> GatewayKey:
    return GatewayKey.objects.create(owner=owner, team=team, label="Main", base_url="http://127.0.0.1:9")


@pytest.fixture
def settings_now(key: GatewayKey) -> dict[str, Any]:
    return {"family": "openai_chat", "model": "m-1", "key": str(key.pk), "system": "", "params": {}}


@pytest.fixture
def talk(owner: User, team: Team, settings_now: dict[str, Any]) -> Conversation:
    return turns.start(owner, team, id=uuid.uuid4(), settings=settings_now)


def ask(talk: Conversation, settings_now: dict[str, Any], text: str = "Why?", **more: Any) -> Run:
    talk.refresh_from_db()
    values: dict[str, Any] = {"turn_id": uuid.uuid4(), "text": text, "images": [], "settings": settings_now}
    return turns.ask(talk, talk.owner, **(values | more))


def answered(run: Run, text: str = "Because.") -> Turn:
    """The run as its end leaves it."""
    assert run.answer is not None
    Run.objects.filter(pk=run.pk).update(status="finished", ended_at=timezone.now())
    Turn.objects.filter(pk=run.answer_id).update(text=text, parts=[{"kind": "text", "text": text}])
    return Turn.objects.get(pk=run.answer_id)


def shown(talk: Conversation) -> list[str]:
    talk.refresh_from_db()
    return [row.turn.text for row in thread(talk).turns]


def test_a_question_is_written_with_its_empty_answer_and_a_queued_run(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    run = ask(talk, settings_now, "  What is a relay?\nIn short.")
    assert run.status == Run.Status.QUEUED
    assert run.asked.text == "  What is a relay?\nIn short."
    talk.refresh_from_db()
    assert talk.title == "What is a relay?"
    assert talk.leaf_id == run.answer_id


def test_the_same_submit_twice_asks_once(talk: Conversation, settings_now: dict[str, Any]) -> None:
    turn_id = uuid.uuid4()
    first = ask(talk, settings_now, turn_id=turn_id)
    assert ask(talk, settings_now, turn_id=turn_id) == first
    assert Run.objects.count() == 1


def test_asking_while_an_answer_is_written_is_refused(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    ask(talk, settings_now)
    with pytest.raises(turns.Refused, match="still being written"):
        ask(talk, settings_now)
    assert Turn.objects.count() == 2


def test_parameters_that_are_off_are_not_sent_and_zero_is(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    settings_now["params"] = {
        "temperature": {"on": True, "value": 0},
        "top_p": {"on": False, "value": 0.5},
        "seed": {"on": True, "value": 0},
    }
    assert ask(talk, settings_now).params["params"] == {"temperature": 0, "seed": 0}


@pytest.mark.parametrize("broken", [{"key": "nonsense"}, {"key": None}, {"family": "morse"}, {"model": "  "}])
def test_a_missing_choice_is_said_and_nothing_is_written(
    talk: Conversation, settings_now: dict[str, Any], broken: dict[str, Any]
) -> None:
    with pytest.raises(turns.Refused, match="Choose"):
        ask(talk, settings_now | broken)
    assert not Turn.objects.exists()


def test_a_key_of_somebody_else_or_a_revoked_one_is_refused(
    talk: Conversation, settings_now: dict[str, Any], stranger: User, key: GatewayKey
) -> None:
    theirs = GatewayKey.objects.create(owner=stranger, team=stranger.personal_team, label="T", base_url="x")
    with pytest.raises(turns.Refused, match="not yours"):
        ask(talk, settings_now | {"key": str(theirs.pk)})
    GatewayKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    with pytest.raises(turns.Refused, match="revoked"):
        ask(talk, settings_now)


def test_regenerating_keeps_the_first_answer_as_a_branch(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    first = answered(ask(talk, settings_now))
    second = answered(turns.regenerate(first, talk.owner, settings=settings_now), "In other words.")
    assert shown(talk) == ["Why?", "In other words."]
    talk.refresh_from_db()
    row = thread(talk).turns[-1]
    assert (row.position, row.count, row.previous, row.next) == (2, 2, first.pk, None)
    turns.show(first)
    assert shown(talk) == ["Why?", "Because."]
    assert second.parent_id == first.parent_id


def test_an_edited_question_is_asked_beside_the_first(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    first = ask(talk, settings_now)
    answered(first)
    again = turns.rerun(
        first.asked, talk.owner, turn_id=uuid.uuid4(), text="How?", images=[], settings=settings_now
    )
    answered(again, "Like so.")
    assert shown(talk) == ["How?", "Like so."]
    turns.show(first.asked)
    assert shown(talk) == ["Why?", "Because."]


def test_saving_an_edit_copies_what_followed_and_keeps_the_old_branch(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    first = ask(talk, settings_now)
    answer = answered(first)
    answered(ask(talk, settings_now, "And then?"), "Nothing.")
    turns.edit(answer, talk.owner, text="Because I say so.")
    assert shown(talk) == ["Why?", "Because I say so.", "And then?", "Nothing."]
    talk.refresh_from_db()
    rows = thread(talk).turns
    assert rows[1].turn.edited and rows[1].run == first
    turns.show(answer)
    assert shown(talk) == ["Why?", "Because.", "And then?", "Nothing."]


def test_continuing_begins_with_what_the_cut_answer_said(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    cut = answered(ask(talk, settings_now), "Because the")
    run = turns.go_on(cut, talk.owner, settings=settings_now)
    assert run.answer is not None
    assert run.answer.parts == [{"kind": "text", "text": "Because the"}]
    assert run.params["continues"] is True
    assert run.answer.parent_id == cut.parent_id


def test_an_image_of_another_team_cannot_be_attached(
    talk: Conversation, settings_now: dict[str, Any], stranger: User
) -> None:
    theirs = Attachment.objects.create(
        team=stranger.personal_team, sha256="0" * 64, media_type="image/png", size=1, file="x.png"
    )
    with pytest.raises(turns.Refused, match="no longer there"):
        ask(talk, settings_now, images=[{"attachment": str(theirs.pk)}])


def test_an_empty_message_is_refused_and_an_image_alone_is_not(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    with pytest.raises(turns.Refused, match="Write a message"):
        ask(talk, settings_now, " \n ")
    run = ask(talk, settings_now, "", images=[{"url": "https://pictures.example.test/a.png", "alt": "a"}])
    assert run.asked.parts == [{"kind": "image", "alt": "a", "url": "https://pictures.example.test/a.png"}]


def test_a_stop_is_won_by_the_first_who_asks(talk: Conversation, settings_now: dict[str, Any]) -> None:
    run = ask(talk, settings_now)
    assert turns.stop(run, timezone.now()) is True
    assert turns.stop(run, timezone.now()) is False


def test_a_run_that_nobody_took_yet_is_stopped_at_once_and_the_page_is_told(
    talk: Conversation, settings_now: dict[str, Any], monkeypatch: Any
) -> None:
    told: list[tuple[uuid.UUID, uuid.UUID]] = []
    monkeypatch.setattr(relay, "tell_ended", lambda *ended: told.append(ended))
    run = ask(talk, settings_now)
    turns.stop(run, timezone.now())
    run.refresh_from_db()
    assert run.status == Run.Status.STOPPED and run.ended_at is not None
    assert told == [(run.pk, talk.pk)]
    assert ledger.claim(run.pk, "me", timezone.now()) is None
    assert ask(talk, settings_now, "And now?").status == Run.Status.QUEUED


def test_too_many_answers_at_once_are_refused(
    talk: Conversation, settings_now: dict[str, Any], settings: Any, team: Team
) -> None:
    settings.MAX_RUNS_PER_USER = 1
    ask(talk, settings_now)
    other = turns.start(talk.owner, team, id=uuid.uuid4(), settings=settings_now)
    with pytest.raises(turns.Refused, match="1 of your answers"):
        ask(other, settings_now)


@pytest.mark.parametrize(("most", "room"), [(20, 15), (5, 3), (4, 3), (1, 0)])
def test_what_begins_in_the_background_leaves_a_fifth_of_the_places(
    talk: Conversation, settings_now: dict[str, Any], settings: Any, most: int, room: int, mate: User
) -> None:
    settings.MAX_RUNS_PER_USER = most
    assert turns.room(talk.owner) == turns.room(mate) == room + 1
    run = ask(talk, settings_now)
    assert (turns.room(talk.owner), turns.room(mate)) == (room, room + 1)
    turns.stop(run, timezone.now())
    assert turns.room(talk.owner) == room + 1


def test_sending_clears_the_draft_of_this_conversation_only(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    Draft.objects.create(user=talk.owner, conversation=talk, text="Wh")
    Draft.objects.create(user=talk.owner, conversation=None, text="another")
    ask(talk, settings_now)
    assert [draft.text for draft in Draft.objects.all()] == ["another"]


def test_starting_with_a_taken_id_gives_it_to_its_owner_only(
    talk: Conversation, settings_now: dict[str, Any], mate: User, team: Team
) -> None:
    assert turns.start(talk.owner, team, id=talk.pk, settings=settings_now) == talk
    with pytest.raises(turns.Refused, match="somebody else"):
        turns.start(mate, team, id=talk.pk, settings=settings_now)


def test_a_long_conversation_shows_its_end_and_then_what_came_before(
    talk: Conversation, settings_now: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        answered(ask(talk, settings_now, f"q{number}"), f"a{number}")
    talk.refresh_from_db()
    with django_assert_max_num_queries(4):
        page = thread(talk, last=10)
    assert [row.turn.text for row in page.turns][-2:] == ["q29", "a29"]
    assert page.earlier and len(page.turns) == 10
    before = thread(talk, last=10, before=page.turns[0].turn.pk)
    assert [row.turn.text for row in before.turns][-1] == "a24"


def test_a_run_that_ends_while_its_page_is_made_is_not_shown_as_finished_without_its_text(
    talk: Conversation, settings_now: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask(talk, settings_now)
    talk.refresh_from_db()
    turns_read = Turn.objects.filter

    def ends_first(*args: Any, **wanted: Any) -> Any:
        if set(wanted) == {"pk__in"}:
            answered(run)
        return turns_read(*args, **wanted)

    monkeypatch.setattr(Turn.objects, "filter", ends_first)
    row = thread(talk).turns[-1]
    assert row.turn.text == "Because."
    assert row.run is not None and row.run.live


def test_deleting_takes_everything_and_asks_the_running_answer_to_stop(
    talk: Conversation, settings_now: dict[str, Any]
) -> None:
    ask(talk, settings_now)
    turns.delete(talk, talk.owner)
    assert not Conversation.objects.exists() and not Run.objects.exists() and not Turn.objects.exists()
