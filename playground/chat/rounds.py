"""Rounds of tool calls that saved results answer, without a person in between."""

from __future__ import annotations

from typing import Any

from playground.chat import attempts, spending
from playground.chat.models import Conversation, Run, Turn
from playground.usage.budgets import OverBudget

# A loop of saved results that leads nowhere ends by itself.
MOST_ROUNDS = 10


def calls_in(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tool calls among the parts of an answer, in order: {"call_id", "name", "text"}."""
    return [part for part in parts if part.get("kind") == "tool_call"]


def run_on(run: Run, answer_parts: list[dict[str, Any]]) -> Run | None:
    """With a saved result for every call, the next round begins by itself; in the caller's transaction.

    Gives its run, which the caller hands to a relay when the transaction has committed.
    """
    mocks = run.params.get("mocks") or {}
    calls = calls_in(answer_parts)
    rounds = run.params.get("rounds", 0) + 1
    if not calls or rounds > MOST_ROUNDS or any(call["name"] not in mocks for call in calls):
        return None
    asked = Turn.objects.create(
        conversation_id=run.conversation_id,
        parent_id=run.answer_id,
        role=Turn.Role.TOOL,
        parts=[result(call, mocks[call["name"]], failed=False) | {"saved": True} for call in calls],
    )
    answer = Turn.objects.create(
        conversation_id=run.conversation_id, parent=asked, role=Turn.Role.ASSISTANT, parts=[]
    )
    following = Run.objects.create(
        team_id=run.team_id,
        user_id=run.user_id,
        key_id=run.key_id,
        conversation_id=run.conversation_id,
        asked=asked,
        answer=answer,
        family=run.family,
        model=run.model,
        # The rounds of one answer stay with its model, which alone can take its thinking back.
        attempts=[attempts.earlier(run.fell_back)] if run.fell_back else [],
        params=run.params | {"rounds": rounds, "continues": False},
        prompt_version_id=run.prompt_version_id,
        variables=run.variables,
    )
    try:
        spending.set_aside(following)
    except OverBudget:
        # The person is told when they give the results themselves.
        asked.delete()
        return None
    # Whoever looks at another branch meanwhile stays there.
    Conversation.objects.filter(pk=run.conversation_id, leaf_id=run.answer_id).update(leaf=answer)
    return following


def result(call: dict[str, Any], text: str, failed: bool) -> dict[str, Any]:
    """What a turn with results holds for one call."""
    row = {"kind": "tool_result", "call_id": call["call_id"], "name": call["name"], "text": text}
    return row | ({"failed": True} if failed else {})
