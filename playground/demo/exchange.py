"""One HTTP request and its answer on top of plain ASGI."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RESET = "playground.demo.reset"
"""Scope extension by which the server lets the app reset the connection; absent under other servers."""


SILENCE_S = 30.0
"""How long the next part of a body may take: a caller that is gone without a word must not stay for ever."""


class Refused(Exception):
    """An answer that is an error, in the gateway's own shape (contract 4.2)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = "invalid_request",
        param: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.headers = headers

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


def not_allowed(*methods: str) -> Refused:
    allow = (("allow", ", ".join(methods)),)
    return Refused(405, "Method not allowed", code="method_not_allowed", headers=allow)


class Cut(Exception):
    """Ends the answer with the socket closed and the body unfinished."""


def json_bytes(value: object) -> bytes:
    """Compact JSON. Lone surrogates cannot be written as UTF-8, so text with them is written in escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


class Exchange:
    """What a handler sees of a request: its parts, its body, and the ways to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, request_id: str) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        query = scope.get("query_string", b"").decode("latin-1")
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
        self.request_id = request_id
        self.status: int | None = None
        self._reset = scope.get("extensions", {}).get(RESET)
        self._receive = receive
        self._send = send

    async def body(self, limit: int) -> bytes:
        """The whole body; 413 above the limit, 408 when the rest of it does not come.

        What comes above it is read and thrown away, since most clients read no answer before they
        have written everything; a body without end is refused at eight times the limit.
        """
        parts: list[bytes] = []
        size = 0
        more = True
        while more and size <= limit * 8:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise Cut
            part = message.get("body", b"")
            size += len(part)
            if size <= limit:
                parts.append(part)
            more = message.get("more_body", False)
        if size > limit:
            raise Refused(
                413, f"The request body is larger than {limit // 1024 // 1024} MiB", code="request_too_large"
            )
        return b"".join(parts)

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(SILENCE_S):
                return await self._receive()
        except TimeoutError:
            closing = (("connection", "close"),)
            raise Refused(
                408, "The request body did not come", type="timeout_error", code="timeout", headers=closing
            ) from None

    async def reply(self, status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        await self.reply_bytes(status, json_bytes(value), "application/json", headers)

    async def reply_bytes(
        self, status: int, body: bytes, media_type: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        length = ("content-length", str(len(body)))
        await self.start(status, media_type, (length, *headers))
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, media_type: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status = status
        every = (("content-type", media_type), ("x-request-id", self.request_id), *headers)
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def cut(self) -> None:
        """Close the socket without ending the body."""
        raise Cut

    async def reset(self) -> None:
        """Reset the connection (RST) where the server can, else cut it."""
        if self._reset is not None:
            # What was written has to leave the machine first: a reset throws unsent bytes away.
            await asyncio.sleep(0.02)
            self._reset()
        raise Cut

    async def while_connected(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work unless the client goes away first; returns whether the work was done."""
        task = asyncio.ensure_future(work)
        left = asyncio.ensure_future(self._left())
        try:
            await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
            done = task.done()
        finally:
            left.cancel()
            task.cancel()
        await asyncio.gather(left, return_exceptions=True)
        if not done:
            await asyncio.gather(task, return_exceptions=True)
            return False
        await task
        return True

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
