"""The frames of an Anthropic stream, in order and in every disorder that can be asked for."""

import itertools
from collections.abc import Iterator

from .anthropic import (
    PING,
    STOP,
    Reply,
    closed,
    delta,
    ending,
    event,
    frames,
    opened,
    start,
    tokens,
)
from .anthropic_errors import STREAM_ERROR
from .disorder import first, huge_text, torn, with_garbage
from .faults import Fault
from .stream import Frame

_MALFORMED = Frame(
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ha\n\n'
)


def disordered(reply: Reply, fault: Fault | None) -> Iterator[Frame]:
    """Everything that is sent after the headers."""
    body = frames(reply)
    ends = [ending(reply), STOP]
    match fault.kind if fault else "":
        case "cut-after" | "reset-after" | "stall-after":
            return first(body, fault.after if fault else 0)
        case "error-after":
            return itertools.chain(first(body, fault.after if fault else 0), [event(STREAM_ERROR)])
        case "malformed":
            return itertools.chain(with_garbage(body, _MALFORMED), ends)
        case "huge-frame":
            return itertools.chain(_huge(reply), ends)
        case "null-fields":
            return _nulls(reply)
        case "no-usage":
            return itertools.chain(_without_usage(reply), [ending(reply, tell_usage=False), STOP])
        case "no-done":
            return itertools.chain(body, ends[:1])
        case "split-utf8":
            return torn(itertools.chain(body, ends))
        case _:
            return itertools.chain(body, ends)


def _without_usage(reply: Reply) -> Iterator[Frame]:
    yield event({"type": "message_start", "message": {**reply.head(), "content": []}})
    yield from itertools.islice(frames(reply), 1, None)


def _huge(reply: Reply) -> Iterator[Frame]:
    """One frame of exactly 8 MiB as the only piece of text."""
    yield start(reply)
    yield opened(0, {"type": "text", "text": ""})
    (empty,) = tokens(0, "text_delta", "text", [""])
    yield from tokens(0, "text_delta", "text", [huge_text(len(empty.data))])
    yield closed(0)


def _nulls(reply: Reply) -> Iterator[Frame]:
    """Null where a value may be missing, and events and fields nobody knows."""
    empty = dict.fromkeys(("content", "stop_reason", "stop_sequence", "container", "usage"))
    yield event({"type": "message_start", "message": {**reply.head(), **empty}})
    yield event({"type": "demo_unknown", "a": [None]})
    yield PING
    yield opened(0, {"type": "text", "text": "", "citations": None})
    yield event({"type": "content_block_delta", "index": 0, "delta": None})
    for token in reply.spoken.text:
        yield delta(0, {"type": "text_delta", "text": token, "demo_unknown": None}, tokens=1)
    yield closed(0)
    last = {"stop_reason": reply.stop_reason, "stop_sequence": None, "container": None}
    usage = {**dict.fromkeys(reply.usage()), "output_tokens": reply.spoken.tokens}
    yield event({"type": "message_delta", "delta": last, "usage": usage, "context_management": None})
    yield STOP
