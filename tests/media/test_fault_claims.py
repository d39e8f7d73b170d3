"""Rows that were claimed when something broke, and limits that hold for all workers together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random

import pytest
from django.db import OperationalError

from playground.gateway.transport import AsyncTransport
from playground.media import jobs, rates
from playground.media.poller import Poller
from playground.media.rates import Rates, SharedRates
from tests._servers.processes import PATIENCE_S, until
from tests.media.conftest import Bench, Place, fresh, own_thread
from tests.media.studio import Studio, add_worker
from tests.media.upstream import Upstream


@pytest.mark.django_db
def test_a_database_that_breaks_right_after_a_claim_leaves_the_rows_to_their_leases(
    place: Place, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = place()
    bench.run()
    bench.due()

    def broken(tasks: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(jobs, "of_tasks", broken)

    async def look() -> set[object]:
        transport = AsyncTransport()
        with pytest.raises(OperationalError):
            await poller(transport).look()
        await transport.aclose()
        return {*made[0].looking, *made[0].sending, *made[0].fetching}

    made: list[Poller] = []
    with own_thread() as in_thread:

        def poller(transport: AsyncTransport) -> Poller:
            made.append(Poller(transport, in_thread=in_thread, in_files=in_thread, rng=Random(1)))
            return made[0]

        assert asyncio.run(look()) == set()
    assert fresh(task).lease_owner != ""


# Queries a second, by family. Where a slot is not to be taken, the next one is near only after many seconds.
LIMITS = {"dashscope": 2.0, "suno": 0.5, "kling": 0.01}


def shared(server: str) -> SharedRates:
    """As in a worker, but that a Redis that is slow is waited for."""
    return SharedRates(LIMITS, f"{server}?socket_timeout={PATIENCE_S}&socket_connect_timeout={PATIENCE_S}")


@pytest.fixture
def limiter(redis_server: str) -> Iterator[SharedRates]:
    made = shared(redis_server)
    yield made
    made.close()


@dataclass(frozen=True, slots=True)
class Given:
    """A slot and the moments between which it lies: a wait counts from within the call that told it."""

    taken: bool
    wait: float
    earliest: float
    latest: float


def reserve(worker: SharedRates, places: list[rates.Place]) -> list[Given]:
    began = time.monotonic()
    slots = worker.reserve(places)
    ended = time.monotonic()
    return [Given(taken, wait, began + wait, ended + wait) for taken, wait in slots]


@pytest.mark.redis
def test_workers_share_the_slots_of_a_key(limiter: SharedRates, redis_server: str) -> None:
    other = shared(redis_server)
    key: list[rates.Place] = [("workers share", "dashscope")]
    slots = [reserve(worker, key)[0] for worker in (limiter, other, limiter, other, limiter)]
    other.close()
    assert [slot.taken for slot in slots] == [True] * 5
    # Two a second, however long the calls took.
    assert all(later.latest - slot.earliest >= 0.49 for slot, later in pairwise(slots))


@pytest.mark.redis
def test_many_workers_at_once_get_no_more_slots_than_there_are(limiter: SharedRates) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(8) as workers:
        places: list[list[rates.Place]] = [[("at once", "suno")] * 5] * 8
        given = [slot for slots in workers.map(partial(reserve, limiter), places) for slot in slots]
    took = time.monotonic() - began
    near = [slot.wait for slot in given if slot.taken]
    # One at once, and then one every two seconds until the last that may be waited for.
    assert 2 <= len(near) <= 1.01 + (took + rates.MOST_WAIT_S) / 2
    assert all(wait <= rates.MOST_WAIT_S + 0.01 for wait in near)
    later = [slot for slot in given if not slot.taken]
    # Not all at one moment, but each at one of its own.
    last, first = max(slot.latest for slot in later), min(slot.earliest for slot in later)
    assert last - first >= 2 * (len(later) - 1) - 0.01


@pytest.mark.redis
def test_keys_and_families_have_slots_of_their_own(limiter: SharedRates) -> None:
    limiter.reserve([("one key", "kling")] * 9)
    other = limiter.reserve([("another key", "kling"), ("one key", "suno"), ("one key", "kling")])
    assert [taken for taken, _ in other] == [True, True, False]
    assert [wait for _, wait in other[:2]] == [0, 0]


def test_without_redis_each_worker_keeps_to_the_limit_by_itself() -> None:
    away = SharedRates({"suno": 2.0}, "redis://127.0.0.1:1/0")
    slots = away.reserve([("key", "suno")] * 8)
    away.close()
    alone = Rates({"suno": 2.0}).reserve([("key", "suno")] * 8)
    assert [taken for taken, _ in slots] == [taken for taken, _ in alone]


@pytest.mark.postgres
@pytest.mark.redis
def test_two_workers_of_a_site_ask_no_more_often_than_one_may(studio: Studio, upstream: Upstream) -> None:
    place, desk = studio("production", QUERY_RATES="dashscope:1")
    add_worker(place, "worker2")
    desk.place("a boat", times=40)
    desk.wait_for("waiting", count=40)
    # Some may have been looked at already, when it took long to send them all.
    before, began = sum(upstream.polls.values()), time.monotonic()
    desk.ask("hurry")
    until(lambda: sum(upstream.polls.values()) - before >= 4)
    took = time.monotonic() - began
    assert sum(upstream.polls.values()) - before <= took + 2  # one at once, then one a second
