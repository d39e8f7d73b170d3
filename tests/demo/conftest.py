"""A real demo gateway in a process of its own, and the clients that talk to it."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from tests._servers.processes import PATIENCE_S

KEY = "demo-key"
BEARER = {"authorization": f"Bearer {KEY}"}
X_API_KEY = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway under test."""

    process: subprocess.Popen[str]
    line: str

    @property
    def base(self) -> str:
        return self.line.split()[2]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.base)
        assert parts.hostname and parts.port
        return parts.hostname, parts.port

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case and body of one plain request; `body` may be bytes or JSON."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        try:
            raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, raw, BEARER if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, path: str, headers: dict[str, str] | None = None) -> Any:
        status, _, body = self.call("GET", path, headers=headers)
        assert status == 200, body
        return json.loads(body)

    def streams_once(self, open_now: int) -> dict[str, int]:
        """The counts as soon as this many answers are open; fails when that never happens."""
        for _ in range(20_000):
            counts: dict[str, int] = self.json("/demo/streams")
            if counts["open"] == open_now:
                return counts
        raise AssertionError(f"never {open_now} answers open, but {counts}")

    def chat(self, prompt: str = "Explain tides", **fields: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"model": "demo-chat", "messages": [{"role": "user", "content": prompt}], **fields}
        return self.call("POST", "/openai/v1/chat/completions", body)

    def respond(self, prompt: Any = "Explain tides", **fields: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"model": "demo-chat", "input": prompt, **fields}
        return self.call("POST", "/openai/v1/responses", body)

    def message(self, prompt: Any = "Explain tides", **fields: Any) -> tuple[int, dict[str, str], bytes]:
        question = [{"role": "user", "content": prompt}]
        body = {"model": "demo-chat", "max_tokens": 4096, "messages": question, **fields}
        return self.call("POST", "/anthropic/v1/messages", body, headers=X_API_KEY)

    @contextmanager
    def socket(
        self, model: str, *, prompt: str = "Explain tides", path: str = "/openai/v1/chat/completions"
    ) -> Iterator[socket.socket]:
        """A raw connection on which a stream of this model was asked for."""
        question = [{"role": "user", "content": prompt}]
        # Each route reads its own field for the question and leaves the other alone.
        fields = {"model": model, "stream": True, "max_tokens": 1024, "messages": question, "input": question}
        body = json.dumps(fields).encode()
        headers = {**BEARER, **X_API_KEY, "content-type": "application/json", "content-length": len(body)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {path} HTTP/1.1\r\nhost: demo\r\n{lines}\r\n"
        with socket.create_connection(self.address, timeout=PATIENCE_S) as connection:
            connection.sendall(head.encode() + body)
            yield connection


Starter = Callable[..., Running]


def start(*arguments: str, **environment: str) -> Running:
    """Start one and wait for the line it prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DEMO_", "DJANGO_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "playground.demo", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**clean, **environment},
    )
    assert process.stdout
    return Running(process, process.stdout.readline())


def stop(running: Running) -> None:
    running.process.kill()
    running.process.wait(timeout=PATIENCE_S)
    assert running.process.stdout
    running.process.stdout.close()


@pytest.fixture(scope="session")
def gateway() -> Iterator[Running]:
    """One gateway without waits for all tests that leave nothing behind in it."""
    running = start("--fast")
    yield running
    stop(running)


@pytest.fixture
def starter() -> Iterator[Starter]:
    """Starts gateways of one test's own."""
    started: list[Running] = []

    def begin(*arguments: str, **environment: str) -> Running:
        started.append(start(*arguments, **environment))
        return started[-1]

    yield begin
    for running in started:
        stop(running)


@pytest.fixture
def sdk(gateway: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{gateway.base}/openai/v1", api_key=KEY, max_retries=0, timeout=PATIENCE_S
    ) as client:
        yield client


@pytest.fixture
def claude(gateway: Running) -> Iterator[anthropic.Anthropic]:
    """The SDK of the Anthropic family; of itself it would send its key as a bearer token only."""
    with anthropic.Anthropic(
        base_url=f"{gateway.base}/anthropic",
        api_key=KEY,
        default_headers=X_API_KEY,
        max_retries=0,
        timeout=PATIENCE_S,
    ) as client:
        yield client
