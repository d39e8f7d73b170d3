"""Reading wire files with any family's decoder, and what holds for every list of events."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import strategies as st

from playground.gateway.events import Failed, Finished, PartClosed, PartDelta, PartOpened
from playground.gateway.sse import Frame, FrameDecoder
from playground.gateway.transcript import Transcript


def decode(family, *chunks):
    frames, decoder = FrameDecoder(), family.decoder()
    found = [frame for chunk in chunks for frame in frames.feed(chunk)] + frames.flush()
    return [event for frame in found for event in decoder.feed(frame)] + decoder.end()


def decode_objects(family, *objects):
    decoder = family.decoder()
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


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud83d")
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def odd(**fields):
    """An object in which every field may be right, missing or anything at all."""
    return anything | st.fixed_dictionaries({}, optional={k: v | anything for k, v in fields.items()})
