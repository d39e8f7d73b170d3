"""Days and weeks of a person's zone, over changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from playground.usage import asked
from playground.usage.asked import Asked
from playground.usage.reading import slot_at
from playground.usage.spans import axis

NOW = datetime(2026, 5, 14, 21, 30, tzinfo=UTC)


def wanted(since: date, until: date, grain: str = "day") -> Asked:
    return Asked("custom", since, until, grain, "model", "team")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])
@pytest.mark.parametrize("grain", ["day", "week"])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2026, 3, 1), date(2026, 4, 10)),
        (date(2026, 10, 1), date(2026, 11, 20)),
        (date(2026, 7, 6), date(2026, 7, 6)),
    ],
)
def test_sql_puts_each_hour_into_the_bucket_of_its_day(
    db: None, zone: str, grain: str, since: date, until: date
) -> None:
    made = axis(wanted(since, until, grain), ZoneInfo(zone))
    hours = range(made.window.first, made.window.end)
    with connection.cursor() as cursor:
        rows = " UNION ALL ".join(f"SELECT {slot} AS slot" for slot in hours[:400])
        cursor.execute(f"SELECT slot, {made.sql} FROM ({rows}) t")
        found = dict(cursor.fetchall())
    for slot, bucket in found.items():
        homes = [each.number for each in made.buckets if each.window.first <= slot < each.window.end]
        assert homes == [bucket]


def test_buckets_follow_each_other_without_a_gap(db: None) -> None:
    made = axis(wanted(date(2026, 3, 20), date(2026, 4, 2)), ZoneInfo("Europe/Berlin"))
    ends = [each.window.end for each in made.buckets]
    assert [each.window.first for each in made.buckets[1:]] == ends[:-1]
    lengths = {each.window.end - each.window.first for each in made.buckets}
    assert lengths == {23, 24}
    assert not made.whole_days


def test_a_zone_that_is_not_whole_hours_away_says_so(db: None) -> None:
    day = wanted(date(2026, 5, 1), date(2026, 5, 2))
    assert axis(day, ZoneInfo("Asia/Kolkata")).shifted
    assert not axis(day, ZoneInfo("Europe/Berlin")).shifted
    assert axis(day, ZoneInfo("UTC")).whole_days


def test_an_hour_is_its_own_bucket(db: None) -> None:
    made = axis(wanted(date(2026, 5, 1), date(2026, 5, 1), "hour"), ZoneInfo("Europe/Berlin"))
    assert len(made.buckets) == 24
    assert made.buckets[0].number == slot_at(datetime(2026, 4, 30, 22, tzinfo=UTC))
    assert made.buckets[0].label == "00:00"


@pytest.mark.parametrize(
    ("query", "since", "grain", "complaint"),
    [
        ("", date(2026, 4, 15), "day", False),
        ("range=today", date(2026, 5, 14), "hour", False),
        ("range=7&grain=hour", date(2026, 5, 8), "hour", False),
        ("range=90&grain=hour", date(2026, 2, 14), "day", False),
        ("range=nonsense&grain=x&by=y&whose=z", date(2026, 4, 15), "day", False),
        ("range=custom&since=2026-05-10&until=2026-05-01", date(2026, 5, 1), "day", False),
        ("range=custom&since=yesterday", date(2026, 4, 15), "day", True),
        ("range=custom&since=0001-01-01", date(2026, 4, 15), "day", True),
        ("range=custom&since=2020-01-01&until=2026-05-14", date(2025, 4, 10), "week", True),
    ],
)
def test_whatever_stands_in_the_address_something_sensible_is_shown(
    query: str, since: date, grain: str, complaint: bool
) -> None:
    made = asked.read(QueryDict(query), may_see_team=True, now=NOW)
    assert (made.since, made.grain, bool(made.complaint)) == (since, grain, complaint)


def test_today_is_the_day_of_the_persons_zone() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        made = asked.read(QueryDict("range=today"), may_see_team=True, now=NOW)
    assert made.since == (NOW + timedelta(days=1)).date()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham"])
def test_the_hour_that_it_is_stands_in_today_whatever_the_zone(zone: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        for minutes in range(0, 24 * 60, 10):
            now = datetime(2026, 5, 14, tzinfo=UTC) + timedelta(minutes=minutes)
            made = axis(asked.read(QueryDict("range=today"), may_see_team=True, now=now), ZoneInfo(zone))
            assert made.window.first <= slot_at(now) < made.window.end


def test_who_may_not_see_the_team_sees_their_own_and_no_persons() -> None:
    made = asked.read(QueryDict("whose=team&by=person"), may_see_team=False, now=NOW)
    assert (made.whose, made.by) == ("me", "model")
