"""One question to the gateway as the product asks it, with all that can be measured and shown of it.

Nothing is asked twice: what a second try would hide is what a check is to find.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playground.gateway import snippets
from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.events import Event, PartDelta
from playground.gateway.redaction import redact
from playground.gateway.request import WireRequest
from playground.gateway.sse import Frame, FrameDecoder
from playground.gateway.transcript import Transcript
from playground.gateway.transport import LARGEST_BODY, Answer, AsyncTransport, join
from playground.gateway.wire.family import Family

# Of an answer; the beginning and the end tell what there is to tell.
KEPT = 6000
SHOWN_HEADERS = ("content-type", "retry-after", "x-request-id", "request-id", "x-litellm-call-id")
# What the last frames of a whole stream hold, by family (contract sections 6 to 10).
END_MARKS = {
    "openai_chat": ("[DONE]",),
    "openai_responses": ("response.completed", "response.incomplete"),
    "anthropic": ("message_stop",),
    "gemini": ("finishReason", "blockReason"),
}
LAST_FRAMES = 4


@dataclass(slots=True)
class Exchange:
    """`error`: it failed before anything of the answer could be read, or the stream broke."""

    wire: WireRequest
    address: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    streamed: bool = False
    deltas: int = 0
    ignored: int = 0
    first_ms: int | None = None
    total_ms: int = 0
    error: GatewayError | None = None
    transcript: Transcript = field(default_factory=Transcript)
    _tail: list[Frame] = field(default_factory=list)

    def take(self, events: list[Event]) -> None:
        for event in events:
            self.deltas += isinstance(event, PartDelta)
            self.transcript.apply(event)

    def hear(self, chunk: bytes, ms: int) -> None:
        self.first_ms = ms if self.first_ms is None else self.first_ms
        self.size += len(chunk)
        self.body += chunk
        if len(self.body) > 4 * KEPT:
            del self.body[KEPT : len(self.body) - KEPT]
        if self.size > LARGEST_BODY:
            raise GatewayError("protocol", "The gateway's answer is too large.", code="too_large")

    def note(self, frame: Frame) -> None:
        self._tail = [*self._tail, frame][-LAST_FRAMES:]

    def end_mark(self, family: str) -> str:
        """By what the last frames of the stream say that it is whole; "" when they do not."""
        told = [f"{frame.event} {frame.data[-2000:]}" for frame in self._tail]
        return next((mark for mark in END_MARKS[family] if any(mark in text for text in told)), "")

    @property
    def failure(self) -> GatewayError | None:
        """Why it failed, wherever that showed: before the answer, in it, or after."""
        failed = self.transcript.failure
        if self.error is not None or failed is None:
            return self.error
        return GatewayError(failed.kind, failed.message, code=failed.code, status=self.status)

    @property
    def evidence(self) -> list[dict[str, str]]:
        """The request and the answer as text, without any key."""
        return [
            {"title": "Request", "text": clean(request_text(self.wire, self.address))},
            {"title": "Answer", "text": clean(self._answer())},
        ]

    def _answer(self) -> str:
        if self.status is None and self.error is not None:
            return f"No answer: {self.error}"
        lines = [f"HTTP {self.status}"]
        lines += [f"{name}: {self.headers[name]}" for name in SHOWN_HEADERS if name in self.headers]
        raw = self.error.answer if self.error is not None and self.error.answer else bytes(self.body)
        text = raw.decode("utf-8", "replace")
        if self.error is not None:
            text += f"\n({self.error})"
        return "\n".join(lines) + "\n\n" + text


def request_text(wire: WireRequest, address: str) -> str:
    """The request as it went out; where the key stood it says so."""
    told = snippets.told(wire)
    header, before = snippets.AUTH[wire.auth]
    head = [f"{told.method} {join(address, told.path)}", f"{header}: {before}[hidden]"]
    return "\n".join([*head, *(f"{name}: {value}" for name, value in told.headers)]) + f"\n\n{told.body}"


def clean(text: str) -> str:
    """Foreign text as it may be kept: no key, nothing a database refuses, its middle left out when long."""
    text = storable(redact(text)).replace("\x00", "\u2400")
    if len(text) <= 2 * KEPT:
        return text
    return f"{text[:KEPT]}\n… {len(text) - 2 * KEPT:,} characters left out …\n{text[-KEPT:]}"


async def ask(
    transport: AsyncTransport,
    wire: WireRequest,
    *,
    base_url: str,
    secret: str,
    family: Family | None = None,
    patience_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Exchange:
    """Send once and read to the end; a `family` reads the answer as its own. Raises nothing of upstream."""
    out, began = Exchange(wire, base_url), clock()

    def ms() -> int:
        return round((clock() - began) * 1000)

    try:
        async with asyncio.timeout(patience_s), transport.open(wire, base_url, secret) as answer:
            out.status, out.headers = answer.status, answer.headers
            if wire.stream and answer.content_type == "text/event-stream" and family is not None:
                await _read_stream(answer, family, out, ms)
            else:
                await _read_whole(answer, family, out, ms)
    except TimeoutError:
        out.error = GatewayError("timeout", f"Nothing more came within {patience_s:g} s.", code="deadline")
    except GatewayError as error:
        out.error, out.status = error, error.status or out.status
    out.total_ms = ms()
    return out


async def _read_stream(answer: Answer, family: Family, out: Exchange, ms: Callable[[], int]) -> None:
    frames, decoder = FrameDecoder(), family.decoder()
    out.streamed = True
    try:
        async for chunk in answer.chunks:
            out.hear(chunk, ms())
            for frame in frames.feed(chunk):
                out.note(frame)
                out.take(decoder.feed(frame))
            if decoder.ended:
                break
    except GatewayError as error:
        if not out.transcript.parts or error.kind != "network":
            raise
        # A broken socket is an end like any other: complete if the reason had come, else interrupted.
    for frame in frames.flush():
        out.note(frame)
        out.take(decoder.feed(frame))
    out.take(decoder.end())
    out.ignored = decoder.ignored


async def _read_whole(answer: Answer, family: Family | None, out: Exchange, ms: Callable[[], int]) -> None:
    whole = bytearray()
    async for chunk in answer.chunks:
        out.hear(chunk, ms())
        whole += chunk
    if family is not None:
        out.take(family.decode_whole(bytes(whole)))
    else:
        out.body = whole
