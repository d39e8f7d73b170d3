"""What an address of History asks for: the filters, and the address without the rest.

The names are the same for whoever leads here: q, kind, state, family, model, key, owner, prompt, label,
since, until, error, tokens_min, tokens_max, rating, tag.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from playground.history.models import Kind, State
from playground.words import LONGEST_QUERY

VIEWS = ("table", "gallery")
# A kind of its own to those who look: the chat runs of comparisons.
COMPARED = "compare"
KINDS = (*Kind.choices, (COMPARED, "Comparison"))
LONGEST_VALUE = 255
MOST_TOKENS = 2**62
FURTHEST = date(9999, 12, 30)
RATINGS = {"up": 1, "down": -1}
# What runs, tasks and usage records call their states.
SAME = {
    "finished": State.DONE, "succeeded": State.DONE, "passed": State.DONE, "running": State.LIVE,
    "queued": State.LIVE, "new": State.LIVE, "submitting": State.LIVE, "waiting": State.LIVE,
    "collecting": State.LIVE, "cancelled": State.STOPPED, "interrupted": State.UNCLEAR,
    "expired": State.UNCLEAR, "unconfirmed": State.UNCLEAR,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted; an empty field does not narrow. `words` as typed; `before` is the end of the time."""

    words: str = ""
    kind: str = ""
    state: str = ""
    family: str = ""
    model: str = ""
    key: uuid.UUID | None = None
    owner: uuid.UUID | None = None
    prompt: uuid.UUID | None = None
    label: str = ""
    error: str = ""
    tag: str = ""
    rating: int | None = None
    tokens_min: int | None = None
    tokens_max: int | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def kept_kind(self) -> str:
        """The kind as entries have it."""
        return Kind.CHAT if self.kind == COMPARED else self.kind


@dataclass(frozen=True, slots=True)
class Asked:
    """`told` is what narrows, by name, as it stands in the form; `query` the same for an address."""

    filters: Filters
    told: dict[str, str]
    query: str

    @property
    def narrows(self) -> bool:
        return bool(self.query)


def read(asked: QueryDict) -> Asked:
    """What cannot be understood does not narrow, and is not in `query` either."""
    since, until = _moment(asked, "since"), _moment(asked, "until")
    state = asked.get("state", "")
    filters = Filters(
        words=_text(asked, "q", LONGEST_QUERY),
        kind=_one_of(asked, "kind", [name for name, _ in KINDS]),
        state=SAME.get(state, state if state in State.values else ""),
        family=_text(asked, "family", 30),
        model=_text(asked, "model"),
        key=_id(asked, "key"),
        owner=_id(asked, "owner"),
        prompt=_id(asked, "prompt"),
        label=_text(asked, "label", 40),
        error=_text(asked, "error", 30),
        tag=_text(asked, "tag", 40),
        rating=RATINGS.get(asked.get("rating", "")),
        tokens_min=_count(asked, "tokens_min"),
        tokens_max=_count(asked, "tokens_max"),
        since=_begin(since),
        before=_end(until),
    )
    told = _told(filters, since, until)
    return Asked(filters, told, encoded(told))


def _told(filters: Filters, since: date | datetime | None, until: date | datetime | None) -> dict[str, str]:
    names = ("kind", "state", "family", "model", "key", "owner", "prompt", "label", "error", "tag")
    told = {"q": filters.words} | {name: str(getattr(filters, name) or "") for name in names}
    told["rating"] = next((word for word, value in RATINGS.items() if value == filters.rating), "")
    for name in ("tokens_min", "tokens_max"):
        value = getattr(filters, name)
        told[name] = "" if value is None else str(value)
    told |= {name: at.isoformat() if at else "" for name, at in (("since", since), ("until", until))}
    return {name: value for name, value in told.items() if value}


def view_of(asked: QueryDict, remembered: str) -> str:
    """Table or gallery: as the address says, else as the person looked last."""
    return next((view for view in (asked.get("show"), remembered) if view in VIEWS), VIEWS[0])


def address(asked: Asked, **more: str) -> str:
    """The query of a page of this list; "" for the plain one."""
    return "&".join(part for part in (asked.query, encoded(more)) if part)


def encoded(told: dict[str, str]) -> str:
    made = QueryDict(mutable=True)
    made.update({name: value for name, value in told.items() if value})
    return made.urlencode()


def _text(asked: QueryDict, name: str, most: int = LONGEST_VALUE) -> str:
    # No database takes a null byte, and none a lone surrogate.
    value = asked.get(name, "").replace("\0", "").encode("utf-8", "ignore").decode()
    return value.strip()[:most]


def _one_of(asked: QueryDict, name: str, known: Collection[str]) -> str:
    value = asked.get(name, "")
    return value if value in known else ""


def _id(asked: QueryDict, name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(asked.get(name, ""))
    except ValueError:
        return None


def _count(asked: QueryDict, name: str) -> int | None:
    text = asked.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return min(int(text), MOST_TOKENS)


def _moment(asked: QueryDict, name: str) -> date | datetime | None:
    """A day, or a moment as other pages name the hour of a chart."""
    text = asked.get(name, "")
    try:
        # A "+" of a zone that nobody encoded arrives as a space.
        found = parse_date(text) or parse_datetime(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        return None  # the thirtieth of February
    if found is None:
        return None
    day = found.date() if isinstance(found, datetime) else found
    return found if date(1970, 1, 2) < day < FURTHEST else None


def _begin(at: date | datetime | None) -> datetime | None:
    """A day begins at midnight where the person is."""
    if at is None:
        return None
    if isinstance(at, datetime):
        return at if timezone.is_aware(at) else timezone.make_aware(at)
    return timezone.make_aware(datetime.combine(at, time()))


def _end(at: date | datetime | None) -> datetime | None:
    """A day is taken whole; a moment is where the time ends."""
    if at is None or isinstance(at, datetime):
        return _begin(at)
    return _begin(at + timedelta(days=1))
