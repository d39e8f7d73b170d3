"""The relay: what the views and the server ask of this process's runner.

A run is a task of this process, not of a request: closing the page ends nothing. Views only tail.
Started and ended by the ASGI lifespan; a process without it (a command, the worker) leaves queued
runs to the web processes' sweep.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import Any

from django.conf import settings

from playground.chat.models import Run
from playground.chat.runner import Beside, Refused, Runner, Watcher, conversation_channel, feed_message
from playground.live import bus as shared

_runner: Runner | None = None


async def start(*beside: Beside) -> None:
    """At the lifespan's start, on the server's event loop. `beside`: what else the open pages hear of."""
    global _runner
    _runner = Runner()
    _runner.begin(*beside)
    _chain_signals(_runner)


async def shut_down() -> None:
    """At the lifespan's end; whatever still runs is kept and marked."""
    global _runner
    runner, _runner = _runner, None
    if runner is not None:
        await runner.drain(0)
        await runner.close()


def _chain_signals(runner: Runner) -> None:
    """Drain before the server hears of SIGTERM: it would wait for open streams, which never end."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        servers = signal.getsignal(number)
        if callable(servers):
            signal.signal(number, _drain_first(runner, servers))


def _drain_first(
    runner: Runner, servers: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    async def drain_then(number: int) -> None:
        await runner.drain(settings.DRAIN_S)
        servers(number, None)

    def handle(number: int, frame: FrameType | None) -> None:
        if runner.draining:
            servers(number, frame)
        else:
            runner.draining = True
            runner.loop.call_soon_threadsafe(lambda: runner.keep(drain_then(number)))

    return handle


# For the views, from any thread


def _on_loop(act: Callable[[Runner], Any]) -> bool:
    runner = _runner
    if runner is None:
        return False
    runner.loop.call_soon_threadsafe(act, runner)
    return True


def claim(run: uuid.UUID) -> None:
    """Offer a queued run to this process's relay; without one, a web process's sweep finds it."""
    _on_loop(lambda runner: runner.claim(run))


def stop(run: uuid.UUID) -> None:
    """Stop a run wherever it is driven. The row's flag is set before, so a lost message only delays."""
    message = shared.Message("stop", "", str(run), "", 0, b"")
    if not _on_loop(lambda runner: runner.stop(run)) and settings.REDIS_URL:
        shared.announce(settings.REDIS_URL, [message])


def tell_asked(run: Run) -> None:
    """Let other pages on the conversation, and the asker's other tabs, show the new turn."""
    _on_loop(lambda runner: runner.tell_asked(run))


def tell_ended(run: uuid.UUID, conversation: uuid.UUID) -> None:
    """For a sweep outside the web processes."""
    data = {"kind": "ended", "run": str(run)}
    channel = conversation_channel(conversation)
    if not _on_loop(lambda runner: runner.feed(channel, data)) and settings.REDIS_URL:
        shared.announce(settings.REDIS_URL, [feed_message(channel, data)])


def draining() -> bool:
    return _runner is not None and _runner.draining


def stream(
    watcher: Watcher, live: list[tuple[uuid.UUID, uuid.UUID]], refused: Refused
) -> AsyncIterator[bytes]:
    """One page's stream. Raises RuntimeError in a process without a runner."""
    if _runner is None:
        raise RuntimeError("this process has no relay; serve the site by playground.asgi")
    return _runner.stream(watcher, live, refused)
