"""Usage records as runs and tasks write them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from accounts.models import Team, User
from playground.ops.models import UsageRecord
from playground.usage import rollups
from playground.usage.models import Fact, Rollup

NOON = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def used(team: Team, user: User | None = None, **about: Any) -> UsageRecord:
    """A finished chat run of the team."""
    fields: dict[str, Any] = {
        "subject": f"run:{uuid.uuid4()}",
        "family": "openai_chat",
        "model": "m-1",
        "outcome": "finished",
        "at": NOON,
        "latency_ms": 700,
        "input_tokens": 1000,
        "output_tokens": 100,
    }
    return UsageRecord.objects.create(team=team, user=user, **fields | about)


def fold_all() -> None:
    while rollups.fold():
        pass
    assert not Fact.objects.exists()


FIGURES = (*rollups.PLACE, *rollups.SUMS)


def all_rollups() -> set[tuple[Any, ...]]:
    return set(Rollup.objects.values_list(*FIGURES))


def rebuild(team: Team) -> None:
    for day in rollups.days_of(team.pk):
        rollups.rebuild_day(team.pk, day)
