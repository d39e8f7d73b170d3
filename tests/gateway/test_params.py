"""Parameters typed into a form become the values that are sent, or a sentence that says what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.params import ParamSpec
from playground.gateway.wire import FAMILIES

CHAT = FAMILIES["openai_chat"]


def clean(name, raw):
    spec = CHAT.param(name)
    assert spec is not None
    return spec.clean(raw)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("temperature", "0", 0.0),
        ("temperature", " 0.7 ", 0.7),
        ("temperature", 2, 2.0),
        ("max_tokens", "256", 256),
        ("max_tokens", 256.0, 256),
        ("seed", "9007199254740993", 9007199254740993),
        ("seed", -5, -5),
        ("stop", "END\n\\nUser:\n", ["END", "\nUser:"]),
        ("stop", ["a"], ["a"]),
        ("reasoning_effort", "low", "low"),
        ("parallel_tool_calls", "on", True),
        ("parallel_tool_calls", "", False),
        ("parallel_tool_calls", False, False),
        ("user", "some\0body", "some\u2400body"),
    ],
)
def test_what_a_form_gives_becomes_what_is_sent(name, raw, value):
    cleaned = clean(name, raw)
    assert cleaned == value
    assert type(cleaned) is type(value)


@pytest.mark.parametrize(
    ("name", "raw", "sentence"),
    [
        ("temperature", "warm", "Temperature must be a number, such as 0.7."),
        ("temperature", "0,7", "Temperature must be a number, such as 0.7."),
        ("temperature", "nan", "Temperature must be a number, such as 0.7."),
        ("temperature", True, "Temperature must be a number, such as 0.7."),
        ("temperature", "2.1", "Temperature must be between 0 and 2."),
        ("max_tokens", "0", "Max tokens must be between 1 and 2147483647."),
        ("max_tokens", "1.5", "Max tokens must be a whole number."),
        ("max_tokens", "9" * 5000, "Max tokens must be a whole number."),
        ("max_tokens", 10**400, "Max tokens must be a whole number."),
        ("max_tokens", None, "Max tokens must be a whole number."),
        ("stop", "a\nb\nc\nd\ne", "Stop takes at most 4 entries."),
        ("stop", "", "Stop is empty. Fill it in, or switch it off."),
        ("stop", [1], "Stop must be a list with one entry a line."),
        (
            "reasoning_effort",
            "max",
            "Reasoning effort must be one of: none, minimal, low, medium, high, xhigh.",
        ),
        ("parallel_tool_calls", "perhaps", "Parallel tool calls must be on or off."),
        ("user", "  ", "User is empty. Fill it in, or switch it off."),
        ("user", "x" * 201, "User must be at most 200 characters long."),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_sentence(name, raw, sentence):
    with pytest.raises(ValueError) as caught:
        clean(name, raw)
    assert str(caught.value) == sentence


def test_json_parameters_take_json_text_or_values():
    spec = ParamSpec("metadata", "json", "Metadata", "")
    assert spec.clean('{"a": 1}') == {"a": 1}
    assert spec.clean({"a": 1}) == {"a": 1}
    for bad in ("{", "NaN", "[" * 100_000):
        with pytest.raises(ValueError, match="valid JSON"):
            spec.clean(bad)


def test_a_limit_on_one_side_is_said_so():
    with pytest.raises(ValueError, match="at least 1"):
        ParamSpec("x", "int", "X", "", minimum=1).clean(0)
    with pytest.raises(ValueError, match="at most 9"):
        ParamSpec("x", "int", "X", "", maximum=9).clean(10)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(CHAT.params),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers()),
)
def test_any_input_is_cleaned_or_refused_with_a_sentence(spec, raw):
    try:
        spec.clean(raw)
    except ValueError as error:
        assert str(error).startswith(spec.label)
        assert str(error).endswith(".")
