"""The OpenAI-style media routes: the recorded requests and answers, and the traps of contract section 8."""

from __future__ import annotations

import base64
import json
from email.parser import BytesParser
from email.policy import HTTP

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output, Submitted
from playground.gateway.media.operation import FileValue
from playground.gateway.media.registry import OPERATIONS
from tests.media_wire.samples import INLINE, ONE, TWO, body_of, create, created, read, sample, sent

CLIP = FileValue(
    data_b64=base64.b64encode(b"ID3\x00--x\r\n").decode(), media_type="audio/mpeg", name="clip.mp3"
)
VIDEO = {"model": "kling-3.0", "prompt": "A paper boat drifts past a lighthouse"}


def parts_of(wire):
    """The parts of an upload, read by the standard library's parser."""
    head = f"content-type: {wire.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + wire.body)
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    }


def answered(key, body, content_type="application/json"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return OPERATIONS[key].read_created(body, content_type)


def test_an_image_request_is_as_documented():
    wire = create(
        "openai.images", {"model": "kling-v2-1", "prompt": "A paper boat", "n": 1, "size": "1024x1024"}
    )
    assert wire.path == "/openai/v1/images/generations"
    assert sent(wire) == sample("openai-extended/images-request.json")


def test_a_picture_told_by_its_address_keeps_the_prompt_as_it_was_rewritten():
    assert created("openai.images", "openai-extended/images-response-url.json") == Observation(
        "succeeded",
        outputs=(
            Output(
                "image:0",
                "image",
                url="https://assets.example.test/out/0.png",
                meta={"revised_prompt": "A paper boat on calm water"},
            ),
        ),
    )


def test_a_picture_inside_the_answer_is_kept_as_data():
    seen = created("openai.images", "openai-extended/images-response-b64.json")
    assert seen.outputs == (Output("image:0", "image", data_b64="iVBORw0KGgo="),)
    assert seen.usage["output_tokens"] == 1056


def test_a_picture_told_both_ways_is_one_picture():
    both = {"url": "https://a.example.test/0.png", "b64_json": "iVBORw0KGgo="}
    assert len(answered("openai.images", {"data": [both, {"b64_json": "AAAA"}]}).outputs) == 2


def test_what_is_no_base64_is_no_picture_however_long_it_is():
    assert answered("openai.images", {"data": [{"b64_json": " " * 2_000_000 + "?"}]}).outputs == ()


def test_an_answer_without_a_picture_has_failed():
    seen = answered("openai.images", {"data": []})
    assert (seen.state, seen.error_code) == ("failed", "no_output")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "no", "code": "content_policy_violation"}}, "content_policy"),
        ({"error": "insufficient_quota", "message": "no"}, "quota"),
        ([], "protocol"),
        (b"<html>busy</html>", "protocol"),
    ],
)
def test_an_error_inside_a_200_is_an_error(body, kind):
    with pytest.raises(GatewayError) as caught:
        answered("openai.images", body)
    assert caught.value.kind == kind


def test_a_video_request_is_as_documented():
    values = VIDEO | {"duration": 5, "aspect_ratio": "16:9", "mode": "std", "generate_audio": False}
    wire = create("openai.videos", values)
    assert (wire.method, wire.path) == ("POST", "/openai/v1/videos")
    assert sent(wire) == sample("openai-videos/create-request.json")


def test_frames_go_up_with_their_roles():
    # The documented example writes the seconds as text; both are taken.
    values = {"model": "kling-v3-omni", "prompt": "Sail at dusk", "duration": 5, "sound": "off"}
    body = sent(create("openai.videos", values, {"frame_images": (ONE,)}))
    assert body == sample("openai-videos/create-request-frames.json") | {"duration": 5}
    two = sent(create("openai.videos", values, {"frame_images": (ONE, TWO)}))["frame_images"]
    assert [frame["role"] for frame in two] == ["first_frame", "last_frame"]


def test_pictures_for_a_video_go_up_by_their_address_only():
    body = sent(create("openai.videos", VIDEO, {"image": (ONE,), "input_reference": (TWO,)}))
    assert (body["image"], body["input_reference"]) == (ONE.url, TWO.url)
    with pytest.raises(GatewayError, match="public address"):
        create("openai.videos", VIDEO, {"image": (INLINE,)})


