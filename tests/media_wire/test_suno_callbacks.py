"""Suno: what a callback claims. It is shown in the timeline and never believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.media.registry import OPERATIONS
from playground.gateway.media.suno import callback_hint

HERE = Path(__file__).parent / "suno" / "callbacks"
SONG = "b7d10000000000000000000000000001"


def hint(**body):
    return callback_hint(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("sample", "claimed"),
    [
        ("flat-text", ("text", SONG)),
        ("flat-first", ("first", SONG)),
        ("flat-complete", ("complete", SONG)),
        ("enveloped-complete", ("complete", SONG)),
        ("enveloped-error", ("error", SONG)),
        ("enveloped-lyrics", ("complete", SONG)),
        ("enveloped-vocal-removal", ("complete", SONG)),
        ("enveloped-wav", ("complete", SONG)),
        ("enveloped-mp4", ("complete", SONG)),
        ("enveloped-cover", ("complete", "c0")),
        ("unknown-task", ("complete", "not-ours")),
    ],
)
def test_the_stage_and_the_task_are_read_from_every_documented_body(sample, claimed):
    assert callback_hint((HERE / f"{sample}.json").read_bytes()) == claimed


def test_a_second_delivery_claims_the_same():
    pair = json.loads((HERE / "duplicate-pair.json").read_text())
    first, second = (json.dumps(pair[name]).encode() for name in ("first_delivery", "second_delivery"))
    assert callback_hint(first) == callback_hint(second) == ("complete", SONG)


@pytest.mark.parametrize(
    ("body", "claimed"),
    [
        ({"callbackType": "FIRST", "taskId": "t"}, ("first", "t")),
        ({"callbackType": "failed", "task_id": "t"}, ("error", "t")),
        ({"callback_type": "text", "task_id": "t"}, ("text", "t")),
        ({"code": "501", "data": {"task_id": "t"}}, ("error", "t")),
        ({"code": 200, "task_id": "t", "data": None}, ("", "t")),
        ({"code": 200, "task_id": "outer", "data": {"video_url": "u"}}, ("complete", "outer")),
        ({"callbackType": "<b>paid</b>", "task_id": "t"}, ("", "t")),
        ({"callbackType": ["text"], "task_id": {"a": 1}}, ("", "")),
        ({"task_id": 17}, ("", "17")),
        ({"task_id": "x" * 5000}, ("", "x" * 200)),
        ({"task_id": "a\0b"}, ("", "a\u2400b")),
    ],
)
def test_odd_bodies_claim_what_can_be_read(body, claimed):
    assert hint(**body) == claimed


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"7", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"data":']
)
def test_what_is_no_callback_claims_nothing(body):
    assert callback_hint(body) == ("", "")


def test_operations_that_call_back_bring_the_reader_along():
    assert OPERATIONS["suno.generate"].callback_hint is callback_hint


def named(inner):
    names = st.sampled_from(["code", "data", "task_id", "taskId", "callbackType", "images", "video_url"])
    return st.dictionaries(names, inner)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | named(inner)
    )
)
def test_no_body_raises(body):
    stage, task_id = callback_hint(json.dumps(body).encode())
    assert stage in ("", "text", "first", "complete", "error")
    assert len(task_id) <= 200
