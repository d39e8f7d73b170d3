"""One run from its claim to its end, with what a gateway may send: the transport alone is replaced."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from accounts import vault
from playground.chat import made
from playground.chat.driver import LARGE_BLOCK, Driver
from playground.chat.ledger import Claim, Outcome
from playground.chat.models import Run
from playground.chat.render import PartStream, digest, turn_blocks
from playground.chat.requests import Built
from playground.gateway.request import ChatRequest, Message, TextPart
from playground.gateway.transport import Answer
from playground.live.mirror import RunView
from tests._servers.processes import PATIENCE_S

FILE = "6f0f2b5e-3c3a-4f0e-9f3e-0a4b8f6f2a11"
PARAGRAPH = "A light on a rock, **seen** from afar by every ship that passes the coast.\n\n"


class Gateway:
    """Answers every request with the same pieces, then waits while `stays_open`."""

    def __init__(self, content_type: str, *pieces: bytes, stays_open: bool = False) -> None:
        self.content_type, self.pieces, self.stays_open = content_type, pieces, stays_open
        self.all_sent = asyncio.Event()

    @asynccontextmanager
    async def open(self, *asked: Any) -> AsyncIterator[Answer]:
        yield Answer(200, {}, "req-1", self.content_type, self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        self.all_sent.set()
        if self.stays_open:
            await asyncio.Event().wait()


def events(*deltas: dict[str, Any], ends: str = "stop") -> bytes:
    choices: list[dict[str, Any]] = [{"delta": delta} for delta in deltas]
    if ends:
        choices.append({"delta": {}, "finish_reason": ends})
    return b"".join(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in choices)


def whole(text: str) -> Gateway:
    message = {"role": "assistant", "content": text}
    body = {"id": "a", "choices": [{"message": message, "finish_reason": "stop"}]}
    return Gateway("application/json", json.dumps(body).encode())


def stream(*pieces: bytes, **more: Any) -> Gateway:
    return Gateway("text/event-stream", *pieces, **more)


def driver(family: str = "openai_chat", prefix: list[dict[str, Any]] | None = None) -> Driver:
    run, turn, talk = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    request = ChatRequest(model="m", messages=(Message("user", (TextPart("Why?"),)),))
    claim = Claim(
        run=run,
        conversation=talk,
        turn=turn,
        user=None,
        family=family,
        base_url="https://gateway.example.com",
        secret=vault.Secret("k"),
        built=Built(request, ()),
        prefix=prefix or [],
        row=Run(pk=run, model="m", family=family),
    )
    view = RunView(run=str(run), turn=str(turn))
    return Driver(claim, view, lambda driver, now: None, asyncio.to_thread)


async def driven(run: Driver, gateway: Gateway) -> Outcome:
    outcome = await run.drive(gateway)  # type: ignore[arg-type]  # as much of a transport as a run uses
    run.view.apply(1, run.take_ops())
    return outcome


def same_as_stored(run: Driver, outcome: Outcome) -> bool:
    """Whether viewers have seen what a reload shows."""
    stored = [block for part in turn_blocks(outcome.parts) for block in part.blocks]
    seen = [block for part in run.view.parts for block in part.blocks]
    return seen == stored and run.digest() == digest(stored)


@pytest.fixture
def rendering_threads(monkeypatch: Any) -> list[bool]:
    """For every large piece that is rendered, whether that was on the thread of the event loop."""
    on_loop: list[bool] = []
    feed = PartStream.feed

    def watched(self: PartStream, delta: str) -> list[str]:
        if len(delta) > LARGE_BLOCK:
            on_loop.append(threading.current_thread() is threading.main_thread())
        return feed(self, delta)

    monkeypatch.setattr(PartStream, "feed", watched)
    return on_loop


async def test_calls_are_shown_live_as_a_reload_shows_them() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"at": "sea"}'}}
    other = {"index": 1, "id": "c2", "function": {"name": "wait", "arguments": ""}}
    run = driver()
    outcome = await driven(run, stream(events({"tool_calls": [call, other]}, ends="tool_calls")))
    assert [part["name"] for part in outcome.parts] == ["look", "wait"]
    assert same_as_stored(run, outcome)


async def test_a_giant_answer_in_one_piece_is_not_rendered_on_the_loop(rendering_threads: list[bool]) -> None:
    text = PARAGRAPH * 400
    run = driver()
    outcome = await driven(run, whole(text))
    assert outcome.text == text
    assert rendering_threads == [False]
    assert same_as_stored(run, outcome)


async def test_what_follows_a_giant_piece_stays_behind_it(rendering_threads: list[bool]) -> None:
    run, giant = driver(), PARAGRAPH * 400
    pieces = [events({"content": text}, ends="") for text in ("Begin. ", giant, "And ", "end.")]
    outcome = await driven(run, stream(*pieces, events()))
    assert outcome.text == f"Begin. {giant}And end."
    assert set(rendering_threads) == {False}
    assert same_as_stored(run, outcome)


async def test_a_stop_within_a_giant_block_keeps_and_shows_all_that_came() -> None:
    run, row = driver(), "- one more light\n"
    rows = [events({"content": row * 100}, ends="") for _ in range(20)]
    gateway = stream(*rows, stays_open=True)
    going = asyncio.create_task(driven(run, gateway))
    await gateway.all_sent.wait()
    run.end("stopped")
    outcome = await going
    assert outcome.status == "stopped" and outcome.text == row * 2000
    assert same_as_stored(run, outcome)


async def test_a_stop_while_a_picture_is_kept_does_not_lose_it(monkeypatch: Any) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(event: Any, run: Run) -> dict[str, Any]:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(PATIENCE_S)
        return {"attachment": FILE, "alt": "A lighthouse", "width": 1, "height": 1}

    monkeypatch.setattr(made, "keep", slowly)
    inline = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    frame = json.dumps({"candidates": [{"content": {"parts": [inline]}}]})
    run = driver("gemini")
    going = asyncio.create_task(driven(run, stream(f"data: {frame}\n\n".encode(), stays_open=True)))
    await begun.wait()
    run.end("stopped")
    go_on.set()
    outcome = await going
    assert [part.get("attachment") for part in outcome.parts] == [FILE]


async def test_an_answer_in_one_piece_that_never_ends_is_given_up(settings: Any) -> None:
    settings.RUN_DEADLINE_S = 0.05
    outcome = await driven(driver(), Gateway("application/json", b" ", stays_open=True))
    assert outcome.status == "failed"
    assert outcome.error is not None and outcome.error.kind == "timeout"
    assert len(outcome.attempts) == 1


async def test_a_long_answer_is_continued_without_rendering_it_on_the_loop(
    rendering_threads: list[bool],
) -> None:
    begun = PARAGRAPH * 400 + "The lamp"
    run = driver(prefix=[{"kind": "text", "text": begun}])
    outcome = await driven(run, stream(events({"content": " is lit."})))
    assert outcome.text == begun + " is lit."
    assert rendering_threads == [False]
    assert same_as_stored(run, outcome)
