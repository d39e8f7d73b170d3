"""The routes POST /anthropic/v1/messages and /anthropic/v1/messages/count_tokens."""

from dataclasses import replace
from itertools import count

from .answers import Answer
from .anthropic import Reply, whole
from .anthropic_body import MessagesBody, read
from .anthropic_cache import PromptCache, input_tokens
from .anthropic_disorder import disordered
from .anthropic_errors import AnthropicRefused, wrong
from .anthropic_thinking import redact, sign
from .citing import pages
from .conduct import Conduct
from .disorder import end_of
from .exchange import Exchange, Refused, json_bytes
from .fields import parse
from .models import Model, Shelf
from .records import Record, digest
from .spoken import Spoken, speak
from .stream import play

_BEFORE_REFUSAL = 3


class MessagesRoute:
    """Answers messages; remembers what was written to the prompt cache."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._conduct = Conduct(shelf, speed=speed)
        self._cache = PromptCache()
        self._numbers = count(1)

    async def __call__(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        try:
            await self._answer(exchange, raw, record)
        except Refused as refused:
            raise AnthropicRefused(refused, request_id=exchange.request_id) from None

    async def count(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        try:
            await self._count(exchange, raw, record)
        except Refused as refused:
            raise AnthropicRefused(refused, request_id=exchange.request_id) from None

    async def _answer(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        model, body = self._read(exchange, raw, record, counting=False)
        prompt = digest(body.model.encode(errors="replace"), *(block.digest for block in body.prompt))
        if model.fault and await self._conduct.strike(exchange, model.fault, prompt):
            return
        reply = self._reply(model, body)
        kind = model.fault.kind if model.fault else ""
        if body.stream and kind != "json-instead":
            sent = disordered(reply, model.fault)
            await play(exchange, sent, self._conduct.pace(model), end=end_of(model.fault))
            return
        written = whole(reply)
        if kind == "no-usage":
            del written["usage"]
        await self._conduct.reply(exchange, model, json_bytes(written), reply.spoken.tokens)

    async def _count(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        model, body = self._read(exchange, raw, record, counting=True)
        prompt = digest(b"count", *(block.digest for block in body.prompt))
        if model.fault and await self._conduct.strike(exchange, model.fault, prompt):
            return
        await exchange.reply(200, {"input_tokens": input_tokens(body.prompt)})

    def _read(
        self, exchange: Exchange, raw: bytes, record: Record, *, counting: bool
    ) -> tuple[Model, MessagesBody]:
        fields = parse(raw)
        record.note(fields, messages="messages")
        if not exchange.headers.get("anthropic-version"):
            raise wrong("anthropic-version", "header is required")
        body = read(fields, counting=counting)
        return self._conduct.model(body.model), body

    def _reply(self, model: Model, body: MessagesBody) -> Reply:
        spoken = self._speak(model, body)
        thinking = "".join(spoken.reasoning)
        hidden = thinking and "redacted" in body.ask.question[:4000].lower()
        return Reply(
            id=f"msg_demo{next(self._numbers):08}",
            model=model.served_model,
            spoken=spoken,
            input=self._cache.figures(model.id, body.prompt),
            # By the id that was asked for: that is what the client will name when it sends the block back.
            signature=sign(thinking, model=body.model) if thinking else "",
            redacted=redact(thinking, model=body.model) if hidden else "",
            cited=pages(body.ask, spoken),
        )

    def _speak(self, model: Model, body: MessagesBody) -> Spoken:
        said = self._conduct.say(model, body.ask, seeded=body.seeded, reasons=body.thinks)
        if said.calls and not body.ask.must_call:
            said = replace(said, text=_announced(said))
        spoken = speak(said, body.ask)
        if spoken.refusal:
            # A refusal comes as a reason, not as text; a stream may have said a few words by then.
            begun = spoken.refusal[:_BEFORE_REFUSAL] if body.stream else []
            return replace(spoken, text=begun, refusal=[], finish="content_filter")
        if model.fault and model.fault.kind == "pause" and body.ask.last.role == "user":
            return replace(spoken, text=spoken.text[: len(spoken.text) // 2], finish="pause")
        return spoken


def _announced(said: Answer) -> str:
    names = list(dict.fromkeys(f"`{call.name}`" for call in said.calls))
    return f"I will look that up with {' and '.join(names)}."
