"""About how many tokens a request has, by a method that is said beside the figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.gateway.estimate import IMAGE_TOKENS, MESSAGE_TOKENS, estimate
from playground.gateway.request import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    OutputSchema,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)


def tokens(*parts, **fields):
    """Those of the parts alone: what one message costs is taken off."""
    return estimate(ChatRequest("m", (Message("user", parts),), **fields)).tokens - MESSAGE_TOKENS


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a", 1),
        ("abcd", 1),
        ("abcde", 2),
        ("Привет!!", 4),
        ("你好世界", 4),
        ("こんにちは", 5),
        ("안녕", 2),
        ("你好 world", 4),
        ("\ud800", 1),
    ],
)
def test_text_counts_by_its_script(text, count):
    assert tokens(TextPart(text)) == count


def test_an_image_has_a_fixed_figure_however_large_it_is():
    small, large = ImagePart(url="https://assets.example.test/a.png"), ImagePart("", "image/png", "A" * 9999)
    assert (
        tokens(small)
        == tokens(large)
        == tokens(FilePart("https://assets.example.test/a.mp4"))
        == IMAGE_TOKENS
    )


def test_calls_and_results_count_as_text():
    assert tokens(ToolCallPart("a", "name", '{"a":1} ')) == 3
    assert tokens(ToolResultPart("a", "abcdefgh")) == 2


def test_system_tools_and_schema_count_too():
    plain = tokens(TextPart("Hi"))
    assert tokens(TextPart("Hi"), system="abcd") == plain + 1 + MESSAGE_TOKENS
    assert tokens(TextPart("Hi"), tools=(Tool("f", "abc", {}),)) == plain + 2
    assert tokens(TextPart("Hi"), schema=OutputSchema({"type": "object"})) == plain + 5


def test_native_content_counts_where_there_are_no_parts_to_go_by():
    native = '[{"type":"text","text":"' + "a" * 76 + '"}]'
    only = estimate(ChatRequest("m", (Message("assistant", (), native=native),))).tokens
    both = estimate(ChatRequest("m", (Message("assistant", (TextPart("abcd"),), native=native),))).tokens
    assert only - MESSAGE_TOKENS == 26
    assert both - MESSAGE_TOKENS == 1


def test_the_method_is_one_sentence_with_its_figures_in_it():
    method = estimate(ChatRequest("m", ())).method
    assert method.endswith(".")
    assert str(IMAGE_TOKENS) in method


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(text, more):
    assert tokens(TextPart(text)) <= tokens(TextPart(text + more))
