"""Writes answers of POST /anthropic/v1/messages, whole and streamed (contract section 9)."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .answers import Call
from .anthropic_cache import Input
from .citing import Page, citation
from .exchange import json_bytes
from .pace import split
from .spoken import Spoken
from .stream import Frame

_BETWEEN_PINGS = 40
_REFUSED = "The demo gateway refuses what this model is asked."
_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything of one answer, in the order it is sent in; `redacted` follows the thinking."""

    id: str
    model: str
    spoken: Spoken
    input: Input
    signature: str = ""
    redacted: str = ""
    cited: tuple[Page, ...] = ()

    @property
    def stop_reason(self) -> str:
        return "stop_sequence" if self.spoken.stopped_by else _REASONS[self.spoken.finish]

    def ending(self) -> dict[str, Any]:
        ending: dict[str, Any] = {
            "stop_reason": self.stop_reason,
            "stop_sequence": self.spoken.stopped_by or None,
        }
        if self.stop_reason == "refusal":
            ending["stop_details"] = {"type": "refusal", "category": None, "explanation": _REFUSED}
        return ending

    def usage(self, output: int | None = None) -> dict[str, Any]:
        return {
            "input_tokens": self.input.fresh,
            "cache_creation_input_tokens": self.input.written,
            "cache_read_input_tokens": self.input.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.input.written_5m,
                "ephemeral_1h_input_tokens": self.input.written_1h,
            },
            "output_tokens": self.spoken.tokens if output is None else output,
            "service_tier": "standard",
        }

    def head(self) -> dict[str, Any]:
        return {"id": self.id, "type": "message", "role": "assistant", "model": self.model}


def whole(reply: Reply) -> dict[str, Any]:
    """The answer to a request without stream."""
    blocks: list[dict[str, Any]] = []
    spoken = reply.spoken
    if spoken.reasoning:
        thinking = "".join(spoken.reasoning)
        blocks.append({"type": "thinking", "thinking": thinking, "signature": reply.signature})
    if reply.redacted:
        blocks.append({"type": "redacted_thinking", "data": reply.redacted})
    if spoken.text:
        told = {"citations": [citation(page) for page in reply.cited]} if reply.cited else {}
        blocks.append({"type": "text", "text": "".join(spoken.text), **told})
    blocks += [{**_opened(call), "input": _input(call)} for call in spoken.calls]
    return {**reply.head(), "content": blocks, **reply.ending(), "usage": reply.usage()}


def frames(reply: Reply) -> Iterator[Frame]:
    """Everything up to the last block; the ending follows apart."""
    yield start(reply)
    place = 0
    spoken = reply.spoken
    if spoken.reasoning:
        yield opened(place, {"type": "thinking", "thinking": "", "signature": ""})
        yield PING
        yield from tokens(place, "thinking_delta", "thinking", spoken.reasoning)
        yield delta(place, {"type": "signature_delta", "signature": reply.signature})
        yield closed(place)
        place += 1
    if reply.redacted:
        yield opened(place, {"type": "redacted_thinking", "data": reply.redacted})
        yield closed(place)
        place += 1
    if spoken.text:
        yield opened(place, {"type": "text", "text": ""})
        yield PING
        yield from tokens(place, "text_delta", "text", spoken.text)
        for page in reply.cited:
            yield delta(place, {"type": "citations_delta", "citation": citation(page)})
        yield closed(place)
        place += 1
    for call in spoken.calls:
        yield opened(place, {**_opened(call), "input": {}})
        yield delta(place, {"type": "input_json_delta", "partial_json": ""})
        yield from tokens(place, "input_json_delta", "partial_json", split(call.arguments))
        yield closed(place)
        place += 1


def start(reply: Reply) -> Frame:
    empty: dict[str, Any] = {
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": reply.usage(1),
    }
    return event({"type": "message_start", "message": {**reply.head(), **empty}})


def ending(reply: Reply, *, tell_usage: bool = True) -> Frame:
    told = {"usage": reply.usage()} if tell_usage else {}
    return event({"type": "message_delta", "delta": reply.ending(), **told})


def event(body: dict[str, Any], *, tokens: int = 0) -> Frame:
    return Frame(f"event: {body['type']}\ndata: ".encode() + json_bytes(body) + b"\n\n", tokens)


PING = event({"type": "ping"})
STOP = event({"type": "message_stop"})


def opened(place: int, block: dict[str, Any]) -> Frame:
    return event({"type": "content_block_start", "index": place, "content_block": block})


def delta(place: int, delta: dict[str, Any], *, tokens: int = 0) -> Frame:
    return event({"type": "content_block_delta", "index": place, "delta": delta}, tokens=tokens)


def closed(place: int) -> Frame:
    return event({"type": "content_block_stop", "index": place})


def tokens(place: int, kind: str, field: str, pieces: list[str]) -> Iterator[Frame]:
    """One frame for each token. The part around the token is built once, for it never changes."""
    before = delta(place, {"type": kind, field: ""}).data.removesuffix(b'""}}\n\n')
    for number, piece in enumerate(pieces):
        if number % _BETWEEN_PINGS == _BETWEEN_PINGS // 2:
            yield PING
        yield Frame(before + json_bytes(piece) + b"}}\n\n", tokens=1)


def _opened(call: Call) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_" + call.id.removeprefix("call_"), "name": call.name}


def _input(call: Call) -> dict[str, Any]:
    """The arguments as an object; broken ones cannot be written in a whole answer and are left out."""
    with suppress(ValueError):
        found = json.loads(call.arguments)
        return found if isinstance(found, dict) else {}
    return {}
