"""The frame decoder against a slow reading of the standard, and at its limits."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.sse import Frame, FrameDecoder


def decode(*chunks, largest=1 << 20):
    decoder = FrameDecoder(largest)
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.flush()


def reference(body: bytes):
    """The standard, word for word and all at once."""
    lines = re.split(b"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf"))
    last = lines.pop()
    frames, data, event, frame_id = [], [], b"", b""
    for number, line in enumerate([*lines, *([last] if last else []), None]):
        if not line:
            if data:
                text = b"\n".join(data).decode("utf-8", "replace")
                cut = line is None
                frames.append(
                    Frame(event.decode("utf-8", "replace"), text, frame_id.decode("utf-8", "replace"), cut)
                )
            data, event = [], b""
            continue
        assert number >= 0
        name, colon, value = line.partition(b":")
        value = value[1:] if colon and value[:1] == b" " else value
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
        elif name == b"id" and b"\0" not in value:
            frame_id = value
    return frames


pieces = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b"data",
        b"event: ",
        b"id: ",
        b"retry: 5",
        b": ping",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"x",
    ]
    + [
        b"\xef\xbb\xbf",
        "é€😀".encode(),
        "\u2028\u0085".encode(),
        b"\xff",
        b"\0",
        b"data: {}\n\n",
        b"event: a\ndata: {}\n\n",
        b"{}",
        b":",
        b" ",
    ]
)
bodies = st.lists(pieces | st.binary(max_size=4), max_size=14).map(b"".join)


@settings(max_examples=500, deadline=None)
@given(bodies, st.lists(st.integers(0, 60), max_size=6))
@example(b"data: a\r", [])
@example(b"data: a\r\n\r\n", [8, 9, 10])
@example(b"\xef\xbb", [1])
@example(b"data: a\n\n\ndata: b\n\nevent: c\n\ndata: d\n\nid: 1\ndata: e\n\ndata: f\n\ndata", [0])
@example(b"event: a\n: b\ndata: c\n\ndata: d\n\n", [9, 13])
def test_any_bytes_in_any_cut_give_what_the_standard_says(body, cuts):
    marks = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[start:end] for start, end in zip(marks, marks[1:], strict=False)]
    assert decode(*chunks) == reference(body)


def test_several_data_lines_are_one_text():
    assert decode(b"data: a\ndata:b\ndata\n\n") == [Frame(data="a\nb\n")]


def test_an_event_without_data_is_skipped_and_its_name_forgotten():
    assert decode(b"event: ping\n\ndata: a\n\n") == [Frame(data="a")]


def test_comments_are_counted_and_end_nothing():
    decoder = FrameDecoder()
    assert decoder.feed(b": one\n\n:\ndata: a\n: two\n\n") == [Frame(data="a")]
    assert decoder.comments == 3


def test_a_frame_the_stream_ends_in_is_marked_as_cut():
    assert decode(b"data: a\n\ndata: b") == [Frame(data="a"), Frame(data="b", cut=True)]


def test_unicode_line_separators_are_text():
    assert decode("data: a\u2028b\u0085c\x0bd\n\n".encode()) == [Frame(data="a\u2028b\u0085c\x0bd")]


def test_the_id_stays_until_another_comes():
    assert [frame.id for frame in decode(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")] == [
        "1",
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 200 + b"\n\n"],
        [b"data: "] + [b"x"] * 200,
        [b"data: x\n"] * 30,
        [b"data:\n"] * 40,
        [b": " + b"x" * 200],
    ],
    ids=["one chunk", "tiny chunks", "many lines", "empty lines", "a comment"],
)
def test_a_frame_past_the_limit_is_a_failure(chunks):
    with pytest.raises(GatewayError) as caught:
        decode(*chunks, largest=150)
    assert (caught.value.kind, caught.value.code) == ("protocol", "frame_too_large")


def test_the_limit_is_for_one_frame_not_for_the_stream():
    assert len(decode(*[b"data: x\n\n", b": keep-alive\n"] * 1000, largest=100)) == 1000


class CountingBytes(bytes):
    """Counts the bytes that are looked at, as a clock that no busy machine disturbs."""

    seen = 0

    def split(self, *args):
        CountingBytes.seen += len(self)
        return super().split(*args)


def test_tiny_chunks_of_a_giant_frame_are_each_looked_at_once():
    def work(size):
        CountingBytes.seen = 0
        decoder = FrameDecoder(10 * size)
        decoder.feed(b"data: ")
        for _ in range(size // 10):
            decoder.feed(CountingBytes(b"x" * 10))
        assert len(decoder.feed(b"\n\n")[0].data) == size
        return CountingBytes.seen

    assert work(400_000) == 2 * work(200_000) == 400_000
