"""The frames of a chat stream, in order and in every disorder that can be asked for."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from .faults import Fault
from .openai_chat import DONE, Wire, choice
from .spoken import Spoken
from .stream import End, Frame

HUGE = 8 * 1024 * 1024
_STREAM_ERROR = Frame(
    b'data: {"error":{"message":"upstream connection reset",'
    b'"type":"server_error","param":null,"code":"502"}}\n\n'
)
_ENDS: dict[str, End] = {"cut-after": "cut", "reset-after": "reset", "stall-after": "stall"}
_MALFORMED = Frame(b'data: {"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"ha\n\n')


def end_of(fault: Fault | None) -> End:
    return _ENDS.get(fault.kind, "whole") if fault else "whole"


def frames(
    wire: Wire, spoken: list[Spoken], usage: dict[str, Any], fault: Fault | None, *, tell_usage: bool
) -> Iterator[Frame]:
    """Everything that is sent after the headers."""
    kind = fault.kind if fault else ""
    after = fault.after if fault else 0
    body = _in_order(wire, spoken, usage if kind == "usage-last-choice" else None)
    told = (
        [wire.chunk([], usage=usage)] if tell_usage and kind not in ("no-usage", "usage-last-choice") else []
    )
    match kind:
        case "cut-after" | "reset-after" | "stall-after":
            return _first(body, after)
        case "error-after":
            return itertools.chain(_first(body, after), [_STREAM_ERROR, DONE])
        case "malformed":
            return itertools.chain(_with_garbage(body), told, [DONE])
        case "huge-frame":
            return itertools.chain(_huge(wire), told, [DONE])
        case "null-fields":
            return itertools.chain(_nulls(wire, spoken[0]), told, [DONE])
        case "no-done":
            return itertools.chain(body, told)
        case "split-utf8":
            return _torn(itertools.chain(body, told, [DONE]))
        case _:
            return itertools.chain(body, told, [DONE])


def _in_order(wire: Wire, spoken: list[Spoken], last_usage: dict[str, Any] | None) -> Iterator[Frame]:
    more = {"usage": last_usage} if last_usage else {}
    for index, one in enumerate(spoken):
        yield from choice(wire, index, one)
        yield wire.delta(index, {}, one.finish, **more)


def _first(body: Iterable[Frame], tokens: int) -> Iterator[Frame]:
    """All frames up to and with the token of this number."""
    left = tokens
    for frame in body:
        if frame.tokens and left == 0:
            return
        left -= frame.tokens
        yield frame


def _with_garbage(body: Iterable[Frame]) -> Iterator[Frame]:
    for place, frame in enumerate(body):
        if place == 6:
            yield _MALFORMED
        yield frame


def _huge(wire: Wire) -> Iterator[Frame]:
    """One frame of exactly 8 MiB between its opening and its finish."""
    yield wire.delta(0, {"role": "assistant", "content": ""})
    (empty,) = wire.tokens(0, "content", [""])
    sentence = "The built-in demo gateway sends eight mebibytes in one frame. "
    room = HUGE - len(empty.data)
    text = (sentence * (room // len(sentence) + 1))[:room]
    yield from wire.tokens(0, "content", [text])
    yield wire.delta(0, {}, "stop")


def _nulls(wire: Wire, spoken: Spoken) -> Iterator[Frame]:
    """Null where a value may be missing, a chunk without choices, and fields nobody knows."""
    empty: dict[str, Any] = dict.fromkeys(
        ("role", "content", "refusal", "reasoning_content", "tool_calls", "function_call", "audio")
    )
    around = {"usage": None, "system_fingerprint": None, "error": None, "demo_unknown": {"a": [None]}}

    def chunk(delta: object, finish: str | None) -> Frame:
        only = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return wire.chunk([only], **around)

    yield chunk({**empty, "role": "assistant"}, None)
    yield Frame(b'data: {"id":null,"object":null,"model":null,"choices":null,"usage":null}\n\n')
    for token in spoken.text:
        yield Frame(chunk({**empty, "content": token}, None).data, tokens=1)
    yield chunk(None, spoken.finish)


def _torn(whole: Iterable[Frame]) -> Iterator[Frame]:
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
