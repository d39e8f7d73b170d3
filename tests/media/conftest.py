"""A gateway that does as told, a key for it, and the poller run by hand."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connections
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.gateway.transport import AsyncTransport
from playground.media import orders
from playground.media.models import Asset, MediaTask
from playground.media.poller import Poller
from tests._servers import cast
from tests.media.studio import studio as studio
from tests.media.upstream import Upstream, running_upstream

VIDEO = {"model": "wan-t2v", "input.prompt": "a boat"}
KLING = {"model": "kling-v3", "prompt": "a boat", "mode": "std"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as up:
        yield up


@pytest.fixture
def key(owner: User, team: Team, upstream: Upstream, settings: LazySettings) -> GatewayKey:
    settings.GATEWAY_URLS = [upstream.url]
    return cast.seal_key(owner, team, label="Main", base_url=upstream.url, secret="sk-upstream-1")


@pytest.fixture(autouse=True)
def storage(settings: LazySettings, tmp_path: Path) -> Path:
    """A media folder of the test's own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The tasks a worker was told of."""
    rung: list[uuid.UUID] = []
    monkeypatch.setattr(orders, "tell_worker", rung.append)
    return rung


Place = Callable[..., MediaTask]


@pytest.fixture
def place(owner: User, team: Team, key: GatewayKey) -> Place:
    """`place("a boat", kling=False, **more of the order)`: a task as a form makes it."""

    def make(prompt: str = "a boat", *, kling: bool = False, **more: Any) -> MediaTask:
        values = KLING | {"prompt": prompt} if kling else VIDEO | {"input.prompt": prompt}
        operation = "kling.text2video" if kling else "dashscope.video"
        order = {"operation": operation, "key_id": key.pk, "form_id": uuid.uuid4(), "values": values} | more
        return orders.place(orders.Order(**order), owner, team)

    return make


InThread = Callable[..., Awaitable[Any]]


@contextmanager
def own_thread() -> Iterator[InThread]:
    """A thread that works on the test's own database connection, while the test itself waits."""
    # Asked for inside a coroutine this would be another connection.
    connection = connections["default"]
    connection.inc_thread_sharing()

    def work_there(work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        connections["default"] = connection
        return work(*args)

    async def in_thread(work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, work_there, work, args)

    try:
        with ThreadPoolExecutor(1) as pool:
            yield in_thread
    finally:
        connection.dec_thread_sharing()


class Bench:
    """Runs the poller until nothing is under way."""

    def run(self, rounds: int = 1) -> None:
        """So many looks at what is due, each with all that comes of it."""
        with own_thread() as in_thread:
            asyncio.run(self._run(rounds, in_thread))

    async def _run(self, rounds: int, in_thread: InThread) -> None:
        transport = AsyncTransport()
        try:
            poller = Poller(transport, in_thread=in_thread, in_files=in_thread, rng=Random(1))
            for _ in range(rounds):
                await poller.look()
                await poller.idle()
        finally:
            await transport.aclose()

    def due(self) -> None:
        """Time passes: whatever is to be looked at some time is to be looked at now."""
        past = timezone.now() - timedelta(seconds=1)
        MediaTask.objects.filter(due_at__isnull=False).update(due_at=past)
        Asset.objects.filter(due_at__isnull=False).update(due_at=past)

    def again(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.due()
            self.run()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def fresh(task: MediaTask) -> MediaTask:
    return MediaTask.objects.get(pk=task.pk)
