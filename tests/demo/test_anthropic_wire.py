"""What the Anthropic routes refuse, and what they send byte by byte."""

import json

import pytest

PATH = "/anthropic/v1/messages"
KEY = {"x-api-key": "demo-key"}
VERSIONED = {**KEY, "anthropic-version": "2023-06-01"}
MARK = {"type": "ephemeral"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def user(*blocks):
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def assistant(*blocks):
    question = {"role": "user", "content": "hi"}
    return {"messages": [question, {"role": "assistant", "content": list(blocks)}, question]}


def marked(count, **mark):
    return [{"type": "text", "text": "a", "cache_control": {**MARK, **mark}}] * count


def events(body):
    return [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": None}, "model"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "system", "content": "hi"}]}, 'messages: Unexpected role "system"'),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "messages: first message"),
        (
            {"messages": [{"role": "user", "content": ""}]},
            "messages.0: all messages must have non-empty content",
        ),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        (user({"type": "video"}), "messages.0.content.0: Input tag 'video'"),
        (user({"type": "text", "text": ""}), "messages.0.content.0: text content blocks must be non-empty"),
        (user({"type": "text"}), "messages.0.content.0.text"),
        (user({"type": "thinking"}), "messages.0.content.0"),
        (user({"type": "image"}), "messages.0.content.0.image.source"),
        (user({"type": "image", "source": {"type": "file"}}), "messages.0.content.0.image.source.type"),
        (
            user({"type": "image", "source": {"type": "url", "url": "http://a.example.test/b.png"}}),
            "messages.0.content.0.image.source.url",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "AAAA"}}),
            "messages.0.content.0.image.source.base64.media_type",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}),
            "messages.0.content.0.image.source.base64.data",
        ),
        (user({"type": "tool_result", "content": "x"}), "messages.0.content.0.tool_result.tool_use_id"),
        (user({"type": "tool_result", "tool_use_id": "t", "content": "x"}), "messages.0: unexpected"),
        (
            assistant({"type": "tool_use", "id": "a b", "name": "f", "input": {}}),
            "messages.1.content.0.tool_use.id",
        ),
        (
            assistant({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}),
            "messages.1.content.0.tool_use.input",
        ),
        (assistant({"type": "tool_use", "id": "t", "name": "f", "input": {}}), "messages.1: `tool_use` ids"),
        (
            assistant({"type": "redacted_thinking", "data": "ZGF0YQ=="}),
            "messages.1.content.0: Invalid `data`",
        ),
        ({"system": [{"type": "image"}]}, "system.0"),
        ({"system": 5}, "system"),
        ({"temperature": 1.5}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"top_p": True}, "top_p"),
        ({"stream": "yes"}, "stream"),
        ({"metadata": "me"}, "metadata"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"stop_sequences": [" "]}, "stop_sequences"),
        ({"thinking": {"type": "on"}}, "thinking"),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1000}}, "thinking.enabled.budget_tokens"),
        ({"thinking": THINKING, "max_tokens": 1024}, "max_tokens: must be greater"),
        ({"thinking": THINKING, "temperature": 0.5}, "temperature"),
        ({"thinking": THINKING, "top_k": 5}, "top_k"),
        ({"thinking": THINKING, "tools": [TOOL], "tool_choice": {"type": "any"}}, "thinking"),
        ({"output_config": {"effort": "some"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name"),
        ({"tools": [{"name": "f", "parameters": {}}]}, "tools.0.custom.input_schema"),
        ({"tools": [{"name": "f", "input_schema": {}}]}, "tools.0.custom.input_schema.type"),
        ({"tool_choice": {"type": "auto"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice.tool.name"),
        (user(*marked(5)), "cache_control: A maximum of 4"),
        (user(*marked(1), *marked(1, ttl="1h")), "cache_control.ttl"),
        (user(*marked(1, ttl="2h")), "cache_control.ephemeral.ttl"),
        ({"cache_control": {"type": "lasting"}}, "cache_control"),
    ],
)
def test_a_wrong_field_is_named_in_the_shape_of_the_family(gateway, fields, field):
    status, headers, body = gateway.message(**{"prompt": "hi", **fields})
    answer = json.loads(body)
    assert (status, answer["type"], answer["error"]["type"]) == (400, "error", "invalid_request_error")
    assert answer["error"]["message"].startswith(field)
    assert answer["request_id"] == headers["x-request-id"]


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("demo-error-400", 400, "invalid_request_error"),
        ("demo-error-401", 401, "authentication_error"),
        ("demo-error-402", 402, "billing_error"),
        ("demo-error-403", 403, "permission_error"),
        ("demo-error-404", 404, "not_found_error"),
        ("demo-error-413", 413, "request_too_large"),
        ("demo-error-429", 429, "rate_limit_error"),
        ("demo-error-500", 500, "api_error"),
        ("demo-error-504", 504, "timeout_error"),
        ("demo-error-529", 529, "overloaded_error"),
    ],
)
def test_every_error_has_the_type_of_its_status(gateway, model, status, kind):
    found, headers, body = gateway.message(model=model)
    assert (found, json.loads(body)["error"]["type"]) == (status, kind)
    assert headers.get("retry-after") == ("7" if status == 429 else None)


def test_a_wrong_key_is_refused_by_the_gateway_itself(gateway):
    for path in (PATH, f"{PATH}/count_tokens"):
        status, _, body = gateway.call("POST", path, {}, headers={"authorization": "Bearer demo-key"})
        assert status == 401
        assert json.loads(body)["error"]["code"] == "invalid_api_key"


def test_the_version_has_to_be_named(gateway):
    status, _, body = gateway.call("POST", PATH, {}, headers=KEY)
    assert status == 400
    assert json.loads(body)["error"]["message"] == "anthropic-version: header is required"


@pytest.mark.parametrize("name", ["max_tokens", "stream"])
def test_counting_takes_no_field_of_an_answer(gateway, name):
    body = {"model": "demo-chat", "messages": [{"role": "user", "content": "hi"}], name: 1}
    status, _, answer = gateway.call("POST", f"{PATH}/count_tokens", body, headers=VERSIONED)
    assert status == 400
    assert json.loads(answer)["error"]["message"].startswith(name)


def test_a_mark_on_the_whole_request_stands_on_its_last_block(gateway):
    words = "A long question. " * 100
    first, second = (json.loads(gateway.message(words, cache_control=MARK)[2])["usage"] for _ in range(2))
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 400


def test_the_events_come_in_order_and_carry_their_names(gateway):
    _, headers, body = gateway.message(stream=True)
    told = [event["type"] for event in events(body)]
    assert headers["content-type"].startswith("text/event-stream")
    names = [line[7:] for line in body.decode().split("\n") if line.startswith("event: ")]
    assert told == names
    assert told[:3] == ["message_start", "content_block_start", "ping"]
    assert told[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_an_error_ends_the_stream_after_its_tokens(gateway):
    _, _, body = gateway.message(model="demo-error-after-3", stream=True)
    told = events(body)
    assert sum(event["type"] == "content_block_delta" for event in told) == 3
    assert told[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_a_huge_frame_is_eight_mebibytes(gateway):
    _, _, body = gateway.message(model="demo-huge-frame", stream=True)
    assert max(map(len, body.split(b"\n\n"))) == 8 * 1024 * 1024 - 2


def test_one_frame_of_a_malformed_stream_is_not_json(gateway):
    _, _, body = gateway.message(model="demo-malformed", stream=True)
    lines = [line for line in body.decode().split("\n") if line.startswith("data: ")]
    assert sum(not line.endswith("}") for line in lines) == 1
    assert lines[-1] == 'data: {"type":"message_stop"}'


def test_nulls_and_strangers_are_sent_on_request(gateway):
    told = events(gateway.message(model="demo-null-fields", stream=True)[2])
    assert told[0]["message"]["usage"] is None
    assert "demo_unknown" in [event["type"] for event in told]
    assert told[-2]["usage"]["input_tokens"] is None and told[-2]["usage"]["output_tokens"] > 0


def test_the_end_or_the_usage_can_be_missing(gateway):
    endless = events(gateway.message(model="demo-no-done", stream=True)[2])
    assert endless[-1]["type"] == "message_delta"
    untold = events(gateway.message(model="demo-no-usage", stream=True)[2])
    assert "usage" not in untold[0]["message"] and "usage" not in untold[-2]
    assert "usage" not in json.loads(gateway.message(model="demo-no-usage")[2])


def test_a_plain_answer_comes_to_a_stream_request_on_demand(gateway):
    _, headers, body = gateway.message(model="demo-json-instead", stream=True)
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["type"] == "message"


def test_broken_arguments_can_be_streamed(gateway):
    _, _, body = gateway.message("Use f", model="demo-bad-arguments", stream=True, tools=[TOOL])
    pieces = [
        event["delta"].get("partial_json", "")
        for event in events(body)
        if "index" in event and "delta" in event
    ]
    with pytest.raises(json.JSONDecodeError):
        json.loads("".join(pieces))


def test_the_flaky_model_fails_once_and_then_answers(gateway):
    statuses = [gateway.message("Flaky in this family", model="demo-flaky")[0] for _ in range(3)]
    assert statuses == [503, 200, 503]


def test_the_echoing_model_repeats_the_key_it_was_sent(gateway):
    status, _, body = gateway.message(model="demo-echo-key")
    assert status == 401
    assert "demo-key" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("after", [0, 1, 20])
def test_a_cut_stream_has_its_tokens_and_no_end(gateway, after):
    body = b""
    with gateway.socket(f"demo-cut-after-{after}", path=PATH) as connection:
        while part := connection.recv(65536):
            body += part
    assert body.count(b"event: content_block_delta") == after
    assert b"message_stop" not in body and b"\r\n0\r\n" not in body


@pytest.mark.parametrize(
    "prompt", [" ", "\x00", "\ud83d lone", "continue", "{topic} {0} %s", "x" * 1_000_000]
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_no_prompt_breaks_it(gateway, prompt, role):
    messages = [{"role": "user", "content": "hi"}, {"role": role, "content": prompt}]
    assert gateway.message(messages=messages, system=prompt)[0] == 200
    assert gateway.message(messages=messages, stream=True, thinking=THINKING)[0] == 200
