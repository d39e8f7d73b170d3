"""The relay of one web process: it owns the runs it drives, and serves every open page's stream.

A run is a task of this process, not of a request: closing the page ends nothing. Views only tail.
Started and ended by the ASGI lifespan; a process without it (a command, the worker) leaves queued
runs to the web processes' sweep.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, TypeVar

from django.conf import settings
from django.db import close_old_connections, connections
from django.utils import timezone

from playground.chat import ledger
from playground.chat.driver import Driver
from playground.chat.models import Run
from playground.gateway.transport import AsyncTransport
from playground.live import bus as shared
from playground.live.hub import Channel, Hub
from playground.live.mirror import RunView

log = logging.getLogger(__name__)
TICK_S = 0.03
SWEEP_S = 3
T = TypeVar("T")


def conversation_channel(pk: uuid.UUID) -> str:
    return f"conversation:{pk}"


def user_channel(pk: uuid.UUID) -> str:
    return f"user:{pk}"


class Relay:
    """Everything here runs on the event loop's thread unless it says otherwise."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.loop = asyncio.get_running_loop()
        self.hub = Hub()
        self.transport = AsyncTransport(read_s=settings.GATEWAY_READ_TIMEOUT_S)
        self.drivers: dict[uuid.UUID, Driver] = {}
        self.draining = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.database = ThreadPoolExecutor(2, thread_name_prefix="relay")
        self.bus: shared.Bus | None = None
        self._dirty: dict[uuid.UUID, Driver] = {}
        self._ticking = False
        if settings.REDIS_URL:
            self.bus = shared.Bus(settings.REDIS_URL, self.name, self._receive)
            self.bus.on_resume = self._refill_all

    # Life

    def begin(self) -> None:
        for job in (self._saves(), self._sweeps(), self.hub.heartbeats()):
            self.keep(job)
        if self.bus is not None:
            self.keep(self.bus.pump())
            self.keep(self.bus.listen())

    def keep(self, job: Any) -> asyncio.Task[Any]:
        """Run a coroutine to its end; a task nobody refers to could vanish."""
        task = self.loop.create_task(job)
        self.tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the relay ended badly", exc_info=error)

    async def in_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await self.loop.run_in_executor(self.database, _with_database, work, args)

    async def drain(self, wait_s: float) -> None:
        """Take no new runs, let the running ones end for a while, keep what is left, end every stream."""
        self.draining = True
        end = self.loop.time() + wait_s
        while self.drivers and self.loop.time() < end:
            await asyncio.sleep(0.05)
        for driver in self.drivers.values():
            driver.end(Run.Status.INTERRUPTED)
        while self.drivers:
            await asyncio.sleep(0.01)
        self.hub.close()

    async def close(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.transport.aclose()
        if self.bus is not None:
            await self.bus.close()
        self.database.shutdown()

    # Runs

    def claim(self, run: uuid.UUID) -> None:
        if not self.draining and run not in self.drivers and len(self.drivers) < settings.MAX_RUNS:
            self.keep(self._drive(run))

    async def _drive(self, run: uuid.UUID) -> None:
        claim = await self.in_thread(ledger.claim, run, self.name, timezone.now())
        if claim is None:
            return
        view = self.hub.open_view(conversation_channel(claim.conversation), str(run), str(claim.turn))
        driver = self.drivers[run] = Driver(claim, view, self._changed)
        self.tell(claim.user, {"kind": "activity"})
        try:
            outcome = await driver.drive(self.transport)
            now = timezone.now()
            if not await self.in_thread(ledger.finish, claim, self.name, outcome, now):
                log.warning("run %s was taken over; its last state is not ours to write", run)
        finally:
            del self.drivers[run]
            self._dirty.pop(run, None)
        driver.ops.append(["end", outcome.status, driver.digest()])
        self._publish(driver)
        self.tell(claim.user, {"kind": "activity"})

    def stop(self, run: uuid.UUID, *, spread: bool = True) -> None:
        driver = self.drivers.get(run)
        if driver is not None:
            driver.end(Run.Status.STOPPED)
        elif spread and self.bus is not None:
            self.bus.send(shared.Message("stop", "", str(run), "", 0, b""))

    # What viewers get

    def _changed(self, driver: Driver, at_once: bool) -> None:
        if at_once:
            self._publish(driver)
            return
        self._dirty[driver.claim.run] = driver
        if not self._ticking:
            self._ticking = True
            self.loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        dirty, self._dirty = self._dirty, {}
        for driver in dirty.values():
            self._publish(driver)

    def _publish(self, driver: Driver) -> None:
        ops = driver.take_ops()
        if not ops:
            return
        view, channel = driver.view, conversation_channel(driver.claim.conversation)
        data = self.hub.publish(channel, view, ops)
        if self.bus is not None:
            self.bus.send(shared.Message("run", channel, view.run, view.turn, view.seq, data))

    def tell(self, user: uuid.UUID | None, data: dict[str, Any]) -> None:
        if user is not None:
            self.feed(user_channel(user), data)

    def feed(self, channel: str, data: dict[str, Any]) -> None:
        self.hub.feed(channel, data)
        if self.bus is not None:
            self.bus.send(_feed_message(channel, data))

    async def stream(
        self,
        user: uuid.UUID,
        conversation: uuid.UUID | None,
        live: list[tuple[uuid.UUID, uuid.UUID]],
        allowed: Callable[[], bool],
    ) -> AsyncIterator[bytes]:
        """One page's stream; `live` are the conversation's runs in flight with their answers' ids."""
        names = [user_channel(user)] + ([conversation_channel(conversation)] if conversation else [])

        async def prepare() -> list[str]:
            for run, turn in live:
                await self._mirror(names[-1], run, turn)
            return [str(run) for run, _ in live]

        async def still() -> bool:
            return await self.in_thread(allowed)

        async for part in self.hub.tail(names, live=prepare, allowed=still, draining=lambda: self.draining):
            yield part

    # Runs that another process drives

    async def _mirror(self, channel: str, run: uuid.UUID, turn: uuid.UUID) -> None:
        views = self.hub.channel(channel).views
        if self.bus is None or run in self.drivers or str(run) in views:
            return
        view = RunView(run=str(run), turn=str(turn))
        await self.bus.fill(view)
        if str(run) not in views and view.seq and not view.ended:
            views[view.run] = view

    def _receive(self, message: shared.Message) -> None:
        """A message of another process."""
        if message.kind == "stop":
            self.stop(uuid.UUID(message.run), spread=False)
        elif message.kind == "feed":
            self.hub.feed(message.channel, shared.decode(message.data))
        elif (channel := self.hub.channels.get(message.channel)) is not None:
            self._fold(channel, message)

    def _fold(self, channel: Channel, message: shared.Message) -> None:
        view = channel.views.get(message.run)
        if view is None and message.seq == 1:
            view = channel.views[message.run] = RunView(run=message.run, turn=message.turn)
        if view is None or message.seq <= view.seq:
            return
        if view.apply(message.seq, shared.decode(message.data)["ops"]):
            self.hub.deliver(channel.name, view, message.data)
        else:
            self.keep(self._refill(channel, view))

    async def _refill(self, channel: Channel, view: RunView) -> None:
        """Batches were missed: fold them from the log and show everything anew."""
        if self.bus is not None and await self.bus.fill(view):
            channel.show(view)

    def _refill_all(self) -> None:
        for channel in list(self.hub.channels.values()):
            for view in list(channel.views.values()):
                if uuid.UUID(view.run) not in self.drivers:
                    self.keep(self._refill(channel, view))

    # Clockwork

    async def _saves(self) -> None:
        """Every second: keep the text so far of all live runs, renew their leases, hear of stops."""
        while True:
            await asyncio.sleep(settings.RUN_SAVE_S)
            if not self.drivers:
                continue
            changed = [driver for driver in self.drivers.values() if driver.unsaved]
            texts = [(driver.claim.turn, driver.parts()) for driver in changed]
            for driver in changed:
                driver.unsaved = False
            try:
                stops = await self.in_thread(ledger.save, self.name, texts, timezone.now())
            except Exception:
                # The next second tries again with the whole text, so nothing is lost by going on.
                log.exception("live runs could not be saved")
                for driver in changed:
                    driver.unsaved = True
                continue
            for run in stops:
                self.stop(run, spread=False)

    async def _sweeps(self) -> None:
        """Find runs whose process died, and queued ones that nobody took."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                for run, conversation in await self.in_thread(ledger.sweep, timezone.now()):
                    log.warning("run %s was interrupted: its process is gone", run)
                    self.feed(conversation_channel(conversation), {"kind": "ended", "run": str(run)})
                for run in await self.in_thread(ledger.waiting, timezone.now()):
                    self.claim(run)
            except Exception:
                log.exception("the sweep failed; the next one tries again")


def _with_database(work: Callable[..., T], args: tuple[Any, ...]) -> T:
    close_old_connections()
    try:
        return work(*args)
    finally:
        if settings.POSTGRESQL:
            connections.close_all()


def _feed_message(channel: str, data: dict[str, Any]) -> shared.Message:
    return shared.Message("feed", channel, "", "", 0, shared.encode(data))


_relay: Relay | None = None


async def start() -> None:
    """At the lifespan's start, on the server's event loop."""
    global _relay
    _relay = Relay()
    _relay.begin()
    _chain_signals(_relay)


async def shut_down() -> None:
    """At the lifespan's end; whatever still runs is kept and marked."""
    global _relay
    relay, _relay = _relay, None
    if relay is not None:
        await relay.drain(0)
        await relay.close()


def _chain_signals(relay: Relay) -> None:
    """Drain before the server hears of SIGTERM: it would wait for open streams, which never end by themselves."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        servers = signal.getsignal(number)
        if callable(servers):
            signal.signal(number, _drain_first(relay, servers))


def _drain_first(
    relay: Relay, servers: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    async def drain_then(number: int) -> None:
        await relay.drain(settings.DRAIN_S)
        servers(number, None)

    def handle(number: int, frame: FrameType | None) -> None:
        if relay.draining:
            servers(number, frame)
        else:
            relay.draining = True
            relay.loop.call_soon_threadsafe(lambda: relay.keep(drain_then(number)))

    return handle


# For the views, from any thread


def _on_loop(act: Callable[[Relay], Any]) -> bool:
    relay = _relay
    if relay is None:
        return False
    relay.loop.call_soon_threadsafe(act, relay)
    return True


def claim(run: uuid.UUID) -> None:
    """Offer a queued run to this process's relay; without one, a web process's sweep finds it."""
    _on_loop(lambda relay: relay.claim(run))


def stop(run: uuid.UUID) -> None:
    """Stop a run wherever it is driven. The row's flag is set before, so a lost message only delays."""
    message = shared.Message("stop", "", str(run), "", 0, b"")
    if not _on_loop(lambda relay: relay.stop(run)) and settings.REDIS_URL:
        shared.announce(settings.REDIS_URL, [message])


def tell_asked(run: Run) -> None:
    """Let other pages on the conversation, and the asker's other tabs, show the new turn."""
    turns = {
        "kind": "turns",
        "conversation": str(run.conversation_id),
        "turn": str(run.asked_id),
        "run": str(run.pk),
    }

    def act(relay: Relay) -> None:
        relay.feed(conversation_channel(run.conversation_id), turns)
        relay.tell(run.user_id, {"kind": "list"})

    _on_loop(act)


def tell_ended(run: uuid.UUID, conversation: uuid.UUID) -> None:
    """For a sweep outside the web processes."""
    data = {"kind": "ended", "run": str(run)}
    channel = conversation_channel(conversation)
    if not _on_loop(lambda relay: relay.feed(channel, data)) and settings.REDIS_URL:
        shared.announce(settings.REDIS_URL, [_feed_message(channel, data)])


def draining() -> bool:
    return _relay is not None and _relay.draining


def stream(
    user: uuid.UUID,
    conversation: uuid.UUID | None,
    live: list[tuple[uuid.UUID, uuid.UUID]],
    allowed: Callable[[], bool],
) -> AsyncIterator[bytes]:
    """One page's stream. Raises RuntimeError in a process without a relay."""
    if _relay is None:
        raise RuntimeError("this process has no relay; serve the site by playground.asgi")
    return _relay.stream(user, conversation, live, allowed)
