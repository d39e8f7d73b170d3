"""What relaying costs: CPU a token, latency, how many streams, first tokens, floods, memory."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import psycopg
import uvloop

from benchmarks import proc
from benchmarks.load import (
    Watch,
    all_at_rest,
    ask,
    get,
    open_page,
    open_raw,
    percentile,
    start_spread,
)
from benchmarks.rows import Figure, Plan, middle, row, times
from benchmarks.stage import Person, Stage

Web = subprocess.Popen[str]
T = TypeVar("T")
SAMPLE = 100


def play(act: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop and a thread of its own: playwright's loop counts as running in the main one."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(uvloop.run, act).result()


@dataclass(frozen=True, slots=True)
class Window:
    """What some seconds of steady streaming gave."""

    cpu_ms: float  # per 1,000 tokens
    rate: float
    p50: float
    p95: float


async def window(stage: Stage, pid: int, watches: Sequence[Watch], seconds: float) -> Window:
    sample = watches[:: max(1, len(watches) // SAMPLE)]
    for watch in sample:
        watch.ages.clear()
        watch.measured = True
    sent, cpu, began = await _sent(stage), proc.cpu_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    after, spent, took = await _sent(stage), proc.cpu_s(pid) - cpu, time.monotonic() - began
    ages = [age for watch in sample for age in watch.ages]
    for watch in sample:
        watch.measured = False
    tokens = max(1, after - sent)
    return Window(spent * 1e6 / tokens, tokens / took, percentile(ages, 50), percentile(ages, 95))


async def _sent(stage: Stage) -> int:
    return (await asyncio.to_thread(stage.upstream_stats))["sent"]


async def open_pages(stage: Stage, people: Sequence[Person]) -> list[Watch]:
    """All pages' streams, some at a time as browsers would come."""
    gate = asyncio.Semaphore(20)

    async def one(person: Person) -> Watch:
        async with gate:
            return await open_page(stage, person)

    return await asyncio.gather(*map(one, people))


async def stream_all(stage: Stage, people: Sequence[Person], model: str, *, over_s: float = 5) -> list[Watch]:
    """A page each, and an answer streaming on every one of them."""
    pages = await open_pages(stage, people)
    await start_spread([partial(ask, stage, person, model) for person in people], over_s)
    for page in pages:
        await asyncio.wait_for(page.first.wait(), 60)
    return pages


async def raw_all(port: int, count: int, model: str, *, over_s: float = 2) -> list[Watch]:
    watches: list[Watch] = []
    for _ in range(count):
        watches.append(await open_raw(port, model))
        await asyncio.sleep(over_s / count)
    for watch in watches:
        await watch.first.wait()
    return watches


def leave(watches: Sequence[Watch]) -> None:
    for watch in watches:
        watch.close()


async def raw_windows(stage: Stage, streams: int, seconds: float, count: int) -> list[Window]:
    watches = await raw_all(stage.relay, streams, "bench-2000-20")
    windows = [await window(stage, stage.relay_pid, watches, seconds) for _ in range(count)]
    leave(watches)
    await all_at_rest(stage)
    return windows


async def our_windows(stage: Stage, web: Web, streams: int, seconds: float, count: int) -> list[Window]:
    pages = await stream_all(stage, stage.people[:streams], "bench-2000-20")
    windows = [await window(stage, web.pid, pages, seconds) for _ in range(count)]
    leave(pages)
    return windows


@row("cpu")
def cpu(stage: Stage, plan: Plan) -> list[Figure]:
    seconds, count = plan.some(6, 4), plan.some(3, 1)
    raw = play(raw_windows(stage, 200, seconds, count))
    with stage.serve() as web:
        ours = play(our_windows(stage, web, 200, seconds, count))
    base, cost = middle([w.cpu_ms for w in raw]), middle([w.cpu_ms for w in ours])
    name = "CPU per 1,000 tokens, 200 streams x 20 tokens/s"
    bar, good = "3.6x (5.5x stock httpx), then 2.9x", cost / base <= 3.6
    figures = [Figure(name, f"{cost:.0f} ms", bar, good, f"{base:.0f} ms", times(cost, base))]
    p95, raw_p95 = middle([w.p95 for w in ours]), middle([w.p95 for w in raw])
    return [
        *figures,
        Figure("token latency p95 at 200 streams", f"{p95:.0f} ms", "-", None, f"{raw_p95:.1f} ms"),
    ]


