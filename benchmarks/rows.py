"""The rows of the table: what one is, how they are found by name, and how they are printed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.stage import Stage


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do. `cuts`: how many forced cuts and resumes."""

    quick: bool = False
    cuts: int = 1500

    def some(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `reached` None: there is no bar, or it cannot be judged here."""

    what: str
    ours: str
    bar: str
    reached: bool | None
    raw: str = "-"
    ratio: str = "-"


Measure = Callable[[Stage, Plan], list[Figure]]
ROWS: dict[str, Measure] = {}


def row(name: str) -> Callable[[Measure], Measure]:
    def keep(measure: Measure) -> Measure:
        ROWS[name] = measure
        return measure

    return keep


def middle(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else float("nan")


def times(ours: float, raw: float) -> str:
    return f"{ours / raw:.2f}x" if raw else "-"


def measured(name: str, stage: Stage, plan: Plan) -> tuple[list[Figure], float]:
    """A row's figures and the seconds it took; a row that breaks is shown as such and the rest go on."""
    began = time.monotonic()
    try:
        figures = ROWS[name](stage, plan)
    except Exception as error:
        # One broken row must not cost the others' quarter of an hour.
        line = str(error).strip().splitlines()[-1:] or [""]
        figures = [Figure(name, f"not measured: {type(error).__name__}: {line[0][:120]}", "-", None)]
    return figures, time.monotonic() - began


HEAD = ("row", "raw relay", "ours", "ratio", "bar", "reached")


def cells(figure: Figure) -> tuple[str, ...]:
    reached = {True: "yes", False: "NO", None: "-"}[figure.reached]
    return (figure.what, figure.raw, figure.ours, figure.ratio, figure.bar, reached)


def table(figures: list[Figure]) -> str:
    """A Markdown table with aligned columns."""
    lines = [HEAD, *map(cells, figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    rows = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines]  # fmt: skip
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([rows[0], rule, *rows[1:]])
