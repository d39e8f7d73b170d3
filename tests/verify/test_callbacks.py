"""The callback address, tried by way of the public address when there is one."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import Team, User
from playground.media import signing
from playground.media.models import Callback, MediaTask, TaskEvent
from playground.verify import callback_checks
from playground.verify.models import CheckResult
from tests.verify.conftest import Verify

State = CheckResult.State
NAMES = ["callback.reach", "callback.speed", "callback.once"]


@pytest.fixture
def over(owner: User, team: Team) -> MediaTask:
    return MediaTask.objects.create(
        team=team, user=owner, operation="suno.generate", family="suno", medium="music", title="A song",
        status="succeeded", ended_at=timezone.now(),
    )  # fmt: skip


def test_without_a_public_address_the_row_says_what_is_needed(verify: Verify, over: MediaTask) -> None:
    for row in verify(NAMES).values():
        assert row.state == State.IMPOSSIBLE
        assert "set PUBLIC_URL to an https address" in row.said


def test_without_a_task_there_is_nothing_to_call_back_about(verify: Verify, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://play.example.com"
    rows = verify(NAMES)
    assert {row.state for row in rows.values()} == {State.IMPOSSIBLE}
    assert "make something in the studio first" in rows["callback.once"].said


@pytest.mark.django_db(transaction=True)
def test_a_callback_is_taken_quickly_and_once_and_leaves_nothing_behind(
    verify: Verify, over: MediaTask, settings: LazySettings, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr(callback_checks, "QUICK_MS", 60_000)
    rows = verify(NAMES)
    assert rows["callback.speed"].state == State.PASSED, rows["callback.speed"].said
    assert rows["callback.once"].state == State.PASSED, rows["callback.once"].said
    # The tests' own server speaks http, which the gateway would not call.
    assert (rows["callback.reach"].state, rows["callback.reach"].said) == (
        State.FAILED,
        "The address is not https.",
    )
    assert not Callback.objects.exists()
    assert not TaskEvent.objects.filter(task=over).exists()
    token = signing.callback_url(over.pk).rstrip("/").rsplit("/", 1)[1]
    assert all(token not in str(row.evidence) for row in rows.values())


def test_an_address_that_nobody_answers_at_is_red(
    verify: Verify, over: MediaTask, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    for row in verify(NAMES).values():
        assert row.state == State.FAILED
        assert row.said.startswith("The callback was not taken: ")
        assert row.fix.startswith("Check PUBLIC_URL")


def test_slow_answers_are_red(
    verify: Verify, over: MediaTask, settings: LazySettings, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr(callback_checks, "QUICK_MS", -1)
    row = verify(["callback.speed"])["callback.speed"]
    assert row.state == State.FAILED
    assert "to be answered" in row.said
