"""OpenAI chat against recorded and invented wire files: every file, every cut, every disorder."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.events import Failed, Finished, PartClosed, PartDelta, PartOpened
from playground.gateway.sse import Frame, FrameDecoder
from playground.gateway.transcript import Transcript
from playground.gateway.wire import FAMILIES

HERE = Path(__file__).parent / "openai_chat"
STREAMS = sorted(HERE.glob("*.sse"))
WHOLES = sorted(path for path in HERE.glob("response-*.json") if not path.name.endswith(".events.json"))
CHAT = FAMILIES["openai_chat"]


def decode(*chunks):
    frames, decoder = FrameDecoder(), CHAT.decoder()
    found = [frame for chunk in chunks for frame in frames.feed(chunk)] + frames.flush()
    return [event for frame in found for event in decoder.feed(frame)] + decoder.end()


def decode_objects(*objects):
    decoder = CHAT.decoder()
    frames = [Frame(data=json.dumps(each)) for each in objects]
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.end(), decoder


def fold(events):
    transcript = Transcript()
    for event in events:
        transcript.apply(event)
    return transcript


def readable(event):
    row = {"event": type(event).__name__}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if field.name == "usage":
            value = {name: count for name, count in dataclasses.asdict(value).items() if count is not None}
        if value not in ("", None):
            row[field.name] = value
    return row


def expected(path):
    return json.loads(path.with_name(f"{path.stem}.events.json").read_text())


def assert_well_formed(events):
    """Parts open once and close once, deltas are not empty and in an open part, one ending comes last."""
    is_open, seen = set(), set()
    for event in events:
        if isinstance(event, PartOpened):
            assert event.part not in seen
            seen.add(event.part)
            is_open.add(event.part)
        elif isinstance(event, PartDelta):
            assert event.part in is_open
            assert event.text
            event.text.encode()
            assert "\0" not in event.text
        elif isinstance(event, PartClosed):
            is_open.remove(event.part)
    assert not is_open
    assert [isinstance(event, (Finished, Failed)) for event in events] == [False] * (len(events) - 1) + [True]
    fold(events)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_stream_gives_the_events_written_beside_it(path):
    events = decode(path.read_bytes())
    assert [readable(event) for event in events] == expected(path)
    assert_well_formed(events)


@pytest.mark.parametrize("path", WHOLES, ids=lambda path: path.stem)
def test_a_whole_answer_gives_the_events_written_beside_it(path):
    events = CHAT.decode_whole(path.read_bytes())
    assert [readable(event) for event in events] == expected(path)
    assert_well_formed(events)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_stream_means_the_same_however_it_is_cut_into_chunks(path):
    body = path.read_bytes()
    whole = decode(body)
    for position in range(len(body) + 1):
        assert decode(body[:position], body[position:]) == whole
    assert decode(*(bytes([byte]) for byte in body)) == whole


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_stream_that_breaks_off_anywhere_keeps_what_came_and_has_one_ending(path):
    body = path.read_bytes()
    complete = fold(decode(body)).text
    for position in range(len(body)):
        events = decode(body[:position])
        assert_well_formed(events)
        # A surrogate or a character cut in two shows as U+FFFD at the end of what is kept.
        assert complete.startswith(fold(events).text.rstrip("\ufffd"))


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


def test_a_whole_answer_without_a_reason_is_complete_all_the_same():
    events = CHAT.decode_whole(b'{"choices":[{"message":{"content":"Hi"}}]}')
    assert events[-1] == Finished("other")


def test_a_stream_sent_where_a_whole_answer_was_asked_for_is_read():
    body = (HERE / "stream-text.sse").read_bytes()
    assert CHAT.decode_whole(body) == decode(body)


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


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud83d")
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def odd(**fields):
    """An object in which every field may be right, missing or anything at all."""
    return anything | st.fixed_dictionaries({}, optional={k: v | anything for k, v in fields.items()})


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


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([line for path in STREAMS for line in path.read_bytes().split(b"\n")]), max_size=12
    )
)
def test_frames_in_any_order_never_raise_and_end_once(lines):
    assert_well_formed(decode(b"\n\n".join(lines)))


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: f"event: error\ndata: {text}\n\n".encode())
)
def test_any_bytes_are_read_without_an_exception(body):
    assert_well_formed(decode(body))
    assert_well_formed(CHAT.decode_whole(body))
