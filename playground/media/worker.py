"""The poller in a worker process: a thread with an event loop, started by the first tick.

A web process never has one: it writes rows and rings the bell over Celery.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any, TypeVar

from celery import signals
from django.conf import settings

from playground.gateway.transport import AsyncTransport
from playground.media import fetching
from playground.media.poller import InThread, Poller
from playground.threads import with_database

log = logging.getLogger(__name__)
T = TypeVar("T")
DATABASE_THREADS = 2
# For what is cancelled to notice.
END_S = 3.0
_lock = threading.Lock()
_host: Host | None = None


class Host:
    """A running poller and its thread."""

    def __init__(self) -> None:
        fetching.begin()
        self.loop = asyncio.new_event_loop()
        self.broken = False
        self._poller: Future[Poller] = Future()
        self._thread = threading.Thread(target=self._serve, name="media", daemon=True)
        self._thread.start()

    @property
    def poller(self) -> Poller:
        return self._poller.result(10)

    def ring(self) -> None:
        self.loop.call_soon_threadsafe(self.poller.ring)

    def stop(self, wait_s: float) -> None:
        """Let what is being sent be answered for a while, then end; the rest is found again by its lease."""
        done = asyncio.run_coroutine_threadsafe(self.poller.drain(wait_s), self.loop)
        done.result(wait_s + 5)
        fetching.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        work = self.loop.create_task(self._run())
        work.add_done_callback(self._ended)
        self.loop.run_forever()
        work.cancel()
        self.loop.run_until_complete(asyncio.wait([work], timeout=END_S))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    async def _run(self) -> None:
        database = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="media-rows")
        files = ThreadPoolExecutor(settings.TASK_CAPTURES, thread_name_prefix="media-files")
        transport = AsyncTransport(read_s=settings.CREATE_TIMEOUT_S)
        poller = Poller(
            transport,
            in_thread=_runner(database),
            in_files=_runner(files),
            rng=Random(),  # noqa: S311 - jitter
        )
        self._poller.set_result(poller)
        try:
            await poller.run()
        finally:
            for pool in (database, files):
                pool.shutdown(wait=False, cancel_futures=True)
            await transport.aclose()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the poller of media tasks broke; the next tick starts another", exc_info=error)
            self.broken = True
            if not self._poller.done():
                self._poller.set_exception(error)


def _runner(pool: ThreadPoolExecutor) -> InThread:
    async def in_thread(work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, with_database, work, *args)

    return in_thread


def ring() -> None:
    """There may be something to do; starts the poller of this process when there is none."""
    global _host
    with _lock:
        if _host is None or _host.broken:
            _host = Host()
            # The poller ends with its worker, whichever way the worker runs its tasks.
            signals.worker_shutdown.connect(_stop)
            signals.worker_process_shutdown.connect(_stop)
    _host.ring()


def _stop(**details: Any) -> None:
    global _host
    with _lock:
        host, _host = _host, None
    if host is not None:
        host.stop(settings.DRAIN_S)
