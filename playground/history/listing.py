"""Pages of the ledger as somebody may see it, newest first, as quick on the last page as on the first.

A page knows where the next one begins, and the one before it, by signed marks that are good for the same
person, team and filters only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core import signing

from accounts.models import Team, User
from playground.history import searching, walking
from playground.history.filters import Filters
from playground.history.models import EVERYBODY, Entry, Scope
from playground.words import words_of

SALT = "playground.history.listing"
OLDER, NEWER = "older", "newer"
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks, and the scopes of the team that they may read."""

    user: User
    team: Team
    scopes: tuple[int, ...]

    @staticmethod
    def of(user: User, team: Team) -> Reader:
        rows = Scope.objects.filter(team=team, reader__in=(EVERYBODY, user.pk)).order_by("pk")
        return Reader(user, team, tuple(rows.values_list("pk", flat=True)))


@dataclass(frozen=True, slots=True)
class Page:
    """`next_mark` leads to older lines, and is "" on the last page. `newer_mark` leads to those made since
    the first one here, whether there are any yet or not. `newest`: it begins anew.
    """

    entries: list[Entry]
    next_mark: str = ""
    newer_mark: str = ""
    newest: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """The line behind which a page begins, and its direction. Without `at`: at the newest."""

    at: int | None
    newer: bool = False


def page(reader: Reader, filters: Filters, mark: str = "", limit: int = 50) -> Page:
    """The lines behind the mark; a mark that does not belong here begins anew."""
    place = _read(mark, reader, filters)
    found = _look(reader, filters, place, limit + 1)
    ids, more = found.ids[:limit], len(found.ids) > limit
    rest = ids[-1] if more else found.stopped
    if not place.newer:
        first = ids[0] if ids else (place.at - 1 if place.at is not None else walking.OLDEST)
        older = _write(OLDER, rest, reader, filters)
        return Page(load(ids), older, _write(NEWER, first, reader, filters), newest=place.at is None)
    if rest is None:
        # The newest page is always a whole one.
        return page(reader, filters, limit=limit)
    nearest = ids[0] if ids else place.at
    return Page(
        load(ids[::-1]), _write(OLDER, nearest, reader, filters), _write(NEWER, rest, reader, filters)
    )


def count_newer(reader: Reader, filters: Filters, mark: str, most: int) -> int:
    """How many came since the page with this `newer_mark` was made, `most` at the most."""
    place = _read(mark, reader, filters)
    if place.at is None:
        return 0
    return len(_look(reader, filters, _Place(place.at, newer=True), most).ids)


def beside(reader: Reader, filters: Filters, entry: Entry) -> tuple[int | None, int | None]:
    """The lines before and after one in this list: (newer, older)."""
    newer = _look(reader, filters, _Place(entry.pk, newer=True), 1).ids
    older = _look(reader, filters, _Place(entry.pk), 1).ids
    return (newer[0] if newer else None), (older[0] if older else None)


def every(reader: Reader, filters: Filters, at_once: int = AT_ONCE) -> Iterator[list[int]]:
    """The ids of all lines that fit, the newest first, so many at a time."""
    place = _Place(None)
    while True:
        found = _look(reader, filters, place, at_once)
        if found.ids:
            yield found.ids
        last = found.ids[-1] if len(found.ids) >= at_once else found.stopped
        if last is None:
            return
        place = _Place(last)


def load(ids: list[int]) -> list[Entry]:
    """In the order of the ids; what went meanwhile is left out."""
    rows = Entry.objects.select_related("user", "key", "doc").in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _look(reader: Reader, filters: Filters, place: _Place, limit: int) -> walking.Found:
    asked = walking.wanted(reader.scopes, filters, place.at, newer=place.newer)
    words, whole = words_of(filters.words)
    if words and whole:
        return searching.find(asked, filters, words, limit)
    return walking.find(searching.anywhere(asked, words) if words else asked, limit)


def _write(way: str, at: int | None, reader: Reader, filters: Filters) -> str:
    return "" if at is None else signing.dumps([_digest(reader, filters), way, at], salt=SALT)


def _read(mark: str, reader: Reader, filters: Filters) -> _Place:
    told: Any = None
    if mark:
        try:
            told = signing.loads(mark, salt=SALT)
        except (signing.BadSignature, ValueError):
            told = None
    if not isinstance(told, list) or len(told) != 3 or told[0] != _digest(reader, filters):
        return _Place(None)
    return _Place(int(told[2]), newer=told[1] == NEWER)


def _digest(reader: Reader, filters: Filters) -> str:
    told = f"{reader.user.pk} {reader.team.pk} {filters!r}"
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]
