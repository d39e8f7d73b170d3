"""What all answers of the media routes have in common: JSON that may be odd, and refusals inside a 200."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from playground.gateway import errors, exact
from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output

LONGEST_TEXT = 2000
_MOST_ENTRIES = 60
_DEEPEST = 5
_LARGEST_INT = 2**53
# A `code` beside a good answer, as text in lower case.
OK_CODES = frozenset({"", "0", "200", "ok", "none", "success", "succeed", "succeeded"})


def parsed(body: bytes) -> Any:
    """The answer as JSON, numbers as they were spelled. Raises GatewayError("protocol")."""
    try:
        return exact.loads(body.decode())
    except (ValueError, RecursionError):
        pass
    try:
        # A byte order mark, another encoding, NaN: readable all the same.
        return json.loads(body)
    except (ValueError, RecursionError):
        text = errors.plain(body[:8000].decode("utf-8", "replace"))
    raise GatewayError("protocol", text or "The gateway's answer is empty.", code="not_json")


def refusal(answer: Any, ok_codes: frozenset[str] = OK_CODES) -> GatewayError | None:
    """The error that an answer with status 200 reports (contract 4.2 and 4.3); None if it reports none."""
    if not isinstance(answer, dict):
        return GatewayError("protocol", "The gateway's answer is not an object.", code="no_object")
    refused = (
        bool(answer.get("error"))
        or answer.get("success") is False
        or answer.get("type") == "error"
        or _code(answer.get("code")) not in ok_codes
    )
    return errors.from_error_object(answer) if refused else None


def unreadable(answer: Any, sentence: str, code: str) -> GatewayError:
    """For an answer that lacks what it is for: its own words if it has any (`detail`), else ours."""
    if isinstance(answer, dict) and answer.get("detail"):
        return errors.from_error_object(answer)
    return GatewayError("protocol", sentence, code=code, request_id=errors.request_id({}, answer))


def _code(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).strip().lower()[:80]


def word(value: Any) -> str:
    """A code or an id as a short line: text or a whole number, "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return errors.plain(str(value))[:200]


def number(value: Any) -> float | None:
    """A number, also from text such as "45%"."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        read = float(value.strip().removesuffix("%")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def tidy(value: Any, depth: int = _DEEPEST) -> Any:
    """Foreign JSON as any database's JSON column takes it: small, flat enough, no NUL, no infinity."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value[:LONGEST_TEXT])
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_INT else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if not depth:
        return None
    if isinstance(value, dict):
        rows = list(value.items())[:_MOST_ENTRIES]
        return {storable(str(name)[:100]): tidy(inner, depth - 1) for name, inner in rows}
    return [tidy(inner, depth - 1) for inner in value[:_MOST_ENTRIES]] if isinstance(value, list) else None


def tidy_object(value: Any) -> dict[str, Any]:
    return tidy(value) if isinstance(value, dict) else {}


def picked(holder: Any, names: Iterable[str]) -> dict[str, Any]:
    """The named fields of an object that were told, tidied."""
    told = holder if isinstance(holder, Mapping) else {}
    return {name: tidy(told[name]) for name in names if told.get(name) is not None}


def made(
    outputs: tuple[Output, ...],
    missing: str,
    answer: Any = None,
    *,
    raw_state: str = "",
    usage: Any = None,
) -> Observation:
    """What a route without tasks gave: nothing more will come, so nothing at all is a failure."""
    request_id = errors.request_id({}, answer)
    if any(output.final for output in outputs):
        return Observation(
            "succeeded", raw_state, outputs=outputs, request_id=request_id, usage=tidy_object(usage)
        )
    return Observation(
        "failed",
        raw_state,
        outputs=outputs,
        error_kind="unknown",
        error_message=missing,
        error_code="no_output",
        request_id=request_id,
        usage=tidy_object(usage),
    )
