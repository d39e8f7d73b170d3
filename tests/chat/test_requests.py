"""What of a conversation goes up: parts, native content, pictures in their places, and what stays behind."""

from __future__ import annotations

import base64
import io
import uuid
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from accounts.models import GatewayKey, Team, User
from playground.chat import attachments, followups, ledger, made, requests, rounds, turns
from playground.chat.models import Conversation, Run, Turn
from playground.gateway.events import MediaReceived, Usage
from playground.gateway.request import ImagePart, TextPart, ToolCallPart, ToolResultPart
from tests._servers import cast

NATIVE = '[{"type":"thinking","thinking":"Hm","signature":"c2ln"},{"type":"text","text":"Because."}]'


@pytest.fixture
def key(owner: User, team: Team, settings: Any) -> GatewayKey:
    """A sealed key of an address that is listed; nobody calls it."""
    settings.GATEWAY_URLS = ["https://gateway.example.com"]
    return cast.seal_key(owner, team, label="Main", base_url=settings.GATEWAY_URLS[0], secret="sk-1234567890")


@pytest.fixture
def talk(owner: User, team: Team, chosen: dict[str, Any]) -> Conversation:
    return turns.start(owner, team, id=uuid.uuid4(), settings=chosen)


def ask(talk: Conversation, settings: dict[str, Any], text: str = "Why?") -> Run:
    talk.refresh_from_db()
    return turns.ask(talk, talk.owner, turn_id=uuid.uuid4(), text=text, images=[], settings=settings)


def finish(run: Run, *parts: dict[str, Any], reason: str = "stop", native: str = "") -> Turn:
    """End a run as its driver does, through the ledger."""
    claim = ledger.claim(run.pk, "here", timezone.now())
    assert claim is not None
    outcome = ledger.Outcome("finished", list(parts), Usage(), reason=reason, native=native)
    assert ledger.finish(claim, "here", outcome, timezone.now(), lambda run: None)
    return Turn.objects.get(pk=run.answer_id)


def text(said: str) -> dict[str, Any]:
    return {"kind": "text", "text": said}


def call(call_id: str, name: str = "weather", arguments: str = '{"city":"Rome"}') -> dict[str, Any]:
    return {"kind": "tool_call", "text": arguments, "name": name, "call_id": call_id}


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "PNG")
    return out.getvalue()


def test_native_content_goes_back_to_the_model_that_made_it_and_to_no_other(talk, chosen):
    finish(ask(talk, chosen), {"kind": "thinking", "text": "Hm"}, text("Because."), native=NATIVE)
    same = requests.build(ask(talk, chosen, "And?"))
    assert [message.native for message in same.request.messages] == ["", NATIVE, ""]
    assert same.losses == ()
    finish(Run.objects.latest("created_at"), text("So."))
    other = requests.build(ask(talk, chosen | {"model": "m-2"}, "Well?"))
    assert [message.native for message in other.request.messages] == [""] * 5
    assert other.request.messages[1].parts == (TextPart("Because."),)
    assert other.losses == ("The reasoning of the answer stays behind: only OpenAI chat, m-1 can read it.",)


def test_what_was_not_sent_is_kept_with_the_run(talk, chosen):
    finish(ask(talk, chosen), {"kind": "thinking", "text": "Hm"}, text("Because."), native=NATIVE)
    run = ask(talk, chosen | {"model": "m-2"}, "And?")
    finish(run, text("So."))
    run.refresh_from_db()
    assert run.losses == ["The reasoning of the answer stays behind: only OpenAI chat, m-1 can read it."]


def test_a_refused_answer_is_left_out_of_what_is_asked_next(talk, chosen):
    finish(ask(talk, chosen), text("I will"), reason="refused")
    built = requests.build(ask(talk, chosen, "Then something else."))
    assert [message.role for message in built.request.messages] == ["user", "user"]
    assert built.losses == ("The refused answer is left out.",)


