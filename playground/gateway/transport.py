"""The one file that talks to the gateway, and the only one that sees an opened key.

`AsyncTransport` streams for the relay; `Transport` is its twin for threads. Redirects are never
followed, cookies never kept, the environment never asked, bodies never decompressed.
"""

from __future__ import annotations

import asyncio
import http.cookiejar
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from playground.gateway import errors, network
from playground.gateway.errors import GatewayError
from playground.gateway.redaction import remember
from playground.gateway.request import WireRequest

CONNECT_S = 10.0
READ_S = 120.0
ERROR_BODY_S = 10.0
LARGEST_BODY = 32 * 1024 * 1024
LARGEST_ERROR_BODY = 64 * 1024
LIMITS = httpx.Limits(max_connections=2000, max_keepalive_connections=200)
USER_AGENT = "anyint-playground"

_CODES: tuple[tuple[type[httpx.HTTPError], str, str, str], ...] = (
    (httpx.ConnectTimeout, "timeout", "connect_timeout", "The connection was not made in time."),
    (httpx.PoolTimeout, "timeout", "pool_timeout", "Too many requests are under way."),
    (httpx.TimeoutException, "timeout", "read_timeout", "The gateway went silent."),
    (httpx.ConnectError, "network", "connect", "The connection could not be made."),
    (httpx.UnsupportedProtocol, "network", "bad_address", "The gateway address is not one for HTTP."),
    (httpx.LocalProtocolError, "network", "local_protocol", "The request could not be put on the wire."),
    (httpx.RemoteProtocolError, "network", "broken", "The gateway broke the connection off."),
    (httpx.NetworkError, "network", "reset", "The connection was lost."),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer whose body is still to come. `chunks` gives raw bytes, once; it raises GatewayError."""

    status: int
    headers: Mapping[str, str]
    request_id: str
    content_type: str
    chunks: AsyncIterator[bytes]

    async def read(self, limit: int = LARGEST_BODY) -> bytes:
        """The rest of the body; more than `limit` bytes are GatewayError("protocol")."""
        body = bytearray()
        async for chunk in self.chunks:
            body += _bounded(chunk, body, limit)
        return bytes(body)


@cache
def tls_context() -> ssl.SSLContext:
    """One for the whole process: each costs tens of milliseconds and the better part of a megabyte."""
    return httpx.create_ssl_context(trust_env=False)


def _now() -> datetime:
    return datetime.now(UTC)


class AsyncTransport:
    """One per process and event loop. `aclose` it at the end."""

    def __init__(
        self,
        *,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        clock: Callable[[], datetime] = _now,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._clock = clock
        options = _options(connect_s, read_s)
        self._client = httpx.AsyncClient(**options, transport=transport or network.Transport(tls_context()))

    async def aclose(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def open(self, wire: WireRequest, base_url: str, secret: str) -> AsyncIterator[Answer]:
        """Send, and hand over the answer as it begins. Raises GatewayError for anything but 2xx.

        Leaving the block early, or cancelling the task, closes the socket to the gateway at once.
        """
        request = _request(self._client, wire, base_url, secret)
        with _Translation(secret) as translation:
            response = await self._client.send(request, stream=True)
        translation.settle()
        chunks = _chunks(response, secret)
        try:
            if not response.is_success:
                raise self._refused(response, await _error_body(response), secret)
            _check_encoding(response)
            yield _answer(response, chunks)
        finally:
            await chunks.aclose()
            await response.aclose()

    async def send(
        self, wire: WireRequest, base_url: str, secret: str, *, timeout_s: float = READ_S
    ) -> bytes:
        """The whole body of a 2xx answer, at most 32 MiB, within `timeout_s` in all."""
        try:
            async with asyncio.timeout(timeout_s), self.open(wire, base_url, secret) as answer:
                return await answer.read()
        except TimeoutError:
            pass
        raise _too_slow()

    def _refused(self, response: httpx.Response, body: bytes, secret: str) -> GatewayError:
        remember(secret)
        return errors.from_response(response.status_code, response.headers, body, self._clock())


class Transport:
    """The twin of `AsyncTransport` for threads; one may be shared by all of them. `close` it at the end."""

    def __init__(
        self,
        *,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._clock = clock
        self._connect_s = connect_s
        self._read_s = read_s
        self._client = httpx.Client(**_options(connect_s, read_s))

    def close(self) -> None:
        self._client.close()

    def send(self, wire: WireRequest, base_url: str, secret: str, *, timeout_s: float = READ_S) -> bytes:
        """The whole body of a 2xx answer, at most 32 MiB, within `timeout_s` in all."""
        until = time.monotonic() + timeout_s
        request = _request(self._client, wire, base_url, secret)
        request.extensions["timeout"] = _timeouts(
            min(self._connect_s, timeout_s), min(self._read_s, timeout_s)
        )
        with _Translation(secret) as translation:
            response = self._client.send(request, stream=True)
        translation.settle()
        try:
            if not response.is_success:
                raise self._refused(response, secret, until)
            _check_encoding(response)
            with _Translation(secret) as translation:
                body = _read_until(response, until, LARGEST_BODY)
            translation.settle()
            return body
        finally:
            response.close()

    def _refused(self, response: httpx.Response, secret: str, until: float) -> GatewayError:
        body = bytearray()
        try:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) >= LARGEST_ERROR_BODY or time.monotonic() > until:
                    break
        except httpx.HTTPError:
            # The status is known; half an error body is better than another error.
            pass
        remember(secret)
        return errors.from_response(
            response.status_code, response.headers, bytes(body[:LARGEST_ERROR_BODY]), self._clock()
        )


def _options(connect_s: float, read_s: float) -> dict[str, Any]:
    """What both clients are made with."""
    return {
        "verify": tls_context(),
        "trust_env": False,
        "follow_redirects": False,
        "http2": False,
        "limits": LIMITS,
        "timeout": httpx.Timeout(read_s, connect=connect_s),
        "headers": {"accept-encoding": "identity", "user-agent": USER_AGENT},
        # No cookie of one key's answer may ride on another key's request.
        "cookies": http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
    }


def _timeouts(connect_s: float, read_s: float) -> dict[str, float | None]:
    return httpx.Timeout(read_s, connect=connect_s).as_dict()


def _request(
    client: httpx.AsyncClient | httpx.Client, wire: WireRequest, base_url: str, secret: str
) -> httpx.Request:
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise GatewayError("auth", "The key is empty or holds characters that no key has.", code="bad_key")
    remember(secret)
    name, value = ("x-api-key", secret) if wire.auth == "x-api-key" else ("authorization", f"Bearer {secret}")
    try:
        return client.build_request(
            wire.method,
            join(base_url, wire.path),
            params=dict(wire.query) or None,
            content=wire.body or None,
            headers={**wire.headers, name: value},
        )
    except httpx.InvalidURL:
        raise _bad_address() from None


def join(base_url: str, path: str) -> str:
    """The address of a path. `base_url` may end with a slash and have a path of its own, nothing more."""
    try:
        parts = urlsplit(base_url.strip())
        odd = parts.username is not None or parts.query or parts.fragment or not parts.hostname
        # Reading the port checks it.
        odd = odd or parts.port == 0
    except ValueError:
        raise _bad_address() from None
    if odd or parts.scheme not in ("http", "https") or not path.startswith("/"):
        raise _bad_address()
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{path}"


def _bad_address() -> GatewayError:
    return GatewayError(
        "network", "The gateway address of this key is not a web address.", code="bad_address"
    )


class _Translation:
    """httpx's exceptions as ours. They hold the request, so with it the key: none may stay in the chain.

    That is why the failure is kept and raised by `settle`, after the `with` block.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._failure: GatewayError | None = None

    def __enter__(self) -> _Translation:
        return self

    def __exit__(self, sort: object, caught: BaseException | None, trace: object) -> bool:
        if isinstance(caught, (httpx.HTTPError, OSError, UnicodeError)):
            remember(self._secret)
            self._failure = _failure(caught)
        return self._failure is not None

    def settle(self) -> None:
        if self._failure is not None:
            raise self._failure


def _failure(caught: Exception) -> GatewayError:
    for sort, kind, code, sentence in _CODES:
        if isinstance(caught, sort):
            reason = str(caught)
            return GatewayError(kind, f"{sentence} {reason}".strip(), code=code)
    return GatewayError("network", "The connection failed.", code="network")


def _answer(response: httpx.Response, chunks: AsyncIterator[bytes]) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(response.status_code, headers, errors.request_id(headers), content_type, chunks)


def _check_encoding(response: httpx.Response) -> None:
    """A compressed body was not asked for; unpacking one could fill the memory."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise GatewayError(
            "protocol",
            f"The gateway sent a compressed answer ({encoding}) although none was asked for.",
            code="content_encoding",
            status=response.status_code,
            request_id=errors.request_id(response.headers),
        )


async def _chunks(response: httpx.Response, secret: str) -> AsyncGenerator[bytes, None]:
    with _Translation(secret) as translation:
        async for chunk in response.aiter_raw():
            yield chunk
    translation.settle()


async def _error_body(response: httpx.Response) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(ERROR_BODY_S):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= LARGEST_ERROR_BODY:
                    break
    except (httpx.HTTPError, TimeoutError):
        # The status is known; half an error body is better than another error.
        pass
    return bytes(body[:LARGEST_ERROR_BODY])


def _read_until(response: httpx.Response, until: float, limit: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += _bounded(chunk, body, limit)
        if time.monotonic() > until:
            raise _too_slow()
    return bytes(body)


def _bounded(chunk: bytes, body: bytearray, limit: int) -> bytes:
    if len(body) + len(chunk) > limit:
        raise GatewayError("protocol", "The gateway's answer is too large.", code="too_large")
    return chunk


def _too_slow() -> GatewayError:
    return GatewayError("timeout", "The whole answer did not come in time.", code="total_timeout")
