"""What holds for every operation, and any JSON at every place that reads an answer."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway import errors
from playground.gateway.errors import GatewayError
from playground.gateway.media.custom import DefinitionError, custom_operation
from playground.gateway.media.observation import Observation, Submitted
from playground.gateway.media.operation import FileValue, Inputs
from playground.gateway.media.registry import OPERATIONS
from playground.gateway.media.states import state_of
from tests.media_wire.samples import HERE
from tests.media_wire.test_custom import OPERATION as CUSTOM
from tests.media_wire.test_custom import SEEDANCE

OURS = {key: each for key, each in OPERATIONS.items() if each.family != "suno"} | {CUSTOM.key: CUSTOM}
FILE = FileValue(url="https://assets.example.test/f", data_b64="AAAA", media_type="image/png", name="f")

words = st.sampled_from(
    ["data", "output", "task_id", "id", "task_status", "status", "code", "message", "error", "url"]
    + ["task_result", "videos", "images", "choices", "content", "image", "results", "metadata", "progress"]
    + ["candidates", "parts", "inlineData", "text", "usage", "b64_json", "embedding", "flagged", "detail"]
)
texts = st.text(max_size=20) | st.sampled_from(
    ["SUCCEEDED", "succeed", "completed", "failed", "https://a.example.test/x", "data:image/png;base64,AAAA"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=30,
)


def mutated(recorded, path, value):
    """The recorded answer with one place of it replaced."""
    if not isinstance(recorded, (dict, list)) or not recorded or not path:
        return value
    names = sorted(recorded) if isinstance(recorded, dict) else range(len(recorded))
    chosen = names[path[0] % len(names)]
    copy = dict(recorded) if isinstance(recorded, dict) else list(recorded)
    copy[chosen] = mutated(recorded[chosen], path[1:], value)
    return copy


def strings_in(value):
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in strings_in(one)]
    if isinstance(value, (list, tuple)):
        return [text for one in value for text in strings_in(one)]
    return [value] if isinstance(value, str) else []


def assert_storable(seen):
    """Any database takes it, and exactly one of an output's contents is there."""
    row = dataclasses.asdict(seen)
    json.dumps(row, allow_nan=False)
    for text in strings_in(row):
        text.encode()
        assert "\0" not in text
    if isinstance(seen, Observation):
        keys = [output.key for output in seen.outputs]
        assert len(set(keys)) == len(keys)
        assert all(sum(map(bool, (one.url, one.data_b64, one.text))) == 1 for one in seen.outputs)
        assert seen.error_kind in (*errors.KINDS, "")
        assert (seen.error_kind != "") == (seen.state == "failed")
        assert seen.progress is None or 0 <= seen.progress <= 1


def read_all(operation, body, content_type):
    """Both readings of a body; a refusal is as good as a reading, anything else raised is not."""
    readings = [(operation.read_created, (body, content_type))]
    readings += [(operation.read_state, (body,))] if operation.read_state else []
    for reading, given_to in readings:
        try:
            seen = reading(*given_to)
        except GatewayError:
            continue
        if isinstance(seen, Submitted):
            operation.query(seen.upstream_id)
        assert_storable(seen)


content_types = st.sampled_from(["application/json", "audio/mpeg", "text/html", "text/plain", ""])


@pytest.mark.parametrize("key", OURS)
@settings(max_examples=60, deadline=None)
@given(answer=jsons, content_type=content_types)
def test_any_json_is_read_or_refused(key, answer, content_type):
    read_all(OURS[key], json.dumps(answer).encode(), content_type)


@pytest.mark.parametrize("key", OURS)
@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=60), content_type=content_types)
def test_any_bytes_are_read_or_refused(key, body, content_type):
    read_all(OURS[key], body, content_type)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_recorded_answer_with_anything_in_any_place_is_read_or_refused(data):
    names = [path for path in sorted(HERE.glob("*/*.json")) if path.parent.name != "suno"]
    recorded = json.loads(data.draw(st.sampled_from(names)).read_text())
    path = data.draw(st.lists(st.integers(0, 9), max_size=6))
    answer = mutated(recorded, path, data.draw(jsons))
    for operation in OURS.values():
        read_all(operation, json.dumps(answer).encode(), "application/json")


