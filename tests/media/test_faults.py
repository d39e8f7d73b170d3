"""What kills of workers, brokers and databases do to tasks: nothing is lost, nothing is made twice."""

from __future__ import annotations

import hashlib
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis

from playground import processes
from tests._servers.ports import own_port
from tests._servers.processes import PATIENCE_S, Process, clean_env, until
from tests._servers.stores import FAST, Postgres, start_postgres
from tests.media.studio import LEASE_S, SHORT_LEASE_S, Studio, add_worker, finish_all
from tests.media.upstream import Upstream, mp4

RACERS = 200
UNAVAILABLE = (503, b"{}", {})
SLOW_DOWN = (429, b'{"error": {"message": "slow down"}}', {"Retry-After": "1"})
A_PAGE = (200, b"<html>Hello</html>", {"Content-Type": "text/html"})


def test_a_video_is_made_and_kept(studio: Studio, upstream: Upstream, mode: str) -> None:
    _, desk = studio(mode)
    desk.place("a boat")
    desk.wait_for("waiting")
    (row,) = finish_all(desk, upstream)
    assert [asset["status"] for asset in row["assets"]] == ["kept"]
    assert row["assets"][0]["sha256"] == hashlib.sha256(mp4(2000)).hexdigest()
    assert (upstream.creates, row["ends"]) == (1, 1)


def test_a_task_made_while_no_worker_is_there_is_sent_by_the_next(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode, worker=False)
    desk.place("a boat")
    add_worker(place)
    desk.wait_for("waiting")
    finish_all(desk, upstream)
    assert upstream.creates == 1


def test_sigkill_between_the_create_call_and_its_id_sends_nothing_twice(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode, TASK_LEASE_S=SHORT_LEASE_S)
    desk.place("hang on")
    assert upstream.taken.wait(PATIENCE_S)
    place.kill("worker")
    place.env["TASK_LEASE_S"] = LEASE_S
    upstream.let_go.set()
    place.start("worker")
    (row,) = desk.wait_for("unconfirmed")
    assert "may have started it" in row["error"]
    desk.place("a boat")  # its end shows that the worker goes on, and would have sent the other again
    desk.wait_for("waiting")
    assert upstream.prompts == {"hang on": 1, "a boat": 1}


def test_sigkill_after_a_create_call_with_our_id_loses_nothing(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode, TASK_LEASE_S=SHORT_LEASE_S)
    desk.place("hang on", kling=True)
    assert upstream.taken.wait(PATIENCE_S)
    place.kill("worker")
    place.env["TASK_LEASE_S"] = LEASE_S
    upstream.let_go.set()
    place.start("worker")
    desk.wait_for("waiting")
    finish_all(desk, upstream)
    assert upstream.creates == 1


def test_sigkill_in_the_middle_of_a_look_leaves_it_to_the_next_worker(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode)
    desk.place("a boat")
    desk.wait_for("waiting")
    upstream.hang_polls = True
    desk.ask("hurry")
    assert upstream.asked.wait(PATIENCE_S)
    place.kill("worker")
    desk.ask("lapse")
    upstream.hang_polls = False
    upstream.let_go.set()
    place.start("worker")
    (row,) = finish_all(desk, upstream)
    assert (len(row["assets"]), row["ends"]) == (1, 1)


def test_sigkill_in_the_middle_of_a_file_goes_on_where_it_stopped(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode)
    video = mp4(3_000_000)
    upstream.put("long.mp4", video)
    upstream.stall_at["long.mp4"] = 1_500_000
    desk.place("a boat")
    desk.wait_for("waiting")
    upstream.finish(url=f"{upstream.url}/files/long.mp4")
    desk.ask("hurry")
    assert upstream.stalled.wait(PATIENCE_S)
    incoming = place.folder / "media" / "incoming"
    until(lambda: any(path.stat().st_size >= 1_000_000 for path in incoming.iterdir()))
    place.kill("worker")
    desk.ask("lapse")
    upstream.let_go.set()
    place.start("worker")
    (row,) = desk.wait_for("succeeded")
    assert row["assets"][0]["sha256"] == hashlib.sha256(video).hexdigest()
    ranges = [headers.get("range", "") for name, headers in upstream.fetched]
    assert ranges[0] == ""
    assert ranges[-1].startswith("bytes=1")
    until(lambda: not list(incoming.iterdir()))  # the file outlives the commit that tells of it


