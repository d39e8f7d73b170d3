"""The Gemini routes byte by byte, where the SDK would hide it."""

import json
import socket
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from tests._servers.processes import PATIENCE_S

HI = {"contents": [{"role": "user", "parts": [{"text": "Explain tides"}]}]}
CALL = {"functionCall": {"name": "f", "args": {}}}
RESULT = {"functionResponse": {"name": "f", "response": {"n": 1}}}
STOCK = {"name": "get_stock", "parameters": {"type": "OBJECT", "properties": {"sku": {"type": "STRING"}}}}


def path(model="demo-chat", *, stream=False, query=""):
    method = "streamGenerateContent" if stream else "generateContent"
    return f"/gemini/v1beta/models/{quote(model, safe='')}:{method}{query}"


def post(gateway, body=None, *, model="demo-chat", stream=False, query="", headers=None):
    return gateway.call("POST", path(model, stream=stream, query=query), body or HI, headers)


def generate(gateway, *parts, model="demo-chat", **fields):
    contents = [{"role": "user", "parts": [{"text": part} for part in parts]}]
    status, _, body = post(gateway, {"contents": contents, **fields}, model=model)
    assert status == 200, body
    return json.loads(body)


def events(body):
    return [json.loads(frame[6:]) for frame in body.decode().split("\r\n\r\n") if frame]


def text_of(objects):
    return "".join(
        part.get("text") or ""
        for one in objects
        for candidate in one.get("candidates") or []
        for part in (candidate.get("content") or {}).get("parts") or []
    )


