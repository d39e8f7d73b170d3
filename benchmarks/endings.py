"""What happens when something ends: a connection, a run, a process."""

from __future__ import annotations

import asyncio
import html
import json
import random
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from benchmarks import upstream
from benchmarks.load import all_at_rest, ask, post
from benchmarks.relaying import leave, open_pages, play, stream_all
from benchmarks.rows import Figure, Plan, middle, row
from benchmarks.stage import Person, Stage

Web = subprocess.Popen[str]
# The server sends whole frames in one HTTP chunk, so its size stands before an event, never inside.
EVENT = re.compile(r"event: (\w+)\ndata: (.*)\n\n")
NUMBER = re.compile(r"\d{9}-(\d{5})")


@dataclass(slots=True)
class Shown:
    """What one page shows of one run, folded from frames as the page does it."""

    blocks: list[str] = field(default_factory=list)
    tail: str = ""
    over: bool = False

    def snapshot(self, data: dict[str, list[dict[str, object]]]) -> None:
        self.blocks, self.tail = [], ""
        for part in data["parts"]:
            self.blocks += list(part["blocks"])  # type: ignore[call-overload] # JSON of our own
            self.tail = str(part["tail"])

    def take(self, op: list[str]) -> None:
        if op[0] == "text":
            self.tail += op[2]
        elif op[0] == "block":
            self.blocks.append(op[2])
            self.tail = op[3]
        elif op[0] == "end":
            self.over = True

    def numbers(self) -> list[int]:
        text = html.unescape("".join(self.blocks)) + self.tail
        return [int(number) for number in NUMBER.findall(text)]


