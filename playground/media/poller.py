"""The worker's side of media tasks: claims what is due, asks, settles, and fetches files.

One event loop for the life of the process holds every request under way; rows are read and written on a
few threads. The schedule is in the rows: whatever rings the bell (the beat, a new task, a callback) may
be lost, late or double.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Output
from playground.gateway.transport import AsyncTransport
from playground.media import assets, claims, exchange, jobs, keyed, ledger, parts, rates, requests
from playground.media.claims import Lease
from playground.media.exchange import Held
from playground.media.fetching import FetchError, Stopped
from playground.media.jobs import NO_ROUTE, Fetch, Job
from playground.media.ledger import Result
from playground.media.models import Asset, MediaTask

log = logging.getLogger(__name__)
T = TypeVar("T")
# Calls a blocking function on a thread that may use the database.
InThread = Callable[..., Awaitable[Any]]
# Rows of one claim, and of one writing.
CLAIM, BATCH = 250, 500
# What is asked already and not yet written may be so many times what is asked at once.
UNWRITTEN = 2
GATHER_S = 0.02
# Between two claims, and the longest rest without a bell.
SHORTEST_REST_S, LONGEST_REST_S = 0.05, 1.0
SWEEP_S, MEND_S = 2.0, 30.0
AWAY = (OperationalError, InterfaceError)
PUT_ASIDE_S = (0.5, 2.0, 5.0)


class Poller:
    """One per process, made on its event loop. `in_files` is for downloads, which hold a thread for long."""

    def __init__(
        self,
        transport: AsyncTransport,
        *,
        in_thread: InThread,
        in_files: InThread,
        rng: Random,
        limiter: rates.Limiter | None = None,
    ) -> None:
        self._name, self._claims = uuid.uuid4().hex[:24], itertools.count()
        self.sending: set[Lease] = set()
        self.looking: set[Lease] = set()
        self.fetching: set[Lease] = set()
        self._transport, self._rng = transport, rng
        self._in_thread, self._in_files = in_thread, in_files
        self._limiter = limiter or rates.of_site()
        self._bell = asyncio.Event()
        self._results: list[Result] = []
        self._due = asyncio.Event()
        self._jobs: set[asyncio.Task[None]] = set()
        self._asking, self._crowded = 0, False
        self._stopping = False
        self._sent = asyncio.Event()

    # Life

    async def run(self) -> None:
        """For ever; cancel it to end. What is under way then is found again when its lease is over."""
        background = [
            asyncio.ensure_future(job) for job in (self._settles(), self._renewals(), self._sweeps())
        ]
        try:
            while True:
                await self._guarded(self.look())
                await self._rest()
        finally:
            for task in (*background, *self._jobs):
                task.cancel()
            await asyncio.gather(*background, *self._jobs, return_exceptions=True)

    def ring(self) -> None:
        """Something may be due. On the event loop's thread only."""
        self._bell.set()

    async def drain(self, wait_s: float) -> None:
        """Claim nothing more, and let what is being sent be answered for a while."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self.sending:
                    self._sent.clear()
                    await self._sent.wait()

    async def _rest(self) -> None:
        await asyncio.sleep(SHORTEST_REST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(await self._guarded(self._rest_s()) or SHORTEST_REST_S):
                await self._bell.wait()
        self._bell.clear()

    async def _rest_s(self) -> float:
        due_s = await self._in_thread(claims.next_due)
        return LONGEST_REST_S if due_s is None else min(max(due_s, SHORTEST_REST_S), LONGEST_REST_S)

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T | None:
        """A database that is away is asked again a moment later: the rows are the truth, nothing is lost."""
        try:
            return await work
        except AWAY as error:
            log.warning("media tasks have to wait for the database: %s", type(error).__name__)
        except Exception:
            # One thing that goes wrong must not end the looking at all others.
            log.exception("media tasks: something failed here, and is tried again")
        await asyncio.sleep(LONGEST_REST_S)
        return None

    # Claims

    async def look(self) -> int:
        """Take up all that is due now, as much as may be under way. Returns how much that was."""
        if self._stopping:
            return 0
        taken = 0
        while True:
            some = await self._take_new() + await self._take_due() + await self._take_assets()
            taken += some
            if some < CLAIM:
                return taken

    def _owner(self) -> str:
        """A name for each claim: a row that is claimed twice in a row is held by the second alone."""
        return f"{self._name}-{next(self._claims)}"

    async def _take_new(self) -> int:
        room = settings.TASK_CREATES - len(self.sending)
        tasks = await self._in_thread(claims.claim_new, self._owner(), room)
        with _held(self.sending, tasks):
            for job in await self._in_thread(jobs.of_tasks, tasks) if tasks else []:
                self._keep(self._create(job))
        return len(tasks)

    async def _take_due(self) -> int:
        most = settings.TASK_QUERIES
        room = min(CLAIM, most - self._asking, UNWRITTEN * most - len(self.looking))
        tasks = await self._in_thread(claims.claim_due, self._owner(), room)
        self._crowded = len(tasks) >= room
        if tasks:
            with _held(self.looking, tasks):
                await self._start_looking(tasks)
        return len(tasks)

    async def _start_looking(self, tasks: list[MediaTask]) -> None:
        deferred = []
        slots = await self._in_thread(self._limiter.reserve, [(task.key_id, task.family) for task in tasks])
        for job, (taken, wait_s) in zip(await self._in_thread(jobs.of_tasks, tasks), slots, strict=True):
            if taken:
                self._asking += 1
                self._keep(self._query(job, wait_s))
            else:
                deferred.append((_lease(job.task), wait_s))
        if deferred:
            await self._in_thread(claims.defer, deferred)
            self.looking -= {lease for lease, _ in deferred}

    async def _take_assets(self) -> int:
        room = settings.TASK_CAPTURES - len(self.fetching)
        rows = await self._in_thread(claims.claim_assets, self._owner(), room)
        with _held(self.fetching, rows):
            for fetch in await self._in_thread(jobs.of_assets, rows) if rows else []:
                self._keep(self._fetch(fetch))
        return len(rows)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to its end; a task nobody refers to could vanish."""
        task = asyncio.ensure_future(work)
        self._jobs.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a media task's job ended badly", exc_info=error)

    async def idle(self) -> None:
        """Until nothing is under way and all of it is written."""
        while self._jobs or self._results:
            await asyncio.gather(*self._jobs, return_exceptions=True)
            await self._flush()

    # Work

    async def _create(self, job: Job) -> None:
        try:
            result = await self._created(job)
            await self._put_aside(job, result)
            self._settle(result)
        except BaseException:
            self.sending.discard(_lease(job.task))
            self._sent.set()
            raise

    async def _created(self, job: Job) -> Result:
        if job.operation is None:
            return exchange.not_created(job, GatewayError("not_found", NO_ROUTE, code="not_sent", status=404))
        if job.access.secret is None:
            return exchange.not_created(job, GatewayError("auth", job.access.problem, code="bad_key"))
        try:
            wire = await self._in_thread(requests.build, job.task, job.operation, job.now)
        except GatewayError as error:
            return exchange.not_created(job, error)
        return await exchange.create(job, wire, self._transport, self._rng)

    async def _query(self, job: Job, wait_s: float) -> None:
        try:
            told = await self._asked(job, wait_s)
            if isinstance(told, Held):
                await self._in_thread(ledger.hold, job.task.key_id, told.reason)
                self.looking.discard(_lease(job.task))
                return
            await self._put_aside(job, told)
            self._settle(told)
        except BaseException:
            self.looking.discard(_lease(job.task))
            raise

    async def _asked(self, job: Job, wait_s: float) -> Result | Held:
        try:
            await asyncio.sleep(wait_s)
            return await exchange.look(job, self._transport, self._rng)
        finally:
            self._asking -= 1
            if self._crowded:
                self.ring()

    async def _put_aside(self, job: Job, result: Result) -> None:
        """What came inside an answer exists nowhere else: on disk first, then in a row."""
        for out in result.change.fresh:
            if not out.data_b64:
                continue
            for wait_s in (*PUT_ASIDE_S, None):
                try:
                    await self._in_thread(_write_data, job.task.pk, out)
                    break
                except FetchError as error:
                    log.warning("an output of task %s cannot be kept: %s", job.task.pk, error)
                    if wait_s is None:
                        break
                    await asyncio.sleep(wait_s)

    async def _fetch(self, fetch: Fetch) -> None:
        asset = fetch.asset
        try:
            if asset.needs_key:
                await keyed.fetch(fetch, self._transport, self._in_files)
            else:
                await self._in_files(assets.fetch, asset)
        except Stopped:
            return
        except FetchError as error:
            await self._in_thread(assets.lose, asset, error)
        except (OSError, ValueError, DatabaseError):
            log.exception("asset %s could not be kept", asset.pk)
            broken = FetchError("The file could not be kept here: the log of the worker says why.")
            await self._in_thread(assets.lose, asset, broken)
        finally:
            self.fetching.discard(_lease(asset))
            self.ring()

    # Writing

    def _settle(self, result: Result) -> None:
        self._results.append(result)
        self._due.set()

    async def _settles(self) -> None:
        while True:
            await self._due.wait()
            await asyncio.sleep(GATHER_S)
            await self._guarded(self._flush())

    async def _flush(self) -> None:
        """Write what has gathered; it stays gathered until the database has it."""
        self._due.clear()
        batch = self._results[:BATCH]
        if not batch:
            return
        try:
            await self._in_thread(ledger.settle, batch)
        except AWAY:
            self._due.set()
            raise
        except (DatabaseError, UnicodeError, ValueError):
            await self._settle_singly(batch)
        del self._results[: len(batch)]
        if self._results:
            self._due.set()
        done = {_lease(result.task) for result in batch}
        self.sending -= done
        self._sent.set()
        self.looking -= done
        if self._crowded or any(result.change.fresh for result in batch):
            self.ring()

    async def _settle_singly(self, batch: list[Result]) -> None:
        """An answer that no database takes must not hold up the others; its row is given up by its lease."""
        for result in batch:
            try:
                await self._in_thread(ledger.settle, [result])
            except (DatabaseError, UnicodeError, ValueError):
                log.exception("what was learned of task %s could not be written", result.task.pk)

    # Clockwork

    async def _renewals(self) -> None:
        while True:
            await asyncio.sleep(settings.TASK_LEASE_S / 3)
            if self.sending or self.looking or self.fetching:
                at_work = [*self.sending, *self.looking]
                await self._guarded(self._in_thread_now(claims.renew, at_work, [*self.fetching]))

    async def _sweeps(self) -> None:
        mended_at = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_S)
            for pk in await self._guarded(self._in_thread_now(claims.sweep)) or []:
                log.warning("task %s is unconfirmed: its sender is gone", pk)
            await self._guarded(self._in_thread_now(claims.resume_held))
            if time.monotonic() - mended_at > MEND_S:
                mended_at = time.monotonic()
                await self._guarded(self._in_thread_now(claims.mend))
                await self._guarded(self._in_thread_now(parts.clean))

    async def _in_thread_now(self, work: Callable[..., T], *args: Any) -> T:
        done: T = await self._in_thread(work, *args)
        return done


def _lease(row: MediaTask | Asset) -> Lease:
    return row.pk, row.lease_owner


@contextmanager
def _held(leases: set[Lease], rows: Sequence[MediaTask | Asset]) -> Iterator[None]:
    """Rows that are at work from now on. When that cannot even begin, nobody renews their leases."""
    mine = set(map(_lease, rows))
    leases |= mine
    try:
        yield
    except BaseException:
        leases -= mine
        raise


def _write_data(task: uuid.UUID, out: Output) -> None:
    try:
        data = base64.b64decode(out.data_b64)
    except (binascii.Error, ValueError):
        raise FetchError("What came with the answer is no base64.") from None
    parts.put_aside(ledger.asset_id(task, out.key), data)
