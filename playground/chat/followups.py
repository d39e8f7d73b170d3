"""What comes after an answer that wants something: results for its tool calls, or a better fitting one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from playground.chat import attempts, fallback, turns
from playground.chat.models import Run, Turn
from playground.chat.origins import prompt_behind
from playground.chat.rounds import calls_in, result

LONGEST_RESULT = 200_000


def calls_of(answer: Turn) -> list[dict[str, Any]]:
    """The tool calls of an answer, in order: {"call_id", "name", "text"}."""
    return calls_in(answer.parts)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One call of an answer and the result that stands in its field."""

    at: int
    call_id: str
    name: str
    text: str
    failed: bool
    saved: bool
    """Whether the text is the one kept with the tool."""


def waits(answer: Turn, run: Run | None) -> bool:
    """Whether the answer is the end of the shown branch and wants results for its calls."""
    return (
        run is not None
        and run.status == Run.Status.FINISHED
        and run.reason == "tool_calls"
        and answer.conversation.leaf_id == answer.pk
        and bool(calls_of(answer))
    )


def result_rows(answer: Turn, given: Turn | None = None) -> list[ResultRow]:
    """The fields for an answer's calls: as `given` before, else with the saved result of the tool."""
    tools = (answer.conversation.settings.get("tools") or {}).get("list") or []
    mocks = {tool["name"]: tool["mock"] for tool in tools if tool.get("mock")}
    before = {part["call_id"]: part for part in given.parts} if given is not None else {}
    rows = []
    for at, call in enumerate(calls_of(answer)):
        part = before.get(call["call_id"])
        saved = part is None and call["name"] in mocks
        text = part["text"] if part is not None else mocks.get(call["name"], "")
        failed = part is not None and bool(part.get("failed"))
        rows.append(ResultRow(at, call["call_id"], call["name"], text, failed, saved))
    return rows


def give(
    answer: Turn,
    user: User,
    *,
    turn_id: uuid.UUID,
    results: Mapping[str, str],
    failed: frozenset[str],
    settings: dict[str, Any],
) -> Run:
    """Answer every call of an answer and let the model run on. `results` is by call id; `failed` holds the
    ids of those calls whose text is an error. Given twice with one `turn_id`, it is asked once.
    """
    calls = calls_of(answer)
    if not calls:
        raise turns.Refused("This answer calls no tool.")
    for call in calls:
        if len(results.get(call["call_id"], "")) > LONGEST_RESULT:
            raise turns.Refused(f"A result may have {LONGEST_RESULT:,} characters at most.")
    parts = [result(call, results.get(call["call_id"], ""), call["call_id"] in failed) for call in calls]
    return _ask_below(answer, user, settings, Turn(pk=turn_id, role=Turn.Role.TOOL, parts=parts))


def repair(answer: Turn, user: User, *, turn_id: uuid.UUID, settings: dict[str, Any]) -> Run:
    """Ask for the answer again with what was wrong about it."""
    run = Run.objects.filter(answer=answer).first()
    errors = (run.verdict or {}).get("errors", []) if run is not None else []
    if not errors:
        raise turns.Refused("This answer has nothing to repair.")
    rows = [f"- {error['pointer'] or 'the whole answer'}: {error['message']}" for error in errors]
    text = "\n\n".join(
        (
            "Your last answer does not fit the JSON Schema it was to fit:",
            "\n".join(rows),
            "Answer again with the corrected JSON alone: no code fence, no other words.",
        )
    )
    asked = Turn(pk=turn_id, role=Turn.Role.USER, parts=[{"kind": "text", "text": text}], text=text)
    return _ask_below(answer, user, settings, asked)


def fall_back(answer: Turn, user: User, *, settings: dict[str, Any]) -> Run:
    """Ask the fallback for what its model failed at, because the person says so; the settings stay."""
    run = Run.objects.select_related("prompt_version__prompt").filter(answer=answer).first()
    model = fallback.offered(run, answer.text) if run is not None else ""
    if run is None or not model or answer.parent is None:
        raise turns.Refused("There is no fallback to ask here.")
    other = settings.get("fallback") or {}
    now = (settings.get("family"), settings.get("model"), other.get("on") and other.get("model"))
    if now != (run.family, run.model, model):
        raise turns.Refused("Model or fallback were changed since. Try again with what is chosen now.")
    failed = attempts.earlier(attempts.handed_over(run.attempts[-1], run, model))
    prompt = prompt_behind(asked=answer.parent)
    with transaction.atomic():
        return turns.queue(answer.conversation, user, answer.parent, settings, prompt=prompt, failed=failed)


def _ask_below(answer: Turn, user: User, settings: dict[str, Any], asked: Turn) -> Run:
    """Keep `asked` below the answer and queue its run. A draft in the composer stays what it is."""
    conversation = answer.conversation
    prompt = prompt_behind(answer=answer) if asked.role == Turn.Role.TOOL else None
    if earlier := Run.objects.filter(asked_id=asked.pk, conversation=conversation).first():
        return earlier
    asked.conversation, asked.parent = conversation, answer
    try:
        with transaction.atomic():
            asked.save(force_insert=True)
            return turns.queue(conversation, user, asked, settings, prompt=prompt)
    except IntegrityError:
        # Two equal submits raced; the other one's transaction won.
        if run := Run.objects.filter(asked_id=asked.pk, conversation=conversation).first():
            return run
        raise turns.Refused("This was already sent elsewhere. Reload the page.") from None
