"""What an address of the Tasks list asks for: filters, table or gallery, and the address without the rest."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import get_args

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from playground.gateway.media.operation import Medium
from playground.media.listing import Filters
from playground.media.models import Status
from playground.words import LONGEST_QUERY

VIEWS = ("table", "gallery")
LONGEST_VALUE = 255
FURTHEST = date(9999, 12, 30)


@dataclass(frozen=True, slots=True)
class Sieve:
    """`since` and `until` are days as they stand in the form; `query` is what narrows, for an address."""

    filters: Filters
    since: str
    until: str
    query: str

    @property
    def narrows(self) -> bool:
        return bool(self.query)


def read(asked: QueryDict) -> Sieve:
    """What cannot be understood does not narrow, and is not in `query` either."""
    since, until = _day(asked, "from"), _day(asked, "to")
    filters = Filters(
        words=_text(asked, "q", LONGEST_QUERY),
        medium=_one_of(asked, "medium", get_args(Medium)),
        status=_one_of(asked, "status", Status.values),
        family=_text(asked, "family", 30),
        model=_text(asked, "model"),
        user=_id(asked, "who"),
        favourite=bool(asked.get("favourite")),
        since=_begin(since) if since else None,
        before=_begin(until + timedelta(days=1)) if until else None,
    )
    told = {
        "q": filters.words,
        "medium": filters.medium,
        "status": filters.status,
        "family": filters.family,
        "model": filters.model,
        "who": str(filters.user or ""),
        "favourite": "1" if filters.favourite else "",
        "from": since.isoformat() if since else "",
        "to": until.isoformat() if until else "",
    }
    return Sieve(filters, told["from"], told["to"], _encoded(told))


def view_of(asked: QueryDict, remembered: str) -> str:
    """Table or gallery: as the address says, else as the person looked last."""
    return next((view for view in (asked.get("view"), remembered) if view in VIEWS), VIEWS[0])


def address(sieve: Sieve, **more: str) -> str:
    """The query of a page of this list; "" for the plain one."""
    rest = _encoded(more)
    return "&".join(part for part in (sieve.query, rest) if part)


def _encoded(told: dict[str, str]) -> str:
    made = QueryDict(mutable=True)
    made.update({name: value for name, value in told.items() if value})
    return made.urlencode()


def _text(asked: QueryDict, name: str, most: int = LONGEST_VALUE) -> str:
    # No database takes a null byte.
    return asked.get(name, "").replace("\0", "").strip()[:most]


def _one_of(asked: QueryDict, name: str, known: Collection[str]) -> str:
    value = asked.get(name, "")
    return value if value in known else ""


def _id(asked: QueryDict, name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(asked.get(name, ""))
    except ValueError:
        return None


def _day(asked: QueryDict, name: str) -> date | None:
    try:
        day = parse_date(asked.get(name, ""))
    except ValueError:
        return None  # the thirtieth of February
    return day if day and date(1970, 1, 2) < day < FURTHEST else None


def _begin(day: date) -> datetime:
    """Midnight where the person is."""
    return timezone.make_aware(datetime.combine(day, time()))
