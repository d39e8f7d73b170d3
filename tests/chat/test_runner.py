"""What a web process holds of runs: as many as it may, and none for longer than it lives."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from playground.chat import ledger
from playground.chat.runner import Runner, conversation_channel


@pytest.fixture
async def runner() -> AsyncIterator[Runner]:
    made = Runner()
    yield made
    await made.close()


async def test_no_more_runs_are_claimed_than_a_process_may_drive(
    runner: Runner, settings: Any, monkeypatch: Any
) -> None:
    settings.MAX_RUNS = 2
    asked: list[uuid.UUID] = []
    free = asyncio.Event()

    async def in_thread(work: Any, *args: Any) -> None:
        assert work is ledger.claim
        asked.append(args[0])
        await free.wait()

    monkeypatch.setattr(runner, "in_thread", in_thread)
    runs = [uuid.UUID(int=number) for number in range(5)]
    for run in [runs[0], *runs]:
        runner.claim(run)
    tasks = list(runner.tasks)
    free.set()
    await asyncio.gather(*tasks)
    assert asked == runs[:2]
    runner.claim(runs[2])
    await asyncio.gather(*runner.tasks)
    assert asked == runs[:3]


async def test_a_run_whose_process_is_gone_is_no_longer_held_or_shown(runner: Runner) -> None:
    talk, run = uuid.uuid4(), uuid.uuid4()
    channel = conversation_channel(talk)
    view = runner.hub.open_view(channel, str(run), str(uuid.uuid4()))
    view.apply(1, [["status", "running", ""]])
    runner.feed(channel, {"kind": "turns", "run": str(run)})
    assert len(runner.hub.channel(channel).snapshots()) == 1
    runner.feed(channel, {"kind": "ended", "run": str(run)})
    assert runner.hub.channels == {}
    assert runner.hub.channel(channel).snapshots() == []
