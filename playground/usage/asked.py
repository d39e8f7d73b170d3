"""What a person wants to see on the page Usage: the range, its grain, the side, and whose figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

RANGES = {"today": ("Today", 1), "7": ("7 days", 7), "30": ("30 days", 30), "90": ("90 days", 90)}
GRAINS = {"hour": "Hour", "day": "Day", "week": "Week"}
SIDES = {
    "model": "Model",
    "key": "Key",
    "person": "Person",
    "prompt": "Prompt",
    "family": "Family",
}
WHOSE = {"team": "The whole team", "me": "Only mine"}
LONGEST, MOST_DAYS_BY_HOUR = 400, 14


@dataclass(frozen=True, slots=True)
class Asked:
    """Days in the person's own time zone, both included. `complaint`: why it is not what was typed."""

    range: str
    since: date
    until: date
    grain: str
    by: str
    whose: str
    complaint: str = ""

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def grains(self) -> dict[str, str]:
        """Those that make sense for so many days."""
        out = {"day": GRAINS["day"]} if self.days > 1 else {}
        if self.days <= MOST_DAYS_BY_HOUR:
            out = {"hour": GRAINS["hour"]} | out
        return out | ({"week": GRAINS["week"]} if self.days > 14 else {})

    def query(self, **changes: str) -> str:
        """The address of the page with something changed."""
        said = {"range": self.range, "grain": self.grain, "by": self.by, "whose": self.whose}
        if changes.get("range", self.range) == "custom":
            said |= {"since": self.since.isoformat(), "until": self.until.isoformat()}
        if "range" in changes:
            del said["grain"]
        return urlencode(said | changes)


def read(query: QueryDict, *, may_see_team: bool, now: datetime) -> Asked:
    """Whatever is typed into the address, something sensible comes of it."""
    today = _today(now)
    wanted = query.get("range", "30")
    wanted = wanted if wanted in RANGES or wanted == "custom" else "30"
    complaint = ""
    if wanted == "custom":
        since, until, complaint = _custom(query, today)
    else:
        since, until = today - timedelta(days=RANGES[wanted][1] - 1), today
    by, whose = query.get("by", "model"), query.get("whose", "team")
    whose = whose if whose in WHOSE and may_see_team else "team" if may_see_team else "me"
    by = by if by in SIDES and (by != "person" or whose == "team") else "model"
    asked = Asked(wanted, since, until, "", by, whose, complaint)
    usual = "hour" if asked.days == 1 else "week" if asked.days > 180 else "day"
    grain = query.get("grain", usual)
    grain = grain if grain in asked.grains else usual
    return Asked(wanted, since, until, grain, by, whose, complaint)


def _today(now: datetime) -> date:
    """The day this hour counts in: where a zone is half an hour off, that begins at the full hour before."""
    return timezone.localtime(now.astimezone(UTC).replace(minute=59, second=59)).date()


def _custom(query: QueryDict, today: date) -> tuple[date, date, str]:
    month_ago = today - timedelta(days=29)
    try:
        since = date.fromisoformat(query.get("since", "") or month_ago.isoformat())
        until = date.fromisoformat(query.get("until", "") or today.isoformat())
    except ValueError:
        return month_ago, today, "A day is written as 2026-05-31. These are the last 30 days."
    if not date(2000, 1, 1) <= min(since, until) <= max(since, until) <= date(2100, 1, 1):
        return month_ago, today, "There is nothing so far away. These are the last 30 days."
    if since > until:
        since, until = until, since
    if (until - since).days >= LONGEST:
        told = f"At most {LONGEST} days are shown at once: the last of those you chose."
        return until - timedelta(days=LONGEST - 1), until, told
    return since, until, ""
