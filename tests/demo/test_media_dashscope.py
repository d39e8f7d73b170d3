"""The official DashScope SDK as the client of the demo gateway, and what it cannot ask."""

import json
from http import HTTPStatus

import dashscope
import pytest

from tests.demo.media_asking import (
    DASHSCOPE,
    FILM,
    PICTURE,
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

KEY = {"api_key": "demo-key"}


@pytest.fixture
def alibaba(gateway, monkeypatch):
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{gateway.base}{DASHSCOPE}")
    yield dashscope
    dashscope.close_shared_sync_session()


def drawn(alibaba, words=WORDS, model="qwen-image-plus", **fields):
    messages = [{"role": "user", "content": [{"text": words}]}]
    return alibaba.MultiModalConversation.call(model=model, messages=messages, **KEY, **fields)


def filmed(alibaba, words=WORDS, model="happyhorse-1.0-t2v", **fields):
    return alibaba.VideoSynthesis.async_call(model=model, prompt=words, **KEY, **fields)


def test_the_sdk_gets_a_picture_of_the_size_it_asks_for(alibaba, gateway):
    answer = drawn(alibaba, size="1328*800", n=2, watermark=False, seed=7)
    assert answer.status_code == HTTPStatus.OK
    urls = [part["image"] for part in answer.output.choices[0].message.content]
    pictures = [fetched(gateway, local(url)) for url in urls]
    assert [(status, headers["content-type"]) for status, headers, _ in pictures] == [(200, "image/png")] * 2
    assert [png_size(data) for _, _, data in pictures] == [(1328, 800)] * 2
    assert pictures[0][2] != pictures[1][2]
    assert (answer.usage["width"], answer.usage["height"], answer.usage["image_count"]) == (1328, 800, 2)


def test_the_sdk_makes_a_film_and_waits_for_it(alibaba, gateway):
    task = filmed(alibaba, resolution="720P", duration=3, seed=7)
    assert task.status_code == HTTPStatus.OK and task.output.task_status == "PENDING"
    states = [alibaba.VideoSynthesis.fetch(task, **KEY).output.task_status]
    answer = alibaba.VideoSynthesis.wait(task, **KEY)
    states.append(answer.output.task_status)
    assert states == ["RUNNING", "SUCCEEDED"]
    assert answer.output.video_url.endswith(answer.output.video_url.rpartition("?Expires=")[2])
    status, headers, film = fetched(gateway, local(answer.output.video_url))
    assert (status, headers["content-type"]) == (200, "video/mp4")
    assert seconds_of(film) == 3
    assert answer.usage["duration"] == 3


def test_the_sdk_sends_pictures_and_sounds_by_address(alibaba):
    url = "https://assets.example.test/one.png"
    assert filmed(alibaba, img_url=url, audio_url=url).status_code == HTTPStatus.OK
    content = [{"image": url}, {"text": "Make the boat red"}]
    answer = alibaba.MultiModalConversation.call(
        model="qwen-image-edit-plus", messages=[{"role": "user", "content": content}], **KEY
    )
    assert answer.status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("demo-refused", 400, "DataInspectionFailed"),
        ("demo-busy", 429, "Throttling"),
        ("demo-error-400", 400, "InvalidParameter"),
        ("demo-error-401", 401, "InvalidApiKey"),
        ("demo-error-402", 400, "Arrearage"),
        ("demo-error-403", 403, "AccessDenied"),
        ("demo-error-404", 404, "ModelNotFound"),
        ("demo-error-429", 429, "Throttling.RateQuota"),
        ("demo-error-429-quota", 429, "Throttling.AllocationQuota"),
        ("demo-error-500", 500, "InternalError"),
        ("demo-error-503", 503, "InternalError"),
    ],
)
@pytest.mark.parametrize("ask", [drawn, filmed])
def test_the_sdk_reads_every_refusal(alibaba, ask, words, status, code):
    answer = ask(alibaba, f"A boat {words}")
    assert (answer.status_code, answer.code) == (status, code)
    assert answer.message and answer.request_id
    by_model = ask(alibaba, model=words)
    assert (by_model.status_code, by_model.code) == (status, code)


