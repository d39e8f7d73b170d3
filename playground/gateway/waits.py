"""How long upstream asks to wait: headers first, then Gemini's body (contract section 3)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_WAIT_S = 86_400.0


def wait_s(headers: Mapping[str, str], body: bytes, now: datetime) -> float | None:
    """The wait in seconds, from 0 to a day; None if none is told. Header names in any case."""
    return wait_in({name.lower(): value for name, value in headers.items()}, parsed_body(body), now)


def parsed_body(body: bytes) -> Any:
    """The body as JSON, or None: an error page is often no JSON at all."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def wait_in(headers: Mapping[str, str], parsed: Any, now: datetime | None) -> float | None:
    told = (
        _seconds(headers.get("retry-after-ms", ""), 1000),
        _seconds(headers.get("retry-after", "")),
        _until(headers.get("retry-after", ""), now),
        _retry_delay(parsed),
    )
    wait = next((value for value in told if value is not None), None)
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT_S)


def _seconds(text: str, per_second: int = 1) -> float | None:
    try:
        value = float(text) / per_second
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(text: str, now: datetime | None) -> float | None:
    if not text or now is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _retry_delay(parsed: Any) -> float | None:
    """Gemini: `error.details[].retryDelay` such as "34s"."""
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for row in details if isinstance(details, list) else ():
        delay = row.get("retryDelay") if isinstance(row, dict) else None
        if isinstance(delay, str) and delay.endswith("s") and (value := _seconds(delay[:-1])) is not None:
            return value
    return None
