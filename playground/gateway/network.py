"""HTTP/1.1 to the gateway on asyncio's protocols and httptools' parser, as a transport for httpx.

httpcore, h11 and anyio cost a streaming relay half of its CPU (see `docs/performance.md`). Requests,
TLS settings, timeouts and errors stay httpx's; both transports pass the same tests.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import AsyncIterator
from typing import cast

import httptools
import httpx

HIGH_WATER = 256 * 1024
MAX_IDLE = 200
IDLE_S = 5.0
LARGEST_HEAD = 64 * 1024
Origin = tuple[str, str, int]


class Connection(asyncio.Protocol):
    """One socket: what the parser calls, what the event loop calls, and the reader's side."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.idle_since = 0.0
        self.lost = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._late_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.begin()

    def begin(self) -> None:
        """Ready for the next answer."""
        self._parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self._bodiless = 0
        self.head_done = self.done = self._keep = self._paused = False
        self._body: list[bytes] = []
        self._held = 0

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's by class.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.done:
            self.transport.abort()  # bytes that nobody asked for
            return
        held = self._held
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(httpx.RemoteProtocolError(str(error)))
            return
        if not self.head_done or self._held == held:
            # The head, or what a body may hold beside itself: sizes of chunks and trailers.
            self._bodiless += len(data)
            if self._bodiless > LARGEST_HEAD:
                what = "trailers are" if self.head_done else "head is"
                self._fail(httpx.RemoteProtocolError(f"the answer's {what} too large"))
        elif self._held > HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.done and self._error is None:
            named = {name.lower() for name, _ in self.headers}
            if self.head_done and exc is None and not named & {b"content-length", b"transfer-encoding"}:
                self.done = True  # the end of the connection is the end of the body
            elif exc is not None:
                self._error = httpx.ReadError(str(exc))
            else:
                self._error = httpx.RemoteProtocolError("the peer closed the connection in mid-answer")
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer comes too late for whoever has the head.
        if not self.head_done:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self.headers.clear()
        else:
            self.head_done = True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._held += len(body)
        self._bodiless = 0

    def on_message_complete(self) -> None:
        if self.head_done:
            self.done = True
            # The parser can tell only here.
            self._keep = self._parser.should_keep_alive()

    # What the reader calls

    @property
    def status(self) -> int:
        return int(self._parser.get_status_code())

    @property
    def fresh(self) -> bool:
        """Whether an idle connection may carry a request: nothing came since, not even its end."""
        if self.lost or self.loop.time() - self.idle_since >= IDLE_S:
            return False
        waiting = select.poll()
        # The loop may not have told of it yet, so the socket itself is asked.
        waiting.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not waiting.poll(0)

    @property
    def reusable(self) -> bool:
        return self.done and self._keep and not self.lost and not self._body

    async def send(self, data: bytes, seconds: float | None) -> None:
        self.transport.write(data)
        try:
            async with asyncio.timeout(seconds):
                await self._writable.wait()
        except TimeoutError:
            raise httpx.WriteTimeout("timed out") from None

    async def head(self, seconds: float | None) -> None:
        while not self.head_done:
            await self._wait(seconds)

    async def body(self, seconds: float | None) -> AsyncIterator[bytes]:
        while True:
            if self._body:
                data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
                self._body.clear()
                self._held = 0
                if self._paused:
                    self._paused = False
                    self.transport.resume_reading()
                yield data
            elif self.done:
                return
            else:
                await self._wait(seconds)

    async def _wait(self, seconds: float | None) -> None:
        """Until something comes. One timer serves all reads: it moves itself on while bytes arrive."""
        if self._error is not None:
            raise self._error
        self._waiter = self.loop.create_future()
        if seconds is not None:
            self._late_at = self.loop.time() + seconds
            if self._timer is None:
                self._timer = self.loop.call_at(self._late_at, self._expire)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _expire(self) -> None:
        self._timer = None
        if self.loop.time() < self._late_at:
            self._timer = self.loop.call_at(self._late_at, self._expire)
        elif self._waiter is not None:
            self._fail(httpx.ReadTimeout("timed out"))

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self.transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            if self._error is not None:
                self._waiter.set_exception(self._error)
            else:
                self._waiter.set_result(None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.transport.abort()


class Body(httpx.AsyncByteStream):
    """An answer's body; closing it early closes the socket."""

    def __init__(
        self, owner: Transport, origin: Origin, connection: Connection, read_s: float | None
    ) -> None:
        self._owner, self._origin, self._connection, self._read_s = owner, origin, connection, read_s

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body(self._read_s)

    async def aclose(self) -> None:
        self._owner.put_back(self._origin, self._connection)


class Transport(httpx.AsyncBaseTransport):
    """Connections by origin; idle ones are used again for a few seconds."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._idle: dict[Origin, list[Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout", {})
        url = request.url
        origin = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        connection = self._take(origin) or await self._connect(origin, limits.get("connect"))
        try:
            await connection.send(await _bytes_of(request), limits.get("write"))
            await connection.head(limits.get("read"))
        except BaseException:
            connection.close()
            raise
        body = Body(self, origin, connection, limits.get("read"))
        return httpx.Response(connection.status, headers=connection.headers, stream=body)

    def _take(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if connection.fresh:
                connection.begin()
                return connection
            connection.close()
        return None

    def put_back(self, origin: Origin, connection: Connection) -> None:
        idle = self._idle.setdefault(origin, [])
        if connection.reusable and len(idle) < MAX_IDLE:
            connection.idle_since = connection.loop.time()
            idle.append(connection)
        else:
            connection.close()

    async def _connect(self, origin: Origin, seconds: float | None) -> Connection:
        scheme, host, port = origin
        context = self._context if scheme == "https" else None
        try:
            async with asyncio.timeout(seconds):
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(Connection, host, port, ssl=context)
        except TimeoutError:
            raise httpx.ConnectTimeout("timed out") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    async def aclose(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()


async def _bytes_of(request: httpx.Request) -> bytes:
    lines = [name + b": " + value for name, value in request.headers.raw]
    if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        raise httpx.LocalProtocolError("a header holds a line break")
    head = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1", *lines]
    body = b"".join([part async for part in cast(httpx.AsyncByteStream, request.stream)])
    return b"\r\n".join([*head, b"", body])
