"""What is sent to Anthropic messages, and what its counting route is asked and says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.request import (
    Caching,
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

HERE = Path(__file__).parent / "anthropic"
MESSAGES = FAMILIES["anthropic"]
NATIVE = (
    '[{"type":"thinking","thinking":"Z\\u00fc","signature":"c2ln"},'
    '{"type":"tool_use","id":"toolu:9","name":"f","input":{"price": 1.10}}]'
)


def asked(**fields):
    return ChatRequest(**{"model": "m", "messages": (said("Hi"),), "stream": False} | fields)


def sent(**fields):
    return json.loads(MESSAGES.encode(asked(**fields)).body)


def said(text, role="user", **fields):
    return Message(role, (TextPart(text),), **fields)


def sample(name):
    return json.loads((HERE / name).read_text())


def marked(wire):
    """Every cache mark of a body, by where it is."""
    found = []
    for place, blocks in [("system", wire.get("system")), ("tools", wire.get("tools"))]:
        found += [place for block in blocks or () if isinstance(block, dict) and "cache_control" in block]
    for message in wire["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else ()
        found += [block.get("text", block["type"]) for block in blocks if "cache_control" in block]
    return found


def test_a_plain_question_is_sent_as_the_documentation_shows_it():
    assert sent(
        model="claude-sonnet-4-6",
        system="Be brief.",
        messages=(said("Hello"),),
        params={"max_tokens": 256},
        stream=True,
    ) == sample("request-basic.json")


def test_images_tools_results_and_a_cached_system_prompt_are_sent_as_documented():
    expected = sample("request-image-tools-cache.json")
    (declared,) = expected["tools"]
    question = (
        ImagePart(media_type="image/png", data_b64="iVBORw0KGgo="),
        ImagePart(url="https://assets.example.test/ref/two.png"),
        TextPart("What is shown, and is 42 in stock?"),
    )
    assert sent(
        model="claude-sonnet-4-6",
        system="Long stable policy text",
        messages=(
            Message("user", question),
            Message("assistant", (ToolCallPart("toolu_01", "get_stock", '{"sku":"42"}'),)),
            Message("tool", (ToolResultPart("toolu_01", '{"on_hand":3}'),)),
        ),
        params={"max_tokens": 512},
        tools=(Tool(declared["name"], declared["description"], declared["input_schema"]),),
        tool_choice="auto",
        caching=Caching(system=True),
    ) == expected | {"stream": False}


def test_a_schema_goes_beside_the_effort_under_one_name():
    expected = sample("request-json-schema.json")
    wire = sent(
        model="claude-sonnet-4-6",
        messages=(said("Invoice 9, 12.50 EUR"),),
        params={"max_tokens": 256, "output_config.effort": "low"},
        schema=OutputSchema(expected["output_config"]["format"]["schema"]),
    )
    expected["output_config"]["effort"] = "low"
    assert wire == expected | {"stream": False}


def test_the_request_names_its_route_its_version_and_how_the_key_goes():
    wire = MESSAGES.encode(ChatRequest("m", (said("Hi"),)))
    assert (wire.method, wire.path, wire.stream, wire.auth) == (
        "POST",
        "/anthropic/v1/messages",
        True,
        "x-api-key",
    )
    assert wire.headers["anthropic-version"] == "2023-06-01"
    assert wire.headers["accept"] == "text/event-stream"


def test_a_limit_is_always_sent_and_what_is_off_is_not():
    assert sent() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 4096,
        "stream": False,
    }


def test_zero_is_sent():
    wire = sent(params={"temperature": 0, "top_k": 0})
    assert (wire["temperature"], wire["top_k"]) == (0, 0)


@pytest.mark.parametrize("name", ["model", "messages", "system", "stream", "tools", "tool_choice"])
def test_a_parameter_cannot_take_the_place_of(name):
    assert sent(params={name: "stolen"}).get(name) != "stolen"


def test_extra_fields_are_merged_last_into_what_is_there():
    wire = sent(params={"metadata.user_id": "u1"}, extra={"metadata": {"more": 1}, "max_tokens": 7})
    assert wire["metadata"] == {"user_id": "u1", "more": 1}
    assert wire["max_tokens"] == 7


@pytest.mark.parametrize(
    ("params", "thinking"),
    [
        ({"thinking.budget_tokens": 2000}, {"type": "enabled", "budget_tokens": 2000}),
        ({"thinking.type": "enabled"}, {"type": "enabled", "budget_tokens": 1024}),
        ({"thinking.type": "adaptive", "thinking.budget_tokens": 2000}, {"type": "adaptive"}),
        ({"thinking.type": "disabled"}, {"type": "disabled"}),
    ],
)
def test_thinking_is_asked_for_in_a_form_the_api_takes(params, thinking):
    assert sent(params=params)["thinking"] == thinking


@pytest.mark.parametrize(
    ("choice", "alone", "wire"),
    [
        ("auto", None, {"type": "auto"}),
        ("none", None, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ("f", None, {"type": "tool", "name": "f"}),
        (None, None, None),
        (None, True, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": False}),
        ("none", True, {"type": "none"}),
    ],
)
def test_the_choice_of_tools_in_the_words_of_the_family(choice, alone, wire):
    named = {} if alone is None else {"tool_choice.disable_parallel_tool_use": alone}
    assert sent(tools=(Tool("f"),), tool_choice=choice, params=named).get("tool_choice") == wire
    assert "tool_choice" not in sent(tool_choice=choice, params=named)


def test_a_tool_without_parameters_still_takes_an_object():
    assert sent(tools=(Tool("f"),))["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    ]


def test_native_content_goes_up_byte_for_byte():
    body = MESSAGES.encode(asked(messages=(said("Hi"), Message("assistant", (), native=NATIVE)))).body
    assert NATIVE.encode() in body


def test_native_content_beside_other_messages_of_the_assistant_keeps_its_bytes():
    messages = (
        said("Hi"),
        Message("assistant", (), native=NATIVE),
        Message("assistant", (), native="[]"),
        Message("assistant", (), native='[{"type":"text","text":"On."}]'),
        said("And this.", "assistant"),
    )
    body = MESSAGES.encode(asked(messages=messages)).body
    assert NATIVE[1:-1].encode() in body
    (_, answer) = json.loads(body)["messages"]
    assert [block["type"] for block in answer["content"]] == ["thinking", "tool_use", "text", "text"]


def test_messages_of_one_role_become_one_turn_with_the_results_first():
    messages = (
        said("One"),
        said("Two"),
        Message("assistant", (ToolCallPart("a", "f", ""), ToolCallPart("b", "f", "{}"))),
        Message("user", (TextPart("Well?"), ToolResultPart("a", "1"))),
        Message("tool", (ToolResultPart("b", "no", failed=True),)),
    )
    asked_first, called, results = sent(messages=messages)["messages"]
    assert [block["text"] for block in asked_first["content"]] == ["One", "Two"]
    assert [block["input"] for block in called["content"]] == [{}, {}]
    assert results["role"] == "user"
    assert [block["type"] for block in results["content"]] == ["tool_result", "tool_result", "text"]
    assert [block["is_error"] for block in results["content"][:2]] == [False, True]


def test_arguments_that_are_no_object_go_along_under_one_name():
    call = Message("assistant", (ToolCallPart("a", "f", '{"sku": "4'),))
    (_, turn) = sent(messages=(said("Hi"), call))["messages"]
    assert turn["content"][0]["input"] == {"unreadable": '{"sku": "4'}


def test_an_id_of_another_family_is_made_fit_in_the_call_and_its_result_alike():
    messages = (
        said("Hi"),
        Message("assistant", (ToolCallPart("call.1|x", "f", "{}"),)),
        Message("tool", (ToolResultPart("call.1|x", "1"),)),
    )
    (_, called, result) = sent(messages=messages)["messages"]
    assert called["content"][0]["id"] == result["content"][0]["tool_use_id"] == "call_1_x"


def test_the_result_of_a_native_call_names_the_id_the_native_content_has():
    calls = (ToolCallPart("toolu:9", "f", '{"price": 1.10}'),)
    messages = (
        said("Hi"),
        Message("assistant", calls, native=NATIVE),
        Message("tool", (ToolResultPart("toolu:9", "1"),)),
    )
    assert sent(messages=messages)["messages"][2]["content"][0]["tool_use_id"] == "toolu:9"


def test_empty_texts_and_files_are_not_sent():
    parts = (TextPart(""), FilePart("https://assets.example.test/a.mp4"), TextPart("Hi"))
    messages = (Message("user", parts), said("", "assistant"), said("On"))
    (turn,) = sent(messages=messages)["messages"]
    assert [block["text"] for block in turn["content"]] == ["Hi", "On"]


def test_cache_marks_sit_at_the_end_of_what_is_to_be_kept():
    wire = sent(
        system="Policy",
        tools=(Tool("f"), Tool("g")),
        messages=(
            Message("user", (TextPart("One"), TextPart("Two")), cached=True),
            said("Yes", "assistant"),
            said("Three"),
        ),
        caching=Caching(system=True, tools=True, ttl="1h"),
    )
    assert marked(wire) == ["system", "tools", "Two"]
    assert "cache_control" not in wire["tools"][0]
    assert wire["tools"][1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_no_more_marks_are_sent_than_the_api_takes_and_the_newest_turns_win():
    turns = [
        said(f"Q{n}" if n % 2 else f"A{n}", "user" if n % 2 else "assistant", cached=True)
        for n in range(1, 8)
    ]
    assert marked(sent(messages=tuple(turns))) == ["A4", "Q5", "A6", "Q7"]
    both = Caching(system=True, tools=True)
    wire = sent(messages=tuple(turns), system="S", tools=(Tool("f"),), caching=both)
    assert marked(wire) == ["system", "tools", "A6", "Q7"]


def test_a_mark_on_a_native_answer_moves_to_the_question_before_it():
    messages = (
        said("Hi"),
        Message("assistant", (), native=NATIVE, cached=True),
        said("On"),
    )
    wire = MESSAGES.encode(asked(messages=messages))
    assert marked(json.loads(wire.body)) == ["Hi"]
    assert NATIVE.encode() in wire.body
    assert marked(sent(messages=(Message("assistant", (), native=NATIVE, cached=True), said("On")))) == []


def test_a_value_json_cannot_carry_is_refused_before_it_is_sent():
    with pytest.raises(GatewayError) as caught:
        sent(params={"temperature": float("nan")})
    assert caught.value.kind == "invalid_request"


def test_every_documented_parameter_is_in_the_table():
    assert {spec.name for spec in MESSAGES.params} == {
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "thinking.type",
        "thinking.budget_tokens",
        "output_config.effort",
        "tool_choice.disable_parallel_tool_use",
        "metadata.user_id",
    }
    assert all(spec.label and spec.help and spec.source for spec in MESSAGES.params)
    assert all(
        spec.clean(spec.default) == spec.default for spec in MESSAGES.params if spec.default is not None
    )
    assert [spec.name for spec in MESSAGES.params if spec.required] == ["max_tokens"]


def test_the_counting_route_is_asked_about_the_prompt_alone():
    request = asked(
        model="claude-sonnet-4-6",
        system="Be brief.",
        messages=(said("Hello"),),
        params={"max_tokens": 9, "temperature": 1, "top_p": 1, "top_k": 1, "stop_sequences": ["x"]}
        | {"metadata.user_id": "u"},
        extra={"max_tokens": 7, "service_tier": "auto"},
        stream=True,
    )
    wire = MESSAGES.counting.encode(request)
    assert json.loads(wire.body) == sample("count-tokens-request.json")
    assert (wire.path, wire.auth, wire.stream) == (
        "/anthropic/v1/messages/count_tokens",
        "x-api-key",
        False,
    )
    assert wire.headers["anthropic-version"] == "2023-06-01"
    assert wire.headers["accept"] == "application/json"


def test_the_counting_route_is_told_everything_that_has_tokens():
    request = asked(
        messages=(said("Hi", cached=True),),
        tools=(Tool("f"),),
        tool_choice="required",
        params={"thinking.budget_tokens": 2000},
        schema=OutputSchema({"type": "object"}),
    )
    sends = json.loads(MESSAGES.encode(request).body)
    counted = json.loads(MESSAGES.counting.encode(dataclasses.replace(request, stream=True)).body)
    assert counted == {name: value for name, value in sends.items() if name not in ("max_tokens", "stream")}


def test_the_answer_of_the_counting_route_is_a_number():
    assert MESSAGES.counting.read((HERE / "count-tokens-response.json").read_bytes()) == 14


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "protocol"),
        (b"[]", "protocol"),
        (b'{"input_tokens":"many"}', "protocol"),
        (b'{"input_tokens":-1}', "protocol"),
        (b'{"type":"error","error":{"type":"not_found_error","message":"No such model"}}', "not_found"),
        (b'{"error":{"message":"No balance","code":"insufficient_quota"}}', "quota"),
    ],
)
def test_an_answer_without_a_count_is_an_error_of_its_kind(body, kind):
    with pytest.raises(GatewayError) as caught:
        MESSAGES.counting.read(body)
    assert caught.value.kind == kind
