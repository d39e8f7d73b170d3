"""Finding tasks by words, newest first or from a place to newer ones, on each kind of database.

Both judge the other filters along the way, and stop once a page is full. What a match costs is bounded:
`SCANNED` of them at the most are judged for a page.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

SCANNED = 10_000
# So many of those judged last, and PostgreSQL's index of words would bring too many others.
COMMON = 50
FIRST_DOC = 2**62
FIRST = ("9999-12-31T00:00:00+00:00", "f" * 32)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`words` are those of the index, the last also as a beginning. `conditions` are SQL on `task`. `newer`:
    from the place to newer ones, the oldest of them first.
    """

    team: uuid.UUID
    words: Sequence[str]
    conditions: Sequence[str]
    values: Sequence[Any]
    newer: bool = False

    @property
    def way(self) -> dict[str, str]:
        """How SQL compares and sorts in this direction."""
        sign, order, end = (">", "ASC", "max") if self.newer else ("<", "DESC", "min")
        return {"sign": sign, "order": order, "end": end}


@dataclass(frozen=True, slots=True)
class Hit:
    """`place` is where the next page begins when this is the last one shown."""

    task: uuid.UUID
    place: list[str]


@dataclass(frozen=True, slots=True)
class Found:
    """`stopped`: where to go on when not every match was judged; empty when these are all."""

    hits: list[Hit]
    stopped: list[str]


def place_before(team: uuid.UUID, at: datetime) -> list[str]:
    """Where to begin to find what was made before then, so that nothing later is judged."""
    if connection.vendor == "postgresql":
        return [at.isoformat(), "0" * 32]
    sql = (
        "SELECT doc.id FROM (SELECT id FROM media_mediatask WHERE team_id = %s AND created_at >= %s"
        " ORDER BY created_at LIMIT 1) task JOIN media_searchdoc doc ON doc.task_id = task.id"
    )
    rows = _rows(sql, [team.hex, connection.ops.adapt_datetimefield_value(at)])
    return [str(number) for (number,) in rows]


def place_from(place: list[str]) -> list[str]:
    """The place from which newer ones begin with what stands at this one; none for none."""
    if len(place) == 2:
        return [place[0], uuid.UUID(int=max(0, uuid.UUID(place[1]).int - 1)).hex]
    return [str(_number(place) - 1)] if place else []


def find(wanted: Wanted, place: list[str], limit: int) -> Found:
    """At most `limit` hits behind the place."""
    return (_postgresql if connection.vendor == "postgresql" else _sqlite)(wanted, place, limit)


_SCAN = (
    "SELECT rowid AS number FROM media_searchtext WHERE media_searchtext MATCH %s AND rowid {sign} %s"
    " ORDER BY rowid {order} LIMIT %s"
)


def _sqlite(wanted: Wanted, place: list[str], limit: int) -> Found:
    """Matches are numbered in the order of their making. The order of the joins is given: left to itself,
    the planner walks an index of a filter for each match.
    """
    matches, scan = _SCAN.format(**wanted.way), _scanned(wanted, place)
    sql = (
        f"SELECT doc.id, doc.task_id FROM ({matches}) found"  # noqa: S608 - constants of this file
        " CROSS JOIN media_searchdoc doc ON doc.id = found.number"
        " CROSS JOIN media_mediatask task ON task.id = doc.task_id"
        # The scan gives the order: to ask for it again would judge every match first.
        f" WHERE {' AND '.join(['task.team_id = %s', *wanted.conditions])} LIMIT %s"
    )
    rows = sorted(_rows(sql, [*scan, wanted.team.hex, *wanted.values, limit]), reverse=not wanted.newer)
    hits = [Hit(uuid.UUID(task), [str(number)]) for number, task in rows]
    if len(hits) == limit:
        return Found(hits, hits[-1].place)
    ends = f"SELECT count(*), {wanted.way['end']}(number) FROM ({matches})"  # noqa: S608 - constants of this file
    ((count, last),) = _rows(ends, scan)
    return Found(hits, [str(last)] if count == SCANNED else [])


