"""A gateway on loopback whose answer the test writes word by word, and that keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

from tests._servers.processes import PATIENCE_S


@dataclass
class Upstream:
    """`asked` are the bodies of the requests; an answer goes on until `finish`."""

    url: str = ""
    asked: SimpleQueue[dict[str, Any]] = field(default_factory=SimpleQueue)
    words: SimpleQueue[str] = field(default_factory=SimpleQueue)

    def say(self, text: str) -> None:
        self._send({"delta": {"content": text}, "index": 0})

    def finish(self, reason: str = "stop") -> None:
        self._send({"delta": {}, "index": 0, "finish_reason": reason})
        self.words.put("data: [DONE]\n\n")
        self.words.put("")

    def answer(self, text: str, reason: str = "stop") -> None:
        self.say(text)
        self.finish(reason)

    def request(self) -> dict[str, Any]:
        """The body of the next request."""
        return self.asked.get(timeout=PATIENCE_S)

    def forget(self) -> None:
        """A new test: whoever still waits for words gets no more."""
        self.words.put("")
        self.asked, self.words = SimpleQueue(), SimpleQueue()

    def _send(self, choice: dict[str, Any]) -> None:
        chunk = {"id": "own-1", "object": "chat.completion.chunk", "model": "own-model", "choices": [choice]}
        self.words.put(f"data: {json.dumps(chunk)}\n\n")


@contextmanager
def running() -> Iterator[Upstream]:
    upstream = Upstream()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._head("application/json")
            row = {"type": "model", "id": "own-model", "display_name": "Own model"}
            self.wfile.write(json.dumps({"data": [row], "has_more": False}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            words = upstream.words
            upstream.asked.put(body)
            self._head("text/event-stream")
            for word in iter(words.get, ""):
                self.wfile.write(word.encode())
                self.wfile.flush()

        def _head(self, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Connection", "close")
            self.end_headers()

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return  # a stopped answer

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.forget()
        server.shutdown()
        server.server_close()
