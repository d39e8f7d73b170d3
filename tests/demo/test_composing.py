"""The parts that need no server: tokens, schemas, continuing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo.asks import Ask, Said
from playground.demo.pace import split
from playground.demo.schema import Hints, fit

KEYWORDS = (
    *("type", "enum", "const", "format", "pattern", "anyOf", "allOf", "$ref", "$defs", "a"),
    *("properties", "required", "items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    *("minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength"),
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS) | st.text(max_size=4),
            inner | st.sampled_from(["object", "array", "string", "integer", "number", "#", "#/$defs/a"]),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.text())
def test_tokens_joined_are_the_text_again(text):
    assert "".join(split(text)) == text


def test_tokens_have_a_believable_size():
    text = "The quick brown fox jumps over the lazy dog, and internationalisation is a long word. " * 20
    assert 3 < len(text) / len(split(text)) < 7
    assert max(map(len, split("你好世界" * 20))) <= 2


@settings(deadline=None)
@given(ANY_JSON, st.text(max_size=40))
def test_no_schema_breaks_the_fitting(schema, text):
    fit(schema, Hints(text))


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 9}, lambda v: isinstance(v, int) and 5 <= v <= 9),
        ({"type": "integer", "exclusiveMinimum": 5}, lambda v: v > 5),
        ({"type": "number", "multipleOf": 0.5, "maximum": 2}, lambda v: v <= 2 and v % 0.5 == 0),
        ({"type": "string", "minLength": 90}, lambda v: len(v) >= 90),
        ({"type": "string", "maxLength": 3}, lambda v: len(v) <= 3),
        ({"type": "string", "format": "date"}, lambda v: re.fullmatch(r"\d{4}-\d\d-\d\d", v)),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, lambda v: re.search("^[A-Z]{2}$", v)),
        ({"type": ["null", "boolean"]}, lambda v: isinstance(v, bool)),
        ({"const": [1]}, lambda v: v == [1]),
        ({"enum": ["red", "blue"]}, lambda v: v == "blue"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, lambda v: isinstance(v, int)),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 3}, lambda v: v == [True] * 3),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"required": ["a"]}]}, lambda v: v == {"a": 1}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "null"}}}, lambda v: v is None),
        ({"type": "object", "additionalProperties": False}, lambda v: v == {}),
    ],
)
def test_a_value_fits_its_schema(schema, fits):
    assert fits(fit(schema, Hints("Paint 3 walls blue in Berlin")))


def test_a_schema_that_holds_itself_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#"}, "name": {"type": "string"}}}
    assert set(fit(node, Hints("x"))) == {"next", "name"}


def ask(*texts):
    roles = ("user", "assistant")
    return Ask(tuple(Said(roles[place % 2], text) for place, text in enumerate(texts)))


def test_a_chain_of_cuts_is_one_text_so_far():
    found = ask("Q", "one ", "Please continue", "two", "continue exactly where you stopped").before()
    assert found is not None
    cut, so_far = found
    assert so_far == "one two"
    assert [said.text for said in cut.said] == ["Q"]


def test_own_words_at_the_end_are_a_request_to_go_on():
    found = ask("Q", "half an ans").before()
    assert found is not None and found[1] == "half an ans"


@pytest.mark.parametrize("texts", [("continue",), ("Q", "A", "And what else?"), ("Q", "", "continue")])
def test_other_questions_are_no_request_to_go_on(texts):
    assert ask(*texts).before() is None
