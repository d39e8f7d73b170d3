"""How music tasks go on and end: stages, failures on request, odd answers."""

import json

import pytest

from tests.demo.suno_asking import fetch, look, make, post, query, song, tracks


def wanted(word):
    return {"prompt": f"la la\nla {word}"}


def test_a_song_comes_in_stages(gateway):
    task_id = make(gateway, **wanted("demo-step-by-step"))
    pending, text, first, done = (look(gateway, task_id) for _ in range(4))
    assert [stage["status"] for stage in (pending, text, first, done)] == [
        *("PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS")
    ]
    assert pending["response"] is None
    tracks_of = [stage["response"]["sunoData"] for stage in (text, first, done)]
    assert [[bool(track["audioUrl"]) for track in found] for found in tracks_of] == [
        *([False, False], [True, False], [True, True])
    ]
    assert [[track["duration"] is None for track in found] for found in tracks_of] == [
        *([True, True], [False, True], [False, False])
    ]
    assert all(track["streamAudioUrl"] and track["prompt"] for found in tracks_of for track in found)
    assert tracks_of[0][0]["streamAudioUrl"] == tracks_of[2][0]["streamAudioUrl"]
    assert look(gateway, task_id)["status"] == "SUCCESS"


def test_a_stream_plays_before_the_song_is_done(gateway):
    task_id = make(gateway, **wanted("demo-step-by-step"))
    look(gateway, task_id)
    assert fetch(gateway, tracks(gateway, task_id)[0]["streamAudioUrl"])[1].startswith(b"RIFF")


def test_time_moves_a_task_on_as_fast_as_the_speed_says(starter):
    own = starter("--speed", "400")
    task_id = make(own)
    states = [look(own, task_id)["status"]]
    while states[-1] != "SUCCESS":
        states.append(look(own, task_id)["status"])
    order = ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]
    assert [order.index(state) for state in states] == sorted(order.index(state) for state in states)


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("demo-fails", "GENERATE_AUDIO_FAILED", 501),
        ("demo-audio-failed", "GENERATE_AUDIO_FAILED", 501),
        ("demo-create-failed", "CREATE_TASK_FAILED", 500),
        ("demo-fails-content", "SENSITIVE_WORD_ERROR", 400),
        ("demo-callback-exception-empty", "CALLBACK_EXCEPTION", None),
        ("demo-odd-state", "POLISHING", None),
    ],
)
def test_a_task_ends_without_sound_on_request(gateway, word, status, code):
    data = look(gateway, make(gateway, **wanted(word)))
    assert (data["status"], data["errorCode"], data["response"]) == (status, code, None)
    assert (data["errorMessage"] is None) == (word == "demo-odd-state")


def test_a_song_may_fail_after_its_words_are_there(gateway):
    task_id = make(gateway, **wanted("demo-audio-failed demo-step-by-step"))
    states = [look(gateway, task_id)["status"] for _ in range(4)]
    assert states == ["PENDING", "TEXT_SUCCESS", "GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED"]


def test_lyrics_fail_in_their_own_words(gateway):
    data = look(gateway, make(gateway, "generate-lyrics", prompt="boats demo-fails"), "lyrics")
    assert (data["status"], data["response"]) == ("GENERATE_LYRICS_FAILED", None)


@pytest.mark.parametrize(
    ("action", "kind", "fields", "flag"),
    [
        ("wav-generate", "wav", {}, "GENERATE_WAV_FAILED"),
        ("mp4-generate", "mp4", {}, "GENERATE_MP4_FAILED"),
        ("generate-cover", "cover", {}, 3),
        ("vocal-removal", "vocal-removal", {"type": "separate_vocal"}, "GENERATE_AUDIO_FAILED"),
    ],
)
def test_what_is_made_of_a_song_fails_when_the_song_asked_for_it(gateway, action, kind, fields, flag):
    start = song(gateway, **wanted("demo-later-fails"))
    data = look(gateway, make(gateway, action, **start, **fields), kind)
    assert (data["successFlag"], data["response"]) == (flag, None)
    assert data["errorMessage"]


def test_a_callback_exception_may_have_its_sound(gateway):
    data = look(gateway, make(gateway, **wanted("demo-callback-exception")))
    assert data["status"] == "CALLBACK_EXCEPTION"
    assert all(track["audioUrl"] for track in data["response"]["sunoData"])


