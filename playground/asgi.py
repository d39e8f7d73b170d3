"""The ASGI application: pages and streams on a fixed set of threads, static files, and the run hub's life.

Django's own handler keeps a thread and its database connection for as long as a response is open.
Here a request borrows one of `WEB_THREADS` threads until its response is built; an event stream
then lives on the event loop alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402 - only after setup
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.db import close_old_connections, connections  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.http.response import HttpResponseBase  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402

from playground.chat import relay  # noqa: E402
from playground.library import waiting  # noqa: E402
from playground.media import feed  # noqa: E402
from playground.verify import feed as checks  # noqa: E402

# What also goes with what Django never sees: static files, and requests that are refused unread.
GUARDS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class PooledHandler(ASGIHandler):
    """Runs the whole middleware chain and view in one hop to one pooled thread."""

    def __init__(self) -> None:
        super(ASGIHandler, self).__init__()
        self.load_middleware(is_async=False)
        self.pool = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _body_length(scope) > settings.MAX_REQUEST_BYTES:
            await _refuse(send)
            return
        try:
            await self.handle(scope, _bounded(receive), send)
        except TooLarge:
            await _refuse(send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await asyncio.get_running_loop().run_in_executor(self.pool, self._respond, request)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            if settings.POSTGRESQL:
                connections.close_all()


class TooLarge(Exception):
    """A body that did not say its length goes on past the limit."""


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def receive_some() -> Mapping[str, Any]:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > settings.MAX_REQUEST_BYTES:
            raise TooLarge
        return message

    return receive_some


def _body_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(send: Send) -> None:
    limit = settings.MAX_REQUEST_BYTES // 2**20
    body = f"This is more than the {limit} MB one request may carry.".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    headers += [(name.lower().encode(), value.encode()) for name, value in GUARDS.items()]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await relay.start(feed.tell_changes, checks.tell_changes, waiting.watch)
            await send({"type": "lifespan.startup.complete"})
        else:
            await relay.shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _guard(headers: Any, path: str, url: str) -> None:
    for name, value in GUARDS.items():
        headers[name] = value


class Application:
    """Hands each scope to what serves it."""

    def __init__(self) -> None:
        self.pages = PooledHandler()
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        self.static = ServeStaticASGI(
            self.pages,
            root=str(settings.STATIC_ROOT),
            prefix=settings.STATIC_URL,
            immutable_file_test=r"\.[0-9a-f]{12}\.",
            charset="utf-8",
            allow_all_origins=False,
            add_headers_function=_guard,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["path"].startswith(settings.STATIC_URL):
            await self.static(scope, receive, send)
        else:
            await self.pages(scope, receive, send)


application = Application()