@contextmanager
def streaming(gateway, model, query="?alt=sse"):
    """A raw connection on which a stream of this model was asked for."""
    body = json.dumps(HI).encode()
    head = (
        f"POST {path(model, stream=True, query=query)} HTTP/1.1\r\nhost: demo\r\n"
        f"authorization: Bearer demo-key\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode() + body)
        yield connection


def received(connection):
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        return data, "reset"
    return data, "closed"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer demo-kez"},
        {"authorization": "demo-key"},
        {"x-goog-api-key": "demo-kez"},
        {"x-goog-api-key": ""},
        {"x-api-key": "demo-key"},
        {"x-goog-api-key": "wrong", "authorization": "Bearer demo-key"},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key_is_refused_in_the_familys_words(gateway, headers, stream):
    status, _, body = post(gateway, stream=stream, query="?alt=sse", headers=headers)
    error = json.loads(body)["error"]
    assert status == error["code"] == 401
    assert error["status"] == "UNAUTHENTICATED"
    assert "demo-k" not in error["message"]


@pytest.mark.parametrize("header", [("authorization", "Bearer demo-key"), ("x-goog-api-key", "demo-key")])
def test_both_ways_to_send_the_key_are_accepted(gateway, header):
    assert post(gateway, headers=dict([header]))[0] == 200


def test_other_methods_and_other_words_behind_the_colon_are_refused(gateway):
    assert gateway.call("GET", path())[0] == 405
    assert gateway.call("POST", "/gemini/v1beta/models/demo-chat:countTokens", HI)[0] == 404
    assert gateway.call("POST", "/gemini/v1beta/models/demo-chat", HI)[0] == 404


def test_a_model_with_a_slash_is_found_however_it_is_written(gateway):
    assert post(gateway, model="demo/with-slash")[0] == 200
    assert gateway.call("POST", "/gemini/v1beta/models/demo/with-slash:generateContent", HI)[0] == 200


def test_the_events_end_without_a_word_and_the_array_says_the_same(gateway):
    seeded = {**HI, "generationConfig": {"seed": 1}}
    status, headers, body = post(gateway, seeded, stream=True, query="?alt=sse")
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert body.startswith(b"data: {") and body.endswith(b"}\r\n\r\n") and b"[DONE]" not in body
    status, headers, array = post(gateway, seeded, stream=True)
    assert (status, headers["content-type"]) == (200, "application/json; charset=utf-8")
    told = json.loads(array)
    assert text_of(told) == text_of(events(body))
    assert [one["candidates"][0].get("finishReason") for one in told[-2:]] == [None, "STOP"]


def test_calls_come_whole_and_the_reason_in_a_later_chunk(gateway):
    body = {"contents": [{"role": "user", "parts": [{"text": "Stock of both 42 and 43?"}]}]}
    body["tools"] = [{"functionDeclarations": [STOCK]}]
    told = events(post(gateway, body, stream=True, query="?alt=sse")[2])
    calls = [one["candidates"][0]["content"]["parts"][0] for one in told[:-1]]
    assert [call["functionCall"]["args"] for call in calls] == [{"sku": "42"}, {"sku": "43"}]
    assert ["thoughtSignature" in call for call in calls] == [True, False]
    assert [one["candidates"][0].get("finishReason") for one in told] == [None, None, "STOP"]


def test_a_call_that_cannot_be_read_is_named_in_the_finish(gateway):
    told = generate(
        gateway, "Stock of item 42?", model="demo-bad-arguments", tools=[{"functionDeclarations": [STOCK]}]
    )
    (candidate,) = told["candidates"]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert "get_stock" in candidate["finishMessage"] and "content" not in candidate


@pytest.mark.parametrize(
    "signature", ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"]
)
def test_the_documented_stand_ins_for_a_signature_are_accepted(gateway, signature):
    contents = [
        {"role": "user", "parts": [{"text": "Stock?"}]},
        {"role": "model", "parts": [{**CALL, "thoughtSignature": signature}]},
        {"role": "user", "parts": [RESULT]},
    ]
    assert post(gateway, {"contents": contents}, model="demo-reasoning")[0] == 200


def test_only_the_first_of_several_calls_needs_its_signature(gateway):
    signed = {**CALL, "thoughtSignature": "skip_thought_signature_validator"}
    history = [
        {"role": "user", "parts": [{"text": "Stock?"}]},
        {"role": "model", "parts": [signed, CALL]},
        {"role": "user", "parts": [RESULT, RESULT]},
    ]
    assert post(gateway, {"contents": history}, model="demo-reasoning")[0] == 200
    history[1]["parts"].reverse()
    assert post(gateway, {"contents": history}, model="demo-reasoning")[0] == 400


@pytest.mark.parametrize(
    "prompt", ["", " ", "\x00", "\ud83d lone", "continue", "{topic} %s", "x" * 1_000_000]
)
@pytest.mark.parametrize("role", ["user", "model"])
@pytest.mark.parametrize("kinds", [["TEXT"], ["TEXT", "IMAGE"]])
def test_no_prompt_breaks_it(gateway, prompt, role, kinds):
    body = {
        "contents": [*HI["contents"], {"role": role, "parts": [{"text": prompt}]}],
        "generationConfig": {"responseModalities": kinds, "imageConfig": {"aspectRatio": "1:99"}},
    }
    assert post(gateway, body)[0] == 200
    assert post(gateway, body, stream=True, query="?alt=sse")[0] == 200


@pytest.mark.parametrize("query", ["?alt=sse", ""])
@pytest.mark.parametrize("after", [0, 1, 20, 500])
def test_a_cut_stream_has_its_tokens_and_no_end(gateway, after, query):
    with streaming(gateway, f"demo-cut-after-{after}", query) as connection:
        data, how = received(connection)
    assert data.count(b'"parts":[{"text":"') == after
    assert how == "closed"
    assert b"finishReason" not in data and b"\r\n0\r\n" not in data


def test_a_reset_stream_is_reset_after_its_tokens(gateway):
    with streaming(gateway, "demo-reset-after-6") as connection:
        data, how = received(connection)
    assert data.count(b'"parts":[{"text":"') == 6
    assert how == "reset"


def test_a_stalled_stream_stays_open_and_a_client_that_leaves_is_noticed(starter):
    own = starter("--fast")
    with streaming(own, "demo-stall-after-2") as connection:
        data = b""
        while data.count(b'"parts":[{"text":"') < 2:
            data += connection.recv(65536)
        assert own.json("/demo/streams") == {"open": 1, "finished": 0, "left": 0}
    assert own.streams_once(0) == {"open": 0, "finished": 0, "left": 1}


def test_an_error_in_the_array_stands_in_its_last_place(gateway):
    told = json.loads(post(gateway, model="demo-error-after-3", stream=True)[2])
    assert len(told) == 4
    assert told[-1]["error"]["status"] == "UNAVAILABLE"


def test_a_huge_event_is_exactly_eight_mebibytes(gateway):
    body = post(gateway, model="demo-huge-frame", stream=True, query="?alt=sse")[2]
    frames = body.split(b"\r\n\r\n")
    assert max(map(len, frames)) + 4 == 8 * 1024 * 1024
    assert events(body)[-1]["candidates"][0]["finishReason"] == "STOP"


def test_the_malformed_chunk_is_the_only_one_that_is_not_json(gateway):
    body = post(gateway, model="demo-malformed", stream=True, query="?alt=sse")[2]
    broken = 0
    for frame in body.split(b"\r\n\r\n")[:-1]:
        try:
            json.loads(frame.removeprefix(b"data: "))
        except ValueError:
            broken += 1
    assert broken == 1


def test_bytes_are_cut_inside_characters_and_lines_end_in_all_three_ways(gateway):
    body = post(gateway, model="demo-split-utf8", stream=True, query="?alt=sse")[2]
    assert b"}\r\n\r\n" in body and b"}\r\r" in body and b"}\n\n" in body
    lines = body.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    whole = json.loads(post(gateway, model="demo-split-utf8")[2])
    assert text_of([json.loads(line[6:]) for line in lines if line]) == text_of([whole])


def test_null_fields_are_sent_with_a_text_that_is_whole(gateway):
    told = events(post(gateway, model="demo-null-fields", stream=True, query="?alt=sse")[2])
    assert told[0]["candidates"] is None and told[1]["candidates"][0]["content"] is None
    assert text_of(told) == text_of([json.loads(post(gateway, model="demo-null-fields")[2])])
    assert told[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_stream_may_be_answered_with_json(gateway):
    status, headers, body = post(gateway, model="demo-json-instead", stream=True, query="?alt=sse")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert text_of([json.loads(body)])


def test_the_echoing_model_repeats_the_key_it_was_sent(gateway):
    status, _, body = post(gateway, model="demo-echo-key")
    assert status == 401
    assert "Bearer demo-key" in json.loads(body)["error"]["message"]


def test_a_body_above_twenty_mebibytes_is_too_large(gateway):
    status, _, body = gateway.call("POST", path(), json.dumps(HI).encode().ljust(20 * 1024 * 1024 + 1))
    assert (status, json.loads(body)["error"]["code"]) == (413, 413)


def test_it_is_noted_without_its_words(starter):
    own = starter("--fast")
    post(own, stream=True, query="?alt=sse", model="demo-chat-mini")
    (seen,) = own.json("/demo/requests")["data"]
    assert (seen["model"], seen["stream"], seen["messages"]) == ("demo-chat-mini", True, 1)
    assert "tides" not in json.dumps(seen)