async def frames(stage: Stage, person: Person, *, until: float) -> AsyncIterator[tuple[str, str]]:
    """The events of a page's stream, up to a moment; then the connection is cut without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, limit=2**24)
    try:
        writer.write(
            f"GET /chat/live?conversation={person.conversation} HTTP/1.1\r\nHost: localhost:{stage.port}\r\n"
            f"Cookie: {stage.cookie(person)}\r\n\r\n".encode()
        )
        async with asyncio.timeout_at(until):
            await reader.readuntil(b"\r\n\r\n")
            while frame := (await reader.readuntil(b"\n\n")).decode():
                if event := EVENT.search(frame):
                    yield event[1], event[2]
    except (TimeoutError, asyncio.IncompleteReadError):
        return
    finally:
        writer.transport.abort()


@dataclass(slots=True)
class Tally:
    """Over all viewers: connections made, and events missing from or doubled in what was shown."""

    cuts: int = 0
    lost: int = 0
    doubled: int = 0

    def judge(self, numbers: list[int]) -> None:
        self.doubled += len(numbers) - len(set(numbers))
        self.lost += (max(numbers) + 1 - len(set(numbers))) if numbers else 0


@row("cuts")
def cuts(stage: Stage, plan: Plan) -> list[Figure]:
    viewers = plan.some(100, 40)
    wanted = plan.some(plan.cuts, 200)
    with stage.serve():
        tally = Tally()
        while tally.cuts < wanted:
            play(_cut_all(stage, stage.people[:viewers], tally, wanted))
            stage.renew()
    name = f"events lost or doubled over {tally.cuts:,} forced cuts and resumes"
    return [Figure(name, f"{tally.lost} / {tally.doubled}", "0", tally.lost + tally.doubled == 0)]


async def _cut_all(stage: Stage, people: Sequence[Person], tally: Tally, wanted: int) -> None:
    await asyncio.gather(*(ask(stage, person, "bench-400-20") for person in people))
    await asyncio.gather(*(_cut_often(stage, person, tally, wanted) for person in people))


async def _cut_often(stage: Stage, person: Person, tally: Tally, wanted: int) -> None:
    """Cut and come back until the run is over; what is shown has to be whole every time."""
    loop, seen = asyncio.get_running_loop(), 0
    while True:
        patient = tally.cuts >= wanted
        until = loop.time() + (60 if patient else random.uniform(0.2, 3.0))
        shown, ready = Shown(), False
        async for event, data in frames(stage, person, until=until):
            value = json.loads(data)
            if event == "snapshot":
                shown.snapshot(value)
            elif event == "run":
                for op in value["ops"]:
                    shown.take(op)
            elif event == "ready":
                ready, shown.over = True, not value["runs"]
            if shown.over:
                break
        numbers = shown.numbers()
        tally.judge(numbers)
        if ready and numbers and len(numbers) < seen:
            tally.lost += seen - len(numbers)
        seen = max(seen, len(numbers))
        if shown.over:
            return
        tally.cuts += 1


@row("sigterm")
def sigterm(stage: Stage, plan: Plan) -> list[Figure]:
    drain_s, count = 2.0, plan.some(500, 200)
    with stage.serve(drain_s=drain_s) as web:
        streams_s, process_s, clean = play(_drain_all(stage, web, count, drain_s))
    stage.renew()
    name = f"SIGTERM with {count} streams to a clean end of every one, after the drain time"
    said = f"{streams_s:.2f} s, {clean} of {count} clean (process gone after {process_s:.2f} s)"
    return [Figure(name, said, "1 s", streams_s <= 1 and clean == count)]


async def _drain_all(stage: Stage, web: Web, count: int, drain_s: float) -> tuple[float, float, int]:
    pages = await stream_all(stage, stage.people[:count], "bench-400-2", over_s=8)
    web.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    for page in pages:
        await asyncio.wait_for(page.gone.wait(), 30)
    streams_s = time.monotonic() - asked - drain_s
    await asyncio.to_thread(web.wait, 30)
    return streams_s, time.monotonic() - asked - drain_s, sum(page.clean for page in pages)


@row("kept")
def kept(stage: Stage, plan: Plan) -> list[Figure]:
    """SIGKILL and SIGTERM in mid-stream: what is in the database afterwards."""
    people = stage.people[:20]
    with stage.serve() as web:
        killed_us = play(_streaming_then(stage, people, web, signal.SIGKILL))
        web.wait()
    missing = [_missing_s(row["text"], killed_us) for row in stage.seed("answers", *_conversations(people))]
    with stage.serve():
        marked_s = _marked(stage, people)
    stage.renew()
    with stage.serve(drain_s=4) as web:
        play(_short_and_long(stage, people, web))
        web.wait(30)
    rows = stage.seed("answers", *_conversations(people))
    stage.renew()
    short, long = rows[::2], rows[1::2]
    finished = sum(row["status"] == "finished" for row in short)
    marked = sum(row["status"] == "interrupted" and bool(row["text"]) for row in long)
    worst = max(missing)
    limit = "all that was shown" if stage.production else "all but the last second"
    return [
        Figure(
            "SIGKILL in mid-stream: text missing, worst of 20 (before the sweep reads the shared log)",
            f"{worst:.2f} s; marked interrupted {marked_s:.1f} s after the restart",
            limit,
            worst <= 1.1,
        ),
        Figure(
            "SIGTERM in mid-stream: short ones finish within the drain time, long ones kept and marked",
            f"{finished} of {len(short)} / {marked} of {len(long)}",
            "all",
            finished == len(short) and marked == len(long),
        ),
    ]


def _conversations(people: Sequence[Person]) -> list[str]:
    return [person.conversation for person in people]


async def _streaming_then(stage: Stage, people: Sequence[Person], web: Web, number: int) -> int:
    pages = await stream_all(stage, people, "bench-600-20", over_s=2)
    await asyncio.sleep(3.5)
    web.send_signal(number)
    sent = upstream.now_us()
    leave(pages)
    return sent


def _missing_s(text: str, killed_us: int) -> float:
    """Seconds of stream between the last token that is stored and the end of the process."""
    stamps = list(upstream.stamps(text.encode()))
    return upstream.age_ms(stamps[-1][0], killed_us) / 1000 if stamps else float("inf")


def _marked(stage: Stage, people: Sequence[Person]) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 40:
        rows = stage.seed("answers", *_conversations(people))
        if all(row["status"] == "interrupted" for row in rows):
            return time.monotonic() - began
        time.sleep(0.5)
    return float("inf")


async def _short_and_long(stage: Stage, people: Sequence[Person], web: Web) -> None:
    """Every other answer has three seconds to go when the process is told to end, the rest a minute."""
    pages = await open_pages(stage, people)
    models = ["bench-80-20", "bench-1200-20"] * (len(people) // 2)
    await asyncio.gather(*(ask(stage, who, model) for who, model in zip(people, models, strict=True)))
    for page in pages:
        await page.first.wait()
    await asyncio.sleep(1)
    web.send_signal(signal.SIGTERM)
    for page in pages:
        await asyncio.wait_for(page.gone.wait(), 30)


@row("stop")
def stop(stage: Stage, plan: Plan) -> list[Figure]:
    with stage.serve():
        took = play(_stops(stage, plan.some(20, 8)))
    stage.renew()
    worst = max(took)
    said = f"p50 {middle(took):.0f} ms, worst {worst:.0f} ms"
    return [Figure("Stop to upstream socket closed", said, "500 ms", worst <= 500)]


async def _stops(stage: Stage, count: int) -> list[float]:
    pages = await stream_all(stage, stage.people[:count], "bench-2000-20", over_s=1)
    took = []
    for page, person in zip(pages, stage.people, strict=False):
        asked = upstream.now_us()
        closed_before = len(await asyncio.to_thread(stage.upstream_closed))
        await post(stage, person, f"/chat/run/{page.run}/stop", {})
        while len(closed := await asyncio.to_thread(stage.upstream_closed)) == closed_before:
            await asyncio.sleep(0.01)
        took.append(upstream.age_ms(asked, closed[-1]))
    leave(pages)
    await all_at_rest(stage)
    return took
