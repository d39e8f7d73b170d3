"""The default install: what `manage.py play` needs to start, and what it holds while nobody is there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import proc
from benchmarks.rows import Figure, Plan, middle, row
from benchmarks.stage import ROOT, Stage, end, free_port, until
from playground import processes


@contextmanager
def playing(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`manage.py play`, what `make run` becomes, with every process it starts."""
    port, demo = free_port(), free_port()
    unset = ("PLAYGROUND_MODE", "DATABASE_URL", "REDIS_URL", "GATEWAY_URLS", "MALLOC_ARENA_MAX")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"PLAYGROUND_DATA": str(data), "PORT": str(port), "DEMO_PORT": str(demo)}
    argv = processes.manage("play")
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=quiet, text=True, start_new_session=True)
    try:
        yield child, port
    finally:
        end(child, signal.SIGINT)


@row("start")
def start(stage: Stage, plan: Plan) -> list[Figure]:
    data = Path(tempfile.mkdtemp(prefix="playground-bench-play-"))
    try:
        cold, *warm = [_first_page(data) for _ in range(plan.some(4, 2))]
        memory, count, shared = _idle(data, plan.some(20, 10))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    took = middle(warm)
    said = f"{took:.1f} s (the very first, with an empty data folder: {cold:.1f} s)"
    held = f"{memory / 1024:.0f} MB RSS in {count} processes ({shared / 1024:.0f} MB PSS)"
    return [
        Figure("start to first page, warm", said, "3 s", took <= 3),
        Figure("idle memory, all processes of the default install", held, "300 MB", memory <= 300 * 1024),
    ]


def _first_page(data: Path) -> float:
    began = time.monotonic()
    with playing(data) as (_, port):
        until(port, "/", host="localhost")
        return time.monotonic() - began


def _idle(data: Path, wait_s: float) -> tuple[int, int, int]:
    with playing(data) as (child, port):
        until(port, "/", host="localhost")
        time.sleep(wait_s)
        pids = proc.tree(child.pid)
        return sum(map(proc.rss_kb, pids)), len(pids), sum(map(proc.pss_kb, pids))
