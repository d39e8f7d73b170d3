"""The route POST /openai/v1/chat/completions from body to last byte."""

from itertools import count

from .caching import PromptCache
from .conduct import Conduct
from .disorder import end_of
from .exchange import Exchange, json_bytes
from .fields import parse
from .models import Model, Shelf
from .openai_chat import Wire, usage
from .openai_chat_body import ChatBody, prefixes, read
from .openai_chat_disorder import frames
from .records import Record
from .spoken import Spoken, speak
from .stream import play


class ChatRoute:
    """Answers chat requests; remembers prompt prefixes for the cache figure."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._conduct = Conduct(shelf, speed=speed)
        self._cache = PromptCache()
        self._numbers = count(1)

    async def __call__(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        fields = parse(raw)
        record.note(fields, messages="messages")
        body = read(fields)
        model = self._conduct.model(body.model)
        chain = prefixes(body)
        if model.fault and await self._conduct.strike(exchange, model.fault, chain[-1]):
            return
        spoken = [self._speak(model, body, index) for index in range(body.choices)]
        cached = self._cache.cached(chain, body.message_tokens, keyed=bool(body.cache_key))
        told = usage(body.prompt_tokens, cached, spoken)
        wire = Wire.new(f"chatcmpl-demo{next(self._numbers):08}", model.served_model)
        kind = model.fault.kind if model.fault else ""
        if body.stream and kind != "json-instead":
            sent = frames(wire, spoken, told, model.fault, tell_usage=body.include_usage)
            await play(exchange, sent, self._conduct.pace(model), end=end_of(model.fault))
        else:
            whole = json_bytes(wire.whole(spoken, None if kind == "no-usage" else told))
            await self._conduct.reply(exchange, model, whole, sum(one.tokens for one in spoken))

    def _speak(self, model: Model, body: ChatBody, index: int) -> Spoken:
        said = self._conduct.say(model, body.ask, seeded=body.seeded, reasons=model.reasons, index=index)
        return speak(said, body.ask)
