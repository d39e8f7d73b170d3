"""What the Gemini routes of the demo gateway read, and what they refuse by name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo.exchange import Refused
from playground.demo.gemini_body import read
from playground.demo.gemini_spelling import in_camel_case

PATH = "/gemini/v1beta/models/demo-chat:generateContent"
HI = {"contents": [{"role": "user", "parts": [{"text": "Explain tides"}]}]}
CALL = {"functionCall": {"name": "f", "args": {}}}
RESULT = {"functionResponse": {"name": "f", "response": {"n": 1}}}


def content(*parts, role="user"):
    return {"contents": [{"role": role, "parts": list(parts)}]}


def config(**fields):
    return {**HI, "generationConfig": fields}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contents": []}, "contents"),
        ({"contents": "hi"}, "contents"),
        ({"contents": ["hi"]}, "contents[0]"),
        (content({"text": "hi"}, role="assistant"), "contents[0].role"),
        ({"contents": [{"role": "user"}]}, "contents[0].parts"),
        (content(), "contents[0].parts"),
        (content("hi"), "contents[0].parts[0]"),
        (content({}), "contents[0].parts[0]"),
        (content({"image": "x"}), "contents[0].parts[0]"),
        (content({"text": 1}), "contents[0].parts[0].text"),
        (content({"text": "a", "inlineData": {}}), "contents[0].parts[0]"),
        (content({"inlineData": {"data": "AAAA"}}), "contents[0].parts[0].inlineData.mimeType"),
        (
            content({"inlineData": {"mimeType": "image/png", "data": "data:image/png;base64,AAAA"}}),
            "contents[0].parts[0].inlineData.data",
        ),
        (
            content({"fileData": {"fileUri": "http://files.example.test/a.mp4"}}),
            "contents[0].parts[0].fileData.fileUri",
        ),
        (content({"functionCall": {"name": ""}}), "contents[0].parts[0].functionCall.name"),
        (
            content({"functionResponse": {"name": "f", "response": "3"}}),
            "contents[0].parts[0].functionResponse.response",
        ),
        (content(RESULT), "contents[0]"),
        ({"contents": [*content(CALL, role="model")["contents"], *HI["contents"]]}, "contents[1]"),
        (
            {"contents": [*content(CALL, CALL, role="model")["contents"], *content(RESULT)["contents"]]},
            "contents[1]",
        ),
        (
            content({**CALL, "thoughtSignature": "c2ln"}, role="model"),
            "contents[0].parts[0].thoughtSignature",
        ),
        ({**HI, "systemInstruction": "Be brief"}, "systemInstruction.parts"),
        ({**HI, "systemInstruction": {"parts": [{"inlineData": {}}]}}, "systemInstruction.parts[0].text"),
        ({**HI, "generationConfig": []}, "generationConfig"),
        (config(temperature=2.5), "generationConfig.temperature"),
        (config(topP=-1), "generationConfig.topP"),
        (config(topK=0), "generationConfig.topK"),
        (config(maxOutputTokens=0), "generationConfig.maxOutputTokens"),
        (config(maxOutputTokens="9"), "generationConfig.maxOutputTokens"),
        (config(seed=1.5), "generationConfig.seed"),
        (config(candidateCount=2), "generationConfig.candidateCount"),
        (config(stopSequences="x"), "generationConfig.stopSequences"),
        (config(stopSequences=list("abcdef")), "generationConfig.stopSequences"),
        (config(responseModalities="IMAGE"), "generationConfig.responseModalities"),
        (config(responseModalities=["AUDIO"]), "generationConfig.responseModalities"),
        (config(responseMimeType="text/html"), "generationConfig.responseMimeType"),
        (config(responseSchema={"type": "OBJECT"}), "generationConfig.responseSchema"),
        (
            config(responseMimeType="application/json", responseSchema={}, responseJsonSchema={}),
            "generationConfig.responseJsonSchema",
        ),
        (config(thinkingConfig={"includeThoughts": 1}), "generationConfig.thinkingConfig.includeThoughts"),
        (config(thinkingConfig={"thinkingBudget": -2}), "generationConfig.thinkingConfig.thinkingBudget"),
        (config(thinkingConfig={"thinkingLevel": "deep"}), "generationConfig.thinkingConfig.thinkingLevel"),
        (
            config(thinkingConfig={"thinkingLevel": "LOW", "thinkingBudget": 9}),
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
        (config(imageConfig={"aspectRatio": 1}), "generationConfig.imageConfig.aspectRatio"),
        ({**HI, "tools": {}}, "tools"),
        ({**HI, "tools": [{"functionDeclarations": {}}]}, "tools[0].functionDeclarations"),
        ({**HI, "tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        (
            {**HI, "tools": [{"functionDeclarations": [{"name": "f", "parameters": []}]}]},
            "tools[0].functionDeclarations[0].parameters",
        ),
        (
            {**HI, "toolConfig": {"functionCallingConfig": {"mode": "MUST"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            {**HI, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}},
            "toolConfig.functionCallingConfig.allowedFunctionNames",
        ),
        ({**HI, "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT"}]}, "safetySettings[0]"),
    ],
)
def test_a_wrong_field_is_named(gateway, body, field):
    status, _, answer = gateway.call("POST", PATH, body)
    error = json.loads(answer)["error"]
    assert (status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["details"][0]["fieldViolations"][0]["field"] == field


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 200_000])
def test_a_body_that_is_no_object_is_refused(gateway, raw):
    status, _, body = gateway.call("POST", PATH, raw)
    assert (status, json.loads(body)["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_both_spellings_of_a_field_are_read_and_the_callers_names_are_kept():
    body = {
        "system_instruction": {"parts": [{"text": "x"}]},
        "generation_config": {"response_schema": {"properties": {"first_name": {"min_length": 1}}}},
        "contents": [{"parts": [{"function_call": {"name": "f", "args": {"own_name": 1}}}]}],
    }
    assert in_camel_case(body) == {
        "systemInstruction": {"parts": [{"text": "x"}]},
        "generationConfig": {"responseSchema": {"properties": {"first_name": {"minLength": 1}}}},
        "contents": [{"parts": [{"functionCall": {"name": "f", "args": {"own_name": 1}}}]}],
    }


def test_null_is_as_good_as_absent(gateway):
    part = {"text": "Explain tides", "inlineData": None, "functionCall": None, "thoughtSignature": None}
    status, _, body = gateway.call("POST", PATH, {**content(part), "tools": None, "generationConfig": None})
    assert status == 200, body


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    *("text", "inlineData", "fileData", "functionCall", "functionResponse", "thoughtSignature", "name"),
    *(
        "args",
        "response",
        "mimeType",
        "data",
        "fileUri",
        "role",
        "parts",
        "functionDeclarations",
        "parameters",
    ),
    *("temperature", "seed", "responseSchema", "responseMimeType", "thinkingConfig", "responseModalities"),
    *("stopSequences", "functionCallingConfig", "mode", "allowedFunctionNames", "imageConfig"),
)
NEAR_JSON = st.recursive(
    ANY_JSON | st.sampled_from(["ANY", "model", "application/json", "IMAGE", "AAAA", "image/png"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=20,
)


BESIDE = ("systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings")


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"contents": NEAR_JSON | st.lists(st.fixed_dictionaries({"parts": st.lists(NEAR_JSON, max_size=3)}))},
        optional=dict.fromkeys(BESIDE, NEAR_JSON),
    )
)
def test_any_body_is_read_or_refused(body):
    try:
        found = read(in_camel_case(body), model="demo-chat", strict=True)
    except Refused as refused:
        assert refused.status == 400 and refused.param
    else:
        assert found.ask.said and sum(found.tokens) > 0