def test_a_call_nobody_answered_gets_a_result_that_says_so(talk, chosen):
    finish(ask(talk, chosen), call("c1"), call("c2", "time"), reason="tool_calls")
    built = requests.build(ask(talk, chosen, "Never mind."))
    asked, calls, results, question = built.request.messages
    assert [part.name for part in calls.parts] == ["weather", "time"]
    assert [(part.call_id, part.failed) for part in results.parts] == [("c1", True), ("c2", True)]
    assert question.parts == (TextPart("Never mind."),)
    assert len(built.losses) == 2


def test_results_given_by_hand_go_up_after_their_calls(talk, owner, chosen):
    answer = finish(ask(talk, chosen), call("c1"), call("c2", "time"), reason="tool_calls")
    run = followups.give(
        answer,
        owner,
        turn_id=uuid.uuid4(),
        results={"c1": "sunny", "c2": "no clock"},
        failed=frozenset({"c2"}),
        settings=chosen,
    )
    *_, calls, results = requests.build(run).request.messages
    assert calls.parts[0] == ToolCallPart("c1", "weather", '{"city":"Rome"}')
    assert results.role == "tool"
    assert results.parts == (
        ToolResultPart("c1", "sunny", "weather"),
        ToolResultPart("c2", "no clock", "time", failed=True),
    )


def test_results_sent_twice_begin_one_run(talk, owner, chosen):
    answer = finish(ask(talk, chosen), call("c1"), reason="tool_calls")
    given: dict[str, Any] = {
        "turn_id": uuid.uuid4(),
        "results": {"c1": "1"},
        "failed": frozenset(),
        "settings": chosen,
    }
    first = followups.give(answer, owner, **given)
    assert followups.give(answer, owner, **given) == first
    assert Run.objects.count() == 2


def tools(*, mock: str = "sunny", auto: bool = True) -> dict[str, Any]:
    row = {"name": "weather", "description": "", "parameters": "{}", "mock": mock}
    return {"tools": {"on": True, "choice": "auto", "auto": auto, "list": [row]}}


def test_with_a_saved_result_for_every_call_the_next_round_begins_by_itself(talk, chosen):
    finish(ask(talk, chosen | tools()), call("c1"), reason="tool_calls")
    following = Run.objects.latest("created_at")
    assert following.status == Run.Status.QUEUED
    assert following.asked.role == Turn.Role.TOOL
    assert following.asked.parts == [
        {"kind": "tool_result", "call_id": "c1", "name": "weather", "text": "sunny", "saved": True}
    ]
    talk.refresh_from_db()
    assert talk.leaf_id == following.answer_id


@pytest.mark.parametrize("offered", [tools(auto=False), tools(mock="")], ids=["by hand", "nothing saved"])
def test_without_saved_results_or_consent_nothing_runs_on(talk, chosen, offered):
    finish(ask(talk, chosen | offered), call("c1"), reason="tool_calls")
    assert Run.objects.count() == 1


def test_rounds_that_lead_nowhere_end_by_themselves(talk, chosen):
    run = ask(talk, chosen | tools())
    for round_ in range(rounds.MOST_ROUNDS + 1):
        finish(run, call(f"c{round_}"), reason="tool_calls")
        run = Run.objects.latest("created_at")
    assert run.status == Run.Status.FINISHED
    assert Run.objects.count() == rounds.MOST_ROUNDS + 1


def test_a_picture_a_model_made_is_kept_as_a_file_and_goes_back_byte_for_byte(talk, chosen):
    run = ask(talk, chosen)
    data = base64.b64encode(png()).decode()
    row = made.keep(MediaReceived(0, "image/png", data), run)
    native = f'[{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}]'
    kept = made.without_pictures(native, [(data, row["attachment"])])
    assert data not in kept
    answer = finish(run, {"kind": "image", "text": ""} | row, native=kept)
    assert answer.native == kept
    built = requests.build(ask(talk, chosen, "Brighter."))
    assert built.request.messages[1].native == native
    assert ImagePart(media_type="image/png", data_b64=data) in built.request.messages[1].parts


