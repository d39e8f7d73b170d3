"""Pages of a team's tasks, newest first: filtered, searched, and as quick on the last page as on the first.

A page knows where the next one begins, and the one before it, by signed marks that are good for the same
team and filters only.
What words are looked for is said in `playground.words`.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Team
from playground.media import search
from playground.media.models import MediaTask, Status
from playground.words import words_of

SALT = "playground.media.listing"
OLDER, NEWER = "older", "newer"
MOST_MODELS = 200
# Filters for one value, the narrowest as a rule first; and statuses that few tasks have.
LEADS = ("user_id", "model", "status", "operation", "family", "medium")
RARE = frozenset(Status) - {Status.SUCCEEDED, Status.FAILED}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted; an empty field does not narrow. `words` as typed."""

    words: str = ""
    medium: str = ""
    status: str = ""
    family: str = ""
    operation: str = ""
    model: str = ""
    user: uuid.UUID | None = None
    favourite: bool = False
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`next_mark` leads to older tasks, and is "" on the last page. `newer_mark` leads to those made since
    the first one here, whether there are any yet or not; "" when nothing is here. `newest`: it begins anew.
    """

    tasks: list[MediaTask]
    next_mark: str = ""
    newer_mark: str = ""
    newest: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins, and whether it goes on to newer tasks from there. Without `at`: at the newest."""

    at: list[str]
    newer: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found, in the order it was looked for; `rest` is where to go on when there may be more."""

    tasks: list[MediaTask]
    first: list[str]
    rest: list[str]


def page(team: Team, filters: Filters, mark: str = "", limit: int = 50) -> Page:
    """The tasks behind the mark; a mark that does not belong here begins anew."""
    place = _read(mark, team, filters)
    found = _look(team, filters, place, limit)
    if not place.newer:
        return Page(
            found.tasks,
            _write(OLDER, found.rest, team, filters),
            _write(NEWER, found.first, team, filters),
            newest=not place.at,
        )
    if not found.rest:
        # The newest page is always a whole one.
        return page(team, filters, limit=limit)
    older = _write(OLDER, found.first or place.at, team, filters)
    return Page(found.tasks[::-1], older, _write(NEWER, found.rest, team, filters))


def newer(team: Team, filters: Filters, mark: str, most: int) -> list[MediaTask]:
    """The tasks that came since the page with this `newer_mark` was made."""
    place = _read(mark, team, filters)
    return _look(team, filters, _Place(place.at, newer=bool(place.at)), most).tasks


def models(team: Team) -> list[str]:
    """The models that the team's tasks name: one look into the index for each of them."""
    step = "(SELECT model FROM media_mediatask WHERE team_id = %s AND model > {} ORDER BY model LIMIT 1)"
    sql = (
        f"WITH RECURSIVE known(model) AS (SELECT {step.format('%s')}"  # noqa: S608 - constants of this function
        f" UNION ALL SELECT {step.format('known.model')} FROM known WHERE known.model IS NOT NULL)"
        " SELECT model FROM known WHERE model IS NOT NULL LIMIT %s"
    )
    pk = team.pk if connection.vendor == "postgresql" else team.pk.hex
    with connection.cursor() as cursor:
        cursor.execute(sql, [pk, "", pk, MOST_MODELS])
        return [row[0] for row in cursor.fetchall()]


def _look(team: Team, filters: Filters, place: _Place, limit: int) -> _Found:
    words, whole = words_of(filters.words)
    if words and whole:
        return _searched(team, filters, words, place, limit)
    rows = _narrowed(team, filters)
    if words:
        rows = rows.filter(*(Q(title__icontains=word) | Q(text__icontains=word) for word in words))
    order = ("created_at", "id") if place.newer else ("-created_at", "-id")
    found = list(_behind(rows, place).order_by(*order)[: limit + 1])
    tasks = found[:limit]
    if not tasks:
        return _Found([], [], [])
    return _Found(tasks, _place_of(tasks[0]), _place_of(tasks[-1]) if len(found) > limit else [])


def _place_of(task: MediaTask) -> list[str]:
    return [task.created_at.isoformat(), task.pk.hex]