def test_success_may_come_without_addresses(gateway):
    task_id = make(gateway, **wanted("demo-no-output"))
    for _ in range(5):
        data = look(gateway, task_id)
        assert data["status"] == "SUCCESS"
        assert not any(track[name] for track in data["response"]["sunoData"] for name in URLS)


def test_addresses_may_come_later_than_success(gateway):
    task_id = make(gateway, **wanted("demo-late-output"))
    found = [bool(tracks(gateway, task_id)[0]["audioUrl"]) for _ in range(5)]
    assert found == [False, False, False, True, True]


URLS = ("audioUrl", "streamAudioUrl", "imageUrl")


def test_one_take_may_be_missing(gateway):
    assert [bool(t["audioUrl"]) for t in tracks(gateway, make(gateway, **wanted("demo-partial")))] == [
        True,
        False,
    ]


def test_a_task_may_be_lost_by_the_provider(gateway):
    answer = query(gateway, make(gateway, **wanted("demo-gone")))
    assert answer == {"code": 404, "msg": "Task not found", "data": None}


def test_a_task_may_never_end(gateway):
    task_id = make(gateway, **wanted("demo-never-ends"))
    assert {look(gateway, task_id)["status"] for _ in range(5)} == {"FIRST_SUCCESS"}


def test_a_state_may_have_a_suffix(gateway):
    data = look(gateway, make(gateway, **wanted("demo-suffixed-state")))
    assert data["status"] == "SUCCESS-v2"
    assert data["response"]["sunoData"][0]["audioUrl"]


def test_the_other_shapes_of_wav_and_words_come_on_request(gateway):
    start = song(gateway, **wanted("demo-other-shape"))
    data = look(gateway, make(gateway, "wav-generate", **start), "wav")
    assert data["status"] == "SUCCESS" and data["response"].keys() == {"audio_wav_url"}
    words = post(gateway, "timestamped-lyrics", **start)["data"]["alignedWords"]
    assert words[0].keys() == {"word", "success", "start_s", "end_s", "p_align"}


@pytest.mark.parametrize("code", [400, 401, 405, 409, 413, 429, 430, 451, 455, 500, 501, 531])
def test_every_refusal_of_the_family_comes_on_request_under_http_200(gateway, code):
    answer = post(gateway, "generate-lyrics", prompt=f"boats demo-code-{code}")
    assert answer["code"] == code and answer["msg"] and answer["data"] is None


def test_a_refusal_of_content_and_of_haste_come_on_request(gateway):
    assert post(gateway, "generate-lyrics", prompt="boats demo-refused")["code"] == 400
    assert post(gateway, "generate-lyrics", prompt="boats demo-busy")["code"] == 430


@pytest.mark.parametrize(("word", "status"), [("demo-error-503", 503), ("demo-error-429", 429)])
def test_errors_of_the_gateway_come_by_model_or_word(gateway, word, status):
    body = {"prompt": f"boats {word}", "callBackUrl": "https://playground.example.test/"}
    assert gateway.call("POST", "/suno/generate-lyrics", body)[0] == status
    song_body = {"customMode": False, "instrumental": False, "model": word, "prompt": "boats"}
    assert gateway.call("POST", "/suno/generate", body | song_body)[0] == status


def test_the_answer_to_a_create_may_be_lost_although_the_task_was_taken(starter):
    own = starter("--fast")
    body = {"prompt": "boats demo-lost-500", "callBackUrl": "https://playground.example.test/"}
    assert own.call("POST", "/suno/generate-lyrics", body)[0] == 500
    (task,) = own.json("/demo/tasks")["data"]
    assert look(own, task["id"], "lyrics")["status"] == "SUCCESS"


def test_a_query_may_fail_at_first(gateway):
    task_id = make(gateway, **wanted("demo-poll-429"))
    path = f"/suno/query/task?taskId={task_id}"
    answers = [gateway.call("GET", path) for _ in range(3)]
    assert [status for status, _, _ in answers] == [429, 429, 200]
    assert answers[0][1]["retry-after"]
    assert json.loads(answers[2][2])["data"]["status"] == "SUCCESS"


def test_addresses_and_ids_are_no_wishes(gateway):
    task_id = make(gateway, callBackUrl="https://demo-fails.example.test/demo-fails", personaId="demo-fails")
    assert look(gateway, task_id)["status"] == "SUCCESS"
