"""Prices and budgets as admins keep them at the screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, GatewayKey, Team, User
from playground.usage import prices
from playground.usage.models import Budget, Price

SignIn = Callable[[User], Client]
MODEL = "/usage/prices/model/?family=openai_chat&model=m-1"


def price(**said: str) -> dict[str, str]:
    return {"since": "2026-05-01", "input": "1.25", "output": "10"} | said


def test_an_admin_sets_a_price_and_a_cost_is_known(sign_in: SignIn, team: Team, owner: User) -> None:
    client = sign_in(owner)
    assert client.post(MODEL, price(cache_read="0.125")).status_code == 302
    row = Price.objects.get()
    assert (row.input_micro, row.cache_read_micro, row.made_by) == (1_250_000, 125_000, owner)
    cost = prices.cost(team.pk, "openai_chat", "m-1", timezone.now(), input=1000, output=100)
    assert cost == Decimal("0.00225")
    assert prices.cost(team.pk, "openai_chat", "m-1", timezone.now(), input=1000) is None
    assert (
        prices.cost(team.pk, "openai_chat", "m-1", row.since - timedelta(days=1), input=1, output=1) is None
    )
    page = client.get(MODEL).content.decode()
    assert "input 1.25" in page
    assert "In force" in page
    event = AuditEvent.objects.get(verb="price.set")
    assert event.detail["output"] == "10"


def test_a_price_of_the_same_day_takes_its_place_and_the_old_one_stays_to_be_read(
    sign_in: SignIn, team: Team, owner: User
) -> None:
    client = sign_in(owner)
    client.post(MODEL, price())
    client.post(MODEL, price(input="2"))
    client.post(MODEL, price(since="2026-04-01", input="3"))
    live = Price.objects.filter(replaced_at=None).order_by("since")
    assert [row.input_micro for row in live] == [3_000_000, 2_000_000]
    assert live[0].until == live[1].since
    assert "Replaced or taken back" in client.get(MODEL).content.decode()


def test_a_price_that_is_taken_back_leaves_the_one_before(sign_in: SignIn, team: Team, owner: User) -> None:
    client = sign_in(owner)
    client.post(MODEL, price(since="2026-04-01"))
    client.post(MODEL, price(input="2"))
    newest = Price.objects.get(input_micro=2_000_000)
    assert client.post(f"/usage/prices/{newest.pk}/take-back/").status_code == 302
    held = prices.in_force(team.pk, "openai_chat", "m-1", timezone.now())
    assert held is not None and held.input_micro == 1_250_000 and held.until is None
    assert AuditEvent.objects.filter(verb="price.remove").count() == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"output": ""}, "Give input and output both"),
        ({"per_unit": "1"}, "needs both the figure and what it is of"),
        ({"per_unit": "1", "unit": "image"}, "by tokens or by units, not both"),
        ({"input": "-1"}, "greater than or equal to 0"),
        ({"input": "100001"}, "less than or equal to 100000"),
        ({"since": "soon"}, "Enter a valid date"),
    ],
)
def test_a_price_that_cannot_be_comes_back_with_the_reason(
    sign_in: SignIn, team: Team, owner: User, said: dict[str, str], words: str
) -> None:
    response = sign_in(owner).post(MODEL, price(**said))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Price.objects.exists()


def test_members_look_and_change_nothing(sign_in: SignIn, team: Team, mate: User) -> None:
    client = sign_in(mate)
    assert client.get(MODEL).status_code == 200
    assert client.post(MODEL, price()).status_code == 403
    assert client.post("/usage/prices/", {"code": "EUR"}).status_code == 403
    assert client.post("/usage/budgets/", {}).status_code == 403
    assert not Price.objects.exists()


def test_the_currency_is_the_teams(sign_in: SignIn, team: Team, owner: User) -> None:
    client = sign_in(owner)
    assert client.post("/usage/prices/", {"code": "dollars"}).status_code == 422
    assert client.post("/usage/prices/", {"code": "eur"}).status_code == 302
    assert prices.currency(team.pk) == "EUR"
    assert "in EUR" in client.get("/usage/").content.decode()


@pytest.mark.parametrize("away", ["//evil.example/", "https://evil.example/", "javascript:alert(1)"])
def test_after_a_price_nobody_is_sent_away_from_here(
    sign_in: SignIn, team: Team, owner: User, away: str
) -> None:
    response = sign_in(owner).post(f"{MODEL}&next={away}", price())
    assert response.headers["Location"] == MODEL


def test_after_a_price_the_page_that_asked_comes_back(sign_in: SignIn, team: Team, owner: User) -> None:
    response = sign_in(owner).post(f"{MODEL}&next=/models/x/", price())
    assert response.headers["Location"] == "/models/x/"


@pytest.fixture
def team_key(team: Team, owner: User) -> GatewayKey:
    return GatewayKey.objects.create(
        team=team, owner=owner, shared=True, label="Shared", base_url="http://x", last4="abcd"
    )


def budget(holder: Any, **said: str) -> dict[str, str]:
    return {
        "holder": holder, "measure": "tokens", "limit": "5000", "period": "day", "warn_percent": "80"
    } | said  # fmt: skip


def test_an_admin_sets_and_removes_a_budget(
    sign_in: SignIn, team: Team, owner: User, mate: User, team_key: GatewayKey
) -> None:
    client = sign_in(owner)
    assert client.post("/usage/budgets/", budget(f"key:{team_key.pk}")).status_code == 302
    money = budget(f"person:{mate.pk}", measure="money", limit="12.50", period="month")
    assert client.post("/usage/budgets/", money).status_code == 302
    page = client.get("/usage/budgets/").content.decode()
    assert "5,000 tokens a day" in page
    assert "12.50 USD a month" in page
    row = Budget.objects.get(person=mate)
    assert client.post(f"/usage/budgets/{row.pk}/remove/").status_code == 302
    assert Budget.objects.get().key == team_key


def test_one_sees_ones_own_budget_and_those_of_team_keys(
    sign_in: SignIn, team: Team, owner: User, mate: User, viewer: User, team_key: GatewayKey
) -> None:
    client = sign_in(owner)
    client.post("/usage/budgets/", budget(f"key:{team_key.pk}"))
    client.post("/usage/budgets/", budget(f"person:{mate.pk}", limit="777"))
    mine = sign_in(mate).get("/usage/budgets/").content.decode()
    assert "777 tokens" in mine and "Shared" in mine
    other = sign_in(viewer).get("/usage/budgets/").content.decode()
    assert "777 tokens" not in other and "Shared" in other


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"limit": "1.5"}, "Tokens are whole"),
        ({"limit": ""}, "required"),
        ({"holder": "person:6e6f7065-0000-4000-8000-000000000000"}, "valid choice"),
        ({"warn_percent": "101"}, "less than or equal to 100"),
    ],
)
def test_a_budget_that_cannot_be_comes_back_with_the_reason(
    sign_in: SignIn, team: Team, owner: User, said: dict[str, str], words: str
) -> None:
    response = sign_in(owner).post("/usage/budgets/", budget(f"person:{owner.pk}") | said)
    assert response.status_code == 422
    assert words in response.content.decode()


def test_somebody_of_another_team_gets_no_budget_here(
    sign_in: SignIn, team: Team, owner: User, stranger: User
) -> None:
    response = sign_in(owner).post("/usage/budgets/", budget(f"person:{stranger.pk}"))
    assert response.status_code == 422