def _scanned(wanted: Wanted, place: list[str]) -> list[Any]:
    return [" ".join(f'"{word}"' for word in wanted.words) + "*", _number(place), SCANNED]


def _number(place: list[str]) -> int:
    return int(place[0]) if len(place) == 1 and place[0].isdigit() else FIRST_DOC


def _postgresql(wanted: Wanted, place: list[str], limit: int) -> Found:
    """The newest tasks are judged first. Where they do not fill a page, the index of the words gives the rest
    of a rare word; of a common one it would bring too many. The planner, which guesses how common a beginning
    is, is not asked.
    """
    newest, values = _newest(wanted, place)
    match = " & ".join(f"'{word}'" for word in wanted.words) + ":*"
    having = f"SELECT task_id, created_at FROM ({newest}) newest WHERE {_HAS} LIMIT %s"  # noqa: S608 - constants of this file
    rows = _judged(wanted, f"({having})", [*values, match, SCANNED], limit)
    stopped: list[Any] = []
    if len(rows) < limit:
        facts = f"SELECT count(*), count(*) FILTER (WHERE {_HAS}) FROM ({newest}) newest"  # noqa: S608 - constants of this file
        ((judged, found),) = _rows(facts, [match, *values])
        if judged == SCANNED and found > COMMON:
            last = f"SELECT task_id, created_at FROM ({newest}) newest OFFSET %s"  # noqa: S608 - constants of this file
            stopped = _rows(last, [*values, SCANNED - 1])
        elif judged == SCANNED:
            rows = _indexed(wanted, match, place, limit)
    hits = [Hit(task, _place_at(task, made)) for task, made in rows]
    rest = rows[-1:] if len(rows) == limit else stopped
    return Found(hits, [part for task, made in rest for part in _place_at(task, made)])


_HAS = "words @@ to_tsquery('simple', %s)"


def _newest(wanted: Wanted, place: list[str]) -> tuple[str, list[Any]]:
    """Those to judge, whether they have the words or not."""
    sign, order = wanted.way["sign"], wanted.way["order"]
    sql = (
        "SELECT task_id, created_at, words FROM media_searchdoc"  # noqa: S608 - constants of this file
        f" WHERE team_id = %s AND (created_at, task_id) {sign} (%s, %s)"
        f" ORDER BY created_at {order}, task_id {order} LIMIT %s"
    )
    return sql, [wanted.team, *_moment(place), SCANNED]


def _indexed(wanted: Wanted, match: str, place: list[str], limit: int) -> list[Any]:
    # OFFSET keeps the planner from joining first.
    docs = (
        f"SELECT task_id, created_at FROM media_searchdoc WHERE {_HAS} AND team_id = %s"  # noqa: S608 - constants of this file
        f" AND (created_at, task_id) {wanted.way['sign']} (%s, %s) OFFSET 0"
    )
    return _judged(wanted, f"({docs})", [match, wanted.team, *_moment(place)], limit)


def _judged(wanted: Wanted, docs: str, values: Sequence[Any], limit: int) -> list[Any]:
    """Those of the documents whose tasks are as wanted: (task, its time)."""
    order, conditions = wanted.way["order"], " AND ".join(["true", *wanted.conditions])
    sql = (
        f"SELECT doc.task_id, doc.created_at FROM {docs} doc"  # noqa: S608 - constants of this file
        f" JOIN media_mediatask task ON task.id = doc.task_id WHERE {conditions}"
        f" ORDER BY doc.created_at {order}, doc.task_id {order} LIMIT %s"
    )
    return _rows(sql, [*values, *wanted.values, limit])


def _moment(place: list[str]) -> list[Any]:
    at, pk = place if len(place) == 2 else FIRST
    return [at, uuid.UUID(pk)]


def _place_at(task: uuid.UUID, made: datetime) -> list[str]:
    return [made.isoformat(), task.hex]


def _rows(sql: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
