"""The doorbell: it hurries a look and carries nothing."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from playground.media import callbacks, followups, signing
from playground.media.models import Callback, MediaTask
from tests.media.conftest import Bench, Place, fresh
from tests.media.upstream import Upstream

pytestmark = pytest.mark.usefixtures("database")


def path_of(task: MediaTask, token: str = "") -> str:
    return f"/callbacks/{task.pk.hex}/{token or signing.callback_token(task.pk)}"


@pytest.fixture
def waiting(place: Place, bench: Bench) -> MediaTask:
    task = place(kling=True)
    bench.run()
    return fresh(task)


@pytest.fixture
def post() -> Any:
    client = Client(enforce_csrf_checks=True)

    def send(path: str, body: Any = None) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body)
        return client.post(path, data, content_type="application/json").status_code

    return send


def test_a_callback_has_the_task_looked_at_now(
    waiting: MediaTask, post: Any, bench: Bench, upstream: Upstream
) -> None:
    upstream.finish()
    bench.run()
    assert not upstream.polls
    assert post(path_of(waiting), {"task_id": waiting.upstream_id, "task_status": "succeed"}) == 200
    bench.run(2)
    assert fresh(waiting).status == "succeeded"


def test_what_a_callback_says_is_never_believed(
    waiting: MediaTask, post: Any, bench: Bench, upstream: Upstream
) -> None:
    stray = {"url": f"{upstream.url}/files/evil.mp4"}
    body = {"task_id": "up-1", "task_status": "succeed", "task_result": {"videos": [stray]}}
    assert post(path_of(waiting), body) == 200
    bench.run()
    assert fresh(waiting).status == "waiting"
    assert upstream.polls["up-1"] == 1
    assert upstream.fetched == []


def test_the_same_body_is_kept_and_rings_once(waiting: MediaTask, post: Any) -> None:
    for _ in range(3):
        assert post(path_of(waiting), {"stage": "text"}) == 200
    row = Callback.objects.get()
    assert (row.deliveries, json.loads(row.body)) == (3, {"stage": "text"})
    assert waiting.events.filter(kind="callback").count() == 1


@pytest.mark.parametrize(
    "body", [b"", b"\xff\x00", b"null", b"[" * 5000, b'{"task_id": 5}', "\u2028".encode()]
)
def test_any_body_is_taken_and_changes_nothing(waiting: MediaTask, post: Any, body: bytes) -> None:
    assert post(path_of(waiting), body) == 200
    after = fresh(waiting)
    assert (after.status, after.upstream_id) == (waiting.status, waiting.upstream_id)


def test_wrong_and_unknown_addresses_are_the_same_404(waiting: MediaTask, place: Place, post: Any) -> None:
    other = place("another")
    for path in (
        path_of(waiting, "wrong"),
        path_of(waiting, signing.callback_token(other.pk)),
        f"/callbacks/{uuid.uuid4().hex}/{signing.callback_token(waiting.pk)}",
        f"/callbacks/nothing/{signing.callback_token(waiting.pk)}",
    ):
        assert post(path, {}) == 404
    gone = uuid.uuid4()
    assert post(f"/callbacks/{gone.hex}/{signing.callback_token(gone)}", {}) == 404
    assert not Callback.objects.exists()


def test_a_large_body_is_refused(waiting: MediaTask, post: Any) -> None:
    assert post(path_of(waiting), b"x" * (callbacks.LARGEST + 1)) == 413
    assert not Callback.objects.exists()


def test_only_posts_are_taken(waiting: MediaTask, client: Client) -> None:
    assert client.get(path_of(waiting)).status_code == 405


def test_a_late_callback_leaves_what_is_done_alone(
    waiting: MediaTask, post: Any, bench: Bench, upstream: Upstream
) -> None:
    upstream.finish()
    bench.again(2)
    done = fresh(waiting)
    assert post(path_of(waiting), {"task_status": "failed"}) == 200
    bench.again()
    assert fresh(waiting).status == done.status == "succeeded"
    assert done.assets.count() == 1


def test_a_callback_for_a_task_that_was_given_up_has_it_looked_at_again(
    waiting: MediaTask, post: Any, bench: Bench, upstream: Upstream
) -> None:
    MediaTask.objects.update(status="expired", ended_at=waiting.created_at, due_at=None)
    upstream.finish()
    assert post(path_of(waiting), {}) == 200
    bench.run(2)
    assert fresh(waiting).status == "succeeded"


def test_a_callback_tells_the_id_of_a_task_of_unknown_fate(
    place: Place, bench: Bench, upstream: Upstream, post: Any, settings: LazySettings
) -> None:
    task = place("a song", operation="suno.style-generate", values={"content": "slow"})
    fields = {"operation": "suno.generate", "family": "suno", "status": "unconfirmed"}
    MediaTask.objects.filter(pk=task.pk).update(**fields, ended_at=task.created_at)
    body = {"code": 200, "data": {"callbackType": "text", "task_id": "song-1", "data": []}}
    assert post(path_of(task), body) == 200
    found = fresh(task)
    assert (found.status, found.upstream_id) == ("waiting", "song-1")
    assert found.due_at is not None


def test_a_task_nobody_watches_any_more_is_not_looked_at(
    waiting: MediaTask, post: Any, bench: Bench, upstream: Upstream, owner: User
) -> None:
    followups.stop_watching(waiting, owner)
    assert post(path_of(waiting), {"a": 1}) == 200
    bench.again()
    assert not upstream.polls


def test_tokens_of_an_older_secret_key_are_still_good(
    waiting: MediaTask, post: Any, settings: LazySettings
) -> None:
    path = path_of(waiting)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "k" * 50
    assert post(path, {}) == 200


def test_a_public_address_is_told_only_where_there_is_one(
    place: Place, bench: Bench, upstream: Upstream, settings: LazySettings
) -> None:
    place("off", kling=True)
    bench.run()
    assert "callback_url" not in upstream.bodies[-1]
    settings.CALLBACK_FAMILIES = ["kling"]
    place("without", kling=True)
    bench.run()
    assert "callback_url" not in upstream.bodies[-1]
    settings.PUBLIC_URL = "https://play.example.com"
    task = place("with", kling=True)
    bench.run()
    assert upstream.bodies[-1]["callback_url"] == "https://play.example.com" + path_of(task)
