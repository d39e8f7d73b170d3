"""Suno: how a task stands and what it has made, whichever spelling and shape tells it."""

from __future__ import annotations

import pytest

from playground.gateway.errors import GatewayError
from tests.media_wire.suno.reading import OUT, SONG, keys, observed, of_tracks, sample, told, track

FORTNIGHT_S = 14 * 24 * 3600


@pytest.mark.parametrize(
    ("name", "state", "raw", "stage", "outputs"),
    [
        ("task-pending", "pending", "PENDING", "", {}),
        (
            "task-text-success",
            "running",
            "TEXT_SUCCESS",
            "Lyrics ready",
            {
                "audio:trk-a": False,
                "image:trk-a": False,
                "text:trk-a": False,
                "audio:trk-b": False,
                "image:trk-b": False,
            },
        ),
        (
            "task-first-success",
            "running",
            "FIRST_SUCCESS",
            "First track ready",
            {
                "audio:trk-a": True,
                "image:trk-a": True,
                "text:trk-a": True,
                "audio:trk-b": False,
                "image:trk-b": False,
            },
        ),
        *(
            (
                f"task-{name}",
                "succeeded",
                raw,
                "",
                {
                    "audio:trk-a": True,
                    "image:trk-a": True,
                    "text:trk-a": True,
                    "audio:trk-b": True,
                    "image:trk-b": True,
                },
            )
            for name, raw in (("success", "SUCCESS"), ("callback-exception", "CALLBACK_EXCEPTION"))
        ),
        ("lyrics-success", "succeeded", "SUCCESS", "", {"text:1": True}),
        (
            "vocal-removal-success",
            "succeeded",
            "SUCCESS",
            "",
            {"audio:vocal": True, "audio:instrumental": True, "audio:origin": True},
        ),
        (
            "split-stem-success",
            "succeeded",
            "SUCCESS",
            "",
            {"audio:vocal": True, "audio:drums": True, "audio:bass": True, "audio:origin": True},
        ),
        ("wav-success", "succeeded", "SUCCESS", "", {"audio:wav": True}),
        ("wav-success-other-shape", "succeeded", "SUCCESS", "", {"audio:wav": True}),
        ("mp4-success", "succeeded", "SUCCESS", "", {"video:mp4": True}),
        ("cover-pending", "pending", "0", "", {}),
        ("cover-success", "succeeded", "1", "", {"image:1": True, "image:2": True}),
    ],
)
def test_every_documented_state_is_read(name, state, raw, stage, outputs):
    seen = observed(sample(f"query-{name}"))
    assert (seen.state, seen.raw_state, seen.stage, keys(seen)) == (state, raw, stage, outputs)
    assert seen.ready is (state == "succeeded")
    assert (seen.error_kind, seen.error_message, seen.error_code) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "kind", "message", "code"),
    [
        ("task-create-failed", "upstream_unavailable", "Could not create the task", "500"),
        ("task-generate-failed", "upstream_unavailable", "Audio generation failed", "501"),
        ("task-sensitive-word", "content_policy", "The text has blocked words", "400"),
        ("lyrics-failed", "upstream_unavailable", "Lyrics generation failed", "500"),
        ("mp4-failed", "upstream_unavailable", "Video failed", "GENERATE_MP4_FAILED"),
    ],
)
def test_every_documented_failure_is_told_with_its_reason(name, kind, message, code):
    seen = observed(sample(f"query-{name}"))
    assert seen.state == "failed"
    assert (seen.error_kind, seen.error_message, seen.error_code) == (kind, message, code)


def test_a_track_is_heard_from_its_stream_until_its_file_is_there():
    def first_track(name):
        return observed(sample(name)).outputs[0]

    early, late = first_track("query-task-text-success"), first_track("query-task-success")
    assert early.key == late.key == "audio:trk-a"
    assert (early.url, early.final) == ("https://assets.example.test/stream/a", False)
    assert (late.url, late.final, late.lives_s) == (f"{OUT}/a.mp3", True, FORTNIGHT_S)
    assert late.meta == {
        "id": "trk-a",
        "title": "Paper Boats",
        "tags": "acoustic, soft voice",
        "duration": 91.2,
        "model": "chirp-v5",
        "image": f"{OUT}/a.jpeg",
        "created": "2026-11-20 10:00:00",
    }
    assert "duration" not in early.meta


