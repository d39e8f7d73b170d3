"""Outputs in an answer: addresses, data URLs, bare base64 and texts, found by path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from playground.gateway import exact
from playground.gateway.assembly import storable
from playground.gateway.media import paths
from playground.gateway.media.answers import picked
from playground.gateway.media.observation import Output, OutputKind

LONGEST_URL = 8000
_MOST_OUTPUTS = 100
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f\"<>\\^`{|}]+", re.IGNORECASE)
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*);base64,", re.IGNORECASE)
# Possessive, or megabytes of spaces with one odd character at the end would take forever.
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]++={0,2}\s*+")


@dataclass(frozen=True, slots=True)
class Harvest:
    """Where outputs of one kind stand. `base64`: bare base64 stands there. `beside`: fields of the object
    that holds the value which go into `meta`.
    """

    path: str
    kind: OutputKind
    base64: bool = False
    media_type: str = ""
    beside: tuple[str, ...] = ()


def gathered(
    answer: Any, harvests: Iterable[Harvest], *, final: bool = True, lives_s: int | None = None
) -> tuple[Output, ...]:
    """All outputs, numbered by kind in the order they stand; what is told twice is taken once."""
    taken: list[Output] = []
    seen: set[tuple[str, object]] = set()
    for harvest in harvests:
        for value, holder in paths.found(answer, harvest.path):
            output = content_of(value, harvest)
            if output is None or len(taken) >= _MOST_OUTPUTS:
                continue
            # One object of the answer is one output, told as an address or as data or as both.
            marks: set[tuple[str, object]] = {(harvest.kind, output.url or output.data_b64 or output.text)}
            if isinstance(holder, dict):
                marks.add((harvest.kind, id(holder)))
            if marks & seen:
                continue
            seen |= marks
            number = sum(one.kind == harvest.kind for one in taken)
            about = picked(holder, harvest.beside)
            kept_s = lives_s if output.url else None
            taken.append(
                replace(output, key=f"{harvest.kind}:{number}", final=final, meta=about, lives_s=kept_s)
            )
    return tuple(taken)


def content_of(value: Any, harvest: Harvest) -> Output | None:
    """The value as an output that has no key yet; None if it is nothing that could be kept."""
    if harvest.kind in ("text", "data"):
        text = value if isinstance(value, str) else _source(value)
        return Output("", harvest.kind, text=storable(text)) if text.strip() else None
    if not isinstance(value, str):
        return None
    value = value.strip()
    if is_address(value):
        return Output("", harvest.kind, url=value)
    if (data := _DATA_URL.match(value)) is not None:
        return _data(value[data.end() :], harvest, (data[1] or "").lower())
    return _data(value, harvest, "") if harvest.base64 else None


def is_address(value: str) -> bool:
    return len(value) <= LONGEST_URL and _URL.fullmatch(value) is not None and storable(value) == value


def _data(text: str, harvest: Harvest, told: str) -> Output | None:
    if not _BASE64.fullmatch(text):
        return None
    return Output("", harvest.kind, data_b64=text, media_type=told or harvest.media_type)


def _source(value: Any) -> str:
    try:
        return exact.dumps(value, ascii_only=True)
    except (ValueError, TypeError, RecursionError):
        return ""
