"""A task from its form to its kept file, and every way it can go wrong, on both databases."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import DataError
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.media import claims, followups, ledger, orders, timeline
from playground.media.models import Asset, MediaTask
from playground.ops.models import UsageRecord
from tests.media.conftest import VIDEO, Bench, Place, fresh
from tests.media.upstream import Upstream, mp4, png

pytestmark = pytest.mark.usefixtures("database")


def test_a_video_goes_from_its_form_to_a_kept_file(place: Place, bench: Bench, upstream: Upstream) -> None:
    task = place("a boat on a lake")
    assert (task.status, task.title, task.model) == ("new", "a boat on a lake", "wan-t2v")
    bench.run()
    assert fresh(task).status == "waiting"
    assert fresh(task).upstream_id == "up-1"
    bench.again()
    assert fresh(task).status == "waiting"
    upstream.finish()
    bench.again()
    assert fresh(task).status == "collecting"
    bench.again()
    done = fresh(task)
    assert done.status == "succeeded"
    asset = done.assets.get()
    assert (asset.status, asset.media_type, asset.duration_s) == ("kept", "video/mp4", 5)
    with default_storage.open(asset.file.name) as file:
        assert file.read() == mp4(2000)
    kinds = [line.kind for line in timeline.lines(done)]
    assert kinds == ["created", "sent", "poll", "poll", "captured", "ended"]
    assert UsageRecord.objects.get(subject=f"task:{task.pk}").outcome == "succeeded"
    assert upstream.creates == 1


def test_equal_looks_are_one_line_with_their_number(place: Place, bench: Bench) -> None:
    task = place()
    bench.run()
    bench.again(4)
    polls = [line for line in timeline.lines(fresh(task)) if line.kind == "poll"]
    assert [(line.text, line.count) for line in polls] == [("RUNNING", 4)]


def test_a_form_that_is_sent_twice_makes_one_task(place: Place, bench: Bench, upstream: Upstream) -> None:
    form = uuid.uuid4()
    assert place(form_id=form).pk == place(form_id=form).pk
    bench.run(2)
    assert upstream.creates == 1


def test_what_is_missing_or_wrong_in_a_form_is_said_at_its_field(
    owner: User, team: Team, key: GatewayKey
) -> None:
    order = orders.Order("dashscope.video", key.pk, uuid.uuid4(), {"model": "m"})
    with pytest.raises(orders.Refused) as caught:
        orders.place(order, owner, team)
    assert list(caught.value.errors) == ["input.prompt"]
    assert not MediaTask.objects.exists()


def test_somebody_elses_key_makes_no_task(mate: User, team: Team, key: GatewayKey) -> None:
    order = orders.Order("dashscope.video", key.pk, uuid.uuid4(), VIDEO)
    with pytest.raises(orders.Refused) as caught:
        orders.place(order, mate, team)
    assert list(caught.value.errors) == ["key"]


@pytest.mark.parametrize("word", ["refuse", "busy"])
def test_a_clear_no_is_a_failed_task(place: Place, bench: Bench, upstream: Upstream, word: str) -> None:
    task = place(f"{word} this")
    bench.run(2)
    failed = fresh(task)
    assert failed.status == "failed"
    assert failed.error_message == f"It is {word}."
    assert upstream.creates == 1


@pytest.mark.parametrize("word", ["broken", "html", "cut"])
def test_what_may_have_been_taken_is_unconfirmed_and_never_sent_again(
    place: Place, bench: Bench, upstream: Upstream, word: str
) -> None:
    task = place(f"{word} this")
    bench.run(3)
    bench.again(2)
    lost = fresh(task)
    assert lost.status == "unconfirmed"
    assert "may have" in lost.error_message
    assert upstream.creates == 1


def test_a_gateway_that_was_not_reached_charged_nothing(
    place: Place, bench: Bench, key: GatewayKey, settings: Any
) -> None:
    settings.GATEWAY_URLS = ["http://127.0.0.1:9"]
    GatewayKey.objects.update(base_url="http://127.0.0.1:9")
    task = place()
    bench.run()
    assert (fresh(task).status, fresh(task).error_code) == ("failed", "connect")


def test_where_an_id_of_ours_went_along_a_lost_task_is_found_again(
    place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("cut off", kling=True)
    bench.run()
    assert fresh(task).status == "unconfirmed"
    bench.again()
    assert fresh(task).status == "waiting"
    upstream.finish()
    bench.again(2)
    assert fresh(task).status == "succeeded"
    assert upstream.creates == 1


def test_a_lost_task_that_is_nowhere_stays_unconfirmed(
    place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("broken one", kling=True)
    bench.run()
    bench.again(5)
    assert fresh(task).status == "unconfirmed"
    assert fresh(task).due_at is None
    assert upstream.creates == 1


def test_a_failed_task_says_the_gateways_reason(place: Place, bench: Bench, upstream: Upstream) -> None:
    task = place()
    bench.run()
    upstream.fail()
    bench.again()
    assert (fresh(task).status, fresh(task).error_message) == ("failed", "The prompt was not liked.")


@pytest.mark.parametrize(
    "reply",
    [
        (500, b"{}", {}),
        (502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
        (200, b"<html>Hello</html>", {"Content-Type": "text/html"}),
        (404, b'{"error": {"message": "no"}}', {}),
        (429, b'{"error": {"message": "slow down"}}', {"Retry-After": "77"}),
    ],
)
def test_a_failed_look_is_no_failed_task(
    place: Place, bench: Bench, upstream: Upstream, reply: tuple[int, bytes, dict[str, str]]
) -> None:
    task = place()
    bench.run()
    upstream.poll_reply = reply
    bench.again(3)
    waiting = fresh(task)
    assert (waiting.status, waiting.misses) == ("waiting", 3)
    if reply[0] == 429:
        assert waiting.due_at is not None
        assert waiting.due_at - timezone.now() > timedelta(seconds=70)
    upstream.poll_reply = None
    upstream.finish()
    bench.again(2)
    assert fresh(task).status == "succeeded"


def test_a_refused_key_pauses_all_its_tasks_until_it_is_changed(
    place: Place, bench: Bench, upstream: Upstream, key: GatewayKey
) -> None:
    first, second = place("one"), place("two")
    bench.run()
    body = json.dumps({"error": {"code": "invalid_api_key", "message": "Unknown key."}}).encode()
    upstream.poll_reply = (401, body, {})
    bench.again()
    for task in (first, second):
        assert fresh(task).status == "waiting"
        assert fresh(task).due_at is None
        assert "Unknown key." in fresh(task).held_reason
    before = sum(upstream.polls.values())
    bench.again(2)
    assert sum(upstream.polls.values()) == before
    upstream.poll_reply = None
    assert claims.resume_held() == 0
    GatewayKey.objects.update(rotated_at=timezone.now())
    assert claims.resume_held() == 2
    upstream.finish()
    bench.again(2)
    assert {fresh(first).status, fresh(second).status} == {"succeeded"}


def test_success_without_an_output_is_not_ready(place: Place, bench: Bench, upstream: Upstream) -> None:
    task = place()
    bench.run()
    upstream.finish(url="")
    bench.again(2)
    assert fresh(task).status == "waiting"
    MediaTask.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    bench.again()
    assert (fresh(task).status, fresh(task).error_code) == ("failed", "no_output")


def test_a_late_success_of_a_task_that_was_given_up_is_adopted(
    place: Place, bench: Bench, upstream: Upstream, owner: User
) -> None:
    task = place()
    bench.run()
    MediaTask.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    bench.again()
    assert fresh(task).status == "expired"
    upstream.finish()
    bench.again()
    assert fresh(task).status == "expired"
    assert followups.check_now(fresh(task), owner)
    bench.again(2)
    assert fresh(task).status == "succeeded"


def test_time_in_which_nobody_looked_does_not_count(place: Place, bench: Bench, upstream: Upstream) -> None:
    task = place()
    bench.run()
    bench.again()
    hour = timedelta(hours=1)
    row = fresh(task)
    MediaTask.objects.update(polled_at=timezone.now() - hour, expires_at=row.expires_at - hour)
    bench.again()
    assert fresh(task).status == "waiting"


def test_a_clock_that_went_back_an_hour_holds_nothing_up(
    place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place()
    bench.run()
    hour = timedelta(hours=1)
    MediaTask.objects.update(due_at=timezone.now() + hour, polled_at=timezone.now() + hour)
    bench.run()
    assert not upstream.polls
    assert claims.mend() == 1
    bench.run()
    assert upstream.polls["up-1"] == 1
    assert fresh(task).status == "waiting"


def test_a_task_is_not_looked_at_any_more_until_somebody_asks(
    place: Place, bench: Bench, upstream: Upstream, owner: User
) -> None:
    task = place()
    bench.run()
    assert followups.stop_watching(task, owner)
    bench.again(2)
    assert not upstream.polls
    assert followups.check_now(fresh(task), owner)
    bench.run()
    assert upstream.polls["up-1"] == 1


def test_a_lost_link_is_asked_for_anew(place: Place, bench: Bench, upstream: Upstream) -> None:
    task = place()
    bench.run()
    upstream.finish(url=f"{upstream.url}/files/dead.mp4")
    bench.again(2)
    assert fresh(task).status == "collecting"
    upstream.finish()
    bench.again(2)
    assert fresh(task).status == "succeeded"


def test_a_file_of_another_kind_is_not_kept(
    place: Place, bench: Bench, upstream: Upstream, owner: User
) -> None:
    task = place()
    bench.run()
    upstream.finish(url=upstream.put("odd.mp4", png()))
    bench.again(12)
    failed = fresh(task)
    assert (failed.status, failed.error_code) == ("failed", "not_kept")
    assert "what came is a picture" in failed.assets.get().error
    upstream.files["odd.mp4"] = mp4(10)
    assert followups.fetch_again(failed, owner)
    bench.again(2)
    assert fresh(task).status == "succeeded"


def test_a_dead_worker_leaves_its_work_to_the_next(place: Place, bench: Bench, upstream: Upstream) -> None:
    sent, waiting = place("one"), place("two")
    bench.run()
    MediaTask.objects.filter(pk=sent.pk).update(status="submitting", due_at=None, lease_owner="dead")
    past = timezone.now() - timedelta(seconds=1)
    MediaTask.objects.filter(pk=waiting.pk).update(lease_owner="dead")
    MediaTask.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
    bench.again()
    assert claims.sweep() == []
    assert not upstream.polls
    MediaTask.objects.update(lease_until=past)
    assert claims.sweep() == [sent.pk]
    assert fresh(sent).status == "unconfirmed"
    bench.again()
    assert upstream.polls == {fresh(waiting).upstream_id: 1}
    assert fresh(waiting).status == "waiting"


def test_deleting_a_task_takes_its_files_along(
    place: Place, bench: Bench, upstream: Upstream, django_capture_on_commit_callbacks: Any
) -> None:
    task = place()
    bench.run()
    upstream.finish()
    bench.again(2)
    name = Asset.objects.get().file.name
    assert default_storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        assert followups.delete([fresh(task)], task.user) == 1
    assert not default_storage.exists(name)
    assert not MediaTask.objects.exists()


def test_a_retry_is_a_new_task_that_names_its_parent(
    place: Place, bench: Bench, upstream: Upstream, owner: User, team: Team
) -> None:
    task = place("refuse it")
    bench.run()
    again = followups.retry_as_new(fresh(task), owner, team, uuid.uuid4())
    bench.run()
    assert again.retry_of_id == task.pk
    assert upstream.prompts == {"refuse it": 2}


def test_the_key_never_goes_to_where_files_lie(place: Place, bench: Bench, upstream: Upstream) -> None:
    place()
    bench.run()
    upstream.finish()
    bench.again(2)
    assert upstream.keys == {"Bearer sk-upstream-1"}
    assert upstream.fetched
    assert all("authorization" not in headers for _, headers in upstream.fetched)


def test_an_answer_that_no_database_takes_holds_up_no_other(
    place: Place, bench: Bench, upstream: Upstream
) -> None:
    odd, plain = place("one"), place("two")
    bench.run()
    upstream.states[fresh(odd).upstream_id] = ("failed", "Nul \0 and half a sign \ud83d.")
    upstream.finish(task=fresh(plain).upstream_id)
    bench.again(2)
    assert fresh(plain).status == "succeeded"
    assert fresh(odd).status == "failed"
    assert fresh(odd).error_message.startswith("Nul")


def test_what_cannot_be_written_is_left_to_its_lease(
    place: Place, bench: Bench, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, plain = place("one"), place("two")
    bench.run()
    upstream.fail()
    write = ledger._write

    def refuse(result: ledger.Result, now: Any) -> bool:
        if result.task.pk == odd.pk:
            raise DataError("no database takes this")
        return write(result, now)

    monkeypatch.setattr(ledger, "_write", refuse)
    bench.again()
    assert fresh(plain).status == "failed"
    assert fresh(odd).status == "waiting"
    assert fresh(odd).lease_owner
