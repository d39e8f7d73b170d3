"""The figures of the last answers side by side: what is told, what is not, and which is the best."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from playground.chat.models import Conversation
from playground.usage import prices
from playground.usage.prices import Figures
from tests._servers.goods import finish
from tests.compare.asking import Compared, SignIn, follow_up, runs_of, settle, took, url

pytestmark = pytest.mark.usefixtures("database")
NOT_TOLD = ["not told"] * 2


def figures(sign_in: SignIn, owner: User, talk: Conversation) -> dict[str, list[str]]:
    """The rows by their label; the best has a star before it."""
    html = sign_in(owner).get(url("figures", talk)).content.decode()
    rows = re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', html)
    best = r"<strong>(.*?)</strong> <span class=\"badge good\">best</span>"
    return {
        label: [re.sub(best, r"*\1", cell) for cell in re.findall(r'<td class="num">(.*?)</td>', cells)]
        for label, cells in rows
    }


def told(talk: Conversation, model: str, ms: int, **facts: Any) -> None:
    took(runs_of(talk)[model], ms, **facts)


def test_the_quickest_the_fastest_and_the_cheapest_are_marked(
    sign_in: SignIn, owner: User, team: Team, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3")
    told(talk, "m-1", 3000, first_token_ms=1000, input_tokens=10, output_tokens=2000)
    told(talk, "m-2", 2000, first_token_ms=1500, input_tokens=20, output_tokens=20)
    told(talk, "m-3", 12_400, first_token_ms=400, input_tokens=1234, output_tokens=120)
    since = timezone.now() - timedelta(days=1)
    for model, output in (("m-1", 1), ("m-2", 50), ("m-3", 20)):
        said = Figures(input=Decimal(0), output=Decimal(output))
        prices.enter(team, owner, "openai_chat", model, since, said)
    assert figures(sign_in, owner, talk) == {
        "First token": ["1.00 s", "1.50 s", "*400 ms"],
        "Whole answer": ["3.00 s", "*2.00 s", "12.4 s"],
        "Tokens a second": ["*1,000.0", "40.0", "10.0"],
        "Tokens in": ["10", "20", "1,234"],
        "Tokens out": ["2,000", "20", "120"],
        "Cost": ["0.002 USD", "*0.001 USD", "0.0024 USD"],
    }


def test_what_was_not_told_is_said_and_never_the_best(
    sign_in: SignIn, owner: User, team: Team, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3")
    told(talk, "m-1", 2000, first_token_ms=1000, output_tokens=50, input_tokens=5)
    told(talk, "m-2", 1000, first_token_ms=500)
    told(talk, "m-3", 3000, output_tokens=30, input_tokens=5)
    since = timezone.now() - timedelta(days=1)
    for model in ("m-1", "m-2"):
        prices.enter(team, owner, "openai_chat", model, since, Figures(input=Decimal(0), output=Decimal(10)))
    assert figures(sign_in, owner, talk) == {
        "First token": ["1.00 s", "*500 ms", "not told"],
        "Whole answer": ["2.00 s", "*1.00 s", "3.00 s"],
        "Tokens a second": ["*50.0", "not told", "10.0"],
        "Tokens in": ["5", "not told", "5"],
        "Tokens out": ["50", "not told", "30"],
        # One known cost is the best of nothing.
        "Cost": ["0.0005 USD", "unknown", "unknown"],
    }


def test_equal_figures_are_no_ones_best_and_two_that_lead_are_both(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3")
    for model, first_token_ms in (("m-1", 300), ("m-2", 300), ("m-3", 900)):
        told(talk, model, 2000, first_token_ms=first_token_ms)
    shown = figures(sign_in, owner, talk)
    assert shown["First token"] == ["*300 ms", "*300 ms", "900 ms"]
    assert shown["Whole answer"] == ["2.00 s"] * 3


@pytest.mark.parametrize("status", ["failed", "stopped", "interrupted", "queued", "running"])
def test_an_answer_that_did_not_come_to_its_end_has_no_figures(
    status: str, sign_in: SignIn, owner: User, team: Team, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3")
    since = timezone.now() - timedelta(days=1)
    facts = {"input_tokens": 5, "output_tokens": 50}
    for model, ms in (("m-1", 100), ("m-2", 2000), ("m-3", 3000)):
        said = Figures(input=Decimal(1), output=Decimal(10))
        prices.enter(team, owner, "openai_chat", model, since, said)
        told(talk, model, ms, first_token_ms=ms // 2, **facts)
    live = status in ("queued", "running")
    run = runs_of(talk)["m-1"]
    run.status, run.ended_at = status, None if live else run.ended_at
    run.save()
    shown = figures(sign_in, owner, talk)
    assert [row[0] for row in shown.values()] == ["not told"] * 5 + ["unknown"]
    assert shown["First token"] == ["not told", "*1.00 s", "1.50 s"]


def test_they_are_those_of_the_last_question(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk = compared(owner)
    told(talk, "m-1", 1000, first_token_ms=100)
    told(talk, "m-2", 2000, first_token_ms=200)
    assert figures(sign_in, owner, talk)["First token"] == ["*100 ms", "200 ms"]
    follow_up(sign_in(owner), talk)
    assert figures(sign_in, owner, talk)["First token"] == NOT_TOLD
    settle(talk)
    told(talk, "m-1", 1000, first_token_ms=800)
    told(talk, "m-2", 2000, first_token_ms=700)
    assert figures(sign_in, owner, talk)["First token"] == ["800 ms", "*700 ms"]


def test_an_answer_asked_for_again_has_its_own_figures(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner)
    for model, ms in (("m-1", 100), ("m-2", 200)):
        told(talk, model, 5000, first_token_ms=ms)
    sign_in(owner).post(url("again", talk), {"lane": 1})
    finish(runs_of(talk)["m-1"])
    told(talk, "m-1", 5000, first_token_ms=900)
    assert figures(sign_in, owner, talk)["First token"] == ["900 ms", "*200 ms"]


def test_what_a_fallback_answered_costs_what_the_fallback_costs(
    sign_in: SignIn, owner: User, team: Team, compared: Compared
) -> None:
    talk, since = compared(owner), timezone.now() - timedelta(days=1)
    for model, output in (("m-1", 10), ("other", 30)):
        prices.enter(
            team, owner, "openai_chat", model, since, Figures(input=Decimal(0), output=Decimal(output))
        )
    attempts = [{"model": "m-1", "status": 503, "fallback": "other"}]
    told(talk, "m-1", 1000, input_tokens=1, output_tokens=100, attempts=attempts)
    assert figures(sign_in, owner, talk)["Cost"] == ["0.003 USD", "unknown"]


def test_costs_are_in_the_currency_of_the_team(
    sign_in: SignIn, owner: User, team: Team, compared: Compared
) -> None:
    talk = compared(owner)
    prices.set_currency(team, owner, "EUR")
    since = timezone.now() - timedelta(days=1)
    prices.enter(team, owner, "openai_chat", "m-1", since, Figures(input=Decimal(0), output=Decimal(10)))
    told(talk, "m-1", 1000, input_tokens=1, output_tokens=100)
    assert figures(sign_in, owner, talk)["Cost"] == ["0.001 EUR", "unknown"]


def test_the_columns_are_headed_by_their_models(sign_in: SignIn, owner: User, compared: Compared) -> None:
    html = sign_in(owner).get(url("figures", compared(owner, "b", "a", "c"))).content.decode()
    assert re.findall(r'<th scope="col" class="num"><bdi>(\w)</bdi>', html) == ["b", "a", "c"]
