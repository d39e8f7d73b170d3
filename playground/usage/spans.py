"""Days and weeks of a person's own time zone, made of the roll-ups' hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from playground.usage.asked import Asked
from playground.usage.reading import Window, slot_at, time_of

EPOCH = date(1970, 1, 1)
DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Bucket:
    """One place of the time axis. `since` and `until` are days, both included, as History takes them."""

    number: int
    label: str
    long: str
    since: date
    until: date
    window: Window


@dataclass(frozen=True, slots=True)
class Axis:
    """The time axis of a page: its window of hours, its buckets, and SQL that gives an hour's bucket.

    `whole_days`: days of the zone are days of the roll-ups. `shifted`: the zone is not whole hours from UTC,
    so that a day begins within the hour.
    """

    window: Window
    buckets: tuple[Bucket, ...]
    sql: str
    whole_days: bool
    shifted: bool

    @property
    def days(self) -> int:
        return -(-(self.window.end - self.window.first) // 24)

    @staticmethod
    def window_of(buckets: Sequence[Bucket]) -> Window:
        return Window(buckets[0].window.first, buckets[-1].window.end)


def axis(asked: Asked, zone: tzinfo) -> Axis:
    window = _between(asked.since, asked.until, zone)
    steps = _offsets(window, zone)
    local = _local(steps)
    if asked.grain == "hour":
        sql, buckets = "slot", [_hour(slot, zone) for slot in range(window.first, window.end)]
    elif asked.grain == "week":
        sql, buckets = f"(({local}) / 24 + 3) / 7", _weeks(asked, zone)
    else:
        sql, buckets = f"({local}) / 24", _days(asked, zone)
    return Axis(
        window=window,
        buckets=tuple(buckets),
        sql=sql,
        whole_days=asked.grain != "hour" and all(offset == 0 for _, offset in steps),
        shifted=any(_offset_s(time_of(first), zone) % 3600 for first, _ in steps),
    )


def _midnight(day: date, zone: tzinfo) -> int:
    return slot_at(datetime.combine(day, time(), zone))


def _offset_s(when: datetime, zone: tzinfo) -> int:
    offset = when.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _hours_off(slot: int, zone: tzinfo) -> int:
    """Rounded up, as midnight is rounded down to the hour it lies in."""
    return -(-_offset_s(time_of(slot), zone) // 3600)


def _offsets(window: Window, zone: tzinfo) -> list[tuple[int, int]]:
    """(first hour, hours from UTC) of each stretch without a change of the clock."""
    steps: list[tuple[int, int]] = []
    probe = window.first
    while probe < window.end:
        offset = _hours_off(probe, zone)
        if not steps or steps[-1][1] != offset:
            # The change was within the last day: find its hour.
            first = probe
            while steps and first > probe - 24 and _hours_off(first - 1, zone) == offset:
                first -= 1
            steps.append((first, offset))
        probe += 24
    return steps


def _local(steps: list[tuple[int, int]]) -> str:
    """SQL for an hour by the clock on the wall."""
    if len(steps) == 1:
        return f"slot + {steps[0][1]}"
    cases = "".join(f" WHEN slot < {steps[at + 1][0]} THEN {steps[at][1]}" for at in range(len(steps) - 1))
    return f"slot + CASE{cases} ELSE {steps[-1][1]} END"


def _hour(slot: int, zone: tzinfo) -> Bucket:
    local = time_of(slot).astimezone(zone)
    day = local.date()
    return Bucket(slot, f"{local:%H:%M}", f"{local:%-d %b, %H:%M}", day, day, Window(slot, slot + 1))


def _days(asked: Asked, zone: tzinfo) -> list[Bucket]:
    days = [asked.since + timedelta(days=number) for number in range(asked.days)]
    return [
        Bucket(
            (day - EPOCH).days, f"{day:%-d %b}", f"{day:%a, %-d %b %Y}", day, day, _between(day, day, zone)
        )
        for day in days
    ]


def _between(since: date, until: date, zone: tzinfo) -> Window:
    return Window(_midnight(since, zone), _midnight(until + timedelta(days=1), zone))


def _weeks(asked: Asked, zone: tzinfo) -> list[Bucket]:
    first = asked.since - timedelta(days=asked.since.weekday())
    out = []
    while first <= asked.until:
        since, until = max(first, asked.since), min(first + timedelta(days=6), asked.until)
        number = ((first - EPOCH).days + 3) // 7
        out.append(
            Bucket(
                number,
                f"{since:%-d %b}",
                f"{since:%-d %b} to {until:%-d %b %Y}",
                since,
                until,
                _between(since, until, zone),
            )
        )
        first += timedelta(days=7)
    return out