def test_half_of_the_tracks_is_half_of_the_way():
    assert observed(sample("query-task-first-success")).progress == 0.5


def test_both_takes_of_different_lyrics_keep_their_own():
    seen = of_tracks("SUCCESS", track("a", prompt="One"), track("b", prompt="Two"))
    assert [output.text for output in seen.outputs if output.kind == "text"] == ["One", "Two"]


def test_success_without_a_file_is_not_ready():
    seen = of_tracks("SUCCESS", track("a", whole=False, prompt="One", imageUrl=f"{OUT}/a.jpeg"))
    assert (seen.state, seen.ready) == ("succeeded", False)
    assert not told(successFlag="SUCCESS", response={"originUrl": f"{OUT}/a.mp3", "vocalUrl": None}).ready


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], "running"),
        ([track("a", whole=False)], "running"),
        ([track("a"), track("b", whole=False)], "running"),
        ([track("a"), {"id": "b", "audioUrl": ""}], "running"),
        ([track("a"), {"id": "b"}], "running"),
        ([track("a"), track("b")], "succeeded"),
    ],
)
def test_an_undelivered_callback_ends_nothing_before_every_track_is_there(rows, state):
    assert of_tracks("CALLBACK_EXCEPTION", *rows).state == state


def test_an_undelivered_callback_does_not_hide_a_result_of_another_kind():
    assert told(status="CALLBACK_EXCEPTION", response={"audioWavUrl": f"{OUT}/a.wav"}).ready


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"successFlag": 1}, "succeeded"),
        ({"successFlag": 1.0}, "succeeded"),
        ({"successFlag": "1"}, "succeeded"),
        ({"success_flag": "success"}, "succeeded"),
        ({"successFlag": 0, "status": "SUCCESS"}, "pending"),
        ({"successFlag": None, "status": "SUCCESS"}, "succeeded"),
        ({"successFlag": "", "status": "FIRST_SUCCESS"}, "running"),
        ({"successFlag": "what", "status": "SUCCESS"}, "succeeded"),
        ({"successFlag": 2}, "failed"),
        ({"successFlag": "3"}, "failed"),
        ({"status": "SUCCESS-2 of 2"}, "succeeded"),
        ({"status": "SUCCESS:ok"}, "succeeded"),
        ({"status": "GENERATE_COVER_FAILED"}, "failed"),
        ({"status": "GENERATE_HOLOGRAM_FAILED - sorry"}, "failed"),
        ({"status": "NOT_SUCCESS"}, "unknown"),
        ({"status": "SUCCESSOR"}, "unknown"),
        ({"status": "DREAMING"}, "unknown"),
        ({"status": 7}, "unknown"),
    ],
)
def test_states_come_as_flags_words_and_words_with_a_tail(data, state):
    assert told(**data).state == state


def test_an_unknown_word_is_kept_as_it_came():
    assert told(status="DREAMING-3").raw_state == "DREAMING-3"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"errorCode": "451"}, "invalid_request"),
        ({"errorCode": 413}, "content_policy"),
        ({"errorCode": 429}, "quota"),
        ({"errorCode": 531}, "upstream_unavailable"),
        ({"errorMessage": "Blocked by the content policy"}, "content_policy"),
        ({"errorCode": None}, "upstream_unavailable"),
        ({"status": "CREATE_TASK_FAILED"}, "unknown"),
    ],
)
def test_a_failed_task_says_of_what_kind_its_failure_is(data, kind):
    assert told(**{"status": "GENERATE_AUDIO_FAILED"} | data).error_kind == kind


