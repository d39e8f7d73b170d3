"""Suno: what a create call is answered with: a task, a refusal inside a 200, or a result at once."""

from __future__ import annotations

import json

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Submitted
from playground.gateway.media.registry import OPERATIONS
from tests.media_wire.suno.reading import OUT, SONG, created, observed, sample


def test_a_created_task_is_no_result():
    assert created("generate", sample("create-response")) == Submitted(SONG)


@pytest.mark.parametrize(
    "body",
    [
        {"code": "200", "data": {"task_id": "t1"}},
        {"taskId": "t1"},
        {"code": 200, "task_id": "t1", "data": None},
        {
            "code": 200,
            "data": {"taskId": "t1", "status": "SUCCESS", "response": {"videoUrl": f"{OUT}/a.mp4"}},
        },
    ],
)
def test_the_task_is_found_wherever_its_id_stands(body):
    assert created("mp4-generate", body).upstream_id == "t1"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, "invalid_request"),
        (401, "auth"),
        (405, "rate_limited"),
        (413, "too_large"),
        (429, "quota"),
        (430, "rate_limited"),
        (455, "upstream_unavailable"),
        (500, "upstream_unavailable"),
    ],
)
def test_a_refusal_inside_a_good_status_is_an_error_of_its_own_kind(code, kind):
    body = sample(f"create-error-{code}")
    with pytest.raises(GatewayError) as caught:
        created("generate", body)
    assert (caught.value.kind, caught.value.code) == (kind, str(code))
    assert caught.value.message == json.loads(body)["msg"]
    with pytest.raises(GatewayError) as asked:
        observed(body)
    assert asked.value.kind == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"code": "430", "msg": "Slow down"}, "rate_limited"),
        ({"code": 501, "msg": "Generation failed"}, "upstream_unavailable"),
        ({"code": 531, "msg": "Refunded"}, "upstream_unavailable"),
        ({"code": 201, "data": {"taskId": "t1"}}, "unknown"),
        ({"code": 0, "data": {"taskId": "t1"}}, "unknown"),
        ({"error": {"message": "No such key", "code": "invalid_api_key"}}, "auth"),
        ({"code": "insufficient_quota", "message": "No balance"}, "quota"),
        ({"code": 200, "data": {}}, "protocol"),
        ({"code": 200, "data": {"taskId": "  "}}, "protocol"),
        ({"code": 200, "data": {"taskId": "a\nb"}}, "protocol"),
        ([], "protocol"),
        (b"", "protocol"),
        (b"<html><h1>Sign in</h1></html>", "protocol"),
    ],
)
def test_a_create_answer_that_names_no_task_is_an_error(body, kind):
    with pytest.raises(GatewayError) as caught:
        created("generate", body)
    assert caught.value.kind == kind


def test_cover_art_that_exists_already_is_adopted():
    taken = created("generate-cover", sample("cover-already-exists-400"))
    assert taken == Submitted("b7d1000000000000000000000000c0fe", raw_state="400", adopted=True)


def test_a_wav_that_exists_already_is_adopted_when_its_task_is_told():
    body = json.loads(sample("wav-already-exists-409"))
    with pytest.raises(GatewayError) as caught:
        created("wav-generate", body)
    assert (caught.value.kind, caught.value.message) == ("conflict", "WAV record already exists")
    taken = created("wav-generate", body | {"data": {"taskId": "w1"}})
    assert (taken.upstream_id, taken.adopted) == ("w1", True)


def test_the_id_beside_any_other_refusal_is_not_adopted():
    with pytest.raises(GatewayError):
        created("generate", sample("cover-already-exists-400"))
    with pytest.raises(GatewayError):
        created("generate-cover", {"code": 429, "data": {"taskId": "t1"}})


@pytest.mark.parametrize(
    ("name", "word"),
    [("timestamped-lyrics-response", "[Verse]\nA "), ("timestamped-lyrics-response-snake", "A ")],
)
def test_lyrics_in_time_come_at_once_in_one_shape(name, word):
    seen = created("timestamped-lyrics", sample(name))
    assert seen.ready
    (output,) = seen.outputs
    assert (output.key, output.kind) == ("data:lyrics", "data")
    assert json.loads(output.text)["words"] == [{"word": word, "start_s": 1.36, "end_s": 1.79}]
    assert json.loads(output.text)["waveform"][:2] == [0, 0.5]


def test_words_without_a_time_are_left_out():
    rows = [
        {"word": "a", "startS": "1.5", "endS": 2},
        {"word": "b", "startS": None, "endS": 2},
        {"word": 7, "startS": 1, "endS": 2},
        {"word": "c", "startS": -1, "endS": 2},
        "d",
    ]
    (output,) = created("timestamped-lyrics", {"code": 200, "data": {"alignedWords": rows}}).outputs
    assert json.loads(output.text) == {"words": [{"word": "a", "start_s": 1.5, "end_s": 2}], "waveform": []}


def test_a_track_without_words_says_so_instead_of_waiting_for_them():
    seen = created("timestamped-lyrics", {"code": 200, "data": {"alignedWords": [], "waveformData": [1]}})
    assert (seen.state, seen.error_message) == (
        "failed",
        "This track has no sung words that could be put in time.",
    )


def test_a_style_comes_at_once_with_what_it_cost():
    seen = created("style-generate", sample("style-generate-response"))
    assert (seen.state, seen.usage) == ("succeeded", {"credits": 0.4})
    assert [(output.key, output.text) for output in seen.outputs] == [
        ("text:style", "soft felt piano, slow tempo, close microphone")
    ]


def test_a_persona_comes_at_once_with_its_id():
    (output,) = created("generate-persona", sample("generate-persona-response")).outputs
    assert (output.key, output.meta) == ("data:persona", {"id": "persona-01", "title": "Harbour voice"})
    assert json.loads(output.text) == {
        "personaId": "persona-01",
        "name": "Harbour voice",
        "description": "soft, close",
    }


@pytest.mark.parametrize("route", ["timestamped-lyrics", "style-generate", "generate-persona"])
def test_a_route_that_gives_only_a_task_after_all_is_followed_as_one(route):
    taken = created(route, sample("create-response"))
    assert taken == Submitted(SONG)
    assert OPERATIONS[f"suno.{route}"].query(taken.upstream_id).query == {"taskId": SONG}


def test_a_route_that_answers_at_once_may_fail_at_once():
    body = {"code": 200, "data": {"taskId": "t", "successFlag": "2", "errorCode": 413, "errorMessage": "No"}}
    seen = created("style-generate", body)
    assert (seen.state, seen.error_kind, seen.error_message) == ("failed", "content_policy", "No")
