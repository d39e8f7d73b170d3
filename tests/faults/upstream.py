"""A careless gateway for what the demo gateway cannot show, and another host beside it that sees who comes.

It answers by the model that is asked for. It counts the keys that came, so that a test can see whose
key a request carried.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

CHUNK = b"x" * 65536


@dataclass
class Upstream:
    """`elsewhere` is the other host's address; `strayed` what was asked of it; "held" ends after `go_on`."""

    url: str = ""
    elsewhere: str = ""
    strayed: list[str] = field(default_factory=list)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    listed: Counter[str] = field(default_factory=Counter)
    cookies: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    over: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)


def chunk(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None} | more
    return b"data: " + json.dumps({"id": "up-1", "model": "up", "choices": [choice]}).encode() + b"\n\n"


def whole(text: str) -> list[bytes]:
    """A complete stream that says this."""
    return [chunk(text), chunk("", finish_reason="stop"), b"data: [DONE]\n\n"]


def texts(*pieces: str) -> list[bytes]:
    return [*map(chunk, pieces), chunk("", finish_reason="stop"), b"data: [DONE]\n\n"]


class Handler(BaseHTTPRequestHandler):
    upstream: Upstream
    answers: dict[str, list[bytes]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.upstream.listed[self.headers.get("Authorization", "").removeprefix("Bearer ")] += 1
        if self.headers.get("Authorization", "").endswith("-refused"):
            self._refuse()
        else:
            rows = [{"type": "model", "id": model, "display_name": model} for model in sorted(self.answers)]
            self._reply(200, json.dumps({"data": rows, "has_more": False}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        model = body["model"]
        self.upstream.asked[key, body["messages"][-1]["content"]] += 1
        self.upstream.cookies += self.headers.get_all("Cookie") or []
        self.upstream.bodies.append(body)
        act: Callable[[], None] = {
            "redirect-302": lambda: self._redirect(302),
            "redirect-307": lambda: self._redirect(307),
            "redirect-308": lambda: self._redirect(308),
            "echo-key": self._refuse,
            "endless-json": lambda: self._endless("application/json", b'{"a": "'),
            "endless-frame": lambda: self._endless("text/event-stream", b"data: "),
            "drip": self._drip,
            "compressed": self._compressed,
            "held": self._held,
        }.get(model, lambda: self._stream(self.answers[model]))
        act()

    def _redirect(self, status: int) -> None:
        place = f"{self.upstream.elsewhere}{self.path}"
        self._reply(status, b"", Location=place)

    def _refuse(self) -> None:
        words = f"Incorrect API key provided: {self.headers['Authorization']}"
        body = {"error": {"message": words, "code": "invalid_api_key"}}
        self._reply(
            401, json.dumps(body).encode(), **{"X-Request-ID": f"req-{self.headers['Authorization']}"}
        )

    def _compressed(self) -> None:
        self._reply(200, b"\x1f\x8b" + bytes(2000), **{"Content-Encoding": "gzip"})

    def _endless(self, kind: str, start: bytes) -> None:
        self._head(kind)
        try:
            self.wfile.write(start)
            while not self.upstream.over.is_set():
                self.wfile.write(CHUNK)
                self.upstream.sent += len(CHUNK)
        except OSError:
            return

    def _drip(self) -> None:
        """A comment now and then: alive, and saying nothing."""
        self._head("text/event-stream")
        try:
            while not self.upstream.over.wait(0.2):
                self.wfile.write(b": still here\n\n")
        except OSError:
            return

    def _held(self) -> None:
        self._stream([chunk("First words.")])
        self.upstream.go_on.wait()
        for frame in whole(" Last words."):
            self.wfile.write(frame)

    def _stream(self, frames: list[bytes]) -> None:
        self._head("text/event-stream")
        for frame in frames:
            self.wfile.write(frame)
            self.wfile.flush()

    def _head(self, kind: str) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Set-Cookie", "tracked=yes; Path=/")
        self.send_header("Connection", "close")
        self.end_headers()

    def _reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Fewer, and callers who come at once wait a second for the system to try again.
    request_queue_size = 128


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def running_upstream(answers: dict[str, list[bytes]]) -> Iterator[Upstream]:
    upstream = Upstream()

    class Stray(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            upstream.strayed.append(f"{self.command} {self.path} {dict(self.headers)}")
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

    mine = type("Mine", (Handler,), {"upstream": upstream, "answers": answers})
    with serving(Stray) as upstream.elsewhere, serving(mine) as upstream.url:
        yield upstream
        upstream.over.set()
        upstream.go_on.set()