@pytest.mark.parametrize("code", [501, "531"])
def test_a_code_that_speaks_of_the_task_ends_it(code):
    seen = observed({"code": code, "msg": "Failed and refunded", "data": None})
    assert (seen.state, seen.error_kind) == ("failed", "upstream_unavailable")
    assert (seen.error_message, seen.error_code) == ("Failed and refunded", str(code))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"code": 200, "data": {"taskId": SONG}}, "protocol"),
        ({}, "protocol"),
        (b"Bad gateway", "protocol"),
    ],
)
def test_a_query_that_says_nothing_of_the_task_is_no_state(body, kind):
    with pytest.raises(GatewayError) as caught:
        observed(body)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (sample("query-not-found"), "Task not found"),
        ({"code": 200, "msg": "success", "data": None}, "The gateway has no record of this task."),
    ],
)
def test_a_task_of_which_there_is_no_record_is_unknown_and_not_failed(body, message):
    seen = observed(body)
    assert (seen.state, seen.raw_state, seen.error_kind) == ("unknown", "", "not_found")
    assert seen.error_message == message


def test_older_spellings_and_flat_answers_are_read_too():
    row = {"id": "a", "audio_url": f"{OUT}/a.mp3", "image_url": f"{OUT}/a.jpeg", "model_name": "chirp-v5"}
    for response in ({"suno_data": [row]}, {"data": [row]}, [row]):
        seen = told(status="SUCCESS", response=response)
        assert keys(seen) == {"audio:a": True, "image:a": True}
        assert seen.outputs[0].meta["model"] == "chirp-v5"
    assert keys(observed({"status": "SUCCESS", "response": {"video_url": f"{OUT}/a.mp4"}})) == {
        "video:mp4": True
    }
    assert keys(told(successFlag=1, vocal_url=f"{OUT}/v.mp3", callbackUrl=f"{OUT}/cb")) == {
        "audio:vocal": True
    }


def test_stems_have_names_for_people_and_null_ones_are_absent():
    seen = told(
        successFlag="SUCCESS",
        response={
            "vocalUrl": f"{OUT}/v.mp3",
            "backingVocalsUrl": f"{OUT}/b.mp3",
            "guitarUrl": None,
            "theremin_url": f"{OUT}/t.mp3",
            "originData": [
                {"id": "s1", "stem_type_group_name": "Vocals", "audio_url": f"{OUT}/v.mp3", "duration": 91.2},
                {"id": "s2", "stem_type_group_name": "Spoons", "audio_url": f"{OUT}/s.mp3"},
            ],
        },
    )
    assert [(output.key, output.meta) for output in seen.outputs] == [
        ("audio:vocal", {"title": "Vocal", "duration": 91.2}),
        ("audio:backing_vocals", {"title": "Backing vocals"}),
        ("audio:theremin", {"title": "Theremin"}),
        ("audio:s2", {"title": "Spoons"}),
    ]


def test_lyrics_variants_count_in_order_and_failed_ones_are_not_final():
    rows = [
        {"text": "One", "title": "A", "status": "complete"},
        {"text": "", "status": "failed", "errorMessage": "No"},
        {"text": "Thr", "title": "C", "status": "streaming"},
    ]
    seen = told(status="SUCCESS", response={"data": rows})
    assert [(output.key, output.text, output.final) for output in seen.outputs] == [
        ("text:1", "One", True),
        ("text:3", "Thr", False),
    ]


@pytest.mark.parametrize(
    "address", ["", "ftp://x/y", "javascript:alert(1)", "/a.mp3", "https://a b", 7, ["x"], {}]
)
def test_what_is_no_web_address_is_no_output(address):
    assert told(successFlag=1, response={"videoUrl": address}).outputs == ()
    assert told(successFlag=1, response={"images": [address, None]}).outputs == ()


def test_no_text_holds_what_a_database_refuses():
    row = {"id": "a\0", "audioUrl": f"{OUT}/a.mp3", "prompt": "One\0two", "title": "\ud800"}
    seen = of_tracks("SUCCESS", row)
    assert [output.key for output in seen.outputs] == ["audio:a\u2400", "text:a\u2400"]
    assert seen.outputs[1].text == "One\u2400two"
    assert seen.outputs[0].meta["title"] == "\ufffd"


def test_tracks_without_an_id_are_told_apart_by_their_place():
    seen = of_tracks("SUCCESS", track(None), track(None), track(5))
    assert list(keys(seen)) == ["audio:1", "audio:2", "audio:5"]
    assert [output.meta.get("id") for output in seen.outputs] == [None, None, "5"]


def test_a_track_that_is_told_twice_is_one_output():
    assert list(keys(of_tracks("SUCCESS", track("a"), track("a")))) == ["audio:a"]
