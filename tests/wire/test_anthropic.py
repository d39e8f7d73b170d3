"""Anthropic messages: what only this family does. What holds for all of them is in `test_families.py`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.events import Failed
from playground.gateway.sse import Frame
from playground.gateway.wire import FAMILIES
from tests.wire import decoding
from tests.wire.decoding import anything, assert_well_formed, fold, odd

MESSAGES = FAMILIES["anthropic"]


def decode_objects(*objects):
    return decoding.decode_objects(MESSAGES, *objects)


def begun(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(index, **delta):
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stopped(reason, **delta):
    return {"type": "message_delta", "delta": {"stop_reason": reason} | delta}, {"type": "message_stop"}


def whole(*blocks, **fields):
    message = {"id": "msg_1", "type": "message", "model": "m", "content": blocks, "stop_reason": "end_turn"}
    return MESSAGES.decode_whole(json.dumps(message | fields).encode())


CONTENT = (
    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "ZGF0YQ=="},
    {"type": "text", "text": "One."},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
)


def test_a_whole_answer_and_its_stream_fold_to_the_same_parts_and_native_content():
    streamed, decoder = decode_objects(
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": []}},
        begun(0, type="thinking", thinking="", signature=""),
        more(0, type="thinking_delta", thinking="Hm"),
        more(0, type="thinking_delta", thinking="."),
        more(0, type="signature_delta", signature="c2ln"),
        {"type": "content_block_stop", "index": 0},
        begun(1, **CONTENT[1]),
        {"type": "content_block_stop", "index": 1},
        begun(2, type="text", text=""),
        more(2, type="text_delta", text="One."),
        {"type": "content_block_stop", "index": 2},
        begun(3, type="tool_use", id="toolu_1", name="f", input={}),
        more(3, type="input_json_delta", partial_json='{"a":'),
        more(3, type="input_json_delta", partial_json="1}"),
        {"type": "content_block_stop", "index": 3},
        *stopped("tool_use"),
    )
    at_once = whole(*CONTENT, stop_reason="tool_use")
    assert fold(streamed).parts_json() == fold(at_once).parts_json()
    assert fold(streamed).native == fold(at_once).native
    assert json.loads(fold(at_once).native) == list(CONTENT)
    assert decoder.ignored == 0


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refused"),
        ("pause_turn", "paused"),
        ("something_new", "other"),
        (None, "other"),
    ],
)
def test_the_reason_for_stopping_in_our_words(told, reason):
    finished = whole({"type": "text", "text": "Hi"}, stop_reason=told)[-1]
    assert (finished.reason, finished.raw_reason) == (reason, told or "")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "protocol"),
        (b"<html><body><h1>Sign in</h1></body></html>", "protocol"),
        (b"{}", "protocol"),
        (b"[]", "protocol"),
        (b"7", "protocol"),
        (b'{"type":"message","content":null}', "protocol"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}', "upstream_unavailable"),
        (b'{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}', "rate_limited"),
        (b'{"code":"insufficient_quota","message":"No balance"}', "quota"),
        (b'{"detail":"Not authenticated"}', "unknown"),
        (b"[" * 100_000, "protocol"),
    ],
)
def test_a_200_that_is_no_answer_is_a_failure_of_its_kind(body, kind):
    events = MESSAGES.decode_whole(body)
    assert len(events) == 1
    assert events[0].kind == kind


def test_nothing_follows_an_error_inside_a_stream():
    decoder = MESSAGES.decoder()
    (failed,) = decoder.feed(Frame("error", '{"type":"error","error":{"type":"api_error","message":"Gone"}}'))
    assert isinstance(failed, Failed)
    assert decoder.feed(Frame(data='{"type":"message_stop"}')) == []
    assert decoder.end() == []


def test_a_broken_connection_keeps_what_came_and_closes_every_part():
    decoder = MESSAGES.decoder()
    objects = (
        begun(0, type="text", text="Hi"),
        begun(1, type="tool_use", id="toolu_1", name="f", input={}),
        more(1, type="input_json_delta", partial_json='{"a'),
    )
    events = [event for each in objects for event in decoder.feed(Frame(data=json.dumps(each)))]
    events += decoder.broke(GatewayError("network", "Lost", code="reset"))
    assert_well_formed(events)
    assert [part.text for part in fold(events).parts] == ["Hi", '{"a']
    assert events[-1] == Failed("network", "Lost", "reset")


def test_what_is_not_understood_is_counted_and_harms_nothing():
    events, decoder = decode_objects(
        7,
        {"type": "ping"},
        {"type": "future_event"},
        {"type": ["list"]},
        begun(0, type="text", text="Hi"),
        more(0, type="future_delta", y=2),
        more([], type="signature_delta", signature="c2ln"),
        more(5, type="input_json_delta", partial_json="{}"),
        {"type": "content_block_delta", "index": 0, "delta": "text"},
        {"type": "content_block_start", "index": 1, "content_block": "text"},
        {"type": "content_block_stop", "index": 9},
        begun(2, type="future_block"),
        *stopped("end_turn"),
    )
    assert fold(events).text == "Hi"
    assert events[-1].reason == "stop"
    assert decoder.ignored == 10


def test_the_cache_is_part_of_the_input_and_a_later_count_replaces():
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}
    events, _ = decode_objects(
        {"type": "message_start", "message": {"usage": usage}},
        {"type": "message_delta", "delta": {}, "usage": usage | {"output_tokens": 7}},
        {"type": "message_delta", "delta": {}, "usage": {"cache_read_input_tokens": 6, "output_tokens": 8}},
        {"type": "message_stop"},
    )
    counts = fold(events).usage
    assert (counts.input_tokens, counts.output_tokens) == (16, 8)
    assert (counts.cache_read_tokens, counts.cache_write_tokens) == (6, None)


def test_an_input_that_was_not_told_stays_unknown_beside_a_told_cache():
    counts = fold(whole(usage={"cache_read_input_tokens": 5, "output_tokens": 10**30})).usage
    assert (counts.input_tokens, counts.cache_read_tokens, counts.output_tokens) == (None, 5, None)


def test_native_content_is_ascii_whatever_the_blocks_hold():
    events, _ = decode_objects(
        begun(0, type="text", text="Zürich \ud83c"),
        more(0, type="text_delta", text="\udf88\0\u2028"),
        begun(1, type="tool_use", id="toolu_1", name="f", input={}),
        more(1, type="input_json_delta", partial_json='{"ort": "Zürich 🎈\ud800"}'),
        *stopped("tool_use"),
    )
    native = fold(events).native
    assert native.isascii()
    text, call = json.loads(native)
    assert text["text"] == "Zürich 🎈\0\u2028"
    assert call["input"] == {"ort": "Zürich 🎈\ud800"}


def test_thinking_without_its_signature_is_not_replayed_after_a_cut():
    thinking = {"type": "thinking", "thinking": "Long", "signature": ""}
    assert whole(thinking, {"type": "text", "text": ""}, stop_reason="max_tokens")[-1].native == ""
    assert json.loads(whole(thinking)[-1].native) == [thinking]


def test_an_answer_that_failed_has_nothing_to_replay():
    events, _ = decode_objects(begun(0, type="text", text="Hi"))
    assert isinstance(events[-1], Failed)
    assert fold(events).native == ""


def test_native_content_is_json_even_where_the_wire_was_not():
    body = b'{"content":[{"type":"text","text":"Hi","n":NaN}],"stop_reason":"end_turn"}'
    finished = MESSAGES.decode_whole(body)[-1]
    assert (finished.reason, finished.native) == ("stop", "")
    events, _ = decode_objects(
        begun(0, type="tool_use", id="toolu_1", name="f", input={}),
        more(0, type="input_json_delta", partial_json='{"n": NaN}'),
        *stopped("tool_use"),
    )
    (call,) = json.loads(fold(events).native)
    assert call["input"] == {"unreadable": '{"n": NaN}'}


def test_blocks_no_part_stands_for_are_named_once_each():
    native = json.dumps(
        [
            *CONTENT,
            {"type": "server_tool_use"},
            {"type": "web_search_tool_result"},
            {"type": "server_tool_use"},
        ]
    )
    assert MESSAGES.unshown(native) == ("server_tool_use", "web_search_tool_result")
    assert MESSAGES.unshown(json.dumps(CONTENT)) == MESSAGES.unshown("") == MESSAGES.unshown("{oops") == ()


kinds = st.sampled_from(
    ["text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "future", "", "ping"]
)
texts = st.sampled_from(["x", "", "\ud83d", "\ude00", "\0", "{", '{"a":1}', "[1]", "null"])
block = odd(
    type=kinds,
    text=texts,
    thinking=texts,
    signature=texts,
    data=texts,
    id=st.sampled_from(["a", "b", ""]),
    name=st.sampled_from(["f", "g", ""]),
    input=st.dictionaries(st.text(max_size=2), anything, max_size=2) | texts,
    citations=st.lists(anything, max_size=1),
)
delta = odd(
    type=st.sampled_from(
        [
            "text_delta",
            "thinking_delta",
            "input_json_delta",
            "signature_delta",
            "citations_delta",
            "new_delta",
        ]
    ),
    text=texts,
    thinking=texts,
    partial_json=texts,
    signature=texts,
    citation=anything,
    stop_reason=st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal"]),
    stop_details=odd(explanation=texts),
)
usage = odd(
    input_tokens=st.integers(),
    output_tokens=st.integers(),
    cache_read_input_tokens=st.integers(),
    cache_creation=odd(ephemeral_5m_input_tokens=st.integers()),
    output_tokens_details=odd(thinking_tokens=st.integers()),
)
message = odd(id=texts, model=texts, content=st.lists(block, max_size=3), usage=usage)
event = odd(
    type=st.sampled_from(
        ["message_start", "content_block_start", "content_block_delta", "content_block_delta"]
        + ["content_block_stop", "message_delta", "message_stop", "message", "ping", "error"]
    ),
    index=st.integers(0, 2),
    content_block=block,
    delta=delta,
    message=message,
    usage=usage,
    content=st.lists(block, max_size=2) | texts,
    stop_reason=texts,
)
errors = odd(error=odd(message=texts, type=anything))


@settings(max_examples=400, deadline=None)
@given(st.lists(event | errors, max_size=8), st.booleans())
def test_whatever_json_comes_a_decoder_never_raises_and_ends_once(objects, stop):
    rows = [*objects, *([{"type": "message_stop"}] if stop else [])]
    events, _ = decode_objects(*rows)
    assert_well_formed(events)
    native = fold(events).native
    assert native.isascii()
    assert isinstance(json.loads(native or "[]"), list)
    for each in objects:
        assert_well_formed(MESSAGES.decode_whole(json.dumps(each).encode()))


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=30),
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_native_content_is_the_same_however_the_deltas_are_cut(text, numbers, cuts):
    source = json.dumps({"said": text, "numbers": numbers}, ensure_ascii=False)
    places = sorted({min(cut, len(source)) for cut in cuts} | {0, len(source)})
    pieces = [source[a:b] for a, b in zip(places, places[1:], strict=False)]
    events, _ = decode_objects(
        begun(0, type="text", text=""),
        *(more(0, type="text_delta", text=piece) for piece in pieces),
        begun(1, type="tool_use", id="toolu_1", name="f", input={}),
        *(more(1, type="input_json_delta", partial_json=piece) for piece in pieces),
        *stopped("tool_use"),
    )
    said, called = json.loads(fold(events).native)
    assert said["text"] == source
    assert called["input"] == {"said": text, "numbers": numbers}
