"""What a person owns in a team, whichever app keeps it, and how it gets another owner.

No app has to register: a model that names its team and has an `owner` is found by that, as `access` finds
its rows. Only what the heir could see before is handed over (the model's `visible_to`): a private
conversation stays private when its owner leaves, and is there again if they come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q

from accounts.models import Team, User


@dataclass(frozen=True, slots=True)
class Belongings:
    """How many things of one kind there are; `shared` of them go to the heir."""

    kind: str
    shared: int
    private: int


def of(user: User, team: Team, heir: User) -> list[Belongings]:
    found = []
    for model in owned():
        rows = model._default_manager.filter(team=team, owner=user)
        shared = rows.filter(_seen_by(model, heir)).count()
        if every := rows.count():
            found.append(Belongings(str(model._meta.verbose_name_plural), shared, every - shared))
    return found


def hand_over(team: Team, leaver: User, heir: User) -> dict[str, int]:
    """Give the heir what they can see of the leaver's; how many of each kind, by its name."""
    handed = {}
    for model in owned():
        rows = model._default_manager.filter(_seen_by(model, heir), team=team, owner=leaver)
        # By id: the new owner changes what the rule of sight says.
        pks = list(rows.values_list("pk", flat=True))
        if pks:
            model._default_manager.filter(pk__in=pks).update(owner=heir)
            handed[str(model._meta.verbose_name_plural)] = len(pks)
    return handed


def in_team(team: Team) -> list[tuple[str, int]]:
    """Everything that goes with a team, by kind, the most first."""
    found = []
    for model in apps.get_models():
        if not _points_at(model, "team", Team):
            continue
        if many := model._default_manager.filter(team=team).count():
            found.append((str(model._meta.verbose_name_plural), many))
    return sorted(found, key=lambda row: -row[1])


def owned() -> Iterator[type[models.Model]]:
    """Every model whose rows a person owns in a team."""
    for model in apps.get_models():
        if _points_at(model, "owner", User) and _points_at(model, "team", Team):
            yield model


def _points_at(model: type[models.Model], name: str, to: type[models.Model]) -> bool:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return bool(field.many_to_one) and field.related_model is to


def _seen_by(model: type[models.Model], user: User) -> Q:
    rule = getattr(model, "visible_to", None)
    return rule(user) if rule is not None else Q()