@row("held")
def held(stage: Stage, plan: Plan) -> list[Figure]:
    levels = [100, 200, 300, 350, 400, 500, 600, 700, 800] if not plan.quick else [150, 250, 350, 450]
    raw = play(raw_windows(stage, 1000, 4, 1))[0]
    with stage.serve() as web:
        reached, said = play(_climb(stage, web, levels))
    name = "streams held at 20 tokens/s, p95 under 100 ms"
    first = f"1,000 (p95 {raw.p95:.0f} ms)"
    return [Figure(name, f"{reached} ({said})", "350 a core, then 700", reached >= 350, first)]


async def _climb(stage: Stage, web: Web, levels: list[int]) -> tuple[int, str]:
    pages: list[Watch] = []
    best, said = 0, ""
    for level in levels:
        pages += await stream_all(stage, stage.people[len(pages) : level], "bench-20000-20", over_s=3)
        await asyncio.sleep(1)
        seen = await window(stage, web.pid, pages, 4)
        busy = seen.cpu_ms * seen.rate / 1e6
        said += f"{', ' if said else ''}{level}: p95 {seen.p95:.0f} ms at {busy:.0%} CPU"
        if not seen.p95 < 100 or seen.rate < level * 20 * 0.97:
            break
        best = level
    leave(pages)
    return best, said.rpartition(", ")[2] if best else said


@row("latency")
def latency(stage: Stage, plan: Plan) -> list[Figure]:
    seconds, count = plan.some(5, 4), plan.some(3, 1)
    raw = play(raw_windows(stage, 500, seconds, count))
    with stage.serve() as web:
        ours = play(our_windows(stage, web, 500, seconds, count))
    base, got = middle([w.p95 for w in raw]), middle([w.p95 for w in ours])
    name = "added token latency p95 at 500 streams"
    share = middle([w.rate for w in ours]) / 10_000
    said = f"{got - base:.0f} ms ({share:.0%} of the tokens in time)"
    return [Figure(name, said, "40 ms", got - base <= 40, f"{base:.1f} ms")]


@row("idle")
def idle(stage: Stage, plan: Plan) -> list[Figure]:
    count = plan.some(1000, 300)
    with stage.serve() as web:
        before = play(_warm(stage, web))
        memory, threads, connections = play(_idle(stage, web, count))
    each = (memory - before) / count
    return [
        Figure(
            f"threads / database connections at {count:,} idle streams",
            f"{threads} / {connections}"
            + ("" if stage.production else " (SQLite handles of the pooled threads)"),
            "12 / 0",
            threads <= 12 and (connections == 0 if stage.production else connections <= threads),
        ),
        Figure("memory per open stream", f"{each:.0f} KB", "60 KB", each <= 60, "2 KB (bar.md)"),
    ]


async def _warm(stage: Stage, web: Web) -> int:
    """What the first requests load for good is not the streams' memory."""
    leave(await open_pages(stage, stage.people[:50]))
    await asyncio.sleep(1)
    return proc.rss_kb(web.pid)


async def _idle(stage: Stage, web: Web, count: int) -> tuple[int, int, int]:
    pages = await open_pages(stage, stage.people[:count])
    await asyncio.sleep(2)
    seen = proc.rss_kb(web.pid), proc.threads(web.pid), database_connections(stage, web.pid)
    leave(pages)
    return seen


def database_connections(stage: Stage, pid: int) -> int:
    """Those of the web process: sessions of the server, or open handles of the SQLite file."""
    if not stage.production:
        return proc.open_files(pid, "playground.sqlite3")
    with psycopg.connect(stage.env["DATABASE_URL"]) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
            "pg_backend_pid()"
        ).fetchone()
    return int(found[0]) if found else 0


@row("first")
def first(stage: Stage, plan: Plan) -> list[Figure]:
    figures = []
    for chats, bar in ((1, 25), (50, 40), (200, 100)):
        stage.renew()
        with stage.serve():
            ours, refused = play(_first_tokens(stage, chats, plan))
        raw = play(_first_tokens_raw(stage, chats))
        added = percentile(ours, 50) - percentile(raw, 50)
        name = f"added time to first token p50, {chats} concurrent chats"
        said = f"{added:.0f} ms (p95 {percentile(ours, 95):.0f}, n {len(ours)}, {refused} refused)"
        good = added <= bar and not refused
        figures.append(Figure(name, said, f"{bar} ms, none refused", good, f"{percentile(raw, 50):.1f} ms"))
    return figures