def _narrowed(team: Team, filters: Filters) -> QuerySet[MediaTask]:
    exact = {name: value for name in LEADS if (value := getattr(filters, name.removesuffix("_id")))}
    rows = MediaTask.objects.filter(team=team).select_related("user")
    if connection.vendor == "postgresql":
        rows = rows.filter(**exact)
    elif exact:
        # SQLite knows averages only, and would walk the index of a family for the one task of a person.
        lead = "status" if filters.status in RARE else next(iter(exact))
        rows = rows.filter(**{lead: exact.pop(lead)})
        for name, value in exact.items():
            given = value.hex if isinstance(value, uuid.UUID) else value
            rows = rows.extra(where=[f"+media_mediatask.{name} = %s"], params=[given])  # noqa: S610 - a constant
    if filters.favourite:
        rows = rows.filter(favourite=True)
    if filters.since:
        rows = rows.filter(created_at__gte=filters.since)
    if filters.before:
        rows = rows.filter(created_at__lt=filters.before)
    return rows


def _behind(rows: QuerySet[MediaTask], place: _Place) -> QuerySet[MediaTask]:
    if len(place.at) != 2:
        return rows
    at, pk = datetime.fromisoformat(place.at[0]), uuid.UUID(place.at[1])
    # The first condition bounds the index scan, which the second alone would not.
    if place.newer:
        return rows.filter(created_at__gte=at).filter(Q(created_at__gt=at) | Q(id__gt=pk))
    return rows.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(id__lt=pk))


def _searched(team: Team, filters: Filters, words: list[str], place: _Place, limit: int) -> _Found:
    conditions, values = _conditions(filters)
    wanted = search.Wanted(team.pk, [*_tokens(team, filters), *words], conditions, values, newer=place.newer)
    begin = place.at or (search.place_before(team.pk, filters.before) if filters.before else [])
    found = search.find(wanted, begin, limit + 1)
    hits = found.hits[:limit]
    there = MediaTask.objects.select_related("user").in_bulk([hit.task for hit in hits])
    more = hits[-1].place if len(found.hits) > limit else found.stopped
    tasks = [there[hit.task] for hit in hits if hit.task in there]
    # A page without a hit begins where the one before it ended, and that one's last belongs to the newer.
    first = hits[0].place if hits else search.place_from(place.at)
    return _Found(tasks, first, more)


def _conditions(filters: Filters) -> tuple[list[str], list[Any]]:
    """Of what is no word of the index, and of what is: a word may be written, a column says it."""
    conditions: list[str] = []
    values: list[Any] = []
    for name in ("status", "operation", "model", "family", "medium"):
        if value := getattr(filters, name):
            conditions.append(f"task.{name} = %s")
            values.append(value)
    if filters.favourite:
        conditions.append("task.favourite")
    stamp = connection.ops.adapt_datetimefield_value
    for at, sign in ((filters.since, ">="), (filters.before, "<")):
        if at:
            conditions.append(f"task.created_at {sign} %s")
            values.append(stamp(at))
    if filters.user:
        conditions.append("task.user_id = %s")
        values.append(filters.user.hex)
    return conditions, values


def _tokens(team: Team, filters: Filters) -> list[str]:
    """The filters that are words of the index."""
    tokens = [f"t{team.pk.hex}"]
    tokens += [f"u{filters.user.hex}"] if filters.user else []
    tokens += [f"m0{filters.medium}"] if filters.medium.isalnum() else []
    tokens += [f"f0{filters.family.replace('_', '')}"] if filters.family.replace("_", "").isalnum() else []
    tokens += [f"d0{filters.model.encode('utf-8', 'replace').hex()}"] if filters.model else []
    return tokens


def _write(way: str, place: list[str], team: Team, filters: Filters) -> str:
    return signing.dumps([_digest(team, filters), way, *place], salt=SALT) if place else ""


def _read(mark: str, team: Team, filters: Filters) -> _Place:
    if not mark:
        return _Place([])
    try:
        digest, way, *place = signing.loads(mark, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return _Place([])
    return _Place(place, newer=way == NEWER) if digest == _digest(team, filters) else _Place([])


def _digest(team: Team, filters: Filters) -> str:
    return hashlib.sha256(f"{team.pk} {filters!r}".encode("utf-8", "replace")).hexdigest()[:16]
