"""Suno: whatever comes as an answer is read, or is an error of a known kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway import errors
from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Submitted
from playground.gateway.media.registry import OPERATIONS
from tests.media_wire.suno.reading import OUT, created, keys, observed, sample

FIELDS = """
    code msg data taskId status successFlag response sunoData id audioUrl streamAudioUrl imageUrl prompt title
    duration text vocalUrl drumsUrl originUrl originData audio_url audioWavUrl videoUrl images alignedWords
    url word startS endS waveformData result personaId name errorCode errorMessage creditsConsumed error
"""
NAMES = st.text(max_size=4) | st.sampled_from(FIELDS.split())
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([f"{OUT}/x", "SUCCESS"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=40,
)


def assert_keepable(result):
    """Whatever came, a database can hold it and the app can rely on it."""
    if isinstance(result, Submitted):
        assert result.upstream_id.isascii() and 0 < len(result.upstream_id) <= 200
        return
    assert isinstance(result, Observation)
    assert result.error_kind == "" or result.error_kind in errors.KINDS
    assert (result.state == "failed") <= bool(result.error_kind) <= (result.state in ("failed", "unknown"))
    assert len(keys(result)) == len(result.outputs)
    for output in result.outputs:
        assert bool(output.url) + bool(output.text) == 1
        for text in (output.key, output.url, output.text, *texts_of(output.meta)):
            assert storable(text) == text
        json.dumps(dict(output.meta), allow_nan=False)
        assert output.kind != "data" or isinstance(json.loads(output.text), dict)


def texts_of(meta):
    return [value for value in meta.values() if isinstance(value, str)]


@pytest.mark.parametrize("route", ["generate", "generate-cover", "timestamped-lyrics"])
@settings(max_examples=150, deadline=None)
@given(body=JSON | st.fixed_dictionaries({"code": st.just(200), "data": JSON}))
def test_any_answer_is_read_or_is_an_error_of_a_known_kind(route, body):
    operation = OPERATIONS[f"suno.{route}"]
    raw = json.dumps(body).encode()
    for read in (lambda: operation.read_created(raw, "application/json"), lambda: operation.read_state(raw)):
        try:
            assert_keepable(read())
        except GatewayError as error:
            assert error.kind in errors.KINDS


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.just(b"[" * 50_000) | st.just(b'{"code":' + b"9" * 5000 + b"}"))
def test_bytes_that_are_no_json_are_a_protocol_error(raw):
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        with pytest.raises(GatewayError):
            observed(raw)


@pytest.mark.parametrize(
    "name", ["query-task-success", "query-split-stem-success", "timestamped-lyrics-response"]
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_documented_answer_with_one_odd_value_is_still_read(name, data):
    body = json.loads(sample(name))
    places = list(spots(body))
    holder, place = data.draw(st.sampled_from(places))
    holder[place] = data.draw(JSON)
    for read in (observed, lambda body: created("timestamped-lyrics", body)):
        try:
            assert_keepable(read(body))
        except GatewayError as error:
            assert error.kind in errors.KINDS


def spots(value):
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inner in rows:
        yield value, place
        yield from spots(inner)
