"""Lines of the ledger by words, on each kind of database, with the other filters judged along the way.

What a match costs is bounded: `SCANNED` of them at the most are judged for a page, which then says where to
go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from playground.history.filters import Filters
from playground.history.walking import Found, Lead, Wanted, chosen, merged, rows, way

SCANNED = 10_000
# So many of the newest of a scope are looked at one by one on PostgreSQL; when more than COMMON of them have
# the words, its index would bring too many, and so many times more are looked at.
LOOKED, COMMON, FURTHER = 1_000, 2, 6


def find(asked: Wanted, filters: Filters, words: Sequence[str], limit: int) -> Found:
    """At most `limit` lines that hold all the words, the last of them also as a beginning."""
    if connection.vendor == "postgresql":
        lead, few = chosen(asked) if asked.leads else (None, False)
        queries = [(scope, _query(scope, filters, words)) for scope in asked.scopes]
        found = [
            _few(asked, query, lead, scope, limit)
            if lead and few
            else _postgresql(asked, query, scope, limit)
            for scope, query in queries
        ]
        return merged(asked, found, limit)
    return _sqlite(asked, _match(asked.scopes, filters, words), limit)


def anywhere(asked: Wanted, words: Sequence[str]) -> Wanted:
    """For scripts that part no words: what holds all of it as it stands, judged line by line."""
    sign = "ILIKE" if connection.vendor == "postgresql" else "LIKE"
    sql = (
        "EXISTS (SELECT 1 FROM history_doc doc WHERE doc.entry_id = entry.id"  # noqa: S608 - a constant
        f" AND (doc.asked {sign} %s ESCAPE '\\' OR doc.said {sign} %s ESCAPE '\\'))"
    )
    held = [(sql, (pattern, pattern)) for word in words if (pattern := f"%{_escaped(word)}%")]
    return Wanted(asked.scopes, asked.leads, [*asked.others, *held], asked.low, asked.high, asked.newer)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _marks(filters: Filters) -> list[str]:
    """The filters that are words of the index, as `sources.marks` writes them."""
    ids = (("u", filters.owner), ("k", filters.key), ("p", filters.prompt))
    marks = [f"zq{letter}{value.hex}" for letter, value in ids if value]
    marks += [f"zqc{filters.kept_kind}"] if filters.kind else []
    family = filters.family.replace("_", "").lower()
    marks += [f"zqf{family}"] if family.isascii() and family.isalnum() else []
    marks += [f"zqd{filters.model.encode().hex()}"] if filters.model else []
    return marks


def _judged(asked: Wanted) -> tuple[str, list[Any]]:
    """A word may be written in two ways, a column says it: what is a word of the index is judged too."""
    told = [(lead.sql, lead.values) for lead in asked.leads] + list(asked.others)
    return " AND ".join(sql for sql, _ in told), [value for _, values in told for value in values]


def _match(scopes: Sequence[int], filters: Filters, words: Sequence[str]) -> str:
    of = " OR ".join(f'"zqs{scope}"' for scope in scopes)
    parts = [f"marks : ({of})", *(f'marks : "{mark}"' for mark in _marks(filters))]
    parts += [f'{{asked said}} : "{word}"' for word in words]
    return " AND ".join(parts) + " *"


_SCAN = (
    "SELECT rowid AS number FROM history_text WHERE history_text MATCH %s AND rowid > %s AND rowid < %s"
    " ORDER BY rowid {order} LIMIT %s"
)


def _sqlite(asked: Wanted, match: str, limit: int) -> Found:
    """The order of the joins is given: left to itself, the planner walks an index of a filter for each."""
    if not asked.scopes:
        return Found()
    order, end = ("ASC", "max") if asked.newer else ("DESC", "min")
    scan, begin = _SCAN.format(order=order), [match, asked.low, asked.high, SCANNED]
    judged, values = _judged(asked)
    scopes = ", ".join(str(int(scope)) for scope in asked.scopes)
    sql = (
        f"SELECT entry.id FROM ({scan}) found CROSS JOIN history_entry entry ON entry.id = found.number"  # noqa: S608 - of this file
        f" WHERE entry.scope IN ({scopes}) AND {judged} LIMIT %s"
    )
    ids = sorted((pk for (pk,) in rows(sql, [*begin, *values, limit])), reverse=not asked.newer)
    if len(ids) >= limit:
        return Found(ids)
    ((count, last),) = rows(f"SELECT count(*), {end}(number) FROM ({scan})", begin)  # noqa: S608 - of this file
    return Found(ids, int(last) if count == SCANNED else None)


def _query(scope: int, filters: Filters, words: Sequence[str]) -> str:
    marks = [f"'zqs{scope}'", *(f"'{mark}'" for mark in _marks(filters))]
    return " & ".join([*marks, *(f"'{word}':A" for word in words[:-1]), f"'{words[-1]}':*A"])


def _postgresql(asked: Wanted, query: str, scope: int, limit: int) -> Found:
    """The newest are looked at first. Where they do not fill a page, the index of words gives the rest of a
    rare word, and of a common one more are looked at. The planner, which guesses how common a beginning is,
    is not asked.
    """
    found, fitting, looked = _looked_at(asked, query, scope, limit, LOOKED)
    if len(found.ids) >= limit or looked < LOOKED:
        return Found(found.ids)
    if fitting > COMMON:
        return _further(asked, query, scope, limit)
    indexed = (
        f"SELECT entry_id FROM history_doc WHERE {_FITS} AND scope = %s AND entry_id > %s AND entry_id < %s"  # noqa: S608 - of this file
        " OFFSET 0"
    )
    return Found(_those(asked, f"({indexed})", [query, scope, asked.low, asked.high], limit))


_FITS = "words @@ to_tsquery('simple', %s)"


def _looked_at(asked: Wanted, query: str, scope: int, limit: int, most: int) -> tuple[Found, int, int]:
    """Of the next so many: those that fit, how many have the words, and how many there were."""
    order, end = ("ASC", "max") if asked.newer else ("DESC", "min")
    sql = (
        f"WITH looked AS MATERIALIZED (SELECT entry_id, {_FITS} AS fits FROM (SELECT entry_id, words"  # noqa: S608 - of this file
        " FROM history_doc WHERE scope = %s AND entry_id > %s AND entry_id < %s"
        f" ORDER BY entry_id {order} LIMIT {int(most)}) nearest)"
        f" SELECT count(*), {end}(entry_id), array_agg(entry_id) FILTER (WHERE fits) FROM looked"
    )
    ((looked, last, ids),) = rows(sql, [query, scope, asked.low, asked.high])
    if not ids:
        return Found([], last), 0, looked
    found = _those(asked, "(SELECT unnest(%s::bigint[]) AS entry_id)", [ids], limit)
    return Found(found, last), len(ids), looked


def _further(asked: Wanted, query: str, scope: int, limit: int) -> Found:
    """No more are looked at than fill the page."""
    order, end = ("ASC", "max") if asked.newer else ("DESC", "min")
    most, begin = LOOKED * FURTHER, [scope, asked.low, asked.high]
    nearest = (
        "SELECT {} FROM history_doc WHERE scope = %s AND entry_id > %s AND entry_id < %s"  # noqa: S608 - of this file
        f" ORDER BY entry_id {order} LIMIT {most}"
    )
    docs = f"(SELECT entry_id FROM ({nearest.format('entry_id, words')}) nearest WHERE {_FITS})"  # noqa: S608 - of this file
    ids = _those(asked, docs, [*begin, query], limit)
    if len(ids) >= limit:
        return Found(ids)
    ends = f"SELECT count(*), {end}(entry_id) FROM ({nearest.format('entry_id')}) nearest"  # noqa: S608 - of this file
    ((looked, last),) = rows(ends, begin)
    return Found(ids, last if looked == most else None)


def _few(asked: Wanted, query: str, lead: Lead, scope: int, limit: int) -> Found:
    """The lines of a filter that few fit, each looked at."""
    between, bounds, order = way(asked)
    judged, values = _judged(asked)
    sql = (
        "SELECT entry.id FROM history_entry entry JOIN history_doc doc ON doc.entry_id = entry.id"  # noqa: S608 - of this file
        f" WHERE entry.scope = %s AND {lead.sql} AND {between} AND {judged}"
        f" AND doc.words @@ to_tsquery('simple', %s) ORDER BY entry.id {order} LIMIT %s"
    )
    return Found([pk for (pk,) in rows(sql, [scope, *lead.values, *bounds, *values, query, limit])])


def _those(asked: Wanted, docs: str, begin: Sequence[Any], limit: int) -> list[int]:
    judged, values = _judged(asked)
    order = "ASC" if asked.newer else "DESC"
    sql = (
        f"SELECT entry.id FROM {docs} doc JOIN history_entry entry ON entry.id = doc.entry_id"  # noqa: S608 - of this file
        f" WHERE {judged} ORDER BY entry.id {order} LIMIT %s"
    )
    return [pk for (pk,) in rows(sql, [*begin, *values, limit])]
