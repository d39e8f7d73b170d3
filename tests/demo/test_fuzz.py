"""No JSON whatever makes a reader do anything but read it or refuse it."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo import anthropic_body, openai_chat_body, openai_responses_body
from playground.demo.exchange import Refused

WORDS = st.sampled_from(
    [
        *("text", "user", "assistant", "image", "document", "tool_use", "tool_result", "thinking", "enabled"),
        *("adaptive", "function", "function_call", "function_call_output", "reasoning", "message", "call_1"),
        *(
            "input_text",
            "input_image",
            "input_file",
            "output_text",
            "json_schema",
            "ephemeral",
            "auto",
            "any",
        ),
        *("base64", "image/png", "AAAA", "https://a.example.test/b", "medium", "object", "demo-chat"),
    ]
)
NAMES = st.sampled_from(
    [
        *(
            "type",
            "role",
            "content",
            "text",
            "source",
            "id",
            "name",
            "input",
            "tool_use_id",
            "call_id",
            "data",
        ),
        *(
            "arguments",
            "output",
            "summary",
            "image_url",
            "file_url",
            "file_data",
            "url",
            "media_type",
            "schema",
        ),
        *(
            "format",
            "effort",
            "budget_tokens",
            "cache_control",
            "ttl",
            "input_schema",
            "parameters",
            "function",
        ),
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | WORDS | st.just("\ud83d")
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=6,
)


def block(kind):
    """A block or item of a kind, with anything in its fields."""
    return st.dictionaries(NAMES, ANYTHING, max_size=4).map(lambda fields: {**fields, "type": kind})


BLOCKS = st.lists(WORDS.flatmap(block), max_size=3)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant"]), "content": BLOCKS | st.text(max_size=3)}
    )
    | WORDS.flatmap(block),
    max_size=4,
)
FIELDS = (
    *("messages", "input", "system", "instructions", "tools", "tool_choice", "thinking", "output_config"),
    *(
        "reasoning",
        "text",
        "include",
        "metadata",
        "stop",
        "stop_sequences",
        "temperature",
        "top_k",
        "max_tokens",
    ),
    *("max_output_tokens", "stream", "store", "cache_control", "response_format", "prompt_cache_key"),
)
BODIES = st.fixed_dictionaries(
    {"model": st.just("demo-chat")},
    optional=dict.fromkeys(FIELDS, ANYTHING | MESSAGES)
    | {"messages": MESSAGES, "input": MESSAGES, "max_tokens": st.just(2000), "tools": BLOCKS},
)


@pytest.mark.parametrize(
    "read",
    [
        openai_chat_body.read,
        anthropic_body.read,
        lambda body: anthropic_body.read(body, counting=True),
        lambda body: openai_responses_body.read(body, reasons=True),
    ],
    ids=["chat", "messages", "count_tokens", "responses"],
)
@settings(deadline=None, max_examples=80)
@given(body=BODIES)
def test_any_body_is_read_or_refused(read, body):
    with suppress(Refused):
        assert read(body).ask.said
