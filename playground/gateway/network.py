"""A network backend for httpcore straight on asyncio's protocols.

httpcore's own goes through anyio, which costs a streaming relay about a third of its CPU (see
`docs/performance.md`). Pool, HTTP/1.1, TLS settings and errors stay httpcore's; both backends pass
the same tests.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore

HIGH_WATER = 256 * 1024


class Stream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection: the protocol that takes bytes in and the stream httpcore reads from."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._over = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._paused = False

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do what asyncio's do without being of their classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        self._over = True
        _wake(self._reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._error = self._error or exc
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        self._writer = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._writer)
        self._writer = None

    # What httpcore calls

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        if not self._buffer and not self._over:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await _in_time(self._reader, timeout, httpcore.ReadTimeout)
            finally:
                self._reader = None
        if not self._buffer:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error))
            return b""
        return self._take(max_bytes)

    def _take(self, max_bytes: int) -> bytes:
        data = bytes(self._buffer[:max_bytes])
        del self._buffer[:max_bytes]
        if self._paused and self._transport is not None and len(self._buffer) < HIGH_WATER // 2:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        if self._transport is None or self._over or self._transport.is_closing():
            raise httpcore.WriteError(str(self._error or "the connection is closed"))
        if buffer:
            self._transport.write(buffer)
        if self._writer is not None:
            await _in_time(self._writer, timeout, httpcore.WriteTimeout)
            if self._error is not None:
                raise httpcore.WriteError(str(self._error))

    async def aclose(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        assert self._transport is not None
        try:
            async with asyncio.timeout(timeout):
                upgraded = await asyncio.get_running_loop().start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            self._transport.abort()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            self._transport.abort()
            raise httpcore.ConnectError(str(error)) from error
        if upgraded is None:
            raise httpcore.ConnectError("the connection was closed during the TLS handshake")
        self._transport = upgraded
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._over or bool(self._buffer)
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info)) if self._transport else None


class Backend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections as `Stream`s."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        local = (local_address, 0) if local_address else None
        try:
            async with asyncio.timeout(timeout):
                _, stream = await asyncio.get_running_loop().create_connection(
                    Stream, host, port, local_addr=local
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


async def _in_time(waiter: asyncio.Future[None], seconds: float | None, late: type[Exception]) -> None:
    """Wait without `asyncio.timeout`, whose bookkeeping at every read is what this module saves."""
    if seconds is None:
        await waiter
        return
    timer = asyncio.get_running_loop().call_later(seconds, _expire, waiter, late)
    try:
        await waiter
    finally:
        timer.cancel()


def _expire(waiter: asyncio.Future[None], late: type[Exception]) -> None:
    if not waiter.done():
        waiter.set_exception(late("timed out"))
