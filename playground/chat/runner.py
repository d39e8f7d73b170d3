"""The runner of one web process: it drives runs as tasks of its own, and serves the streams of open pages.

Everything here runs on the event loop's thread unless it says otherwise.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from playground.chat import ledger
from playground.chat.driver import Driver
from playground.chat.models import Run
from playground.gateway.transport import AsyncTransport
from playground.live import bus as shared
from playground.live import sse
from playground.live.hub import Channel, Hub, team_channel
from playground.live.mirror import RunView
from playground.threads import with_database

log = logging.getLogger(__name__)
TICK_S = 0.03
SWEEP_S = 3
# Between two tries to write the end of a run; the last goes on.
END_WAITS_S = (0.1, 0.5, 2.0, 5.0)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who holds a stream open, and on what; asked again at every heartbeat whether they still may."""

    session: str
    user: uuid.UUID
    team: uuid.UUID
    conversation: uuid.UUID | None


Refused = Callable[[set[Watcher], datetime], set[Watcher]]
Beside = Callable[[Hub], Coroutine[Any, Any, None]]


def conversation_channel(pk: uuid.UUID) -> str:
    return f"conversation:{pk}"


def user_channel(pk: uuid.UUID) -> str:
    return f"user:{pk}"


class Runner:
    """One per process, made on its event loop."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.loop = asyncio.get_running_loop()
        self.hub = Hub(heartbeat_s=settings.HEARTBEAT_S)
        self.transport = AsyncTransport(read_s=settings.GATEWAY_READ_TIMEOUT_S)
        self.drivers: dict[uuid.UUID, Driver] = {}
        self._claiming: set[uuid.UUID] = set()
        self.draining = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.database = ThreadPoolExecutor(2, thread_name_prefix="relay")
        self.bus: shared.Bus | None = None
        self._dirty: dict[uuid.UUID, Driver] = {}
        self._ticking = False
        self._ask_refused: Refused = lambda watchers, now: set()
        self._idle = asyncio.Event()
        self._idle.set()
        if settings.REDIS_URL:
            self.bus = shared.Bus(settings.REDIS_URL, self.name, self._receive)
            self.bus.on_resume = self._refill_all

    # Life

    def begin(self, *beside: Beside) -> None:
        """`beside` are jobs of others that tell the same pages something."""
        own = (self._saves(), self._sweeps(), self.hub.heartbeats(self._refused))
        for job in (*own, *(work(self.hub) for work in beside)):
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
        return await self.loop.run_in_executor(self.database, with_database, work, *args)

    async def drain(self, wait_s: float) -> None:
        """Take no new runs, let the running ones end for a while, keep what is left, end every stream."""
        self.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._idle.wait()
        for driver in self.drivers.values():
            driver.end(Run.Status.INTERRUPTED)
        await self._idle.wait()
        if self.bus is not None:
            await self.bus.settle()
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
        ours = self.drivers.keys() | self._claiming
        if not self.draining and run not in ours and len(ours) < settings.MAX_RUNS:
            self._claiming.add(run)
            self.keep(self._drive(run))

    async def _drive(self, run: uuid.UUID) -> None:
        try:
            claim = await self.in_thread(ledger.claim, run, self.name, timezone.now())
        finally:
            self._claiming.discard(run)
        if claim is None:
            return
        view = self.hub.open_view(conversation_channel(claim.conversation), str(run), str(claim.turn))
        driver = self.drivers[run] = Driver(claim, view, self._changed, self.in_thread)
        self._idle.clear()
        self.tell(claim.user, {"kind": "activity"})
        try:
            try:
                outcome = await driver.drive(self.transport)
            except Exception:
                log.exception("run %s failed here", run)
                outcome = driver.broken()
            await self._finish(driver.claim, outcome)
        finally:
            del self.drivers[run]
            self._dirty.pop(run, None)
            if not self.drivers:
                self._idle.set()
        driver.ops.append(["end", outcome.status, driver.digest()])
        self._publish(driver)
        self.tell(claim.user, {"kind": "activity"})

    async def _finish(self, claim: ledger.Claim, outcome: ledger.Outcome) -> None:
        """Write the end, however long the database is away; then the run and its viewers still wait for it.

        A process that is to end gives up some time: the sweep of another marks what it leaves.
        """
        for tried in itertools.count(1):
            try:
                now = timezone.now()
                if not await self.in_thread(ledger.finish, claim, self.name, outcome, now, self._went_on):
                    log.warning("run %s was taken over; its last state is not ours to write", claim.run)
                return
            except (DatabaseError, InterfaceError):
                if self.draining and tried > len(END_WAITS_S):
                    raise
                log.warning("the end of run %s could not be written; trying again", claim.run)
                await asyncio.sleep(END_WAITS_S[min(tried, len(END_WAITS_S)) - 1])

    def _went_on(self, run: Run) -> None:
        """On a thread of the database's: the next round of an answer is ours to drive too."""
        self.loop.call_soon_threadsafe(self.claim, run.pk)
        self.loop.call_soon_threadsafe(self.tell_asked, run)

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
        driver.seq += 1
        data = sse.payload({"run": view.run, "turn": view.turn, "seq": driver.seq, "ops": ops})
        show = partial(self.hub.publish, channel, view, driver.seq, ops, data)
        if self.bus is None:
            show()
        else:
            self.bus.send(shared.Message("run", channel, view.run, view.turn, driver.seq, data), show)

    def tell(self, user: uuid.UUID | None, data: dict[str, Any]) -> None:
        if user is not None:
            self.feed(user_channel(user), data)

    def tell_asked(self, run: Run) -> None:
        """Other pages on the conversation, and the asker's other tabs, are to show the new turn."""
        turns = {
            "kind": "turns",
            "conversation": str(run.conversation_id),
            "turn": str(run.asked_id),
            "run": str(run.pk),
        }
        self.feed(conversation_channel(run.conversation_id), turns)
        self.tell(run.user_id, {"kind": "list"})

    def feed(self, channel: str, data: dict[str, Any]) -> None:
        self._hear(channel, data)
        if self.bus is not None:
            self.bus.send(feed_message(channel, data))

    def _hear(self, channel: str, data: dict[str, Any]) -> None:
        self.hub.feed(channel, data)
        # No end will come of a run whose process is gone: it must not be shown, and held, for ever.
        if data.get("kind") == "ended":
            self.hub.forget(channel, data["run"])

    async def stream(
        self, watcher: Watcher, live: list[tuple[uuid.UUID, uuid.UUID]], refused: Refused
    ) -> AsyncIterator[bytes]:
        """One page's stream; `live` are the conversation's runs in flight with their answers' ids."""
        self._ask_refused = refused
        names = [user_channel(watcher.user), team_channel(watcher.team)]
        if watcher.conversation:
            names.append(conversation_channel(watcher.conversation))

        async def prepare() -> list[str]:
            # Asked again now that the stream listens: a run that ended since the view looked would be
            # taken for a live one for ever, and one that began since for one that is over.
            still = await self.in_thread(ledger.still_live, [run for run, _ in live]) if live else set()
            for run, turn in live:
                if run in still:
                    await self._mirror(names[-1], run, turn)
            known = {str(run) for run, _ in live}
            begun = [run for name in names for run in self.hub.channel(name).views if run not in known]
            return [*map(str, still), *begun]

        async for part in self.hub.tail(names, who=watcher, live=prepare, draining=lambda: self.draining):
            yield part

    async def _refused(self, watchers: set[Watcher]) -> set[Watcher]:
        try:
            return await self.in_thread(self._ask_refused, watchers, timezone.now())
        except DatabaseError as error:
            # Nobody is shut out because the database is away for a moment; the next beat asks again.
            log.warning("open streams could not be rechecked: %s", error)
            return set()

    # Runs that another process drives

    async def _mirror(self, channel: str, run: uuid.UUID, turn: uuid.UUID) -> None:
        if self.bus is None or run in self.drivers:
            return
        there = self.hub.channel(channel)
        # Held before the log is read: an end that comes meanwhile must find it, or it stays for ever.
        view = there.views.setdefault(str(run), RunView(run=str(run), turn=str(turn)))
        if view.seq == 0:
            await self._refill(there, view)

    def _receive(self, message: shared.Message) -> None:
        """A message of another process."""
        if message.kind == "stop":
            self.stop(uuid.UUID(message.run), spread=False)
        elif message.kind == "feed":
            self._hear(message.channel, shared.decode(message.data))
        elif (channel := self.hub.channels.get(message.channel)) is not None:
            self._fold(channel, message)

    def _fold(self, channel: Channel, message: shared.Message) -> None:
        view = channel.views.setdefault(message.run, RunView(run=message.run, turn=message.turn))
        if message.seq <= view.seq:
            return
        ops = shared.decode(message.data)["ops"]
        if view.apply(message.seq, ops):
            self.hub.deliver(channel.name, view, message.data)
        elif any(op[0] == "end" for op in ops):
            self._over(channel.name, view.run)
        else:
            self.keep(self._refill(channel, view))

    async def _refill(self, channel: Channel, view: RunView) -> None:
        """Batches were missed: fold them from the log and show everything anew."""
        new = self.bus is not None and await self.bus.fill(view)
        if not new or channel.views.get(view.run) is not view:
            return
        if view.ended:
            self._over(channel.name, view.run)
        else:
            channel.show(view)

    def _over(self, channel: str, run: str) -> None:
        """A run ended that is not whole here, or was not shown to its end: pages ask for what it became."""
        self._hear(channel, {"kind": "ended", "run": run})

    def _refill_all(self) -> None:
        for channel in list(self.hub.channels.values()):
            for view in list(channel.views.values()):
                if uuid.UUID(view.run) not in self.drivers:
                    self.keep(self._refill(channel, view))

    async def _find_over(self) -> None:
        """An end that Redis lost comes from nobody any more; the database knows of it."""
        views = [(name, run) for name, channel in self.hub.channels.items() for run in channel.views]
        mirrored = {uuid.UUID(run): name for name, run in views if uuid.UUID(run) not in self.drivers}
        if not mirrored:
            return
        for run in mirrored.keys() - await self.in_thread(ledger.still_live, list(mirrored)):
            channel = self.hub.channels.get(mirrored[run])
            # It may have been heard while the database was asked.
            if channel is not None and str(run) in channel.views:
                self._over(channel.name, str(run))

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
                stops = await self.in_thread(
                    ledger.save, self.name, list(self.drivers), texts, timezone.now()
                )
            except Exception:
                # The next second tries again with the whole text, so nothing is lost by going on.
                log.exception("live runs could not be saved")
                for driver in changed:
                    driver.unsaved = True
                continue
            for run in stops:
                self.stop(run, spread=False)

    async def _sweeps(self) -> None:
        """Find runs whose process died, queued ones that nobody took, and ends that were never heard."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                for run, conversation in await self.in_thread(ledger.sweep, timezone.now()):
                    log.warning("run %s was interrupted: its process is gone", run)
                    self.feed(conversation_channel(conversation), {"kind": "ended", "run": str(run)})
                for run in await self.in_thread(ledger.waiting, timezone.now()):
                    self.claim(run)
                await self._find_over()
            except Exception:
                log.exception("the sweep failed; the next one tries again")


def feed_message(channel: str, data: dict[str, Any]) -> shared.Message:
    return shared.Message("feed", channel, "", "", 0, shared.encode(data))
