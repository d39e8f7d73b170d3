"""What models were seen to do: from ended runs, tasks and checks, and from nothing else."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.catalogue import capabilities, measuring
from playground.catalogue.models import Mark
from playground.media.models import MediaTask
from playground.ops.measured import CAPABILITIES
from playground.ops.models import Measured, UsageRecord
from playground.verify.models import CheckResult, CheckRun
from tests.catalogue.conftest import MakeRun

TOOL = {"name": "clock", "description": "", "parameters": {}}
CALL = {"kind": "tool_call", "name": "clock", "call_id": "1", "text": "{}"}


def standings(**about: Any) -> dict[tuple[str, str], str]:
    rows = Measured.objects.filter(**about)
    return {(row.model, row.capability): "works" if row.works_at else "fails" for row in rows}


RUNS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a plain answer": ({}, {"chat": "works"}),
    "a streamed answer": ({"params": {"stream": True}}, {"chat": "works", "stream": "works"}),
    "tools that were called": (
        {"params": {"tools": [TOOL]}, "answer": [CALL]},
        {"chat": "works", "tools": "works"},
    ),
    "tools that nobody had to call": (
        {"params": {"tools": [TOOL], "tool_choice": "auto"}},
        {"chat": "works"},
    ),
    "tools that had to be called and were not": (
        {"params": {"tools": [TOOL], "tool_choice": "required"}},
        {"chat": "works", "tools": "fails"},
    ),
    "a schema that the answer fits": (
        {"params": {"schema": {"schema": {}}}, "verdict": {"fits": True, "errors": [], "unchecked": []}},
        {"chat": "works", "schema": "works"},
    ),
    "a schema that the answer does not fit": (
        {"params": {"schema": {"schema": {}}}, "verdict": {"fits": False, "errors": [], "unchecked": []}},
        {"chat": "works", "schema": "fails"},
    ),
    "a schema that could not be checked whole": (
        {"params": {"schema": {"schema": {}}}, "verdict": {"fits": True, "errors": [], "unchecked": ["/a"]}},
        {"chat": "works"},
    ),
    "a picture in the question": (
        {"asked": [{"kind": "image", "url": "https://example.com/a.png"}]},
        {"chat": "works", "images": "works"},
    ),
    "an answer with its reasoning": (
        {"answer": [{"kind": "thinking", "text": "hm"}]},
        {"chat": "works", "thinking": "works"},
    ),
    "reasoning that is only counted": ({"reasoning_tokens": 12}, {"chat": "works", "thinking": "works"}),
    "a model the gateway does not know": (
        {"status": "failed", "error_kind": "not_found", "http_status": 404},
        {"chat": "fails"},
    ),
    "a stream that broke off": (
        {
            "status": "failed",
            "error_kind": "protocol",
            "http_status": 200,
            "params": {"stream": True},
        },
        {"chat": "fails", "stream": "fails"},
    ),
    "tools that were refused": (
        {"status": "failed", "error_kind": "invalid_request", "params": {"tools": [TOOL]}},
        {"tools": "fails"},
    ),
    "a refused request that asked for nothing else": (
        {"status": "failed", "error_kind": "invalid_request"},
        {},
    ),
    "a key that is not accepted": (
        {"status": "failed", "error_kind": "auth", "params": {"tools": [TOOL]}},
        {},
    ),
    "a limit": ({"status": "failed", "error_kind": "rate_limited"}, {}),
    "an empty account": ({"status": "failed", "error_kind": "quota"}, {}),
    "a network that is away": ({"status": "failed", "error_kind": "network"}, {}),
    "an answer that was stopped": ({"status": "stopped", "params": {"stream": True}}, {}),
    "a run whose process died": ({"status": "interrupted"}, {}),
}


@pytest.mark.parametrize("case", RUNS)
def test_what_a_run_shows(case: str, owner: User, make_run: MakeRun) -> None:
    fields, expected = RUNS[case]
    make_run(owner, "m-1", **fields)
    measuring.look(timezone.now())
    assert standings() == {("m-1", capability): told for capability, told in expected.items()}


def test_a_fallback_answers_for_itself_and_the_first_model_is_told_apart(
    owner: User, make_run: MakeRun
) -> None:
    attempt = {"model": "m-1", "status": 503, "error": "upstream_unavailable", "fallback": "m-2"}
    make_run(owner, "m-1", attempts=[attempt], params={"stream": True})
    measuring.look(timezone.now())
    assert standings() == {("m-1", "chat"): "fails", ("m-2", "chat"): "works", ("m-2", "stream"): "works"}
    assert Measured.objects.get(model="m-1").fails_why == "The provider is unavailable."


@pytest.mark.usefixtures("database")
def test_a_private_chat_tells_its_owner_and_a_shared_one_the_team(
    owner: User, mate: User, make_run: MakeRun
) -> None:
    make_run(owner, "m-1")
    make_run(mate, "m-2", shared=True)
    measuring.look(timezone.now())
    rows = Measured.objects.values_list("model", "user__email")
    assert set(rows) == {("m-1", owner.email), ("m-2", mate.email), ("m-2", None)}


@pytest.mark.usefixtures("database")
def test_the_latest_of_each_stays_with_its_run(owner: User, make_run: MakeRun) -> None:
    now = timezone.now()
    newest = make_run(owner, "m-1", ended_at=now - timedelta(hours=1))
    make_run(owner, "m-1", ended_at=now - timedelta(hours=5))
    failed = make_run(owner, "m-1", status="failed", error_kind="timeout", ended_at=now - timedelta(hours=3))
    measuring.look(now)
    row = Measured.objects.get()
    assert (row.works_at, row.works_in) == (newest.ended_at, newest.pk)
    assert (row.fails_at, row.fails_in) == (failed.ended_at, failed.pk)
    later = make_run(owner, "m-1", ended_at=now)
    measuring.look(now)
    row.refresh_from_db()
    assert (row.works_in, row.fails_in) == (later.pk, failed.pk)


@pytest.mark.usefixtures("database")
def test_a_second_look_reads_nothing_twice_for_good(owner: User, make_run: MakeRun) -> None:
    make_run(owner, "m-1")
    now = timezone.now()
    # What was new is read once more, since a row of a lower number may come late; then there is rest.
    assert [measuring.look(now) for _ in range(4)] == [1, 1, 0, 0]


def test_a_row_that_is_committed_late_is_met_by_the_next_look(
    owner: User, team: Team, make_run: MakeRun
) -> None:
    late = make_run(owner, "late")
    row = UsageRecord.objects.get(subject=f"run:{late.pk}")
    make_run(owner, "early")
    UsageRecord.objects.filter(pk=row.pk).delete()
    measuring.look(timezone.now())
    assert standings() == {("early", "chat"): "works"}
    row.save(force_insert=True)
    measuring.look(timezone.now())
    assert standings() == {("early", "chat"): "works", ("late", "chat"): "works"}


def test_a_look_that_somebody_else_makes_is_left_to_them(owner: User, make_run: MakeRun) -> None:
    make_run(owner, "m-1")
    now = timezone.now()
    for ledger in measuring.LEDGERS:
        Mark.objects.create(ledger=ledger, lease_until=now + timedelta(minutes=1))
    assert measuring.look(now) == 0
    assert measuring.look(now + timedelta(minutes=2)) == 1


@pytest.mark.usefixtures("database")
def test_many_runs_are_read_in_batches(
    owner: User, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "BATCH", 2)
    for number in range(5):
        make_run(owner, f"m-{number}")
    assert measuring.look(timezone.now()) == 3
    assert len(standings()) == 5


def test_the_command_measures_all_of_it_anew(
    owner: User, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(owner, "m-1")
    measuring.look(timezone.now())
    Measured.objects.update(works_at=None, model="wrong")
    call_command("rebuild_measured")
    assert standings() == {("m-1", "chat"): "works"}
    assert capsys.readouterr().out.endswith("Done.\n")


def make_task(team: Team, user: User, **fields: Any) -> MediaTask:
    told = {"status": "succeeded", "ended_at": timezone.now(), "model": "kling-v2", **fields}
    task = MediaTask.objects.create(
        team=team, user=user, operation="kling.image", family="kling", medium="image", **told
    )
    UsageRecord.objects.create(
        team=team, user=user, subject=f"task:{task.pk}", family="kling", model=task.model, outcome=task.status
    )
    return task


def test_a_task_tells_the_team_that_its_model_makes_something(owner: User, team: Team) -> None:
    task = make_task(team, owner)
    make_task(team, owner, model="kling-v3", status="failed", error_kind="not_found")
    make_task(team, owner, model="kling-v4", status="failed", error_kind="quota")
    make_task(team, owner, model="")
    measuring.look(timezone.now())
    assert standings(user=None) == {("kling-v2", "task"): "works", ("kling-v3", "task"): "fails"}
    assert Measured.objects.get(model="kling-v2").works_in == task.pk


def check(
    key: GatewayKey, user: User, at: datetime, results: list[dict[str, Any]], **fields: Any
) -> CheckRun:
    told = {"state": "passed", "ended_at": at, "changed_at": at, "key_label": key.label, **fields}
    run = CheckRun.objects.create(team=key.team, user=user, key=key, base_url=key.base_url, **told)
    for number, result in enumerate(results):
        about = {"name": f"check-{number}", "family": "anthropic", "model": "m-1", "at": at, **result}
        CheckResult.objects.create(run=run, number=number, **about)
    return run


@pytest.mark.usefixtures("database")
def test_checks_tell_what_they_measured_and_drills_nothing(owner: User, own: GatewayKey) -> None:
    run = check(
        own,
        owner,
        timezone.now(),
        [
            {"capability": "tools", "state": "passed"},
            {"capability": "schema", "state": "failed", "said": "It was no JSON."},
            {"capability": "images", "state": "skipped"},
            {"capability": "stream", "state": "failed", "drill": True},
            {"capability": "suno.generate", "state": "passed", "model": "chirp", "family": "suno"},
            {"capability": "", "state": "passed"},
        ],
    )
    measuring.look(timezone.now())
    expected = {("m-1", "tools"): "works", ("m-1", "schema"): "fails", ("chirp", "task"): "works"}
    assert standings(user=owner, source="check") == expected
    row = Measured.objects.get(capability="schema")
    assert (row.fails_in, row.fails_why, row.family) == (run.pk, "It was no JSON.", "anthropic")


def test_a_check_of_a_team_key_or_a_shared_one_tells_the_team(
    owner: User, own: GatewayKey, shared: GatewayKey
) -> None:
    now = timezone.now()
    check(shared, owner, now, [{"capability": "chat", "state": "passed", "model": "m-team"}])
    check(own, owner, now, [{"capability": "chat", "state": "passed", "model": "m-told"}], shared=True)
    check(own, owner, now, [{"capability": "chat", "state": "passed", "model": "m-own"}])
    measuring.look(now)
    assert standings(user=None) == {("m-team", "chat"): "works", ("m-told", "chat"): "works"}


def test_a_check_that_still_runs_tells_nothing_until_it_is_over(owner: User, own: GatewayKey) -> None:
    now = timezone.now()
    results = [{"capability": "chat", "state": "passed"}]
    run = check(own, owner, now, results, state="running", ended_at=None)
    measuring.look(now)
    assert standings() == {}
    over = now + timedelta(seconds=90)
    CheckRun.objects.filter(pk=run.pk).update(state="passed", ended_at=over, changed_at=over)
    measuring.look(over)
    assert standings() == {("m-1", "chat"): "works"}


def test_every_capability_says_what_was_seen() -> None:
    assert all(each.label and each.works.endswith(".") for each in CAPABILITIES.values())
    assert list(capabilities.of_task({"model": "m", "status": "cancelled", "error_kind": ""})) == []
    assert measuring._ids(["run:x", f"run:{uuid.UUID(int=1)}", "task:1"], "run:") == [uuid.UUID(int=1)]
