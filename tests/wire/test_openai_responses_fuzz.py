"""Responses: any JSON at every field of every event, and what then becomes of the native content."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.sse import Frame
from playground.gateway.wire import FAMILIES
from tests.wire.decoding import anything, assert_well_formed, odd

RESPONSES = FAMILIES["openai_responses"]


def whole(answer):
    return RESPONSES.decode_whole(json.dumps(answer).encode())


pieces = st.sampled_from(["x", "", "\ud83d", "\ude00", "\0", "{}"])
ids = st.sampled_from(["a", "b", ""])
places = st.integers(0, 2)
block = odd(type=st.sampled_from(["output_text", "refusal", "summary_text"]), text=pieces, refusal=pieces)
item = odd(
    type=st.sampled_from(
        ["message", "reasoning", "function_call", "custom_tool_call", "image_generation_call", "x"]
    ),
    id=ids,
    call_id=ids,
    name=st.sampled_from(["f", "g", ""]),
    arguments=pieces,
    input=pieces,
    result=st.just("iVBORw0KGgo="),
    output_format=st.just("webp"),
    encrypted_content=st.just("gAAA"),
    content=st.lists(block, max_size=2) | pieces,
    summary=st.lists(block, max_size=2),
)
details = odd(cached_tokens=st.integers(), reasoning_tokens=st.integers())
response = odd(
    id=st.just("resp_1"),
    model=st.just("m"),
    object=st.just("response"),
    status=st.sampled_from(["completed", "incomplete", "failed", "in_progress"]),
    output=st.lists(item, max_size=3),
    error=odd(code=anything, message=st.text()) | st.none(),
    incomplete_details=odd(reason=st.sampled_from(["max_output_tokens", "content_filter"])),
    usage=odd(input_tokens=st.integers(), input_tokens_details=details, output_tokens_details=details),
)
texts_told = [
    f"response.{name}.{step}"
    for name in (
        "output_text",
        "refusal",
        "reasoning_summary_text",
        "reasoning_text",
        "function_call_arguments",
        "custom_tool_call_input",
    )
    for step in ("delta", "done")
]
text_told = odd(
    type=st.sampled_from(texts_told),
    item_id=ids,
    output_index=places,
    content_index=places,
    summary_index=places,
    delta=pieces,
    text=pieces,
    refusal=pieces,
    arguments=pieces,
    input=pieces,
)
item_told = odd(
    type=st.sampled_from(["response.output_item.added", "response.output_item.done"]),
    output_index=places,
    item=item,
)
state_told = odd(
    type=st.sampled_from(
        ["response.created", "response.completed", "response.incomplete", "response.failed", "error", "other"]
    ),
    response=response,
    code=anything,
    message=st.text(),
    error=odd(message=st.text(), code=anything),
)
names = st.sampled_from(["", "error", "response.completed", *texts_told])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(names, text_told | item_told | state_told | response), max_size=8), st.booleans())
def test_whatever_json_comes_a_decoder_never_raises_and_ends_once(told, done):
    decoder = RESPONSES.decoder()
    frames = [Frame(name, json.dumps(each)) for name, each in told] + [Frame(data="[DONE]")] * done
    events = [event for frame in frames for event in decoder.feed(frame)] + decoder.end()
    assert_well_formed(events)
    for _, each in told:
        assert_well_formed(whole(each))


@settings(max_examples=200, deadline=None)
@given(st.lists(item, max_size=4))
def test_whatever_native_content_an_answer_has_can_be_sent_and_named(items):
    native = whole({"object": "response", "status": "completed", "output": items})[-1].native
    assert isinstance(RESPONSES.unshown(native), tuple)
    assert native == "" or json.loads(native) == json.loads(json.dumps(items))
