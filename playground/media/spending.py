"""What a task may cost: set aside in its budgets before it is sent, settled at its end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from accounts.models import GatewayKey, Team, User
from playground.media import measures
from playground.media.models import LIVE, MediaTask, Status
from playground.usage import budgets
from playground.usage.prices import Used

PREFIX = "task:"


def set_aside(task: MediaTask, now: datetime) -> None:
    """For a task that was just written, in its transaction. Raises budgets.OverBudget."""
    asked = list(budgets.of(task.team_id, task.user_id, budgets.team_keys(task.key)))
    if not asked:
        return
    milli = measures.wanted(task)
    units = None if milli is None else Decimal(milli) / 1000
    run = budgets.Wanted(task.team_id, task.user_id, task.key_id, task.family, task.model)
    used = Used(units=units, unit=measures.unit_of(task))
    budgets.reserve(asked, subject=PREFIX + str(task.pk), run=run, estimate=used, now=now)


def left(user: User, team: Team, keys: Iterable[GatewayKey], now: datetime) -> list[budgets.Left]:
    """What the person may still use with any of these keys, as the form shows it."""
    return budgets.left_for(team.pk, user.pk, budgets.team_keys(*keys), now)


def settle(task: MediaTask, status: str, milli: int | None, now: datetime) -> None:
    """A failed task is not taken to be charged; what became of one that was lost sight of is not known."""
    told = milli is not None or status == Status.FAILED
    budgets.settle(PREFIX + str(task.pk), told=told, now=now)


def sweep(now: datetime) -> None:
    """Give back what is set aside for tasks that ended without a record, or are gone."""
    ids = [uuid.UUID(pk) for pk in budgets.out_of_sight(PREFIX, now)]
    if not ids:
        return
    live = set(MediaTask.objects.filter(pk__in=ids, status__in=LIVE).values_list("pk", flat=True))
    for pk in set(ids) - live:
        budgets.free(PREFIX + str(pk))
