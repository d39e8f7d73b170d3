"""JSON that comes back as it was: numbers keep their spelling, parts may be JSON text already.

What a model signed has to be replayed as it came; a float read and written again may differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class Source(str):
    """JSON text that `dumps` puts in as it is; whoever makes one vouches that it is valid."""

    __slots__ = ()


class _Float(float):
    """A float that remembers how it was written."""

    literal: str

    def __new__(cls, literal: str) -> _Float:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# Made once: json.loads with options makes one a call.
_DECODER = json.JSONDecoder(parse_float=_Float, parse_constant=_no_constant)


_LENIENT = json.JSONDecoder()


def loads(text: str) -> Any:
    """As json.loads of a str; NaN and infinities are refused. Raises ValueError or RecursionError."""
    return _whole(_DECODER, text)


def loads_leniently(text: str) -> Any:
    """As json.loads of a str, in two thirds of its time: for what comes with every token."""
    return _whole(_LENIENT, text)


def _whole(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        value, end = decoder.raw_decode(text)
    except ValueError:
        end = -1
    # White space around it, or an error to be told: that is for the longer way.
    return value if end == len(text) else decoder.decode(text)


def loads_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place of the text, and where it ends. Raises as `loads` does."""
    return _DECODER.raw_decode(text, at)


def dumps(value: Any, *, ascii_only: bool = False) -> str:
    """Compact JSON text in the order of `value`. Raises ValueError, TypeError or RecursionError.

    `ascii_only` escapes everything else, NUL and lone surrogates too: such text fits any database.
    """
    return "".join(_pieces(value, ascii_only))


def _pieces(value: Any, ascii_only: bool) -> Iterator[str]:
    if isinstance(value, Source):
        yield str(value)
    elif isinstance(value, _Float):
        yield value.literal
    elif isinstance(value, dict):
        yield "{"
        for at, (name, inner) in enumerate(value.items()):
            yield f"{',' if at else ''}{json.dumps(str(name), ensure_ascii=ascii_only)}:"
            yield from _pieces(inner, ascii_only)
        yield "}"
    elif isinstance(value, (list, tuple)):
        yield "["
        for at, inner in enumerate(value):
            yield "," if at else ""
            yield from _pieces(inner, ascii_only)
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=ascii_only, allow_nan=False)
