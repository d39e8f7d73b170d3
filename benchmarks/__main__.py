"""`python -m benchmarks [row…]`: measure what sections 1 to 3 of `shared/bar.md` ask for, in one table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime

from benchmarks import decode, endings, install, large, page, prompts, relaying, tasks, usage
from benchmarks.rows import ROWS, Figure, Plan, measured, table
from benchmarks.stage import stage

MODULES = (decode, relaying, endings, install, page, tasks, prompts, usage, large)
PEOPLE = 1000


def main() -> int:
    if sys.platform != "linux":
        say("The benchmarks read /proc: run them on Linux.")
        return 2
    asked = arguments()
    names = asked.rows or list(ROWS)
    began, figures = time.monotonic(), list[Figure]()
    plan = Plan(quick=asked.quick, cuts=asked.cuts)
    with stage(production=asked.production, people=PEOPLE) as made:
        for name in names:
            got, took = measured(name, made, plan)
            figures += got
            for figure in got:
                say(f"[{name}, {took:.0f} s] {figure.what}: {figure.ours} (bar {figure.bar})")
    say("")
    mode = "PostgreSQL and Redis" if asked.production else "embedded, SQLite"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    say(f"{datetime.now(UTC):%Y-%m-%d}, {mode}, {machine}, {time.monotonic() - began:.0f} s")
    print(table(figures))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="row", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="short windows, single runs")
    parser.add_argument("--production", action="store_true", help="PostgreSQL and Redis of our own")
    parser.add_argument("--cuts", type=int, default=1500, help="forced cuts and resumes (the bar says 10000)")
    return parser.parse_args()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
