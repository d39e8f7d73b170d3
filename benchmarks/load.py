"""The load generator: people with an open page each, on raw sockets, reading event streams cheaply."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
import urllib.parse
import uuid
from collections.abc import Callable, Coroutine, Sequence
from statistics import quantiles
from typing import cast

from benchmarks.stage import CSRF, Person, Stage
from benchmarks.upstream import age_ms, now_us, stamps

TEXT_OP = re.compile(rb'\["text",\d+,"((?:[^"\\]|\\.)*)"\]')
RUN_ID = re.compile(rb'"run":"([0-9a-f-]{36})","turn":"([0-9a-f-]{36})"')


def percentile(values: list[float], share: int) -> float:
    """NaN when nothing was measured."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[share - 1]


class Watch(asyncio.Protocol):
    """One open page's stream. `ages` gathers token latencies while `measured`; the rest is noted always."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.measured = False
        self.ages: list[float] = []
        self.received = 0
        self.first_at: float | None = None
        self.ready = asyncio.Event()
        self.first = asyncio.Event()
        self.ended = asyncio.Event()
        self.gone = asyncio.Event()
        self.clean = False
        self.run = ""
        self.turn = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's by class.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if b'["text"' in data:
            self.tokens(data)
        if not self.ready.is_set() and b"event: ready" in data:
            self.ready.set()
        if b'["end",' in data:
            self.ended.set()
        if not self.run and (found := RUN_ID.search(data)):
            self.run, self.turn = found[1].decode(), found[2].decode()
        self.clean = data.endswith(b"0\r\n\r\n")

    def tokens(self, data: bytes) -> None:
        if self.first_at is None:
            self.first_at = time.monotonic()
            self.first.set()
        if self.measured:
            now = now_us()
            for text in self.texts(data):
                self.ages += [age_ms(sent, now) for sent, _ in stamps(text)]

    def texts(self, data: bytes) -> list[bytes]:
        """New text only: finished blocks and open tails repeat what came before."""
        return TEXT_OP.findall(data)

    def again(self) -> None:
        """Ready for the next answer on the same stream."""
        self.first_at = None
        self.run = self.turn = ""
        self.first.clear()
        self.ended.clear()

    def connection_lost(self, error: Exception | None) -> None:
        for event in (self.gone, self.ready, self.first, self.ended):
            event.set()

    def close(self) -> None:
        self.transport.abort()


class RawWatch(Watch):
    """A stream of the upstream's own, through the raw relay."""

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        self.tokens(data)
        if b"data: [DONE]" in data:
            self.ended.set()

    def texts(self, data: bytes) -> list[bytes]:
        return [data]


async def open_page(stage: Stage, person: Person, *, conversation: bool = True) -> Watch:
    """The page's one event stream, open and ready."""
    where = f"?conversation={person.conversation}" if conversation else ""
    request = (
        f"GET /chat/live{where} HTTP/1.1\r\nHost: localhost:{stage.port}\r\n"
        f"Accept: text/event-stream\r\nCookie: {stage.cookie(person)}\r\n\r\n"
    ).encode()
    watch = Watch(request)
    await asyncio.get_running_loop().create_connection(lambda: watch, "127.0.0.1", stage.port)
    await asyncio.wait_for(watch.ready.wait(), 60)
    if watch.gone.is_set():
        raise RuntimeError("a page's stream was refused")
    return watch


async def open_raw(port: int, model: str) -> RawWatch:
    """The same answer without the product."""
    body = json.dumps({"model": model, "stream": True, "messages": []}).encode()
    request = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    watch = RawWatch(request % len(body) + body)
    await asyncio.get_running_loop().create_connection(lambda: watch, "127.0.0.1", port)
    return watch


async def ask(stage: Stage, person: Person, model: str, *, text: str = "Tell me about harbours") -> None:
    """Send the composer's form as the page does. RuntimeError when it is refused."""
    fields = {
        "turn_id": str(uuid.uuid4()),
        "text": text,
        "family": "openai_chat",
        "model": model,
        "key": person.key,
        "system": "",
        "stream": "on",
    }
    await post(stage, person, f"/chat/{person.conversation}/ask", fields)


async def post(stage: Stage, person: Person, path: str, fields: dict[str, str]) -> bytes:
    body = urllib.parse.urlencode(fields).encode()
    head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    return await _send(stage, person, f"POST {path}", head.encode() + body)


async def get(stage: Stage, person: Person, path: str) -> bytes:
    return await _send(stage, person, f"GET {path}", b"\r\n")


async def _send(stage: Stage, person: Person, what: str, rest: bytes) -> bytes:
    """One htmx request on a connection of its own; the whole answer."""
    head = (
        f"{what} HTTP/1.1\r\nHost: localhost:{stage.port}\r\nCookie: {stage.cookie(person)}\r\n"
        f"X-CSRFToken: {CSRF}\r\nHX-Request: true\r\nConnection: close\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    try:
        writer.write(head.encode() + rest)
        answer = await reader.read(-1)
    finally:
        writer.close()
    if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 204")):
        raise RuntimeError(f"{what} was refused: {answer[:300]!r}")
    return answer


async def all_at_rest(stage: Stage) -> None:
    """Wait until the upstream has no answer open."""
    while (await asyncio.to_thread(stage.upstream_stats))["open"]:
        await asyncio.sleep(0.1)


async def start_spread(acts: Sequence[Callable[[], Coroutine[None, None, None]]], over_s: float) -> None:
    """Start things evenly over a time, in random order, so that nothing beats in step."""
    acts = random.sample(acts, len(acts))
    began, started = time.monotonic(), list[asyncio.Task[None]]()
    for number, act in enumerate(acts):
        wait = began + over_s * number / len(acts) - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        started.append(asyncio.create_task(act()))
    await asyncio.gather(*started)