def test_a_worker_that_is_stopped_in_the_middle_of_everything_says_nothing_about_it(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode)
    upstream.put("long.mp4", mp4(3_000_000))
    upstream.stall_at["long.mp4"] = 1_500_000
    desk.place("a boat")
    desk.wait_for("waiting")
    upstream.finish(url=f"{upstream.url}/files/long.mp4")
    desk.ask("hurry")
    assert upstream.stalled.wait(PATIENCE_S)
    upstream.hang_polls = True
    upstream.asked.clear()  # before the task is there: it may be looked at before it is hurried
    desk.place("another boat")
    desk.wait_for("waiting")
    desk.ask("hurry")
    assert upstream.asked.wait(PATIENCE_S)
    process = place.term("worker")
    assert process.wait(PATIENCE_S / 2) == 0  # both would keep silent for longer
    assert "Traceback" not in process.all_output()
    assert "Task was destroyed" not in process.all_output()
    (row,) = [row for row in desk.rows() if row["assets"]]
    assert (row["assets"][0]["status"], row["assets"][0]["error"]) == ("fetching", "")


def test_create_calls_that_go_wrong_are_sent_once_and_end_as_what_they_are(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    _, desk = studio(mode, CREATE_TIMEOUT_S="10")
    words = {"refuse": "failed", "busy": "failed"}
    words |= dict.fromkeys(["broken", "html", "cut", "hang"], "unconfirmed")
    tasks = {word: desk.place(word)[0] for word in words}
    desk.wait_for("unconfirmed", count=4)
    desk.wait_for("failed", count=2)
    told = {row["id"]: row["status"] for row in desk.rows()}
    assert {word: told[task] for word, task in tasks.items()} == words
    desk.place("a boat")
    desk.wait_for("waiting")
    assert upstream.prompts == dict.fromkeys([*words, "a boat"], 1)


def test_looks_that_go_wrong_are_only_looks(studio: Studio, upstream: Upstream, mode: str) -> None:
    _, desk = studio(mode, QUERY_TIMEOUT_S="1")
    desk.place("a boat")
    desk.wait_for("waiting")

    def look_again() -> None:
        before = desk.rows()[0]["polls"]

        def looked() -> bool:
            desk.ask("hurry")
            return bool(desk.rows()[0]["polls"] > before)

        until(looked)

    for reply in (UNAVAILABLE, SLOW_DOWN, A_PAGE):
        upstream.poll_reply = reply
        look_again()
    upstream.hang_polls = True
    look_again()
    assert desk.rows()[0]["status"] == "waiting"
    upstream.hang_polls, upstream.poll_reply = False, None
    upstream.let_go.set()
    (row,) = finish_all(desk, upstream)
    assert (upstream.creates, row["ends"], len(row["assets"])) == (1, 1, 1)


def test_sigterm_lets_a_create_call_be_answered(studio: Studio, upstream: Upstream, mode: str) -> None:
    place, desk = studio(mode, DRAIN_S="30")
    desk.place("hang on")
    assert upstream.taken.wait(PATIENCE_S)
    process = place.term("worker")
    upstream.let_go.set()
    process.wait()
    (row,) = desk.rows()
    assert (row["status"], row["upstream_id"]) == ("waiting", "up-1")


@pytest.mark.postgres
@pytest.mark.redis
def test_two_workers_and_two_schedulers_do_everything_once(studio: Studio, upstream: Upstream) -> None:
    place, desk = studio("production")
    add_worker(place, "worker2")
    place.commands["beat2"] = processes.beat(str(place.folder / "schedule2"))
    place.start("beat2")
    desk.place("a boat", times=40)
    desk.wait_for("waiting", count=40)
    rows = finish_all(desk, upstream, 40)
    assert {row["ends"] for row in rows} == {1}
    assert set(upstream.prompts.values()) == {1}
    assert upstream.creates == 40


@pytest.mark.postgres
@pytest.mark.redis
def test_a_broker_that_is_gone_delays_nothing_for_long(
    studio: Studio, upstream: Upstream, tmp_path: Path
) -> None:
    from playground import stores

    port = own_port()
    redis = Process(stores.redis_command(tmp_path, port), env=clean_env())
    redis.wait_for(stores.READY["redis"])
    try:
        _, desk = studio("production", REDIS_URL=f"redis://127.0.0.1:{port}/0")
        desk.place("a boat")
        desk.wait_for("waiting")
        redis.end(signal.SIGKILL)
        desk.place("another boat")
        desk.wait_for("waiting", count=2)
        finish_all(desk, upstream, 2)
        redis = Process(stores.redis_command(tmp_path, port), env=clean_env())
        redis.wait_for(stores.READY["redis"])
        desk.place("a third boat")
        finish_all(desk, upstream, 2)
        desk.wait_for("waiting")
        assert finish_all(desk, upstream, 3)
        assert upstream.creates == 3
    finally:
        redis.end()


@pytest.mark.postgres
@pytest.mark.redis
def test_a_broker_that_forgot_everything_loses_nothing(studio: Studio, upstream: Upstream) -> None:
    place, desk = studio("production")
    desk.place("a boat", times=10)
    desk.wait_for("waiting", count=10)
    with redis.Redis.from_url(place.env["REDIS_URL"]) as client:
        client.flushall()
    desk.place("another boat", times=10)
    desk.wait_for("waiting", count=20)
    rows = finish_all(desk, upstream, 20)
    assert {row["ends"] for row in rows} == {1}
    assert upstream.creates == 20


@pytest.mark.postgres
@pytest.mark.redis
def test_a_database_that_is_restarted_loses_nothing(
    studio: Studio, upstream: Upstream, postgres: Postgres
) -> None:
    _, desk = studio("production")
    desk.place("a boat", times=10)
    desk.wait_for("waiting", count=10)
    postgres.process.end(signal.SIGINT)
    postgres.process = start_postgres(postgres.folder, postgres.port, **FAST)
    rows = finish_all(desk, upstream, 10)
    assert {row["ends"] for row in rows} == {1}
    assert upstream.creates == 10


def test_callbacks_and_looks_that_race_end_every_task_once(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode, webs=1, QUERY_RATES="dashscope:1000", TASK_CAPTURES="16")
    tasks = desk.place("a boat", times=RACERS)
    desk.wait_for("waiting", count=RACERS)
    upstream.finish()
    paths = [desk.ask("callback_path", task=task) for task in tasks]
    with httpx.Client(base_url=place.url, timeout=PATIENCE_S) as client, ThreadPoolExecutor(8) as pool:

        def ring(number: int) -> int:
            body = {"stage": number // (2 * RACERS)}  # each body twice
            return client.post(paths[number % RACERS], json=body).status_code

        answers = list(pool.map(ring, range(4 * RACERS)))
    assert set(answers) == {200}
    rows = finish_all(desk, upstream, RACERS)
    assert {(row["ends"], len(row["assets"])) for row in rows} == {(1, 1)}
    assert upstream.creates == RACERS


def test_a_disk_without_space_is_said_and_tried_again(studio: Studio, upstream: Upstream, mode: str) -> None:
    place, desk = studio(mode, worker=False)
    (task,) = desk.place("a boat")
    incoming = place.folder / "media" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / desk.ask("asset_file", task=task)).symlink_to("/dev/full")
    add_worker(place)
    desk.wait_for("waiting")
    upstream.finish(url=upstream.put("big.mp4", mp4(1_000_000)))
    desk.ask("hurry")
    until(lambda: any(row["error"] for row in desk.rows()[0]["assets"]))
    (row,) = desk.rows()
    assert "no space left" in row["assets"][0]["error"]
    assert row["status"] == "collecting"
    finish_all(desk, upstream)


def test_a_long_video_takes_little_memory(studio: Studio, upstream: Upstream, mode: str) -> None:
    place, desk = studio(mode)
    desk.place("warm up")
    desk.wait_for("waiting")
    finish_all(desk, upstream)
    worker = place.running["worker"].pid
    before = _memory(worker, "VmRSS")
    size = 200 * 2**20
    upstream.put("huge.mp4", mp4())
    upstream.grow["huge.mp4"] = size
    desk.place("a film")
    desk.wait_for("waiting")
    upstream.finish(url=f"{upstream.url}/files/huge.mp4", task="up-2")
    desk.ask("hurry")
    rows = desk.wait_for("succeeded", count=2)
    assert rows[-1]["assets"][0]["size"] == size
    assert _memory(worker, "VmHWM") - before < 40 * 1024


def _memory(pid: int, name: str) -> int:
    """In KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
