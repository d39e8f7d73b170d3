"""Writes answers of POST /openai/v1/chat/completions, whole and streamed (contract section 6)."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .answers import Call
from .exchange import json_bytes
from .pace import split
from .spoken import Spoken
from .stream import Frame

DONE = Frame(b"data: [DONE]\n\n")
_KEEP_ALIVE = Frame(b": keep-alive\n\n")
_BETWEEN_COMMENTS = 40


@dataclass(frozen=True, slots=True)
class Wire:
    """What every object of one answer repeats."""

    id: str
    model: str
    created: int

    @classmethod
    def new(cls, id: str, model: str) -> "Wire":
        return cls(id, model, int(time.time()))

    def chunk(self, choices: list[dict[str, Any]], **more: Any) -> Frame:
        body = {**self._head("chat.completion.chunk"), "choices": choices, **more}
        return Frame(b"data: " + json_bytes(body) + b"\n\n")

    def delta(self, index: int, delta: dict[str, Any], finish: str | None = None, **more: Any) -> Frame:
        return self.chunk([{"index": index, "delta": delta, "finish_reason": finish}], **more)

    def tokens(self, index: int, field: str, tokens: list[str]) -> Iterator[Frame]:
        """One frame for each token. The part around the token is built once, for it never changes."""
        empty = json_bytes({**self._head("chat.completion.chunk")})[:-1].decode()
        before = f'data: {empty},"choices":[{{"index":{index},"delta":{{"{field}":'.encode()
        after = b'},"finish_reason":null}]}\n\n'
        for number, token in enumerate(tokens):
            if number % _BETWEEN_COMMENTS == _BETWEEN_COMMENTS // 2:
                yield _KEEP_ALIVE
            yield Frame(before + _text(token) + after, tokens=1)

    def whole(self, spoken: list[Spoken], usage: dict[str, Any] | None) -> dict[str, Any]:
        """The answer to a request without stream."""
        choices = [
            {"index": index, "message": _message(one), "finish_reason": one.finish}
            for index, one in enumerate(spoken)
        ]
        body = {**self._head("chat.completion"), "choices": choices}
        return {**body, "usage": usage} if usage else body

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def choice(wire: Wire, index: int, spoken: Spoken) -> Iterator[Frame]:
    """The frames of one choice up to its last token; the finish follows apart."""
    silent = spoken.calls or spoken.reasoning or spoken.refusal
    yield wire.delta(index, {"role": "assistant", "content": None if silent else ""})
    yield from wire.tokens(index, "reasoning_content", spoken.reasoning)
    yield from wire.tokens(index, "refusal", spoken.refusal)
    yield from wire.tokens(index, "content", spoken.text)
    for place, call in enumerate(spoken.calls):
        yield from _call(wire, index, place, call)


def _call(wire: Wire, index: int, place: int, call: Call) -> Iterator[Frame]:
    function = {"name": call.name, "arguments": ""}
    opened = {"index": place, "id": call.id, "type": "function", "function": function}
    yield wire.delta(index, {"tool_calls": [opened]})
    for piece in split(call.arguments):
        part = {"index": place, "function": {"arguments": piece}}
        frame = wire.delta(index, {"tool_calls": [part]})
        yield Frame(frame.data, tokens=1)


def usage(prompt: int, cached: int, spoken: list[Spoken]) -> dict[str, Any]:
    completion = sum(one.tokens for one in spoken)
    reasoning = sum(len(one.reasoning) for one in spoken)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }


def _message(spoken: Spoken) -> dict[str, Any]:
    text = "".join(spoken.text)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if spoken.reasoning:
        message["reasoning_content"] = "".join(spoken.reasoning)
    if spoken.refusal:
        message |= {"content": None, "refusal": "".join(spoken.refusal)}
    if spoken.calls:
        message |= {"content": None, "tool_calls": [_whole_call(call) for call in spoken.calls]}
    return message


def _whole_call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _text(token: str) -> bytes:
    try:
        return json.dumps(token, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(token).encode()
