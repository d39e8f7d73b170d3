"""Where something stands in a JSON answer: names joined by dots, `[*]` for every entry, `[0]` for one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

LONGEST = 200
# Lists that no answer of this world has are not followed to their end.
_MOST_ENTRIES = 500
_STEP = re.compile(r"([^.\[\]\s]+)|\[(\*|\d{1,4})\]")
_WHOLE = re.compile(r"[^.\[\]\s]+(?:\[(?:\*|\d{1,4})\])*(?:\.[^.\[\]\s]+(?:\[(?:\*|\d{1,4})\])*)*")
_EVERY = "*"


def is_path(text: str) -> bool:
    return len(text) <= LONGEST and _WHOLE.fullmatch(text) is not None


def found(answer: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Every value at `path` that is not null, each with the object or list that holds it."""
    rows: list[tuple[Any, Any]] = [(answer, None)]
    for step in _steps(path):
        rows = [(inner, value) for value, _ in rows for inner in _inside(value, step)]
    return ((value, holder) for value, holder in rows if value is not None)


def first(answer: Any, *paths: str) -> Any:
    """The first value at any of the paths that is neither null nor empty; None if there is none."""
    values = (value for path in paths for value, _ in found(answer, path))
    return next((value for value in values if value not in ("", [], {})), None)


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(
        name or (_EVERY if place == "*" else int(place))
        for name, place in _STEP.findall(path)
        if name or place
    )


def _inside(value: Any, step: str | int) -> list[Any]:
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if not isinstance(value, list):
        return []
    if step == _EVERY:
        return value[:_MOST_ENTRIES]
    return value[step : step + 1] if isinstance(step, int) else []
