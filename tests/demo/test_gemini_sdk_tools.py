"""The official Google SDK as the client of the demo gateway: tools, signatures, files and pictures."""

import struct
import zlib

import pytest
from google.genai import errors, types

from tests.demo.gemini_asking import QUESTION, ask, connected, parts_of, streamed, text_of, tools

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + bytes(40)
STOCK = {
    "name": "get_stock",
    "description": "Look up stock",
    "parameters_json_schema": {
        "type": "object",
        "properties": {"sku": {"type": "string"}, "unit": {"enum": ["piece", "box"]}},
        "required": ["sku", "unit"],
    },
}
WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}


@pytest.fixture
def google(gateway):
    with connected(gateway) as client:
        yield client


def pixels(png):
    """Width, height and the number of different rows, of a PNG that is whole."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, body, size = 8, b"", None
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        data = png[at + 8 : at + 8 + length]
        assert zlib.crc32(name + data) == int.from_bytes(png[at + 8 + length : at + 12 + length], "big")
        size = struct.unpack(">II", data[:8]) if name == b"IHDR" else size
        body += data if name == b"IDAT" else b""
        at += 12 + length
    width, height = size
    raw = zlib.decompress(body)
    assert len(raw) == height * (1 + width * 3)
    return width, height, len({raw[row * (1 + width * 3) :][: 1 + width * 3] for row in range(height)})


def test_the_text_of_a_thinking_model_is_signed_at_its_end(google):
    last = parts_of(streamed(google, model="demo-reasoning"))[-1]
    assert last.text == "" and last.thought_signature
    history = [
        types.UserContent(QUESTION),
        types.Content(role="model", parts=[types.Part(text="Tides rise."), last]),
        types.UserContent("And then?"),
    ]
    assert ask(google, history, model="demo-reasoning").text


@pytest.mark.parametrize("model", ["demo-chat", "demo-reasoning"])
@pytest.mark.parametrize("send", [ask, streamed])
def test_two_calls_at_once_are_answered_with_their_results(google, model, send):
    question = types.UserContent("Stock of item 42 by the box, and the weather in Oslo? Use both tools.")
    offered = tools(STOCK, WEATHER)
    answer = send(google, [question], model=model, **offered)
    parts = parts_of(answer if isinstance(answer, list) else [answer])
    called = [part for part in parts if part.function_call]
    assert [part.function_call.name for part in called] == ["get_stock", "get_weather"]
    assert called[0].function_call.args == {"sku": "42", "unit": "box"}
    assert [bool(part.thought_signature) for part in called] == [True, False]
    results = [
        types.Part(
            function_response={
                "id": part.function_call.id,
                "name": part.function_call.name,
                "response": {"on_hand": 3 + place},
            }
        )
        for place, part in enumerate(called)
    ]
    history = [question, types.Content(role="model", parts=parts), types.Content(role="user", parts=results)]
    after = ask(google, history, model=model, **offered)
    assert "get_stock" in after.text and '"on_hand": 3' in after.text
    assert "get_weather" in after.text and '"on_hand": 4' in after.text


def test_a_call_ends_with_stop_as_any_answer_does(google):
    chunks = streamed(google, "Stock of item 42?", **tools(STOCK))
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert not text_of(chunks)


@pytest.mark.parametrize(
    ("calling", "called"),
    [
        ({"mode": "AUTO"}, ["get_stock"]),
        ({"mode": "ANY"}, ["get_stock"]),
        ({"mode": "ANY", "allowed_function_names": ["get_weather"]}, ["get_weather"]),
        ({"mode": "NONE"}, []),
    ],
)
def test_the_mode_says_what_may_be_called(google, calling, called):
    answer = ask(google, "Stock of item 42?", **tools(STOCK, WEATHER, **calling))
    assert [call.name for call in answer.function_calls or []] == called
    assert bool(answer.function_calls) or "demo" in answer.text


def test_a_greeting_calls_no_tool_unless_one_has_to_be_called(google):
    assert not ask(google, "Hello!", **tools(STOCK)).function_calls
    assert ask(google, "Hello!", **tools(STOCK, mode="ANY")).function_calls


def test_a_strict_model_wants_the_signature_of_the_call_back(google):
    question = types.UserContent("Stock of item 42?")
    called = ask(google, [question], model="demo-reasoning", **tools(STOCK)).candidates[0].content
    result = types.Content(
        role="user",
        parts=[types.Part.from_function_response(name="get_stock", response={"on_hand": 3})],
    )
    unsigned = called.model_copy(deep=True)
    unsigned.parts[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="missing a thought_signature") as raised:
        ask(google, [question, unsigned, result], model="demo-reasoning", **tools(STOCK))
    assert (raised.value.code, raised.value.status) == (400, "INVALID_ARGUMENT")
    assert ask(google, [question, unsigned, result], **tools(STOCK)).text


@pytest.mark.parametrize("change", ["signature", "arguments", "model"])
def test_a_signature_fits_one_call_of_one_model_only(google, change):
    question = types.UserContent("Stock of item 42?")
    called = ask(google, [question], **tools(STOCK)).candidates[0].content
    part = called.parts[0]
    if change == "signature":
        part.thought_signature = part.thought_signature[:-1] + b"!"
    if change == "arguments":
        part.function_call.args["sku"] = "43"
    model = "demo-reasoning" if change == "model" else "demo-chat"
    result = types.Part.from_function_response(name="get_stock", response={"on_hand": 3})
    history = [question, called, types.Content(role="user", parts=[result])]
    with pytest.raises(errors.ClientError, match="Corrupted thought signature"):
        ask(google, history, model=model, **tools(STOCK))


def test_images_and_files_are_acknowledged_and_addresses_are_only_named(google):
    answer = ask(
        google,
        [
            "What is shown?",
            types.Part.from_bytes(data=PNG, mime_type="image/png"),
            types.Part.from_bytes(data=b"%PDF-1.7 " + bytes(range(256)), mime_type="application/pdf"),
            types.Part.from_uri(
                file_uri="https://assets.example.test/clip.mp4?signature=secret", mime_type="video/mp4"
            ),
        ],
    )
    assert "image/png, 64 bytes, 640 × 480 px" in answer.text
    assert "application/pdf, 265 bytes" in answer.text
    assert "video/mp4 at assets.example.test/clip.mp4" in answer.text and "secret" not in answer.text
    modalities = {one.modality: one.token_count for one in answer.usage_metadata.prompt_tokens_details}
    assert modalities[types.MediaModality.IMAGE] == 3 * 258
    assert sum(modalities.values()) == answer.usage_metadata.prompt_token_count


@pytest.mark.parametrize("send", [ask, streamed])
def test_a_picture_comes_with_its_caption(google, send):
    answer = send(google, "Draw a paper boat.", response_modalities=["TEXT", "IMAGE"])
    chunks = answer if isinstance(answer, list) else [answer]
    (picture,) = [part.inline_data for part in parts_of(chunks) if part.inline_data]
    width, height, rows = pixels(picture.data)
    assert picture.mime_type == "image/png"
    assert (width, height) == (512, 512) and rows > 100
    assert "paper boat" in text_of(chunks) and "demo" in text_of(chunks)
    assert chunks[-1].usage_metadata.candidates_token_count > 1290


def test_a_picture_has_the_shape_asked_for_and_no_text_where_none_is_wanted(google):
    answer = ask(
        google, "A house", response_modalities=["IMAGE"], image_config={"aspect_ratio": "16:9"}, seed=1
    )
    (part,) = answer.candidates[0].content.parts
    assert pixels(part.inline_data.data)[:2] == (512, 288)


def test_the_drawing_model_draws_unasked_and_the_same_for_the_same_seed(google):
    def drawn(words, **config):
        parts = ask(google, words, model="demo-image", **config).candidates[0].content.parts
        return parts[-1].inline_data.data

    assert drawn("A hill", seed=1) == drawn("A hill", seed=1)
    assert drawn("A hill", seed=1) != drawn("A hill by night", seed=1)
    assert drawn("A hill") != drawn("A hill")


def test_a_drawing_may_be_sent_back_and_be_talked_about(google):
    chat = google.chats.create(model="demo-image")
    chat.send_message("Draw a tree")
    assert chat.send_message("Make it taller").candidates[0].content.parts[-1].inline_data


def test_a_call_that_cannot_be_read_is_left_out(google):
    answer = ask(google, "Stock of item 42?", model="demo-bad-arguments", **tools(STOCK))
    assert answer.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL
    assert not answer.function_calls
