"""The fold: events to the parts that are kept."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playground.gateway.assembly import storable
from playground.gateway.events import (
    Failed,
    Finished,
    MediaReceived,
    Opened,
    PartClosed,
    PartDelta,
    PartOpened,
    Usage,
    UsageReported,
)
from playground.gateway.transcript import Transcript


def fold(*events):
    transcript = Transcript()
    for event in events:
        transcript.apply(event)
    return transcript


def test_parts_are_kept_in_order_of_their_opening():
    transcript = fold(
        Opened("c1", "m"),
        PartOpened(0, "thinking"),
        PartDelta(0, "Hm"),
        PartClosed(0),
        PartOpened(1, "text"),
        PartOpened(2, "tool_call", "f", "call_1"),
        PartDelta(2, "{"),
        PartDelta(1, "Hel"),
        PartDelta(1, "lo"),
        PartDelta(2, "}"),
        PartClosed(2),
    )
    assert transcript.parts_json() == [
        {"kind": "thinking", "text": "Hm"},
        {"kind": "text", "text": "Hello"},
        {"kind": "tool_call", "text": "{}", "name": "f", "call_id": "call_1"},
    ]
    assert [part.closed for part in transcript.parts] == [True, False, True]
    assert (transcript.response_id, transcript.model, transcript.text) == ("c1", "m", "Hello")
    assert not transcript.ended


def test_text_read_in_the_middle_goes_on_growing():
    transcript = fold(PartOpened(0, "text"), PartDelta(0, "a"), PartDelta(0, "b"))
    assert transcript.text == "ab"
    transcript.apply(PartDelta(0, "c"))
    assert transcript.parts[0].text == "abc"


def test_search_finds_what_was_said_and_refused_but_no_thoughts_or_calls():
    transcript = fold(
        PartOpened(0, "text"),
        PartDelta(0, "one"),
        PartOpened(1, "tool_call", "f"),
        PartDelta(1, "{}"),
        PartOpened(2, "refusal"),
        PartDelta(2, "no"),
    )
    assert transcript.text == "one\n\nno"


def test_usage_is_a_snapshot_whose_newest_values_stay():
    transcript = fold(UsageReported(Usage(5, 1)), UsageReported(Usage(output_tokens=9, cache_read_tokens=0)))
    assert transcript.usage == Usage(5, 9, cache_read_tokens=0)


def test_an_ending_is_kept_with_its_reason():
    done = fold(Finished("tool_calls", "stop", "[1]"))
    assert (done.ended, done.reason, done.raw_reason, done.native) == (
        True,
        "tool_calls",
        "stop",
        "[1]",
    )
    failed = fold(PartOpened(0, "text"), PartDelta(0, "kept"), Failed("network"))
    assert (failed.ended, failed.reason, failed.failure, failed.text) == (True, "", Failed("network"), "kept")


def test_an_inline_file_is_a_part():
    assert fold(MediaReceived(0, "image/png", "aGk=")).parts_json() == [
        {"kind": "media", "text": "aGk=", "name": "image/png"}
    ]


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\0b", "a\u2400b"), ("\ud83d\ude00", "😀"), ("\ude00\ud83d", "\ufffd\ufffd"), ("plain é", "plain é")],
)
def test_text_is_made_storable_visibly(text, stored):
    assert storable(text) == stored


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
@example("\ud83dx")
@example("\udc00" * 3 + "\ud83d" * 2)
def test_any_text_becomes_storable_and_loses_nothing_else(text):
    stored = storable(text)
    stored.encode()
    assert "\0" not in stored
    assert storable(stored) == stored
    kept = [c for c in text if c != "\0" and not "\ud800" <= c <= "\udfff"]
    found = iter(stored)
    assert all(c in found for c in kept)
