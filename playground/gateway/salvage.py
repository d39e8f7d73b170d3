"""The beginning of a JSON document whose rest was lost, closed so that it can be read. Pure."""

from __future__ import annotations

import json
import re
from collections import deque

# How often a shorter beginning is tried; each try reads the whole again.
_MOST_TRIES = 12
# A string may end within an escape, \ud83 at the longest.
_LONGEST_ESCAPE = 5
_MARK = re.compile(r'["{}\[\],]')
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# Python's own reader gives up at a depth like this.
_DEEPEST = 500
_CLOSERS = {"{": "}", "[": "]"}


def mended(data: bytes) -> bytes | None:
    """As much of the document as can be read, whole again; None when nothing of it can."""
    text = data.decode("utf-8", "ignore")
    for end, closing in reversed(_cuts(text)):
        whole = text[:end] + closing
        try:
            json.loads(whole)
        except (ValueError, RecursionError):
            continue
        return whole.encode()
    return None


def _cuts(text: str) -> list[tuple[int, str]]:
    """Where beginnings end that may be readable, with what closes each; the longest last."""
    cuts: deque[tuple[int, str]] = deque(maxlen=_MOST_TRIES)
    closing, at = "", 0
    while (found := _MARK.search(text, at)) and len(closing) < _DEEPEST:
        sign, at = found.group(), found.end()
        if sign == '"':
            string = _STRING.match(text, found.start())
            if string is None:
                first = max(at, len(text) - _LONGEST_ESCAPE)
                cuts.extend((end, f'"{closing}') for end in range(first, len(text) + 1))
                return list(cuts)
            at = string.end()
            continue
        if sign in _CLOSERS:
            closing = _CLOSERS[sign] + closing
        elif sign != ",":
            closing = closing[1:]
        cuts.append((found.start() if sign == "," else at, closing))
    cuts.append((len(text), closing))
    return list(cuts)
