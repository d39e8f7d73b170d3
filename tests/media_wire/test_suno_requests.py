"""Suno: the 16 routes as requests, what each needs before it is sent, and the 6 queries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.media.operation import FileValue, Inputs
from playground.gateway.media.registry import OPERATIONS

HERE = Path(__file__).parent / "suno"
CALLBACK = "https://playground.example.test/cb/suno/k3y"
SUNO = {key: operation for key, operation in OPERATIONS.items() if operation.family == "suno"}
QUERIED_AT = {
    "suno.generate": "task",
    "suno.extend": "task",
    "suno.upload-cover": "task",
    "suno.upload-extend": "task",
    "suno.add-vocals": "task",
    "suno.add-instrumental": "task",
    "suno.replace-section": "task",
    "suno.generate-lyrics": "lyrics",
    "suno.generate-cover": "cover",
    "suno.vocal-removal": "vocal-removal",
    "suno.split-stem": "vocal-removal",
    "suno.wav-generate": "wav",
    "suno.mp4-generate": "mp4",
    # These give their result at once, unless they answer with a task's id after all.
    "suno.timestamped-lyrics": "lyrics",
    "suno.style-generate": "task",
    "suno.generate-persona": "task",
}
TRACK = {"taskId": "t1", "audioId": "a1"}
SECTION = {**TRACK, "prompt": "p", "tags": "t", "title": "x"}
PERSONA = {**TRACK, "name": "n", "description": "d"}
CUSTOM = {"customMode": True, "instrumental": False, "model": "V5", "prompt": "p", "style": "s", "title": "t"}
OWN = {"defaultParamFlag": True, "model": "V5", "audioId": "a", "style": "s", "title": "t", "continueAt": 9}


def sent(key, values, *, callback_url=CALLBACK, upload="https://assets.example.test/in/take.mp3", extra=None):
    operation = SUNO[key]
    files = {spec.name: (FileValue(url=upload),) for spec in operation.files} if upload else {}
    wire = operation.create(Inputs(values, files, callback_url=callback_url, extra=extra or {}))
    return wire, json.loads(wire.body)


def refused(key, values, **more):
    with pytest.raises(GatewayError) as caught:
        sent(key, values, **more)
    assert caught.value.kind == "invalid_request"
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize("sample", sorted(HERE.glob("*-request.json")), ids=lambda path: path.stem)
def test_every_documented_request_is_made_from_its_fields(sample):
    expected = json.loads(sample.read_text())
    name = sample.stem.removesuffix("-request")
    key = "suno.generate" if name in ("generate-custom", "generate-simple") else f"suno.{name}"
    values = {field: value for field, value in expected.items() if field not in ("callBackUrl", "uploadUrl")}
    wire, body = sent(key, values, upload=expected.get("uploadUrl", ""))
    assert body == expected
    assert (wire.method, wire.path, wire.auth) == ("POST", f"/suno/{key.removeprefix('suno.')}", "bearer")


def test_there_are_sixteen_routes_and_each_knows_who_tells_of_its_tasks():
    assert SUNO.keys() == QUERIED_AT.keys()
    for key, kind in QUERIED_AT.items():
        wire = SUNO[key].query("id 1&x=2")
        assert (wire.method, wire.path, wire.query) == ("GET", f"/suno/query/{kind}", {"taskId": "id 1&x=2"})


def test_a_query_that_knows_no_such_task_is_followed_by_the_one_for_songs():
    for key, kind in QUERIED_AT.items():
        other = SUNO[key].fallback_query
        assert (other("t1").path if other else None) == (None if kind == "task" else "/suno/query/task")


def test_what_can_be_done_with_a_song_takes_its_task_and_its_track():
    song = SUNO["suno.generate"]
    fills = {key: OPERATIONS[key].takes_result for key in song.after}
    of_track = {"taskId": "task", "audioId": "output"}
    assert fills == {
        "suno.extend": {"audioId": "output"},
        "suno.replace-section": of_track,
        "suno.timestamped-lyrics": of_track,
        "suno.generate-cover": {"taskId": "task"},
        "suno.mp4-generate": of_track,
        "suno.wav-generate": of_track,
        "suno.vocal-removal": of_track,
        "suno.split-stem": of_track,
        "suno.generate-persona": of_track,
    }
    assert SUNO["suno.replace-section"].after == song.after
    assert SUNO["suno.wav-generate"].after == ()


@pytest.mark.parametrize("key", sorted(SUNO))
def test_every_form_can_be_shown(key):
    operation = SUNO[key]
    names = [spec.name for spec in operation.fields]
    assert len(set(names)) == len(names)
    assert set(operation.basic) <= set(names)
    assert set(operation.takes_result) <= set(names)
    assert bool(operation.model_field) == ("model" in names) == bool(operation.models)
    assert all(spec.help and spec.source for spec in operation.fields)
    assert all(spec.default is None or spec.clean(spec.default) == spec.default for spec in operation.fields)


@pytest.mark.parametrize(
    ("key", "values", "field"),
    [
        ("suno.generate", {"model": "V5"}, "prompt"),
        ("suno.generate", {"model": "V5", "prompt": "x" * 501}, "prompt"),
        ("suno.generate", {"prompt": "p"}, "model"),
        ("suno.generate", {"prompt": "p", "model": "V3"}, "model"),
        ("suno.generate", {"prompt": "p", "model": "V5", "styleWeight": 1.1}, "styleWeight"),
        ("suno.generate", CUSTOM | {"style": "  "}, "style"),
        ("suno.generate", {name: CUSTOM[name] for name in CUSTOM if name != "style"}, "style"),
        ("suno.generate", {name: CUSTOM[name] for name in CUSTOM if name != "title"}, "title"),
        ("suno.generate", {name: CUSTOM[name] for name in CUSTOM if name != "prompt"}, "prompt"),
        ("suno.generate", CUSTOM | {"model": "V4", "prompt": "x" * 3001}, "prompt"),
        ("suno.generate", CUSTOM | {"prompt": "x" * 5001}, "prompt"),
        ("suno.generate", CUSTOM | {"model": "V4", "style": "x" * 201}, "style"),
        ("suno.generate", CUSTOM | {"style": "x" * 1001}, "style"),
        ("suno.generate", CUSTOM | {"title": "x" * 81}, "title"),
        ("suno.upload-cover", {"model": "V5", "customMode": True, "prompt": "p", "title": "t"}, "style"),
        ("suno.extend", {"model": "V5"}, "audioId"),
        ("suno.extend", OWN, "prompt"),
        ("suno.extend", OWN | {"prompt": "p", "style": None}, "style"),
        ("suno.extend", OWN | {"prompt": "p", "title": None}, "title"),
        (
            "suno.extend",
            {name: OWN[name] for name in OWN if name != "continueAt"} | {"prompt": "p"},
            "continueAt",
        ),
        ("suno.extend", OWN | {"prompt": "p", "continueAt": 0}, "continueAt"),
        ("suno.upload-extend", OWN, "prompt"),
        ("suno.add-vocals", {"model": "V5", "prompt": "p", "style": "s", "title": "t"}, "negativeTags"),
        ("suno.add-instrumental", {"model": "V5", "title": "t", "negativeTags": "n"}, "tags"),
        ("suno.replace-section", SECTION | {"infillStartS": 10, "infillEndS": 15.9}, "infillEndS"),
        ("suno.replace-section", SECTION | {"infillStartS": 10, "infillEndS": 70.1}, "infillEndS"),
        ("suno.replace-section", SECTION | {"infillStartS": 20, "infillEndS": 10}, "infillEndS"),
        ("suno.replace-section", SECTION | {"infillStartS": 20}, "infillEndS"),
        ("suno.vocal-removal", TRACK | {"type": "stems"}, "type"),
        ("suno.mp4-generate", TRACK | {"author": "x" * 51}, "author"),
        ("suno.generate-persona", PERSONA | {"vocalStart": 5, "vocalEnd": 14.9}, "vocalEnd"),
        ("suno.generate-persona", PERSONA | {"vocalEnd": 31}, "vocalEnd"),
        ("suno.generate-persona", PERSONA | {"vocalStart": 25}, "vocalEnd"),
        ("suno.generate-cover", {}, "taskId"),
        ("suno.style-generate", {"content": " "}, "content"),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_named_before_anything_is_sent(key, values, field):
    values = {name: value for name, value in values.items() if value is not None}
    assert refused(key, values) == field


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("suno.generate", {"model": "V5", "prompt": "x" * 500}),
        ("suno.generate", CUSTOM | {"model": "V4", "prompt": "x" * 3000, "style": "x" * 200}),
        ("suno.generate", CUSTOM | {"prompt": "x" * 5000, "style": "x" * 1000, "title": "x" * 80}),
        (
            "suno.generate",
            {"customMode": True, "instrumental": True, "model": "V5", "style": "s", "title": "t"},
        ),
        ("suno.upload-extend", OWN | {"instrumental": True}),
        ("suno.extend", {"model": "V5", "audioId": "a"}),
        ("suno.replace-section", SECTION | {"infillStartS": 0.1, "infillEndS": 6.1}),
        ("suno.replace-section", SECTION | {"infillStartS": 10, "infillEndS": 70}),
        ("suno.generate-persona", PERSONA | {"vocalStart": 20, "vocalEnd": 30}),
        ("suno.generate-persona", PERSONA),
    ],
)
def test_what_keeps_to_the_limits_is_sent(key, values):
    _, body = sent(key, values)
    assert values.items() <= body.items()


def test_switches_that_must_be_sent_are_off_when_nobody_touched_them():
    assert sent("suno.generate", {"prompt": "p", "model": "V5"})[1] == {
        "customMode": False,
        "instrumental": False,
        "prompt": "p",
        "model": "V5",
        "callBackUrl": CALLBACK,
    }


def test_own_json_is_merged_last_and_may_give_what_is_needed():
    _, body = sent("suno.generate", CUSTOM, extra={"title": "Other", "personaModel": "style_persona"})
    assert (body["title"], body["personaModel"]) == ("Other", "style_persona")
    simple = {"model": "V5", "instrumental": True}
    assert sent("suno.generate", simple, extra={"prompt": "p"})[1]["prompt"] == "p"
    assert refused("suno.generate", CUSTOM, extra={"title": None}) == "title"
    assert refused("suno.generate", CUSTOM, extra={"style": "\n "}) == "style"


def test_a_route_that_asks_for_a_callback_address_is_not_sent_without_one():
    assert refused("suno.generate", CUSTOM, callback_url="") == "callBackUrl"
    assert sent("suno.generate", CUSTOM, callback_url="", extra={"callBackUrl": CALLBACK})
    section = SECTION | {"infillStartS": 10, "infillEndS": 20}
    assert "callBackUrl" not in sent("suno.replace-section", section, callback_url="")[1]


def test_a_route_that_answers_at_once_gets_no_callback_address():
    for key in ("suno.timestamped-lyrics", "suno.style-generate", "suno.generate-persona"):
        assert (SUNO[key].callback_field, SUNO[key].callback_hint) == ("", None)
    assert "callBackUrl" not in sent("suno.style-generate", {"content": "soft piano"})[1]


def test_a_recording_goes_by_its_address_only():
    values = {"tags": "t", "title": "t", "negativeTags": "n", "model": "V5"}
    assert refused("suno.add-instrumental", values, upload="") == "uploadUrl"
    inline = Inputs(values, {"uploadUrl": (FileValue(data_b64="QQ==", media_type="audio/mpeg"),)}, CALLBACK)
    with pytest.raises(GatewayError, match="public address") as caught:
        SUNO["suno.add-instrumental"].create(inline)
    assert caught.value.code == "uploadUrl"


@pytest.mark.parametrize("key", sorted(SUNO))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_odd_values_are_sent_or_refused_and_nothing_else(key, data):
    names = [spec.name for spec in SUNO[key].fields]
    odd = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
    )
    values = data.draw(st.dictionaries(st.sampled_from(names), odd, max_size=len(names)))
    extra = data.draw(st.dictionaries(st.sampled_from(names), odd | st.just(10**400), max_size=3))
    try:
        _, body = sent(key, values, extra=extra)
    except GatewayError as error:
        assert error.kind == "invalid_request"
    else:
        assert isinstance(body, dict)
