"""The frames of a Gemini stream, in order and in every disorder that can be asked for."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from .disorder import first, huge_text, torn, with_garbage
from .exchange import json_bytes
from .faults import Fault
from .gemini import Reply, Telling, Wire
from .gemini_errors import STREAM_ERROR
from .stream import End, Frame

_TELLING: dict[str, Telling] = {"no-usage": "never", "usage-last-choice": "last"}
_MALFORMED = Frame(b'{"candidates":[{"content":{"role":"model","parts":[{"text":"ha')
_BEFORE_EVENT, _AFTER_EVENT = b"data: ", b"\r\n\r\n"


def telling_of(fault: Fault | None) -> Telling:
    return _TELLING.get(fault.kind, "each") if fault else "each"


def objects(wire: Wire, reply: Reply, fault: Fault | None) -> Iterator[Frame]:
    """Every object of the answer, without what stands around it on the wire."""
    kind = fault.kind if fault else ""
    after = fault.after if fault else 0
    if reply.block_reason:
        return iter([Frame(json_bytes(wire.whole(reply)))])
    body = itertools.chain(wire.pieces(reply), [wire.last(reply)])
    match kind:
        case "cut-after" | "reset-after" | "stall-after":
            return first(body, after)
        case "error-after":
            return itertools.chain(first(body, after), [Frame(json_bytes(STREAM_ERROR))])
        case "malformed":
            return with_garbage(body, _MALFORMED)
        case "huge-frame":
            return iter([_huge(wire), wire.last(reply)])
        case "null-fields":
            return _nulls(wire, reply)
        case _:
            return body


def as_events(found: Iterable[Frame], fault: Fault | None) -> Iterator[Frame]:
    """Server-sent events; the family has no event that says the end."""
    is_torn = fault is not None and fault.kind == "split-utf8"
    after = b"\n\n" if is_torn else _AFTER_EVENT
    framed = (Frame(_BEFORE_EVENT + one.data + after, one.tokens) for one in found)
    return torn(framed) if is_torn else framed


def as_array(found: Iterable[Frame], end: End) -> Iterator[Frame]:
    """A JSON array that grows, which is what comes without alt=sse."""
    between = b"["
    for one in found:
        yield Frame(between + one.data, one.tokens)
        between = b"\n,\r\n"
    if end == "whole":
        yield Frame(b"]" if between != b"[" else b"[]")


def _huge(wire: Wire) -> Frame:
    """One text whose event is exactly 8 MiB."""
    empty = wire.part({"text": ""})
    around = len(_BEFORE_EVENT) + len(empty.data) + len(_AFTER_EVENT)
    return wire.part({"text": huge_text(around)})


def _nulls(wire: Wire, reply: Reply) -> Iterator[Frame]:
    """Null where a value may be missing, objects without content, and fields nobody knows."""
    around: dict[str, Any] = {**wire.names(), "promptFeedback": None, "demoUnknown": {"a": [None]}}
    empty: dict[str, Any] = dict.fromkeys(
        ("text", "inlineData", "functionCall", "thought", "thoughtSignature", "videoMetadata")
    )

    def chunk(candidates: object, usage: object = None, tokens: int = 0) -> Frame:
        body = {"candidates": candidates, "usageMetadata": usage, **around}
        return Frame(json_bytes(body), tokens)

    def candidate(content: object, finish: str | None = None) -> dict[str, Any]:
        return {"content": content, "finishReason": finish, "index": 0, "safetyRatings": None}

    yield chunk(None)
    yield chunk([candidate(None)])
    yield chunk([candidate({"role": None, "parts": None})])
    for token in reply.text:
        content = {"role": "model", "parts": [{**empty, "text": token}]}
        yield chunk([candidate(content)], tokens=1)
    usage = wire.whole(reply).get("usageMetadata")
    yield chunk([candidate(None, reply.finish)], {**dict.fromkeys(("thoughtsTokenCount",)), **(usage or {})})
