"""Checks of what a model answers over one family: reply, stream, usage, tokens, images, tools, schema."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.chat import schemas
from playground.gateway.errors import GatewayError
from playground.gateway.request import (
    ChatRequest,
    ImagePart,
    Message,
    OutputSchema,
    Part,
    TextPart,
    Tool,
)
from playground.gateway.wire import FAMILIES
from playground.verify import bench as b
from playground.verify.bench import Bench, Finding
from playground.verify.exchange import END_MARKS, Exchange

REPLY = "AnyInt OK"
ASK_REPLY = f"Reply with exactly: {REPLY}"
ASK_STREAM = "Stream three short bullet points about API gateways."
ASK_TOOL = "What is the weather in Paris? Use the tool get_weather."
ASK_JSON = "Tell me about the city of Paris. Answer with one JSON object only: city, country, population."
ASK_IMAGE = "Which colour fills this picture? Answer with one word."
WEATHER = Tool(
    "get_weather",
    "The weather of a city now.",
    {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "The name of the city"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "country": {"type": "string"},
        "population": {"type": "integer"},
    },
    "required": ["city", "country", "population"],
    "additionalProperties": False,
}
PICTURE_SIDE = 64
BUFFERED = (
    "Something between the gateway and this site holds the stream back: look at proxies and their buffering, "
    "or switch streaming off for this model."
)
TELL_PROVIDER = (
    "The gateway's move. Nothing is to be changed here; keep what is shown as evidence for support."
)
OTHER_MODEL = "Choose another model for this piece of work, or do without it."
# By the reason of an answer: what is said of it, and what is to be done.
ENDED_EARLY = {
    "refused": ("The model refused to answer", OTHER_MODEL),
    "filtered": (
        "A content filter stopped the answer",
        "The filter is the provider's: ask for something else, or choose another model for this.",
    ),
    "paused": ("The model paused half-way", "Let it continue: the chat offers that below such an answer."),
    "length": ("The answer was cut at its greatest length", "Allow longer answers, or choose another model."),
}
Asked = tuple[Exchange, Finding | None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One question that any model can be asked, and what its answer has to be. `what` names it in a list."""

    key: str
    what: str
    request: Callable[[str], ChatRequest]
    judge: Callable[[Exchange], Finding]


def tried(bench: Bench, family: str, trial: Trial, model: str) -> tuple[Exchange, Finding]:
    """Ask a model once a run, whichever checks rest on its answer."""
    asked = bench.ask(family, trial.request(model), once=f"{trial.key} {model}")
    return asked, b.of(asked, b.broken(asked.failure)) if asked.failure is not None else trial.judge(asked)


def reply(bench: Bench, family: str) -> Finding:
    """A minimal request: base address, key, JSON shape and access to the model at once."""
    asked, found = tried(bench, family, REPLY_TRIAL, bench.subject.model_for(family))
    if found.state == b.State.PASSED:
        found.said += _served(asked, bench, family)
    return found


def _judge_reply(asked: Exchange) -> Finding:
    text = asked.transcript.text.strip()
    if REPLY.lower() not in text.lower():
        said = (
            f"An answer came, but not the fixed reply: “{_short(text)}”." if text else "The answer is empty."
        )
        return bad(asked, said, OTHER_MODEL)
    if refused(asked):
        return bad(asked, "", "")
    return b.of(asked, b.passed(f"It replied “{_short(text)}”."))


def stream(bench: Bench, family: str) -> Finding:
    """Several chunks, and an end that says so."""
    asked, broken = _streamed(bench, family)
    if broken is not None:
        return broken
    if not asked.streamed:
        return _failed(asked, "A stream was asked for, and the answer came in one piece.", BUFFERED)
    if asked.deltas < 2:
        one = "The whole answer came in one chunk."
        return bad(asked, one, BUFFERED) if refused(asked) else _failed(asked, one, BUFFERED)
    mark = asked.end_mark(family)
    if not mark:
        wanted = END_MARKS[family][0]
        said = f"{asked.deltas} chunks came, but the stream ended without its end signal ({wanted})."
        return _failed(asked, said, TELL_PROVIDER)
    more = f" {_pieces(asked.ignored)} of kinds nobody knows here were passed over." if asked.ignored else ""
    return b.of(asked, b.passed(f"{asked.deltas} chunks came, and the end was told ({mark}).{more}"))


def usage(bench: Bench, family: str) -> Finding:
    """What a stream used is told, so that costs can be known."""
    asked, broken = _streamed(bench, family)
    if broken is not None:
        return broken
    told = asked.transcript.usage
    if told.input_tokens is None or told.output_tokens is None:
        fix = "Tokens and costs of streamed answers stay unknown here; they are never shown as 0."
        return _failed(asked, "The stream ended without telling what it used.", fix)
    return b.of(asked, b.passed(f"{told.input_tokens:,} tokens in and {told.output_tokens:,} out were told."))


def tokens(bench: Bench, family: str) -> Finding:
    """A request is counted before it is sent."""
    counting = FAMILIES[family].counting
    if counting is None:
        return b.impossible("This family has no route that counts tokens.")
    asked = bench.send(counting.encode(request_of(bench.subject.model_for(family), ASK_REPLY, stream=False)))
    if asked.failure is not None:
        return b.of(asked, b.broken(asked.failure))
    try:
        count = counting.read(bytes(asked.body))
    except GatewayError as error:
        return b.of(asked, b.broken(error))
    return b.of(asked, b.passed(f"The request has {count:,} tokens."))


