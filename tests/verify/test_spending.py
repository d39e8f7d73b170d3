"""Checks and budgets: what a question of a model may use is set aside before it is sent, as for any run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.gateway.request import ChatRequest, Message, TextPart
from playground.ops.models import UsageRecord
from playground.usage import budgets
from playground.usage.models import Budget, Reservation
from playground.verify import runs, setups, spending
from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import named
from tests.verify.conftest import HERE, Verify

QUESTION = ChatRequest(model="demo-chat", messages=(Message("user", (TextPart("Hello"),)),))


def put(team: Team, owner: User, key: GatewayKey, limit: int) -> Budget:
    return budgets.put(
        team, owner, key=key, person=None, period="day", measure="tokens", limit=limit, warn_percent=80
    )


def test_what_checks_used_counts_in_the_budget_of_the_key(
    verify: Verify, team: Team, owner: User, key: GatewayKey
) -> None:
    budget = put(team, owner, key, 50_000)
    verify(["reply.openai_chat", "stream.openai_chat"])
    records = UsageRecord.objects.filter(subject__startswith="check:")
    used = sum((row.input_tokens or 0) + (row.output_tokens or 0) for row in records)
    assert records.count() == 2
    (left,) = budgets.standing([budget], timezone.now())
    assert (left.used, left.set_aside) == (used, 0)


def test_a_check_without_room_in_the_budget_asks_nothing_and_says_why(
    verify: Verify, team: Team, owner: User, key: GatewayKey
) -> None:
    put(team, owner, key, 100)
    rows = verify(["key", "reply.openai_chat"])
    assert rows["key"].state == CheckResult.State.PASSED
    assert rows["reply.openai_chat"].state == CheckResult.State.SKIPPED
    assert "The budget is used up: The team key “Main”" in rows["reply.openai_chat"].said
    assert not UsageRecord.objects.exists()


@pytest.mark.parametrize(("state", "kept"), [("running", False), ("interrupted", True)])
def test_what_a_lost_check_may_have_used_stays_counted(
    team: Team, owner: User, key: GatewayKey, state: str, kept: bool
) -> None:
    put(team, owner, key, 50_000)
    run = runs.begin(owner, team, key, named(["key"]), setups.chosen(key))
    now = timezone.now()
    assert runs.take(run.pk, HERE, now)
    spending.set_aside(spending.subject(run.pk, 1), owner, key, "openai_chat", QUESTION)
    ended = None if state == "running" else now
    CheckRun.objects.filter(pk=run.pk).update(
        state=state, ended_at=ended, lease_until=now + timedelta(hours=1)
    )
    runs.sweep(now + budgets.OUT_OF_SIGHT * 2)
    row = Reservation.objects.get()
    assert row.tokens > budgets.USUAL_OUTPUT
    assert (row.kept_at is not None) is kept
