"""Walking the ledger: the lines somebody may see and that fit, newest first or from a line to newer ones.

Each filter has an index in the order of the list. With several of them the one that fits the fewest lines is
walked and the rest judged on the way; a filter that few lines fit is read whole, so nothing of it is missed.
What a page costs is bounded all the same: `SCANNED` lines of a scope are judged for it at the most, and the
page says where to go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection

from playground.history.filters import COMPARED, Filters

SCANNED = 10_000
# So few lines are read whole.
FEW = 2_000
NEWEST, OLDEST = 2**62, -(2**62)
# Ids follow the time of making, but for transactions that took long.
SLACK = timedelta(hours=1)
_OF_TEAM = "(SELECT team_id FROM history_scope WHERE id = %s)"
INDEXES = {
    "rating": "ledger_by_rating", "prompt": "ledger_by_prompt", "error_kind": "ledger_by_error",
    "key_id": "ledger_by_key", "user_id": "ledger_by_user", "model": "ledger_by_model",
    "state": "ledger_by_state", "family": "ledger_by_family", "kind": "ledger_by_kind",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lead:
    """A condition with an index. `ordered`: the index has the order of the list too."""

    sql: str
    values: tuple[Any, ...]
    index: str
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """`leads` and `others` are SQL on `entry`; together they are what fits. `newer`: the direction."""

    scopes: Sequence[int]
    leads: Sequence[Lead]
    others: Sequence[tuple[str, tuple[Any, ...]]]
    low: int = OLDEST
    high: int = NEWEST
    newer: bool = False


@dataclass(slots=True)
class Found:
    """`stopped`: the line behind which to go on when not every line was judged."""

    ids: list[int] = field(default_factory=list)
    stopped: int | None = None


def wanted(scopes: Sequence[int], filters: Filters, place: int | None, *, newer: bool) -> Wanted:
    """What of the ledger fits the filters, but for the words, from a place on."""
    low, high = _bounds(scopes, filters)
    if place is not None:
        low, high = (max(low, place), high) if newer else (low, min(high, place))
    return Wanted(scopes, leads_of(scopes, filters), others_of(scopes, filters), low, high, newer)


def leads_of(scopes: Sequence[int], filters: Filters) -> list[Lead]:
    exact = {
        "rating": filters.rating, "prompt": filters.prompt, "error_kind": filters.error,
        "key_id": filters.key, "user_id": filters.owner, "model": filters.model, "state": filters.state,
        "family": filters.family, "kind": filters.kept_kind,
    }  # fmt: skip
    # An index of some lines only is used where the condition says that it is about those.
    partial = {"rating": " AND entry.rating IS NOT NULL", "prompt": " AND entry.prompt IS NOT NULL",
               "error_kind": " AND NOT (entry.error_kind = '')"}  # fmt: skip
    leads = [
        Lead(f"entry.{name} = %s{partial.get(name, '')}", (adapted(value),), INDEXES[name])
        for name, value in exact.items()
        if value not in (None, "")
    ]
    if filters.kind == COMPARED:
        # One look into the index for each comparison of the team.
        compared = (
            "entry.place IS NOT NULL AND entry.place IN (SELECT talk.id FROM chat_conversation talk"  # noqa: S608 - a constant
            f" WHERE talk.team_id = {_OF_TEAM} AND talk.comparison IS NOT NULL)"
        )
        leads.append(Lead(compared, (scopes[0] if scopes else 0,), "ledger_by_place", ordered=False))
    bounds = ((">=", filters.tokens_min), ("<=", filters.tokens_max))
    if told := [(f"entry.tokens {sign} %s", value) for sign, value in bounds if value is not None]:
        sql, values = " AND ".join(sql for sql, _ in told), tuple(value for _, value in told)
        leads.append(Lead(sql, values, "ledger_by_tokens", ordered=False))
    if filters.tag:
        # People put tags on a few of many lines: those are looked up.
        tagged = (
            f"entry.id IN (SELECT line.id FROM history_tagging tag"  # noqa: S608 - constants of this file
            " JOIN history_rating rating ON rating.id = tag.rating_id"
            " JOIN history_entry line ON line.kind = rating.kind AND line.subject = rating.subject"
            f" WHERE tag.team_id = {_OF_TEAM} AND tag.name = %s)"
        )
        leads.append(Lead(tagged, (scopes[0] if scopes else 0, filters.tag), "ledger_recent", ordered=False))
    return leads


def others_of(scopes: Sequence[int], filters: Filters) -> list[tuple[str, tuple[Any, ...]]]:
    """What has no index of its own."""
    stamp = connection.ops.adapt_datetimefield_value
    found: list[tuple[str, tuple[Any, ...]]] = [("entry.hidden IS NULL", ())]
    if filters.since:
        found.append(("entry.created_at >= %s", (stamp(filters.since),)))
    if filters.before:
        found.append(("entry.created_at < %s", (stamp(filters.before),)))
    if filters.label:
        found.append(
            (
                "entry.prompt_version IN (SELECT label.version_id FROM library_label label"  # noqa: S608 - a constant
                " JOIN library_prompt prompt ON prompt.id = label.prompt_id"
                f" WHERE label.name = %s AND prompt.team_id = {_OF_TEAM})",
                (filters.label, scopes[0] if scopes else 0),
            )
        )
    return found


def adapted(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return value if connection.vendor == "postgresql" else value.hex
    return value


def _bounds(scopes: Sequence[int], filters: Filters) -> tuple[int, int]:
    """Between which ids everything of that time is: one look into the index for each end and scope."""
    low, high = OLDEST, NEWEST
    stamp = connection.ops.adapt_datetimefield_value
    look = "SELECT id FROM history_entry WHERE scope = %s AND created_at {} %s ORDER BY created_at {} LIMIT 1"
    if filters.since and scopes:
        at = stamp(filters.since - SLACK)
        found = [rows(look.format("<", "DESC"), [scope, at]) for scope in scopes]
        low = max((row[0][0] for row in found if row), default=OLDEST)
    if filters.before and scopes:
        at = stamp(filters.before + SLACK)
        found = [rows(look.format(">=", "ASC"), [scope, at]) for scope in scopes]
        high = min((row[0][0] for row in found if row), default=NEWEST)
    return low, high


def find(asked: Wanted, limit: int) -> Found:
    """At most `limit` lines behind the place, the nearest first."""
    alone = len(asked.leads) == 1 and len(asked.others) == 1 and asked.leads[0].ordered
    lead, few = (asked.leads[0], False) if alone else chosen(asked)
    found = [_whole(asked, lead, scope, limit) if few and lead else _along(asked, lead, scope, limit)
             for scope in asked.scopes]  # fmt: skip
    return merged(asked, found, limit)


def merged(asked: Wanted, found: list[Found], limit: int) -> Found:
    """Where one scope was not judged to its end, what lies behind in another is left for the next page."""
    ids = sorted((pk for part in found for pk in part.ids), reverse=not asked.newer)
    stops = [part.stopped for part in found if part.stopped is not None]
    if not stops:
        return Found(ids[:limit])
    stopped = min(stops) if asked.newer else max(stops)
    sure = [pk for pk in ids if (pk <= stopped if asked.newer else pk >= stopped)]
    return Found(sure[:limit], None if len(sure) >= limit else stopped)


def chosen(asked: Wanted) -> tuple[Lead | None, bool]:
    """The condition to walk by, and whether so few lines fit it that all are read."""
    if not asked.leads:
        return None, False
    parts, values = list[str](), list[Any]()
    for place, lead in enumerate(asked.leads):
        for scope in asked.scopes:
            parts.append(
                f"SELECT {place} AS place, count(*) AS count FROM (SELECT 1 FROM {_table(lead)}"  # noqa: S608 - of this file
                f" WHERE entry.scope = %s AND {lead.sql} LIMIT {FEW}) few{len(parts)}"
            )
            values += [scope, *lead.values]
    if not parts:
        return None, False
    sql = f"SELECT place, sum(count) FROM ({' UNION ALL '.join(parts)}) counted GROUP BY place"  # noqa: S608 - of this file
    counts = {int(place): int(count) for place, count in rows(sql, values)}
    best = min(range(len(asked.leads)), key=lambda place: counts.get(place, 0))
    if counts.get(best, 0) < FEW:
        return asked.leads[best], True
    return next((lead for lead in asked.leads if lead.ordered), None), False


def _table(lead: Lead | None) -> str:
    """SQLite takes an index's word for it that all values are as common."""
    if connection.vendor == "postgresql":
        return "history_entry entry"
    return f"history_entry AS entry INDEXED BY {lead.index if lead else 'ledger_recent'}"


