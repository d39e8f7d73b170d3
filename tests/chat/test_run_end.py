"""The end of a run while the database is away: written when it is back, and then told to the viewers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError

from playground.chat import ledger, runner
from playground.chat.ledger import Claim
from playground.chat.models import Run
from playground.chat.runner import Runner, conversation_channel
from playground.gateway.errors import GatewayError
from tests._servers.processes import PATIENCE_S
from tests.live.page import Page

RUN, TALK = uuid.UUID(int=1), uuid.UUID(int=2)


class Database:
    """Stands in for what the runner asks in threads; each end that is written takes one of `faults`."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.written: list[str] = []
        self.refused = asyncio.Event()

    async def __call__(self, work: Any, *args: Any) -> Any:
        if work is ledger.claim:
            return Claim(
                run=RUN,
                conversation=TALK,
                turn=uuid.UUID(int=3),
                user=None,
                family="openai_chat",
                base_url="",
                secret=None,
                built=None,
                prefix=[{"kind": "text", "text": "so far"}],
                row=Run(id=RUN, model="m"),
                refusal=GatewayError("auth", "The key of this message is gone."),
            )
        assert work is ledger.finish
        if self.faults:
            self.refused.set()
            raise self.faults.pop(0)
        self.written.append(args[2].status)
        return True


@pytest.fixture
async def relay(monkeypatch: Any) -> AsyncIterator[Runner]:
    monkeypatch.setattr(runner, "END_WAITS_S", (0, 0.001))
    made = Runner()
    yield made
    await made.close()


async def test_it_is_tried_for_as_long_as_the_database_is_away_and_then_shown(
    relay: Runner, monkeypatch: Any
) -> None:
    database = Database(*[DatabaseError("away"), InterfaceError("closed")] * 20)
    monkeypatch.setattr(relay, "in_thread", database)
    relay.hub.channel(conversation_channel(TALK))
    page = Page()

    async def live() -> list[str]:
        relay.claim(RUN)
        return [str(RUN)]

    names = [conversation_channel(TALK)]
    async with asyncio.timeout(PATIENCE_S):
        async for part in relay.hub.tail(names, who="olivia", live=live, draining=lambda: False):
            page.read(part)
            if page.ended:
                break
    assert page.ended == {str(RUN): "failed"}
    assert database.written == ["failed"]


async def test_a_process_that_is_to_end_gives_up_and_leaves_the_run_to_the_sweep(
    relay: Runner, monkeypatch: Any
) -> None:
    database = Database(*[DatabaseError("away")] * 10_000)
    monkeypatch.setattr(relay, "in_thread", database)
    relay.claim(RUN)
    async with asyncio.timeout(PATIENCE_S):
        await database.refused.wait()
        await relay.drain(0)
    assert database.written == []
    assert relay.drivers == {}
