"""The prompt library at its full size: how long the pages take that people wait for."""

from __future__ import annotations

import http.client
import json
import math
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import proc
from benchmarks.rows import Figure, Plan, middle, row
from benchmarks.stage import Person, Stage

BAR_MS = 100
FILTERS = (
    "", "?sort=title", "?sort=created", "?kind=image", "?tag=tag3", "?label=production", "?favourite=1",
    "?unread=1", "?archived=1", "?folder={folder}", "?owner={owner}",
    "?kind=chat&tag=tag1&label=staging&owner={owner}",
)  # fmt: skip
# One that all have, one that few have, a beginning, several, none, and a script without spaces.
SEARCHES = ("common", "kalominu", "ka", "common+reka+sa", "lo&kind=song", "nothingofit", "%E6%9D%B1%E4%BA%AC")
NEXT = re.compile(r'href="(/prompts/\?[^"]*mark=[^"]+)"')


@row("prompts")
def prompts(stage: Stage, plan: Plan) -> list[Figure]:
    count, depth = (1_000, 10) if plan.quick else (10_000, 10)
    made = json.loads(stage.command([sys.executable, "-m", "benchmarks.prompt_rows", str(count), str(depth)]))
    lists = [f"/prompts/{one.format(**made)}" for one in FILTERS]
    searches = [f"/prompts/?q={words}" for words in SEARCHES]
    details = [f"/prompts/{pk}/" for pk in made["prompts"]]
    times = plan.some(20, 5)
    with stage.serve() as web:
        reader = Reader(stage, stage.people[0], web.pid)
        pages = reader.following("/prompts/", 20)
        took = {
            "list, any filter": reader.times([*lists, *pages], times),
            "search": reader.times(searches, times),
            "detail": reader.times(details, max(1, times // 5)),
            "a page that shows next to nothing": reader.times(["/settings/roles/"], times * 5),
        }
    size = f"{count:,} prompts, {count * depth:,} versions"
    return [figure(f"{size}: {what}, p95", one, BAR_MS) for what, one in took.items()]


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds by address, and what a page costs the web process in CPU: that depends less on whoever
    else is at work on the machine.
    """

    by_path: dict[str, list[float]]
    cpu_ms: float


class Reader:
    """One signed-in person on one kept connection, and the process that answers."""

    def __init__(self, stage: Stage, person: Person, pid: int) -> None:
        self._pid = pid
        self._connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=60)
        self._headers = {"Cookie": stage.cookie(person), "Host": f"localhost:{stage.port}"}

    def get(self, path: str) -> tuple[float, str]:
        """The milliseconds to the whole page, and the page."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return took, body.decode()

    def following(self, path: str, most: int) -> list[str]:
        """Addresses of the pages behind this one."""
        found: list[str] = []
        while len(found) < most and (links := NEXT.findall(self.get(path)[1])):
            path = links[-1].replace("&amp;", "&")
            found.append(path)
        return found

    def times(self, paths: Sequence[str], rounds: int) -> Took:
        for path in paths[:3]:
            self.get(path)
        before = proc.cpu_s(self._pid)
        by_path = {path: [self.get(path)[0] for _ in range(rounds)] for path in paths}
        spent = (proc.cpu_s(self._pid) - before) * 1000
        return Took(by_path, spent / (len(paths) * rounds))


def figure(what: str, took: Took, bar_ms: int) -> Figure:
    """Over all addresses; the slowest one is named, since an average would hide it."""
    times = [one for some in took.by_path.values() for one in some]
    every = p95(times)
    path, slowest = max(took.by_path.items(), key=lambda pair: p95(pair[1]))
    shown = (
        f"{every:.0f} ms, median {middle(times):.0f} ms, CPU {took.cpu_ms:.0f} ms a page, load"
        f" {os.getloadavg()[0]:.1f} (slowest {p95(slowest):.0f} ms: {path[:60]})"
    )
    return Figure(what, shown, f"{bar_ms} ms", every <= bar_ms)


def p95(times: Sequence[float]) -> float:
    return sorted(times)[math.ceil(len(times) * 0.95) - 1]
