"""Disorder that any family's stream can be put into, frame by frame."""

import itertools
from collections.abc import Iterable, Iterator

from .faults import Fault
from .stream import End, Frame

HUGE = 8 * 1024 * 1024
_SENTENCE = "The built-in demo gateway sends eight mebibytes in one frame. "
_ENDS: dict[str, End] = {"cut-after": "cut", "reset-after": "reset", "stall-after": "stall"}
_GARBAGE_AT = 6


def end_of(fault: Fault | None) -> End:
    return _ENDS.get(fault.kind, "whole") if fault else "whole"


def first(body: Iterable[Frame], tokens: int) -> Iterator[Frame]:
    """All frames up to and with the token of this number."""
    left = tokens
    for frame in body:
        if frame.tokens and left == 0:
            return
        left -= frame.tokens
        yield frame


def with_garbage(body: Iterable[Frame], garbage: Frame) -> Iterator[Frame]:
    for place, frame in enumerate(body):
        if place == _GARBAGE_AT:
            yield garbage
        yield frame


def huge_text(around: int) -> str:
    """So much text that its frame has exactly 8 MiB, `around` bytes of which are not the text."""
    room = HUGE - around
    return (_SENTENCE * (room // len(_SENTENCE) + 1))[:room]


def torn(whole: Iterable[Frame]) -> Iterator[Frame]:
    """Each frame with another kind of line end, and in two pieces that part inside a character."""
    ends = itertools.cycle((b"\r\n", b"\r", b"\n"))
    for frame in whole:
        data = frame.data.replace(b"\n", next(ends))
        place = _inside_character(data)
        yield Frame(data[:place], frame.tokens, alone=True)
        yield Frame(data[place:], alone=True)


def _inside_character(data: bytes) -> int:
    """Behind the first byte of the first long character; without one, inside the line end."""
    return next((place + 1 for place, byte in enumerate(data) if byte >= 0xC0), len(data) - 1)
