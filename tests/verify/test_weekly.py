"""The weekly check, and what stands otherwise than before."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.verify import changes, runs, setups, tasks, weekly, worker
from playground.verify.models import CheckResult, CheckRun, Setup
from playground.verify.table import CHECKS, named
from tests.verify.conftest import HERE, last_run

SignIn = Callable[[User], Client]
NAMES = ["stream.openai_chat", "reply.openai_chat"]


def make_run(key: GatewayKey, days: int, states: dict[str, str], *, ended: bool = True) -> CheckRun:
    at = timezone.now() - timedelta(days=days)
    run = CheckRun.objects.create(
        team=key.team, user=key.owner, key=key, key_label="Main", base_url=key.base_url, shared=True,
        created_at=at, started_at=at, ended_at=at if ended else None,
        state=CheckRun.State.PASSED if ended else CheckRun.State.RUNNING,
    )  # fmt: skip
    for number, (name, state) in enumerate(states.items(), 1):
        CheckResult.objects.create(run=run, number=number, name=name, state=state, at=at)
    return run


@pytest.fixture
def weekly_setup(owner: User, key: GatewayKey) -> Setup:
    setup = setups.keep(key, owner, {}, weekly=True, now=timezone.now())
    Setup.objects.filter(pk=setup.pk).update(next_at=timezone.now() - timedelta(minutes=1))
    return Setup.objects.get(pk=setup.pk)


def test_a_check_that_failed_since_it_passed_last_is_told_with_the_day(
    database: str, key: GatewayKey
) -> None:
    passed = make_run(key, 9, dict.fromkeys(NAMES, "passed"))
    make_run(key, 5, {"stream.openai_chat": "skipped", "reply.openai_chat": "failed"})
    now = make_run(key, 0, {"stream.openai_chat": "failed", "reply.openai_chat": "failed"})
    found = changes.since_before(now)
    assert [change.name for change in found] == ["stream.openai_chat"]
    assert found[0].words == f"OpenAI chat: a stream regressed since {changes.day(passed.created_at)}"


def test_a_check_that_passes_again_is_told_too(key: GatewayKey) -> None:
    make_run(key, 2, {"reply.openai_chat": "failed"})
    found = changes.since_before(make_run(key, 0, {"reply.openai_chat": "passed"}))
    assert [change.worse for change in found] == [False]
    assert "works again since" in found[0].words


def test_what_another_key_found_says_nothing(key: GatewayKey, owner: User, team: Team) -> None:
    other = GatewayKey.objects.create(owner=owner, team=team, label="Other", base_url=key.base_url)
    make_run(other, 2, {"reply.openai_chat": "passed"})
    assert changes.since_before(make_run(key, 0, {"reply.openai_chat": "failed"})) == []


def test_a_due_key_is_checked_once_a_week_without_what_is_charged(database: str, weekly_setup: Setup) -> None:
    now = timezone.now()
    assert weekly.begin_due(now) == 1
    assert weekly.begin_due(now) == 0
    run = last_run()
    assert run.begun_by == CheckRun.Begun.SCHEDULE
    assert {row.name for row in run.results.all()} == {check.name for check in CHECKS if check.cost != "paid"}
    next_at = Setup.objects.get(pk=weekly_setup.pk).next_at
    assert next_at is not None
    assert abs(next_at - now - setups.WEEK) < timedelta(seconds=5)


def test_a_revoked_key_is_not_checked_any_more(weekly_setup: Setup, key: GatewayKey) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert weekly.begin_due(timezone.now()) == 0
    assert not Setup.objects.get(pk=weekly_setup.pk).weekly
    assert not CheckRun.objects.exists()


def run_weekly(key: GatewayKey, owner: User, team: Team, model: str) -> CheckRun:
    begun_by = CheckRun.Begun.SCHEDULE
    chosen = setups.chosen(key) | {"openai_chat": model}
    run = runs.begin(owner, team, key, named(NAMES), chosen, begun_by=begun_by)
    assert runs.take(run.pk, HERE, timezone.now())
    runs.drive(run.pk, HERE)
    return CheckRun.objects.get(pk=run.pk)


def test_a_change_of_a_weekly_check_is_news_until_somebody_looked(
    database: str, key: GatewayKey, owner: User, mate: User, team: Team, sign_in: SignIn
) -> None:
    make_run(key, 7, dict.fromkeys(NAMES, "passed"))
    assert run_weekly(key, owner, team, "demo-chat").notice is False
    run = run_weekly(key, owner, team, "demo-error-503")
    assert run.notice is True
    for person in (owner, mate):
        client = sign_in(person)
        assert "found a change" in client.get(reverse("verify:index")).content.decode()
        chip = client.get(reverse("activity")).content.decode()
        assert "1 changed since the last check" in chip
        assert f"/verify/{run.pk}/" in chip
    client = sign_in(owner)
    assert client.post(reverse("verify:seen", args=[run.pk])).status_code == 302
    assert "found a change" not in client.get(reverse("verify:index")).content.decode()
    assert "changed" not in client.get(reverse("activity")).content.decode()


def test_a_run_by_hand_keeps_its_changes_and_makes_no_news(
    key: GatewayKey, verify: Callable[..., object], sign_in: SignIn, owner: User
) -> None:
    make_run(key, 7, {"reply.openai_chat": "passed"})
    verify(["reply.openai_chat"], openai_chat="demo-error-503")
    run = last_run()
    assert (run.notice, len(run.changes)) == (False, 1)
    page = sign_in(owner).get(reverse("verify:run", args=[run.pk])).content.decode()
    assert "OpenAI chat: a minimal request regressed since" in page
    assert "The last one" in page


def test_the_switch_is_for_who_may_and_keeps_the_models(
    key: GatewayKey, owner: User, mate: User, sign_in: SignIn
) -> None:
    setups.keep(key, owner, {"gemini": "demo-vision"}, weekly=False, now=timezone.now())
    asked = {"key": str(key.pk), "weekly": "on"}
    assert sign_in(mate).post(reverse("verify:setup"), asked).status_code == 403
    assert sign_in(owner).post(reverse("verify:setup"), asked).status_code == 302
    kept = Setup.objects.get(key=key)
    assert (kept.weekly, kept.user, kept.chosen) == (True, owner, {"gemini": "demo-vision"})
    models = {"key": str(key.pk), "model-gemini": "demo-chat"}
    assert sign_in(mate).post(reverse("verify:setup"), models).status_code == 302
    kept = Setup.objects.get(key=key)
    assert (kept.weekly, kept.user, kept.model_for("gemini")) == (True, owner, "demo-chat")
    assert sign_in(owner).post(reverse("verify:setup"), asked | {"weekly": "off"}).status_code == 302
    assert Setup.objects.get(key=key).next_at is None


def test_the_beat_sweeps_begins_what_is_due_and_rings(
    weekly_setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[uuid.UUID] = []
    monkeypatch.setattr(worker, "ring", lambda: rung.extend(runs.claim(HERE, 4, timezone.now())))
    tasks.tick()
    assert rung == [last_run().pk]
