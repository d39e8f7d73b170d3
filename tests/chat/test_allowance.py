"""An answer longer than what was set aside for it: more is set aside while there is room, then it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from queue import Queue
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import vault
from accounts.models import GatewayKey, Team, User
from playground.chat import allowance, ledger, requests, spending, turns
from playground.chat.driver import Driver
from playground.chat.models import Run
from playground.live.mirror import RunView
from playground.usage import budgets
from playground.usage.models import Budget, Reservation
from tests.chat.test_driver import Gateway, events, stream
from tests.chat.test_spending import ask

WORDS = "A light on a rock. " * 52  # about 250 tokens
LIMIT = 10_000


@pytest.fixture
def budget(team: Team, owner: User) -> Budget:
    return budgets.put(
        team, owner, key=None, person=owner, period="day", measure="tokens", limit=LIMIT, warn_percent=80
    )


class Here:
    """Drives on a thread of its own, and asks the database on the test's, which alone sees what it made."""

    def __init__(self) -> None:
        self.jobs: Queue[tuple[Future[Any], Callable[[], Any]] | None] = Queue()

    async def ask(self, work: Callable[..., Any], *args: Any) -> Any:
        future: Future[Any] = Future()
        self.jobs.put((future, partial(work, *args)))
        return await asyncio.wrap_future(future)

    def drive(self, driver: Driver, gateway: Gateway) -> ledger.Outcome:
        with ThreadPoolExecutor(1) as pool:
            driven = pool.submit(asyncio.run, driver.drive(gateway))  # type: ignore[arg-type]  # transport enough
            driven.add_done_callback(lambda _: self.jobs.put(None))
            while (job := self.jobs.get()) is not None:
                future, work = job
                try:
                    future.set_result(work())
                except Exception as error:
                    future.set_exception(error)
            return driven.result()


def drive(run: Run, gateway: Gateway) -> ledger.Outcome:
    claim = ledger.claim(run.pk, "me", timezone.now())
    assert claim is not None
    # The key of these tests holds no secret.
    claim = replace(claim, secret=vault.Secret("k"), built=requests.build(claim.row), refusal=None)
    view, here = RunView(run=str(run.pk), turn=str(claim.turn)), Here()
    outcome = here.drive(Driver(claim, view, lambda driver, now: None, here.ask), gateway)
    assert ledger.finish(claim, "me", outcome, timezone.now(), lambda _: None)
    return outcome


def long(times: int) -> Gateway:
    return stream(*(events({"content": WORDS}, ends="") for _ in range(times)), events())


def test_a_longer_answer_sets_more_aside_as_it_grows(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    budgets.put(
        team, owner, key=None, person=owner, period="day", measure="tokens", limit=10**6, warn_percent=80
    )
    run = ask(owner, team, chosen)
    before = Reservation.objects.get().tokens
    outcome = drive(run, long(40))
    assert outcome.status == "finished"
    kept, written = Reservation.objects.get(), len(outcome.text) // 4
    assert kept.kept_at is not None, "the gateway told no usage"
    assert before < written < kept.tokens < written + 2 * budgets.USUAL_OUTPUT


def test_an_answer_ends_where_the_budget_does_and_what_came_is_kept(
    client: Client, owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    run = ask(owner, team, chosen)
    outcome = drive(run, long(80))
    written = len(outcome.text) // 4
    assert outcome.status == "failed"
    assert budgets.USUAL_OUTPUT < written < LIMIT
    run.refresh_from_db()
    assert (run.error_kind, run.error_code) == ("quota", spending.OVER)
    client.force_login(owner)
    page = client.get(f"/chat/turn/{run.answer_id}", headers={"HX-Request": "true"}).content.decode()
    assert "The budget is used up" in page
    assert "What the gateway said" not in page
    assert "A light on a rock." in page
    with pytest.raises(turns.Refused, match="The budget is used up"):
        ask(owner, team, chosen)


def test_where_no_budget_asks_an_answer_may_become_as_long_as_it_likes(
    owner: User, team: Team, chosen: dict[str, Any]
) -> None:
    outcome = drive(ask(owner, team, chosen), long(80))
    assert outcome.status == "finished"
    assert len(outcome.text) == 80 * len(WORDS)


def test_what_a_continued_answer_held_before_is_not_counted_again(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget
) -> None:
    Budget.objects.update(limit=40_000)
    first = drive(ask(owner, team, chosen), long(60))
    run = Run.objects.select_related("answer__conversation").get()
    assert run.answer is not None
    Run.objects.update(reason="length")
    Reservation.objects.all().delete()
    more = turns.go_on(run.answer, owner, settings=chosen)
    before = Reservation.objects.get().tokens
    outcome = drive(more, long(10))
    assert outcome.text.startswith(first.text)
    assert Reservation.objects.get().tokens == before


def test_a_team_keys_budget_ends_it_too(
    owner: User, team: Team, chosen: dict[str, Any], key: GatewayKey
) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(shared=True)
    budgets.put(
        team, owner, key=key, person=None, period="day", measure="tokens", limit=LIMIT, warn_percent=80
    )
    outcome = drive(ask(owner, team, chosen), long(80))
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert "The team key “Main”" in outcome.error.message


def test_every_piece_of_a_long_answer_is_counted_once(
    owner: User, team: Team, chosen: dict[str, Any], budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    Budget.objects.update(limit=10**6)
    counted: list[int] = []
    monkeypatch.setattr(allowance, "tokens_of", lambda text: counted.append(len(text)) or len(text) // 4)
    outcome = drive(ask(owner, team, chosen), long(80))
    assert 0.9 * len(outcome.text) < sum(counted) <= len(outcome.text)
