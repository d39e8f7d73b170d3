"""What is sent to Gemini: the recorded request bodies, and what may never slip into one."""

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

HERE = Path(__file__).parent / "gemini"
GEMINI = FAMILIES["gemini"]
CONFIG = "generationConfig."
SKU = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}


def request(**fields):
    return ChatRequest(**{"model": "gemini-2.5-flash", "messages": (said("Hi"),), "stream": False} | fields)


def sent(**fields):
    return json.loads(GEMINI.encode(request(**fields)).body)


def said(text, role="user"):
    return Message(role, (TextPart(text),))


def sample(name):
    return json.loads((HERE / name).read_text())


def responses(wire):
    parts = [part for content in wire["contents"] for part in content["parts"]]
    return [part["functionResponse"] for part in parts if "functionResponse" in part]


def test_a_plain_question_is_sent_as_the_documentation_shows_it():
    assert sent(
        messages=(said("What does a gateway do?"),),
        params={CONFIG + "temperature": 0.4, CONFIG + "maxOutputTokens": 256},
    ) == sample("request-basic.json")


def test_pictures_are_asked_for_by_one_word():
    params = {CONFIG + "responseModalities": "TEXT, IMAGE"}
    assert sent(messages=(said("Draw a paper boat."),), params=params) == sample("request-image-output.json")


def test_images_files_tools_and_signed_calls_are_sent_as_the_documentation_shows_them():
    native = (
        '[{"functionCall":{"id":"fc1","name":"get_stock","args":{"sku":"42"}},"thoughtSignature":"c2ln"}]'
    )
    question = (
        TextPart("What is shown?"),
        ImagePart(media_type="image/png", data_b64="iVBORw0KGgo="),
        FilePart("https://assets.example.test/clip.mp4"),
    )
    call = ToolCallPart("fc1", "get_stock", '{"sku":"42"}')
    wire = sent(
        system="Be brief.",
        messages=(
            Message("user", question),
            Message("assistant", (call,), native=native),
            Message("tool", (ToolResultPart("fc1", '{"on_hand":3}'),)),
        ),
        tools=(Tool("get_stock", "Look up stock", SKU),),
        tool_choice="auto",
        params={"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]},
    )
    assert wire == sample("request-multimodal-tools.json")


def test_native_content_goes_up_byte_for_byte():
    native = (
        '[{"text":"Hm","thought":true},{"functionCall":{"name":"f","args":{"n":1.50}},"x":1E+2},{"text":""}]'
    )
    body = GEMINI.encode(request(messages=(said("Hi"), Message("assistant", (), native=native)))).body
    assert f'{{"role":"model","parts":{native}}}'.encode() in body


def test_a_schema_is_asked_for_as_json_schema():
    # The sample has the older field with its own spelling of types; a schema of ours is JSON Schema.
    older = sample("request-json-schema.json")
    schema = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}
    wire = sent(messages=(said("Invoice 9, 12.50 EUR"),), schema=OutputSchema(schema))
    assert wire["generationConfig"].pop("responseJsonSchema") == schema
    del older["generationConfig"]["responseSchema"]
    assert wire == older


def test_a_schema_is_sent_beside_the_other_settings():
    schema = {"type": "object", "properties": {"n": {"type": "string"}}, "additionalProperties": False}
    wire = sent(schema=OutputSchema(schema), params={CONFIG + "temperature": 0})
    assert wire["generationConfig"] == {
        "temperature": 0,
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }


def test_results_stand_in_the_order_of_the_calls_and_first_in_their_turn():
    calls = (ToolCallPart("a", "f", "{}"), ToolCallPart("b", "f", "{}"))
    given = (TextPart("Here."), ToolResultPart("b", "two"), ToolResultPart("a", "one"))
    wire = sent(messages=(said("Hi"), Message("assistant", calls), Message("user", given)))
    parts = wire["contents"][-1]["parts"]
    assert [part.get("functionResponse", {}).get("id") for part in parts] == ["a", "b", None]
    assert [row["response"] for row in responses(wire)] == [{"result": "one"}, {"result": "two"}]


