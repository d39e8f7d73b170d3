"""Media tasks: how many are looked at in time, what a look costs, callbacks, large files, pages, news."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.proc import _status, cpu_s, rss_kb
from benchmarks.rows import Figure, Plan, row
from benchmarks.stage import Stage, free_port, running
from playground import processes

OWN = [sys.executable, "-m"]
LEAD_S = 8.0
WITHOUT_RATES = {"QUERY_RATES": "dashscope:1000000"}


@contextmanager
def provider(stage: Stage) -> Iterator[str]:
    port = free_port()
    with running([*OWN, "benchmarks.provider", str(port)], "provider on"):
        yield f"http://127.0.0.1:{port}"


def rows(stage: Stage, *told: object) -> Any:
    return json.loads(stage.command([*OWN, "benchmarks.task_rows", *map(str, told)]))


def looked(stage: Stage, count: int, interval_s: float, warm_s: float, measured_s: float) -> dict[str, Any]:
    """One worker with so many tasks; what it tells of itself."""
    with provider(stage) as address:
        lead_s = LEAD_S + count / 20_000
        rows(stage, "waiting", count, interval_s, lead_s, address)
        env = stage.env | WITHOUT_RATES | {"GATEWAY_URLS": address}
        argv = [*OWN, "benchmarks.clerk", str(interval_s), str(lead_s + warm_s), str(measured_s)]
        done = subprocess.run(argv, env=env, capture_output=True, text=True)
    # Celery greets on the same pipe.
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not told:
        raise RuntimeError(f"the worker told nothing: {done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(told[0])
    return found


@row("polls")
def polls(stage: Stage, plan: Plan) -> list[Figure]:
    told = looked(stage, 10_000, 10, 10, plan.some(60, 20))
    late = told["late_s"][2]
    shown = f"{late:.2f} s at {told['per_s']:.0f} polls/s (p50 {told['late_s'][0]:.2f} s)"
    return [
        Figure("10,000 tasks every 10 s: lateness p99", shown, "0.5 s", late <= 0.5),
        Figure("CPU of the worker per poll", f"{told['cpu_ms']:.2f} ms", "1.2 ms", told["cpu_ms"] <= 1.2),
    ]


@row("crowd")
def crowd(stage: Stage, plan: Plan) -> list[Figure]:
    told = looked(stage, 100_000, 120, 10, plan.some(150, 50))
    late, rss = told["late_s"][2], told["rss_mb"]
    shown = f"{late:.2f} s at {told['per_s']:.0f} polls/s"
    return [
        Figure("100,000 tasks every 120 s: lateness p99", shown, "2 s", late <= 2),
        Figure("worker's memory at 100,000 tasks", f"{rss:.0f} MB RSS", "150 MB", rss <= 150),
    ]


@row("callback")
def callback(stage: Stage, plan: Plan) -> list[Figure]:
    with provider(stage) as address:
        rows(stage, "waiting", 1000, 600, 600, address)
        paths = rows(stage, "callbacks", 1000)
        with stage.serve():
            took = sorted(asyncio.run(_ring(stage.port, paths)))
    late = 1000 * took[int(len(took) * 0.99)]
    shown = f"{late:.0f} ms (p50 {1000 * took[len(took) // 2]:.0f} ms), 50 a second"
    return [Figure("callback answered p99, the worker stopped", shown, "50 ms", late <= 50)]


async def _ring(port: int, paths: list[str]) -> list[float]:
    """One post every 20 ms, whether the last one is answered or not."""
    waiting = []
    for number, path in enumerate(paths):
        waiting.append(asyncio.ensure_future(_post(port, path, f'{{"stage": {number}}}')))
        await asyncio.sleep(0.02)
    return list(await asyncio.gather(*waiting))[50:]


async def _post(port: int, path: str, body: str) -> float:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    line = await reader.readline()
    took = time.monotonic() - began
    if b" 200 " not in line:
        raise RuntimeError(f"a callback was answered with {line!r}")
    writer.close()
    return took


@row("capture")
def capture(stage: Stage, plan: Plan) -> list[Figure]:
    size = 200 * 2**20
    argv = processes.worker() if stage.production else processes.embedded_worker()
    with provider(stage) as address:
        env = stage.env | {"GATEWAY_URLS": address}
        with running(argv, env=env) as worker, _ticking(stage, env):
            _fetched(stage, rows(stage, "film", address, 2**20))
            idle, cpu, began = rss_kb(worker.pid), cpu_s(worker.pid), time.monotonic()
            _fetched(stage, rows(stage, "film", address, size))
            took, cpu = time.monotonic() - began, cpu_s(worker.pid) - cpu
            over = (_status(worker.pid, "VmHWM") - idle) / 1024
    shown = f"{over:.0f} MB in {took:.1f} s, {cpu:.1f} s of CPU"
    return [Figure("200 MB file: peak memory over idle", shown, "40 MB", over <= 40)]


@contextmanager
def _ticking(stage: Stage, env: dict[str, str]) -> Iterator[None]:
    if not stage.production:
        yield
        return
    with running(processes.beat(str(stage.data / "schedule")), env=env):
        yield


def _fetched(stage: Stage, task: str) -> None:
    until = time.monotonic() + 120
    while not rows(stage, "kept", task):
        if time.monotonic() > until:
            raise RuntimeError("the file was never kept")


@row("history")
def history(stage: Stage, plan: Plan) -> list[Figure]:
    count = plan.some(1_000_000, 100_000)
    made = [*OWN, "benchmarks.history"]
    stage.command([*made, "make", str(count)])
    told = json.loads(stage.command([*made, "pages", str(plan.some(20, 7))]))
    figures = []
    for name, (median, most) in told.items():
        shown = f"{most:.0f} ms (median {median:.0f} ms)"
        figures.append(Figure(f"{count:,} tasks, {name}: p95", shown, "100 ms", most <= 100))
    return figures


@row("news")
def news(stage: Stage, plan: Plan) -> list[Figure]:
    with provider(stage) as address:
        rows(stage, "waiting", 1, 600, 600, address)
        task = rows(stage, "callbacks", 1)[0].split("/")[2]
        with stage.serve():
            took = asyncio.run(_told(stage, task, plan.some(20, 8)))
    shown = f"{max(took):.2f} s at most of {len(took)}, 50 pages open"
    return [Figure("state change to every open page of the team", shown, "1 s", max(took) <= 1)]


async def _told(stage: Stage, task: str, times: int) -> list[float]:
    pages = [asyncio.ensure_future(_feed(stage)) for _ in range(50)]
    readers = [reader for reader, _ in await asyncio.gather(*pages)]
    took = []
    for _ in range(times):
        heard = [asyncio.ensure_future(_hears(reader)) for reader in readers]
        at = await asyncio.to_thread(rows, stage, "touch", task)
        took.append(max(await asyncio.gather(*heard)) - at)
    for page in pages:
        page.result()[1].close()
    return took


async def _feed(stage: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    person = stage.people[0]
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(
        f"GET /chat/live?conversation={person.conversation} HTTP/1.1\r\nHost: localhost:{stage.port}\r\n"
        f"Cookie: {stage.cookie(person)}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _hears(reader: asyncio.StreamReader) -> float:
    """The time at which the page is told of a task."""
    async with asyncio.timeout(30):
        while b'"kind":"task"' not in (await reader.readuntil(b"\n")).replace(b": ", b":"):
            pass
    return time.time()
