"""DashScope: the recorded requests, answers and states, and the traps of contract section 11."""

from __future__ import annotations

import json

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output, Submitted
from playground.gateway.media.operation import FileValue
from playground.gateway.media.registry import OPERATIONS
from tests.media_wire.samples import INLINE, ONE, create, created, read, sample, sent

DAY_S = 86_400
TASK = "0f5c0000-0000-4000-8000-0000000000aa"
VIDEO = {"model": "happyhorse-1.0-i2v", "input.prompt": "Camera slowly moves in"}
VIDEO |= {"parameters.resolution": "720P", "parameters.duration": 5}


def test_an_image_request_is_as_documented():
    wire = create(
        "dashscope.image",
        {
            "model": "qwen-image-plus",
            "prompt": "A paper boat at dawn",
            "parameters.size": "1328*1328",
            "parameters.negative_prompt": "blur",
            "parameters.watermark": False,
            "parameters.prompt_extend": True,
            "parameters.n": 1,
            "parameters.seed": 7,
        },
    )
    assert (wire.method, wire.path) == (
        "POST",
        "/dashscope/v1/services/aigc/multimodal-generation/generation",
    )
    assert sent(wire) == sample("dashscope/image-request.json")
    assert "x-dashscope-async" not in wire.headers


def test_an_edit_request_holds_the_picture_before_the_words():
    values = {"model": "qwen-image-edit-plus", "prompt": "Make the boat red"}
    values |= {"parameters.n": 2, "parameters.watermark": False}
    wire = create("dashscope.image", values, {"image": (ONE,)})
    assert sent(wire) == sample("dashscope/image-edit-request.json")


def test_a_picture_without_an_address_goes_up_as_a_data_url():
    wire = create("dashscope.image", {"model": "m", "prompt": "p"}, {"image": (INLINE,)})
    assert sent(wire)["input"]["messages"][0]["content"][0] == {"image": "data:image/png;base64,iVBORw0KGgo="}


def test_a_video_request_is_as_documented_and_asks_for_a_task():
    wire = create(
        "dashscope.video",
        {
            "model": "happyhorse-1.0-t2v",
            "input.prompt": "A paper boat drifts past a lighthouse",
            "parameters.resolution": "720P",
            "parameters.duration": 5,
            "parameters.audio": False,
            "parameters.ratio": "16:9",
            "parameters.watermark": False,
            "parameters.seed": 7,
        },
    )
    assert wire.path == "/dashscope/v1/services/aigc/video-generation/video-synthesis"
    assert sent(wire) == sample("dashscope/video-create-request.json")
    assert wire.headers["x-dashscope-async"] == "enable"


def test_the_header_for_tasks_can_be_left_out():
    wire = create("dashscope.video", {**VIDEO, "async_header": False})
    assert "x-dashscope-async" not in wire.headers
    assert "async_header" not in wire.body.decode()


@pytest.mark.parametrize(
    ("model", "told", "field"),
    [
        ("happyhorse-1.0-i2v", None, "media"),
        ("wan2.7-i2v", None, "media"),
        ("wan2.5-i2v-preview", None, "img_url"),
        ("happyhorse-1.0-t2v", None, "img_url"),
        ("happyhorse-1.0-i2v", "img_url", "img_url"),
        ("wan2.5-i2v-preview", "media", "media"),
    ],
)
def test_the_first_picture_goes_into_the_field_that_the_model_takes(model, told, field):
    values = VIDEO | {"model": model} | ({"image_as": told} if told else {})
    body = sent(create("dashscope.video", values, {"image": (ONE,)}))
    wanted = sample("dashscope/video-create-request-image.json")["input"]
    assert body["input"] == {"prompt": wanted["prompt"], field: wanted[field]}
    assert body["parameters"] == {"resolution": "720P", "duration": 5}


def test_sound_a_video_and_references_have_their_places():
    files = {
        "audio": (FileValue(url="https://a.example.test/a.mp3"),),
        "video": (FileValue(url="https://a.example.test/v.mp4"),),
        "references": (ONE,),
    }
    body = sent(create("dashscope.video", VIDEO, files))
    assert body["input"]["audio_url"] == "https://a.example.test/a.mp3"
    assert body["input"]["media"] == [
        {"type": "video", "url": "https://a.example.test/v.mp4"},
        {"type": "reference_image", "url": ONE.url},
    ]


def test_sound_without_an_address_is_refused_before_anything_is_sent():
    with pytest.raises(GatewayError, match="public address") as caught:
        create("dashscope.video", VIDEO, {"audio": (INLINE,)})
    assert caught.value.code == "not_sent"


