"""Every viewer sees the same text, however often it is cut off and comes back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from playground.live import hub as hub_module
from playground.live import sse
from playground.live.hub import Hub
from playground.live.mirror import RunView
from tests._servers.processes import PATIENCE_S
from tests.live.page import Page

CHANNEL = "conversation:c"


def tail(hub: Hub) -> AsyncIterator[bytes]:
    async def live() -> list[str]:
        return list(hub.channel(CHANNEL).views)

    return hub.tail([CHANNEL], who="olivia", live=live, draining=lambda: False)


async def nobody(watchers: set[Any]) -> set[Any]:
    return set()


async def everybody(watchers: set[Any]) -> set[Any]:
    return watchers


def publish(hub: Hub, view: RunView, ops: list[Any]) -> None:
    seq = view.seq + 1
    data = sse.payload({"run": view.run, "turn": view.turn, "seq": seq, "ops": ops})
    hub.publish(CHANNEL, view, seq, ops, data)


def opened(hub: Hub, run: str = "r1") -> RunView:
    view = hub.open_view(CHANNEL, run, "t1")
    publish(hub, view, [["status", "running", ""], ["open", 0, "text", "", ""]])
    return view


async def test_a_late_viewer_gets_everything_so_far_and_then_what_is_new() -> None:
    hub, page = Hub(), Page()
    view = opened(hub)
    publish(hub, view, [["text", 0, "Hello "], ["block", 0, "<p>Hello</p>", "wor"]])
    stream = tail(hub)
    page.read(await anext(stream))
    assert page.ready == {"runs": ["r1"], "draining": False}
    assert page.shown("r1") == "<p>Hello</p>wor"
    publish(hub, view, [["text", 0, "ld"]])
    page.read(await anext(stream))
    assert page.shown("r1") == "<p>Hello</p>world"
    publish(hub, view, [["end", "finished", "d1"]])
    page.read(await anext(stream))
    assert page.ended == {"r1": "finished"}
    assert hub.channel(CHANNEL).views == {}


async def test_what_ends_or_is_told_while_a_stream_is_prepared_is_not_lost() -> None:
    hub, page = Hub(), Page()
    view, other = opened(hub), opened(hub, "r2")

    async def live() -> list[str]:
        runs = list(hub.channel(CHANNEL).views)
        # As when the database has answered, and the event loop does something else first.
        publish(hub, other, [["text", 0, "Hello"]])
        publish(hub, view, [["text", 0, "words"]])
        publish(hub, view, [["end", "finished", "d1"]])
        hub.feed(CHANNEL, {"kind": "turns"})
        return runs

    stream = hub.tail([CHANNEL], who="olivia", live=live, draining=lambda: False)
    page.read(await anext(stream))
    assert page.ready == {"runs": ["r1", "r2"], "draining": False}
    assert page.ended == {"r1": "finished"}
    assert page.feeds == [{"kind": "turns"}]
    assert page.shown("r2") == "Hello"
    publish(hub, other, [["text", 0, " world"]])
    page.read(await anext(stream))
    assert page.shown("r2") == "Hello world"


async def test_ten_thousand_cuts_and_returns_lose_and_double_nothing() -> None:
    rng = random.Random(7)
    hub = Hub()
    view = opened(hub)
    wanted = since_block = ""
    page, stream = Page(), tail(hub)
    page.read(await anext(stream))
    for step in range(10_000):
        piece = f"{step} "
        wanted += piece
        since_block += piece
        publish(hub, view, [["text", 0, piece]])
        if rng.random() < 0.5:
            page.read(await anext(stream))
        if step % 100 == 0:
            publish(hub, view, [["block", 0, since_block, ""]])
            since_block = ""
        if rng.random() < 0.9:
            continue
        await stream.aclose()
        page, stream = Page(), tail(hub)
        page.read(await anext(stream))
        assert page.shown("r1") == wanted
    await stream.aclose()
    assert not hub.channel(CHANNEL).cursors


async def test_a_viewer_that_fell_behind_comes_back_and_has_everything(monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "KEEP_FRAMES", 8)
    hub, page = Hub(), Page()
    view = opened(hub)
    stream = tail(hub)
    page.read(await anext(stream))
    for step in range(100):
        publish(hub, view, [["text", 0, f"{step},"]])
    page.read(b"".join([part async for part in stream]))
    assert page.drained
    stream = tail(hub)
    page.read(await anext(stream))
    assert page.shown("r1") == "".join(f"{step}," for step in range(100))
    await stream.aclose()


async def test_a_viewer_that_fell_behind_hears_of_a_run_that_ended_meanwhile(monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "KEEP_FRAMES", 8)
    hub, page = Hub(), Page()
    view = opened(hub)
    stream = tail(hub)
    page.read(await anext(stream))
    assert page.ready == {"runs": ["r1"], "draining": False}
    for step in range(100):
        publish(hub, view, [["text", 0, f"{step},"]])
    publish(hub, view, [["end", "finished", "d1"]])
    page.read(b"".join([part async for part in stream]))
    assert page.drained
    stream = tail(hub)
    page.read(await anext(stream))
    assert page.ready == {"runs": [], "draining": False}
    await stream.aclose()


async def test_line_breaks_and_other_framing_in_a_token_stay_text() -> None:
    hub, page = Hub(), Page()
    view = opened(hub)
    stream = tail(hub)
    page.read(await anext(stream))
    hostile = "a\r\n\nevent: feed\ndata: {}\n\n\u2028\x85\ud800 end"
    publish(hub, view, [["text", 0, hostile]])
    page.read(await anext(stream))
    assert page.shown("r1") == hostile.replace("\ud800", "?")
    assert page.feeds == []


async def test_a_viewer_who_may_no_longer_watch_is_told_and_let_go() -> None:
    hub, page = Hub(heartbeat_s=0.001), Page()
    stream = tail(hub)
    page.read(await anext(stream))
    beats = asyncio.create_task(hub.heartbeats(everybody))
    rest = [part async for part in stream]
    beats.cancel()
    page.read(b"".join(rest))
    assert page.feeds == [{"kind": "gone"}]


async def test_heartbeats_keep_an_idle_stream_awake() -> None:
    hub = Hub(heartbeat_s=0.001)
    stream = tail(hub)
    await anext(stream)
    beats = asyncio.create_task(hub.heartbeats(nobody))
    assert await anext(stream) == sse.HEARTBEAT
    beats.cancel()
    await stream.aclose()
    assert hub.channels == {}


async def test_a_recheck_that_fails_ends_neither_the_heartbeats_nor_a_stream(caplog: Any) -> None:
    hub, page, fails = Hub(heartbeat_s=0.001), Page(), [ValueError("odd"), RuntimeError("odder")]

    async def failing(watchers: set[Any]) -> set[Any]:
        if fails:
            raise fails.pop()
        return watchers

    stream = tail(hub)
    page.read(await anext(stream))
    beats = asyncio.create_task(hub.heartbeats(failing))
    async with asyncio.timeout(PATIENCE_S):
        rest = [part async for part in stream]
    beats.cancel()
    assert sse.HEARTBEAT in rest
    page.read(b"".join(rest))
    assert page.feeds == [{"kind": "gone"}]
    assert caplog.text.count("could not be rechecked") == 2


async def test_closing_sends_what_is_left_and_then_asks_to_come_back() -> None:
    hub, page = Hub(), Page()
    view = opened(hub)
    stream = tail(hub)
    page.read(await anext(stream))
    publish(hub, view, [["text", 0, "last words"]])
    hub.close()
    page.read(b"".join([part async for part in stream]))
    assert page.shown("r1") == "last words"
    assert page.drained


async def test_memory_follows_the_slowest_viewer_only() -> None:
    hub = Hub(heartbeat_s=0.001)
    view = opened(hub)
    stream = tail(hub)
    await anext(stream)
    for _ in range(50):
        publish(hub, view, [["text", 0, "x" * 100]])
    await anext(stream)
    beats = asyncio.create_task(hub.heartbeats(nobody))
    await anext(stream)
    beats.cancel()
    assert hub.channel(CHANNEL).frames == []
    assert hub.channel(CHANNEL).size == 0
