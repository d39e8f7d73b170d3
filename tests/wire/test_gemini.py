"""Gemini: what only this family does. What holds for all of them is in `test_families.py`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.events import Failed, Finished, MediaReceived
from playground.gateway.sse import Frame
from playground.gateway.wire import FAMILIES
from tests.wire import decoding
from tests.wire.decoding import anything, assert_well_formed, fold, odd

GEMINI = FAMILIES["gemini"]


def decode_objects(*objects):
    return decoding.decode_objects(GEMINI, *objects)


def answer(*parts, reason=None, **more):
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": reason} if reason else {})]} | more


def usage(**counts):
    return {"usageMetadata": counts}


def test_a_whole_answer_and_its_stream_fold_to_the_same_parts():
    parts = (
        {"text": "Hm", "thought": True},
        {"text": "Hi"},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"functionCall": {"id": "fc1", "name": "f", "args": {"a": 1}}},
    )
    whole = GEMINI.decode_whole(json.dumps(answer(*parts, reason="STOP", responseId="r1")).encode())
    streamed, _ = decode_objects(*(answer(part, responseId="r1") for part in parts), answer(reason="STOP"))
    assert fold(whole).parts_json() == fold(streamed).parts_json()
    assert [part["kind"] for part in fold(whole).parts_json()] == ["thinking", "text", "media", "tool_call"]
    assert whole[-1] == streamed[-1]


def test_native_content_is_every_part_byte_for_byte_as_it_came():
    parts = (
        '{"text":"Hm","thought":true}',
        '{"text":"One "}',
        '{"text":"two","thoughtSignature":"c2ln"}',
        '{"functionCall":{"name":"f","args":{"price":12.50,"rate":1E+2,"long":0.10000000000000000001}}}',
        '{"executableCode":{"code":"1\\n"},"timing":7.0}',
        '{"text":"caf\\u00e9 \\ud83d\\u0000"}',
        '{"text":"","thoughtSignature":"bGFzdA=="}',
    )
    before, after = '{"candidates":[{"content":{"parts":[', ']},"finishReason":"STOP"}]}'
    frames = [Frame(data=f"{before}{part}{after}") for part in parts]
    decoder = GEMINI.decoder()
    for frame in frames:
        decoder.feed(frame)
    assert decoder.end()[-1].native == f"[{','.join(parts)}]"
    whole = f"{before}{','.join(parts)}{after}"
    assert GEMINI.decode_whole(whole.encode())[-1].native == f"[{','.join(parts)}]"


def test_a_call_said_twice_is_one_call_in_native_content_too():
    call = {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}}
    events, _ = decode_objects(answer(call), answer(call, reason="STOP"))
    assert len(fold(events).parts) == len(json.loads(events[-1].native)) == 1


@pytest.mark.parametrize("reason", ["STOP", "OTHER", "NO_IMAGE", "WORD_OF_NEXT_YEAR"])
def test_whoever_called_a_tool_and_then_stopped_stopped_for_the_tool(reason):
    events, _ = decode_objects(answer({"functionCall": {"name": "f"}}), answer(reason=reason))
    assert (events[-1].reason, events[-1].raw_reason) == ("tool_calls", reason)


@pytest.mark.parametrize(
    "reason",
    [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ],
)
def test_a_blocked_answer_is_refused_and_keeps_what_came(reason):
    events, _ = decode_objects(answer({"text": "Part"}), answer(reason=reason))
    assert (events[-1].reason, events[-1].raw_reason) == ("refused", reason)
    assert fold(events).text == "Part"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("MALFORMED_FUNCTION_CALL", "protocol"),
        ("UNEXPECTED_TOOL_CALL", "protocol"),
        ("TOO_MANY_TOOL_CALLS", "protocol"),
        ("MALFORMED_RESPONSE", "protocol"),
        ("MISSING_THOUGHT_SIGNATURE", "invalid_request"),
    ],
)
def test_a_fault_of_the_tools_or_the_protocol_is_a_failure_with_its_word(reason, kind):
    (failed,) = [event for event in decode_objects(answer(reason=reason))[0] if isinstance(event, Failed)]
    assert (failed.kind, failed.code) == (kind, reason)
    assert reason in failed.message


def test_a_blocked_prompt_is_filtered_streamed_or_not():
    blocked = {"promptFeedback": {"blockReason": "BLOCKLIST"}}
    assert decode_objects(blocked)[0][-1] == Finished("filtered", "BLOCKLIST")
    assert GEMINI.decode_whole(json.dumps(blocked).encode())[-1] == Finished("filtered", "BLOCKLIST")


def test_a_whole_answer_without_a_reason_is_complete_all_the_same():
    events = GEMINI.decode_whole(json.dumps(answer({"text": "Hi"})).encode())
    assert events[-1] == Finished("other", native='[{"text":"Hi"}]')


def test_a_list_of_chunks_without_a_reason_is_interrupted_like_a_stream():
    events = GEMINI.decode_whole(json.dumps([answer({"text": "Hi"})]).encode())
    assert fold(events).text == "Hi"
    assert events[-1].kind == "interrupted"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "protocol"),
        (b"<html><body><h1>Sign in</h1></body></html>", "protocol"),
        (b"{}", "protocol"),
        (b"7", "protocol"),
        (b'{"candidates":[]}', "protocol"),
        (b'{"candidates":[],"promptFeedback":{}}', "protocol"),
        (b"[]", "interrupted"),
        (b'{"error":{"code":429,"message":"Slow down","status":"RESOURCE_EXHAUSTED"}}', "rate_limited"),
        (b'[{"error":{"code":503,"message":"Busy","status":"UNAVAILABLE"}}]', "upstream_unavailable"),
        (b'{"code":"insufficient_quota","message":"No balance"}', "quota"),
        (b'{"detail":"Not authenticated"}', "unknown"),
        (b"[" * 100_000, "protocol"),
    ],
)
def test_a_200_that_is_no_answer_is_a_failure_of_its_kind(body, kind):
    events = GEMINI.decode_whole(body)
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == kind


def test_nothing_follows_an_error_inside_a_stream():
    decoder = GEMINI.decoder()
    (failed,) = decoder.feed(Frame(data='{"error":"Rate limit exceeded"}'))
    assert isinstance(failed, Failed)
    assert decoder.feed(Frame(data=json.dumps(answer({"text": "late"})))) == []
    assert decoder.end() == []
    assert decoder.ignored == 1


def test_a_broken_connection_is_a_failure_before_the_reason_and_an_end_after_it():
    error = GatewayError("timeout", "Nothing came", code="idle")
    before, after = GEMINI.decoder(), GEMINI.decoder()
    before.feed(Frame(data=json.dumps(answer({"text": "Hi"}))))
    after.feed(Frame(data=json.dumps(answer({"text": "Hi"}, reason="STOP"))))
    assert before.broke(error)[-1] == Failed("timeout", "Nothing came", "idle")
    assert after.broke(error)[-1] == Finished("stop", "STOP", '[{"text":"Hi"}]')


def test_ids_of_our_own_are_the_same_when_the_answer_is_read_again():
    twice = [
        [part.call_id for part in fold(decode_objects(*chunks)[0]).parts]
        for chunks in [(answer({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}),)] * 2
    ]
    assert twice[0] == twice[1]
    assert len(set(twice[0])) == 2


def test_counts_are_the_newest_of_each_and_output_includes_thoughts():
    events, _ = decode_objects(
        answer({"text": "a"}, **usage(promptTokenCount=9, thoughtsTokenCount=20, cachedContentTokenCount=4)),
        answer({"text": "b"}, **usage(promptTokenCount=9, candidatesTokenCount=3)),
        answer(reason="STOP", **usage(promptTokenCount=10**30, candidatesTokenCount="many")),
    )
    told = fold(events).usage
    assert (told.input_tokens, told.cache_read_tokens) == (9, 4)
    assert (told.output_tokens, told.reasoning_tokens) == (23, 20)


def test_the_newest_counts_are_kept_whatever_the_ending():
    grown = [answer({"text": "a"}, **usage(promptTokenCount=9, candidatesTokenCount=n)) for n in range(40)]
    for ending in ([], [{"error": {"code": 503, "message": "Busy"}}], [answer(reason="STOP")]):
        events, _ = decode_objects(*grown, *ending)
        assert fold(events).usage.output_tokens == 39
    decoder = GEMINI.decoder()
    events = [event for each in grown for event in decoder.feed(Frame(data=json.dumps(each)))]
    assert fold(events + decoder.broke(GatewayError("timeout"))).usage.output_tokens == 39


def test_what_is_not_told_is_not_a_zero():
    told = fold(decode_objects(answer({"text": "a"}, reason="STOP"))[0]).usage
    assert (told.input_tokens, told.output_tokens, told.cache_read_tokens) == (None, None, None)


def test_what_is_not_understood_is_counted_and_harms_nothing():
    events, decoder = decode_objects(
        7,
        {"candidates": "none"},
        {"candidates": [5, {"index": 3, "content": {"parts": [{"text": "other"}]}}]},
        {"candidates": [{"content": "text"}, {"content": {"parts": "text"}}]},
        answer(5, {}, {"text": 7}, {"functionCall": 7}, {"inlineData": {"data": "é"}}, {"hologram": {}}),
        answer(reason="STOP", usageMetadata=[1]),
    )
    assert events[-1].reason == "stop"
    assert decoder.ignored == 13


def test_parts_that_are_kept_but_not_shown_are_named_once():
    drawn = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    events, decoder = decode_objects(
        answer({"text": "Look"}, {"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "1"}}),
        answer({"executableCode": {"code": "2"}}, drawn | {"thought": True}, drawn, reason="STOP"),
    )
    named = GEMINI.unshown(events[-1].native)
    assert named == ("executableCode", "codeExecutionResult", "inlineData")
    assert sum(isinstance(event, MediaReceived) for event in events) == 1
    assert decoder.ignored == 0
    assert GEMINI.unshown('[{"text":"Hi","thoughtSignature":"c2ln"}]') == GEMINI.unshown("") == ()


def test_an_image_of_megabytes_comes_whole():
    data = "QUJD" * 500_000
    events, _ = decode_objects(
        answer({"inlineData": {"mimeType": "image/png", "data": data}}), answer(reason="STOP")
    )
    assert fold(events).parts[0].text == data
    assert json.loads(events[-1].native)[0]["inlineData"]["data"] == data


@pytest.mark.parametrize("cut", range(2, 30))
def test_a_list_that_breaks_off_keeps_what_came_whole(cut):
    whole = json.dumps([answer({"text": "Good "}), answer({"text": "caf\u00e9"}), answer({"text": "s"})])
    events = GEMINI.decode_whole(whole[:-cut].encode())
    assert fold(events).text == "Good caf\u00e9"
    assert events[-1].kind == "interrupted"
    assert_well_formed(events)


def test_a_list_that_breaks_off_after_the_reason_is_whole():
    whole = json.dumps([answer({"text": "Good"}), answer({"text": "."}, reason="STOP")])
    assert GEMINI.decode_whole(whole[:-1].encode())[-1].reason == "stop"


def test_a_list_that_breaks_off_at_once_is_interrupted_and_other_text_is_quoted():
    assert GEMINI.decode_whole(b'\xef\xbb\xbf [ {"candidates": [{"con')[-1].kind == "interrupted"
    assert GEMINI.decode_whole(b"[upstream] gone")[-1] == Failed("protocol", "[upstream] gone", "not_json")
    assert GEMINI.decode_whole(b"[{" * 100_000)[-1].kind == "interrupted"


call = odd(
    id=st.sampled_from(["a", "b", ""]), name=st.sampled_from(["f", "g", ""]), args=odd(a=st.floats(0, 1))
)
blob = odd(mimeType=st.just("image/png"), data=st.sampled_from(["QUJD", "", "\0", "\ud83d"]))
part = odd(
    text=st.sampled_from(["x", "", "\ud83d", "\ude00", "\0"]),
    thought=st.booleans(),
    thoughtSignature=st.just("c2ln"),
    functionCall=call,
    inlineData=blob,
    executableCode=st.just({"code": "1"}),
)
reasons = ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "FINISH_REASON_UNSPECIFIED", "NEW"]
candidate = odd(
    index=st.just(0),
    content=odd(role=st.just("model"), parts=st.lists(part, max_size=3)),
    finishReason=st.sampled_from(reasons),
    finishMessage=st.text(),
)
chunk = odd(
    responseId=st.just("r1"),
    modelVersion=st.just("m"),
    candidates=st.lists(candidate, max_size=2),
    promptFeedback=odd(blockReason=st.sampled_from(["SAFETY", "BLOCK_REASON_UNSPECIFIED"])),
    usageMetadata=odd(
        promptTokenCount=st.integers(), candidatesTokenCount=st.integers(), thoughtsTokenCount=st.integers()
    ),
)
errors = odd(error=odd(message=st.text(), code=anything, status=anything, details=st.lists(anything)))


@settings(max_examples=300, deadline=None)
@given(st.lists(chunk | errors | st.lists(chunk, max_size=2), max_size=6), st.booleans())
def test_whatever_json_comes_a_decoder_never_raises_and_ends_once(objects, done):
    decoder = GEMINI.decoder()
    frames = [Frame(data=json.dumps(each)) for each in objects] + [Frame(data="[DONE]")] * done
    events = [event for frame in frames for event in decoder.feed(frame)] + decoder.end()
    assert_well_formed(events)
    GEMINI.unshown(getattr(events[-1], "native", ""))
    for each in objects:
        assert_well_formed(GEMINI.decode_whole(json.dumps(each).encode()))
