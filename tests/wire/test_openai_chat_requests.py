"""What is sent: the recorded request bodies, and what may never slip into one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.request import (
    ChatRequest,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from playground.gateway.wire import FAMILIES

HERE = Path(__file__).parent / "openai_chat"
CHAT = FAMILIES["openai_chat"]


def sent(**fields):
    request = ChatRequest(**{"model": "m", "messages": (said("Hi"),), "stream": False} | fields)
    return json.loads(CHAT.encode(request).body)


def said(text, role="user"):
    return Message(role, (TextPart(text),))


def sample(name):
    return json.loads((HERE / name).read_text())


def test_a_plain_question_is_sent_as_the_documentation_shows_it():
    assert sent(
        model="claude-sonnet-4-6",
        system="Answer in one short line.",
        messages=(said("What does a gateway do?"),),
        params={"max_tokens": 256, "temperature": 0.4},
    ) == sample("request-basic.json")


def test_images_go_as_blocks_in_their_order():
    parts = (
        TextPart("Name the main colour."),
        ImagePart(media_type="image/png", data_b64="iVBORw0KGgo="),
        ImagePart(url="https://assets.example.test/ref/two.png"),
    )
    wire = sent(model="gemini-3.1-flash-image-preview", messages=(Message("user", parts),))
    assert wire == sample("request-image.json") | {"stream": False}


def test_a_tool_call_and_its_result_are_sent_back():
    messages = (
        said("Stock of item 42?"),
        Message("assistant", (ToolCallPart("call_7q", "get_stock", '{"sku":"42"}'),)),
        Message("tool", (ToolResultPart("call_7q", '{"on_hand":3}'),)),
    )
    wire = sent(model="claude-sonnet-4-6", messages=messages)
    assert wire == sample("request-tool-result.json") | {"stream": False}


def test_signed_thoughts_go_back_beside_what_they_led_to():
    blocks = '[{"type":"thinking","thinking":"Hm. \\u00e9","signature":"c2ln"}]'
    call = ToolCallPart("call_1", "f", "{}")
    answered = Message("assistant", (call,), native=blocks)
    result = Message("tool", (ToolResultPart("call_1", "42"),))
    message = sent(messages=(said("Hi"), answered, result))["messages"][1]
    assert message["thinking_blocks"] == [{"type": "thinking", "thinking": "Hm. \u00e9", "signature": "c2ln"}]
    assert message["tool_calls"][0]["id"] == "call_1"
    assert blocks.encode() in CHAT.encode(ChatRequest("m", (answered,))).body


def test_tools_are_offered_and_usage_is_asked_for_when_streaming():
    expected = sample("request-tools.json")
    declared = expected["tools"][0]["function"]
    del declared["strict"]
    tool = Tool(declared["name"], declared["description"], declared["parameters"])
    wire = sent(
        model="claude-sonnet-4-6",
        messages=(said("Stock of item 42?"),),
        tools=(tool,),
        tool_choice="auto",
        stream=True,
    )
    assert wire == expected


def test_a_named_tool_choice_is_an_object_and_none_is_sent_without_tools():
    assert sent(tools=(Tool("f"),), tool_choice="f")["tool_choice"]["function"] == {"name": "f"}
    assert "tool_choice" not in sent(tool_choice="f")


def test_zero_is_sent_and_what_is_off_is_not():
    wire = sent(params={"temperature": 0, "presence_penalty": 0.0, "parallel_tool_calls": False})
    assert wire["temperature"] == 0
    assert wire["parallel_tool_calls"] is False
    assert set(wire) == {
        "model",
        "messages",
        "stream",
        "temperature",
        "presence_penalty",
        "parallel_tool_calls",
    }


@pytest.mark.parametrize("name", ["model", "messages", "stream", "stream_options", "tools", "tool_choice"])
def test_a_parameter_cannot_take_the_place_of(name):
    assert sent(params={name: "stolen"}).get(name) != "stolen"


def test_the_model_id_is_sent_exactly():
    assert sent(model="vendor/model:free @2")["model"] == "vendor/model:free @2"


def test_the_response_format_is_sent_as_an_object():
    assert sent(params={"response_format": "json_object"})["response_format"] == {"type": "json_object"}


def test_text_that_has_no_utf8_form_does_not_cost_the_message():
    assert sent(messages=(said("a\ud83db"),))["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_a_value_json_cannot_carry_is_refused_before_it_is_sent(value):
    with pytest.raises(GatewayError) as caught:
        sent(params={"temperature": value})
    assert caught.value.kind == "invalid_request"


def test_the_request_names_its_route_and_says_whether_it_streams():
    wire = CHAT.encode(ChatRequest("m", (said("Hi"),)))
    assert (wire.method, wire.path, wire.stream, wire.auth) == (
        "POST",
        "/openai/v1/chat/completions",
        True,
        "bearer",
    )
    assert wire.headers["accept"] == "text/event-stream"


def test_every_documented_parameter_is_in_the_table():
    assert {spec.name for spec in CHAT.params} == {
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "n",
        "reasoning_effort",
        "parallel_tool_calls",
        "prompt_cache_key",
        "user",
        "response_format",
    }
    assert all(spec.label and spec.help and spec.source for spec in CHAT.params)
    assert all(spec.clean(spec.default) == spec.default for spec in CHAT.params if spec.default is not None)
