"""OpenAI chat: what only this family does. What holds for all of them is in `test_families.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.events import Failed, Finished
from playground.gateway.sse import Frame
from playground.gateway.wire import FAMILIES
from tests.wire import decoding
from tests.wire.decoding import anything, assert_well_formed, fold, odd

HERE = Path(__file__).parent / "openai_chat"
CHAT = FAMILIES["openai_chat"]


def decode(*chunks):
    return decoding.decode(CHAT, *chunks)


def decode_objects(*objects):
    return decoding.decode_objects(CHAT, *objects)


def test_a_whole_answer_and_its_stream_fold_to_the_same_parts():
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    message = {"content": "Hi", "reasoning_content": "Hm", "refusal": "No", "tool_calls": [call]}
    shared = {"id": "c1", "model": "m"}
    whole = CHAT.decode_whole(
        json.dumps(shared | {"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    )
    streamed, _ = decode_objects(shared | {"choices": [{"delta": message, "finish_reason": "stop"}]})
    assert whole == streamed
    assert [part["kind"] for part in fold(whole).parts_json()] == ["thinking", "text", "refusal", "tool_call"]
    assert whole[-1].reason == "tool_calls"


def test_signed_thoughts_are_kept_to_be_taken_back_streamed_or_not():
    blocks = [
        {"type": "thinking", "thinking": "Hm. caf\u00e9 \ud83d", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
    ]
    pieces = [
        {"thinking_blocks": [{"type": "thinking", "thinking": "Hm. ", "signature": ""}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "caf\u00e9 \ud83d"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "c2ln"}]},
        {"thinking_blocks": [blocks[1]], "content": "Four."},
        {"content": " Yes.", "thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "c2ln"}]},
    ]
    chunks = [{"choices": [{"delta": piece}]} for piece in pieces]
    streamed, _ = decode_objects(*chunks, {"choices": [{"delta": {}, "finish_reason": "stop"}]})
    message = {"content": "Four. Yes.", "thinking_blocks": blocks}
    whole = CHAT.decode_whole(
        json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    )
    for events in (streamed, whole):
        assert json.loads(events[-1].native) == blocks
        kinds = [(part["kind"], part.get("name", "")) for part in fold(events).parts_json()]
        assert kinds == [("thinking", ""), ("thinking", "redacted"), ("text", "")]


def test_thoughts_that_are_not_signed_or_led_to_nothing_are_not_taken_back():
    thought = {"type": "thinking", "thinking": "Hm."}
    signed = {**thought, "signature": "c2ln"}
    for delta in ({"thinking_blocks": [thought], "content": "Four."}, {"thinking_blocks": [signed]}):
        events, _ = decode_objects({"choices": [{"delta": delta, "finish_reason": "stop"}]})
        assert events[-1].native == ""


def test_what_comes_in_place_of_thoughts_harms_nothing():
    for odd_blocks in ("text", {"a": 1}, [None, 7, [], {"signature": 7}, {"thinking": 7}]):
        delta = {"thinking_blocks": odd_blocks, "content": "Four."}
        events, _ = decode_objects({"choices": [{"delta": delta, "finish_reason": "stop"}]})
        assert fold(events).text == "Four."
        assert events[-1] == Finished("stop", "stop")


def test_a_whole_answer_without_a_reason_is_complete_all_the_same():
    events = CHAT.decode_whole(b'{"choices":[{"message":{"content":"Hi"}}]}')
    assert events[-1] == Finished("other")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "protocol"),
        (b"<html><body><h1>Sign in</h1></body></html>", "protocol"),
        (b"{}", "protocol"),
        (b"[]", "protocol"),
        (b"7", "protocol"),
        (b'{"choices":[]}', "protocol"),
        (b'{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}', "rate_limited"),
        (b'{"code":"insufficient_quota","message":"No balance"}', "quota"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}', "upstream_unavailable"),
        (b'{"detail":"Not authenticated"}', "unknown"),
        (b"[" * 100_000, "protocol"),
    ],
)
def test_a_200_that_is_no_answer_is_a_failure_of_its_kind(body, kind):
    events = CHAT.decode_whole(body)
    assert len(events) == 1
    assert events[0].kind == kind


def test_nothing_follows_an_error_inside_a_stream():
    decoder = CHAT.decoder()
    (failed,) = decoder.feed(Frame(data='{"error":"Rate limit exceeded"}'))
    assert isinstance(failed, Failed)
    assert decoder.ended
    assert decoder.feed(Frame(data='{"choices":[{"delta":{"content":"late"}}]}')) == []
    assert decoder.feed(Frame(data="[DONE]")) == []
    assert decoder.end() == []
    assert decoder.ignored == 1


def test_a_broken_connection_gives_what_was_held_back_and_then_the_failure():
    decoder = CHAT.decoder()
    held = {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": '{"a"'}}]}
    events = decoder.feed(Frame(data=json.dumps({"choices": [{"delta": {"content": "Hi"} | held}]})))
    events += decoder.broke(GatewayError("network", "Lost", code="reset"))
    assert_well_formed(events)
    assert [part.text for part in fold(events).parts] == ["Hi", '{"a"']
    assert events[-1] == Failed("network", "Lost", "reset")
    assert decoder.broke(GatewayError("timeout")) == []


def test_an_error_on_a_choice_ends_the_answer():
    events, _ = decode_objects(
        {"choices": [{"delta": {"content": "Kept"}}]},
        {"choices": [{"error": {"code": 502, "message": "Provider gone"}, "finish_reason": "error"}]},
    )
    assert events[-1] == Failed("upstream_unavailable", "Provider gone", "502")


def test_what_is_not_understood_is_counted_and_harms_nothing():
    events, decoder = decode_objects(
        7,
        {"choices": "none"},
        {"choices": [{"delta": "text"}, 5, {"index": 3, "delta": {"content": "other"}}]},
        {
            "choices": [
                {"delta": {"refusal": 5, "tool_calls": ["x", {"function": 7}]}, "finish_reason": "stop"}
            ]
        },
        {"usage": [1]},
    )
    assert events[-1] == Finished("stop", "stop")
    assert decoder.ignored == 9


def test_garbage_after_the_reason_does_not_spoil_a_complete_answer():
    body = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: {oops\n\n'
    assert decode(body)[-1] == Finished("stop", "stop")


def test_a_count_no_column_can_hold_is_not_told():
    events, _ = decode_objects(
        {
            "choices": [],
            "usage": {"prompt_tokens": 10**30, "completion_tokens": 3.0, "prompt_tokens_details": []},
        },
        {"choices": [{"finish_reason": "stop"}]},
    )
    usage = fold(events).usage
    assert (usage.input_tokens, usage.output_tokens) == (None, 3)


function = odd(
    name=st.sampled_from(["f", "g", ""]), arguments=st.sampled_from(["", "{", '{"a":1}', "\ud83d"])
)
tool_call = odd(index=st.integers(0, 2), id=st.sampled_from(["a", "b", ""]), function=function)
delta = odd(
    content=st.sampled_from(["x", "", "\ud83d", "\ude00", "\0"])
    | st.lists(odd(text=st.text(), thinking=st.text())),
    reasoning_content=st.just("hm"),
    thinking_blocks=st.lists(odd(thinking=st.just("hm")), max_size=2),
    refusal=st.just("no"),
    tool_calls=st.lists(tool_call, max_size=3),
    function_call=function,
)
choice = odd(
    index=st.just(0), delta=delta, message=delta, finish_reason=st.sampled_from(["stop", "length", "error"])
)
details = odd(cached_tokens=st.integers(), reasoning_tokens=st.integers())
chunk = odd(
    id=st.just("c1"),
    model=st.just("m"),
    choices=st.lists(choice, max_size=2),
    usage=odd(prompt_tokens=st.integers(), prompt_tokens_details=details, completion_tokens_details=details),
)
errors = odd(error=odd(message=st.text(), code=anything, type=anything, details=st.lists(anything)))


@settings(max_examples=300, deadline=None)
@given(st.lists(chunk | errors, max_size=6), st.booleans())
def test_whatever_json_comes_a_decoder_never_raises_and_ends_once(objects, done):
    decoder = CHAT.decoder()
    frames = [Frame(data=json.dumps(each)) for each in objects] + [Frame(data="[DONE]")] * done
    events = [event for frame in frames for event in decoder.feed(frame)] + decoder.end()
    assert_well_formed(events)
    for each in objects:
        assert_well_formed(CHAT.decode_whole(json.dumps(each).encode()))
