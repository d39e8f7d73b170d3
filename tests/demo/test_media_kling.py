"""Kling's native routes on the demo gateway."""

import base64
import json

import pytest

from tests.demo.media_asking import (
    KLING,
    WORDS,
    body_for,
    created,
    ended,
    fetched,
    local,
    looked,
    png_size,
    seconds_of,
)

URL = "https://assets.example.test/ref/one.png"
BARE = base64.b64encode(b"not looked at").decode()
TEXT = f"{KLING}/videos/text2video"
PAIRS = [
    ("images/generations", {"n": 2, "aspect_ratio": "16:9", "image": BARE}, "images"),
    ("images/omni-image", {"n": 2, "image_list": [{"image": URL}], "resolution": "2k"}, "images"),
    ("videos/text2video", {"duration": 5, "mode": "std", "aspect_ratio": "9:16"}, "videos"),
    ("videos/image2video", {"duration": "3", "image": URL, "image_tail": BARE}, "videos"),
    ("videos/omni-video", {"image_list": [{"image_url": URL, "type": "first_frame"}]}, "videos"),
]


@pytest.mark.parametrize(("route", "fields", "kind"), PAIRS)
def test_each_pair_makes_its_files(gateway, route, fields, kind):
    path = f"{KLING}/{route}"
    status, _, raw = gateway.call("POST", path, body_for(path, **fields))
    answer = json.loads(raw)
    assert (status, answer["code"], answer["message"]) == (200, 0, "SUCCEED")
    assert answer["data"]["task_status"] == "submitted"
    task = answer["data"]["task_id"]
    first, last = (looked(gateway, path, task)["data"] for _ in range(2))
    assert (first["task_status"], "task_result" in first) == ("processing", False)
    assert last["task_status"] == "succeed" and last["created_at"] <= last["updated_at"]
    files = [fetched(gateway, local(one["url"])) for one in last["task_result"][kind]]
    assert len(files) == fields.get("n", 1)
    for _, headers, data in files:
        if kind == "images":
            assert headers["content-type"] == "image/png" and max(png_size(data)) >= 1024
        else:
            seconds = int(fields.get("duration", 5))
            assert seconds_of(data) == seconds
            assert last["task_result"]["videos"][0]["duration"] == f"{seconds}.0"


def test_a_task_is_found_on_its_own_route_only(gateway):
    task = created(gateway, TEXT)
    for path in (f"{KLING}/videos/image2video/{task}", f"{KLING}/videos/omni-video/{task}", f"{TEXT}/1"):
        status, _, raw = gateway.call("GET", path)
        assert (status, json.loads(raw)["code"]) == (404, 1203)


def test_an_id_of_the_callers_own_finds_the_task_and_is_taken_once(gateway):
    task = created(gateway, TEXT, external_task_id="pg-once")
    found = looked(gateway, TEXT, "pg-once")["data"]
    assert (found["task_id"], found["task_info"]["external_task_id"]) == (task, "pg-once")
    other = f"{KLING}/images/generations"
    status, _, raw = gateway.call("POST", other, body_for(other, external_task_id="pg-once"))
    assert (status, json.loads(raw)["code"]) == (400, 1201)


def test_a_task_whose_create_answer_was_lost_is_found_by_the_callers_own_id(gateway):
    body = body_for(TEXT, "A boat demo-lost-500", external_task_id="pg-lost")
    assert gateway.call("POST", TEXT, body)[0] == 500
    assert looked(gateway, TEXT, "pg-lost")["data"]["task_status"] == "processing"


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("demo-refused", 400, 1301),
        ("demo-busy", 429, 1303),
        ("demo-error-400", 400, 1201),
        ("demo-error-401", 401, 1002),
        ("demo-error-402", 429, 1101),
        ("demo-error-403", 403, 1103),
        ("demo-error-404", 404, 1203),
        ("demo-error-429", 429, 1302),
        ("demo-error-429-quota", 429, 1102),
        ("demo-error-500", 500, 5000),
        ("demo-error-503", 503, 5001),
        ("demo-error-504", 504, 5002),
    ],
)
def test_each_refusal_has_its_business_code(gateway, words, status, code):
    got, headers, raw = gateway.call("POST", TEXT, body_for(TEXT, f"A boat {words}"))
    answer = json.loads(raw)
    assert (got, answer["code"]) == (status, code)
    assert answer["request_id"] == headers["x-request-id"] and answer["message"]
    assert ("retry-after" in headers) is (words == "demo-error-429")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("demo-fails", "The demo was asked to fail"),
        ("demo-fails-content", "The input may not follow the content rules"),
        ("demo-cancelled", "The task was cancelled"),
    ],
)
def test_a_failed_task_says_why(gateway, words, message):
    data = ended(gateway, TEXT, created(gateway, TEXT, f"A boat {words}"))["data"]
    assert (data["task_status"], data["task_status_msg"]) == ("failed", message)
    assert "task_result" not in data


def test_success_can_come_without_a_result(gateway):
    data = ended(gateway, TEXT, created(gateway, TEXT, "A boat demo-no-output"))["data"]
    assert data["task_status"] == "succeed" and "task_result" not in data


@pytest.mark.parametrize(
    ("route", "fields", "named"),
    [
        ("videos/text2video", {"prompt": ""}, "prompt"),
        ("videos/text2video", {"prompt": "x" * 2501}, "prompt"),
        ("videos/text2video", {"model_name": None}, "model_name"),
        ("videos/text2video", {"model": "kling-v2"}, "model"),
        ("videos/text2video", {"mode": "best"}, "mode"),
        ("videos/text2video", {"duration": 2}, "duration"),
        ("videos/text2video", {"duration": "five"}, "duration"),
        ("videos/text2video", {"cfg_scale": 2}, "cfg_scale"),
        ("videos/image2video", {}, "image"),
        ("videos/image2video", {"image": f"data:image/png;base64,{BARE}"}, "image"),
        ("videos/omni-video", {"image_list": [{"image_url": URL, "type": "end_frame"}]}, "end frame"),
        ("videos/omni-video", {"video_list": [{"video_url": URL}], "sound": "on"}, "sound"),
        ("videos/omni-video", {"image_list": [{}]}, "image_list"),
        ("videos/omni-video", {"multi_shot": True, "multi_prompt": [{}]}, "multi_prompt"),
        ("images/generations", {"n": 10}, "n"),
        ("images/generations", {"aspect_ratio": "5:1"}, "aspect_ratio"),
        ("images/omni-image", {"image_list": {}}, "image_list"),
    ],
)
def test_a_wrong_field_is_named(gateway, route, fields, named):
    path = f"{KLING}/{route}"
    status, _, raw = gateway.call("POST", path, {**body_for(path), **fields})
    answer = json.loads(raw)
    assert (status, answer["code"]) == (400, 1201)
    assert named in answer["message"]


def test_a_film_in_shots_needs_no_prompt(gateway):
    shots = [{"index": place, "prompt": WORDS, "duration": "3"} for place in (1, 2)]
    body = {"model_name": "kling-v3-omni", "multi_shot": True, "multi_prompt": shots}
    assert gateway.call("POST", f"{KLING}/videos/omni-video", body)[0] == 200
