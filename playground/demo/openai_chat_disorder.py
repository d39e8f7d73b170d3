"""The frames of a chat stream, in order and in every disorder that can be asked for."""

import itertools
from collections.abc import Iterator
from typing import Any

from .disorder import first, huge_text, torn, with_garbage
from .faults import Fault
from .openai_chat import DONE, Wire, choice
from .spoken import Spoken
from .stream import Frame

_STREAM_ERROR = Frame(
    b'data: {"error":{"message":"upstream connection reset",'
    b'"type":"server_error","param":null,"code":"502"}}\n\n'
)
_MALFORMED = Frame(b'data: {"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"ha\n\n')


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
            return first(body, after)
        case "error-after":
            return itertools.chain(first(body, after), [_STREAM_ERROR, DONE])
        case "malformed":
            return itertools.chain(with_garbage(body, _MALFORMED), told, [DONE])
        case "huge-frame":
            return itertools.chain(_huge(wire), told, [DONE])
        case "null-fields":
            return itertools.chain(_nulls(wire, spoken[0]), told, [DONE])
        case "no-done":
            return itertools.chain(body, told)
        case "split-utf8":
            return torn(itertools.chain(body, told, [DONE]))
        case _:
            return itertools.chain(body, told, [DONE])


def _in_order(wire: Wire, spoken: list[Spoken], last_usage: dict[str, Any] | None) -> Iterator[Frame]:
    more = {"usage": last_usage} if last_usage else {}
    for index, one in enumerate(spoken):
        yield from choice(wire, index, one)
        yield wire.delta(index, {}, one.finish, **more)


def _huge(wire: Wire) -> Iterator[Frame]:
    """One frame of exactly 8 MiB between its opening and its finish."""
    yield wire.delta(0, {"role": "assistant", "content": ""})
    (empty,) = wire.tokens(0, "content", [""])
    yield from wire.tokens(0, "content", [huge_text(len(empty.data))])
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
