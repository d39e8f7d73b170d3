"""A fast stand-in for the gateway: streams of stamped tokens at a set pace, 1,000 at once on little CPU.

Standard library only. The model name carries the parameters: `bench-200-20` is 200 tokens at 20 a
second, `bench-200-0` all of them at once, `bench-d100-200-20` waits 100 ms before the first one.
Every token holds a stamp `<microseconds, 9 digits>-<number, 5 digits>`, see `stamps`. `GET /stats`
tells what was asked and sent, `GET /closed` when connections were lost in mid-answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterator

WHEEL_S = 0.005
STAMP = re.compile(rb"(\d{9})-(\d{5})")
WRAP = 10**9
FLOOD_BATCH = 64

# One page of Markdown, token by token: what stands before and after the stamp, as JSON string text.
_PROSE = ["the", "harbour", "light", "turns", "slowly", "while", "small", "boats", "drift", "home", "over"]
_PROSE += ["calm", "green", "water", "and"]


def _page() -> list[tuple[bytes, bytes]]:
    """120 tokens: a heading, prose with emphasis, a list, code, a table."""
    prose = [(f"{word} ", " ") for word in _PROSE]
    tokens = [("## Part ", "\\n\\n"), *prose[:12], ("**strong** ", " "), *prose[2:], ("`code` ", ".\\n\\n")]
    tokens += prose * 2 + [("so ", ".\\n\\n")]
    for item in range(4):
        tokens += [("- item ", " "), *prose[item : item + 3], ("end ", "\\n" if item < 3 else "\\n\\n")]
    tokens += [("```python\\ndef f():\\n    x = '", "'\\n"), *[(f"    y{n} = '", "'\\n") for n in range(6)]]
    tokens += [("    return '", "'\\n```\\n\\n"), ("| a | b |\\n| --- | --- |\\n| ", " | 1 |\\n")]
    tokens += [("| ", f" | {n} |\\n") for n in range(3)] + [("| ", " | 9 |\\n\\n")]
    tokens += [*prose, ("last ", ".\\n\\n")]
    return [(before.encode(), after.encode()) for before, after in tokens]


_HEAD = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":'
)
_TAIL = b'"},"finish_reason":null}]}\n\n'


def _templates() -> list[tuple[bytes, bytes]]:
    """Each token's bytes before and after its stamp, inside its own HTTP chunk."""
    pieces = []
    for before, after in _page():
        left = _HEAD + b'[{"index":0,"delta":{"content":"' + before
        right = after + _TAIL
        size = len(left) + 15 + len(right)
        pieces.append((b"%x\r\n" % size + left, right + b"\r\n"))
    return pieces


TOKENS = _templates()
OPENING = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-request-id: bench\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_END = (
    _HEAD + b'[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","choices":[],"usage":'
    b'{"prompt_tokens":9,"completion_tokens":%d,"total_tokens":9}}\n\ndata: [DONE]\n\n'
)
MODEL = re.compile(r"bench-(?:d(\d+)-)?(\d+)-(\d+)")
MODELS = json.dumps(
    {"object": "list", "data": [{"id": "bench-200-20", "object": "model", "created": 1, "owned_by": "bench"}]}
).encode()


def now_us() -> int:
    """The clock of the stamps; the same in every process of one machine."""
    return time.monotonic_ns() // 1000 % WRAP


def stamps(data: bytes) -> Iterator[tuple[int, int]]:
    """Each stamp in `data`: when it was sent, and its number in its stream."""
    for match in STAMP.finditer(data):
        yield int(match[1]), int(match[2])


def age_ms(sent_us: int, now: int) -> float:
    return (now - sent_us) % WRAP / 1000


