"""Budgets: what is set aside, what is refused and in which words, and that many at once stay within."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import AuditEvent, GatewayKey, Team, User
from playground.usage import budgets, prices
from playground.usage.budgets import OverBudget, Wanted
from playground.usage.models import NANO, Budget, Reservation
from playground.usage.prices import Figures, Used
from tests.usage.records import fold_all, used

NOW = datetime(2026, 5, 14, 10, 0, tzinfo=UTC)


def put(team: Team, owner: User, limit: int, **about: object) -> Budget:
    fields = {"key": None, "person": owner, "period": "day", "measure": "tokens", "warn_percent": 80}
    return budgets.put(team, owner, limit=limit, **fields | about)  # type: ignore[arg-type] # a test's short cut


def reserve(team: Team, user: User, tokens: int, *, key: GatewayKey | None = None, subject: str = "") -> None:
    asked = list(budgets.of(team.pk, user.pk, budgets.team_keys(key)))
    wanted = Wanted(team.pk, user.pk, key.pk if key else None, "openai_chat", "m-1")
    with transaction.atomic():
        budgets.reserve(
            asked,
            subject=subject or f"run:{uuid.uuid4()}",
            run=wanted,
            estimate=Used(input=tokens, output=0),
            now=NOW,
        )


def standing(budget: Budget, now: datetime = NOW) -> budgets.Left:
    return budgets.standing([budget], now)[0]


def test_what_was_used_and_what_is_set_aside_leave_the_rest(database: str, team: Team, owner: User) -> None:
    budget = put(team, owner, 5000)
    used(team, owner, at=NOW)
    reserve(team, owner, 700)
    left = standing(budget)
    assert (left.used, left.set_aside, left.left, left.state) == (1100, 700, 3200, "good")
    fold_all()
    assert standing(budget).used == 1100


def test_without_a_budget_nothing_is_set_aside(database: str, team: Team, owner: User) -> None:
    reserve(team, owner, 10**9)
    assert not Reservation.objects.exists()


def test_a_run_that_does_not_fit_is_refused_in_words(database: str, team: Team, owner: User) -> None:
    put(team, owner, 1500)
    used(team, owner, at=NOW)
    with pytest.raises(OverBudget) as caught:
        reserve(team, owner, 500)
    words = str(caught.value)
    assert "You have used 1,100 tokens of 1,500 tokens today" in words
    assert "This may need 500 tokens." in words
    assert "15 May, 00:00" in words
    assert not Reservation.objects.exists()


def test_another_day_begins_anew_and_a_month_does_not(database: str, team: Team, owner: User) -> None:
    day, month = put(team, owner, 1500), put(team, owner, 1500, period="month")
    used(team, owner, at=NOW - timedelta(days=1))
    used(team, owner, at=NOW - timedelta(days=40))
    assert (standing(day).used, standing(month).used) == (0, 1100)
    assert standing(month).resets_at == datetime(2026, 6, 1, tzinfo=UTC)


def test_a_key_has_its_budget_whoever_uses_it(
    database: str, team: Team, owner: User, mate: User, team_key: GatewayKey
) -> None:
    budget = put(team, owner, 2500, key=team_key, person=None)
    used(team, owner, at=NOW, key=team_key)
    used(team, mate, at=NOW, key=team_key)
    used(team, mate, at=NOW)
    assert standing(budget).used == 2200
    with pytest.raises(OverBudget, match="The team key “Shared” has used"):
        reserve(team, mate, 500, key=team_key)
    reserve(team, mate, 500)


def test_money_counts_by_the_prices_and_says_what_has_none(database: str, team: Team, owner: User) -> None:
    prices.enter(
        team, owner, "openai_chat", "m-1", NOW - timedelta(days=9), Figures(Decimal(1000), Decimal(1000))
    )
    budget = put(team, owner, int(2 * NANO), measure="money")
    used(team, owner, at=NOW)
    used(team, owner, at=NOW, model="m-2")
    left = standing(budget)
    assert (left.used, left.unpriced_tokens) == (1_100_000_000, 1100)
    assert left.used_words == "1.10 USD"
    with pytest.raises(OverBudget, match="1.10 USD of 2.00 USD"):
        reserve(team, owner, 1000)
    reserve(team, owner, 100)


def test_a_model_without_a_price_is_not_held_back_by_money(database: str, team: Team, owner: User) -> None:
    put(team, owner, int(NANO), measure="money")
    reserve(team, owner, 10**6)
    assert Reservation.objects.get().nano is None


def test_a_soft_warning_comes_at_its_share(database: str, team: Team, owner: User) -> None:
    budget = put(team, owner, 2000, warn_percent=50)
    used(team, owner, at=NOW)
    assert standing(budget).state == "low"
    used(team, owner, at=NOW)
    assert standing(budget).state == "spent"


def test_the_end_of_a_run_frees_what_was_told_and_keeps_what_was_not(
    database: str, team: Team, owner: User
) -> None:
    budget = put(team, owner, 5000)
    for subject in ("run:told", "run:silent", "run:never"):
        reserve(team, owner, 1000, subject=subject)
    budgets.settle("run:told", told=True, now=NOW)
    budgets.settle("run:silent", told=False, now=NOW)
    budgets.free("run:never")
    budgets.free("run:silent")
    assert list(Reservation.objects.values_list("subject", flat=True)) == ["run:silent"]
    assert standing(budget).set_aside == 1000
    assert standing(budget, NOW + timedelta(days=1)).set_aside == 0


def test_a_run_that_asks_another_model_sets_aside_anew_and_is_not_counted_twice(
    database: str, team: Team, owner: User
) -> None:
    budget = put(team, owner, 1000)
    reserve(team, owner, 600, subject="run:one")
    reserve(team, owner, 900, subject="run:one")
    assert standing(budget).set_aside == 900
    with pytest.raises(OverBudget):
        reserve(team, owner, 1100, subject="run:one")
    assert standing(budget).set_aside == 900


def test_setting_and_removing_a_budget_is_on_record(database: str, team: Team, owner: User) -> None:
    budget = put(team, owner, 5000)
    put(team, owner, 6000)
    budget.refresh_from_db()
    assert budget.limit == 6000
    budgets.remove(budget, owner)
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["budget.set", "budget.set", "budget.remove"]


@pytest.fixture
def team_key(team: Team, owner: User) -> GatewayKey:
    return GatewayKey.objects.create(team=team, owner=owner, shared=True, label="Shared", base_url="http://x")
