"""Responses: what only this family does. What holds for all of them is in `test_families.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.events import Failed, Finished
from playground.gateway.sse import Frame
from playground.gateway.wire import FAMILIES
from tests.wire import decoding
from tests.wire.decoding import assert_well_formed, fold

HERE = Path(__file__).parent / "openai_responses"
RESPONSES = FAMILIES["openai_responses"]


def decode_objects(*objects):
    return decoding.decode_objects(RESPONSES, *objects)


def whole(answer):
    return RESPONSES.decode_whole(json.dumps(answer).encode())


def said(delta, **more):
    return {"type": "response.output_text.delta", "delta": delta} | more


def said_whole(text, **more):
    return {"type": "response.output_text.done", "text": text} | more


def added(item, index):
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def ended(*output, status="completed", **more):
    response = {"id": "resp_1", "model": "m", "status": status, "output": list(output)} | more
    return {"type": f"response.{status}", "response": response}


def message(*texts, **more):
    content = [{"type": "output_text", "text": text} for text in texts]
    return {"type": "message", "role": "assistant", "content": content} | more


def call(name="f", source="{}", **more):
    return {"type": "function_call", "call_id": "call_1", "name": name, "arguments": source} | more


def reasoning(*summary, **more):
    texts = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "summary": texts} | more


def texts(events):
    return [part.text for part in fold(events).parts]


def test_a_whole_answer_and_its_stream_fold_to_the_same_parts():
    output = (
        reasoning("Hm", "So"),
        message("Hi", id="msg_1"),
        {"type": "message", "content": [{"type": "refusal", "refusal": "No"}]},
        call(source='{"a":1}'),
    )
    streamed, _ = decode_objects(
        {
            "type": "response.reasoning_summary_text.delta",
            "output_index": 0,
            "summary_index": 0,
            "delta": "Hm",
        },
        {
            "type": "response.reasoning_summary_text.delta",
            "output_index": 0,
            "summary_index": 1,
            "delta": "So",
        },
        said("Hi", item_id="msg_1", output_index=1, content_index=0),
        {"type": "response.refusal.delta", "item_id": "msg_2", "output_index": 2, "delta": "No"},
        added(call(source=""), 3),
        {"type": "response.function_call_arguments.delta", "output_index": 3, "delta": '{"a":1}'},
        ended(*output),
    )
    at_once = whole(ended(*output)["response"])
    assert fold(streamed).parts_json() == fold(at_once).parts_json()
    assert [part.kind for part in fold(at_once).parts] == [
        "thinking",
        "thinking",
        "text",
        "refusal",
        "tool_call",
    ]
    assert streamed[-1] == at_once[-1]
    assert at_once[-1].reason == "tool_calls"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "protocol"),
        (b"<html><body><h1>Sign in</h1></body></html>", "protocol"),
        (b"{}", "protocol"),
        (b"[]", "protocol"),
        (b"7", "protocol"),
        (b'{"output":"text"}', "protocol"),
        (b'{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}', "rate_limited"),
        (b'{"code":"insufficient_quota","message":"No balance"}', "quota"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}', "upstream_unavailable"),
        (b'{"detail":"Not authenticated"}', "unknown"),
        (b'{"object":"response","status":"cancelled","output":[]}', "interrupted"),
        (b'{"object":"response","status":"failed"}', "upstream_unavailable"),
        (b"[" * 100_000, "protocol"),
    ],
)
def test_a_200_that_is_no_answer_is_a_failure_of_its_kind(body, kind):
    events = RESPONSES.decode_whole(body)
    assert len(events) == 1
    assert events[0].kind == kind


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "server_error", "message": "Broken", "param": None},
        {"type": "error", "error": {"type": "server_error", "message": "Broken"}},
        {"type": "response.error", "error": {"code": "server_error", "message": "Broken"}},
        {"error": {"code": "server_error", "message": "Broken"}},
        {"code": "server_error", "message": "Broken"},
        ended(status="failed", error={"code": "server_error", "message": "Broken"}),
        ended(error={"code": "server_error", "message": "Broken"}),
    ],
    ids=["flat", "nested", "own name", "bare object", "bare", "failed", "completed yet failed"],
)
def test_an_error_of_any_shape_ends_the_stream_and_keeps_what_came(error):
    events, decoder = decode_objects(said("Kept"), error, said("late"))
    assert texts(events) == ["Kept"]
    assert events[-1] == Failed("upstream_unavailable", "Broken", "server_error")
    assert decoder.ignored == 1


def test_a_broken_connection_gives_what_was_held_back_and_then_the_failure():
    decoder = RESPONSES.decoder()
    held = {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"a"'}
    events = [event for each in (said("Hi"), held) for event in decoder.feed(Frame(data=json.dumps(each)))]
    events += decoder.broke(GatewayError("network", "Lost", code="reset"))
    assert_well_formed(events)
    assert texts(events) == ["Hi", '{"a"']
    assert events[-1] == Failed("network", "Lost", "reset")


def test_what_is_told_whole_is_not_said_twice_and_what_was_missed_is():
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events, decoder = decode_objects(
        said("It ", **place),
        said_whole("It routes", **place),
        {"type": "response.output_item.done", "output_index": 0, "item": message("It routes", id="msg_1")},
        ended(message("It routes", id="msg_1"), message("Never streamed", id="msg_2")),
    )
    assert texts(events) == ["It routes", "Never streamed"]
    assert decoder.ignored == 0


def test_a_text_that_contradicts_its_deltas_is_neither_appended_nor_repeated():
    events, decoder = decode_objects(said("It "), said("calls."), said_whole("It routes calls."))
    assert texts(events) == ["It calls."]
    assert decoder.ignored == 1


def test_texts_of_several_items_are_told_apart_by_their_place():
    events, _ = decode_objects(
        said("a1", output_index=0),
        said("b1", output_index=1),
        said("a2", output_index=0),
        said("c1", output_index=1, content_index=1),
        said("b2", output_index=1, content_index=0),
        ended(message("a1a2"), message("b1b2", "c1")),
    )
    assert texts(events) == ["a1a2", "b1b2", "c1"]


def test_an_id_that_is_known_wins_over_the_index():
    events, _ = decode_objects(
        added(message(id="msg_1"), 0),
        added(message(id="msg_2"), 0),
        said("one", item_id="msg_1", output_index=0),
        said("two", item_id="msg_2", output_index=0),
        ended(message("one", id="msg_1"), message("two", id="msg_2")),
    )
    assert texts(events) == ["one", "two"]


def test_items_announced_without_any_id_are_told_apart_by_their_announcement():
    events, _ = decode_objects(
        added(message(), 0), said("one", output_index=0), added(message(), 0), said("two", output_index=0)
    )
    assert texts(events) == ["one", "two"]


def test_an_item_in_the_end_that_was_never_met_takes_the_place_of_none_that_was():
    events, _ = decode_objects(
        said("second", item_id="msg_2", output_index=1),
        ended(message("first", id="msg_1"), message("second", id="msg_2")),
    )
    assert texts(events) == ["second", "first"]


def test_a_call_keeps_its_first_id_and_name():
    events, _ = decode_objects(
        added(call(id="fc_1", source=""), 0),
        {"type": "response.function_call_arguments.done", "item_id": "fc_1", "name": "g", "arguments": "{}"},
        ended(call("h", id="fc_1", call_id="call_2")),
    )
    (part,) = fold(events).parts
    assert (part.call_id, part.name, part.text) == ("call_1", "f", "{}")


def test_a_call_without_an_id_gets_one_of_ours():
    events = whole(ended(call(call_id=""), call(call_id=None))["response"])
    ids = [part.call_id for part in fold(events).parts]
    assert all(ids)
    assert len(set(ids)) == 2


def test_reasoning_without_a_word_is_hinted_at_once():
    secret = reasoning(id="rs_1", encrypted_content="gAAA")
    events, _ = decode_objects(
        {"type": "response.output_item.done", "output_index": 0, "item": secret}, ended(secret, message("OK"))
    )
    hint, answer = fold(events).parts
    assert (hint.kind, hint.name, hint.text) == ("thinking", "encrypted", "")
    assert answer.text == "OK"


def test_reasoning_that_came_with_its_summary_needs_no_hint():
    events = whole(ended(reasoning("Hm", encrypted_content="gAAA"), message("OK"))["response"])
    assert [(part.name, part.text) for part in fold(events).parts] == [("", "Hm"), ("", "OK")]


def test_native_content_is_that_of_the_end_byte_for_byte():
    items = (
        '{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA-end"}',
        '{"type":"web_search_call","id":"ws_1","took":7.0,"cost":1E-7}',
        '{"type":"message","id":"msg_1","content":[{"type":"output_text",'
        '"text":"caf\\u00e9 \\ud83d\\u0000","logprobs":[{"logprob":-0.10}]}]}',
    )
    early = reasoning(id="rs_1", encrypted_content="gAAA-early")
    end = f'{{"type":"response.completed","response":{{"status":"completed","output":[{",".join(items)}]}}}}'
    decoder = RESPONSES.decoder()
    done = {"type": "response.output_item.done", "output_index": 0, "item": early}
    events = decoder.feed(Frame(data=json.dumps(done))) + decoder.feed(Frame(data=end))
    assert events[-1].native == f"[{','.join(items)}]"
    answer = f'{{"status": "completed", "output": [{", ".join(items)}]}}'
    assert RESPONSES.decode_whole(answer.encode())[-1].native == events[-1].native


def test_an_answer_the_provider_would_not_take_back_has_no_native_content():
    thought, text = reasoning(encrypted_content="gAAA"), message("OK")

    def native(*output, streamed=(), **more):
        return decode_objects(*streamed, ended(*output, **more))[0][-1].native

    assert native(thought, text)
    # What was cut inside its reasoning or a call, and what the end does not repeat.
    assert not native(thought)
    assert not native(thought, call(source='{"a'), status="incomplete")
    assert native(thought, text, status="incomplete")
    assert not native(streamed=[said("OK")])
    assert not native(call(), streamed=[said("OK")])


def test_a_number_json_does_not_know_costs_the_native_content_only():
    end = ended(message("OK", odd="NUMBER"))
    decoder = RESPONSES.decoder()
    events = decoder.feed(Frame(data=json.dumps(end).replace('"NUMBER"', "NaN")))
    assert texts(events) == ["OK"]
    assert events[-1] == Finished("stop", "completed")


@pytest.mark.parametrize(
    ("details", "reason", "raw"),
    [
        ({"reason": "max_output_tokens"}, "length", "max_output_tokens"),
        ({"reason": "content_filter"}, "filtered", "content_filter"),
        ({"reason": "something_new"}, "other", "something_new"),
        (None, "other", "incomplete"),
    ],
)
def test_an_incomplete_answer_says_why(details, reason, raw):
    events, _ = decode_objects(said("Hi"), ended(status="incomplete", incomplete_details=details))
    assert (events[-1].reason, events[-1].raw_reason) == (reason, raw)


def test_whoever_refuses_and_then_completes_refused():
    events, _ = decode_objects({"type": "response.refusal.done", "refusal": "No."}, ended())
    assert events[-1] == Finished("refused", "completed")


def test_items_no_part_stands_for_are_named():
    native = json.dumps(
        [{"type": "web_search_call"}, message("Hi"), {"type": "web_search_call"}, {"type": "x"}]
    )
    assert RESPONSES.unshown(native) == ("web_search_call", "x")
    assert RESPONSES.unshown(json.dumps([reasoning("Hm"), message("Hi"), call()])) == ()
    assert RESPONSES.unshown("") == RESPONSES.unshown("{oops") == ()


def test_what_is_not_understood_is_counted_and_harms_nothing():
    events, decoder = decode_objects(
        7,
        {"type": 5},
        {"type": "keepalive"},
        {"type": "response.not_invented_yet"},
        said(5),
        said_whole(None),
        {"type": "response.output_item.added", "item": "text"},
        {"type": "response.output_item.done", "item": {"type": "web_search_call"}},
        said("Hi"),
        ended(message("Hi"), 5, usage=[1]),
    )
    assert texts(events) == ["Hi"]
    assert events[-1].reason == "stop"
    assert decoder.ignored == 9


def test_a_count_no_column_can_hold_is_not_told():
    usage = {"input_tokens": 10**30, "output_tokens": 3.0, "input_tokens_details": []}
    events, _ = decode_objects(ended(message("Hi"), usage=usage))
    counted = fold(events).usage
    assert (counted.input_tokens, counted.output_tokens, counted.cache_read_tokens) == (None, 3, None)


def test_the_refusal_of_a_previous_response_id_says_what_is_wrong():
    body = b'{"error":{"message":"previous_response_id is only supported on Responses WebSocket v2",'
    body += b'"type":"invalid_request_error","param":"","code":null}}'
    (failed,) = RESPONSES.decode_whole(body)
    assert failed.kind == "invalid_request"
    assert "previous_response_id" in failed.message


def test_every_sample_is_read_without_anything_left_over():
    for path in sorted(HERE.glob("stream-*.sse")):
        frames = decoding.FrameDecoder()
        decoder = RESPONSES.decoder()
        for frame in frames.feed(path.read_bytes()) + frames.flush():
            decoder.feed(frame)
        decoder.end()
        assert decoder.ignored == 0, path.name
