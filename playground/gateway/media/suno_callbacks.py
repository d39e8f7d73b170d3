"""What a Suno callback claims, for a task's timeline; the truth is asked for (contract 13.4)."""

from __future__ import annotations

from typing import Any

from playground.gateway.media.answers import word
from playground.gateway.media.suno_answers import code_of
from playground.gateway.media.suno_outputs import field, identity
from playground.gateway.waits import parsed_body

_STAGES = {"text": "text", "first": "first", "complete": "complete", "error": "error", "failed": "error"}
# Jobs of one stage tell no stage, only what they made.
_RESULTS = ("vocalRemovalInfo", "audioWavUrl", "videoUrl", "images", "data")


def callback_hint(body: bytes) -> tuple[str, str]:
    """The stage (text, first, complete, error or "") and the id of the task, "" if none. Never raises."""
    answer = parsed_body(body)
    if not isinstance(answer, dict):
        return "", ""
    inner = answer.get("data")
    holders = [inner, answer] if isinstance(inner, dict) else [answer]
    ids = (identity(field(holder, "taskId")) for holder in holders)
    return _stage(answer, holders), next((task_id for task_id in ids if task_id), "")


def _stage(answer: dict[str, Any], holders: list[dict[str, Any]]) -> str:
    if code_of(answer) not in (None, 200):
        return "error"
    told = next((word(value) for holder in holders if (value := field(holder, "callbackType"))), "")
    if told:
        return _STAGES.get(told.lower(), "")
    return "complete" if any(field(holders[0], name) for name in _RESULTS) else ""
