"""How a model behaves, whatever the route: what it says, how fast, and what goes wrong with it."""

import asyncio
from dataclasses import replace

from .answers import Answer, answer
from .asks import Ask
from .disorder import HUGE, end_of
from .exchange import Exchange, Refused
from .faults import HTML_502, UNAVAILABLE, Fault, http_error
from .models import GOOD, Model, Shelf
from .oddities import odd_answer
from .pace import Pace
from .records import Counts, Memory
from .stream import close

_LONGEST_WHOLE_S = 8.0
# Asked the same again, a model says it otherwise, a few times over.
_TAKES = 4
_VOICES = tuple(f"{model.id} take {take}" if take else model.id for model in GOOD for take in range(_TAKES))
_ELSEWHERE = "http://other-host.example.invalid"


class Conduct:
    """One route's models, with the memory of what failed once and of how often a thing was asked."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._shelf = shelf
        self._speed = speed
        self._failed = Memory(1000)
        self._takes = Counts(1000)

    def model(self, model_id: str) -> Model:
        return self._shelf.find(model_id)

    def pace(self, model: Model) -> Pace:
        return model.pace.faster(self._speed)

    def say(self, model: Model, ask: Ask, *, seeded: bool, reasons: bool, index: int = 0) -> Answer:
        """The answer of a model; `seeded` asks for the same one again, `index` for another choice."""
        odd = odd_answer(model.fault, ask) if model.fault else None
        if odd is not None:
            return odd
        voice = "demo-chat" if model.fault else model.id
        voice = f"{voice} {index}" if index else voice
        take = 0 if model.fault or seeded else self._takes.add(ask.digest(voice)) % _TAKES
        voice = f"{voice} take {take}" if take else voice
        said = answer(ask, voice=voice, voices=_VOICES, reasons=reasons)
        return _without_ends(said) if model.fault and model.fault.kind == "bad-arguments" else said

    async def strike(self, exchange: Exchange, fault: Fault, prompt: bytes) -> bool:
        """Answer in place of the model where the fault is the whole answer; else return False.

        `prompt` is the digest of everything that was asked.
        """
        if error := http_error(fault):
            raise error.refusal()
        match fault.kind:
            case "error-502-html":
                await exchange.reply_bytes(502, HTML_502, "text/html")
            case "redirect":
                where = ("location", _ELSEWHERE + exchange.path)
                await exchange.reply_bytes(302, b"", "text/plain", (where,))
            case "echo-key":
                message = f"Invalid or missing API key: you sent {_key_sent(exchange)}"
                raise Refused(401, message, type="authentication_error", code="invalid_api_key")
            case "hang":
                await asyncio.Event().wait()
            case "flaky" if self._failed.toggle(prompt):
                raise UNAVAILABLE.refusal()
            case _:
                return False
        return True

    async def reply(self, exchange: Exchange, model: Model, body: bytes, tokens: int) -> None:
        """A whole answer after the time its tokens take, or the nearest thing to its model's fault."""
        pace = self.pace(model)
        await asyncio.sleep(min(pace.first_s + tokens / pace.per_s, _LONGEST_WHOLE_S))
        kind = model.fault.kind if model.fault else ""
        end = end_of(model.fault)
        if end != "whole":
            # A whole answer is cut in the middle: its length was promised, half of it comes.
            await exchange.start(200, "application/json", (("content-length", str(len(body))),))
            await exchange.write(body[: len(body) // 2])
            await close(exchange, end)
        elif kind == "error-after":
            raise Refused(502, "upstream connection reset", type="server_error", code="502")
        elif kind == "malformed":
            await exchange.reply_bytes(200, body[: len(body) // 2], "application/json")
        elif kind == "huge-frame":
            await exchange.reply_bytes(200, body + b" " * (HUGE - len(body)), "application/json")
        else:
            await exchange.reply_bytes(200, body, "application/json")


def _without_ends(said: Answer) -> Answer:
    """The answer with the last sign of each call's arguments gone, so that they are no JSON."""
    return replace(said, calls=tuple(replace(call, arguments=call.arguments[:-1]) for call in said.calls))


def _key_sent(exchange: Exchange) -> str:
    key: bytes = exchange.headers.get("x-api-key") or exchange.headers.get("authorization", b"")
    return key.decode("latin-1")
