"""Tool calls in every disorder that gateways were seen to send: the same two calls come out."""

from __future__ import annotations

import json

import pytest

from playground.gateway.sse import Frame
from playground.gateway.transcript import Transcript
from playground.gateway.wire import FAMILIES

STOCK = ("get_stock", '{"sku":"42"}')
PRICE = ("get_price", '{"sku":"43"}')


def call(index=..., call_id=..., name=..., arguments=...):
    function = {} if name is ... else {"name": name}
    function |= {} if arguments is ... else {"arguments": arguments}
    row = {"function": function}
    row |= {} if index is ... else {"index": index}
    return row | ({} if call_id is ... else {"id": call_id})


def fold(*chunks, reason="tool_calls"):
    decoder, transcript = FAMILIES["openai_chat"].decoder(), Transcript()
    objects = [{"id": "c-1", "choices": [{"delta": {"tool_calls": list(rows)}}]} for rows in chunks]
    objects.append({"choices": [{"delta": {}, "finish_reason": reason}]})
    for each in objects:
        for event in decoder.feed(Frame(data=json.dumps(each))):
            transcript.apply(event)
    for event in decoder.end():
        transcript.apply(event)
    return transcript


def calls(transcript):
    return [(part.name, part.text) for part in transcript.parts if part.kind == "tool_call"]


DISORDERS = {
    "index missing": [
        [call(call_id="a", name="get_stock", arguments='{"sku":')],
        [call(arguments='"42"}')],
        [call(call_id="b", name="get_price", arguments='{"sku":')],
        [call(arguments='"43"}')],
    ],
    "one index for both": [
        [call(0, "a", "get_stock", '{"sku":')],
        [call(0, arguments='"42"}')],
        [call(0, "b", "get_price", '{"sku":')],
        [call(0, arguments='"43"}')],
    ],
    "index starts at one": [
        [call(1, "a", "get_stock", "")],
        [call(1, arguments='{"sku":"42"}')],
        [call(2, "b", "get_price", '{"sku":"43"}')],
    ],
    "id empty or null after the first delta": [
        [call(0, "a", "get_stock", '{"sku":')],
        [call(0, "", arguments='"42"}')],
        [call(1, "b", "get_price", '{"sku":')],
        [call(1, None, None, '"43"}')],
    ],
    "no ids at all": [
        [call(0, None, "get_stock", '{"sku":"42"}')],
        [call(1, "", "get_price", '{"sku":"43"}')],
    ],
    "name after arguments": [
        [call(0, "a", arguments='{"sku":')],
        [call(0, "a", "get_stock", '"42"}')],
        [call(1, "b", arguments='{"sku":"43"}')],
        [call(1, name="get_price")],
    ],
    "deltas of both interleaved": [
        [call(0, "a", "get_stock", '{"sku":'), call(1, "b", "get_price", '{"sku":')],
        [call(1, arguments='"43"}'), call(0, arguments='"42"}')],
    ],
    "id and name in every delta": [
        [call(0, "a", "get_stock", '{"sku":')],
        [call(0, "a", "get_stock", '"42"}')],
        [call(1, "b", "get_price", '{"sku":')],
        [call(1, "b", "get_price", '"43"}')],
    ],
    "whole calls without index or id": [
        [call(name=STOCK[0], arguments=STOCK[1])],
        [call(name=PRICE[0], arguments=PRICE[1])],
    ],
    "a known id under another index": [
        [call(0, "a", "get_stock", '{"sku":'), call(1, "b", "get_price", '{"sku":')],
        [call(5, "a", arguments='"42"}'), call(6, "b", arguments='"43"}')],
    ],
    "id only later": [
        [call(0, name="get_stock", arguments='{"sku":')],
        [call(0, "a", arguments='"42"}')],
        [call(1, "b", "get_price", '{"sku":"43"}')],
    ],
    "arguments as an object": [
        [call(0, "a", "get_stock", {"sku": "42"}), call(1, "b", "get_price", {"sku": "43"})]
    ],
}


@pytest.mark.parametrize("chunks", DISORDERS.values(), ids=DISORDERS)
def test_two_calls_come_out_whatever_the_disorder(chunks):
    transcript = fold(*chunks)
    assert [(name, json.loads(text)) for name, text in calls(transcript)] == [
        (name, json.loads(text)) for name, text in (STOCK, PRICE)
    ]
    ids = [part.call_id for part in transcript.parts]
    assert all(ids)
    assert len(set(ids)) == 2
    assert transcript.reason == "tool_calls"


def test_two_calls_of_one_function_in_one_list_stay_two():
    transcript = fold([call(name="f", arguments='{"a":1}'), call(name="f", arguments='{"a":2}')])
    assert calls(transcript) == [("f", '{"a":1}'), ("f", '{"a":2}')]


def test_a_call_without_arguments_has_an_empty_object():
    assert calls(fold([call(0, "a", "f", "")])) == [("f", "{}")]
    assert calls(fold([call(0, "a", "f", " ")])) == [("f", " {}")]
    assert calls(fold([call(0, "a", "f", None)])) == [("f", "{}")]


def test_arguments_that_parse_do_not_end_a_call():
    transcript = fold([call(0, "a", "f", "1")], [call(0, arguments="2")])
    assert calls(transcript) == [("f", "12")]


def test_a_call_whose_name_never_comes_keeps_its_arguments():
    assert calls(fold([call(0, "a", arguments="{}")])) == [("", "{}")]


def test_whoever_called_a_tool_and_says_stop_stopped_for_the_tool():
    transcript = fold([call(0, "a", "f", "{}")], reason="stop")
    assert (transcript.reason, transcript.raw_reason) == ("tool_calls", "stop")


def test_each_of_many_calls_without_an_id_has_its_own():
    transcript = fold(*([call(index, name="f", arguments="{}")] for index in range(300)))
    assert len({part.call_id for part in transcript.parts}) == 300


def test_ids_of_our_own_differ_from_answer_to_answer():
    first = fold([call(0, name="f")])
    decoder = FAMILIES["openai_chat"].decoder()
    other = {"id": "c-2", "choices": [{"delta": {"tool_calls": [call(0, name="f")]}}]}
    ids = [
        event.call_id for event in decoder.feed(Frame(data=json.dumps(other))) if hasattr(event, "call_id")
    ]
    assert ids != [first.parts[0].call_id]
