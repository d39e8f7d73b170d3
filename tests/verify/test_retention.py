"""Certificates are kept within a bound: the newest of a key, and those that are still needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.verify import changes, retention, tasks, worker
from playground.verify.models import CheckResult, CheckRun

SignIn = Callable[[User], Client]
NOW = timezone.now()


@pytest.fixture(autouse=True)
def three_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEPT", 3)


def made(key: GatewayKey, age: int, states: dict[str, str] | None = None, **about: Any) -> CheckRun:
    """A certificate that is `age` days old, of a key that was checked just now."""
    at = NOW - timedelta(days=age)
    given = {"user": key.owner, "shared": key.shared, "state": "passed", "ended_at": at}
    given["changed_at"] = timezone.now()
    run = CheckRun.objects.create(
        team=key.team, key=key, key_label="Main", base_url=key.base_url, created_at=at, **given | about
    )
    for number, (name, state) in enumerate((states or {"key": "passed"}).items(), 1):
        CheckResult.objects.create(run=run, number=number, name=name, state=state, at=at)
    return run


@pytest.fixture
def team_key(owner: User, team: Team) -> GatewayKey:
    return GatewayKey.objects.create(
        owner=owner, team=team, shared=True, label="Team", base_url="https://a.example"
    )


@pytest.fixture
def own_key(owner: User, team: Team) -> GatewayKey:
    return GatewayKey.objects.create(owner=owner, team=team, label="Own", base_url="https://a.example")


def ages(key: GatewayKey) -> list[int]:
    rows = CheckRun.objects.filter(key=key).order_by("-created_at")
    return [(NOW - at).days for at in rows.values_list("created_at", flat=True)]


def test_the_newest_of_each_key_are_kept(database: str, team_key: GatewayKey, own_key: GatewayKey) -> None:
    for age in range(5):
        made(team_key, age)
    made(own_key, 9)
    assert retention.sweep(NOW) == 2
    assert (ages(team_key), ages(own_key)) == ([0, 1, 2], [9])
    assert CheckResult.objects.count() == 4
    assert retention.sweep(NOW) == 0


def test_what_is_pinned_or_news_or_under_way_stays_and_counts_for_nothing(
    database: str, team_key: GatewayKey
) -> None:
    made(team_key, 20, pinned_at=NOW)
    made(team_key, 19, notice=True)
    made(team_key, 18, state="running", ended_at=None)
    for age in range(4):
        made(team_key, age)
    assert retention.sweep(NOW) == 1
    assert ages(team_key) == [0, 1, 2, 18, 19, 20]


def test_what_somebody_shared_of_an_own_key_stays(database: str, own_key: GatewayKey) -> None:
    made(own_key, 9, shared=True)
    for age in range(5):
        made(own_key, age)
    assert retention.sweep(NOW) == 2
    assert ages(own_key) == [0, 1, 2, 9]


def test_what_no_later_run_tried_is_kept_to_compare_with(database: str, team_key: GatewayKey) -> None:
    told = made(team_key, 8, {"key": "passed", "stream.gemini": "passed"})
    made(team_key, 7, {"key": "passed", "stream.gemini": "skipped"})
    for age in range(1, 4):
        made(team_key, age)
    assert retention.sweep(NOW) == 1
    assert ages(team_key) == [1, 2, 3, 8]
    found = changes.since_before(made(team_key, 0, {"stream.gemini": "failed"}))
    assert [(change.name, change.since) for change in found] == [("stream.gemini", told.created_at)]
    # Now a later one has tried it.
    assert retention.sweep(NOW) == 2
    assert ages(team_key) == [0, 1, 2]


def test_many_go_in_batches_with_the_beat_and_only_of_keys_checked_lately(
    team_key: GatewayKey, own_key: GatewayKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    monkeypatch.setattr(worker, "ring", lambda: None)
    for age in range(6):
        made(team_key, age)
        made(own_key, age, changed_at=NOW - timedelta(days=1))
    tasks.tick()
    assert ages(team_key) == [0, 1, 2, 3]
    tasks.tick()
    assert ages(team_key) == [0, 1, 2]
    assert len(ages(own_key)) == 6


def test_who_may_change_a_certificate_pins_it_and_takes_the_pin_out(
    team_key: GatewayKey, owner: User, mate: User, viewer: User, stranger: User, sign_in: SignIn
) -> None:
    run = made(team_key, 1)
    pin, page = reverse("verify:pin", args=[run.pk]), reverse("verify:run", args=[run.pk])
    refusals = {person: sign_in(person).post(pin).status_code for person in (mate, viewer, stranger)}
    assert list(refusals.values()) == [403, 403, 404]
    assert "Take the pin out" not in sign_in(owner).get(page).content.decode()
    assert "It is kept for good." in sign_in(owner).post(pin, follow=True).content.decode()
    assert CheckRun.objects.get().pinned_at is not None
    assert "Take the pin out" in sign_in(owner).get(page).content.decode()
    assert "Pinned" in sign_in(mate).get(reverse("verify:index")).content.decode()
    assert "The pin is taken out." in sign_in(owner).post(pin, follow=True).content.decode()
    assert CheckRun.objects.get().pinned_at is None