class Wheel:
    """One timer for all streams: those due in one slot are served together."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.slots: dict[int, list[Stream]] = {}

    def put(self, stream: Stream, at: float) -> None:
        slot = int(at / WHEEL_S) + 1
        due = self.slots.get(slot)
        if due is None:
            due = self.slots[slot] = []
            self.loop.call_at(slot * WHEEL_S, self._turn, slot)
        due.append(stream)

    def _turn(self, slot: int) -> None:
        for stream in self.slots.pop(slot):
            stream.due()


class Counters:
    """What the benchmark asks about afterwards."""

    def __init__(self) -> None:
        self.asked = 0
        self.sent = 0
        self.open = 0
        self.closed: deque[int] = deque(maxlen=5000)


class Stream:
    """One answer: `count` tokens, `pace` a second (0: as fast as the socket takes them)."""

    def __init__(self, server: Connection, count: int, pace: int, delay_s: float) -> None:
        self.server = server
        self.count = count
        self.step = 1 / pace if pace else 0.0
        self.number = 0
        self.paused = False
        self.next_at = server.wheel.loop.time() + delay_s
        self.over = False
        if delay_s:
            server.wheel.put(self, self.next_at)
        else:
            self.due()

    def due(self) -> None:
        if self.over:
            return
        if not self.step:
            self.flood()
            return
        self.server.send(self._tokens(1))
        if self.number == self.count:
            self.finish()
            return
        self.next_at += self.step
        self.server.wheel.put(self, self.next_at)

    def flood(self) -> None:
        """Write until the socket is full; `resume` goes on."""
        if not self.paused and not self.over:
            self.server.send(self._tokens(min(FLOOD_BATCH, self.count - self.number)))
            if self.number == self.count:
                self.finish()
            else:
                self.server.wheel.loop.call_soon(self.flood)

    def resume(self) -> None:
        self.paused = False
        if not self.step:
            self.flood()

    def _tokens(self, count: int) -> bytes:
        out, now, size = [], now_us(), len(TOKENS)
        for number in range(self.number, self.number + count):
            before, after = TOKENS[number % size]
            out.append(b"%b%09d-%05d%b" % (before, now, number % 100_000, after))
        self.number += count
        self.server.counters.sent += count
        return b"".join(out)

    def finish(self) -> None:
        end = _END % self.count
        self.server.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(end), end))
        self.over = True
        self.server.finished()


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, just enough for a client that behaves."""

    def __init__(self, wheel: Wheel, counters: Counters) -> None:
        self.wheel = wheel
        self.counters = counters
        self.stream: Stream | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send = transport.write

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) >= size:
            self.buffer = rest[size:]
            self.answer(head.split(b" ", 2)[1].decode(), rest[:size])

    def answer(self, path: str, body: bytes) -> None:
        if path == "/stats":
            figures = {name: getattr(self.counters, name) for name in ("asked", "sent", "open")}
            self._json(json.dumps(figures).encode())
        elif path == "/closed":
            self._json(json.dumps(list(self.counters.closed)).encode())
        elif path.endswith("/chat/completions"):
            self._chat(json.loads(body))
        elif path.endswith("/models"):
            self._json(MODELS)
        else:
            self.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _json(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.send(head % len(body) + body)

    def _chat(self, body: dict[str, object]) -> None:
        match = MODEL.fullmatch(str(body["model"]))
        if match is None:
            self.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        self.counters.asked += 1
        self.counters.open += 1
        self.send(OPENING)
        self.stream = Stream(self, int(match[2]), int(match[3]), int(match[1] or 0) / 1000)
        if self.stream.over:
            self.stream = None

    def finished(self) -> None:
        self.counters.open -= 1
        self.stream = None

    def pause_writing(self) -> None:
        if self.stream is not None:
            self.stream.paused = True

    def resume_writing(self) -> None:
        if self.stream is not None:
            self.stream.resume()

    def connection_lost(self, error: Exception | None) -> None:
        if self.stream is not None:
            self.stream.over = True
            self.counters.open -= 1
            self.counters.closed.append(now_us())


async def serve(port: int) -> None:
    wheel, counters = Wheel(), Counters()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(wheel, counters), "127.0.0.1", port, backlog=2048
    )
    print(f"upstream on {port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