def images(bench: Bench, family: str) -> Finding:
    """A small picture, inline, as the chat sends one."""
    return tried(bench, family, IMAGES_TRIAL, bench.subject.model_for(family))[1]


def _ask_images(model: str) -> ChatRequest:
    picture = ImagePart(media_type="image/png", data_b64=base64.b64encode(red_picture()).decode())
    return request_of(model, ASK_IMAGE, picture, stream=False)


def _judge_images(asked: Exchange) -> Finding:
    text = asked.transcript.text.strip()
    if not text or refused(asked):
        return bad(asked, "The picture was taken, but no answer about it came.", OTHER_MODEL)
    seen = "It names the colour." if "red" in text.lower() else f"It says: “{_short(text)}”."
    return b.of(asked, b.passed(f"A picture was taken and answered. {seen}"))


def tools(bench: Bench, family: str) -> Finding:
    """A tool is called by its name, with arguments that are JSON and fit its schema."""
    return tried(bench, family, TOOLS_TRIAL, bench.subject.model_for(family))[1]


def _judge_tools(asked: Exchange) -> Finding:
    calls = [part for part in asked.transcript.parts if part.kind == "tool_call"]
    if not calls:
        text = _short(asked.transcript.text)
        said = f"No tool was called; it said: “{text}”." if text else "No tool was called, and nothing said."
        return bad(asked, said, OTHER_MODEL)
    if calls[0].name != WEATHER.name:
        return bad(asked, f"A tool was called that is not there: {calls[0].name}.", OTHER_MODEL)
    verdict = schemas.judge(calls[0].text or "{}", dict(WEATHER.parameters))
    if not verdict["fits"]:
        said = f"The call's arguments do not fit the tool's schema: {_errors(verdict)}"
        return bad(asked, said, "Never run such a call: check arguments first, and ask again.")
    return b.of(asked, b.passed(f"{calls[0].name} was called with {_short(calls[0].text)}."))


def schema(bench: Bench, family: str) -> Finding:
    """The answer is JSON that fits the schema, judged here as the chat judges it."""
    return tried(bench, family, SCHEMA_TRIAL, bench.subject.model_for(family))[1]


def _judge_schema(asked: Exchange) -> Finding:
    verdict = schemas.judge(asked.transcript.text, CITY)
    if not verdict["fits"]:
        said = f"The answer does not fit the schema: {_errors(verdict)}"
        return bad(asked, said, "Check answers against the schema and ask again when they do not fit.")
    return b.of(asked, b.passed(f"The answer fits: {_short(asked.transcript.text)}"))


def bad(asked: Exchange, said: str, fix: str) -> Finding:
    """What is missing in an answer; of one that the provider or the model ended early only that."""
    if (ended := ENDED_EARLY.get(asked.transcript.reason)) is not None:
        text = _short(asked.transcript.text)
        said, fix = f"{ended[0]}{f': “{text}”' if text else '; no word came'}.", ended[1]
    return _failed(asked, said, fix)


def _failed(asked: Exchange, said: str, fix: str) -> Finding:
    return b.of(asked, b.failed(said, fix))


def refused(asked: Exchange) -> bool:
    return asked.transcript.reason in ("refused", "filtered")


def _streamed(bench: Bench, family: str) -> Asked:
    request = request_of(bench.subject.model_for(family), ASK_STREAM, stream=True)
    asked = bench.ask(family, request, once="stream")
    return asked, b.of(asked, b.broken(asked.failure)) if asked.failure is not None else None


def request_of(model: str, text: str, *parts: Part, stream: bool, **more: Any) -> ChatRequest:
    """One question with what goes along: more parts, and fields of the request."""
    return ChatRequest(model, (Message("user", (TextPart(text), *parts)),), stream=stream, **more)


REPLY_TRIAL = Trial(
    "reply", "a fixed reply", lambda model: request_of(model, ASK_REPLY, stream=False), _judge_reply
)
IMAGES_TRIAL = Trial("images", "a picture", _ask_images, _judge_images)
TOOLS_TRIAL = Trial(
    "tools",
    "a tool call",
    lambda model: request_of(model, ASK_TOOL, stream=True, tools=(WEATHER,)),
    _judge_tools,
)
SCHEMA_TRIAL = Trial(
    "schema",
    "structured output",
    lambda model: request_of(model, ASK_JSON, stream=False, schema=OutputSchema(CITY, "city")),
    _judge_schema,
)
# What a fallback has to take as its first choice does; the reply comes first.
TRIALS = (REPLY_TRIAL, TOOLS_TRIAL, SCHEMA_TRIAL, IMAGES_TRIAL)


def red_picture() -> bytes:
    """A PNG of one colour, made here so that nothing is fetched."""
    row = b"\0" + b"\xd0\x20\x20" * PICTURE_SIDE
    head = struct.pack(">IIBBBBB", PICTURE_SIDE, PICTURE_SIDE, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", head), (b"IDAT", zlib.compress(row * PICTURE_SIDE)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in pieces
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _served(asked: Exchange, bench: Bench, family: str) -> str:
    served, wanted = asked.transcript.model, bench.subject.model_for(family)
    return f" The model that answered calls itself {served}." if served and served != wanted else ""


def _errors(verdict: dict[str, Any]) -> str:
    first = next(iter(verdict["errors"]), {"pointer": "", "message": "it could not be checked"})
    return f"{first['pointer'] or 'the whole'}: {_short(first['message'])}"


def _pieces(count: int) -> str:
    return "1 piece" if count == 1 else f"{count} pieces"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"
