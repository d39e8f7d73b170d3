"""The page Usage over a million runs."""

from __future__ import annotations

import json
import sys

from benchmarks.prompts import Reader, figure
from benchmarks.rows import Figure, Plan, row
from benchmarks.stage import Stage

BAR_MS = 150
PAGES = (
    "?range=30", "?range=today", "?range=7&by=key", "?range=90", "?range=90&by=person", "?range=90&by=prompt",
    "?range=90&by=family&grain=week", "?range=30&whose=me", "?range=7&grain=hour",
)  # fmt: skip


@row("usage")
def usage(stage: Stage, plan: Plan) -> list[Figure]:
    count, days = (50_000, 90) if plan.quick else (1_000_000, 90)
    made = json.loads(stage.command([sys.executable, "-m", "benchmarks.usage_rows", str(count), str(days)]))
    with stage.serve() as web:
        reader = Reader(stage, stage.people[0], web.pid)
        took = reader.times([f"/usage/{query}" for query in PAGES], plan.some(20, 5))
    size = f"{count:,} runs in {days} days"
    return [
        figure(f"{size}: page Usage, p95", took, BAR_MS),
        Figure(f"{size}: rebuild of {made['rows']:,} sums", f"{made['rebuilt']:.0f} s", "", True),
        Figure(f"{size}: fold of 2,000 new ones", f"{made['folded'] * 1000:.0f} ms", "", True),
    ]
