"""Task routes that a team's admins declare: kept in versions, offered beside the built-in operations.

A task names the version it was made with (`custom.<id of the version>`), so that a change of the route
leaves what is running alone.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Team, User
from playground.gateway.media.custom import DefinitionError, Mistake, custom_operation
from playground.gateway.media.operation import Operation
from playground.media.models import RouteVersion, TaskRoute

log = logging.getLogger(__name__)
PREFIX = "custom."
MOST_ROUTES = 100
TAKEN = Mistake("key", "The team has a route with this key already; it may be among the archived ones.")
TOO_MANY = Mistake("", f"A team has at most {MOST_ROUTES} routes of its own.")


def find(key: str) -> Operation | None:
    """The operation as the version says that the key names; None when there is none."""
    pk = _version_id(key)
    if pk is None:
        return None
    try:
        return _declared(pk)
    except RouteVersion.DoesNotExist:
        return None
    except DefinitionError:
        # What a later release refuses was fine when it was saved; the task says that its route is unknown.
        log.warning("the task route of version %s cannot be read any more", pk)
        return None


def offered(team: Team) -> list[Operation]:
    """What the team's routes say now, by label."""
    found = (find(key_of(pk)) for pk in _current(team).values_list("pk", flat=True))
    return [operation for operation in found if operation is not None]


def chosen(team: Team, key: str) -> Operation | None:
    """The present version of the route of any of its versions; None for other teams' and archived ones."""
    pk = _version_id(key)
    current = _current(team).filter(route__versions=pk) if pk else RouteVersion.objects.none()
    there = current.values_list("pk", flat=True).first()
    return find(key_of(there)) if there else None


def archived(team: Team, key: str) -> Operation | None:
    """What an archived route of the team said last, for a form that was open meanwhile."""
    pk = _version_id(key)
    mine = RouteVersion.objects.filter(route__team=team, route__archived_at__isnull=False)
    last = mine.filter(route__versions=pk, number=F("route__number")) if pk else mine.none()
    there = last.values_list("pk", flat=True).first()
    return find(key_of(there)) if there else None


def key_of(version: uuid.UUID) -> str:
    return f"{PREFIX}{version.hex}"


def _version_id(key: str) -> uuid.UUID | None:
    if not key.startswith(PREFIX):
        return None
    try:
        return uuid.UUID(hex=key.removeprefix(PREFIX))
    except ValueError:
        return None


# A version never changes, so it is read once.
@lru_cache(maxsize=1024)
def _declared(pk: uuid.UUID) -> Operation:
    version = RouteVersion.objects.get(pk=pk)
    return replace(custom_operation(version.definition), key=key_of(pk))


def _current(team: Team) -> QuerySet[RouteVersion]:
    there = RouteVersion.objects.filter(route__team=team, route__archived_at=None)
    return there.filter(number=F("route__number")).order_by("route__label", "route__pk")


def declare(team: Team, user: User, definition: Mapping[str, Any], ip: str | None = None) -> TaskRoute:
    """A new route. Raises DefinitionError."""
    operation = custom_operation(definition)
    if TaskRoute.objects.filter(team=team).count() >= MOST_ROUTES:
        raise DefinitionError((TOO_MANY,))
    try:
        with transaction.atomic():
            route = TaskRoute.objects.create(team=team, key=definition["key"], label=operation.label)
            _say(route, user, definition, 1)
            _note(route, user, "route.declare", ip)
    except IntegrityError:
        raise DefinitionError((TAKEN,)) from None
    return route


def change(
    route: TaskRoute, user: User, definition: Mapping[str, Any], *, seen: int, ip: str | None = None
) -> bool:
    """A new version, unless somebody was faster: then False. Raises DefinitionError.

    The key stays what it is. `seen`: the number of the version that was on the page.
    """
    definition = {**definition, "key": route.key}
    operation = custom_operation(definition)
    with transaction.atomic():
        rows = TaskRoute.objects.filter(pk=route.pk, number=seen)
        won = rows.update(number=seen + 1, label=operation.label)
        if won:
            _say(route, user, definition, seen + 1)
            _note(route, user, "route.change", ip, version=seen + 1)
    return won == 1


def archive(route: TaskRoute, user: User, ip: str | None = None) -> bool:
    """Offer it no more. Tasks that were made with it go on."""
    return _put_away(route, user, "route.archive", ip, away=True)


def restore(route: TaskRoute, user: User, ip: str | None = None) -> bool:
    return _put_away(route, user, "route.restore", ip, away=False)


def _put_away(route: TaskRoute, user: User, verb: str, ip: str | None, *, away: bool) -> bool:
    with transaction.atomic():
        rows = TaskRoute.objects.filter(pk=route.pk, archived_at__isnull=away)
        won = rows.update(archived_at=Now() if away else None)
        if won:
            _note(route, user, verb, ip)
    return won == 1


def _say(route: TaskRoute, user: User, definition: Mapping[str, Any], number: int) -> None:
    RouteVersion.objects.create(route=route, number=number, author=user, definition=dict(definition))


def _note(route: TaskRoute, user: User, verb: str, ip: str | None, **detail: Any) -> None:
    audit.record(user, route.team, verb, route.key, ip, **detail)
