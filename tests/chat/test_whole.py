"""An answer in one piece that breaks off: what came is kept, and nothing is asked twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from playground.gateway.errors import GatewayError
from tests.chat.test_driver import Gateway, driven, driver, same_as_stored

WORDS = "A light on a rock, **seen** from afar."
BODIES = {
    "openai_chat": {"choices": [{"message": {"content": WORDS}, "finish_reason": "stop"}]},
    "openai_responses": {
        "object": "response",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": WORDS}]}],
        "status": "completed",
    },
    "anthropic": {"content": [{"type": "text", "text": WORDS}], "stop_reason": "end_turn", "type": "message"},
    "gemini": {"candidates": [{"content": {"parts": [{"text": WORDS}]}, "finishReason": "STOP"}]},
}


class Breaking(Gateway):
    """Sends the pieces, then the socket breaks."""

    async def _chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        raise GatewayError("network", "The connection failed.", code="network")


def broken(body: bytes) -> Breaking:
    return Breaking("application/json", body)


@pytest.mark.parametrize("family", BODIES)
async def test_a_broken_answer_keeps_its_text_and_says_how_much_came(family: str) -> None:
    whole = json.dumps(BODIES[family]).encode()
    half = whole[: whole.index(b"afar")]
    run = driver(family)
    outcome = await driven(run, broken(half))
    assert outcome.text == WORDS.partition("afar")[0]
    assert outcome.status == "failed" and outcome.error is not None
    assert outcome.error.kind == "interrupted" and f"{len(half):,} bytes" in outcome.error.message
    assert outcome.native == ""
    assert same_as_stored(run, outcome)


@pytest.mark.parametrize("family", BODIES)
async def test_an_answer_that_was_whole_when_the_socket_broke_is_finished(family: str) -> None:
    outcome = await driven(driver(family), broken(json.dumps(BODIES[family]).encode()))
    assert (outcome.status, outcome.text) == ("finished", WORDS)


async def test_what_cannot_be_read_is_counted_and_never_asked_for_again() -> None:
    outcome = await driven(driver(), broken(b"<html><p>Bad"))
    assert outcome.status == "failed" and outcome.error is not None
    assert outcome.error.kind == "protocol" and "12 bytes had come" in outcome.error.message
    assert len(outcome.attempts) == 1


async def test_an_answer_that_takes_too_long_keeps_what_came(settings: Any) -> None:
    settings.RUN_DEADLINE_S = 0.05
    half = json.dumps(BODIES["openai_chat"]).encode().partition(b"afar")[0]
    outcome = await driven(driver(), Gateway("application/json", half, stays_open=True))
    assert outcome.error is not None and outcome.error.kind == "timeout"
    assert outcome.text == WORDS.partition("afar")[0]
