"""Sends a file with its length and in ranges, or with the fault that was asked for."""

import asyncio
import re
from dataclasses import dataclass
from hashlib import sha256

from playground.demo.exchange import Exchange, Refused
from playground.demo.faults import HTML_502
from playground.demo.records import Memory

from . import mp4
from .assets import Asset
from .recipes import Larder, Recipe

HUGE = 200 * 1024 * 1024
_CHUNK = 256 * 1024
_METADATA = "http://169.254.169.254/latest/meta-data/"
_EXPIRED = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
    b"<Message>Request has expired.</Message></Error>"
)
_HTML = b"<!doctype html><title>Demo</title><script>alert('asset')</script><p>This is no film.</p>"
_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" onload="alert(1)">'
    b"<script>alert('asset')</script></svg>"
)
_SLOW_CHUNKS = 20
_SLOW_GAP_S = 0.5


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes, and zeros after them that are never held in memory."""

    data: bytes
    zeros: int = 0

    @property
    def size(self) -> int:
        return len(self.data) + self.zeros

    def part(self, start: int, end: int) -> bytes:
        held = self.data[start:end]
        return held + bytes(end - start - len(held))


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent: bytes from start to end, and how many at a time."""

    body: Body
    start: int
    end: int
    chunk: int = _CHUNK
    gap_s: float = 0.0


class Server:
    """Sends assets; remembers which of them have failed once."""

    def __init__(self, *, speed: float) -> None:
        self._speed = speed
        self._larder = Larder()
        self._failed = Memory(1000)

    async def send(self, exchange: Exchange, asset: Asset, *, now: float) -> None:
        if await self._answered_otherwise(exchange, asset, now):
            return
        body, media_type = await self._body(asset)
        tag = f'"{sha256(asset.token.encode()).hexdigest()[:16]}"'
        if asset.fault == "endless":
            await self._send_without_end(exchange, body, media_type)
        elif asset.fault == "cut-always":
            headers = (("content-length", str(body.size)),)
            await exchange.start(200, media_type, headers)
            await self._write(exchange, Sent(body, 0, body.size // 2))
            await exchange.cut()
        else:
            await self._send(exchange, asset, body, (media_type, tag))

    async def bytes_of(self, recipe: Recipe) -> bytes:
        return await self._larder.take(recipe)

    async def _answered_otherwise(self, exchange: Exchange, asset: Asset, now: float) -> bool:
        """Answers that are not the file."""
        match asset.fault:
            case "404":
                raise Refused(404, "No such asset", type="not_found_error", code="not_found")
            case "503" if self._failed.toggle(asset.token.encode()):
                await exchange.reply_bytes(503, HTML_502, "text/html")
            case "hang":
                await asyncio.Event().wait()
            case "private":
                await exchange.reply_bytes(302, b"", "text/plain", (("location", _METADATA),))
            case "loop":
                await exchange.reply_bytes(302, b"", "text/plain", (("location", exchange.path),))
            case "redirect" if "moved" not in exchange.query:
                where = f"{exchange.path}?moved=1"
                await exchange.reply_bytes(302, b"", "text/plain", (("location", where),))
            case fault if fault == "expired" or now > asset.expires_at:
                await exchange.reply_bytes(403, _EXPIRED, "application/xml")
            case _:
                return False
        return True

    async def _body(self, asset: Asset) -> tuple[Body, str]:
        media_type = asset.recipe.media_type
        match asset.fault:
            case "html":
                return Body(_HTML), media_type
            case "svg":
                return Body(_SVG), media_type
            case "untyped":
                return Body(await self.bytes_of(asset.recipe)), "application/octet-stream"
            case "huge":
                data = await self.bytes_of(asset.recipe)
                room = HUGE - len(data)
                # The rest is one box that players pass over: the film stays a film.
                return Body(data + mp4.padding(room), room - 8), media_type
            case _:
                return Body(await self.bytes_of(asset.recipe)), media_type

    async def _send(self, exchange: Exchange, asset: Asset, body: Body, told: tuple[str, str]) -> None:
        media_type, tag = told
        wanted = _range(exchange, body.size, tag)
        headers = [("accept-ranges", "bytes"), ("etag", tag)]
        if wanted is None:
            start, end, status = 0, body.size, 200
        elif wanted.start >= body.size:
            headers.append(("content-range", f"bytes */{body.size}"))
            await exchange.reply_bytes(416, b"", "text/plain", tuple(headers))
            return
        else:
            start, end, status = wanted.start, wanted.stop, 206
            headers.append(("content-range", f"bytes {start}-{end - 1}/{body.size}"))
        headers.append(("content-length", str(end - start)))
        await exchange.start(status, media_type, tuple(headers))
        if exchange.method == "HEAD":
            await exchange.finish()
        else:
            await self._send_part(exchange, asset, Sent(body, start, end))

    async def _send_part(self, exchange: Exchange, asset: Asset, sent: Sent) -> None:
        middle = (sent.start + sent.end) // 2
        if asset.fault == "slow":
            chunk = max((sent.end - sent.start) // _SLOW_CHUNKS, 1)
            sent = Sent(sent.body, sent.start, sent.end, chunk, _SLOW_GAP_S)
        if asset.fault == "stall":
            await self._write(exchange, Sent(sent.body, sent.start, middle))
            await asyncio.Event().wait()
        if asset.fault == "cut" and self._failed.toggle(asset.token.encode()):
            await self._write(exchange, Sent(sent.body, sent.start, middle))
            await exchange.cut()
        await self._write(exchange, sent)
        await exchange.finish()

    async def _send_without_end(self, exchange: Exchange, body: Body, media_type: str) -> None:
        """A film that says no length and goes on in zeros, until the client has had enough."""
        await exchange.start(200, media_type)
        await exchange.write(body.data)
        while True:
            await exchange.write(bytes(_CHUNK))
            # Where nothing holds the writing up, the client's leaving has to be noticed too.
            await asyncio.sleep(0)

    async def _write(self, exchange: Exchange, sent: Sent) -> None:
        for place in range(sent.start, sent.end, sent.chunk):
            await exchange.write(sent.body.part(place, min(place + sent.chunk, sent.end)))
            await asyncio.sleep(sent.gap_s / self._speed if self._speed else 0)


def _range(exchange: Exchange, size: int, tag: str) -> range | None:
    """The one range asked for; None for the whole, as for anything that is no plain range (RFC 9110)."""
    if exchange.headers.get("if-range", tag.encode()) != tag.encode():
        return None
    asked = exchange.headers.get("range", b"").decode("latin-1").strip()
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", asked)
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return range(max(size - int(match[2]), 0) if int(match[2]) else size, size)
    end = min(int(match[2]) + 1, size) if match[2] else size
    # An end before the start makes the header invalid, and an invalid one is ignored.
    return range(int(match[1]), end) if end > int(match[1]) or int(match[1]) >= size else None
