"""The official OpenAI SDK as the client of the demo's pictures, videos and sounds."""

import base64
import io
import json
import wave

import openai
import pytest

from tests.demo.media_asking import (
    IMAGES,
    VIDEOS,
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

SPEECH = "/openai/v1/audio/speech"


@pytest.fixture
def videos(sdk):
    """The SDK's own videos, which it calls deprecated; AnyInt still publishes the routes."""
    with pytest.warns(DeprecationWarning, match="scheduled to permanently shut down"):
        yield sdk.videos


def clip(seconds=2):
    """A silent WAV."""
    told = io.BytesIO()
    with wave.open(told, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(8000)
        opened.writeframes(bytes(16_000 * seconds))
    return told.getvalue()


def test_pictures_come_by_address(sdk, gateway):
    answer = sdk.images.generate(model="kling-v2-1", prompt=WORDS, n=2, size="1536x1024")
    pictures = [fetched(gateway, local(one.url))[2] for one in answer.data]
    assert [png_size(data) for data in pictures] == [(1536, 1024)] * 2
    assert pictures[0] != pictures[1]
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


@pytest.mark.parametrize(
    "fields", [{"model": "gpt-image-1"}, {"model": "demo-image", "response_format": "b64_json"}]
)
def test_pictures_come_as_base64(sdk, fields):
    answer = sdk.images.generate(prompt=WORDS, **fields)
    assert png_size(base64.b64decode(answer.data[0].b64_json)) == (1024, 1024)
    assert answer.data[0].url is None


def test_no_picture_at_all_is_an_empty_list(sdk):
    for extra in ({}, {"response_format": "b64_json"}):
        assert sdk.images.generate(model="demo-image", prompt="demo-no-output", **extra).data == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("demo-refused", openai.BadRequestError),
        ("demo-fails-content", openai.BadRequestError),
        ("demo-fails", openai.InternalServerError),
        ("demo-busy", openai.RateLimitError),
        ("demo-error-402", openai.APIStatusError),
        ("demo-error-429", openai.RateLimitError),
        ("demo-error-502-html", openai.InternalServerError),
        ("demo-lost-500", openai.InternalServerError),
        ("demo-lost-html", openai.InternalServerError),
        ("demo-lost-cut", openai.APIConnectionError),
        ("demo-lost-reset", openai.APIConnectionError),
    ],
)
def test_pictures_fail_as_asked(sdk, words, error):
    with pytest.raises(error):
        sdk.images.generate(model="demo-image", prompt=f"A boat {words}")


def test_a_video_is_made_step_by_step_and_fetched_with_the_key(videos):
    video = videos.create(model="kling-3.0", prompt=WORDS, seconds="4", size="720x1280")
    seen = [video, *(videos.retrieve(video.id) for _ in range(2))]
    assert [one.status for one in seen] == ["queued", "in_progress", "completed"]
    assert [one.progress for one in seen] == [0, 50, 100]
    assert (video.seconds, video.size, video.model) == ("4", "720x1280", "kling-3.0")
    assert seen[-1].completed_at <= seen[-1].expires_at
    assert seconds_of(videos.download_content(video.id).read()) == 4


def test_a_picture_to_begin_with_can_be_uploaded(videos):
    video = videos.create(model="kling-3.0", prompt=WORDS, input_reference=("one.png", b"not looked at"))
    assert video.status == "queued"


def test_the_bytes_need_the_key_and_a_finished_video(gateway):
    task = created(gateway, VIDEOS)
    assert gateway.call("GET", f"{VIDEOS}/{task}/content")[0] == 404
    ended(gateway, VIDEOS, task)
    assert gateway.call("GET", f"{VIDEOS}/{task}/content", headers={})[0] == 401
    assert gateway.call("GET", f"{VIDEOS}/{task}/content")[0] == 200


