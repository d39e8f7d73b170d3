"""What a check may use of a model: set aside in its budgets before it is sent, settled with its record."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.chat.spending import most_output
from playground.gateway.estimate import estimate
from playground.gateway.request import ChatRequest
from playground.usage import budgets
from playground.usage.prices import Used
from playground.verify.exchange import Exchange
from playground.verify.models import CheckRun

PREFIX = "check:"


def subject(run: uuid.UUID, number: int) -> str:
    """The name of a run's `number`th question of a model, in the books and in what is set aside."""
    return f"{PREFIX}{run.hex}:{number}"


def set_aside(
    name: str, user: User | None, key: GatewayKey | None, family: str, request: ChatRequest
) -> None:
    """For a question that is about to be sent. Raises budgets.OverBudget."""
    if user is None or key is None:
        return
    asked = list(budgets.of(key.team_id, user.pk, budgets.team_keys(key)))
    if not asked:
        return
    wanted = budgets.Wanted(key.team_id, user.pk, key.pk, family, request.model)
    used = Used(input=estimate(request).tokens, output=most_output(family, dict(request.params)))
    with transaction.atomic():
        budgets.reserve(asked, subject=name, run=wanted, estimate=used, now=timezone.now())


def known(asked: Exchange) -> bool:
    """Whether it was told what the question used. One that failed before its first word used nothing."""
    usage, answer = asked.transcript.usage, asked.transcript.parts
    return None not in (usage.input_tokens, usage.output_tokens) or (asked.failure is not None and not answer)


def settle(name: str, *, told: bool, now: datetime) -> None:
    budgets.settle(name, told=told, now=now)


def sweep(now: datetime) -> None:
    """What was set aside by runs that are over, and has no record: it was sent, and counts as used."""
    open_by_run: dict[uuid.UUID, list[str]] = {}
    for rest in budgets.out_of_sight(PREFIX, now):
        open_by_run.setdefault(uuid.UUID(rest.partition(":")[0]), []).append(PREFIX + rest)
    live = CheckRun.objects.filter(pk__in=list(open_by_run), state__in=CheckRun.LIVE)
    for run in set(open_by_run) - set(live.values_list("pk", flat=True)):
        for name in open_by_run[run]:
            settle(name, told=False, now=now)
