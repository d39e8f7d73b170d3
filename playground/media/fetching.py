"""Downloads from addresses that others name, without becoming their way into this network.

A host is resolved once, every address it has is judged by the tables below, and the connection goes to
the address that was judged. Each redirect is a new address. Only https on port 443, but for the
gateway addresses the site lists itself. No proxy, no cookie, no key.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings

from playground.gateway.transport import tls_context

CONNECT_S, SILENT_S, WHOLE_S = 10.0, 60.0, 1800.0
MOST_REDIRECTS = 5
CHUNK = 256 * 1024
Resolve = Callable[[str, int], list[str]]
# The process is about to end.
_ending = threading.Event()
_under_way: set[_Pinned] = set()

# From IANA's registries. Python's own `is_global` calls some of these public.
_CLOSED_4_NETS = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 "
    "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
_CLOSED_4 = tuple(ipaddress.IPv4Network(net) for net in _CLOSED_4_NETS.split())
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


class FetchError(Exception):
    """Why there is no file; the text is a sentence for the person. `dead`: the link itself is no good."""

    def __init__(self, sentence: str, *, dead: bool = False) -> None:
        super().__init__(sentence)
        self.dead = dead


class Refused(FetchError):
    """The address is one that is never fetched; trying again cannot help."""


class Unsatisfiable(FetchError):
    """There is nothing behind what is here already."""

    def __init__(self, head: Head) -> None:
        super().__init__("The host of the file answered 416.")
        told = head.headers.get("content-range", "").partition("*/")[2]
        self.whole = int(told) if told.isascii() and told.isdigit() else None


class Stopped(FetchError):
    """Nothing is wrong with the file: this process ends."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]

    @property
    def length(self) -> int | None:
        told = self.headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdigit() else None


@dataclass(frozen=True, slots=True)
class Stream:
    head: Head
    chunks: Iterator[bytes]


def begin() -> None:
    """Downloads may be made, again."""
    _ending.clear()


def stop() -> None:
    """Break off what is being downloaded, whatever it waits for. The next worker goes on from there."""
    _ending.set()
    for connection in list(_under_way):
        connection.break_off()


def is_public(address: str) -> bool:
    """Whether it is an address of the open internet; anything unusual is not."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in net for net in _CLOSED_4)
    return ip.scope_id is None and ip in _OPEN_6 and not any(ip in net for net in _CLOSED_6)


def resolve(host: str, port: int) -> list[str]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"The host {host} has no address.") from None
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


@contextmanager
def open_stream(url: str, headers: Mapping[str, str], *, resolver: Resolve = resolve) -> Iterator[Stream]:
    """GET an address, following redirects. Raises FetchError for anything but 200 and 206."""
    until = time.monotonic() + WHOLE_S
    for _ in range(MOST_REDIRECTS + 1):
        connection = _connect(url, resolver)
        _under_way.add(connection)
        try:
            head, response = _ask(connection, url, headers)
            if head.status in (301, 302, 303, 307, 308):
                url = urljoin(url, head.headers.get("location", ""))
                continue
            check(head)
            yield Stream(head, _chunks(response, until))
            return
        finally:
            _under_way.discard(connection)
            connection.close()
    raise FetchError("The link leads from one address to the next without an end.")


def check(head: Head) -> None:
    """Refuse what is no file."""
    if head.status in (401, 403, 404, 410):
        raise FetchError(f"The link is dead: its host answered {head.status}.", dead=True)
    if head.status == 416:
        raise Unsatisfiable(head)
    if head.status not in (200, 206):
        raise FetchError(f"The host of the file answered {head.status}.")
    if head.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise FetchError("The file came compressed, although that was not asked for.")


def is_listed(parts: SplitResult) -> bool:
    """Whether this is one of the site's own gateway addresses, by scheme, host and port."""
    origin = _origin(parts)
    return any(_origin(urlsplit(url)) == origin for url in settings.GATEWAY_URLS)


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def _connect(url: str, resolver: Resolve) -> _Pinned:
    parts = _judged(url)
    scheme, host, port = _origin(parts)
    addresses = resolver(host, port)
    listed = is_listed(parts)
    if not addresses or not (listed or all(map(is_public, addresses))):
        raise Refused(f"The link points to {host}, which is no address of the open internet.")
    return _Pinned(addresses, scheme, host, port)


def _judged(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        odd = parts.username is not None or not parts.hostname or parts.port == 0
    except ValueError:
        odd = True
    if odd or not url.isascii() or not url.isprintable() or " " in url:
        raise Refused("The link is not a proper web address.")
    if is_listed(parts):
        return parts
    if parts.scheme != "https" or parts.port not in (None, 443):
        raise Refused("The link is not one of https on its usual port.")
    return parts


class _Pinned(http.client.HTTPConnection):
    """Connects to addresses that were judged before, under the host's name."""

    def __init__(self, addresses: list[str], scheme: str, host: str, port: int) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self._addresses, self._scheme = addresses, scheme
        self._line: socket.socket | None = None

    def connect(self) -> None:
        last: OSError = OSError("no address")
        for address in self._addresses[:4]:
            try:
                self.sock = socket.create_connection((address, self.port), CONNECT_S)
                break
            except OSError as error:
                last = error
        else:
            raise last
        if self._scheme == "https":
            self.sock = tls_context().wrap_socket(self.sock, server_hostname=self.host)
        self.sock.settimeout(SILENT_S)
        # http.client lets go of it once the answer has begun.
        self._line = self.sock

    def break_off(self) -> None:
        """From another thread: whoever reads from it is at its end."""
        if self._line is not None:
            with suppress(OSError):
                # Not TLS's own, which would take the reader's state away from under it.
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)


def _ask(
    connection: http.client.HTTPConnection, url: str, headers: Mapping[str, str]
) -> tuple[Head, http.client.HTTPResponse]:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fixed = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "anyint-playground"}
    with _translated():
        connection.request("GET", path, headers={**fixed, **headers})
        response = connection.getresponse()
    return Head(response.status, {name.lower(): value for name, value in response.getheaders()}), response


def _chunks(response: http.client.HTTPResponse, until: float) -> Iterator[bytes]:
    while True:
        if time.monotonic() > until:
            raise FetchError("The file did not come in time.")
        with _translated():
            chunk = response.read1(CHUNK)
        if not chunk:
            return
        yield chunk


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
        check_stopped()
    except (OSError, http.client.HTTPException, ValueError) as error:
        check_stopped()
        raise FetchError(f"The connection to the file's host failed ({type(error).__name__}).") from error


def check_stopped() -> None:
    """Raises Stopped once this process is about to end."""
    if _ending.is_set():
        raise Stopped("The worker was stopped; the next one goes on with the file.")