def test_some_models_tell_an_address_too(gateway):
    urls = []
    for model in ("kling-v3-omni", "kling-3.0"):
        answer = ended(gateway, VIDEOS, created(gateway, VIDEOS, model=model))
        urls.append(answer.get("metadata", {}).get("url"))
    assert seconds_of(fetched(gateway, local(urls[0]))[2]) == 5
    assert urls[1] is None


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("demo-fails", "failed", "generation_failed"),
        ("demo-fails-content", "failed", "content_policy"),
        ("demo-cancelled", "cancelled", None),
        ("demo-no-output", "completed", None),
    ],
)
def test_every_other_end_of_a_video(gateway, words, status, code):
    video = ended(gateway, VIDEOS, created(gateway, VIDEOS, f"A boat {words}"))
    assert video["status"] == status
    assert video.get("error", {}).get("code") == code
    assert "metadata" not in video
    assert gateway.call("GET", f"{VIDEOS}/{video['id']}/content")[0] == 404


def test_a_video_that_is_gone_or_never_was_is_not_found(gateway):
    gone = created(gateway, VIDEOS, "A boat demo-gone")
    for name in (gone, "video_nobody", f"{gone}/content"):
        assert gateway.call("GET", f"{VIDEOS}/{name}")[0] == 404


def test_a_video_reaches_a_state_that_no_table_knows(gateway):
    task = created(gateway, VIDEOS, "A boat demo-odd-state")
    assert looked(gateway, VIDEOS, task)["status"] == "reviewing"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"prompt": " "}, "prompt"),
        ({"duration": 0}, "duration"),
        ({"seconds": "soon"}, "seconds"),
        ({"mode": "fast"}, "mode"),
        ({"sound": True}, "sound"),
        ({"generate_audio": "yes"}, "generate_audio"),
        ({"size": "huge"}, "size"),
        ({"aspect_ratio": 1.5}, "aspect_ratio"),
        ({"image": "one.png"}, "image"),
        ({"input_reference": "one.png"}, "input_reference"),
        ({"frame_images": [{"role": "first_frame"}]}, "frame_images"),
    ],
)
def test_a_wrong_field_of_a_video_is_named(gateway, fields, param):
    status, _, raw = gateway.call("POST", VIDEOS, {**body_for(VIDEOS), **fields})
    assert (status, json.loads(raw)["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("fields", "param"), [({"size": "1*1"}, "size"), ({"n": 0}, "n"), ({"prompt": 1}, "prompt")]
)
def test_a_wrong_field_of_a_picture_is_named(gateway, fields, param):
    status, _, raw = gateway.call("POST", IMAGES, {**body_for(IMAGES), "model": "demo-image", **fields})
    assert (status, json.loads(raw)["error"]["param"]) == (400, param)


def test_a_voice_hums_what_it_is_given(sdk):
    short, long = (
        sdk.audio.speech.create(model="demo-speech", voice="alloy", input=words, response_format="mp3")
        for words in ("Hello.", WORDS)
    )
    assert short.response.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(long.read())) as opened:
        assert opened.getframerate() == 16_000
    assert len(short.read()) < len(long.read())
    other = sdk.audio.speech.create(model="tts-1", voice="nova", input=WORDS)
    assert other.read() != long.read()


@pytest.mark.parametrize("words", ["demo-no-output", "demo-lost-garbage"])
def test_a_voice_can_stay_silent_or_break_off(gateway, words):
    body = {"model": "demo-speech", "voice": "alloy", "input": f"{WORDS} {words}"}
    status, _, raw = gateway.call("POST", SPEECH, body)
    whole = gateway.call("POST", SPEECH, {**body, "input": WORDS})[2]
    assert status == 200 and len(raw) < len(whole)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"voice": None}, "voice"),
        ({"input": ""}, "input"),
        ({"response_format": "ogg"}, "response_format"),
        ({"speed": 9}, "speed"),
    ],
)
def test_a_wrong_field_of_a_voice_is_named(gateway, fields, param):
    body = {"model": "demo-speech", "voice": "alloy", "input": WORDS, **fields}
    status, _, raw = gateway.call("POST", SPEECH, body)
    assert (status, json.loads(raw)["error"]["param"]) == (400, param)


