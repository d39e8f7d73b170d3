"""The rows of a comparison: what stands in each, which value is the best, and whether all are equal.

Unknown is neither better nor worse than anything: only values that are known are ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Team
from playground.catalogue.comparing import Column
from playground.catalogue.detail import Line, routes
from playground.catalogue.pricing import Priced, entered_at
from playground.ops.measured import CAPABILITIES, Capability
from playground.usage import prices


@dataclass(frozen=True, slots=True)
class Cell:
    """`same` is what two cells are equal by, `rank` the higher the better, None unknown or of no rank."""

    column: Column
    value: Any
    same: object
    rank: float | Decimal | None = None
    count: int | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """`kind` says how its cells are drawn."""

    label: str
    kind: str
    cells: list[Cell]
    icon: str = ""
    hint: str = ""

    @property
    def equal(self) -> bool:
        return all(cell.same == self.cells[0].same for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    rows: list[Row]
    note: str = ""


def groups(columns: Sequence[Column], team: Team, now: datetime, back: str) -> list[Group]:
    """One query, for the currency. `back` is where entering a price leads to."""
    measured = [_measured(about, columns) for about in CAPABILITIES.values()]
    currency = prices.currency(team.pk)
    return [
        Group("Where it is listed", _listed(columns, now)),
        Group("The team’s labels", [_row("Labels", "labels", columns, _labels)]),
        Group("Measured here", measured, "Last seen working or failing."),
        Group("The last seven days", _week(columns)),
        Group("Price now", _prices(columns, back), f"In {currency}."),
        Group("What depends on it", _dependents(columns)),
    ]


def differing(told: Iterable[Group]) -> list[Group]:
    """Without the rows whose cells are all equal."""
    kept = [replace(group, rows=[row for row in group.rows if not row.equal]) for group in told]
    return [group for group in kept if group.rows]


def _row(
    label: str,
    kind: str,
    columns: Iterable[Column],
    cell: Callable[[Column], Cell],
    *,
    icon: str = "",
    hint: str = "",
) -> Row:
    return Row(label, kind, _marked([cell(column) for column in columns]), icon, hint)


def _marked(cells: list[Cell]) -> list[Cell]:
    """The best of the known values marked, where one is worse."""
    known = [cell.rank for cell in cells if cell.rank is not None]
    if not known or min(known) == max(known):
        return cells
    return [replace(cell, best=cell.rank == max(known)) for cell in cells]


def _listed(columns: Sequence[Column], now: datetime) -> list[Row]:
    def state(column: Column) -> Cell:
        news = column.news(now)
        there = any(not row.entry.gone_at for row in column.shown)
        return Cell(column, (there, news), (there, bool(column.shown), tuple(word for word, _ in news)))

    def shown(column: Column) -> Cell:
        places = [(row.key.pk, row.entry.family, bool(row.entry.gone_at)) for row in column.shown]
        return Cell(column, column.shown, sorted(places, key=str))

    def served(column: Column) -> Cell:
        there = [family.key for row in column.shown if not row.entry.gone_at for family in row.families]
        keys = list(dict.fromkeys(there))
        return Cell(column, keys, sorted(keys))

    def studio(column: Column) -> Cell:
        found = routes(column.model)
        return Cell(column, found, found)

    def first(column: Column) -> Cell:
        at = min((row.entry.first_seen for row in column.shown), default=None)
        return Cell(column, at, at)

    def last(column: Column) -> Cell:
        at = max((row.entry.last_seen for row in column.shown), default=None)
        return Cell(column, at, at)

    return [
        _row("State", "state", columns, state),
        _row("Keys and lists", "shown", columns, shown),
        _row("Families of its lists", "families", columns, served),
        _row("Routes of the studio", "routes", columns, studio),
        _row("First seen", "moment", columns, first),
        _row("Last seen", "moment", columns, last),
    ]


def _labels(column: Column) -> Cell:
    return Cell(column, column.labels, column.labels)


def _measured(about: Capability, columns: Sequence[Column]) -> Row:
    def cell(column: Column) -> Cell:
        lines = [line for line in column.lines if line.capability.key == about.key]
        standings = sorted((line.family, line.standing) for line in lines)
        return Cell(column, lines, standings, _rank(lines))

    return _row(about.label, "measured", columns, cell, icon=about.icon, hint=about.works)


def _rank(lines: Iterable[Line]) -> float | None:
    """Working anywhere is better than failing wherever it was seen."""
    standings = {line.standing for line in lines}
    if "works" in standings:
        return 1
    return 0 if "fails" in standings else None


def _week(columns: Sequence[Column]) -> list[Row]:
    """Figures are ranked as they are shown: what looks the same is as good."""

    def success(column: Column) -> Cell:
        told = column.figures
        shown = None if told.success is None else round(told.success, 1)
        return Cell(column, told.success, shown, shown, told.ended)

    def speed(column: Column) -> Cell:
        told = column.figures
        shown = None if told.tokens_per_s is None else round(told.tokens_per_s, 1)
        return Cell(column, told.tokens_per_s, shown, shown, told.speeds)

    def first(column: Column) -> Cell:
        return _time(column, column.figures.first_token_ms, column.figures.firsts)

    def whole(column: Column) -> Cell:
        return _time(column, column.figures.took_ms, column.figures.times)

    return [
        _row("Ended well", "percent", columns, success),
        _row("Time to first token", "duration", columns, first, hint="The median"),
        _row("Tokens a second", "speed", columns, speed, hint="The median"),
        _row("Whole time", "duration", columns, whole, hint="The median"),
    ]


def _time(column: Column, ms: float | None, count: int) -> Cell:
    shown = None if ms is None else round(ms) if ms < 1000 else round(ms, -1)
    return Cell(column, ms, shown, None if shown is None else -shown, count)


def _prices(columns: Sequence[Column], back: str) -> list[Row]:
    """What is paid by the unit has a row for each unit; what it costs in no family is unknown."""

    def tokens(name: str) -> Callable[[Column], Cell]:
        return lambda column: _priced(
            column, [(row, getattr(row.figures, name)) for row in column.prices], back
        )

    def each(unit: str) -> Callable[[Column], Cell]:
        return lambda column: _priced(
            column, [(row, row.figures.per_unit) for row in column.prices if row.figures.unit == unit], back
        )

    units = sorted({row.figures.unit for column in columns for row in column.prices if row.figures.unit})
    return [
        _row("Input, a million tokens", "price", columns, tokens("input")),
        _row("Output, a million tokens", "price", columns, tokens("output")),
        *(_row(f"A {unit}", "price", columns, each(unit)) for unit in units),
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """By family what is asked for. `url`: where a price is entered when none is known at all, else ""."""

    figures: list[tuple[str, Decimal]]
    url: str


def _priced(column: Column, told: Iterable[tuple[Priced, Decimal | None]], back: str) -> Cell:
    figures = [(row.family, figure) for row, figure in told if figure is not None]
    lowest = min((figure for _, figure in figures), default=None)
    url = "" if column.prices else entered_at(column.asked_in[0], column.model, back)
    return Cell(column, Asked(figures, url), sorted(figures), None if lowest is None else -lowest)


def _dependents(columns: Sequence[Column]) -> list[Row]:
    def counted(name: str) -> Callable[[Column], Cell]:
        def cell(column: Column) -> Cell:
            many = getattr(column.dependents, name)
            return Cell(column, many, many)

        return cell

    return [
        _row("Prompts", "dependents", columns, counted("prompts"), icon="book-open"),
        _row("Keys checked with it", "dependents", columns, counted("checks"), icon="shield-check"),
        _row("Chats", "dependents", columns, counted("chats"), icon="message-square"),
    ]
