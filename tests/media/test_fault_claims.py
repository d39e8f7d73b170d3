"""Rows that were claimed when something broke, and limits that hold for all workers together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.db import OperationalError

from playground.gateway.transport import AsyncTransport
from playground.media import jobs, rates
from playground.media.poller import Poller
from playground.media.rates import Rates, SharedRates
from tests._servers.processes import until
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


@pytest.fixture
def limiter(redis_server: str) -> Iterator[SharedRates]:
    shared = SharedRates({"suno": 2.0}, redis_server)
    yield shared
    shared.close()


@pytest.mark.redis
def test_workers_share_the_slots_of_a_key(limiter: SharedRates, redis_server: str) -> None:
    other = SharedRates({"suno": 2.0}, redis_server)
    key = [("workers share", "suno")]
    slots = [worker.reserve(key)[0] for worker in (limiter, other, limiter, other, limiter)]
    other.close()
    assert [taken for taken, _ in slots] == [True] * 5
    waits = [wait for _, wait in slots]
    assert waits == sorted(waits)
    assert waits[-1] > 1  # five at two a second, less what the calls took


@pytest.mark.redis
def test_many_workers_at_once_get_no_more_slots_than_there_are(limiter: SharedRates) -> None:
    with ThreadPoolExecutor(8) as workers:
        places = [[("at once", "suno")] * 5] * 8
        given = [slot for slots in workers.map(limiter.reserve, places) for slot in slots]
    near = [wait for taken, wait in given if taken]
    assert 5 <= len(near) <= 7  # two seconds' worth, and what time passed meanwhile
    assert all(wait <= rates.MOST_WAIT_S + 0.01 for wait in near)
    later = [wait for taken, wait in given if not taken]
    assert len({round(wait, 1) for wait in later}) > len(later) // 2  # not all at one moment


@pytest.mark.redis
def test_keys_and_families_have_slots_of_their_own(limiter: SharedRates) -> None:
    limiter.reserve([("one key", "suno")] * 9)
    other = limiter.reserve([("another key", "suno"), ("one key", "kling"), ("one key", "suno")])
    assert [taken for taken, _ in other] == [True, True, False]
    assert other[0][1] < 0.1


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
    began = time.monotonic()
    desk.ask("hurry")
    until(lambda: sum(upstream.polls.values()) >= 4)
    took = time.monotonic() - began
    assert sum(upstream.polls.values()) <= took + 2  # one at once, then one a second
