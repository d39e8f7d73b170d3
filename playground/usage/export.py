"""What the page shows as CSV: a row for each group in each hour, day or week."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import tzinfo
from typing import Any

from asgiref.sync import sync_to_async

from accounts.audit_log import csv_rows
from accounts.models import Team, User
from playground.usage import names, prices, reading
from playground.usage.asked import Asked
from playground.usage.figures import ALL, Count, Sum
from playground.usage.models import NANO
from playground.usage.reading import Scope
from playground.usage.report import FACETS
from playground.usage.spans import Axis, Bucket, axis

HEAD = (
    *("from", "until", "family", "name", "id", "runs", "succeeded", "failed"),
    *("input tokens", "output tokens", "cache read tokens", "cache write tokens", "reasoning tokens"),
    *("runs that told tokens", "unit", "units", "cost", "runs with a known cost", "currency"),
    *("half within ms", "95 % within ms"),
)
# Buckets read at once: memory does not grow with the range.
AT_ONCE = 31


async def lines(asked: Asked, team: Team, viewer: User, zone: tzinfo) -> AsyncIterator[bytes]:
    """The rows, some buckets at a time; a figure that is not known is an empty cell."""
    time = axis(asked, zone)
    yield csv_rows([HEAD])
    for first in range(0, len(time.buckets), AT_ONCE):
        yield await sync_to_async(_some)(asked, team, viewer, time, time.buckets[first : first + AT_ONCE])


def _some(asked: Asked, team: Team, viewer: User, time: Axis, buckets: tuple[Bucket, ...]) -> bytes:
    scope = Scope(team.pk, viewer.pk if asked.whose == "me" else None)
    within = {bucket.number: bucket for bucket in buckets}
    rows = reading.sums(
        scope,
        FACETS[asked.by],
        time.window_of(buckets),
        ALL,
        by=("bucket", "family", "value", "unit"),
        bucket=time.sql,
        whole_days=time.whole_days,
    )
    rows = [row for row in rows if row["runs"] and row["bucket"] in within]
    rows.sort(key=lambda row: (row["bucket"], -row["runs"], row["family"], row["value"], row["unit"]))
    told = names.names(asked.by, {row["value"] for row in rows}, team, viewer)
    return csv_rows(_cells(asked, rows, within, told, prices.currency(team.pk)))


def _cells(
    asked: Asked, rows: list[dict[str, Any]], within: dict[int, Bucket], told: dict[str, str], currency: str
) -> Iterator[tuple[str, ...]]:
    hourly = asked.grain == "hour"
    for row in rows:
        bucket, sum = within[row["bucket"]], Sum()
        sum.add(row)
        since = reading.time_of(bucket.number).isoformat() if hourly else bucket.since.isoformat()
        media = bool(row["unit"])
        yield (
            since,
            "" if hourly else bucket.until.isoformat(),
            row["family"],
            names.of_place(asked.by, (row["family"], row["value"]), told),
            row["value"],
            *(str(row[name]) for name in ("runs", "good", "bad")),
            *("" if media else _told(sum.count(name)) for name in COUNTS),
            "" if media else str(row["input_told"]),
            row["unit"],
            _number(row["units"], 1000) if media and row["units_told"] else "",
            _number(row["nano"], int(NANO)) if row["priced"] else "",
            str(row["priced"]),
            currency,
            *("" if value is None else f"{value:.0f}" for value in (sum.p50, sum.p95)),
        )


COUNTS = ("input", "output", "cache_read", "cache_write", "reasoning")


def _told(count: Count) -> str:
    return "" if count.unknown else str(count.value)


def _number(whole: int, parts: int) -> str:
    """Exact, without a float in between."""
    digits = len(str(parts)) - 1
    return f"{whole // parts}.{whole % parts:0{digits}d}".rstrip("0").rstrip(".")