def test_the_pictures_of_an_image_answer_are_told_with_their_day_to_live():
    assert created("dashscope.image", "dashscope/image-response.json") == Observation(
        "succeeded",
        "stop",
        outputs=(
            Output(
                "image:0",
                "image",
                url="https://assets.example.test/out/boat-1.png?Expires=1795255200",
                lives_s=DAY_S,
            ),
        ),
        request_id="7a0c0000-0000-4000-8000-000000000001",
        usage={"width": 1328, "height": 1328, "image_count": 1},
    )


def test_an_image_route_that_made_a_task_instead_is_followed():
    seen = created("dashscope.image", "dashscope/video-create-response.json")
    assert isinstance(seen, Submitted)
    assert seen.upstream_id == TASK
    assert OPERATIONS["dashscope.image"].query(TASK).path == f"/dashscope/v1/tasks/{TASK}"


def test_an_image_answer_without_an_image_has_failed():
    body = json.dumps({"output": {"choices": []}, "request_id": "r"}).encode()
    seen = OPERATIONS["dashscope.image"].read_created(body, "application/json")
    assert (seen.state, seen.error_code, seen.outputs) == ("failed", "no_output", ())


def test_a_refusal_inside_a_200_is_an_error_with_its_kind():
    with pytest.raises(GatewayError) as caught:
        created("dashscope.image", "dashscope/image-error-content.json")
    assert (caught.value.kind, caught.value.code) == ("content_policy", "DataInspectionFailed")
    with pytest.raises(GatewayError) as caught:
        created("dashscope.video", "dashscope/error-400-arrearage.json")
    assert caught.value.kind == "quota"


def test_a_video_task_is_taken_under_its_id():
    assert created("dashscope.video", "dashscope/video-create-response.json") == Submitted(
        TASK, "7a0c0000-0000-4000-8000-000000000003", "PENDING"
    )


@pytest.mark.parametrize(
    ("name", "state", "word", "stage"),
    [
        ("pending", "pending", "PENDING", ""),
        ("suspended", "pending", "SUSPENDED", "suspended"),
        ("running", "running", "RUNNING", ""),
        ("canceled", "cancelled", "CANCELED", ""),
        ("unknown", "unknown", "UNKNOWN", "no record of this task"),
    ],
)
def test_each_recorded_state_is_read(name, state, word, stage):
    seen = read("dashscope.video", f"dashscope/task-{name}.json")
    assert (seen.state, seen.raw_state, seen.stage, seen.outputs) == (state, word, stage, ())
    assert not seen.ready


def test_a_finished_video_is_told_with_its_address_and_use():
    assert read("dashscope.video", "dashscope/task-succeeded.json") == Observation(
        "succeeded",
        "SUCCEEDED",
        outputs=(
            Output(
                "video:0",
                "video",
                url="https://assets.example.test/out/boat.mp4?Expires=1795255200",
                lives_s=DAY_S,
            ),
        ),
        request_id="7a0c0000-0000-4000-8000-000000000004",
        usage={"duration": 5, "video_count": 1, "SR": 720},
    )


def test_a_success_without_an_address_is_not_ready():
    seen = read("dashscope.video", "dashscope/task-succeeded-without-url.json")
    assert seen.state == "succeeded"
    assert not seen.ready


def test_a_job_of_which_a_part_failed_is_a_success_that_says_so():
    seen = read("dashscope.video", "dashscope/task-succeeded-images.json")
    assert seen.ready
    assert seen.stage == "1 of 2 made"
    assert [output.url for output in seen.outputs] == ["https://assets.example.test/out/1.png"]


def test_a_failed_task_tells_why():
    seen = read("dashscope.video", "dashscope/task-failed.json")
    assert (seen.state, seen.error_kind) == ("failed", "invalid_request")
    assert (seen.error_code, seen.error_message) == ("InvalidParameter", "The duration is out of range.")


def test_a_failed_query_is_an_error_and_not_a_failed_task():
    with pytest.raises(GatewayError) as caught:
        read("dashscope.video", "dashscope/error-429.json")
    assert caught.value.kind == "rate_limited"


def test_an_answer_that_says_nothing_of_the_task_is_an_error():
    with pytest.raises(GatewayError) as caught:
        read("dashscope.video", {"request_id": "r-1", "output": {}})
    assert (caught.value.kind, caught.value.code, caught.value.request_id) == ("protocol", "no_state", "r-1")
