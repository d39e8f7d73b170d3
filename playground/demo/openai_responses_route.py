"""The routes POST /openai/v1/responses and GET /openai/v1/responses/{id}."""

import time
from collections import OrderedDict
from itertools import count
from typing import Any

from .caching import PromptCache
from .citing import pages
from .conduct import Conduct
from .disorder import end_of
from .exchange import Exchange, Refused, json_bytes
from .fields import model_id, parse
from .models import Model, Shelf
from .openai_responses import Reply, usage
from .openai_responses_body import ResponsesBody, read
from .openai_responses_disorder import disordered
from .records import Record
from .spoken import speak
from .stream import play

_PATH = "/openai/v1/responses/"
_KEPT = 20
_OVERHEAD = 3


def is_stored(path: str) -> bool:
    """Whether the path names one response."""
    rest = path.removeprefix(_PATH)
    return path.startswith(_PATH) and bool(rest) and "/" not in rest


class ResponsesRoute:
    """Answers Responses requests; remembers prompt prefixes, and the last answers that may be kept."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._conduct = Conduct(shelf, speed=speed)
        self._cache = PromptCache()
        self._numbers = count(1)
        self._stored: OrderedDict[str, dict[str, Any]] = OrderedDict()

    async def __call__(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        fields = parse(raw)
        record.note(fields, messages="input")
        model = self._conduct.model(model_id(fields))
        body = read(fields, reasons=model.reasons)
        if model.fault and await self._conduct.strike(exchange, model.fault, body.prefixes[-1]):
            return
        reply = self._reply(model, body)
        kind = model.fault.kind if model.fault else ""
        fails = kind == "error-after"
        written = reply.failed() if fails else reply.ended()
        if body.stores:
            self._keep(written)
        if body.stream and kind != "json-instead":
            sent = disordered(reply, model.fault)
            await play(exchange, sent, self._conduct.pace(model), end=end_of(model.fault))
        elif fails:
            # The family says so in an answer that is otherwise in order.
            await exchange.reply(200, written)
        else:
            await self._conduct.reply(exchange, model, json_bytes(written), reply.spoken.tokens)

    def stored(self, path: str) -> dict[str, Any]:
        name = path.removeprefix(_PATH)
        if name not in self._stored:
            raise Refused(404, f"Response with id '{name[:80]}' not found.", code=None, param="id")
        return self._stored[name]

    def _keep(self, response: dict[str, Any]) -> None:
        self._stored[response["id"]] = response
        if len(self._stored) > _KEPT:
            self._stored.popitem(last=False)

    def _reply(self, model: Model, body: ResponsesBody) -> Reply:
        said = self._conduct.say(model, body.ask, seeded=body.seeded, reasons=body.thinks)
        spoken = speak(said, body.ask)
        cached = self._cache.cached(body.prefixes, body.tokens, keyed=bool(body.cache_key))
        told = usage(sum(body.tokens) + _OVERHEAD, cached, spoken)
        return Reply(
            id=f"resp_demo{next(self._numbers):08}",
            model=model.served_model,
            created=int(time.time()),
            spoken=spoken,
            usage=None if model.fault and model.fault.kind == "no-usage" else told,
            repeated=body.repeated,
            summary=body.summary,
            encrypts=body.encrypts,
            cited=pages(body.ask, spoken),
        )
