"""The events of a Responses stream, in order and in every disorder that can be asked for."""

import itertools
from collections.abc import Iterator

from .disorder import first, huge_text, torn, with_garbage
from .exchange import json_bytes
from .faults import Fault
from .openai_responses import DONE, FAILURE, Reply, Telling, ending, frames
from .stream import Frame

_MALFORMED = Frame(
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"ha\n\n'
)
_DELTA = "response.output_text.delta"


def disordered(reply: Reply, fault: Fault | None) -> Iterator[Frame]:
    """Everything that is sent after the headers."""
    telling = Telling()
    body = frames(reply, telling)
    end = ending(reply, telling)
    after = fault.after if fault else 0
    match fault.kind if fault else "":
        case "cut-after" | "reset-after" | "stall-after":
            return first(body, after)
        case "error-after":
            return _failing(reply, telling, body, after)
        case "malformed":
            return itertools.chain(with_garbage(body, _MALFORMED), end)
        case "huge-frame":
            return _huge(reply, telling)
        case "null-fields":
            return _nulls(reply, telling)
        case "no-done":
            # The end was seen to be missing on AnyInt as a whole, not only its [DONE] (contract section 7).
            return body
        case "split-utf8":
            return torn(itertools.chain(body, end))
        case _:
            return itertools.chain(body, end)


def _failing(reply: Reply, telling: Telling, body: Iterator[Frame], after: int) -> Iterator[Frame]:
    """The family has two failures: an odd number of tokens ends with `error`, an even one with the other."""
    sent = telling.number
    for frame in first(body, after):
        yield frame
        sent = telling.number
    # The event that was held back has taken a number.
    telling.number = sent
    if after % 2:
        yield telling.event("error", **FAILURE, param=None)
    else:
        yield telling.event("response.failed", response=reply.failed())
    yield DONE


def _huge(reply: Reply, telling: Telling) -> Iterator[Frame]:
    """One frame of exactly 8 MiB as the only piece of text; nothing repeats it."""
    item = {**reply.message(), "content": []}
    where = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    yield telling.event("response.created", response=reply.response("in_progress", []))
    yield telling.event("response.output_item.added", output_index=0, item={**item, "status": "in_progress"})
    yield telling.event("response.content_part.added", **where, part=part)
    number = telling.number
    (empty,) = telling.tokens(_DELTA, [""], **where)
    telling.number = number
    yield from telling.tokens(_DELTA, [huge_text(len(empty.data))], **where)
    yield telling.event("response.output_item.done", output_index=0, item=item)
    yield telling.event("response.completed", response=reply.ended([]))
    yield DONE


def _nulls(reply: Reply, telling: Telling) -> Iterator[Frame]:
    """Null where a value may be missing, and events and fields nobody knows."""
    item = reply.message()
    empty = dict.fromkeys(("output", "error", "usage", "metadata", "tools", "text", "reasoning"))
    where = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    yield telling.event("response.created", response={**reply.response("in_progress", []), **empty})
    yield telling.event("response.demo_unknown", demo_unknown={"a": [None]})
    yield Frame(
        b"event: response.output_item.added\ndata: " + json_bytes({"type": None, "item": None}) + b"\n\n"
    )
    opened = {**item, "status": None, "content": None}
    yield telling.event("response.output_item.added", output_index=0, item=opened)
    yield telling.event("response.content_part.added", **where, part=None)
    for token in reply.spoken.text:
        event = telling.event(_DELTA, **where, delta=token, logprobs=None, obfuscation=None)
        yield Frame(event.data, tokens=1)
    yield telling.event("response.output_item.done", output_index=0, item=item)
    yield telling.event("response.completed", response={**reply.ended(), "metadata": None, "tools": None})
    yield DONE