@pytest.mark.parametrize("name", ["id", "task_id", "video_id"])
def test_a_video_task_is_taken_under_any_name_of_its_id(name):
    assert answered("openai.videos", {name: "video_1", "status": "queued"}) == Submitted(
        "video_1", raw_state="queued"
    )


def test_a_video_task_is_asked_for_by_its_id():
    wire = OPERATIONS["openai.videos"].query("video_s4mple01")
    assert (wire.method, wire.path) == ("GET", "/openai/v1/videos/video_s4mple01")


def test_a_running_video_tells_how_far_it_is():
    queued = read("openai.videos", "openai-videos/queued.json")
    running = read("openai.videos", "openai-videos/in-progress.json")
    assert (queued.state, queued.progress) == ("pending", 0.0)
    assert (running.state, running.progress, running.outputs) == ("running", 0.45, ())


def test_a_finished_video_is_fetched_from_the_gateway_with_the_key():
    seen = read("openai.videos", "openai-videos/completed.json")
    assert seen.ready
    assert seen.outputs == (
        Output(
            "video:0",
            "video",
            url="/openai/v1/videos/video_s4mple01/content",
            needs_key=True,
            lives_s=86_400,
            meta={"seconds": "5", "size": "1280x720"},
        ),
    )


def test_a_plain_address_is_taken_when_one_is_told():
    seen = read("openai.videos", "openai-videos/completed-with-url.json")
    assert [(output.key, output.url, output.needs_key) for output in seen.outputs] == [
        ("video:0", "https://assets.example.test/out/boat.mp4", False)
    ]


def test_a_failed_video_tells_why():
    seen = read("openai.videos", "openai-videos/failed.json")
    assert (seen.state, seen.error_kind, seen.error_code) == ("failed", "content_policy", "content_policy")
    assert seen.error_message == "The prompt was refused"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", "pending"),
        ("submitted", "pending"),
        ("processing", "running"),
        ("RUNNING", "running"),
        ("success", "succeeded"),
        ("succeeded", "succeeded"),
        ("error", "failed"),
        ("expired", "failed"),
        ("canceled", "cancelled"),
        ("dreaming", "unknown"),
    ],
)
def test_the_common_spellings_of_a_state_are_read(word, state):
    assert read("openai.videos", {"id": "v", "status": word}).state == state


def test_a_finished_video_without_an_id_or_an_address_is_not_ready():
    assert not read("openai.videos", {"status": "completed"}).ready


def test_a_speech_request_is_as_documented():
    values = {"model": "tts-sample", "input": "Hello", "voice": "alloy", "response_format": "mp3"}
    wire = create("openai.speech", values)
    assert wire.path == "/openai/v1/audio/speech"
    assert sent(wire) == sample("openai-extended/speech-request.json")
    assert wire.headers["accept"] == "*/*"


@pytest.mark.parametrize(
    ("body", "content_type", "media_type"),
    [
        (b"ID3\x04rest", "audio/mpeg", "audio/mpeg"),
        (b"ID3\x04rest", "application/octet-stream", "audio/mpeg"),
        (b"OggSrest", "", "audio/ogg"),
        (b"\x00\x01", "binary/octet-stream", ""),
    ],
)
def test_spoken_bytes_come_back_with_their_type(body, content_type, media_type):
    (output,) = answered("openai.speech", body, content_type).outputs
    assert base64.b64decode(output.data_b64) == body
    assert (output.kind, output.media_type) == ("audio", media_type)


def test_text_where_sound_belongs_is_an_error():
    with pytest.raises(GatewayError) as caught:
        answered("openai.speech", {"error": {"message": "no such voice", "type": "invalid_request_error"}})
    assert caught.value.kind == "invalid_request"
    for content_type in ("application/json", "text/html; charset=utf-8"):
        with pytest.raises(GatewayError) as caught:
            answered("openai.speech", b"{}", content_type)
        assert caught.value.kind == "protocol"
    assert answered("openai.speech", b"", "audio/mpeg").error_code == "no_output"


def test_a_recording_goes_up_as_a_form():
    values = {"model": "whisper-sample", "language": "en", "temperature": 0.2}
    wire = create("openai.transcription", values, {"file": (CLIP,)})
    assert wire.path == "/openai/v1/audio/transcriptions"
    assert parts_of(wire) == {
        "model": (None, "text/plain", b"whisper-sample"),
        "language": (None, "text/plain", b"en"),
        "temperature": (None, "text/plain", b"0.2"),
        "file": ("clip.mp3", "audio/mpeg", base64.b64decode(CLIP.data_b64)),
    }


