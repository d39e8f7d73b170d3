"""What is sent to Responses: the recorded request bodies, history of any kind, and what is never sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.gateway.errors import GatewayError
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
from playground.gateway.wire import FAMILIES

HERE = Path(__file__).parent / "openai_responses"
RESPONSES = FAMILIES["openai_responses"]
ENCRYPTED = {"include": ["reasoning.encrypted_content"]}
STOCK = ToolCallPart("call_9a", "get_stock", '{"sku":"42"}')


def encoded(**fields):
    request = ChatRequest(**{"model": "m", "messages": (said("Hi"),), "stream": False} | fields)
    return RESPONSES.encode(request)


def sent(**fields):
    return json.loads(encoded(**fields).body)


def said(text, role="user"):
    return Message(role, (TextPart(text),))


def sample(name):
    return json.loads((HERE / name).read_text())


def test_a_plain_question_is_sent_as_the_documentation_shows_it():
    wire = sent(
        model="gpt-5.5",
        system="Be brief.",
        messages=(said("Reply with one word."),),
        params={"max_output_tokens": 64, "metadata": {"workload": "chat"}},
    )
    question = [{"role": "user", "content": [{"type": "input_text", "text": "Reply with one word."}]}]
    assert wire == sample("request-basic.json") | {"input": question, "store": False} | ENCRYPTED


def test_a_whole_history_is_sent_with_image_call_result_and_tool():
    expected = sample("request-full-history.json")
    declared = expected["tools"][0]
    image = ImagePart(media_type="image/png", data_b64="iVBORw0KGgo=")
    wire = sent(
        model="gpt-5.5",
        messages=(
            Message("user", (TextPart("Stock of 42?"), image)),
            Message("assistant", (STOCK,)),
            Message("tool", (ToolResultPart("call_9a", '{"on_hand":3}'),)),
        ),
        params={"text.format.type": "text"},
        tools=(Tool(declared["name"], declared["description"], declared["parameters"]),),
        tool_choice="auto",
    )
    assert wire == expected | ENCRYPTED | {"stream": False, "tools": [declared | {"strict": False}]}


def test_what_the_assistant_said_and_called_goes_up_in_its_order():
    parts = (TextPart("One"), TextPart("Two"), STOCK, TextPart("Three"))
    first, call, second = sent(messages=(Message("assistant", parts),))["input"]
    assert first == {
        "role": "assistant",
        "content": [{"type": "output_text", "text": "One"}, {"type": "output_text", "text": "Two"}],
    }
    assert (call["type"], call["arguments"]) == ("function_call", '{"sku":"42"}')
    assert second["content"][0]["text"] == "Three"


def test_images_and_files_go_by_their_address():
    parts = (
        ImagePart(url="https://assets.example.test/two.png"),
        FilePart("https://assets.example.test/a.pdf"),
    )
    (message,) = sent(messages=(Message("user", parts),))["input"]
    assert message["content"] == [
        {"type": "input_image", "image_url": "https://assets.example.test/two.png", "detail": "auto"},
        {"type": "input_file", "file_url": "https://assets.example.test/a.pdf"},
    ]


def test_an_assistant_message_holds_text_only():
    parts = (TextPart("Look"), ImagePart(url="https://assets.example.test/two.png"))
    (message,) = sent(messages=(Message("assistant", parts),))["input"]
    assert message["content"] == [{"type": "output_text", "text": "Look"}]


def test_results_and_what_is_said_beside_them_are_items_of_their_own():
    parts = (ToolResultPart("call_9a", "3"), ToolResultPart("call_9b", "4"), TextPart("Go on"))
    one, two, rest = sent(messages=(Message("tool", parts),))["input"]
    assert [item["type"] for item in (one, two)] == ["function_call_output"] * 2
    assert (one["call_id"], two["output"]) == ("call_9a", "4")
    assert rest["role"] == "user"


def test_an_empty_argument_string_means_no_arguments():
    (call,) = sent(messages=(Message("assistant", (ToolCallPart("c", "f", ""),)),))["input"]
    assert call["arguments"] == "{}"


def test_native_items_are_replayed_byte_for_byte():
    items = (
        '{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"}'
        ',{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"caf\\u00e9 \\ud83d\\u0000",'
        '"logprobs":[{"logprob":-0.10,"top":1E-7}]}]}'
    )
    answer = Message("assistant", (TextPart("not sent"),), native=f"[{items}]")
    wire = encoded(messages=(said("Hi"), answer, said("And?")))
    assert items.encode() in wire.body
    assert b"not sent" not in wire.body
    assert [item.get("role", item.get("type")) for item in json.loads(wire.body)["input"]] == [
        "user",
        "reasoning",
        "message",
        "user",
    ]


def test_what_an_answer_gave_as_native_content_goes_up_as_it_is():
    (finished,) = RESPONSES.decode_whole((HERE / "response-everything.json").read_bytes())[-1:]
    wire = encoded(messages=(Message("assistant", (), native=finished.native),))
    assert finished.native[1:-1].encode() in wire.body


def test_native_content_nobody_can_read_gives_way_to_the_parts():
    answer = Message("assistant", (TextPart("Hello"),), native="{oops")
    assert sent(messages=(answer,))["input"][0]["content"][0]["text"] == "Hello"


def test_reasoning_that_only_a_store_could_find_again_stays_behind_unless_it_is_stored():
    bare = '{"type":"reasoning","id":"rs_1","summary":[]}'
    call = '{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"}'
    messages = (Message("assistant", (), native=f"[{bare},{call}]"),)
    assert [item["type"] for item in sent(messages=messages)["input"]] == ["function_call"]
    kept = sent(messages=messages, params={"store": True})["input"]
    assert [item["type"] for item in kept] == ["reasoning", "function_call"]


def test_the_result_of_a_tool_that_took_free_text_has_its_own_type():
    native = '[{"type":"custom_tool_call","call_id":"c1","name":"patch","input":"***"}]'
    results = Message("tool", (ToolResultPart("c1", "done"), ToolResultPart("c2", "3")))
    _, free, other = sent(messages=(Message("assistant", (), native=native), results))["input"]
    assert free == {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"}
    assert other["type"] == "function_call_output"


def test_nothing_is_stored_and_reasoning_comes_along_unless_asked_otherwise():
    wire = sent()
    assert wire["store"] is False
    assert wire["include"] == ["reasoning.encrypted_content"]
    assert sent(params={"store": True}).get("include") is None
    assert sent(extra={"store": True})["store"] is True
    assert sent(extra={"include": []})["include"] == []


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "openai/gpt-4o", "gpt-3.5-turbo", "chatgpt-4o-latest"])
def test_models_that_cannot_reason_are_not_asked_for_reasoning(model):
    assert "include" not in sent(model=model)


@pytest.mark.parametrize("model", ["gpt-5.5", "o3-mini", "vendor/model:free @2", "my-gpt-4-like"])
def test_every_other_model_is(model):
    assert "include" in sent(model=model)


def test_tools_are_flat_and_lenient_and_a_named_choice_is_an_object():
    wire = sent(tools=(Tool("f"),), tool_choice="f")
    nothing = {"type": "object", "properties": {}}
    assert wire["tools"] == [{"type": "function", "name": "f", "parameters": nothing, "strict": False}]
    assert wire["tool_choice"] == {"type": "function", "name": "f"}
    assert sent(tools=(Tool("f"),), tool_choice="required")["tool_choice"] == "required"
    assert "tool_choice" not in sent(tool_choice="f")


def test_a_schema_is_sent_as_the_format_of_the_text():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wire = sent(schema=OutputSchema(schema, "sum", strict=False), params={"text.format.type": "json_object"})
    assert wire["text"] == {
        "format": {"type": "json_schema", "name": "sum", "strict": False, "schema": schema}
    }


def test_parameters_go_where_they_belong_and_zero_is_sent():
    wire = sent(params={"reasoning.effort": "low", "reasoning.summary": "auto", "temperature": 0})
    assert wire["reasoning"] == {"effort": "low", "summary": "auto"}
    assert wire["temperature"] == 0


@pytest.mark.parametrize(
    "name", ["model", "input", "instructions", "stream", "tools", "tool_choice", "previous_response_id"]
)
def test_a_parameter_cannot_take_the_place_of(name):
    assert sent(params={name: "stolen"}).get(name) != "stolen"


def test_extra_fields_are_merged_last():
    wire = sent(params={"reasoning.effort": "low"}, extra={"reasoning": {"summary": "auto"}, "user": "u1"})
    assert wire["reasoning"] == {"effort": "low", "summary": "auto"}
    assert wire["user"] == "u1"


def test_text_that_has_no_utf8_form_does_not_cost_the_message():
    assert sent(messages=(said("a\ud83db"),))["input"][0]["content"][0]["text"] == "a?b"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_a_value_json_cannot_carry_is_refused_before_it_is_sent(value):
    with pytest.raises(GatewayError) as caught:
        sent(params={"temperature": value})
    assert caught.value.kind == "invalid_request"


def test_the_request_names_its_route_and_says_whether_it_streams():
    wire = encoded(stream=True)
    assert (wire.method, wire.path, wire.stream, wire.auth) == (
        "POST",
        "/openai/v1/responses",
        True,
        "bearer",
    )
    assert wire.headers["accept"] == "text/event-stream"
    assert json.loads(wire.body)["stream"] is True


def test_every_documented_parameter_is_in_the_table():
    assert {spec.name for spec in RESPONSES.params} == {
        "temperature",
        "top_p",
        "max_output_tokens",
        "reasoning.effort",
        "reasoning.summary",
        "text.format.type",
        "parallel_tool_calls",
        "prompt_cache_key",
        "truncation",
        "store",
        "metadata",
    }
    assert all(spec.label and spec.help and spec.source for spec in RESPONSES.params)
    assert all(
        spec.clean(spec.default) == spec.default for spec in RESPONSES.params if spec.default is not None
    )


def test_the_family_is_a_beta_that_takes_files_and_shares_the_models_of_chat():
    assert (RESPONSES.label, RESPONSES.beta, RESPONSES.takes_files) == ("Responses", True, True)
    assert RESPONSES.models == "openai_chat"
