"""Runs belong to the server: claimed once, stopped for real, marked when their process is gone, run again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.ops.models import ModelEntry, UsageRecord
from playground.verify import runs, setups
from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import CHECKS, named
from tests.verify.conftest import HERE, Verify, last_run

State, Row = CheckRun.State, CheckResult.State
TWO = ["key", "reply.openai_chat"]


@pytest.fixture
def begun(owner: User, team: Team, key: GatewayKey) -> CheckRun:
    return runs.begin(owner, team, key, named(TWO), setups.chosen(key))


def rows(run: CheckRun) -> dict[str, str]:
    return dict(CheckResult.objects.filter(run=run).values_list("name", "state"))


def fresh(run: CheckRun) -> CheckRun:
    return CheckRun.objects.get(pk=run.pk)


def test_a_run_begins_with_a_waiting_row_for_each_check(begun: CheckRun) -> None:
    assert begun.state == State.QUEUED
    assert rows(begun) == dict.fromkeys(TWO, Row.WAITING)


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_told_of_a_new_run(begun: CheckRun, told: list[uuid.UUID]) -> None:
    assert told == [begun.pk]


def test_a_key_is_checked_once_at_a_time(
    database: str, begun: CheckRun, owner: User, team: Team, key: GatewayKey
) -> None:
    with pytest.raises(runs.Refused, match="being checked right now"):
        runs.begin(owner, team, key, named(TWO), {})
    assert CheckRun.objects.count() == 1


def test_a_run_without_checks_or_with_a_revoked_key_does_not_begin(
    owner: User, team: Team, key: GatewayKey
) -> None:
    with pytest.raises(runs.Refused, match="Choose at least one"):
        runs.begin(owner, team, key, [], {})
    key.revoked_at = timezone.now()
    key.save()
    with pytest.raises(runs.Refused, match="revoked"):
        runs.begin(owner, team, key, named(TWO), {})


def test_of_two_workers_one_gets_the_run(database: str, begun: CheckRun) -> None:
    now = timezone.now()
    assert runs.take(begun.pk, "one", now)
    assert not runs.take(begun.pk, "two", now)
    assert fresh(begun).owner == "one"


def test_a_run_that_nobody_works_on_yet_is_stopped_at_once(begun: CheckRun) -> None:
    assert runs.stop(begun, timezone.now())
    assert fresh(begun).state == State.STOPPED
    assert set(rows(begun).values()) == {Row.SKIPPED}
    assert not runs.take(begun.pk, HERE, timezone.now())
    assert not runs.stop(fresh(begun), timezone.now())


class StopsAfter:
    """Asks for a stop once so many checks are over."""

    def __init__(self, run: CheckRun, many: int) -> None:
        self.run, self.left = run, many

    def begins(self, check: object, model: str) -> None:
        """Nothing yet."""

    def found(self, check: object, finding: object) -> None:
        self.left -= 1
        if self.left == 0:
            assert runs.stop(fresh(self.run), timezone.now())


def test_a_stop_ends_the_run_and_keeps_what_was_found(begun: CheckRun) -> None:
    assert runs.take(begun.pk, HERE, timezone.now())
    runs.drive(begun.pk, HERE, sink=StopsAfter(begun, 1))
    assert fresh(begun).state == State.STOPPED
    assert rows(begun) == {"key": Row.PASSED, "reply.openai_chat": Row.SKIPPED}
    said = CheckResult.objects.get(run=begun, name="reply.openai_chat").said
    assert said == "Not run: somebody stopped the run before."


def test_a_stop_lets_go_of_what_is_being_asked(owner: User, team: Team, key: GatewayKey) -> None:
    chosen = setups.chosen(key) | {"openai_chat": "demo-hang"}
    run = runs.begin(owner, team, key, named(["reply.openai_chat"]), chosen)
    assert runs.take(run.pk, HERE, timezone.now())
    assert runs.stop(run, timezone.now())
    runs.drive(run.pk, HERE)  # would wait a minute for the model that never answers
    assert fresh(run).state == State.STOPPED


def test_a_process_that_ends_marks_its_run_as_interrupted(begun: CheckRun) -> None:
    assert runs.take(begun.pk, HERE, timezone.now())
    runs.drive(begun.pk, HERE, ending=lambda: True)
    assert fresh(begun).state == State.INTERRUPTED


def test_a_run_whose_process_is_gone_is_marked_within_30_s_and_runs_again(
    database: str, begun: CheckRun, owner: User, team: Team, key: GatewayKey
) -> None:
    now = timezone.now()
    assert runs.take(begun.pk, "killed", now)
    assert runs.sweep(now + timedelta(seconds=15)) == []
    assert runs.sweep(now + timedelta(seconds=25)) == [begun.pk]
    assert fresh(begun).state == State.INTERRUPTED
    assert set(rows(begun).values()) == {Row.SKIPPED}
    again = runs.begin(owner, team, key, named(TWO), begun.chosen)
    assert runs.take(again.pk, HERE, timezone.now())
    runs.drive(again.pk, HERE)
    assert fresh(again).state == State.PASSED


def test_who_lost_a_run_writes_nothing_more_to_it(begun: CheckRun) -> None:
    now = timezone.now()
    assert runs.take(begun.pk, HERE, now)
    runs.sweep(now + timedelta(minutes=1))
    runs.drive(begun.pk, HERE)
    assert fresh(begun).state == State.INTERRUPTED
    assert set(rows(begun).values()) == {Row.SKIPPED}


def test_a_key_that_is_revoked_meanwhile_fails_every_row_with_the_reason(
    begun: CheckRun, key: GatewayKey
) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert runs.take(begun.pk, HERE, timezone.now())
    runs.drive(begun.pk, HERE)
    assert fresh(begun).state == State.FAILED
    told = CheckResult.objects.get(run=begun, name="reply.openai_chat")
    assert (told.state, told.fix) == (Row.FAILED, "Its owner should look at it in Settings.")
    assert "revoked" in told.said


def test_a_key_whose_models_nobody_listed_is_asked_for_them_first(begun: CheckRun, key: GatewayKey) -> None:
    ModelEntry.objects.filter(key=key).delete()
    CheckRun.objects.filter(pk=begun.pk).update(chosen={"gemini": "demo-vision"})
    assert runs.take(begun.pk, HERE, timezone.now())
    runs.drive(begun.pk, HERE)
    assert rows(begun)["reply.openai_chat"] == Row.PASSED
    chosen = fresh(begun).chosen
    assert (chosen["openai_chat"], chosen["gemini"]) == ("demo-chat", "demo-vision")


def test_each_question_of_a_model_is_in_the_books_once(verify: Verify) -> None:
    verify(["stream.anthropic", "usage.anthropic", "reply.openai_chat", "fallback", "error.403"])
    found = UsageRecord.objects.filter(subject__startswith=f"check:{last_run().pk.hex}")
    models = sorted(found.values_list("family", "model", "outcome"))
    assert models == [
        ("anthropic", "demo-chat", "finished"),
        # The pair is asked for a reply, a tool call, structured output and a picture.
        *[("openai_chat", "demo-chat", "finished")] * 4,
        *[("openai_chat", "demo-chat-mini", "finished")] * 4,
    ]
    assert all(record.output_tokens for record in found)


def test_no_evidence_holds_the_key(verify: Verify) -> None:
    names = [check.name for check in CHECKS if check.cost != "paid"]
    told = [(name, row.evidence) for name, row in verify(names).items()]
    assert any("[hidden]" in str(evidence) for _, evidence in told)
    assert [name for name, evidence in told if "demo-key" in str(evidence)] == []
