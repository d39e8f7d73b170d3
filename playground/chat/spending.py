"""What a run may use: set aside in its budgets before it is sent, settled at its end."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.chat import requests, tree
from playground.chat.models import Run, Turn
from playground.gateway.estimate import estimate
from playground.gateway.wire import FAMILIES
from playground.usage import budgets
from playground.usage.models import Reservation
from playground.usage.prices import Used

PREFIX = "run:"
OVER = "over_budget"


def set_aside(run: Run) -> None:
    """For a run that was just queued, or asks its fallback now, in the caller's transaction.

    Raises budgets.OverBudget.
    """
    _reserve(run, most_output(run.family, run.params.get("params", {})))


def _reserve(run: Run, output: int) -> bool:
    """False: no budget asks."""
    asked = list(budgets.of(run.team_id, run.user_id, budgets.team_keys(run.key)))
    if not asked:
        return False
    wanted = budgets.Wanted(run.team_id, run.user_id, run.key_id, run.family, run.answered_by)
    used = Used(input=_input(run), output=output)
    budgets.reserve(asked, subject=PREFIX + str(run.pk), run=wanted, estimate=used, now=timezone.now())
    return True


def allowed(run: Run) -> int | None:
    """The tokens that were set aside for the answer of a run that begins; None where no budget asks."""
    if not Reservation.objects.filter(subject=PREFIX + str(run.pk)).exists():
        return None
    return most_output(run.family, run.params.get("params", {}))


def extend(run: Run, written: int) -> int | None:
    """For a live run that wrote more than was set aside for it: how much it may write now, None for any.

    Raises budgets.OverBudget when there is no room for more.
    """
    more = written + budgets.USUAL_OUTPUT
    with transaction.atomic():
        return more if _reserve(run, more) else None


def _input(run: Run) -> int:
    """By the length of what is sent; attached files are counted, not read."""
    path = tree.path_through(tree.siblings(run.conversation_id), run.asked_id)
    rows = Turn.objects.select_related("run").in_bulk(path)
    history = requests.without_files([rows[pk] for pk in path])
    return estimate(
        requests.assemble(run.team_id, history, run.family, run.answered_by, run.params).request
    ).tokens


def most_output(family: str, params: dict[str, Any]) -> int:
    """The longest answer that was asked for; without a limit, what is usual."""
    names = [spec.name for spec in FAMILIES[family].params if spec.alike == "max_tokens"]
    limits = [params[name] for name in names if isinstance(params.get(name), int)]
    return limits[0] if limits else budgets.USUAL_OUTPUT


def left(user: User, team_id: uuid.UUID, key: GatewayKey | None) -> list[budgets.Left]:
    """What the person may still use with the key, as the composer shows it."""
    return budgets.left_for(team_id, user.pk, budgets.team_keys(key), timezone.now())


def settle(run: Run, *, told: bool, now: datetime) -> None:
    budgets.settle(PREFIX + str(run.pk), told=told, now=now)


def free(run_id: uuid.UUID) -> None:
    budgets.free(PREFIX + str(run_id))


def sweep(now: datetime) -> None:
    """Give back what is set aside for runs that ended without a record, or are gone."""
    ids = [uuid.UUID(pk) for pk in budgets.out_of_sight(PREFIX, now)]
    if not ids:
        return
    live = set(Run.objects.filter(pk__in=ids, status__in=Run.LIVE).values_list("pk", flat=True))
    for pk in set(ids) - live:
        free(pk)
