"""Sends the frames of a stream at a pace, up to the place where it is to end."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .exchange import Exchange
from .pace import Pace

_BATCH = 32

HEADERS = (("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no"))


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes of one event; `alone` keeps them apart from what comes after, on the wire too."""

    data: bytes
    tokens: int = 0
    alone: bool = False


End = Literal["whole", "cut", "reset", "stall"]


async def play(exchange: Exchange, frames: Iterable[Frame], pace: Pace, *, end: End) -> None:
    """Send all frames; what is due at the same moment leaves in one write."""
    loop = asyncio.get_running_loop()
    due = loop.time() + pace.first_s
    waiting: list[bytes] = []
    sent = 0
    await exchange.start(200, "text/event-stream; charset=utf-8", HEADERS)
    for frame in frames:
        if frame.tokens:
            wait = due - loop.time()
            if wait > 0:
                await _flush(exchange, waiting)
                await asyncio.sleep(wait)
            due += pace.gap(sent)
            sent += 1
        waiting.append(frame.data)
        if frame.alone or len(waiting) >= _BATCH:
            await _flush(exchange, waiting)
            await asyncio.sleep(0.002 if frame.alone else 0)
    await _flush(exchange, waiting)
    await close(exchange, end)


async def close(exchange: Exchange, end: End) -> None:
    match end:
        case "whole":
            await exchange.finish()
        case "cut":
            await exchange.cut()
        case "reset":
            await exchange.reset()
        case "stall":
            await asyncio.Event().wait()


async def _flush(exchange: Exchange, waiting: list[bytes]) -> None:
    if waiting:
        await exchange.write(b"".join(waiting))
        waiting.clear()
