"""Faults of the media routes on request, the keys they ask for, and what is remembered of their tasks."""

import http.client
import json
import socket

import pytest

from playground.demo.media import faults
from playground.demo.media.faults import ALWAYS, Faults, read
from playground.demo.media.tasks import Order, Tasks, durations
from tests._servers.processes import PATIENCE_S
from tests.demo.media_asking import (
    CREATING,
    FILM,
    IMAGES,
    KLING,
    PICTURE,
    VIDEOS,
    WORDS,
    body_for,
    created,
    ended,
    looked,
    query,
    state_in,
)

ROUTES = [
    *(("POST", path) for path in (*CREATING, PICTURE, IMAGES)),
    *(
        ("POST", f"/openai/v1/{name}")
        for name in ("audio/speech", "audio/transcriptions", "audio/translations")
    ),
    *(("POST", f"/openai/v1/{name}") for name in ("embeddings", "moderations")),
    ("POST", f"{KLING}/images/omni-image"),
    *(("GET", query(path, "1")) for path in CREATING),
    ("GET", f"{VIDEOS}/1/content"),
    ("GET", "/demo/tasks"),
]


def total(gateway):
    return gateway.json("/demo/tasks")["total"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}])
def test_every_wrong_key_is_refused_in_the_gateways_own_shape(gateway, method, path, headers):
    status, _, raw = gateway.call(method, path, {} if method == "POST" else None, headers)
    assert (status, json.loads(raw)["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_wrong_method_is_refused(gateway, method, path):
    status, _, raw = gateway.call("DELETE", path)
    told = json.loads(raw)
    # Kling has no 405 (contract 4.3): 1202 is a bad method there.
    assert (status, told["code"]) == (404, 1202) if "/kling/" in path else status == 405


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "POST"])
@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b'"demo-fails"', b"null"])
def test_a_body_that_is_no_object_is_refused(gateway, path, raw):
    assert gateway.call("POST", path, raw)[0] == 400


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize("word", ["500", "html"])
def test_a_task_is_taken_although_the_answer_is_an_error(gateway, path, word):
    before = total(gateway)
    status, _, raw = gateway.call("POST", path, body_for(path, f"A boat demo-lost-{word}"))
    assert status == (500 if word == "500" else 502)
    assert total(gateway) == before + 1


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize("word", ["cut", "reset"])
def test_a_task_is_taken_although_the_answer_breaks_off(gateway, path, word):
    before = total(gateway)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        gateway.call("POST", path, body_for(path, f"A boat demo-lost-{word}"))
    assert total(gateway) == before + 1


@pytest.mark.parametrize("path", CREATING)
def test_a_task_is_taken_although_the_answer_is_no_json(gateway, path):
    before = total(gateway)
    status, _, raw = gateway.call("POST", path, body_for(path, "A boat demo-lost-garbage"))
    assert status == 200
    with pytest.raises(ValueError):
        json.loads(raw)
    assert total(gateway) == before + 1


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize(("word", "taken"), [("demo-lost-hang", 1), ("demo-hang", 0)])
def test_whether_a_task_was_taken_cannot_be_seen_in_silence(gateway, path, word, taken):
    gateway.streams_once(0)
    before = total(gateway)
    raw = json.dumps(body_for(path, f"A boat {word}")).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: demo\r\nauthorization: Bearer demo-key\r\n"
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw)
        gateway.streams_once(1)
        assert total(gateway) == before + taken
    gateway.streams_once(0)


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize(
    "word", ["demo-refused", "demo-busy", "demo-error-429", "demo-error-502-html", "demo-flaky"]
)
def test_nothing_is_taken_where_the_answer_says_no(gateway, path, word):
    before = total(gateway)
    assert gateway.call("POST", path, body_for(path, f"{path} {word}"))[0] >= 400
    assert total(gateway) == before


def test_what_is_flaky_works_the_second_time(gateway):
    body = body_for(FILM, "A boat that is demo-flaky")
    assert [gateway.call("POST", FILM, body)[0] for _ in range(2)] == [503, 200]


def test_a_redirect_leads_to_another_host(gateway):
    status, headers, _ = gateway.call("POST", FILM, body_for(FILM, "A boat demo-redirect"))
    assert status == 302 and "127.0.0.1" not in headers["location"]


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize("word", ["401", "403", "404", "429", "500", "503"])
def test_the_first_queries_fail_and_the_task_goes_on(gateway, path, word):
    task = created(gateway, path, f"A boat demo-poll-{word}")
    answers = [gateway.call("GET", query(path, task)) for _ in range(2)]
    assert [status for status, _, _ in answers] == [int(word)] * 2
    assert [headers.get("retry-after") for _, headers, _ in answers] == ["2" if word == "429" else None] * 2
    assert state_in(ended(gateway, path, task)).lower() in ("succeeded", "succeed", "completed")


@pytest.mark.parametrize("path", CREATING)
def test_as_many_queries_fail_as_are_asked_for(gateway, path):
    task = created(gateway, path, "A boat demo-poll-503-4")
    assert [gateway.call("GET", query(path, task))[0] for _ in range(5)] == [503] * 4 + [200]
    task = created(gateway, path, "A boat demo-poll-503-always")
    assert {gateway.call("GET", query(path, task))[0] for _ in range(10)} == {503}


