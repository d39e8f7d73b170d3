"""JSON that knows where it stands: what is wrong is told with its line. Pure.

A hostile file is refused before it costs much: too many values, too deep, numbers without an end.
"""

from __future__ import annotations

import json
import re
from typing import Any

from playground.library.exchange.draft import DEEPEST, Broken

MOST_VALUES = 1_000_000
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
# A text, or what opens and closes; the texts are read over so that braces in them do not count.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|NaN|-?Infinity|\d{4000,}', re.DOTALL)


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 with its mark. Raises Broken."""
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Broken(line, "This is not text in UTF-8.") from None


def read(text: str) -> Any:
    """The value of a JSON text. Raises Broken with the line."""
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise Broken(1, f"This file holds more than {MOST_VALUES:,} values.")
    try:
        value = json.loads(text, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise Broken(error.lineno, f"This is no JSON: {error.msg}.") from None
    except RecursionError:
        raise Broken(_deep_line(text), f"This goes deeper than {DEEPEST} levels.") from None
    except ValueError:
        raise Broken(_odd_line(text), "JSON has no such number.") from None
    if _too_deep(value):
        raise Broken(_deep_line(text), f"This goes deeper than {DEEPEST} levels.")
    return value


def line_of(text: str, *path: str | int) -> int:
    """The line where the value stands to which the path leads, as far as it can be followed."""
    place = _skip(text, 0)
    for step in path:
        found = _inside(text, place, step)
        if found is None:
            break
        place = found
    return text.count("\n", 0, place) + 1


def lines_of_items(text: str, *path: str | int) -> list[int]:
    """The lines where the items of a list stand, in one reading."""
    place = _skip(text, 0)
    for step in path:
        place = _inside(text, place, step) or place
    lines, last, line = [], 0, 1
    if text[place : place + 1] != "[":
        return []
    place = _skip(text, place + 1)
    while text[place] != "]":
        line += text.count("\n", last, place)
        last = place
        lines.append(line)
        place = _after(text, place)
    return lines


def _inside(text: str, place: int, step: str | int) -> int | None:
    """Where the member of this name, or the item of this number, begins."""
    if text[place] not in "{[" or (text[place] == "{") != isinstance(step, str):
        return None
    in_object, number, found = text[place] == "{", 0, None
    place = _skip(text, place + 1)
    while text[place] not in "}]":
        name: str | int = number
        if in_object:
            name, place = _DECODER.raw_decode(text, place)
            place = _skip(text, _skip(text, place) + 1)
        if name == step:
            found = place  # of a name that stands twice the last one counts, as it does for Python
            if not in_object:
                return found
        place, number = _after(text, place), number + 1
    return found


def _after(text: str, place: int) -> int:
    """Behind the value that begins here, and behind its comma."""
    _, place = _DECODER.raw_decode(text, place)
    place = _skip(text, place)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _refused(word: str) -> Any:
    raise ValueError(word)


def _too_deep(value: Any) -> bool:
    left = [(value, 1)]
    while left:
        one, depth = left.pop()
        if depth > DEEPEST:
            return True
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        left += [(each, depth + 1) for each in inner if isinstance(each, dict | list)]
    return False


def _deep_line(text: str) -> int:
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match[0] in ("[", "{")) - (match[0] in ("]", "}"))
        if depth > DEEPEST:
            return text.count("\n", 0, match.start()) + 1
    return 1


def _odd_line(text: str) -> int:
    for match in _TOKEN.finditer(text):
        if match[0][0] not in '"[]{}':
            return text.count("\n", 0, match.start()) + 1
    return 1