@pytest.mark.parametrize(
    ("words", "state", "code"),
    [
        ("demo-fails", "FAILED", "InternalError"),
        ("demo-fails-content", "FAILED", "DataInspectionFailed"),
        ("demo-cancelled", "CANCELED", None),
        ("demo-gone", "UNKNOWN", None),
        ("demo-no-output", "SUCCEEDED", None),
    ],
)
def test_the_sdk_sees_every_other_end(alibaba, words, state, code):
    answer = alibaba.VideoSynthesis.call(model="happyhorse-1.0-t2v", prompt=f"A boat {words}", **KEY)
    assert answer.output.task_status == state
    assert not answer.output.video_url
    assert answer.output.get("code") == code


def test_a_task_nobody_made_is_unknown(alibaba):
    answer = alibaba.VideoSynthesis.fetch("0f5c0000-0000-4000-8000-0000000000aa", **KEY)
    assert answer.output.task_status == "UNKNOWN"


def test_times_are_the_providers_without_a_zone(gateway):
    output = ended(gateway, FILM, created(gateway, FILM))["output"]
    for name in ("submit_time", "scheduled_time", "end_time"):
        day, moment = output[name].split()
        assert len(day) == 10 and len(moment) == len("10:00:00.100")
    assert output["submit_time"] <= output["end_time"]
    assert output["orig_prompt"] == WORDS


def test_a_state_that_no_table_knows_comes_before_success(gateway):
    task = created(gateway, FILM, "A boat demo-odd-state")
    assert [looked(gateway, FILM, task)["output"]["task_status"] for _ in range(2)] == [
        "REVIEWING",
        "SUCCEEDED",
    ]


def test_an_output_can_be_late(gateway):
    task = created(gateway, FILM, "A boat demo-late-output")
    outputs = [looked(gateway, FILM, task)["output"] for _ in range(5)]
    assert [(output["task_status"], "video_url" in output) for output in outputs] == [
        ("RUNNING", False),
        *[("SUCCEEDED", False)] * 3,
        ("SUCCEEDED", True),
    ]


def test_the_address_stays_the_same_from_query_to_query(gateway):
    task = created(gateway, FILM)
    urls = {ended(gateway, FILM, task)["output"]["video_url"] for _ in range(2)}
    assert len(urls) == 1


def test_some_of_the_pictures_can_be_missing(gateway):
    status, _, raw = gateway.call("POST", PICTURE, body_for(PICTURE, "A boat demo-partial", n=4))
    output = json.loads(raw)["output"]
    assert status == 200
    assert len(output["choices"][0]["message"]["content"]) == 2
    assert output["task_metric"] == {"TOTAL": 4, "SUCCEEDED": 2, "FAILED": 2}


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (FILM, {"model": "happyhorse-1.0-t2v"}, "input.prompt"),
        (FILM, {"model": "happyhorse-1.0-t2v", "input": {"prompt": 7}}, "input.prompt"),
        (FILM, {"model": "happyhorse-1.0-t2v", "input": []}, "input"),
        (FILM, {"input": {"prompt": "a"}}, "model"),
        (FILM, body_for(FILM, duration=99), "parameters.duration"),
        (FILM, body_for(FILM, duration=True), "parameters.duration"),
        (FILM, body_for(FILM, resolution="8K"), "parameters.resolution"),
        (FILM, body_for(FILM, ratio="16/9"), "parameters.ratio"),
        (FILM, body_for(FILM, seed=-1), "parameters.seed"),
        (FILM, {**body_for(FILM), "input": {"prompt": "a", "img_url": "/etc/passwd"}}, "input.img_url"),
        (FILM, {**body_for(FILM), "input": {"prompt": "a", "media": [{"url": 1}]}}, "input.media[0].url"),
        (PICTURE, {"model": "qwen-image-plus"}, "input.messages"),
        (PICTURE, {"model": "qwen-image-plus", "input": {"messages": ["a"]}}, "input.messages"),
        (PICTURE, body_for(PICTURE, size="1328x1328"), "parameters.size"),
        (PICTURE, body_for(PICTURE, n=7), "parameters.n"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_taken(gateway, path, body, named):
    before = gateway.json("/demo/tasks")["total"]
    status, _, raw = gateway.call("POST", path, body)
    answer = json.loads(raw)
    assert (status, answer["code"]) == (400, "InvalidParameter")
    assert named in answer["message"]
    assert gateway.json("/demo/tasks")["total"] == before


def test_an_unknown_model_is_denied(gateway):
    status, _, raw = gateway.call("POST", FILM, {**body_for(FILM), "model": "nobody-knows"})
    assert (status, json.loads(raw)["code"]) == (403, "AccessDenied")
