"""A chat run and its budgets: set aside when it is sent, settled at its end, refused without room."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import ledger, spending, turns
from playground.chat.models import Conversation, Run, Turn
from playground.gateway.events import Usage
from playground.usage import budgets, prices
from playground.usage.models import NANO, Budget, Reservation
from playground.usage.prices import Figures
from tests._servers.goods import finish


@pytest.fixture
def budget(team: Team, owner: User) -> Budget:
    return budgets.put(
        team, owner, key=None, person=owner, period="day", measure="tokens", limit=6000, warn_percent=80
    )


def ask(owner: User, team: Team, chosen: dict[str, Any], text: str = "Why?") -> Run:
    talk = turns.start(owner, team, id=uuid.uuid4(), settings=chosen)
    return turns.ask(talk, owner, turn_id=uuid.uuid4(), text=text, images=[], settings=chosen)


def test_a_question_sets_aside_its_own_length_and_the_longest_answer(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    params = {"max_tokens": {"on": True, "value": 500}}
    run = ask(owner, team, chosen | {"params": params}, "word " * 100)
    kept = Reservation.objects.get(subject=f"run:{run.pk}")
    assert 600 < kept.tokens < 700
    other = ask(owner, team, chosen)
    assert Reservation.objects.get(subject=f"run:{other.pk}").tokens > budgets.USUAL_OUTPUT


def test_a_question_without_room_is_not_asked_and_nothing_is_kept_of_it(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    ask(owner, team, chosen)
    before = (Turn.objects.count(), Run.objects.count(), Reservation.objects.count())
    with pytest.raises(turns.Refused, match="The budget is used up"):
        ask(owner, team, chosen)
    assert (Turn.objects.count(), Run.objects.count(), Reservation.objects.count()) == before


def test_the_end_of_a_run_frees_what_was_set_aside(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    run, now = ask(owner, team, chosen), timezone.now()
    claim = ledger.claim(run.pk, "me", now)
    assert claim is not None
    used = Usage(input_tokens=20, output_tokens=30)
    ledger.finish(claim, "me", ledger.Outcome("finished", [], used), now, lambda _: None)
    assert not Reservation.objects.exists()
    (left,) = budgets.standing([budget], now)
    assert (left.used, left.left) == (50, 5950)


def test_a_run_whose_process_died_keeps_what_it_may_have_used(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    run, now = ask(owner, team, chosen), timezone.now()
    Run.objects.filter(pk=run.pk).update(status="running", owner="x", lease_until=now - timedelta(minutes=1))
    ledger.sweep(now)
    assert Reservation.objects.get().kept_at == now


def test_a_run_that_is_stopped_before_it_was_sent_costs_nothing(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    turns.stop(ask(owner, team, chosen), timezone.now())
    assert not Reservation.objects.exists()


def test_what_is_set_aside_for_a_run_that_is_gone_is_given_back(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    gone, live = ask(owner, team, chosen | {"params": {"max_tokens": {"on": True, "value": 9}}}), None
    Conversation.objects.filter(pk=gone.conversation_id).delete()
    live = ask(owner, team, chosen)
    spending.sweep(timezone.now())
    assert Reservation.objects.count() == 2
    spending.sweep(timezone.now() + budgets.OUT_OF_SIGHT * 2)
    assert Reservation.objects.get().subject == f"run:{live.pk}"


HANDED_OVER = {
    "model": "m-1", "ms": 5, "status": 503, "error": "upstream_unavailable", "request_id": "",
    "fallback": "m-2", "workload": "chat",
}  # fmt: skip


@pytest.mark.parametrize(("dear", "set_aside"), [(5, 5), (20, 1)])
def test_a_fallback_is_set_aside_at_its_own_price_or_not_asked(
    owner: User, team: Team, chosen: dict[str, Any], dear: int, set_aside: int
) -> None:
    now, since = timezone.now(), timezone.now() - timedelta(days=1)
    for model, output in (("m-1", 1), ("m-2", dear)):
        said = Figures(input=Decimal(0), output=Decimal(1000 * output))
        prices.enter(team, owner, "openai_chat", model, since, said)
    limit = int(10 * NANO)
    budgets.put(
        team, owner, key=None, person=owner, period="day", measure="money", limit=limit, warn_percent=80
    )
    params = {"max_tokens": {"on": True, "value": 1000}}
    other = {"on": True, "model": "m-2", "ask": False}
    run = ask(owner, team, chosen | {"model": "m-1", "params": params, "fallback": other})
    claim = ledger.claim(run.pk, "me", now)
    assert claim is not None
    after = ledger.fall_back(claim, [HANDED_OVER], now)
    assert Reservation.objects.get().nano == set_aside * NANO
    refusal = after.refusal
    assert (refusal is not None and refusal.code == "over_budget") is (dear > 10)
    if refusal is not None and dear > 10:
        assert "The budget is used up" in refusal.message
        assert after.built is None


def test_an_own_key_has_no_budget_and_a_team_key_has(
    owner: User, team: Team, chosen: dict[str, Any], key: GatewayKey
) -> None:
    budgets.put(team, owner, key=key, person=None, period="day", measure="tokens", limit=1, warn_percent=80)
    ask(owner, team, chosen)
    GatewayKey.objects.filter(pk=key.pk).update(shared=True)
    with pytest.raises(turns.Refused, match="The team key “Main” has used 0 tokens of 1 tokens today"):
        ask(owner, team, chosen)


def test_the_composer_shows_what_is_left(
    client: Client, owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    client.force_login(owner)
    session = client.session
    session["team"] = str(team.pk)
    session.save()
    assert "6,000 tokens left" in client.get("/chat/").content.decode()
    run = ask(owner, team, chosen)
    finish(run)
    told = client.post(f"/chat/{run.conversation_id}/tokens", chosen | {"text": "More?", "stream": "on"})
    assert "tokens left" in told.content.decode()
