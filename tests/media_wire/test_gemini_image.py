"""Gemini's pictures: the recorded request and answers, and what is no picture."""

from __future__ import annotations

import json

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.registry import OPERATIONS
from tests.media_wire.samples import INLINE, ONE, create, created, sample, sent

VALUES = {"model": "gemini-3-flash-preview", "prompt": "Draw a paper boat."}


def answered(*parts, **more):
    answer = {"candidates": [{"content": {"parts": list(parts)}, "finishReason": "STOP"}], **more}
    return OPERATIONS["gemini.image"].read_created(json.dumps(answer).encode(), "application/json")


def test_a_request_is_as_documented():
    wire = create("gemini.image", VALUES)
    assert wire.path == "/gemini/v1beta/models/gemini-3-flash-preview:generateContent"
    assert sent(wire) == sample("gemini/request-image-output.json")


def test_a_models_id_is_encoded_whole():
    wire = create("gemini.image", VALUES | {"model": "a/b:c"})
    assert wire.path == "/gemini/v1beta/models/a%2Fb%3Ac:generateContent"


def test_pictures_and_instructions_and_numbers_have_their_places():
    values = VALUES | {"system": "In ink.", "generationConfig.temperature": 0.5}
    body = sent(create("gemini.image", values, {"image": (INLINE, ONE)}))
    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"fileData": {"mimeType": "image/png", "fileUri": ONE.url}},
        {"text": "Draw a paper boat."},
    ]
    assert body["generationConfig"] == {"temperature": 0.5, "responseModalities": ["TEXT", "IMAGE"]}
    assert body["systemInstruction"] == {"parts": [{"text": "In ink."}]}


def test_a_persons_own_json_is_merged_in_last():
    extra = {"generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9"}}}
    body = sent(create("gemini.image", VALUES, extra=extra))
    assert body["generationConfig"] == extra["generationConfig"]
    assert body["contents"] == sample("gemini/request-image-output.json")["contents"]


def test_the_picture_and_the_words_beside_it_are_kept():
    assert created("gemini.image", "gemini/response-image.json") == Observation(
        "succeeded",
        "STOP",
        outputs=(
            Output("image:0", "image", data_b64="iVBORw0KGgo=", media_type="image/png"),
            Output("text:0", "text", text="Here is the boat."),
        ),
        request_id="r-s4mple",
        usage=sample("gemini/response-image.json")["usageMetadata"],
    )


def test_words_without_a_picture_are_a_failure_that_shows_them():
    seen = created("gemini.image", "gemini/response-no-image.json")
    assert (seen.state, seen.error_kind, seen.error_code) == ("failed", "unknown", "NO_IMAGE")
    assert seen.error_message == "I can only describe it."
    assert not seen.ready


def test_a_blocked_prompt_is_refused_for_its_content():
    seen = created("gemini.image", "gemini/response-prompt-blocked.json")
    assert (seen.state, seen.error_kind) == ("failed", "content_policy")
    assert seen.error_code == "PROHIBITED_CONTENT"


def test_a_picture_that_was_only_tried_out_is_not_the_answer():
    blob = {"mimeType": "image/png", "data": "AAAA"}
    seen = answered({"inlineData": blob, "thought": True}, {"text": "Hm.", "thought": True})
    assert (seen.state, seen.outputs) == ("failed", ())
    assert len(answered({"inlineData": blob, "thought": True}, {"inlineData": blob}).outputs) == 1


def test_an_error_inside_a_200_is_an_error():
    body = json.dumps(
        {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    ).encode()
    with pytest.raises(GatewayError) as caught:
        OPERATIONS["gemini.image"].read_created(body, "application/json")
    assert caught.value.kind == "rate_limited"