@pytest.mark.parametrize("key", OURS)
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"data":' * 50_000, b'{"id": ' + b"9" * 5000 + b"}"])
def test_an_answer_made_to_hurt_is_refused(key, body):
    read_all(OURS[key], body, "application/json")


def shown_in(spec):
    """What a form begins with, or the least that fits where it begins empty."""
    if spec.default not in (None, ""):
        return spec.default
    least = {"int": spec.minimum, "list": ["a"], "json": [], "bool": False, "choice": spec.choices[:1]}
    return least["choice"][0] if spec.kind == "choice" else least.get(spec.kind, "a")


@pytest.mark.parametrize("key", OURS)
def test_what_a_form_shows_can_be_sent(key):
    """Every default passes its own check, and a form filled with them makes a request."""
    operation = OURS[key]
    values = {spec.name: spec.clean(shown_in(spec)) for spec in operation.fields}
    files = {row.name: (FILE,) for row in operation.files}
    wire = operation.create(Inputs(values, files))
    assert wire.method == "POST"
    assert wire.path.startswith("/")
    assert wire.body


@pytest.mark.parametrize("key", OURS)
def test_a_form_is_told_apart_and_documented(key):
    operation = OURS[key]
    names = [spec.name for spec in operation.fields] + [row.name for row in operation.files]
    assert len(set(names)) == len(names)
    assert set(operation.basic) <= set(names)
    assert all(spec.required for spec in operation.fields if spec.name == operation.model_field)
    assert all(spec.source and spec.label for spec in operation.fields)
    assert (operation.query is None) == (operation.read_state is None)


@pytest.mark.parametrize("key", OURS)
def test_an_empty_form_is_refused_before_anything_is_sent(key):
    with pytest.raises(GatewayError) as caught:
        OURS[key].create(Inputs({}))
    assert (caught.value.kind, caught.value.code) == ("invalid_request", "not_sent")


@pytest.mark.parametrize("key", OURS)
def test_more_files_than_a_route_takes_are_refused(key):
    operation = OURS[key]
    for row in operation.files:
        with pytest.raises(GatewayError):
            operation.create(Inputs({spec.name: "1" for spec in operation.fields}, {row.name: (FILE,) * 50}))


@given(values=st.dictionaries(words, jsons, max_size=4))
def test_a_persons_own_json_is_sent_or_refused(values):
    inputs = Inputs({"model": "m", "prompt": "p", "mode": "std"}, extra=values)
    try:
        wire = OPERATIONS["kling.text2video"].create(inputs)
    except GatewayError as error:
        assert error.code == "not_sent"
    else:
        json.loads(wire.body)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(SEEDANCE)), value=jsons, path=st.lists(st.integers(0, 9), max_size=4))
def test_any_definition_makes_an_operation_or_sentences(name, value, path):
    definition = SEEDANCE | {name: mutated(SEEDANCE[name], path, value)}
    try:
        made = custom_operation(definition)
    except DefinitionError as error:
        assert all(error.sentences)
        return
    read_all(made, b'{"id": "t", "status": "done", "url": "https://a.example.test/v"}', "")


@pytest.mark.parametrize("family", ["dashscope", "kling"])
def test_a_recorded_error_with_its_status_has_the_same_kind_as_inside_a_200(family):
    operation = OPERATIONS[f"{family}.{'video' if family == 'dashscope' else 'image'}"]
    for path in sorted((HERE / family).glob("error-*.json")):
        status = int(path.stem.split("-")[1])
        told = errors.from_response(status, {}, path.read_bytes(), datetime(2026, 11, 20, tzinfo=UTC))
        with pytest.raises(GatewayError) as caught:
            operation.read_created(path.read_bytes(), "application/json")
        assert (path.stem, caught.value.kind) == (path.stem, told.kind)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (1000, 401, "auth"),
        (1101, 429, "quota"),
        (1304, 429, "permission"),
        (1300, 400, "content_policy"),
        (5002, 504, "timeout"),
        ("Throttling.AllocationQuota", 429, "quota"),
        ("InvalidParameter.DataInspection", 400, "content_policy"),
    ],
)
def test_a_business_code_beside_a_status_sharpens_it(code, status, kind):
    body = json.dumps({"code": code, "message": "…", "request_id": "r"}).encode()
    assert errors.from_response(status, {}, body, datetime(2026, 11, 20, tzinfo=UTC)).kind == kind


@pytest.mark.parametrize("word", ["", "  ", "none of these", "\0", "SUCCEEDEDX"])
def test_a_word_of_no_table_is_unknown(word):
    assert state_of(word) == "unknown"