async def _first_tokens(stage: Stage, chats: int, plan: Plan) -> tuple[list[float], int]:
    """People who ask again as soon as they are answered: 300 tokens at 20 a second each."""
    people, took, refused = stage.people[:chats], [], 0
    pages = await open_pages(stage, people)
    model, length_s = ("bench-20-50", 0.4) if chats == 1 else ("bench-300-20", 15.0)
    counting_from = time.monotonic() + length_s
    until = counting_from + plan.some(12, 8)

    async def chat(page: Watch, person: Person, wait_s: float) -> None:
        nonlocal refused
        await asyncio.sleep(wait_s)
        while (began := time.monotonic()) < until:
            page.again()
            try:
                await ask(stage, person, model)
            except RuntimeError:
                refused += 1
                return
            await asyncio.wait_for(page.first.wait(), 60)
            if began >= counting_from and page.first_at is not None:
                took.append((page.first_at - began) * 1000)
            if time.monotonic() < until:
                await asyncio.wait_for(page.ended.wait(), 120)

    spread = (
        chat(page, who, length_s * at / chats)
        for at, (page, who) in enumerate(zip(pages, people, strict=True))
    )
    await asyncio.gather(*spread)
    leave(pages)
    return took, refused


async def _first_tokens_raw(stage: Stage, chats: int) -> list[float]:
    busy = await raw_all(stage.relay, chats - 1, "bench-300-20") if chats > 1 else []
    took = []
    for _ in range(40):
        began = time.monotonic()
        watch = await open_raw(stage.relay, "bench-2-50")
        await watch.first.wait()
        assert watch.first_at is not None
        took.append((watch.first_at - began) * 1000)
        watch.close()
        await asyncio.sleep(0.05)
    leave(busy)
    await all_at_rest(stage)
    return took


@row("flood")
def flood(stage: Stage, plan: Plan) -> list[Figure]:
    tokens, count = plan.some(10_000, 4_000), plan.some(3, 1)
    raw = middle([play(_flood_raw(stage, 100_000)) for _ in range(count)])
    ours = []
    with stage.serve():
        for at in range(count):
            people = stage.people[at * 8 : at * 8 + 8]
            ours.append(play(_flood(stage, people, tokens)))
    stage.renew()
    rate = middle(ours)
    name = "flood: tokens/s relayed by one process, 8 streams without pace"
    return [Figure(name, f"{rate:,.0f}", "40,000", rate >= 40_000, f"{raw:,.0f}", f"{rate / raw:.3f}x")]


async def _flood(stage: Stage, people: Sequence[Person], tokens: int) -> float:
    pages = await open_pages(stage, people)
    began = time.monotonic()
    await asyncio.gather(*(ask(stage, person, f"bench-{tokens}-0") for person in people))
    for page in pages:
        await asyncio.wait_for(page.ended.wait(), 120)
    took = time.monotonic() - began
    leave(pages)
    return len(people) * tokens / took


async def _flood_raw(stage: Stage, tokens: int) -> float:
    began = time.monotonic()
    watches = [await open_raw(stage.relay, f"bench-{tokens}-0") for _ in range(8)]
    for watch in watches:
        await watch.ended.wait()
    took = time.monotonic() - began
    leave(watches)
    await all_at_rest(stage)
    return 8 * tokens / took


@row("message")
def message(stage: Stage, plan: Plan) -> list[Figure]:
    count = plan.some(60, 30)
    with stage.serve() as web:
        costs = [play(_messages(stage, web, count)) for _ in range(plan.some(3, 1))]
        stage.renew()
    cost = middle(costs)
    name = "CPU per whole message of 20 tokens, saved (ask, stream, the turn fetched at its end)"
    return [Figure(name, f"{cost:.1f} ms", "25 ms", cost <= 25)]


async def _messages(stage: Stage, web: Web, count: int) -> float:
    people = stage.people[:count]
    pages = await open_pages(stage, people)
    cpu = proc.cpu_s(web.pid)
    for page, person in zip(pages, people, strict=True):
        page.again()
        await ask(stage, person, "bench-20-200")
        await asyncio.wait_for(page.ended.wait(), 30)
        await get(stage, person, f"/chat/turn/{page.turn}")
    spent = proc.cpu_s(web.pid) - cpu
    leave(pages)
    return spent * 1000 / count
