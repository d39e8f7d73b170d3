"""Every family against its wire files: every file, every cut, any order of frames, any bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.wire import FAMILIES
from tests.wire.decoding import assert_well_formed, decode, fold, readable

HERE = Path(__file__).parent


def streams(family):
    return sorted((HERE / family).glob("*.sse"))


def wholes(family):
    found = (HERE / family).glob("response-*.json")
    return sorted(path for path in found if not path.name.endswith(".events.json"))


def expected(path):
    return json.loads(path.with_name(f"{path.stem}.events.json").read_text())


def each(files):
    rows = [(FAMILIES[key], path) for key in FAMILIES for path in files(key)]
    return pytest.mark.parametrize(
        ("family", "path"), [pytest.param(*row, id=f"{row[0].key}-{row[1].stem}") for row in rows]
    )


each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


@each_family
def test_a_family_has_wire_files_of_both_kinds(family):
    assert streams(family.key)
    assert wholes(family.key)


@each(streams)
def test_a_stream_gives_the_events_written_beside_it(family, path):
    events = decode(family, path.read_bytes())
    assert [readable(event) for event in events] == expected(path)
    assert_well_formed(events)


@each(wholes)
def test_a_whole_answer_gives_the_events_written_beside_it(family, path):
    events = family.decode_whole(path.read_bytes())
    assert [readable(event) for event in events] == expected(path)
    assert_well_formed(events)


@each(streams)
def test_a_stream_means_the_same_however_it_is_cut_into_chunks(family, path):
    body = path.read_bytes()
    whole = decode(family, body)
    for position in range(len(body) + 1):
        assert decode(family, body[:position], body[position:]) == whole
    assert decode(family, *(bytes([byte]) for byte in body)) == whole


@each(streams)
def test_a_stream_that_breaks_off_anywhere_keeps_what_came_and_has_one_ending(family, path):
    body = path.read_bytes()
    complete = fold(decode(family, body)).text
    for position in range(len(body)):
        events = decode(family, body[:position])
        assert_well_formed(events)
        # A surrogate or a character cut in two shows as U+FFFD at the end of what is kept.
        assert complete.startswith(fold(events).text.rstrip("\ufffd"))


@each(streams)
def test_a_stream_sent_where_a_whole_answer_was_asked_for_is_read(family, path):
    body = path.read_bytes()
    assert family.decode_whole(body) == decode(family, body)


@each_family
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_frames_in_any_order_never_raise_and_end_once(family, data):
    blocks = [block for path in streams(family.key) for block in path.read_bytes().split(b"\n\n")]
    chosen = data.draw(st.lists(st.sampled_from(blocks), max_size=12))
    assert_well_formed(decode(family, b"\n\n".join(chosen)))


@each_family
@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: f"event: error\ndata: {text}\n\n".encode())
)
def test_any_bytes_are_read_without_an_exception(family, body):
    assert_well_formed(decode(family, body))
    assert_well_formed(family.decode_whole(body))