def test_an_id_of_our_own_is_not_sent_for_a_call_that_came_without_one():
    native = (
        '[{"functionCall":{"name":"f"},"thoughtSignature":"c2ln"},{"functionCall":{"id":"b","name":"f"}}]'
    )
    calls = (ToolCallPart("own_r_0", "f", "{}"), ToolCallPart("b", "f", "{}"))
    results = (ToolResultPart("b", "two"), ToolResultPart("own_r_0", "one"))
    answer = Message("assistant", calls, native=native)
    wire = sent(messages=(said("Hi"), answer, Message("tool", results)))
    assert responses(wire) == [
        {"name": "f", "response": {"result": "one"}},
        {"id": "b", "name": "f", "response": {"result": "two"}},
    ]


@pytest.mark.parametrize(
    ("content", "failed", "response"),
    [
        ('{"on_hand":3}', False, {"on_hand": 3}),
        ("three", False, {"result": "three"}),
        ("[1]", False, {"result": "[1]"}),
        ("", False, {"result": ""}),
        ('{"on_hand":3}', True, {"error": '{"on_hand":3}'}),
    ],
)
def test_a_result_is_an_object(content, failed, response):
    result = Message("tool", (ToolResultPart("a", content, "f", failed=failed),))
    assert responses(sent(messages=(result,))) == [{"id": "a", "name": "f", "response": response}]


def test_the_name_of_a_result_is_found_by_its_id():
    call = Message("assistant", (ToolCallPart("a", "get_stock", "{}"),))
    (response,) = responses(sent(messages=(call, Message("tool", (ToolResultPart("a", "3"),)))))
    assert response["name"] == "get_stock"


def test_arguments_that_are_no_object_go_along_as_text():
    call = Message("assistant", (ToolCallPart("a", "f", "{oops"),))
    (content,) = sent(messages=(call,))["contents"]
    assert content["parts"][0]["functionCall"]["args"] == {"unreadable": "{oops"}


@pytest.mark.parametrize(
    ("model", "signatures"),
    [
        ("gemini-2.5-pro", [None, None]),
        ("gemini-3-pro-preview", ["skip_thought_signature_validator", None]),
        ("google/gemini-3.1-flash", ["skip_thought_signature_validator", None]),
        ("gemini-10-pro", ["skip_thought_signature_validator", None]),
        ("team-model", ["skip_thought_signature_validator", None]),
    ],
)
def test_calls_another_family_made_say_so_where_a_signature_is_demanded(model, signatures):
    calls = Message("assistant", (ToolCallPart("a", "f", "{}"), ToolCallPart("b", "f", "{}")))
    (content,) = sent(model=model, messages=(calls,))["contents"]
    assert [part.get("thoughtSignature") for part in content["parts"]] == signatures


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (ImagePart(url="https://a.test/x.PNG?w=3"), {"mimeType": "image/png"}),
        (ImagePart(url="https://a.test/picture"), {"mimeType": "image/jpeg"}),
        (ImagePart(url="https://a.test/x", media_type="image/webp"), {"mimeType": "image/webp"}),
        (FilePart("https://a.test/clip.webm"), {"mimeType": "video/webm"}),
        (FilePart("https://a.test/clip", "video/mp4"), {"mimeType": "video/mp4"}),
        (FilePart("https://a.test/watch?v=1"), {}),
        (FilePart("https://[broken"), {}),
    ],
)
def test_a_file_by_its_address_has_the_type_its_name_tells(part, wire):
    (content,) = sent(messages=(Message("user", (part,)),))["contents"]
    assert content["parts"] == [{"fileData": wire | {"fileUri": part.url}}]


