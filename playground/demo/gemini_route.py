"""The Gemini routes of the demo gateway from body to last byte."""

import asyncio
import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from .answers import Answer, Call, topic_of
from .caching import PromptCache
from .conduct import Conduct
from .dice import Dice
from .disorder import end_of
from .exchange import Exchange, json_bytes
from .fields import parse
from .gemini import Prompt, Reply, Wire
from .gemini_body import GeminiBody, read
from .gemini_disorder import as_array, as_events, objects, telling_of
from .gemini_signature import sign
from .gemini_spelling import in_camel_case
from .media.drawing import draw
from .models import DRAWS, Model, Shelf
from .pace import Pace, split
from .records import Record
from .schema import Hints, fit
from .spoken import Spoken, speak
from .stream import End, Frame, close, play

_PATH = re.compile(r"/gemini/v1beta/models/(.+):(generateContent|streamGenerateContent)", re.DOTALL)
_FINISHES = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}
_CAPTIONS = (
    "Here is a picture for **{topic}**.\n\n*Drawn by the built-in demo gateway, not by a real model.*",
    "This is how I picture **{topic}**.\n\n*A drawing of the built-in demo gateway; no real model saw it.*",
)


def is_gemini(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


class GeminiRoute:
    """Answers Gemini requests; remembers prompt prefixes for the cache figure."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._conduct = Conduct(shelf, speed=speed)
        self._cache = PromptCache()
        self._numbers = count(1)

    async def __call__(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        model_id, streams = _named(exchange.path)
        fields = in_camel_case(parse(raw))
        record.note({**fields, "model": model_id, "stream": streams}, messages="contents")
        model = self._conduct.model(model_id)
        body = read(fields, model=model.id, strict=model.reasons)
        if model.fault and await self._conduct.strike(exchange, model.fault, body.prefixes[-1]):
            return
        cached = self._cache.cached(body.prefixes, body.tokens, keyed=False)
        prompt = Prompt(sum(body.tokens), body.file_tokens, cached)
        wire = Wire(f"demo{next(self._numbers):08}", model.served_model, prompt, telling_of(model.fault))
        reply = self._reply(model, body)
        if streams and not (model.fault and model.fault.kind == "json-instead"):
            await self._stream(exchange, model, wire, reply)
        else:
            whole = json_bytes(wire.whole(reply))
            await self._conduct.reply(exchange, model, whole, reply.spoken_tokens)

    def _reply(self, model: Model, body: GeminiBody) -> Reply:
        said = self._say(model, body)
        if said.filtered:
            return Reply("", block_reason="PROHIBITED_CONTENT")
        draws = "IMAGE" in body.modalities or (model.id == DRAWS and not body.modalities)
        if said.refusal and draws:
            return Reply("IMAGE_SAFETY")
        if said.refusal:
            said = Answer(text=said.refusal, filtered=True)
        elif draws and not said.calls:
            return _drawn(model, body, said)
        return _written(model, body, speak(said, body.ask))

    def _say(self, model: Model, body: GeminiBody) -> Answer:
        ask = body.ask
        if body.one_word and ask.schema is not None:
            return Answer(text=str(fit(ask.schema, Hints(ask.question[:4000]))))
        reasons = body.thinking.wanted or (model.reasons and body.thinking.effort != "none")
        return self._conduct.say(model, ask, seeded=body.seeded, reasons=reasons)

    async def _stream(self, exchange: Exchange, model: Model, wire: Wire, reply: Reply) -> None:
        pace, end = self._conduct.pace(model), end_of(model.fault)
        sent = objects(wire, reply, model.fault)
        if exchange.query.get("alt") == "sse":
            await play(exchange, as_events(sent, model.fault), pace, end=end)
        else:
            await _play_array(exchange, as_array(sent, end), pace, end)


def _named(path: str) -> tuple[str, bool]:
    """The model, and whether a stream is asked for."""
    match = _PATH.fullmatch(path)
    return (match[1], match[2] == "streamGenerateContent") if match else ("", False)


async def _play_array(exchange: Exchange, frames: Iterable[Frame], pace: Pace, end: End) -> None:
    await exchange.start(200, "application/json; charset=utf-8")
    await asyncio.sleep(pace.first_s)
    for number, frame in enumerate(frames):
        await exchange.write(frame.data)
        await asyncio.sleep(pace.gap(number) if frame.tokens else 0)
    await close(exchange, end)


def _drawn(model: Model, body: GeminiBody, said: Answer) -> Reply:
    """A caption and a picture; another take of the answer is another picture."""
    ask = body.ask
    dice = Dice(said.text.encode(errors="replace"))
    topic = topic_of(ask.question)
    # The texts of the faults stay, for what is asked of them is counted in tokens.
    text = said.text if model.fault else dice.pick(_CAPTIONS).format(topic=topic)
    if body.modalities and "TEXT" not in body.modalities:
        text = ""
    reply = _written(model, body, speak(replace(said, text=text), ask))
    if reply.finish == "MAX_TOKENS":
        return reply
    data = draw(ask.question[:4000], body.ratio, dice)
    return replace(reply, picture=base64.b64encode(data).decode())


def _written(model: Model, body: GeminiBody, spoken: Spoken) -> Reply:
    nonce = body.prefixes[-1]
    reply = Reply(
        _FINISHES.get(spoken.finish, "STOP"),
        thoughts=tuple(spoken.reasoning) if body.thinking.shown else (),
        thought_tokens=len(spoken.reasoning),
        text=tuple(spoken.text),
    )
    if not spoken.calls:
        # Text is signed too, at its end, but by models that think only.
        signed = model.reasons and reply.finish == "STOP"
        return replace(reply, signature=sign({}, model=model.id, nonce=nonce)) if signed else reply
    try:
        calls = tuple(_calls(model, spoken.calls, nonce))
    except ValueError:
        told = f"Malformed function call: {spoken.calls[0].name}({spoken.calls[0].arguments[:200]}"
        return replace(reply, finish="MALFORMED_FUNCTION_CALL", message=told)
    return replace(reply, calls=calls, call_tokens=sum(len(split(one.arguments)) for one in spoken.calls))


def _calls(model: Model, calls: tuple[Call, ...], nonce: bytes) -> Iterator[dict[str, Any]]:
    """A part for each call; of calls at once only the first is signed, as by the real one."""
    for place, call in enumerate(calls):
        made = {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}
        part: dict[str, Any] = {"functionCall": made}
        yield part if place else {**part, "thoughtSignature": sign(part, model=model.id, nonce=nonce)}