def test_a_translation_goes_to_its_own_route_and_takes_further_fields():
    wire = create("openai.translation", {"model": "w"}, {"file": (CLIP,)}, extra={"stream": False})
    assert wire.path == "/openai/v1/audio/translations"
    assert parts_of(wire)["stream"][2] == b"false"


def test_the_same_upload_is_the_same_request_and_a_hostile_name_stays_a_name():
    hostile = FileValue(data_b64=CLIP.data_b64, media_type='a/b"\r\nx: y', name='a"\r\nx: y.mp3')
    wires = [create("openai.transcription", {"model": "w"}, {"file": (hostile,)}) for _ in range(2)]
    assert wires[0] == wires[1]
    assert parts_of(wires[0])["file"][:2] == ("a%22%0D%0Ax: y.mp3", "application/octet-stream")


def test_a_recording_by_its_address_or_none_at_all_is_refused_before_anything_is_sent():
    for files in ({}, {"file": (FileValue(url="https://a.example.test/a.mp3"),)}):
        with pytest.raises(GatewayError) as caught:
            create("openai.transcription", {"model": "w"}, files)
        assert caught.value.code == "not_sent"


def test_a_transcript_is_a_text():
    seen = created("openai.transcription", "openai-extended/transcription-response.json")
    assert seen.outputs == (Output("text:0", "text", text="Hello there.", media_type="text/plain"),)


def test_subtitles_come_as_they_are():
    subtitles = b"1\n00:00:00,000 --> 00:00:01,000\nHello\n\n"
    (output,) = answered("openai.transcription", subtitles, "text/plain").outputs
    assert output.text == "1\n00:00:00,000 --> 00:00:01,000\nHello"


def test_a_transcript_with_times_keeps_them():
    body = {"text": "Hi", "language": "en", "duration": 1.5, "segments": [{"start": 0.0, "text": "Hi"}]}
    text, data = answered("openai.translation", body).outputs
    assert (text.text, text.meta) == ("Hi", {"language": "en", "duration": 1.5})
    assert json.loads(data.text) == body


def test_a_recording_of_silence_has_no_transcript():
    seen = answered("openai.transcription", {"text": ""})
    assert (seen.state, seen.error_code) == ("failed", "no_output")
    assert "heard nothing" in seen.error_message


def test_a_page_of_a_proxy_is_no_transcript():
    with pytest.raises(GatewayError) as caught:
        answered("openai.transcription", b"<html>busy</html>", "text/html")
    assert caught.value.kind == "protocol"


def test_embeddings_are_asked_for_and_kept_number_for_number():
    values = {"model": "text-embedding-v4", "input": ["one line", "another line"]}
    wire = create("openai.embeddings", values | {"encoding_format": "float", "dimensions": 1024})
    assert wire.path == "/openai/v1/embeddings"
    assert sent(wire) == sample("openai-extended/embeddings-request.json")
    seen = created("openai.embeddings", "openai-extended/embeddings-response.json")
    (output,) = seen.outputs
    assert output.text == body_of("openai-extended/embeddings-response.json").decode()
    assert output.meta == {"vectors": 2, "dimensions": 3, "model": "text-embedding-v4"}
    assert seen.usage == {"prompt_tokens": 6, "total_tokens": 6}


def test_a_moderation_is_asked_for_and_its_judgement_kept():
    wire = create("openai.moderations", {"model": "moderation-sample", "input": "a line to check"})
    assert wire.path == "/openai/v1/moderations"
    assert sent(wire) == sample("openai-extended/moderation-request.json")
    (output,) = created("openai.moderations", "openai-extended/moderation-response.json").outputs
    assert output.meta == {"flagged": False, "model": "moderation-sample"}
    assert json.loads(output.text)["results"][0]["category_scores"] == {"violence": 0.001}


@pytest.mark.parametrize("key", ["openai.embeddings", "openai.moderations"])
def test_an_answer_without_a_result_has_failed(key):
    seen = answered(key, {"data": [], "results": []})
    assert (seen.state, seen.error_code) == ("failed", "no_output")
