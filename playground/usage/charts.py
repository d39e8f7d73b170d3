"""Charts as plain numbers for SVG: one path a series, so that a page of them stays small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

WIDTH, HEIGHT = 640, 180
LEFT, RIGHT, TOP, BOTTOM = 56, 6, 8, 24
PLOT_W, PLOT_H = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class Series:
    """A row of figures, one a bucket; None where nothing is known. `mark` is the class of its colour."""

    label: str
    mark: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Ground:
    """What all charts of a page stand on: the places of the time axis, in full and short, with addresses."""

    labels: Sequence[str]
    ticks: Sequence[str]
    links: Sequence[str]


@dataclass(frozen=True, slots=True)
class Spot:
    """The part of the chart that stands for one bucket, as a path `d`."""

    href: str
    title: str
    d: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`grid`: (y, words); `ticks`: (x, words, anchor); `paths`: (mark, d, kind)."""

    key: str
    title: str
    summary: str
    grid: list[tuple[float, str]]
    ticks: list[tuple[float, str, str]]
    paths: list[tuple[str, str, str]]
    spots: list[Spot]
    legend: list[tuple[str, str]]
    empty: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def bars(
    key: str,
    title: str,
    series: Sequence[Series],
    ground: Ground,
    say: Callable[[float], str],
) -> Chart:
    """Bars upon each other."""
    labels, links = ground.labels, ground.links
    totals = [sum(row.values[at] or 0 for row in series) for at in range(len(labels))]
    top = ceiling(max(totals, default=0))
    step = PLOT_W / max(1, len(labels))
    wide = max(0.6, step * 0.8)
    floors = [0.0] * len(labels)
    paths = []
    for row in series:
        drawn = []
        for at, value in enumerate(row.values):
            if not value or value < 0:
                continue
            x, low = LEFT + step * at + (step - wide) / 2, floors[at]
            tall = value / top * PLOT_H
            floors[at] = low + tall
            drawn.append(f"M{x:.1f} {TOP + PLOT_H - low - tall:.1f}h{wide:.1f}v{tall:.1f}h-{wide:.1f}z")
        if drawn:
            paths.append((row.mark, "".join(drawn), "bar"))
    spots = [
        Spot(links[at], f"{labels[at]}: {say(total)}", _spot(step, at))
        for at, total in enumerate(totals)
        if total
    ]
    return Chart(
        key, title, _summary(labels, totals, say), _grid(top, say), _ticks(ground.ticks, step), paths, spots,
        [(row.mark, row.label) for row in series], not any(totals),
    )  # fmt: skip


def lines(
    key: str,
    title: str,
    series: Sequence[Series],
    ground: Ground,
    say: Callable[[float], str],
) -> Chart:
    """Lines with a dot at each figure, broken where nothing is known."""
    labels, links = ground.labels, ground.links
    told = [value for row in series for value in row.values if value is not None]
    top = ceiling(max(told, default=0))
    step = PLOT_W / max(1, len(labels))
    paths = []
    for row in series:
        drawn, dots, pen = [], [], "M"
        for at, value in enumerate(row.values):
            if value is None:
                pen = "M"
                continue
            x, y = LEFT + step * (at + 0.5), TOP + PLOT_H - value / top * PLOT_H
            drawn.append(f"{pen}{x:.1f} {y:.1f}")
            dots.append(f"M{x:.1f} {y:.1f}h0")
            pen = "L"
        if drawn:
            paths += [(row.mark, "".join(drawn), "line"), (row.mark, "".join(dots), "dots")]
    spots = []
    for at, label in enumerate(labels):
        here = [(row.label, row.values[at]) for row in series]
        if any(value is not None for _, value in here):
            words = ", ".join(f"{name} {say(value)}" for name, value in here if value is not None)
            spots.append(Spot(links[at], f"{label}: {words}", _spot(step, at)))
    highest = [max((row.values[at] or 0 for row in series), default=0) for at in range(len(labels))]
    return Chart(
        key, title, _summary(labels, highest, say), _grid(top, say), _ticks(ground.ticks, step), paths, spots,
        [(row.mark, row.label) for row in series], not told,
    )  # fmt: skip


def _spot(step: float, at: int) -> str:
    return f"M{LEFT + step * at:.1f} 0h{step:.1f}v{TOP + PLOT_H}h-{step:.1f}z"


def ceiling(most: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if most <= 0:
        return 1.0
    power: float = 10 ** floor(log10(most))
    return next(float(step * power) for step in (1, 2, 2.5, 5, 10) if step * power >= most)


def _grid(top: float, say: Callable[[float], str]) -> list[tuple[float, str]]:
    return [(round(TOP + PLOT_H * (1 - share), 1), say(top * share)) for share in (0, 0.5, 1)]


def _ticks(labels: Sequence[str], step: float) -> list[tuple[float, str, str]]:
    every = -(-len(labels) // MOST_TICKS) or 1
    out = []
    for at in range(0, len(labels), every):
        x = LEFT + step * (at + 0.5)
        anchor = "end" if x > WIDTH - 40 else "middle"
        out.append((round(min(x, WIDTH - RIGHT), 1), labels[at], anchor))
    return out


def _summary(labels: Sequence[str], values: Sequence[float], say: Callable[[float], str]) -> str:
    if not any(values):
        return "Nothing in this range."
    at = max(range(len(values)), key=lambda place: values[place])
    return f"Most: {say(values[at])} on {labels[at]}."
