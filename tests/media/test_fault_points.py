"""A worker that is killed at any point of a task's way: nothing is lost, nothing is made or charged twice."""

from __future__ import annotations

import base64
import hashlib
import signal
import socket
from typing import Any

import pytest

from tests._servers.processes import until
from tests.media.studio import Studio, add_worker, finish_all
from tests.media.upstream import Upstream, mp4, png

# Where the worker dies, and how many create calls the gateway has had by then.
BEFORE_ITS_ID_IS_SAVED = {
    "claims:claim_new:after": 0,
    "jobs:of_tasks:before": 0,
    "requests:build:after": 0,
    "exchange:create:before": 0,
    "exchange:create:after": 1,
    "ledger:settle:before": 1,
}
WITH_ITS_ID = (
    "ledger:settle:after",
    "claims:claim_due:after",
    "exchange:look:before",
    "exchange:look:after",
    "claims:claim_assets:after",
    "parts:Part.begin:after",
    "parts:Part.write:after",
    "parts:Part.end:before",
    "parts:Part.end:after",
    "assets:keep:before",
    "assets:_moved:after",
    "assets:_note_kept:before",
    "assets:_note_kept:after",
)


def die(studio: Studio, upstream: Upstream, mode: str, point: str, **order: Any) -> Any:
    """A task whose worker is killed at that point, and a sound worker after it; gives the desk."""
    place, desk = studio(mode, worker=False)
    if "operation" in order:
        desk.ask("order", **order)
    else:
        desk.place("a boat", **order)
    dead = add_worker(place, "dead", bent=f"die:playground.media.{point}")

    def over() -> bool:
        desk.ask("hurry")
        return dead.popen.poll() is not None

    until(over)
    assert dead.popen.returncode == -signal.SIGKILL, dead.all_output()
    desk.ask("lapse")
    add_worker(place)
    return desk


@pytest.mark.parametrize("point", BEFORE_ITS_ID_IS_SAVED)
def test_a_task_whose_fate_nobody_knows_is_never_sent_again(
    studio: Studio, upstream: Upstream, mode: str, point: str
) -> None:
    desk = die(studio, upstream, mode, point)
    (row,) = desk.wait_for("unconfirmed")
    assert "may have started it" in row["error"]
    desk.place("another boat")  # whoever sends this one would have sent the first again
    desk.wait_for("waiting")
    assert upstream.prompts["a boat"] == BEFORE_ITS_ID_IS_SAVED[point]
    assert upstream.prompts["another boat"] == 1


@pytest.mark.parametrize("point", [point for point, sent in BEFORE_ITS_ID_IS_SAVED.items() if sent])
def test_a_task_that_carries_an_id_of_ours_is_found_again(
    studio: Studio, upstream: Upstream, mode: str, point: str
) -> None:
    desk = die(studio, upstream, mode, point, kling=True)
    desk.wait_for("waiting")
    (row,) = finish_all(desk, upstream)
    assert (upstream.creates, len(row["assets"]), row["ends"]) == (1, 1, 2)


@pytest.mark.parametrize("point", WITH_ITS_ID)
def test_a_task_that_was_taken_goes_on_with_the_next_worker(
    studio: Studio, upstream: Upstream, mode: str, point: str
) -> None:
    upstream.born_done = True
    desk = die(studio, upstream, mode, point)
    (row,) = finish_all(desk, upstream)
    assert [asset["status"] for asset in row["assets"]] == ["kept"]
    assert row["assets"][0]["sha256"] == hashlib.sha256(mp4(2000)).hexdigest()
    assert (upstream.creates, row["ends"]) == (1, 1)


@pytest.mark.parametrize("point", ["assets:_moved:after", "assets:_note_kept:before"])
def test_a_picture_that_came_with_the_answer_is_not_lost_on_its_way_into_storage(
    studio: Studio, upstream: Upstream, mode: str, point: str
) -> None:
    upstream.say("/openai/v1/images/generations", {"data": [{"b64_json": base64.b64encode(png()).decode()}]})
    values = {"model": "m", "prompt": "a boat"}
    desk = die(studio, upstream, mode, point, operation="openai.images", values=values)
    (row,) = desk.wait_for("succeeded")
    assert [asset["status"] for asset in row["assets"]] == ["kept"]
    assert [path for path, _ in upstream.heard] == ["/openai/v1/images/generations"]


def test_sigkill_before_a_connection_is_there_sends_nothing(studio: Studio, mode: str) -> None:
    """The row says `submitting`, and the gateway does not even take the connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        port = deaf.getsockname()[1]
        place, desk = studio(mode, worker=False, GATEWAY_URLS=f"http://127.0.0.1:{port}")
        with socket.create_connection(("127.0.0.1", port)):  # all that fits into the queue
            desk.ask("point_key", url=f"http://127.0.0.1:{port}")
            desk.place("a boat")
            add_worker(place)
            desk.wait_for("submitting")
            place.kill("worker")
            desk.ask("lapse")
            add_worker(place)
            desk.wait_for("unconfirmed")
        heard, _ = deaf.accept()
        with heard:
            assert heard.recv(1) == b""