def test_a_sound_is_measured_and_not_heard(sdk):
    told = sdk.audio.transcriptions.create(model="demo-transcribe", file=("a clip.wav", clip()))
    assert "a clip.wav: 2.0 seconds" in told.text and "demo gateway" in told.text
    with pytest.deprecated_call():
        english = sdk.audio.translations.create(model="whisper-1", file=("clip.mp3", b"ID3 not looked at"))
    assert "into English" in english.text and "unknown length" in english.text


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "This is"),
        ("srt", "1\n00:00:00,000 --> 00:00:02,000\nThis"),
        ("vtt", "WEBVTT\n\n00:00:00.000"),
    ],
)
def test_a_transcript_comes_in_the_form_asked_for(sdk, form, start):
    told = sdk.audio.transcriptions.create(model="whisper-1", file=("clip.wav", clip()), response_format=form)
    assert str(told).startswith(start)


def test_a_transcript_with_times_covers_the_whole_sound(sdk):
    told = sdk.audio.transcriptions.create(
        model="whisper-1", file=("clip.wav", clip(3)), response_format="verbose_json", language="de"
    )
    assert (told.duration, told.language, told.segments[0].end) == (3.0, "de", 3.0)


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        ("multipart/form-data", b"--x\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data; name=file"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("application/json", b'{"model": "whisper-1", "file": "clip.wav"}'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n',
        ),
    ],
)
def test_a_form_without_a_file_is_refused(gateway, content_type, raw):
    headers = {"authorization": "Bearer demo-key", "content-type": content_type}
    assert gateway.call("POST", "/openai/v1/audio/transcriptions", raw, headers)[0] == 400


def test_vectors_of_like_texts_lie_closer_together(sdk):
    texts = ["a boat on the sea", "a boat on the lake", "quarterly tax figures"]
    answer = sdk.embeddings.create(model="text-embedding-v4", input=texts, dimensions=256)
    one, like, other = (row.embedding for row in answer.data)
    assert [row.index for row in answer.data] == [0, 1, 2] and len(one) == 256

    def closeness(left, right):
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert closeness(one, one) == pytest.approx(1, abs=1e-3)
    assert closeness(one, like) > 0.5 > closeness(one, other)
    assert answer.usage.total_tokens > 0


def test_vectors_are_the_same_as_numbers_and_as_base64(sdk):
    packed = sdk.embeddings.create(model="demo-embedding", input="a boat")
    plain = sdk.embeddings.create(model="demo-embedding", input="a boat", encoding_format="float")
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert len(plain.data[0].embedding) == 1024


@pytest.mark.parametrize(
    "fields",
    [{"input": []}, {"input": [""]}, {"input": {}}, {"dimensions": 5000}, {"encoding_format": "hex"}],
)
def test_a_wrong_field_of_an_embedding_is_refused(gateway, fields):
    body = {"model": "demo-embedding", "input": "a", **fields}
    assert gateway.call("POST", "/openai/v1/embeddings", body)[0] == 400


def test_harm_is_flagged_by_its_words(sdk):
    answer = sdk.moderations.create(model="demo-moderation", input=["a quiet lake", "I will kill you"])
    calm, harmful = answer.results
    assert not calm.flagged and not any(calm.categories.model_dump().values())
    assert harmful.flagged and harmful.categories.violence
    assert harmful.category_scores.violence > calm.category_scores.violence


def test_a_moderation_needs_no_model_and_takes_pictures(sdk):
    parts = [
        {"type": "text", "text": "blood"},
        {"type": "image_url", "image_url": {"url": "https://a.test/b"}},
    ]
    assert [result.flagged for result in sdk.moderations.create(input=parts).results] == [True, False]


def test_models_of_other_routes_are_refused_in_chat_and_on_media_routes(gateway):
    for model in ("demo-video", "demo-speech", "demo-embedding"):
        assert gateway.chat(model=model)[0] == 400
    assert gateway.call("POST", VIDEOS, body_for(VIDEOS, model="demo-chat"))[0] == 403
