"""A conversation goes to another family: what goes along, what is moved, and what is named as lost."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.carry import MOVED, NO_RESULT, PastTurn, carry
from playground.gateway.request import (
    ChatRequest,
    FilePart,
    ImagePart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from playground.gateway.wire import FAMILIES

MESSAGES, CHAT = FAMILIES["anthropic"], FAMILIES["openai_chat"]
LABELS = {key: family.label for key, family in FAMILIES.items()}
NATIVE = json.dumps(
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
        {"type": "text", "text": "Four."},
    ]
)
IMAGE = ImagePart(url="https://assets.example.test/one.png")


def asked(text, **fields):
    return PastTurn("user", (TextPart(text),), **fields)


def answered(*parts, **fields):
    return PastTurn("assistant", tuple(TextPart(p) if isinstance(p, str) else p for p in parts), **fields)


def results(*parts):
    return PastTurn("tool", parts)


def carried(*history, family=MESSAGES, model="m"):
    return carry(history, family, model, LABELS)


def kinds(losses):
    return [(loss.kind, loss.place) for loss in losses]


def call(call_id, arguments="{}"):
    return ToolCallPart(call_id, "f", arguments)


def test_plain_turns_go_along_whole_and_nothing_is_lost():
    messages, losses = carried(asked("Hi", cached=True), answered("Hello"), asked("On"))
    assert [(message.role, message.parts[0].text) for message in messages] == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "On"),
    ]
    assert [message.cached for message in messages] == [True, False, False]
    assert losses == ()


def test_native_content_goes_back_to_its_family_and_model_untouched():
    turn = answered("Four.", native=NATIVE, native_for=("anthropic", "m"), thought=True, cached=True)
    messages, losses = carried(asked("2+2?"), turn, asked("On"))
    assert (messages[1].native, messages[1].cached) == (NATIVE, True)
    assert losses == ()


@pytest.mark.parametrize(
    ("family", "model"), [(CHAT, "m"), (MESSAGES, "another")], ids=["another family", "another model"]
)
def test_native_content_stays_behind_and_what_it_held_is_named(family, model):
    turn = answered("Four.", native=NATIVE, native_for=("anthropic", "m"), thought=True)
    messages, losses = carried(asked("2+2?"), turn, asked("On"), family=family, model=model)
    assert (messages[1].native, messages[1].parts) == ("", (TextPart("Four."),))
    assert kinds(losses) == [("reasoning", 1), ("blocks", 1)]
    assert "Anthropic, m" in losses[0].sentence
    assert "server tool use" in losses[1].sentence


def test_native_content_of_a_family_that_is_gone_is_no_obstacle():
    turn = answered("Four.", native="[]", native_for=("retired", "m"), thought=True)
    messages, losses = carried(asked("2+2?"), turn)
    assert messages[1].parts == (TextPart("Four."),)
    assert "retired, m" in losses[0].sentence


def test_a_refused_answer_is_left_out_and_said_so():
    messages, losses = carried(asked("Bad"), answered("I ", refused=True), asked("Good"))
    assert [message.role for message in messages] == ["user", "user"]
    assert kinds(losses) == [("refused", 1)]


def test_a_file_goes_only_where_files_are_taken():
    turn = PastTurn("user", (FilePart("https://assets.example.test/a.mp4"), TextPart("What is it?")))
    messages, losses = carried(turn)
    assert messages[0].parts == (TextPart("What is it?"),)
    assert kinds(losses) == [("file", 0)]
    assert "Anthropic" in losses[0].sentence
    taking = dataclasses.replace(MESSAGES, takes_files=True)
    messages, losses = carried(turn, family=taking)
    assert (messages[0].parts, losses) == (turn.parts, ())


def test_a_turn_of_which_nothing_is_left_is_not_sent():
    messages, losses = carried(
        PastTurn("user", (FilePart("https://assets.example.test/a.mp4"),)), asked("Hi")
    )
    assert len(messages) == 1
    assert kinds(losses) == [("file", 0)]


def test_an_image_of_an_answer_moves_into_the_next_question():
    messages, losses = carried(asked("Draw"), answered("Here:", IMAGE), asked("Bluer"))
    assert messages[1].parts == (TextPart("Here:"),)
    assert messages[2].parts == (TextPart(MOVED), IMAGE, TextPart("Bluer"))
    assert losses == ()


def test_an_answer_that_was_only_an_image_leaves_no_empty_message():
    messages, _ = carried(asked("Draw"), answered(IMAGE), asked("Bluer"))
    assert [message.role for message in messages] == ["user", "user"]


def test_an_image_beside_a_tool_call_goes_after_the_results():
    messages, _ = carried(asked("Draw"), answered(IMAGE, call("a")), results(ToolResultPart("a", "1")))
    assert [message.role for message in messages] == ["user", "assistant", "tool", "user"]
    assert messages[2].parts == (ToolResultPart("a", "1"),)
    assert messages[3].parts == (TextPart(MOVED), IMAGE)


def test_an_image_that_no_question_follows_is_named_as_lost():
    _, losses = carried(asked("Draw"), answered(IMAGE, IMAGE))
    assert kinds(losses) == [("blocks", 1)]


def test_images_of_answers_stay_where_a_family_takes_them():
    taking = dataclasses.replace(MESSAGES, takes_answer_images=True)
    messages, _ = carried(asked("Draw"), answered(IMAGE), asked("Bluer"), family=taking)
    assert messages[1].parts == (IMAGE,)


def test_arguments_that_are_no_object_are_named_where_an_object_is_wanted():
    history = (asked("Go"), answered(call("a", '{"sku": "4')), results(ToolResultPart("a", "1")))
    assert kinds(carried(*history)[1]) == [("arguments", 1)]
    assert carried(*history, family=CHAT)[1] == ()


@pytest.mark.parametrize("arguments", ["", "{}", '{"a": 1}'])
def test_arguments_that_are_an_object_are_no_loss(arguments):
    history = (asked("Go"), answered(call("a", arguments)), results(ToolResultPart("a", "1")))
    assert carried(*history)[1] == ()


def test_a_call_without_a_result_gets_one_that_says_so_in_its_place():
    messages, losses = carried(asked("Go"), answered(call("a")), asked("Never mind"), answered("Fine"))
    assert [message.role for message in messages] == ["user", "assistant", "tool", "user", "assistant"]
    assert messages[2].parts == (ToolResultPart("a", NO_RESULT, "f", failed=True),)
    assert kinds(losses) == [("unanswered_call", 1)]


def test_a_missing_result_joins_those_that_are_there():
    messages, losses = carried(asked("Go"), answered(call("a"), call("b")), results(ToolResultPart("b", "1")))
    assert [part.call_id for part in messages[2].parts] == ["a", "b"]
    assert kinds(losses) == [("unanswered_call", 1)]


def test_results_given_one_by_one_are_all_seen():
    history = (
        answered(call("a"), call("b")),
        results(ToolResultPart("a", "1")),
        results(ToolResultPart("b", "2")),
    )
    messages, losses = carried(asked("Go"), *history)
    assert len(messages) == 4
    assert losses == ()


def test_a_call_at_the_very_end_is_answered_too():
    messages, losses = carried(asked("Go"), answered(call("a")))
    assert messages[-1].role == "tool"
    assert kinds(losses) == [("unanswered_call", 1)]


def test_the_call_of_a_native_answer_is_answered_too():
    turn = answered(call("a"), native='[{"type":"tool_use"}]', native_for=("anthropic", "m"))
    messages, _ = carried(asked("Go"), turn, asked("Never mind"))
    assert messages[2].parts[0].call_id == "a"


texts = st.text(max_size=5).map(TextPart)
ids = st.sampled_from(["a", "b", "c"])
arguments = st.sampled_from(["", "{}", '{"a":1}', "[", "7"])
images = st.just(IMAGE)
said = st.lists(texts | images | st.just(FilePart("https://assets.example.test/a.mp4")), max_size=3)
called = st.lists(texts | images | st.builds(ToolCallPart, ids, st.just("f"), arguments), max_size=3)
given_back = st.lists(st.builds(ToolResultPart, ids, st.text(max_size=3)), max_size=2)
flags = {"thought": st.booleans(), "refused": st.booleans(), "cached": st.booleans()}
turns = (
    st.builds(PastTurn, st.just("user"), said.map(tuple), cached=st.booleans())
    | st.builds(
        PastTurn,
        st.just("assistant"),
        called.map(tuple),
        st.sampled_from(["", "[]", NATIVE]),
        st.sampled_from([(key, "m") for key in FAMILIES]),
        **flags,
    )
    | st.builds(PastTurn, st.just("tool"), given_back.map(tuple))
)


@settings(max_examples=200, deadline=None)
@given(st.lists(turns, max_size=6), st.sampled_from(list(FAMILIES.values())), st.sampled_from(["m", "n"]))
def test_any_history_can_be_sent_to_any_family_with_no_call_left_open(history, family, model):
    messages, losses = carry(history, family, model, LABELS)
    for at, message in enumerate(messages):
        answers = set()
        for following in messages[at + 1 :]:
            if following.role == "assistant":
                break
            answers |= {part.call_id for part in following.parts if isinstance(part, ToolResultPart)}
        assert {part.call_id for part in message.parts if isinstance(part, ToolCallPart)} <= answers
    assert all(0 <= loss.place < len(history) and loss.sentence.endswith(".") for loss in losses)
    json.loads(family.encode(ChatRequest("m", messages)).body)