def test_something_else_than_a_picture_is_said_and_not_kept(talk, chosen):
    row = made.keep(MediaReceived(0, "audio/wav", base64.b64encode(b"RIFF....").decode()), ask(talk, chosen))
    assert "audio/wav" in row["text"]
    assert "attachment" not in row


def test_native_content_whose_picture_is_gone_is_not_replayed(talk, chosen):
    finish(ask(talk, chosen), text("Here."), native=f'[{{"data":"{requests.MARK}{uuid.uuid4()}"}}]')
    built = requests.build(ask(talk, chosen, "Again."))
    assert built.request.messages[1].native == ""


def test_a_pause_is_taken_up_with_the_content_as_it_came_and_both_halves_are_kept(talk, owner, chosen):
    answer = finish(ask(talk, chosen), text("Half"), reason="paused", native='[{"a":1}]')
    run = turns.go_on(answer, owner, settings=chosen)
    assert requests.build(run).request.messages[-1].native == '[{"a":1}]'
    whole = finish(run, text("Half"), text(" and half"), native='[{"b":2.50}]')
    assert whole.native == '[{"a":1},{"b":2.50}]'


def test_a_pause_is_taken_up_by_the_model_that_paused_only(talk, owner, chosen):
    answer = finish(ask(talk, chosen), text("Half"), reason="paused", native='[{"a":1}]')
    with pytest.raises(turns.Refused, match="Only the model that paused"):
        turns.go_on(answer, owner, settings=chosen | {"model": "m-2"})


def test_an_answer_that_was_cut_and_continued_has_no_native_content(talk, owner, chosen):
    answer = finish(ask(talk, chosen), text("Half"), reason="length", native='[{"a":1}]')
    whole = finish(turns.go_on(answer, owner, settings=chosen), text("Half and half"), native='[{"b":2}]')
    assert whole.native is None


def test_what_was_changed_by_hand_is_no_longer_native(talk, owner, chosen):
    answer = finish(ask(talk, chosen), text("Because."), native=NATIVE)
    question = turns.edit(answer.parent, owner, text="Why not?")
    below = Turn.objects.get(parent=question)
    assert (below.native, below.native_for) == (NATIVE, "openai_chat m-1")
    assert turns.edit(below, owner, text="Otherwise.").native is None


SCHEMA = {"schema": {"on": True, "name": "city", "strict": True, "text": '{"required":["city"]}'}}


def test_an_answer_under_a_schema_is_judged(talk, chosen):
    run = ask(talk, chosen | SCHEMA)
    assert requests.build(run).request.schema.name == "city"
    finish(run, text('{"town":"Rome"}'))
    run.refresh_from_db()
    assert run.verdict["fits"] is False
    assert run.verdict["errors"] == [{"pointer": "", "message": "'city' is a required property"}]


def test_a_repair_asks_below_the_answer_with_what_was_wrong(talk, owner, chosen):
    run = ask(talk, chosen | SCHEMA)
    answer = finish(run, text('{"town":"Rome"}'))
    repaired = followups.repair(answer, owner, turn_id=uuid.uuid4(), settings=chosen | SCHEMA)
    assert repaired.asked.parent_id == answer.pk
    assert "'city' is a required property" in repaired.asked.text


def test_an_answer_that_fits_has_nothing_to_repair(talk, owner, chosen):
    answer = finish(ask(talk, chosen | SCHEMA), text('```json\n{"city":"Rome"}\n```'))
    with pytest.raises(turns.Refused, match="nothing to repair"):
        followups.repair(answer, owner, turn_id=uuid.uuid4(), settings=chosen)


@pytest.mark.parametrize(
    ("address", "media_type"),
    [
        ("https://a.example/film.mp4", "video/mp4"),
        ("https://a.example/paper.pdf?v=2", "application/pdf"),
        ("https://www.youtube.com/watch?v=abc", ""),
        ("https://a.example/picture.png", None),
        ("https://a.example/unknown", None),
        ("", None),
    ],
)
def test_an_address_is_a_file_when_its_name_says_so(address, media_type):
    assert attachments.media_type_of(address) == media_type
