"""The product's worker, which tells how it did: `python -m benchmarks.clerk <interval> <warm> <measured>`.

All in seconds: how often tasks are looked at whatever their route says, how long nothing is counted, and
how long it is. One JSON line when that is over; then it ends as after a SIGTERM.
"""

from __future__ import annotations

import functools
import json
import os
import runpy
import signal
import sys
import threading
import time
from dataclasses import replace
from random import Random
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from celery import signals  # noqa: E402 - only after setup

from benchmarks.proc import rss_kb  # noqa: E402
from playground import processes  # noqa: E402
from playground.gateway.media.operation import Operation, Pace  # noqa: E402
from playground.media import catalogue, exchange, worker  # noqa: E402
from playground.media.jobs import Job  # noqa: E402

DAY_S = 86_400.0
late: list[float] = []
look, find = exchange.look, catalogue.find


async def noted(job: Job, transport: Any, rng: Random) -> Any:
    assert job.task.due_at is not None
    late.append(time.time() - job.task.due_at.timestamp())
    return await look(job, transport, rng)


def paced(interval_s: float) -> Any:
    @functools.cache
    def found(key: str) -> Operation | None:
        operation = find(key)
        return operation and replace(operation, pace=Pace(interval_s, interval_s, DAY_S))

    return found


def count(warm_s: float, measured_s: float) -> None:
    time.sleep(warm_s)
    late.clear()
    cpu, began = time.process_time(), time.monotonic()
    most = 0
    while time.monotonic() - began < measured_s:
        time.sleep(0.5)
        most = max(most, rss_kb(os.getpid()))
    took, cpu, seen = time.monotonic() - began, time.process_time() - cpu, sorted(late)
    told = {
        "polls": len(seen),
        "per_s": len(seen) / took,
        "cpu_ms": 1000 * cpu / max(1, len(seen)),
        "late_s": [seen[int(len(seen) * part)] for part in (0.5, 0.95, 0.99)] if seen else [],
        "rss_mb": most / 1024,
    }
    # Celery takes standard output for itself.
    print(json.dumps(told), file=sys.__stdout__, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def main(interval_s: float, warm_s: float, measured_s: float) -> None:
    catalogue.find = paced(interval_s)
    exchange.look = noted

    @signals.worker_ready.connect(weak=False)
    def begin(**details: object) -> None:
        worker.ring()
        threading.Thread(target=count, args=(warm_s, measured_s), daemon=True).start()

    argv = processes.embedded_worker() if os.environ["PLAYGROUND_MODE"] == "embedded" else processes.worker()
    sys.argv = argv[2:]
    runpy.run_module(argv[2], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
