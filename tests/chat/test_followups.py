"""What comes after an answer that wants something: results by hand, saved results, a repair."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Team, User
from playground.chat import followups, rounds, turns
from playground.chat.models import Conversation, Draft, Run, Turn
from tests._servers.goods import finish

TOOLS = [
    {"name": "weather", "description": "", "parameters": "{}", "mock": "sunny"},
    {"name": "clock", "description": "", "parameters": "{}", "mock": ""},
]


@pytest.fixture
def calling(owner: User, team: Team, chosen: dict[str, Any]) -> Callable[..., Turn]:
    """`calling("weather", …)`: a finished answer that calls these tools, the end of a conversation."""

    def make(*names: str, **settings: Any) -> Turn:
        wanted = chosen | {"tools": {"on": True, "choice": "auto", "auto": False, "list": TOOLS} | settings}
        talk = turns.start(owner, team, id=uuid.uuid4(), settings=wanted)
        run = turns.ask(talk, owner, turn_id=uuid.uuid4(), text="Why?", images=[], settings=wanted)
        answer = finish(run, text="", reason="tool_calls")
        answer.parts = [
            {"kind": "tool_call", "text": "{}", "name": name, "call_id": f"call-{at}"}
            for at, name in enumerate(names)
        ]
        answer.save()
        return answer

    return make


def give(answer: Turn, user: User, turn_id: uuid.UUID | None = None, **results: str) -> Run:
    return followups.give(
        answer,
        user,
        turn_id=turn_id or uuid.uuid4(),
        results={name.replace("_", "-"): text for name, text in results.items()},
        failed=frozenset({"call-1"}),
        settings=answer.conversation.settings,
    )


def run_on(answer: Turn) -> Run | None:
    with transaction.atomic():
        return rounds.run_on(Run.objects.get(answer=answer), answer.parts)


def test_every_call_gets_a_result_and_the_model_runs_on(owner: User, calling: Callable[..., Turn]) -> None:
    answer = calling("weather", "clock", "weather")
    run = give(answer, owner, call_0="12 degrees", call_1="broken", call_2="")
    assert run.status == "queued"
    assert run.asked.parent == answer
    assert run.asked.role == "tool"
    assert [(part["name"], part["text"], part.get("failed")) for part in run.asked.parts] == [
        ("weather", "12 degrees", None),
        ("clock", "broken", True),
        ("weather", "", None),
    ]
    assert Conversation.objects.get().leaf == run.answer


def test_results_sent_twice_are_given_once(owner: User, calling: Callable[..., Turn]) -> None:
    answer, turn_id = calling("weather"), uuid.uuid4()
    assert give(answer, owner, turn_id, call_0="a") == give(answer, owner, turn_id, call_0="b")
    assert Turn.objects.filter(role="tool").count() == 1


def test_other_results_are_a_branch_beside_the_first(owner: User, calling: Callable[..., Turn]) -> None:
    answer = calling("weather")
    finish(give(answer, owner, call_0="a"))
    give(answer, owner, call_0="b")
    assert [turn.parts[0]["text"] for turn in answer.children.order_by("created_at")] == ["a", "b"]


def test_an_answer_without_calls_takes_no_results(owner: User, answer: Turn) -> None:
    with pytest.raises(turns.Refused, match="calls no tool"):
        give(answer, owner)


def test_a_result_without_end_is_refused(owner: User, calling: Callable[..., Turn]) -> None:
    with pytest.raises(turns.Refused, match="200,000 characters"):
        give(calling("weather"), owner, call_0="x" * 200_001)
    assert not Turn.objects.filter(role="tool").exists()


def test_an_id_of_another_turn_is_not_taken_for_the_results(
    owner: User, calling: Callable[..., Turn]
) -> None:
    answer = calling("weather")
    with pytest.raises(turns.Refused, match="already sent elsewhere"):
        give(answer, owner, answer.pk, call_0="a")


def test_the_fields_begin_with_the_saved_results(calling: Callable[..., Turn]) -> None:
    rows = followups.result_rows(calling("weather", "clock", "unknown"))
    assert [(row.name, row.text, row.saved) for row in rows] == [
        ("weather", "sunny", True),
        ("clock", "", False),
        ("unknown", "", False),
    ]


def test_the_fields_hold_what_another_turn_gave(owner: User, calling: Callable[..., Turn]) -> None:
    answer = calling("weather", "clock")
    given = give(answer, owner, call_0="12 degrees", call_1="late").asked
    rows = followups.result_rows(answer, given)
    assert [(row.text, row.failed, row.saved) for row in rows] == [
        ("12 degrees", False, False),
        ("late", True, False),
    ]


def test_an_answer_waits_while_it_is_the_end_and_finished_with_calls(
    owner: User, calling: Callable[..., Turn]
) -> None:
    answer = calling("weather")
    run = Run.objects.get(answer=answer)
    answer.conversation.refresh_from_db()
    assert followups.waits(answer, run)
    Run.objects.update(status="stopped")
    run.refresh_from_db()
    assert not followups.waits(answer, run)
    Run.objects.update(status="finished")
    give(answer, owner, call_0="a")
    answer.conversation.refresh_from_db()
    run.refresh_from_db()
    assert not followups.waits(answer, run)


def test_saved_results_begin_the_next_round(calling: Callable[..., Turn]) -> None:
    answer = calling("weather", "weather", auto=True)
    run = run_on(answer)
    assert run == Run.objects.get(status="queued")
    assert [part["text"] for part in run.asked.parts] == ["sunny", "sunny"]
    assert all(part["saved"] for part in run.asked.parts)
    assert run.params["rounds"] == 1
    assert Conversation.objects.get().leaf == run.answer


def test_a_call_without_a_saved_result_waits_for_a_person(calling: Callable[..., Turn]) -> None:
    answer = calling("weather", "clock", auto=True)
    run_on(answer)
    assert not Run.objects.filter(status="queued").exists()
    assert Conversation.objects.get().leaf == answer


def test_without_the_switch_nothing_goes_on_by_itself(calling: Callable[..., Turn]) -> None:
    run_on(calling("weather"))
    assert not Run.objects.filter(status="queued").exists()


def test_a_loop_of_saved_results_ends(calling: Callable[..., Turn]) -> None:
    answer = calling("weather", auto=True)
    Run.objects.update(params=Run.objects.get().params | {"rounds": rounds.MOST_ROUNDS})
    run_on(answer)
    assert not Run.objects.filter(status="queued").exists()


def test_whoever_looks_at_another_branch_stays_there(calling: Callable[..., Turn]) -> None:
    answer = calling("weather", auto=True)
    Conversation.objects.update(leaf=answer.parent)
    run_on(answer)
    assert Conversation.objects.get().leaf == answer.parent
    assert Run.objects.filter(status="queued").count() == 1


def test_a_repair_asks_again_with_what_was_wrong_and_keeps_the_draft(
    owner: User, answer: Turn, chosen: dict[str, Any]
) -> None:
    Draft.objects.create(user=owner, conversation=answer.conversation, text="half a thought")
    errors = [{"pointer": "/a/0", "message": "1 is not a string"}, {"pointer": "", "message": "too short"}]
    Run.objects.update(verdict={"fits": False, "errors": errors, "unchecked": []})
    run = followups.repair(answer, owner, turn_id=uuid.uuid4(), settings=chosen)
    assert run.asked.role == "user"
    assert "- /a/0: 1 is not a string\n- the whole answer: too short" in run.asked.text
    assert run.asked.parts == [{"kind": "text", "text": run.asked.text}]
    assert Draft.objects.get().text == "half a thought"


@pytest.mark.parametrize("verdict", [None, {"fits": True, "errors": [], "unchecked": []}])
def test_what_fits_needs_no_repair(
    owner: User, answer: Turn, chosen: dict[str, Any], verdict: dict[str, Any] | None
) -> None:
    Run.objects.update(verdict=verdict)
    with pytest.raises(turns.Refused, match="nothing to repair"):
        followups.repair(answer, owner, turn_id=uuid.uuid4(), settings=chosen)
