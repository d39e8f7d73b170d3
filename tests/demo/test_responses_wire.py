"""What the Responses route refuses, and what it sends byte by byte."""

import json

import pytest

QUESTION = {"role": "user", "content": "hi"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}


def events(body):
    """The data of each event, in order."""
    lines = body.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{"type": "magic"}]}, "input[0].type"),
        ({"input": [{"role": "robot", "content": "hi"}]}, "input[0].role"),
        ({"input": [{"role": ["user"], "content": "hi"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        (
            {"input": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
            "input[0].content[0].type",
        ),
        ({"input": [{"role": "user", "content": [{"type": "output_text"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "AAAA"}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "system", "content": "alone"}]}, "input"),
        ({"input": [QUESTION, {**CALL, "arguments": {}}]}, "input[1].arguments"),
        ({"input": [QUESTION, CALL]}, "input"),
        ({"input": [QUESTION, {"type": "function_call_output", "call_id": "x", "output": ""}]}, "input"),
        ({"input": [QUESTION, {"type": "reasoning", "id": "rs_1", "summary": []}]}, "input"),
        ({"input": [QUESTION, {"type": "reasoning", "id": "rs_1"}]}, "input[1].summary"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": "x"}, "top_p"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"stream": 1}, "stream"),
        ({"store": "no"}, "store"),
        ({"background": True}, "background"),
        ({"truncation": "some"}, "truncation"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"reasoning": "hard"}, "reasoning"),
        ({"reasoning": {"effort": "some"}}, "reasoning.effort"),
        ({"reasoning": {"summary": ["auto"]}}, "reasoning.summary"),
        ({"include": ["everything"]}, "include"),
        ({"tools": {"a": 1}}, "tools"),
        ({"tools": [{"type": "custom", "name": "f"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "tools[0].parameters"),
        ({"tool_choice": {"type": "function", "name": "g"}}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
    ],
)
def test_a_wrong_field_is_named(gateway, fields, param):
    status, _, body = gateway.respond(**{"prompt": "hi", **fields})
    error = json.loads(body)["error"]
    assert (status, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert param in error["message"] or param == "input"


def test_the_events_carry_their_type_and_end_with_done(gateway):
    _, headers, body = gateway.respond(stream=True)
    *told, done = events(body)
    assert headers["content-type"].startswith("text/event-stream")
    assert done == "[DONE]"
    names = [line.removeprefix("event: ") for line in body.decode().split("\n") if line.startswith("event: ")]
    assert [json.loads(data)["type"] for data in told] == names
    assert [json.loads(data)["sequence_number"] for data in told] == list(range(len(told)))
    assert (names[0], names[-1]) == ("response.created", "response.completed")


def test_a_huge_frame_is_eight_mebibytes(gateway):
    _, _, body = gateway.respond(model="demo-huge-frame", stream=True)
    assert max(map(len, body.split(b"\n\n"))) == 8 * 1024 * 1024 - 2


def test_one_frame_of_a_malformed_stream_is_not_json(gateway):
    _, _, body = gateway.respond(model="demo-malformed", stream=True)
    broken = [data for data in events(body)[:-1] if not data.endswith("}")]
    assert len(broken) == 1
    assert json.loads(events(body)[-2])["type"] == "response.completed"


def test_nulls_and_strangers_are_sent_on_request(gateway):
    _, _, body = gateway.respond(model="demo-null-fields", stream=True)
    told = [json.loads(data) for data in events(body)[:-1]]
    assert told[0]["response"]["output"] is None
    assert "response.demo_unknown" in [event["type"] for event in told]
    assert told[-1]["type"] == "response.completed"


def test_a_plain_answer_comes_to_a_stream_request_on_demand(gateway):
    _, headers, body = gateway.respond(model="demo-json-instead", stream=True)
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["object"] == "response"


def test_usage_is_not_told_where_the_model_never_does(gateway):
    _, _, body = gateway.respond(model="demo-no-usage")
    assert json.loads(body)["usage"] is None


@pytest.mark.parametrize("after", [0, 1, 20])
def test_a_cut_stream_has_its_tokens_and_no_end(gateway, after):
    body = b""
    with gateway.socket(f"demo-cut-after-{after}", path="/openai/v1/responses") as connection:
        while part := connection.recv(65536):
            body += part
    assert body.count(b"event: response.output_text.delta") == after
    assert b"[DONE]" not in body and b"\r\n0\r\n" not in body


@pytest.mark.parametrize("prompt", ["", "\x00", "\ud83d lone", "continue", "{topic} {0} %s", "x" * 1_000_000])
@pytest.mark.parametrize("role", ["user", "developer", "assistant"])
def test_no_prompt_breaks_it(gateway, prompt, role):
    items = [QUESTION, {"role": role, "content": prompt}]
    assert gateway.respond(items)[0] == 200
    assert gateway.respond(items, stream=True, instructions=prompt)[0] == 200


def test_only_the_last_answers_are_kept(starter):
    own = starter("--fast")
    ids = [json.loads(own.respond()[2])["id"] for _ in range(21)]
    assert own.call("GET", f"/openai/v1/responses/{ids[0]}")[0] == 404
    assert own.call("GET", f"/openai/v1/responses/{ids[1]}")[0] == 200
    assert own.call("DELETE", f"/openai/v1/responses/{ids[1]}")[0] == 405
