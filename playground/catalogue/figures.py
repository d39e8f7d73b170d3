"""What a model did for the team in the last seven days: how often it ended well, and how quick it was."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, DateTimeField, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import Role, Team, User
from playground.chat.models import Run
from playground.ops.models import UsageRecord

WEEK = timedelta(days=7)
# Medians of so many newest answers: a model may have had hundreds of thousands in a week.
SAMPLE = 1000
GOOD = frozenset({"finished", "succeeded"})
# What a person ended says nothing of the model.
SILENT = frozenset({"stopped", "cancelled"})
# A shorter time than this between first token and end is the clock's, not the model's.
SHORTEST_MS = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """`ended` counts what ended by itself; None is unknown. `sampled` answers made the medians; `whole` says
    that these are all there were. `everybody`: of the whole team, else of the person alone. `firsts`,
    `speeds` and `times` are how many answers each median rests on.
    """

    ended: int
    good: int
    first_token_ms: float | None
    firsts: int
    tokens_per_s: float | None
    speeds: int
    took_ms: float | None
    times: int
    sampled: int
    whole: bool
    everybody: bool

    @property
    def success(self) -> float | None:
        return 100 * self.good / self.ended if self.ended else None


Answer = tuple[str, str, int | None, int | None]


def of(team: Team, user: User, role: int, model: str, now: datetime) -> Figures:
    """Three queries, however many runs there were."""
    return of_each(team, user, role, [model], now)[model]


def of_each(team: Team, user: User, role: int, models: Collection[str], now: datetime) -> dict[str, Figures]:
    """Of each model; three queries, however many models and runs there are."""
    since, everybody = now - WEEK, role >= Role.ADMIN
    rows = UsageRecord.objects.filter(team=team, model__in=models, at__gte=since)
    if not everybody:
        rows = rows.filter(user=user)
    outcomes: dict[str, dict[str, int]] = {model: {} for model in models}
    for model, outcome, many in rows.values_list("model", "outcome").annotate(many=Count("pk")).order_by():
        if outcome not in SILENT:
            outcomes[model][outcome] = many
    newest = _newest(rows, models, since)
    firsts = _first_tokens(answer[0] for told in newest.values() for answer in told if answer[1] in GOOD)
    return {model: _figures(outcomes[model], newest[model], firsts, everybody) for model in models}


def _newest(rows: QuerySet[UsageRecord], models: Collection[str], since: datetime) -> dict[str, list[Answer]]:
    """Subject, outcome, output tokens and time of the newest answers of each model."""
    wanted = Q()
    for model in models:
        # Where the sample begins is one look into the index; a week may hold a hundred times the sample.
        last = rows.filter(model=model).order_by("-at").values("at")[SAMPLE - 1 : SAMPLE]
        begins = Coalesce(Subquery(last), Value(since, output_field=DateTimeField()))
        wanted |= Q(model=model, at__gte=begins)
    found: dict[str, list[Answer]] = {model: [] for model in models}
    told = rows.filter(wanted).order_by("-at") if models else rows.none()
    answers = told.values_list("model", "subject", "outcome", "output_tokens", "latency_ms")
    for model, subject, outcome, tokens, took in answers:
        if len(found[model]) < SAMPLE:
            found[model].append((subject, outcome, tokens, took))
    return found


def _figures(
    outcomes: dict[str, int], newest: list[Answer], firsts: dict[str, int], everybody: bool
) -> Figures:
    begun_ms, speeds, times = [], [], []
    for subject, outcome, tokens, took in newest:
        if outcome not in GOOD:
            continue
        begun = firsts.get(subject)
        if begun is not None:
            begun_ms.append(begun)
        if took is not None:
            times.append(took)
            if tokens and begun is not None and took - begun >= SHORTEST_MS:
                speeds.append(1000 * tokens / (took - begun))
    return Figures(
        ended=sum(outcomes.values()),
        good=sum(many for outcome, many in outcomes.items() if outcome in GOOD),
        first_token_ms=median(begun_ms) if begun_ms else None,
        firsts=len(begun_ms),
        tokens_per_s=median(speeds) if speeds else None,
        speeds=len(speeds),
        took_ms=median(times) if times else None,
        times=len(times),
        sampled=len(newest),
        whole=len(newest) < SAMPLE,
        everybody=everybody,
    )


def _first_tokens(subjects: Iterable[str]) -> dict[str, int]:
    """Milliseconds to the first token, of the chat runs among these."""
    pks = [
        uuid.UUID(subject[4:]) for subject in subjects if subject.startswith("run:") and len(subject) == 40
    ]
    rows = Run.objects.filter(pk__in=pks).values_list("pk", "first_token_ms") if pks else ()
    return {f"run:{pk}": ms for pk, ms in rows if ms is not None}