def test_a_query_can_be_answered_with_a_page_or_with_half_a_text(gateway):
    task = created(gateway, FILM, "A boat demo-poll-html")
    status, headers, _ = gateway.call("GET", query(FILM, task))
    assert (status, headers["content-type"]) == (502, "text/html")
    task = created(gateway, FILM, "A boat demo-poll-garbage")
    with pytest.raises(ValueError):
        looked(gateway, FILM, task)
    task = created(gateway, FILM, "A boat demo-poll-cut")
    with pytest.raises(http.client.IncompleteRead):
        looked(gateway, FILM, task)


@pytest.mark.parametrize("path", CREATING)
def test_a_task_can_go_on_for_ever(gateway, path):
    task = created(gateway, path, "A boat demo-never-ends")
    states = {state_in(looked(gateway, path, task)).lower() for _ in range(20)}
    assert states <= {"running", "processing", "in_progress"}


def test_faults_of_different_kinds_stand_together_and_the_first_of_a_kind_wins():
    words = "A demo-boat, demo-poll-429-always (demo-poll-503); demo-asset-cut. Then demo-fails demo-lost-cut"
    assert read("demo-slow", words) == Faults(
        lost="cut", poll="429", polls=ALWAYS, ending="failed", asset="cut", slow=True
    )


@pytest.mark.parametrize(
    "word", ["demo-", "demo-image", "demo-lost-", "xdemo-fails", "demo-failsx", "demo-poll-999"]
)
def test_other_words_ask_for_nothing(word):
    assert read("demo-video", word) == Faults()


@pytest.mark.parametrize("word", faults.WORDS)
def test_every_word_asks_for_something_and_has_a_line_in_the_documentation(word, request):
    assert read(word, "") == read("", f"A boat, {word}.") != Faults()
    docs = request.config.rootpath / "docs"
    pages = (docs / "demo-gateway.md", docs / "demo-media.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert f"`{word}`" in text


def test_it_tells_which_tasks_were_taken_without_their_prompts(starter):
    own = starter("--fast")
    tasks = [created(own, path, "a very private prompt") for path in CREATING]
    looked(own, VIDEOS, tasks[2])
    own.call("POST", CREATING[1], body_for(CREATING[1], external_task_id="pg-7"))
    seen = own.json("/demo/tasks")
    assert seen["total"] == 4
    assert [row["id"] for row in seen["data"][:3]] == tasks
    assert [row["route"] for row in seen["data"][:3]] == [
        "dashscope video",
        "kling videos/text2video",
        "openai videos",
    ]
    assert [row["queries"] for row in seen["data"]] == [0, 0, 1, 0]
    assert seen["data"][3]["own_id"] == "pg-7"
    assert len({row["prompt_sha256"] for row in seen["data"]}) == 2
    assert "private" not in json.dumps(seen)
    assert own.json("/demo/requests")["data"][0]["model"] == "happyhorse-1.0-t2v"


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def an_order(words=WORDS, pending_s=3.0, ready_s=24.0):
    return Order("a route", "demo-video", words, read("", words), (), pending_s, ready_s)


@pytest.mark.parametrize("speed", [0.5, 1.0, 10.0])
def test_a_task_moves_with_the_clock_and_the_speed(speed):
    clock = Clock()
    tasks = Tasks(speed=speed, clock=clock)
    task = tasks.take("1", an_order())
    seen = []
    for age in (0, 2.9, 3.1, 13.5, 23.9, 24.1, 1000):
        clock.now = 100 + age / speed
        seen.append((tasks.look(task).state, round(tasks.look(task).progress, 1)))
    assert seen == [
        ("pending", 0),
        ("pending", 0),
        ("running", 0),
        ("running", 0.5),
        ("running", 1.0),
        ("succeeded", 1),
        ("succeeded", 1),
    ]


def test_a_slow_task_takes_ten_times_as_long():
    clock = Clock()
    tasks = Tasks(speed=1, clock=clock)
    task = tasks.take("1", an_order("demo-slow"))
    clock.now += 100
    assert tasks.look(task).state == "running"
    clock.now += 141
    assert tasks.look(task).made


def test_looking_past_the_queries_changes_nothing():
    tasks = Tasks(speed=0)
    task = tasks.take("1", an_order())
    assert [tasks.peek(task).state for _ in range(5)] == ["running"] * 5
    assert [tasks.look(task).state for _ in range(2)] == ["running", "succeeded"]
    assert tasks.peek(task).made


def test_prompts_take_different_times_within_a_third():
    moments = {durations(f"a boat {number}", pending_s=3, ready_s=30) for number in range(20)}
    assert len(moments) > 5
    assert all(3 <= pending <= 4 and 30 <= ready <= 40 for pending, ready in moments)


def test_the_oldest_tasks_are_forgotten_with_their_own_ids(monkeypatch):
    monkeypatch.setattr("playground.demo.media.tasks._KEPT", 2)
    tasks = Tasks(speed=0)
    for number in range(3):
        tasks.take(f"task {number}", an_order(), own_id=f"own {number}")
    assert [tasks.find("a route", f"task {number}") is None for number in range(3)] == [True, False, False]
    assert [tasks.has_own(f"own {number}") for number in range(3)] == [False, True, True]
    assert tasks.shown()["total"] == 3