def test_images_of_an_answer_go_back_in_the_answer():
    drawn = Message("assistant", (TextPart("Here:"), ImagePart(media_type="image/png", data_b64="QUJD")))
    (content,) = sent(messages=(drawn,))["contents"]
    assert content["role"] == "model"
    assert content["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}


def test_a_turn_that_would_be_empty_is_left_out():
    wire = sent(messages=(said(""), said("Hi"), said("", "assistant")))
    assert wire["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]


@pytest.mark.parametrize(
    "schema",
    [
        SKU | {"additionalProperties": False},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        {"type": "object", "properties": {"a": {"enum": [1, 2], "type": "integer"}}},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"anyOf": "x"}}},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": ["a"]},
        {"type": "array", "items": {"const": 1}},
    ],
)
def test_a_schema_that_parameters_would_refuse_goes_as_json_schema(schema):
    (tool,) = sent(tools=(Tool("f", parameters=schema),))["tools"][0]["functionDeclarations"]
    assert tool == {"name": "f", "parametersJsonSchema": schema}


def test_a_schema_however_deep_is_sent():
    schema = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    (tool,) = sent(tools=(Tool("f", parameters=schema),))["tools"][0]["functionDeclarations"]
    assert tool["parametersJsonSchema"] == schema


@pytest.mark.parametrize("schema", [{}, {"type": "object", "properties": {}, "additionalProperties": False}])
def test_a_tool_that_takes_nothing_declares_nothing(schema):
    (tool,) = sent(tools=(Tool("f", parameters=schema),))["tools"][0]["functionDeclarations"]
    assert tool == {"name": "f"}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("f", {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_the_choice_of_tools_is_a_mode(choice, config):
    wire = sent(tools=(Tool("f"),), tool_choice=choice)
    assert wire["toolConfig"] == {"functionCallingConfig": config}
    assert "toolConfig" not in sent(tool_choice=choice)


def test_thinking_is_sent_the_way_the_official_client_spells_it():
    params = {
        CONFIG + "thinkingConfig.thinkingLevel": "low",
        CONFIG + "thinkingConfig.thinkingBudget": 0,
        CONFIG + "thinkingConfig.includeThoughts": False,
    }
    assert sent(params=params)["generationConfig"] == {
        "thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 0, "includeThoughts": False}
    }


@pytest.mark.parametrize("name", ["contents", "systemInstruction", "tools", "toolConfig"])
def test_a_parameter_cannot_take_the_place_of(name):
    assert sent(params={name: "stolen", f"{name}.x": "stolen"}).get(name) != "stolen"


def test_extra_fields_are_merged_in_last():
    wire = sent(params={CONFIG + "topK": 3, CONFIG + "topP": 1}, extra={"generationConfig": {"topK": 9}})
    assert wire["generationConfig"] == {"topK": 9, "topP": 1}


def test_the_route_says_whether_it_streams_and_encodes_the_model_but_not_the_colon():
    streamed, whole = GEMINI.encode(request(stream=True)), GEMINI.encode(request(model="vendor/m: 1\ud83d"))
    assert streamed.path == "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    assert (streamed.query, streamed.stream, streamed.auth) == ({"alt": "sse"}, True, "bearer")
    assert whole.path == "/gemini/v1beta/models/vendor%2Fm%3A%201%3F:generateContent"
    assert (whole.query, whole.stream) == ({}, False)


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_a_value_json_cannot_carry_is_refused_before_it_is_sent(value):
    with pytest.raises(GatewayError) as caught:
        sent(params={CONFIG + "temperature": value})
    assert caught.value.kind == "invalid_request"


def test_every_documented_parameter_is_in_the_table():
    assert {spec.name.removeprefix(CONFIG) for spec in GEMINI.params} == {
        "temperature",
        "topP",
        "topK",
        "maxOutputTokens",
        "stopSequences",
        "responseModalities",
        "responseMimeType",
        "thinkingConfig.thinkingLevel",
        "thinkingConfig.thinkingBudget",
        "thinkingConfig.includeThoughts",
        "safetySettings",
    }
    assert all(spec.label and spec.help and spec.source for spec in GEMINI.params)
    assert all(spec.clean(spec.default) == spec.default for spec in GEMINI.params if spec.default is not None)
