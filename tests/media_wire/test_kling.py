"""Kling's native routes: the recorded requests, answers and states, and envelopes of other gateways."""

from __future__ import annotations

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output, Submitted
from playground.gateway.media.operation import FileValue
from playground.gateway.media.registry import OPERATIONS
from tests.media_wire.samples import HERE, INLINE, ONE, TWO, create, created, read, sample, sent

MONTH_S = 30 * 86_400
ROUTES = {
    "kling.image": "images/generations",
    "kling.omni-image": "images/omni-image",
    "kling.text2video": "videos/text2video",
    "kling.image2video": "videos/image2video",
    "kling.omni-video": "videos/omni-video",
}
OMNI = {"model": "kling-v3-omni", "prompt": "<<<image_1>>> sails at dusk"}
REQUESTS = [
    (
        "kling.image",
        "image-generations",
        {
            "model": "kling-v2-1",
            "prompt": "A paper boat at dawn",
            "negative_prompt": "blur",
            "n": 1,
            "aspect_ratio": "16:9",
            "resolution": "1k",
        },
        {},
    ),
    (
        "kling.omni-image",
        "omni-image",
        {
            "model": "kling-v3-omni",
            "prompt": "Put <<<image_1>>> on a shelf",
            "n": 1,
            "aspect_ratio": "1:1",
            "resolution": "1k",
            "result_type": "single",
        },
        {"images": (ONE,)},
    ),
    (
        "kling.text2video",
        "text2video",
        {
            "model": "kling-v3",
            "prompt": "A paper boat drifts past a lighthouse",
            "mode": "std",
            "duration": 5,
            "aspect_ratio": "16:9",
            "generate_audio": False,
        },
        {},
    ),
    (
        "kling.image2video",
        "image2video",
        {"model": "kling-v3", "prompt": "Camera slowly moves in", "mode": "pro", "duration": 5},
        {"image": (ONE,), "image_tail": (TWO,)},
    ),
    (
        "kling.omni-video",
        "omni-video",
        OMNI | {"mode": "pro", "duration": "5", "aspect_ratio": "16:9", "sound": "off"},
        {"first_frame": (ONE,)},
    ),
]
CODES = {
    1002: "auth",
    1102: "quota",
    1103: "permission",
    1201: "invalid_request",
    1203: "not_found",
    1301: "content_policy",
    1302: "rate_limited",
    1303: "rate_limited",
    5000: "upstream_unavailable",
    5001: "upstream_unavailable",
}


@pytest.mark.parametrize(("key", "name", "values", "files"), REQUESTS, ids=lambda value: str(value)[:20])
def test_a_request_is_as_documented(key, name, values, files):
    wire = create(key, values, files)
    assert (wire.method, wire.path) == ("POST", f"/transtreams/kling/v1/{ROUTES[key]}")
    assert sent(wire) == sample(f"kling/{name}-request.json")


@pytest.mark.parametrize("key", ROUTES)
def test_the_query_goes_to_the_route_of_the_create_call(key):
    wire = OPERATIONS[key].query("860000000000000001")
    assert (wire.method, wire.body) == ("GET", b"")
    assert wire.path == f"/transtreams/kling/v1/{ROUTES[key]}/860000000000000001"


@pytest.mark.parametrize(("key", "name", "values", "files"), REQUESTS, ids=lambda value: str(value)[:20])
def test_an_id_of_ours_and_an_address_for_callbacks_ride_along(key, name, values, files):
    body = sent(
        create(key, values, files, own_id="pg-0001", callback_url="https://playground.example.test/c")
    )
    assert body["external_task_id"] == "pg-0001"
    assert body["callback_url"] == "https://playground.example.test/c"
    assert OPERATIONS[key].carries_own_id
    assert not OPERATIONS[key].callback_by_default


def test_a_picture_without_an_address_goes_up_as_bare_base64():
    values = {"model": "kling-v3", "prompt": "p", "mode": "std"}
    assert sent(create("kling.image2video", values, {"image": (INLINE,)}))["image"] == "iVBORw0KGgo="
    headed = FileValue(url="data:image/png;base64,iVBORw0KGgo=")
    assert sent(create("kling.image2video", values, {"image": (headed,)}))["image"] == "iVBORw0KGgo="


def test_a_video_from_a_picture_needs_the_picture():
    with pytest.raises(GatewayError, match="First picture is missing"):
        create("kling.image2video", {"model": "kling-v3", "prompt": "p", "mode": "std"})


def test_the_pictures_of_an_omni_video_stand_in_the_order_that_the_marks_count():
    files = {"images": (INLINE,), "end_frame": (TWO,), "first_frame": (ONE,)}
    assert sent(create("kling.omni-video", OMNI, files))["image_list"] == [
        {"image_url": ONE.url, "type": "first_frame"},
        {"image_url": TWO.url, "type": "end_frame"},
        {"image_url": "iVBORw0KGgo="},
    ]


def test_a_reference_video_is_sent_with_its_use():
    video = FileValue(url="https://assets.example.test/ref/v.mp4")
    values = OMNI | {"refer_type": "base", "keep_original_sound": "no"}
    body = sent(create("kling.omni-video", values, {"video": (video,)}))
    assert body["video_list"] == [{"video_url": video.url, "refer_type": "base", "keep_original_sound": "no"}]
    assert "refer_type" not in body


def test_the_use_of_a_video_is_not_sent_without_one():
    body = sent(create("kling.omni-video", OMNI | {"refer_type": "base", "keep_original_sound": "no"}))
    assert body.keys() == {"model", "model_name", "prompt"}


@pytest.mark.parametrize("key", ROUTES)
def test_a_task_is_taken_under_its_id(key):
    assert created(key, "kling/create-response.json") == Submitted(
        "860000000000000001", "b3e00000-0000-4000-8000-000000000001", "submitted"
    )


