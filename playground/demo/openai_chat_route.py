"""The route POST /openai/v1/chat/completions from body to last byte."""

import asyncio
from itertools import count
from typing import Any

from .answers import Answer, answer
from .exchange import Exchange, Refused, json_bytes
from .faults import HTML_502, UNAVAILABLE, Fault, http_error
from .models import GOOD, Model, Shelf
from .oddities import odd_answer
from .openai_chat import Wire, usage
from .openai_chat_body import ChatBody, parse, prefixes, read
from .openai_chat_disorder import HUGE, end_of, frames
from .records import Counts, Memory, Record
from .spoken import Spoken, speak
from .stream import close, play

_LONGEST_WHOLE_S = 8.0
_STEP, _STEP_WITH_KEY = 128, 16
_LEAST_CACHED = 256
# Asked the same again, a model says it otherwise, a few times over.
_TAKES = 4
_VOICES = tuple(f"{model.id} take {take}" if take else model.id for model in GOOD for take in range(_TAKES))
_ELSEWHERE = "http://other-host.example.invalid/openai/v1/chat/completions"


class ChatRoute:
    """Answers chat requests; remembers prompt prefixes for the cache figure, and what failed once."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._shelf = shelf
        self._speed = speed
        self._prefixes = Memory(5000)
        self._failed = Memory(1000)
        self._takes = Counts(1000)
        self._numbers = count(1)

    async def __call__(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        fields = parse(raw)
        _note(record, fields)
        body = read(fields)
        model = self._shelf.find(body.model)
        if model.fault and await self._struck(exchange, model.fault, body):
            return
        voice = "demo-chat" if model.fault else model.id
        spoken = [self._speak(model, body, voice, index) for index in range(body.choices)]
        told = usage(body.prompt_tokens, self._cached(body), spoken)
        wire = Wire.new(f"chatcmpl-demo{next(self._numbers):08}", model.served_model)
        if body.stream and not (model.fault and model.fault.kind == "json-instead"):
            pace = model.pace.faster(self._speed)
            sent = frames(wire, spoken, told, model.fault, tell_usage=body.include_usage)
            await play(exchange, sent, pace, end=end_of(model.fault))
        else:
            await self._whole(exchange, wire, model, spoken, told)

    def _speak(self, model: Model, body: ChatBody, voice: str, index: int) -> Spoken:
        voice = f"{voice} {index}" if index else voice
        said: Answer | None = odd_answer(model.fault, body.ask) if model.fault else None
        if said is None:
            take = 0 if model.fault or body.seeded else self._takes.add(body.ask.digest(voice)) % _TAKES
            voice = f"{voice} take {take}" if take else voice
            said = answer(body.ask, voice=voice, voices=_VOICES, reasons=model.reasons)
        return speak(said, body.ask)

    async def _struck(self, exchange: Exchange, fault: Fault, body: ChatBody) -> bool:
        """Answer in place of the model where the fault is the whole answer; else return False."""
        if error := http_error(fault):
            raise error.refusal()
        match fault.kind:
            case "error-502-html":
                await exchange.reply_bytes(502, HTML_502, "text/html")
            case "redirect":
                await exchange.reply_bytes(302, b"", "text/plain", (("location", _ELSEWHERE),))
            case "echo-key":
                sent = exchange.headers.get("authorization", b"").decode("latin-1")
                message = f"Invalid or missing API key: you sent {sent}"
                raise Refused(401, message, type="authentication_error", code="invalid_api_key")
            case "hang":
                await asyncio.Event().wait()
            case "flaky" if self._failed.toggle(prefixes(body)[-1]):
                raise UNAVAILABLE.refusal()
            case _:
                return False
        return True

    def _cached(self, body: ChatBody) -> int:
        """Tokens of the longest beginning seen before, in steps, as providers count them."""
        chain = prefixes(body)
        known = sum(1 for prefix in chain if prefix in self._prefixes)
        for prefix in chain:
            self._prefixes.add(prefix)
        tokens = sum(body.message_tokens[:known])
        step = _STEP_WITH_KEY if body.cache_key else _STEP
        if tokens < (step if body.cache_key else _LEAST_CACHED):
            return 0
        return tokens // step * step

    async def _whole(
        self, exchange: Exchange, wire: Wire, model: Model, spoken: list[Spoken], told: dict[str, Any]
    ) -> None:
        pace = model.pace.faster(self._speed)
        tokens = sum(one.tokens for one in spoken)
        await asyncio.sleep(min(pace.first_s + tokens / pace.per_s, _LONGEST_WHOLE_S))
        kind = model.fault.kind if model.fault else ""
        body = json_bytes(wire.whole(spoken, None if kind == "no-usage" else told))
        end = end_of(model.fault)
        if end != "whole":
            # A whole answer is cut in the middle: its length was promised, half of it comes.
            await exchange.start(200, "application/json", (("content-length", str(len(body))),))
            await exchange.write(body[: len(body) // 2])
            await close(exchange, end)
        elif kind == "error-after":
            message = "upstream connection reset"
            raise Refused(502, message, type="server_error", code="502")
        elif kind == "malformed":
            await exchange.reply_bytes(200, body[: len(body) // 2], "application/json")
        elif kind == "huge-frame":
            await exchange.reply_bytes(200, body + b" " * (HUGE - len(body)), "application/json")
        else:
            await exchange.reply_bytes(200, body, "application/json")


def _note(record: Record, fields: dict[str, Any]) -> None:
    """Write down what a test may want to know, even of a request that is refused next."""
    model, stream, messages = fields.get("model"), fields.get("stream"), fields.get("messages")
    record.model = model[:200] if isinstance(model, str) else None
    record.stream = stream if isinstance(stream, bool) else None
    record.messages = len(messages) if isinstance(messages, list) else None
