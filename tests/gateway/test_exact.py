"""JSON that comes back as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.gateway import exact

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    ["1.10", "1E400", "1e-7", "-0.0", "0.1000000000000000055511151231257827", "12345678901234567890", "1E2"],
)
def test_a_number_keeps_its_spelling(text):
    assert exact.dumps(exact.loads(f'{{"n":[{text}]}}')) == f'{{"n":[{text}]}}'


def test_a_number_can_still_be_reckoned_with():
    assert exact.loads("1.10") + 1 == pytest.approx(2.1)
    assert isinstance(exact.loads("1.10"), float)


def test_the_order_of_names_is_kept():
    assert exact.dumps(exact.loads('{"b":1,"a":2}')) == '{"b":1,"a":2}'


def test_source_text_goes_in_as_it_is():
    assert exact.dumps({"a": exact.Source('{ "x" : 1.0 }'), "b": [exact.Source("1"), 2]}) == (
        '{"a":{ "x" : 1.0 },"b":[1,2]}'
    )


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "{", "", "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises((ValueError, RecursionError)):
        exact.loads(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        exact.dumps([value])


def test_a_value_without_end_is_refused():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        exact.dumps(endless)


def test_ascii_text_holds_nothing_a_database_refuses():
    text = exact.dumps({"ü": "🎈\0\ud800"}, ascii_only=True)
    assert text == '{"\\u00fc":"\\ud83c\\udf88\\u0000\\ud800"}'


@given(values, st.booleans())
def test_what_was_read_is_written_as_json_writes_it_compactly(value, ascii_only):
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)
    assert exact.dumps(exact.loads(json.dumps(value)), ascii_only=ascii_only) == compact
    assert exact.dumps(value, ascii_only=ascii_only) == compact


@pytest.mark.parametrize("read", [exact.loads, exact.loads_leniently])
def test_white_space_around_a_value_is_none_of_it(read):
    assert read(' \n{"a": [1, 2]}\t ') == read('{"a": [1, 2]}') == {"a": [1, 2]}


@pytest.mark.parametrize("read", [exact.loads, exact.loads_leniently])
@pytest.mark.parametrize("text", ["", " ", "{", '{"a": 1} x', '{"a": 1}{"b": 2}', "\ufeff{}", "nul"])
def test_what_is_not_one_value_is_refused(read, text):
    with pytest.raises(ValueError):
        read(text)


def test_only_the_lenient_reading_takes_what_is_no_number():
    assert exact.loads_leniently('{"logprob": -Infinity}') == {"logprob": float("-inf")}
    with pytest.raises(ValueError):
        exact.loads('{"logprob": -Infinity}')