def test_an_id_told_as_a_number_is_kept_to_the_last_digit():
    body = b'{"code": 0, "data": {"task_id": 860000000000000001}}'
    assert OPERATIONS["kling.image"].read_created(body, "").upstream_id == "860000000000000001"


@pytest.mark.parametrize(
    ("name", "state"), [("submitted", "pending"), ("processing", "running"), ("failed", "failed")]
)
def test_each_recorded_state_is_read(name, state):
    seen = read("kling.text2video", f"kling/task-{name}.json")
    assert (seen.state, seen.raw_state, seen.outputs) == (state, name, ())


def test_a_failed_task_tells_why():
    seen = read("kling.text2video", "kling/task-failed.json")
    assert seen.error_kind == "content_policy"
    assert seen.error_message == "The input may not follow the content rules"


def test_a_finished_video_is_told_with_its_month_to_live():
    assert read("kling.omni-video", "kling/task-succeed-video.json") == Observation(
        "succeeded",
        "succeed",
        outputs=(
            Output(
                "video:0",
                "video",
                url="https://assets.example.test/out/boat.mp4",
                lives_s=MONTH_S,
                meta={"id": "v-0001", "duration": "5.0"},
            ),
        ),
        request_id="b3e00000-0000-4000-8000-000000000001",
    )


def test_every_picture_of_a_finished_task_is_told_once():
    seen = read("kling.image", "kling/task-succeed-image.json")
    assert [(output.key, output.url, output.meta) for output in seen.outputs] == [
        ("image:0", "https://assets.example.test/out/0.png", {"index": 0}),
        ("image:1", "https://assets.example.test/out/1.png", {"index": 1}),
    ]


def test_a_series_of_pictures_is_told_too():
    series = [{"index": 0, "url": "https://a.example.test/0.png"}]
    answer = {"code": 0, "data": {"task_status": "succeed", "task_result": {"series_images": series}}}
    assert read("kling.omni-image", answer).ready


def test_a_callbacks_flat_body_reads_like_an_answer():
    done = read("kling.text2video", "kling/callback-succeed.json")
    assert done.ready
    assert done.outputs == read("kling.text2video", "kling/task-succeed-video.json").outputs
    assert read("kling.text2video", "kling/callback-failed.json").error_kind == "content_policy"


@pytest.mark.parametrize("name", sorted(path.stem for path in (HERE / "kling").glob("error-*.json")))
def test_a_refusal_inside_a_200_is_an_error_with_its_kind(name):
    code = int(name.rpartition("-")[2])
    for act in (created, read):
        with pytest.raises(GatewayError) as caught:
            act("kling.text2video", f"kling/{name}.json")
        assert (caught.value.kind, caught.value.code) == (CODES[code], str(code))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("NOT_START", "pending"),
        ("SUBMITTED", "pending"),
        ("QUEUED", "pending"),
        ("IN_PROGRESS", "running"),
        ("SUCCESS", "succeeded"),
        ("FAILURE", "failed"),
        ("Succeed", "succeeded"),
        ("in progress", "running"),
        ("paused_by_operator", "unknown"),
    ],
)
def test_other_gateways_words_are_understood(word, state):
    seen = read("kling.text2video", {"code": "success", "data": {"task_id": "t", "status": word}})
    assert (seen.state, seen.raw_state) == (state, word)


def test_another_gateways_envelope_is_opened():
    inside = {"task_result": {"videos": [{"url": "https://a.example.test/v.mp4", "duration": "5"}]}}
    answer = {
        "code": "success",
        "data": {"status": "SUCCESS", "progress": "100%", "data": {"code": 0, "data": inside}},
    }
    seen = read("kling.text2video", answer)
    assert (seen.ready, seen.progress) == (True, 1.0)
    assert [output.url for output in seen.outputs] == ["https://a.example.test/v.mp4"]


def test_an_address_in_an_envelope_is_of_the_routes_kind():
    answer = {
        "code": "success",
        "data": {"status": "succeeded", "error": None, "url": "https://a.example.test/x"},
    }
    assert [output.kind for output in read("kling.image", answer).outputs] == ["image"]
    assert [output.kind for output in read("kling.omni-video", answer).outputs] == ["video"]


def test_a_failure_in_an_envelope_tells_why():
    failure = {"message": "content moderation failed", "code": "task_failed"}
    seen = read("kling.image", {"code": "success", "data": {"status": "failed", "error": failure}})
    assert (seen.state, seen.error_kind) == ("failed", "content_policy")
    assert (seen.error_code, seen.error_message) == ("task_failed", "content moderation failed")


def test_a_success_without_an_address_is_not_ready():
    seen = read("kling.image", {"code": 0, "data": {"task_status": "succeed", "task_result": {}}})
    assert seen.state == "succeeded"
    assert not seen.ready


@pytest.mark.parametrize("upstream_id", ["..", ".", "", "a" * 300, "ü", "a\nb"])
def test_an_id_that_could_change_the_path_is_neither_taken_nor_asked_for(upstream_id):
    with pytest.raises(GatewayError):
        OPERATIONS["kling.image"].query(upstream_id)
    with pytest.raises(GatewayError) as caught:
        OPERATIONS["kling.image"].read_created(
            f'{{"code": 0, "data": {{"task_id": "{upstream_id}"}}}}'.encode(), ""
        )
    assert caught.value.kind == "protocol"


def test_a_slash_in_an_id_stays_inside_its_segment():
    wire = OPERATIONS["kling.image"].query("a/../b?c")
    assert wire.path == "/transtreams/kling/v1/images/generations/a%2F..%2Fb%3Fc"
