"""A page on another web process than the one that drives the run: whatever is lost between the two, it hears
of the end.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.exceptions import TimeoutError as NoAnswer

from playground.chat import ledger, runner
from playground.chat.runner import Runner, Watcher, conversation_channel
from playground.live import bus as shared
from tests._servers.processes import PATIENCE_S
from tests.live.page import Page

RUN, TURN, TALK = (uuid.UUID(int=number) for number in (1, 2, 3))
CHANNEL = conversation_channel(TALK)
ENDED = {"kind": "ended", "run": str(RUN)}
BATCHES: dict[int, list[Any]] = {
    1: [["status", "running", ""], ["open", 0, "text", "", ""]],
    2: [["text", 0, "one "]],
    3: [["text", 0, "two "]],
    4: [["text", 0, "three"]],
    5: [["end", "finished", "d1"]],
}


class Log:
    """Stands in for Redis: `held` are the batches it has, `reads` what happens at each reading of them."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self.reads: list[Callable[[], Any]] = []

    async def xrange(self, key: str, *, min: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        held = list(self.held)
        if self.reads:
            self.reads.pop(0)()
        rows = [(seq, json.dumps({"ops": BATCHES[seq]}).encode()) for seq in held]
        return [(b"%d-0" % seq, {b"d": data}) for seq, data in rows if seq >= int(min.split("-")[0])]

    async def aclose(self) -> None:
        pass


def unanswered() -> None:
    raise NoAnswer("Timeout reading from socket")


class There:
    """The process with the page. `live`: the runs in flight; `asks`: what happens as the database answers."""

    def __init__(self, relay: Runner, log: Log) -> None:
        self.relay = relay
        self.log = log
        self.live = {RUN}
        self.asks: list[Callable[[], Any]] = []

    async def in_thread(self, work: Any, *args: Any) -> Any:
        if work is not ledger.still_live:
            return []
        still = self.live & set(args[0])
        if self.asks:
            self.asks.pop(0)()
        return still

    def hear(self, *seqs: int) -> None:
        for seq in seqs:
            data = {"run": str(RUN), "turn": str(TURN), "seq": seq, "ops": BATCHES[seq]}
            message = shared.Message("run", CHANNEL, str(RUN), str(TURN), seq, json.dumps(data).encode())
            self.relay._receive(message)

    def open(self) -> AsyncIterator[bytes]:
        watcher = Watcher("session", uuid.UUID(int=4), uuid.UUID(int=5), TALK)
        return self.relay.stream(watcher, [(RUN, TURN)], lambda watchers, now: set())

    @property
    def held(self) -> list[str]:
        channel = self.relay.hub.channels.get(CHANNEL)
        return list(channel.views) if channel else []


async def read(stream: AsyncIterator[bytes], page: Page, until: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not until():
            page.read(await anext(stream))


@pytest.fixture
async def there(settings: Any, monkeypatch: Any) -> AsyncIterator[There]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    relay, log = Runner(), Log()
    made = There(relay, log)
    monkeypatch.setattr(relay.bus, "_redis", log)
    monkeypatch.setattr(relay, "in_thread", made.in_thread)
    yield made
    await relay.close()


async def opened(there: There, *, heard: int) -> tuple[AsyncIterator[bytes], Page]:
    """A page that is shown the first `heard` batches."""
    there.log.held = list(range(1, heard + 1))
    stream, page = there.open(), Page()
    page.read(await anext(stream))
    assert page.views[str(RUN)].seq == heard
    return stream, page


# While a stream is prepared


async def test_a_run_that_began_since_the_page_was_made_is_among_those_in_flight(there: There) -> None:
    # A page is open on another tab, so that its conversation is heard of here.
    other, page = there.open(), Page()
    await anext(other)
    there.live.clear()
    there.relay.hub.forget(CHANNEL, str(RUN))
    there.asks.append(lambda: there.hear(1))
    watcher = Watcher("session", uuid.UUID(int=4), uuid.UUID(int=5), TALK)
    over = uuid.UUID(int=6)
    stream = there.relay.stream(watcher, [(over, TURN)], lambda watchers, now: set())
    page.read(await anext(stream))
    assert page.ready == {"runs": [str(RUN)], "draining": False}


def end_is_heard_as_the_database_answers(there: There) -> None:
    there.log.held = [1, 2, 3, 4, 5]
    there.asks.append(lambda: there.hear(5))


def end_is_heard_before_the_log_is_folded(there: There) -> None:
    there.log.held = [1, 2, 3, 4, 5]
    there.log.reads.append(lambda: there.hear(5))


def end_is_heard_after_the_log_was_read(there: There) -> None:
    there.log.held = [1, 2, 3, 4]
    there.log.reads.append(lambda: there.hear(5))


def end_is_in_the_log_and_never_heard(there: There) -> None:
    there.log.held = [1, 2, 3, 4, 5]


def end_is_heard_and_the_log_does_not_answer(there: There) -> None:
    def read() -> None:
        there.hear(5)
        unanswered()

    there.log.reads.append(read)


@pytest.mark.parametrize(
    "moment",
    [
        end_is_heard_as_the_database_answers,
        end_is_heard_before_the_log_is_folded,
        end_is_heard_after_the_log_was_read,
        end_is_in_the_log_and_never_heard,
        end_is_heard_and_the_log_does_not_answer,
    ],
)
async def test_an_end_while_a_stream_is_prepared_is_in_its_first_words(
    there: There, moment: Callable[[There], None]
) -> None:
    moment(there)
    stream, page = there.open(), Page()
    page.read(await anext(stream))
    assert ENDED in page.feeds
    assert there.held == []


# While it is watched


async def test_a_run_whose_log_could_not_be_read_is_shown_from_its_next_batch_on(there: There) -> None:
    there.log.reads.append(unanswered)
    stream, page = there.open(), Page()
    page.read(await anext(stream))
    assert page.ready == {"runs": [str(RUN)], "draining": False}
    assert page.views == {}
    there.log.held = [1, 2, 3]
    there.hear(3)
    await read(stream, page, lambda: page.views)
    assert page.shown(str(RUN)) == "one two "
    there.hear(4, 5)
    await read(stream, page, lambda: page.ended)
    assert page.shown(str(RUN)) == "one two three"
    assert page.feeds == there.held == []


async def test_a_run_whose_log_could_not_be_read_is_shown_to_all_once_it_is_read(there: There) -> None:
    there.log.reads.append(unanswered)
    stream, page = there.open(), Page()
    page.read(await anext(stream))
    second_stream, second = await opened(there, heard=3)
    await read(stream, page, lambda: page.views)
    there.hear(4)
    await read(stream, page, lambda: page.shown(str(RUN)) == "one two three")
    await read(second_stream, second, lambda: second.shown(str(RUN)) == "one two three")


async def test_a_run_whose_log_could_never_be_read_ends(there: There) -> None:
    there.log.reads.append(unanswered)
    stream, page = there.open(), Page()
    page.read(await anext(stream))
    there.hear(5)
    await read(stream, page, lambda: page.feeds)
    assert page.feeds == [ENDED]
    assert there.held == []


async def test_a_run_that_began_unheard_is_shown(there: There) -> None:
    there.live = set()
    stream, page = there.open(), Page()
    page.read(await anext(stream))
    there.log.held = [1, 2, 3]
    there.hear(3)
    await read(stream, page, lambda: page.views)
    assert page.shown(str(RUN)) == "one two "


async def test_a_run_ends_although_a_batch_is_lost_for_good(there: There) -> None:
    stream, page = await opened(there, heard=2)
    there.log.held = [1, 2, 4, 5]
    there.hear(4, 5)
    await read(stream, page, lambda: page.feeds)
    assert page.feeds == [ENDED]
    assert there.held == []
    await asyncio.gather(*there.relay.tasks)
    assert page.shown(str(RUN)) == "one "


async def test_a_run_that_ended_while_nothing_was_heard_ends_when_the_subscription_is_back(
    there: There,
) -> None:
    stream, page = await opened(there, heard=2)
    there.log.held = [1, 2, 3, 4, 5]
    assert there.relay.bus is not None
    there.relay.bus.on_resume()
    await read(stream, page, lambda: page.feeds)
    assert page.feeds == [ENDED]
    assert there.held == []


async def test_an_end_that_was_lost_for_good_is_found_by_the_sweep(there: There, monkeypatch: Any) -> None:
    monkeypatch.setattr(runner, "SWEEP_S", 0.001)
    stream, page = await opened(there, heard=2)
    swept = asyncio.Event()
    there.asks.append(swept.set)
    there.relay.keep(there.relay._sweeps())
    async with asyncio.timeout(PATIENCE_S):
        await swept.wait()
    assert there.held == [str(RUN)]
    there.live = set()
    await read(stream, page, lambda: page.feeds)
    assert page.feeds == [ENDED]
    assert there.held == []


async def test_an_end_heard_while_the_sweep_asks_is_told_once(there: There, monkeypatch: Any) -> None:
    monkeypatch.setattr(runner, "SWEEP_S", 0.001)
    stream, page = await opened(there, heard=4)
    there.live = set()
    there.asks.append(lambda: there.hear(5))
    there.relay.keep(there.relay._sweeps())
    await read(stream, page, lambda: page.ended)
    there.relay.feed(CHANNEL, {"kind": "list"})
    await read(stream, page, lambda: page.feeds)
    assert page.feeds == [{"kind": "list"}]


async def test_a_run_that_ends_while_missed_batches_are_read_is_not_shown_anew(there: There) -> None:
    stream, page = await opened(there, heard=2)
    there.log.held = [1, 2, 3, 4]
    there.log.reads.append(lambda: there.hear(5))
    there.hear(4)
    await asyncio.gather(*there.relay.tasks)
    there.relay.feed(CHANNEL, {"kind": "list"})
    await read(stream, page, lambda: {"kind": "list"} in page.feeds)
    assert page.feeds == [ENDED, {"kind": "list"}]
    assert page.views[str(RUN)].seq == 2
    assert there.held == []
