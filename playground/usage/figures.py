"""Sums as people read them: what was not told of stays unknown, or makes a sum "at least"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from playground.usage.facts import TOKENS
from playground.usage.models import NANO, UNITS
from playground.usage.rollups import BUCKETS, STEPS

COUNTED = ("runs", "good", "bad", *TOKENS, *(f"{name}_told" for name in TOKENS))
MONEY = ("nano", "priced", "unpriced_tokens")
ALL = (*COUNTED, "units", "units_told", *MONEY, *BUCKETS)


@dataclass(frozen=True, slots=True)
class Count:
    """A sum of which some runs told nothing: of `runs`, `told` did."""

    value: int
    told: int
    runs: int

    @property
    def unknown(self) -> bool:
        return self.told == 0 and self.runs > 0

    @property
    def at_least(self) -> bool:
        return 0 < self.told < self.runs

    @property
    def untold(self) -> int:
        return self.runs - self.told

    @property
    def words(self) -> str:
        if self.unknown:
            return "unknown"
        return f"≥ {self.value:,}" if self.at_least else f"{self.value:,}"


@dataclass(slots=True)
class Sum:
    """Figures of a place, added up from rows of `reading.sums` that were asked with `by` unit."""

    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ALL, 0))
    token_runs: int = 0
    by_unit: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def add(self, row: dict[str, Any]) -> None:
        for name in self.figures:
            self.figures[name] += row.get(name, 0)
        if unit := row.get("unit", ""):
            before = self.by_unit.get(unit, (0, 0, 0))
            more = (row["units"], row["units_told"], row["runs"])
            self.by_unit[unit] = (before[0] + more[0], before[1] + more[1], before[2] + more[2])
        else:
            self.token_runs += row["runs"]

    @property
    def runs(self) -> int:
        return self.figures["runs"]

    @property
    def bad(self) -> int:
        return self.figures["bad"]

    @property
    def success(self) -> str:
        return f"{self.figures['good'] * 100 / self.runs:.1f} %" if self.runs else "none yet"

    def count(self, name: str) -> Count:
        return Count(self.figures[name], self.figures[f"{name}_told"], self.token_runs)

    @property
    def input(self) -> Count:
        return self.count("input")

    @property
    def output(self) -> Count:
        return self.count("output")

    @property
    def cache_read(self) -> Count:
        return self.count("cache_read")

    @property
    def cache_write(self) -> Count:
        return self.count("cache_write")

    @property
    def reasoning(self) -> Count:
        return self.count("reasoning")

    @property
    def tokens(self) -> int:
        return self.figures["input"] + self.figures["output"]

    @property
    def cached_share(self) -> str:
        """Of the input that was told; runs that did not tell of the cache may have used it."""
        read, whole = self.cache_read, self.figures["input"]
        if read.unknown or not whole:
            return "unknown" if self.token_runs else "none yet"
        return f"{'≥ ' if read.at_least else ''}{read.value * 100 / whole:.1f} %"

    @property
    def cost(self) -> Count:
        return Count(self.figures["nano"], self.figures["priced"], self.runs)

    @property
    def cost_words(self) -> str:
        cost = self.cost
        if cost.unknown:
            return "unknown"
        return f"{'≥ ' if cost.at_least else ''}{money(cost.value)}"

    @property
    def units(self) -> list[str]:
        """What media made: "12 images", "≥ 40 seconds"."""
        out = []
        for unit, (milli, told, runs) in sorted(self.by_unit.items()):
            name = UNITS.get(unit, unit)
            if not told:
                out.append(f"unknown {name}")
                continue
            number = f"{milli / 1000:,.1f}".removesuffix(".0")
            out.append(f"{'≥ ' if told < runs else ''}{number} {name}")
        return out

    @property
    def p50(self) -> float | None:
        return percentile([self.figures[name] for name in BUCKETS], 0.5)

    @property
    def p95(self) -> float | None:
        return percentile([self.figures[name] for name in BUCKETS], 0.95)


def money(nano: int) -> str:
    """An amount without its currency; small ones with more places."""
    value = nano / NANO
    if value == 0:
        return "0.00"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4f}" if abs(value) >= 0.001 else f"{value:.7f}"


def percentile(counts: list[int], share: float) -> float | None:
    """About so many milliseconds, evenly within the step that holds it; None when nothing was timed."""
    whole = sum(counts)
    if whole <= 0:
        return None
    wanted, seen = share * whole, 0
    for count, low, high in zip(counts, (0, *STEPS), (*STEPS, STEPS[-1]), strict=True):
        if count and seen + count >= wanted:
            return low + (high - low) * (wanted - seen) / count
        seen += count
    return float(STEPS[-1])


def gathered(rows: Iterable[dict[str, Any]], *by: str) -> dict[tuple[Any, ...], Sum]:
    """Rows put together by some of their columns."""
    out: dict[tuple[Any, ...], Sum] = {}
    for row in rows:
        out.setdefault(tuple(row[name] for name in by), Sum()).add(row)
    return out
