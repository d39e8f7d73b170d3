"""Whether a model thinks over a family when it is asked to, and tells so: its reasoning, or a count of it."""

from __future__ import annotations

from typing import Any

from playground.verify import bench as b
from playground.verify.bench import Bench, Finding
from playground.verify.chat_checks import bad, refused, request_of
from playground.verify.exchange import Exchange

# Easy to get wrong at once, so that there is something to think about.
ASK = (
    "A bat and a ball cost 1.10 together. The bat costs 1.00 more than the ball. What does the ball cost? "
    "Answer with the amount only."
)
BUDGET = 1024
# How each family is told to think (contract sections 6, 7, 9, 10). Where one way is refused as a request,
# the next is tried: which one an Anthropic model takes depends on the model.
WAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "openai_chat": ({"reasoning_effort": "medium"},),
    "openai_responses": ({"reasoning.effort": "medium"},),
    "anthropic": (
        {"thinking.type": "enabled", "thinking.budget_tokens": BUDGET},
        {"thinking.type": "adaptive"},
    ),
    "gemini": ({"generationConfig.thinkingConfig.includeThoughts": True},),
}
NO_THINKER = "Choose a model that thinks for this piece of work, or do without its reasoning."


def thinking(bench: Bench, family: str) -> Finding:
    """Reasoning comes apart from the answer, or is counted, once it is asked for."""
    model = bench.subject.model_for(f"thinking.{family}")
    for params in WAYS[family]:
        asked = bench.ask(family, request_of(model, ASK, stream=True, params=params))
        if asked.failure is None or asked.failure.kind != "invalid_request":
            break
    if asked.failure is not None:
        return b.of(asked, b.broken(asked.failure))
    if refused(asked):
        return bad(asked, "", "")
    if not (told := _told(asked)):
        return bad(asked, "An answer came, but no reasoning and no count of it.", NO_THINKER)
    return b.of(asked, b.passed(told))


def _told(asked: Exchange) -> str:
    """What shows that it thought; "" for nothing."""
    thoughts = [part for part in asked.transcript.parts if part.kind == "thinking"]
    shown, counted = sum(len(part.text) for part in thoughts), asked.transcript.usage.reasoning_tokens
    count = f" {counted:,} tokens of it were told." if counted else ""
    if shown:
        return f"Reasoning came apart from the answer: {shown:,} characters.{count}"
    if thoughts:
        return f"Reasoning came that only its provider can read.{count}"
    return f"The reasoning itself stays with its provider.{count}" if counted else ""
