"""What observations make of a task: only forward, whatever comes in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.operation import Pace
from playground.media import machine
from playground.media.machine import TaskState
from playground.media.models import ENDED, LIVE, Status

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PACE = Pace(first_s=5, ceiling_s=30, deadline_s=600)
VIDEO = Output("video:0", "video", url="https://files.example.com/a.mp4")
WAITING = TaskState("waiting", wait_s=5, expires_at=NOW + timedelta(seconds=600))

links = st.sampled_from(["", "https://x.test/1"])
output = st.builds(
    Output, key=st.sampled_from(["a", "b"]), kind=st.just("video"), url=links, final=st.booleans()
)
outputs = st.lists(output, max_size=2).map(tuple)
observations = st.builds(
    Observation,
    state=st.sampled_from(["pending", "running", "succeeded", "failed", "cancelled", "unknown"]),
    raw_state=st.sampled_from(["A", "B", ""]),
    progress=st.none() | st.floats(0, 100),
    outputs=outputs,
)


def test_every_status_has_its_moves() -> None:
    assert set(machine.LEGAL) == set(Status)
    assert set(LIVE) | set(ENDED) == set(Status)


@given(st.sampled_from(list(Status)), st.lists(observations, max_size=8), st.integers(-100, 4000))
def test_no_observation_moves_a_task_against_the_table(
    status: str, seen: list[Observation], later: int
) -> None:
    task, now = TaskState(status, wait_s=5, expires_at=NOW), NOW + timedelta(seconds=later)
    for observation in seen:
        change = machine.advance(task, observation, now, PACE, Random(1))
        after = change.fields.get("status", task.status)
        assert after == task.status or machine.may(task.status, after, task.error_code)
        assert change.ended == (after in ENDED and after != task.status)
        known = task.known | {out.key for out in change.fresh}
        assert after not in ("collecting", "succeeded") or known or task.status == after
        task = TaskState(after, wait_s=5, expires_at=NOW, known=known, progress=change.fields.get("progress"))


@given(st.lists(observations, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_progress_never_goes_back(seen: list[Observation], rng: Random) -> None:
    task, highest = WAITING, None
    for observation in seen:
        change = machine.advance(task, observation, NOW, PACE, rng)
        progress = change.fields.get("progress", task.progress)
        assert highest is None or progress is None or progress >= highest
        highest = progress
        task = TaskState("waiting", wait_s=5, expires_at=WAITING.expires_at, progress=progress)


def test_success_needs_an_output() -> None:
    ready = machine.advance(WAITING, Observation("succeeded", outputs=(VIDEO,)), NOW, PACE, Random(1))
    assert (ready.fields["status"], ready.fresh, ready.due_s) == ("collecting", (VIDEO,), None)
    empty = machine.advance(WAITING, Observation("succeeded"), NOW, PACE, Random(1))
    assert "status" not in empty.fields
    assert empty.due_s is not None


def test_an_output_that_is_not_final_is_not_captured() -> None:
    first = Output("audio:1", "audio", url="https://files.example.com/stream", final=False)
    change = machine.advance(WAITING, Observation("running", outputs=(first,)), NOW, PACE, Random(1))
    assert change.fresh == ()


def test_the_wait_grows_to_its_ceiling_and_trembles_by_a_tenth() -> None:
    waits, task, rng = [], TaskState("waiting", wait_s=5), Random(7)
    for _ in range(12):
        change = machine.advance(task, Observation("pending"), NOW, PACE, rng)
        task = TaskState("waiting", wait_s=change.fields["wait_s"])
        waits.append(change.due_s)
        assert change.due_s is not None
        assert 0.9 * task.wait_s <= change.due_s <= 1.1 * task.wait_s
    assert task.wait_s == 30
    assert len(set(waits)) == 12


def test_the_gateways_own_wait_wins() -> None:
    error = GatewayError("rate_limited", retry_after_s=90)
    assert machine.missed(WAITING, error, NOW, PACE, Random(1)).due_s == 90


def test_a_miss_never_fails_a_task_and_the_deadline_makes_it_unknown() -> None:
    error = GatewayError("not_found", status=404)
    assert "status" not in machine.missed(WAITING, error, NOW, PACE, Random(1)).fields
    late = TaskState("waiting", wait_s=5, expires_at=NOW - timedelta(seconds=1))
    assert machine.missed(late, error, NOW, PACE, Random(1)).fields["status"] == "expired"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (GatewayError("network", code="connect"), "failed"),
        (GatewayError("timeout", code="connect_timeout"), "failed"),
        (GatewayError("auth", status=401), "failed"),
        (GatewayError("rate_limited", status=429), "failed"),
        (GatewayError("upstream_unavailable", status=503), "failed"),
        (GatewayError("quota", code="429"), "failed"),
        (GatewayError("invalid_request", code="prompt"), "failed"),
        (GatewayError("timeout", code="read_timeout"), "unconfirmed"),
        (GatewayError("timeout", code="total_timeout"), "unconfirmed"),
        (GatewayError("network", code="reset"), "unconfirmed"),
        (GatewayError("network", code="broken"), "unconfirmed"),
        (GatewayError("upstream_unavailable", status=500), "unconfirmed"),
        (GatewayError("timeout", status=504), "unconfirmed"),
        (GatewayError("upstream_unavailable", status=502), "unconfirmed"),
        (GatewayError("protocol"), "unconfirmed"),
        (GatewayError("protocol", status=200), "unconfirmed"),
    ],
)
def test_only_a_clear_no_is_a_no(error: GatewayError, status: str) -> None:
    assert machine.refused(error) == status


def test_an_answer_at_once_needs_a_result() -> None:
    sending = TaskState("submitting")
    done = machine.answered(sending, Observation("succeeded", outputs=(VIDEO,)), NOW, PACE, Random(1))
    assert (done.fields["status"], done.due_s) == ("collecting", None)
    empty = machine.answered(sending, Observation("succeeded"), NOW, PACE, Random(1))
    assert (empty.fields["status"], empty.fields["error_code"]) == ("failed", "no_output")


HALF = Output("audio:1", "audio", url="https://example.com/stream", final=False)
OVER = TaskState("waiting", wait_s=5, expires_at=NOW - timedelta(seconds=1))


def test_at_the_deadline_what_was_never_finished_is_kept_all_the_same() -> None:
    seen = Observation("running", outputs=(HALF,))
    change = machine.advance(OVER, seen, NOW, PACE, Random(1))
    assert change.fields["status"] == "expired"
    assert [(out.key, out.url, out.meta) for out in change.fresh] == [
        ("audio:1:partial", HALF.url, {"partial": True})
    ]


@pytest.mark.parametrize("told", ["nothing", "a miss"])
def test_at_the_deadline_what_an_earlier_look_told_is_kept(told: str) -> None:
    task = replace(OVER, told=(HALF,))
    change = (
        machine.missed(task, GatewayError("network"), NOW, PACE, Random(1))
        if told == "a miss"
        else machine.advance(task, Observation("running"), NOW, PACE, Random(1))
    )
    assert [out.key for out in change.fresh] == ["audio:1:partial"]


def test_before_the_deadline_and_a_second_time_nothing_unfinished_is_kept() -> None:
    seen = Observation("running", outputs=(HALF,))
    assert machine.advance(WAITING, seen, NOW, PACE, Random(1)).fresh == ()
    kept = replace(OVER, status="expired", known=frozenset({"audio:1:partial"}))
    assert machine.advance(kept, seen, NOW, PACE, Random(1)).fresh == ()


def test_half_an_output_makes_no_late_success_ready() -> None:
    kept = replace(OVER, status="expired", known=frozenset({"audio:1:partial"}))
    change = machine.advance(kept, Observation("succeeded"), NOW, PACE, Random(1))
    assert change.fields.get("status") != "collecting"
