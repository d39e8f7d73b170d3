"""Reads what was used: the roll-ups and the facts that are not in them yet, in one statement.

One statement sees one moment of the database, and a fact is either there or in the sums: nothing is counted
twice or left out while the tick folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from playground.usage.facts import hexed, priced
from playground.usage.models import NOBODY, Rollup
from playground.usage.prices import HOUR
from playground.usage.rollups import EACH, SIDES

Facet = Rollup.Facet
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: a team's, or one person's in it."""

    team: UUID
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """From one full hour to another (hours since 1970; the end is not in it)."""

    first: int
    end: int

    def pieces(self, *, hours: bool) -> list[tuple[int, int, int]]:
        """(span, first, end): whole days where days will do, hours at the edges."""
        first_day, last_day = -(-self.first // 24) * 24, self.end // 24 * 24
        if hours or first_day >= last_day:
            return [(1, self.first, self.end)]
        edges = [(1, self.first, first_day), (24, first_day, last_day), (1, last_day, self.end)]
        return [piece for piece in edges if piece[1] < piece[2]]


def slot_at(when: datetime) -> int:
    return int(when.timestamp()) // HOUR


def time_of(slot: int) -> datetime:
    return datetime.fromtimestamp(slot * HOUR, UTC)


def sums(
    scope: Scope,
    facet: Facet,
    window: Window,
    figures: Sequence[str],
    *,
    by: Sequence[str] = (),
    bucket: str = "",
    whole_days: bool = False,
    only: Sequence[Place] | None = None,
) -> list[dict[str, Any]]:
    """The figures, added up by `by`: any of "bucket", "family", "value", "unit".

    `bucket` is SQL over `slot`; with it hours are read, unless `whole_days` will do.
    `only` keeps to these families and values.
    """
    if only is not None and not only:
        return []
    names = {"bucket": bucket or "0"}
    groups = ", ".join(f"{names.get(name, name)} AS {name}" for name in by)
    columns = ", ".join(f"SUM({name}) AS {name}" for name in figures)
    source, values = _source(scope, facet, window, figures, hours=bool(bucket) and not whole_days, only=only)
    grouped = f" GROUP BY {', '.join(str(at + 1) for at in range(len(by)))}" if by else ""
    selected = f"{groups}, {columns}" if by else columns
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {selected} FROM ({source}) t{grouped}", values)  # noqa: S608 - names of this app
        head = [*by, *figures]
        told = [dict(zip(head, row, strict=True)) for row in cursor.fetchall()]
    for row in told:
        # PostgreSQL adds whole numbers up to decimals; no row at all adds up to nothing.
        row.update({name: int(row[name] or 0) for name in figures})
        if "bucket" in row:
            row["bucket"] = int(row["bucket"])
    return told


def _source(
    scope: Scope,
    facet: Facet,
    window: Window,
    figures: Sequence[str],
    *,
    hours: bool,
    only: Sequence[Place] | None,
) -> tuple[str, list[Any]]:
    kept, kept_values = _only(only, "family", "value")
    columns = ", ".join(figures)
    statements: list[str] = []
    values: list[Any] = []
    rolled: list[Window] = []
    for span, first, end in window.pieces(hours=hours):
        if span == 1 and scope.person is not None and facet is not Facet.ALL:
            # The hours of a person are rolled up as a whole only; there the records themselves are read.
            told, told_values = _rows(
                "ops_usagerecord", "1", scope, facet, [Window(first, end)], figures, only
            )
            statements.append(told)
            values += told_values
            continue
        rolled.append(Window(first, end))
        statements.append(
            f"SELECT slot, family, value, unit, {columns} FROM usage_rollup WHERE team_id = %s"  # noqa: S608 - names of this app
            f" AND person = %s AND facet = %s AND span = %s AND slot >= %s AND slot < %s{kept}"
        )
        values += [_id(scope.team), _id(scope.person or NOBODY), int(facet), span, first, end, *kept_values]
    if rolled:
        told, told_values = _rows("usage_fact", "r.sign", scope, facet, rolled, figures, only)
        statements.append(told)
        values += told_values
    return " UNION ALL ".join(statements), values


def _rows(
    source: str,
    sign: str,
    scope: Scope,
    facet: Facet,
    windows: Sequence[Window],
    figures: Sequence[str],
    only: Sequence[Place] | None,
) -> tuple[str, list[Any]]:
    """Records or facts of these windows, each priced by itself."""
    stamp = connection.ops.adapt_datetimefield_value
    within = " OR ".join(["r.at >= %s AND r.at < %s"] * len(windows))
    which, values = f"r.team_id = %s AND ({within})", [_id(scope.team)]
    values += [stamp(time_of(slot)) for window in windows for slot in (window.first, window.end)]
    if scope.person is not None:
        which += " AND r.user_id = %s"
        values.append(_id(scope.person))
    family, value = SIDES[facet]
    value = hexed("person") if facet is Facet.PERSON else value
    columns = ", ".join(f"{EACH[name]} AS {name}" for name in figures)
    kept, kept_values = _only(only, family, value)
    return (
        f"SELECT slot, {family} AS family, {value} AS value, unit, {columns}"  # noqa: S608 - names of this app
        f" FROM ({priced(source, which, sign)}) b WHERE true{kept}",
        values + kept_values,
    )


def _only(only: Sequence[Place] | None, family: str, value: str) -> tuple[str, list[str]]:
    if only is None:
        return "", []
    either = " OR ".join([f"({family} = %s AND {value} = %s)"] * len(only))
    return f" AND ({either})", [part for place in only for part in place]


def _id(pk: UUID) -> Any:
    return pk if connection.vendor == "postgresql" else pk.hex
