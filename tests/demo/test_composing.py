"""The parts that need no server: tokens, schemas, continuing."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo.answers import Answer, Call, answer
from playground.demo.asks import Ask, Image, Said, Tool
from playground.demo.pace import split
from playground.demo.schema import Hints, fit
from playground.demo.spoken import speak

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


def called(question, *names, **fields):
    ask = Ask((Said("user", question),), tools=tuple(Tool(name, {}) for name in names), **fields)
    return [call.name for call in answer(ask, voice="v", voices=(), reasons=False).calls]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What is the weather in Paris?", ["get_weather"]),
        ("Weather in Paris, and the stock of 42?", ["get_weather", "findStock"]),
        ("Is there stock of 42?", ["findStock"]),
        ("Use findStock please", ["findStock"]),
        ("The stock of both 42 and 43?", ["findStock", "findStock"]),
        ("Call both tools", ["get_weather", "findStock"]),
        ("Compare these two", ["get_weather", "findStock"]),
        ("Anything else", ["get_weather"]),
        ("Hello!", []),
    ],
)
def test_the_tools_that_the_question_is_about_are_called(question, names):
    assert called(question, "get_weather", "findStock") == names


def test_one_tool_asked_for_two_things_is_called_twice():
    assert called("Compare these two", "lookup") == ["lookup", "lookup"]
    assert called("Compare these two", "lookup", parallel=False) == ["lookup"]


def test_a_call_that_is_demanded_is_made_even_after_a_greeting():
    assert called("Hello!", "get_weather", must_call=True) == ["get_weather"]


def test_a_call_that_the_limit_has_no_room_for_is_left_out():
    said = Answer(text="one two", calls=(Call("1", "a", "{}"), Call("2", "b", '{"c": "many words in here"}')))
    spoken = speak(said, Ask((Said("user", "hi"),), max_tokens=5))
    assert ([call.name for call in spoken.calls], spoken.finish) == (["a"], "length")


def test_the_stop_sequence_that_came_first_is_told():
    spoken = speak(Answer(text="one two three"), Ask((Said("user", "hi"),), stops=("three", "two")))
    assert ("".join(spoken.text), spoken.stopped_by) == ("one ", "two")


def test_files_are_told_from_images():
    assert "application/pdf at" in str(Image("application/pdf", address="a.example.test/b"))
    assert "an image at" in str(Image(address="a.example.test/b"))


def nested_lists(depth):
    return (
        {"type": "array", "minItems": 100, "items": nested_lists(depth - 1)} if depth else {"type": "string"}
    )


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "required": list("abcdefgh"),
            "properties": {c: {"$ref": "#"} for c in "abcdefgh"},
        },
        nested_lists(6),
        {"allOf": [{"$ref": "#"}] * 6},
        {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(100_000)}},
        {"type": "string", "pattern": f"^{'[0-9a-f-]*' * 18}Z$"},
        {"type": "string", "pattern": "^a*a*a*Z$", "examples": ["a" * 5_000]},
        {"type": "string", "pattern": "^(a?){25}a{25}$", "examples": ["a" * 25]},
    ],
    ids=["refers to itself", "lists of lists", "allOf", "many fields", "pattern", "example", "options"],
)
def test_a_schema_that_asks_for_too_much_is_answered_all_the_same(schema):
    # Taken at its word, each of these would keep the process busy for minutes or for ever.
    assert len(json.dumps(fit(schema, Hints("Say 'hello' to 42 people")))) < 1_000_000


def test_usual_patterns_find_a_usual_value():
    digits = "[0-9a-f]"
    uuid = f"^{digits}{{8}}-{digits}{{4}}-{digits}{{4}}-{digits}{{4}}-{digits}{{12}}$"
    assert fit({"type": "string", "pattern": uuid}, Hints("Hi")) == "3f1c6a52-8f0e-4a57-9a3c-0d5b7c2e9f10"
    assert fit({"type": "string", "pattern": r"^[^@]+@[^@]+\.[a-z]+$"}, Hints("Hi")) == "demo@example.com"
    assert fit({"type": "string", "pattern": r"^[A-Z]{2}-\d{3}$"}, Hints("Hi")) == "AB-123"


def test_a_step_too_small_for_its_number_is_passed_over():
    assert fit({"type": "number", "multipleOf": 1e-300, "minimum": 1e15}, Hints("Hi")) == 10**15


def test_a_long_answer_in_thousands_of_pieces_goes_on_where_it_ended():
    question = Said("user", "Explain tides")
    cut = Ask((question, *(Said("assistant", "x") for _ in range(200_000)))).before()
    assert cut is not None
    assert (cut[0].said, len(cut[1])) == ((question,), 200_000)
