"""The roll-ups: new facts folded in by the tick, days made anew from the records, and what keeps both exact.

Each step is one transaction in which nobody else rolls up. What it takes in leaves `usage_fact` in the
statement that reads it, so a fact is either there or in the sums. Whoever reads adds both (see `reading`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Min

from accounts.models import Team
from playground.ops.models import UsageRecord
from playground.usage.facts import BATCH, TOKENS, hexed, priced
from playground.usage.models import NOBODY, Fact, Reservation, Rollup, StaleDay
from playground.usage.prices import DAY

Facet = Rollup.Facet
FOLDED_AT_ONCE = 4000
LOCK = 0x75736167
STEPS = (250, 500, 1000, 2000, 4000, 8000, 15000, 30000, 60000, 180000, 600000)
BUCKETS = (*(f"ms_{step}" for step in STEPS), "ms_more")
PLACE = ("team_id", "person", "facet", "span", "slot", "family", "value", "unit")
# Family and value of a row, by what it is seen from.
SIDES = {
    Facet.ALL: ("''", "''"),
    Facet.FAMILY: ("family", "''"),
    Facet.MODEL: ("family", "model"),
    Facet.KEY: ("''", "key"),
    Facet.PROMPT: ("''", "prompt"),
    Facet.PERSON: ("''", "person"),
}


def _each() -> dict[str, str]:
    """Every figure of a roll-up, as what one row of a batch adds to it."""
    each = {"runs": "sign", "good": "sign * good", "bad": "sign * bad"}
    for name in (*TOKENS, "units"):
        each[name] = f"sign * COALESCE({name}, 0)"
        each[f"{name}_told"] = f"CASE WHEN {name} IS NULL THEN 0 ELSE sign END"
    each["nano"] = "sign * COALESCE(nano, 0)"
    each["priced"] = "CASE WHEN nano IS NULL THEN 0 ELSE sign END"
    told = "sign * (COALESCE(input, 0) + COALESCE(output, 0))"
    each["unpriced_tokens"] = f"CASE WHEN nano IS NULL THEN {told} ELSE 0 END"
    each["latency"] = "sign * COALESCE(latency_ms, 0)"
    for low, high, name in zip((-1, *STEPS), (*STEPS, 2**31), BUCKETS, strict=True):
        each[name] = f"CASE WHEN latency_ms > {low} AND latency_ms <= {high} THEN sign ELSE 0 END"
    return each


EACH = _each()
SUMS = {name: f"SUM({what})" for name, what in EACH.items()}


@contextmanager
def _alone() -> Iterator[CursorWrapper]:
    """A transaction in which nobody else rolls up, with an empty `usage_batch`."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS usage_batch ({_batch_columns()})")
        cursor.execute("DELETE FROM usage_batch")
        yield cursor


def _batch_columns() -> str:
    uuid = "uuid" if connection.vendor == "postgresql" else "char(32)"
    kinds = dict.fromkeys(BATCH, "bigint") | dict.fromkeys(("team_id", "person"), uuid)
    kinds |= dict.fromkeys(("key", "prompt", "family", "model", "unit"), "text")
    return ", ".join(f"{name} {kinds[name]}" for name in BATCH)


def fold(limit: int = FOLDED_AT_ONCE) -> int:
    """Take in the oldest facts. Returns how many."""
    if not Fact.objects.exists():
        return 0
    with _alone() as cursor:
        oldest = f"SELECT id FROM usage_fact ORDER BY id LIMIT {int(limit)}"  # noqa: S608 - a number
        _move(cursor, f"id IN ({oldest})", [], priced("usage_fact", "true"))
        cursor.execute("SELECT COUNT(*), MIN(sign) FROM usage_batch")
        count, least = cursor.fetchone()
        _add(cursor, hours=True)
        _add(cursor, hours=False)
        if least is not None and least < 0:
            # What was taken out may have been the last of its place.
            cursor.execute(
                "DELETE FROM usage_rollup WHERE runs = 0 AND team_id IN (SELECT team_id FROM usage_batch)"
            )
    return int(count)


