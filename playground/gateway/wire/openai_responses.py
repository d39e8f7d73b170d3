"""OpenAI Responses: `POST /openai/v1/responses` (contract section 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from playground.gateway import exact
from playground.gateway.assembly import word
from playground.gateway.events import Event
from playground.gateway.request import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    WireRequest,
)
from playground.gateway.wire import body, reading
from playground.gateway.wire.family import Family, UsageWords
from playground.gateway.wire.openai_responses_answers import PARTED, Decoder
from playground.gateway.wire.openai_responses_params import PARAMS
from playground.gateway.wire.reading import inner

PATH = "/openai/v1/responses"

# What `encode` writes itself; a parameter of the same name is not taken. The gateway refuses
# previous_response_id (contract section 7): the history always goes up whole.
_OURS = frozenset(
    {"model", "input", "instructions", "stream", "tools", "tool_choice", "previous_response_id"}
)
# Models from before reasoning, a closed list: asked for encrypted reasoning they answer with 400
# "Encrypted content is not supported with this model" (ShishirPatil/gorilla#1150).
_CANNOT_REASON = re.compile(r"(?:^|/)(?:chatgpt-|gpt-3|gpt-4|gpt-5-chat)")


def encode(request: ChatRequest) -> WireRequest:
    """The request as this family sends it. Raises GatewayError("invalid_request") if it has no JSON form."""
    wire = body.nested(request.params, without=_OURS)
    stored = bool(request.extra.get("store", wire.setdefault("store", False)))
    if not stored and not _CANNOT_REASON.search(request.model):
        # Nothing is kept at the provider, so reasoning is only replayable if it comes along, encrypted.
        wire.setdefault("include", ["reasoning.encrypted_content"])
    wire |= {"model": request.model, "stream": request.stream}
    wire["input"] = list(_input(request.messages, stored=stored))
    if request.system:
        wire["instructions"] = request.system
    if request.schema is not None:
        schema = {"name": request.schema.name, "strict": request.schema.strict}
        form = {"type": "json_schema", **schema, "schema": dict(request.schema.schema)}
        wire["text"] = {**inner(wire, "text"), "format": form}
    if request.tools:
        wire["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice:
            wire["tool_choice"] = _tool_choice(request.tool_choice)
    return body.post(PATH, wire, request)


def _input(messages: Sequence[Message], *, stored: bool) -> Iterator[Any]:
    free: set[str] = set()
    for message in messages:
        native = _native_items(message.native)
        free |= {word(item.get("call_id")) for item in native if item.get("type") == "custom_tool_call"}
        for item in native:
            if stored or not _lost_upstream(item):
                yield exact.Source(exact.dumps(item, ascii_only=True))
        if not native:
            yield from _items(message, free)


def _native_items(native: str) -> list[dict[str, Any]]:
    try:
        items = exact.loads(native) if native else []
    except (ValueError, RecursionError):
        return []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _lost_upstream(item: dict[str, Any]) -> bool:
    """Reasoning that is a mere reference to what was not stored: sent back, the request is refused with
    "Item with id … not found" (vercel/ai#7543).
    """
    bare = not item.get("encrypted_content") and not item.get("content")
    return item.get("type") == "reasoning" and bare


def _items(message: Message, free: set[str]) -> Iterator[dict[str, Any]]:
    """One item each for calls and results, one for what is said between them. `free`: the calls of
    tools that take free text, whose results have a type of their own.
    """
    role = "assistant" if message.role == "assistant" else "user"
    for of_tools, parts in groupby(message.parts, lambda p: isinstance(p, (ToolCallPart, ToolResultPart))):
        if of_tools:
            yield from (_tool_item(part, free) for part in parts)
        elif blocks := [block for part in parts if (block := _block(part, role))]:
            yield {"role": role, "content": blocks}


def _tool_item(part: Part, free: set[str]) -> dict[str, Any]:
    if isinstance(part, ToolResultPart):
        made = "custom_tool_call" if part.call_id in free else "function_call"
        return {"type": f"{made}_output", "call_id": part.call_id, "output": part.content}
    assert isinstance(part, ToolCallPart)
    call = {"type": "function_call", "call_id": part.call_id, "name": part.name}
    return call | {"arguments": part.arguments or "{}"}


def _block(part: Part, role: str) -> dict[str, Any]:
    """A block of a message; an assistant's holds text only."""
    if isinstance(part, TextPart):
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}
    if role == "assistant":
        return {}
    if isinstance(part, ImagePart):
        url = part.url or f"data:{part.media_type};base64,{part.data_b64}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    return {"type": "input_file", "file_url": part.url} if isinstance(part, FilePart) else {}


def _tool(tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    wire["parameters"] = dict(tool.parameters) or {"type": "object", "properties": {}}
    # Unlike chat, this family is strict unless told, and then refuses many a valid schema.
    return wire | {"strict": False}


def _tool_choice(choice: str) -> Any:
    return choice if choice in ("auto", "none", "required") else {"type": "function", "name": choice}


def decode_whole(whole: bytes) -> list[Event]:
    """A non-streamed answer as the same events. Never raises."""
    decoder = Decoder()
    source = whole.decode("utf-8", "replace")
    return reading.decode_whole(whole, decoder, lambda answer: decoder.take_whole(answer, source))


def unshown(native: str) -> tuple[str, ...]:
    """The types of items that no part of ours stands for, such as a search the provider made."""
    kinds = [word(item.get("type")) for item in _native_items(native)]
    return tuple(dict.fromkeys(kind for kind in kinds if kind not in PARTED))


FAMILY = Family(
    key="openai_responses",
    label="Responses",
    encode=encode,
    decoder=Decoder,
    decode_whole=decode_whole,
    params=PARAMS,
    usage=UsageWords(
        fresh="the rest of input_tokens",
        cache_read="input_tokens_details.cached_tokens",
        cache_write="input_tokens_details.cache_write_tokens",
        answer="the rest of output_tokens",
        reasoning="output_tokens_details.reasoning_tokens",
    ),
    models="openai_chat",
    beta=True,
    unshown=unshown,
    takes_files=True,
)
