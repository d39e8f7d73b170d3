"""Writes answers of POST /openai/v1/responses, whole and streamed (contract section 7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .answers import Call
from .citing import Page, annotation
from .exchange import json_bytes
from .openai_responses_items import encrypt
from .pace import split
from .spoken import Spoken
from .stream import Frame

DONE = Frame(b"data: [DONE]\n\n")
FAILURE = {"code": "server_error", "message": "upstream connection reset"}
_KEEP_ALIVE = Frame(b": keep-alive\n\n")
_BETWEEN_COMMENTS = 40
_CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything of one answer; `repeated` are the fields of the request that each response shows again."""

    id: str
    model: str
    created: int
    spoken: Spoken
    usage: dict[str, Any] | None
    repeated: dict[str, Any]
    summary: str | None = None
    encrypts: bool = False
    cited: tuple[Page, ...] = ()

    @property
    def status(self) -> str:
        return "incomplete" if self.spoken.finish in _CUT_SHORT else "completed"

    def response(self, status: str, output: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """The response object in the middle of things or at their end."""
        head = {"id": self.id, "object": "response", "created_at": self.created, "status": status}
        usual = {"error": None, "incomplete_details": None, "model": self.model, "output": output}
        return {**head, **usual, "previous_response_id": None, **self.repeated, "usage": None, **more}

    def ended(self, output: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """The response object as the model left it."""
        reason = _CUT_SHORT.get(self.spoken.finish)
        details = {"reason": reason} if reason else None
        whole = output if output is not None else self.output()
        return self.response(self.status, whole, incomplete_details=details, usage=self.usage)

    def failed(self) -> dict[str, Any]:
        return self.response("failed", [], error=FAILURE)

    def output(self) -> list[dict[str, Any]]:
        """The items at the end; the encrypted thinking has other bytes here than while it was streamed."""
        items: list[dict[str, Any]] = []
        if self.spoken.reasoning:
            items.append(self.thinking("ended"))
        if self.spoken.text or self.spoken.refusal:
            items.append(self.message())
        return items + [self.call(place, call) for place, call in enumerate(self.spoken.calls)]

    def thinking(self, stage: str) -> dict[str, Any]:
        summary = [{"type": "summary_text", "text": "".join(part)} for part in self.summaries()]
        item: dict[str, Any] = {"id": self._item("rs"), "type": "reasoning", "summary": summary}
        if self.encrypts:
            item["encrypted_content"] = encrypt(item["id"], stage.encode())
        return item

    def summaries(self) -> list[list[str]]:
        """The thinking in as many parts as it is told in: none, one, or two where it is told in detail."""
        reasoning = self.spoken.reasoning
        if self.summary is None:
            return []
        ends = [place + 1 for place, token in enumerate(reasoning[:-1]) if token.strip() in (".", "?")]
        half = next((place for place in ends if place >= len(reasoning) // 2), 0)
        if self.summary != "detailed" or not half:
            return [reasoning]
        second = [reasoning[half].lstrip(), *reasoning[half + 1 :]]
        return [reasoning[:half], second]

    def message(self) -> dict[str, Any]:
        return {
            "id": self._item("msg"),
            "type": "message",
            "status": self.status,
            "role": "assistant",
            "content": [self.part()],
        }

    def part(self) -> dict[str, Any]:
        """The one content part of the message."""
        if self.spoken.refusal:
            return {"type": "refusal", "refusal": "".join(self.spoken.refusal)}
        text = "".join(self.spoken.text)
        told = [annotation(page, text) for page in self.cited]
        return {"type": "output_text", "text": text, "annotations": told, "logprobs": []}

    def call(self, place: int, call: Call) -> dict[str, Any]:
        return {
            "id": f"{self._item('fc')}_{place}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }

    def _item(self, kind: str) -> str:
        return f"{kind}_{self.id.removeprefix('resp_')}"


def usage(prompt: int, cached: int, spoken: Spoken) -> dict[str, Any]:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": spoken.tokens,
        "output_tokens_details": {"reasoning_tokens": len(spoken.reasoning)},
        "total_tokens": prompt + spoken.tokens,
    }


class Telling:
    """Numbers the events of one stream."""

    def __init__(self) -> None:
        self.number = 0

    def event(self, kind: str, **fields: Any) -> Frame:
        body = {"type": kind, "sequence_number": self.number, **fields}
        self.number += 1
        return Frame(f"event: {kind}\ndata: ".encode() + json_bytes(body) + b"\n\n")

    def tokens(self, kind: str, pieces: list[str], **fields: Any) -> Iterator[Frame]:
        """One event for each token. The part around number and token is built once."""
        before = f'event: {kind}\ndata: {{"type":"{kind}","sequence_number":'.encode()
        between = b"," + json_bytes(fields)[1:-1] + b',"delta":'
        after = b',"logprobs":[]}\n\n' if kind == "response.output_text.delta" else b"}\n\n"
        for place, piece in enumerate(pieces):
            if place % _BETWEEN_COMMENTS == _BETWEEN_COMMENTS // 2:
                yield _KEEP_ALIVE
            number = str(self.number).encode()
            self.number += 1
            yield Frame(before + number + between + json_bytes(piece) + after, tokens=1)


def frames(reply: Reply, telling: Telling) -> Iterator[Frame]:
    """Everything up to the last item; the end follows apart."""
    begun = reply.response("in_progress", [])
    yield telling.event("response.created", response=begun)
    yield telling.event("response.in_progress", response=begun)
    place = 0
    if reply.spoken.reasoning:
        yield from _thinking(reply, telling, place)
        place += 1
    if reply.spoken.text or reply.spoken.refusal:
        yield from _message(reply, telling, place)
        place += 1
    for number, call in enumerate(reply.spoken.calls):
        yield from _call(reply.call(number, call), telling, place)
        place += 1


def ending(reply: Reply, telling: Telling) -> Iterator[Frame]:
    yield telling.event(f"response.{reply.status}", response=reply.ended())
    # Not in the provider's grammar, but seen on AnyInt.
    yield DONE


def _thinking(reply: Reply, telling: Telling, place: int) -> Iterator[Frame]:
    item = reply.thinking("streamed")
    yield telling.event("response.output_item.added", output_index=place, item={**item, "summary": []})
    for index, tokens in enumerate(reply.summaries()):
        where = {"item_id": item["id"], "output_index": place, "summary_index": index}
        part = {"type": "summary_text", "text": "".join(tokens)}
        empty = {"type": "summary_text", "text": ""}
        yield telling.event("response.reasoning_summary_part.added", **where, part=empty)
        yield from telling.tokens("response.reasoning_summary_text.delta", tokens, **where)
        yield telling.event("response.reasoning_summary_text.done", **where, text=part["text"])
        yield telling.event("response.reasoning_summary_part.done", **where, part=part)
    yield telling.event("response.output_item.done", output_index=place, item=item)


def _message(reply: Reply, telling: Telling, place: int) -> Iterator[Frame]:
    item, part = reply.message(), reply.part()
    refused = part["type"] == "refusal"
    field, pieces = ("refusal", reply.spoken.refusal) if refused else ("text", reply.spoken.text)
    where = {"item_id": item["id"], "output_index": place, "content_index": 0}
    opened = {**item, "status": "in_progress", "content": []}
    empty = {**part, field: ""} | ({} if refused else {"annotations": []})
    kind = "response.refusal" if refused else "response.output_text"
    more: dict[str, Any] = {} if refused else {"logprobs": []}
    yield telling.event("response.output_item.added", output_index=place, item=opened)
    yield telling.event("response.content_part.added", **where, part=empty)
    yield from telling.tokens(f"{kind}.delta", pieces, **where)
    for number, told in enumerate(part.get("annotations", ())):
        yield telling.event(f"{kind}.annotation.added", **where, annotation_index=number, annotation=told)
    yield telling.event(f"{kind}.done", **where, **{field: part[field]}, **more)
    yield telling.event("response.content_part.done", **where, part=part)
    yield telling.event("response.output_item.done", output_index=place, item=item)


def _call(item: dict[str, Any], telling: Telling, place: int) -> Iterator[Frame]:
    where = {"item_id": item["id"], "output_index": place}
    opened = {**item, "status": "in_progress", "arguments": ""}
    yield telling.event("response.output_item.added", output_index=place, item=opened)
    kind = "response.function_call_arguments"
    yield from telling.tokens(f"{kind}.delta", split(item["arguments"]), **where)
    yield telling.event(f"{kind}.done", **where, name=item["name"], arguments=item["arguments"])
    yield telling.event("response.output_item.done", output_index=place, item=item)
