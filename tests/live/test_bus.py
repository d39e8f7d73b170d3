"""Redis between the web processes, and what a Redis that does not answer may hold up."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from playground.live import bus as shared
from tests._servers.processes import PATIENCE_S
from tests._servers.stores import running_redis


@pytest.mark.redis
async def test_a_redis_that_hangs_keeps_nothing_from_viewers(monkeypatch: Any) -> None:
    monkeypatch.setattr(shared, "PATIENCE_S", 0.05)
    with running_redis() as (url, process):
        bus = shared.Bus(url, "this", lambda message: None)
        pump = asyncio.create_task(bus.pump())
        process.send(signal.SIGSTOP)
        try:
            shown = asyncio.Event()
            bus.send(shared.Message("feed", "user:olivia", "", "", 0, b"{}"), shown.set)
            async with asyncio.timeout(PATIENCE_S):
                await shown.wait()
                await bus.settle()
        finally:
            process.send(signal.SIGCONT)
            pump.cancel()
            await bus.close()


def feed(data: bytes = b"{}") -> shared.Message:
    return shared.Message("feed", "user:olivia", "", "", 0, data)


@pytest.mark.redis
async def test_what_goes_wrong_with_one_message_ends_neither_listening_nor_sending(
    monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(shared, "PATIENCE_S", PATIENCE_S)  # given up once, Redis is left alone for a while
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    listening = asyncio.Event()

    def receive(message: shared.Message) -> None:
        if message.data == b"bad":
            raise ValueError("nobody thought of this")
        heard.put_nowait(message.data)

    def broken() -> None:
        raise ValueError("nor of this")

    with running_redis() as (url, _):
        here, there = shared.Bus(url, "here", receive), shared.Bus(url, "there", receive)
        here.on_resume = listening.set
        jobs = [asyncio.create_task(job) for job in (here.listen(), there.pump())]
        async with asyncio.timeout(PATIENCE_S):
            await listening.wait()
            there.send(feed(b"bad"), broken)
            there.send(feed(b"good"))
            assert await heard.get() == b"good"
            there.send(feed(b"later"))
            assert await heard.get() == b"later"
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await here.close()
        await there.close()
    assert caplog.text.count("could not be taken") == caplog.text.count("could not be shown") == 1


@pytest.mark.redis
async def test_listening_goes_on_after_a_fault_of_its_own(monkeypatch: Any, caplog: Any) -> None:
    monkeypatch.setattr(shared, "AGAIN_S", 0)
    faults, resumed = [ValueError("nobody thought of this")], asyncio.Event()

    def resume() -> None:
        if faults:
            raise faults.pop()
        resumed.set()

    with running_redis() as (url, _):
        bus = shared.Bus(url, "here", lambda message: None)
        bus.on_resume = resume
        job = asyncio.create_task(bus.listen())
        async with asyncio.timeout(PATIENCE_S):
            await resumed.wait()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await bus.close()
    assert "nobody thought of this" in caplog.text