def _move(cursor: CursorWrapper, which: str, values: list[Any], batch: str) -> None:
    """Facts out of their table and `batch` into `usage_batch`; what is new in between stays for later."""
    names = ", ".join(BATCH)
    if connection.vendor == "postgresql":
        # One statement sees one moment, though others write meanwhile.
        moved = f"WITH moved AS (DELETE FROM usage_fact WHERE {which} RETURNING *)"  # noqa: S608 - of this file
        batch = batch.replace("FROM usage_fact r", "FROM moved r")
        cursor.execute(f"{moved} INSERT INTO usage_batch ({names}) {batch}", values or None)  # noqa: S608 - of this file
        return
    if "FROM usage_fact r" in batch:
        cursor.execute(f"INSERT INTO usage_batch ({names}) {batch} AND r.{which}", values)  # noqa: S608 - of this file
    else:
        cursor.execute(f"INSERT INTO usage_batch ({names}) {batch}", values[len(values) // 2 :])  # noqa: S608 - of this file
        values = values[: len(values) // 2]
    cursor.execute(f"DELETE FROM usage_fact WHERE {which}", values)  # noqa: S608 - of this file


def _add(cursor: CursorWrapper, *, hours: bool) -> None:
    """The batch into the roll-ups, from every side."""
    nobody = f"CAST('{NOBODY}' AS uuid)" if connection.vendor == "postgresql" else f"'{NOBODY.hex}'"
    for facet, (family, value) in SIDES.items():
        value = hexed("person") if facet is Facet.PERSON else value
        _add_side(cursor, facet, nobody, family, value, "true", hours)
        # A person has few runs an hour: rows for each side of an hour would be as many as those.
        if facet is Facet.ALL or not (hours or facet is Facet.PERSON):
            _add_side(cursor, facet, "person", family, value, "person IS NOT NULL", hours)


def _add_side(
    cursor: CursorWrapper, facet: Facet, person: str, family: str, value: str, which: str, hours: bool
) -> None:
    slot, span = ("slot", 1) if hours else ("slot / 24 * 24", 24)
    add = ", ".join(f"{name} = usage_rollup.{name} + excluded.{name}" for name in SUMS)
    cursor.execute(
        f"INSERT INTO usage_rollup ({', '.join((*PLACE, *SUMS))})"  # noqa: S608 - of this file
        f" SELECT team_id, {person}, {int(facet)}, {span}, {slot}, {family}, {value}, unit,"
        f" {', '.join(SUMS.values())} FROM usage_batch WHERE {which} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
        f" ON CONFLICT ({', '.join(PLACE)}) DO UPDATE SET {add}"
    )


def rebuild_day(team: UUID, day: int) -> None:
    """The roll-ups of a day (days since 1970, UTC) from the usage records, by the prices of now."""
    first = datetime.fromtimestamp(day * DAY, UTC)
    stamp = connection.ops.adapt_datetimefield_value
    team_id = team if connection.vendor == "postgresql" else team.hex
    values = [team_id, stamp(first), stamp(first + timedelta(days=1))]
    with _alone() as cursor:
        which = "team_id = %s AND at >= %s AND at < %s"
        records = priced("ops_usagerecord", "r.team_id = %s AND r.at >= %s AND r.at < %s", sign="1")
        _move(cursor, which, [*values, *values], records)
        Rollup.objects.filter(team_id=team, slot__gte=day * 24, slot__lt=day * 24 + 24).delete()
        _add(cursor, hours=True)
        _add(cursor, hours=False)
        StaleDay.objects.filter(team_id=team, day=day).delete()


def days_of(team: UUID) -> range:
    """The days that have records, facts or roll-ups."""
    ends: list[int] = []
    for rows in (UsageRecord.objects.filter(team_id=team), Fact.objects.filter(team_id=team)):
        ends += [int(at.timestamp()) // DAY for at in rows.aggregate(a=Min("at"), b=Max("at")).values() if at]
    slots = Rollup.objects.filter(team_id=team).aggregate(a=Min("slot"), b=Max("slot"))
    ends += [slot // 24 for slot in slots.values() if slot is not None]
    return range(min(ends), max(ends) + 1) if ends else range(0)


def catch_up(seconds: float = 5.0) -> bool:
    """Reckon the costs of stale days anew, as long as there is time. True: none is left."""
    until = time.monotonic() + seconds
    for stale in list(StaleDay.objects.order_by("team_id", "-day")):
        if time.monotonic() > until:
            return False
        rebuild_day(stale.team_id, stale.day)
    return True


def tick(now: datetime) -> None:
    """What is due: facts folded in, stale days, figures of teams that are gone, old reservations."""
    while fold() == FOLDED_AT_ONCE:
        pass
    catch_up()
    Reservation.objects.filter(kept_at__lt=now - timedelta(days=62)).delete()


def forget_gone_teams() -> None:
    """Sums of a deleted team, should its records have been deleted without the triggers."""
    for rows in (Fact, Rollup, StaleDay):
        known = rows._default_manager.order_by().values_list("team_id", flat=True).distinct()
        gone = set(known) - set(Team.objects.values_list("pk", flat=True))
        rows._default_manager.filter(team_id__in=gone).delete()
