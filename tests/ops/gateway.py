"""A Models API on loopback that answers what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Gateway:
    """`answer` gets the query and gives (status, headers, body); `keys` are the keys that came.

    It has no list but that of the OpenAI path; what asks for another one gets 404.
    """

    url: str = ""
    keys: list[str] = field(default_factory=list)
    answer: Callable[[dict[str, str]], tuple[int, dict[str, str], bytes]] = lambda query: (500, {}, b"")

    def lists(self, *models: str | tuple[str, str], per_page: int = 1000) -> None:
        """Answer with these ids, or (id, name) pairs, in pages."""
        rows = [row(*((model,) if isinstance(model, str) else model)) for model in models]

        def page(query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
            ids = [entry["id"] for entry in rows]
            start = ids.index(query["after_id"]) + 1 if query.get("after_id") else 0
            shown = rows[start : start + per_page]
            more = start + per_page < len(rows)
            body = {"data": shown, "has_more": more, "last_id": shown[-1]["id"] if shown else None}
            return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

        self.answer = page

    def fails(self, status: int, body: Any = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda query: (status, named, content)

    def echoes_the_key(self) -> None:
        """A careless gateway: the refusal holds the key it was sent."""

        def refuse(query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
            words = f"Incorrect API key provided: {self.keys[-1]}. Authorization: Bearer {self.keys[-1]}"
            body = {"error": {"message": words, "code": "invalid_api_key"}}
            return 401, {"X-Request-ID": f"req-{self.keys[-1]}"}, json.dumps(body).encode()

        self.answer = refuse


def row(model_id: str, name: str | None = None) -> dict[str, Any]:
    shown = model_id.title() if name is None else name
    return {"type": "model", "id": model_id, "display_name": shown, "created_at": "2026-01-01T00:00:00Z"}


def serve(gateway: Gateway) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            known = split.path == "/openai/v1/models"
            if known:
                gateway.keys.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
            status, headers, body = gateway.answer(query) if known else (404, {}, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
    return server