def way(asked: Wanted) -> tuple[str, list[Any], str]:
    """The ids behind the place, and the order to walk them in."""
    return "entry.id > %s AND entry.id < %s", [asked.low, asked.high], "ASC" if asked.newer else "DESC"


def _judged(asked: Wanted, but: Lead | None) -> tuple[str, list[Any]]:
    # What asks another table must not become a join, which would lose the order: IS TRUE keeps PostgreSQL
    # from making one.
    judged = [
        (lead.sql if lead.ordered else f"({lead.sql}) IS TRUE", lead.values)
        for lead in asked.leads
        if lead is not but
    ]
    told = judged + list(asked.others)
    return " AND ".join(sql for sql, _ in told), [value for _, values in told for value in values]


def _whole(asked: Wanted, lead: Lead, scope: int, limit: int) -> Found:
    between, bounds, order = way(asked)
    judged, values = _judged(asked, lead)
    sql = (
        f"SELECT entry.id FROM {_table(lead)} WHERE entry.scope = %s AND {lead.sql} AND {between}"  # noqa: S608 - of this file
        f" AND {judged} ORDER BY entry.id {order} LIMIT %s"
    )
    found = rows(sql, [scope, *lead.values, *bounds, *values, limit])
    return Found([pk for (pk,) in found])


def _along(asked: Wanted, lead: Lead | None, scope: int, limit: int) -> Found:
    """Along an index in the order of the list. The limit within keeps the planner from another way."""
    between, bounds, order = way(asked)
    judged, values = _judged(asked, lead)
    having = f"AND {lead.sql} " if lead else ""
    # The scan gives the order: to ask for it again would judge every line first.
    scan = (
        f"SELECT entry.* FROM {_table(lead)} WHERE entry.scope = %s {having}AND {between}"  # noqa: S608 - of this file
        f" ORDER BY entry.id {order} LIMIT {SCANNED}"
    )
    begin = [scope, *(lead.values if lead else ()), *bounds]
    sql = f"SELECT entry.id FROM ({scan}) entry WHERE {judged} LIMIT %s"  # noqa: S608 - of this file
    ids = [pk for (pk,) in rows(sql, [*begin, *values, limit])]
    if len(ids) >= limit:
        return Found(ids)
    end = "max" if asked.newer else "min"
    counted = scan.replace("entry.*", "entry.id", 1)
    ((count, last),) = rows(f"SELECT count(*), {end}(id) FROM ({counted}) scanned", begin)  # noqa: S608 - of this file
    return Found(ids, int(last) if count == SCANNED else None)


def rows(sql: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
