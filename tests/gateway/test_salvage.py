"""The beginning of a JSON document is closed so that it can be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.gateway.salvage import mended

ANSWER: dict[str, Any] = {
    "id": "a",
    "choices": [{"message": {"content": 'Say "no", \\ or é: {[,', "n": [1, -2.5, True, None]}}],
}


def read(data: bytes) -> Any:
    whole = mended(data)
    return None if whole is None else json.loads(whole)


def text_of(value: Any) -> str:
    choices = value.get("choices") or [{}]
    return str(choices[0].get("message", {}).get("content", "")) if isinstance(choices[0], dict) else ""


@pytest.mark.parametrize("ascii_only", [True, False])
def test_at_whatever_byte_it_breaks_all_of_the_text_that_came_is_read(ascii_only: bool) -> None:
    whole = json.dumps(ANSWER, ensure_ascii=ascii_only).encode()
    lengths = [len(text_of(read(whole[:end]))) for end in range(1, len(whole) + 1)]
    assert lengths == sorted(lengths)
    assert lengths[-1] == len(text_of(ANSWER))
    assert len(set(lengths)) == len(text_of(ANSWER)) + 1


def test_a_whole_document_stays_as_it_is() -> None:
    whole = json.dumps(ANSWER).encode()
    assert mended(whole) == whole


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"a":1}}', b"\xff\xfe", b"}]"])
def test_what_is_no_json_gives_nothing(data: bytes) -> None:
    assert read(data) in (None, {"a": 1})


@given(st.binary(max_size=60) | st.text('{}[]",:\\u0a1 ', max_size=60).map(str.encode))
def test_whatever_came_it_never_raises_and_gives_json_only(data: bytes) -> None:
    whole = mended(data)
    if whole is not None:
        json.loads(whole)


def test_brackets_without_end_do_no_harm() -> None:
    whole = mended(b"[" * 100_000)
    assert whole is None or len(whole) < 10_000
