"""What one ended run, task or check shows of a model. Nothing is guessed: what was neither seen to work nor
seen to fail is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.gateway.errors import KINDS
from playground.ops.measured import CAPABILITIES, TASK

# What a failed answer says of the model; the rest is about the key, its limits, the network or the text.
_TELLING = frozenset({"not_found", "upstream_unavailable", "timeout", "protocol", "unknown"})
# A refused request says something of what it asked for besides an answer, and nothing of the answer.
_REFUSED = "invalid_request"


@dataclass(frozen=True, slots=True)
class Seen:
    """`why` is empty when it worked."""

    model: str
    capability: str
    why: str = ""


def of_run(run: Mapping[str, Any]) -> Iterator[Seen]:
    """What an ended chat run shows; `run` has the fields that `measuring` reads."""
    model, told = run["model"], None
    for attempt in run["attempts"] or ():
        if isinstance(attempt, dict) and attempt.get("fallback"):
            told = attempt
    if told is not None:
        kind = str(told.get("error", ""))
        if kind in _TELLING:
            yield Seen(model, "chat", _title(kind))
        model = str(told["fallback"])
    if run["status"] == "finished":
        yield from _finished(run, model)
    elif run["status"] == "failed":
        yield from _failed(run, model)


def _finished(run: Mapping[str, Any], model: str) -> Iterator[Seen]:
    params, parts = run["params"] or {}, run["answer"] or []
    yield Seen(model, "chat")
    if params.get("stream"):
        yield Seen(model, "stream")
    if params.get("tools"):
        if _has(parts, "tool_call"):
            yield Seen(model, "tools")
        elif params.get("tool_choice") not in (None, "auto", "none"):
            yield Seen(model, "tools", "It was told to call a tool and called none.")
    verdict = run["verdict"] or {}
    if params.get("schema") and "fits" in verdict and not verdict.get("unchecked"):
        yield Seen(model, "schema", "" if verdict["fits"] else "The answer did not fit the schema.")
    if _has(run["asked"] or [], "image"):
        yield Seen(model, "images")
    if _has(parts, "thinking") or run["reasoning_tokens"]:
        yield Seen(model, "thinking")


def _failed(run: Mapping[str, Any], model: str) -> Iterator[Seen]:
    kind, params = run["error_kind"], run["params"] or {}
    if kind not in _TELLING and kind != _REFUSED:
        return
    why = _title(kind)
    special = [name for name in ("tools", "schema") if params.get(name)]
    special += ["images"] if _has(run["asked"] or [], "image") else []
    for capability in special:
        yield Seen(model, capability, why)
    if kind == _REFUSED or special:
        return
    yield Seen(model, "chat", why)
    if params.get("stream") and run["http_status"] in (None, 200):
        # It began as a stream, and broke off.
        yield Seen(model, "stream", why)


def of_task(task: Mapping[str, Any]) -> Iterator[Seen]:
    if not task["model"]:
        return
    if task["status"] == "succeeded":
        yield Seen(task["model"], TASK)
    elif task["status"] == "failed" and task["error_kind"] in _TELLING | {_REFUSED}:
        yield Seen(task["model"], TASK, _title(task["error_kind"]))


def of_check(result: Mapping[str, Any]) -> Iterator[Seen]:
    """What a check of `playground.verify` shows; a drill shows nothing of the model."""
    if not result["model"] or not result["capability"] or result["drill"]:
        return
    capability = result["capability"] if result["capability"] in CAPABILITIES else TASK
    if result["state"] == "passed":
        yield Seen(result["model"], capability)
    elif result["state"] == "failed":
        yield Seen(result["model"], capability, result["said"] or "The check failed.")


def _has(parts: Sequence[Any], kind: str) -> bool:
    return any(isinstance(part, dict) and part.get("kind") == kind for part in parts)


def _title(kind: str) -> str:
    return f"{KINDS.get(kind, KINDS['unknown']).title}."
