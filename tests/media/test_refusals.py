"""What a family means by answers other than 2xx, and queries that find no record; Suno is the odd one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import GatewayKey, Team, User
from playground.gateway.media.registry import OPERATIONS
from playground.media import orders, requests
from playground.media.models import MediaTask, TaskEvent
from tests.media.conftest import Bench, fresh
from tests.media.upstream import Upstream

COVER = {"taskId": "song-1"}
WAV = {"taskId": "song-1", "audioId": "track-1"}
LYRICS = {"prompt": "a sea shanty"}
Make = Callable[..., MediaTask]


@pytest.fixture
def make(owner: User, team: Team, key: GatewayKey) -> Make:
    def made(operation: str, values: dict[str, Any]) -> MediaTask:
        return orders.place(orders.Order(operation, key.pk, uuid.uuid4(), values), owner, team)

    return made


@pytest.mark.parametrize(
    ("operation", "values", "status"),
    [
        ("suno.generate-cover", COVER, 400),
        ("suno.generate-cover", COVER, 409),
        ("suno.wav-generate", WAV, 409),
    ],
)
@pytest.mark.parametrize("coded", [True, False])
def test_a_task_that_exists_already_is_taken_up_whatever_the_status(
    make: Make,
    bench: Bench,
    upstream: Upstream,
    operation: str,
    values: dict[str, Any],
    status: int,
    coded: bool,
) -> None:
    told = {"msg": "It is there already.", "data": {"taskId": "old-1"}} | ({"code": status} if coded else {})
    upstream.say(f"/{operation.replace('.', '/')}", told, status)
    task = make(operation, values)
    bench.run()
    taken = fresh(task)
    assert (taken.status, taken.upstream_id) == ("waiting", "old-1")
    line = taken.events.get(kind=TaskEvent.Kind.SENT)
    assert line.text == "the gateway had this task already"
    assert "It is there already." in line.raw


def test_a_refusal_that_names_no_task_is_a_failure_with_its_answer_shown(
    make: Make, bench: Bench, upstream: Upstream
) -> None:
    upstream.say("/suno/generate-cover", {"code": 400, "msg": "No such song."}, 400)
    task = make("suno.generate-cover", COVER)
    bench.run()
    assert (fresh(task).status, fresh(task).error_kind) == ("failed", "invalid_request")
    assert "No such song." in fresh(task).events.get(kind=TaskEvent.Kind.SENT).raw


def test_a_key_in_a_refusal_is_not_kept(make: Make, bench: Bench, upstream: Upstream) -> None:
    upstream.say("/suno/generate-cover", {"code": 400, "msg": "Bad.", "echo": "sk-upstream-1"}, 400)
    task = make("suno.generate-cover", COVER)
    bench.run()
    raw = fresh(task).events.get(kind=TaskEvent.Kind.SENT).raw
    assert "Bad." in raw
    assert "sk-upstream-1" not in raw


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (405, {"code": 405, "msg": "Slow down."}, "rate_limited"),
        (405, {}, "rate_limited"),
        (455, {"code": 455, "msg": "Maintenance."}, "upstream_unavailable"),
        (455, {}, "upstream_unavailable"),
        (430, {"code": 430, "msg": "Slow down."}, "rate_limited"),
        (429, {"code": 429, "msg": "Used up."}, "quota"),
        (429, {"error": {"type": "rate_limit_error", "message": "Slow down."}}, "rate_limited"),
        (400, {"code": 451, "msg": "Your file could not be loaded."}, "invalid_request"),
    ],
)
def test_sunos_numbers_mean_as_a_status_what_they_mean_as_a_code(
    make: Make, bench: Bench, upstream: Upstream, status: int, body: dict[str, Any], kind: str
) -> None:
    upstream.say("/suno/generate-lyrics", body, status)
    task = make("suno.generate-lyrics", LYRICS)
    bench.run()
    assert (fresh(task).status, fresh(task).error_kind) == ("failed", kind)


@pytest.mark.parametrize("status", [405, 455])
def test_a_query_that_is_refused_for_a_while_pauses_no_key(
    make: Make, bench: Bench, upstream: Upstream, status: int
) -> None:
    upstream.say("/suno/generate-lyrics", {"code": 200, "data": {"taskId": "ly-1"}})
    upstream.say("/suno/query/lyrics?taskId=ly-1", {"code": status, "msg": "Not now."}, status)
    task = make("suno.generate-lyrics", LYRICS)
    bench.run()
    bench.again()
    waiting = fresh(task)
    assert (waiting.status, waiting.misses, waiting.held_at) == ("waiting", 1, None)
    assert "Not now." in waiting.events.filter(kind=TaskEvent.Kind.POLL).get().raw


def _asked(upstream: Upstream) -> list[str]:
    return [path for path, _ in upstream.heard if "query" in path]


def test_the_other_query_is_asked_only_where_there_is_no_record(
    make: Make, bench: Bench, upstream: Upstream
) -> None:
    upstream.say("/suno/generate-lyrics", {"code": 200, "data": {"taskId": "ly-1"}})
    mapped, other = "/suno/query/lyrics?taskId=ly-1", "/suno/query/task?taskId=ly-1"
    upstream.say(mapped, {"code": 200, "data": {"status": "PONDERING"}})
    upstream.say(other, {"code": 200, "data": {"status": "PENDING"}})
    task = make("suno.generate-lyrics", LYRICS)
    bench.run()
    bench.again()
    assert _asked(upstream) == [mapped]
    assert fresh(task).raw_status == "PONDERING"
    upstream.say(mapped, {"code": 200, "data": None})
    bench.again()
    assert _asked(upstream) == [mapped, mapped, other]
    assert fresh(task).raw_status == "PENDING"


def test_a_route_that_demands_an_address_gets_the_placeholder_where_callbacks_are_off(
    make: Make, bench: Bench, upstream: Upstream, settings: LazySettings
) -> None:
    settings.CALLBACK_FAMILIES, settings.PUBLIC_URL = [], "https://play.example.com"
    operation = OPERATIONS["suno.generate-lyrics"]
    task = make(operation.key, LYRICS)
    wire = requests.build(task, operation, task.created_at)
    assert settings.CALLBACK_PLACEHOLDER.encode() in wire.body
    assert b"play.example.com" not in wire.body
    assert "ask the gateway regularly" in orders.callback_note(operation)


def test_kling_is_asked_for_callbacks_only_by_name(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://play.example.com"
    assert orders.callback_note(OPERATIONS["kling.text2video"]) == ""
    settings.CALLBACK_FAMILIES = ["kling"]
    assert "calls back here" in orders.callback_note(OPERATIONS["kling.text2video"])
