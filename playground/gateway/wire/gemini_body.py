"""Gemini: the request body (contract section 10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from playground.gateway import exact
from playground.gateway.assembly import word
from playground.gateway.request import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    WireRequest,
)
from playground.gateway.wire import body
from playground.gateway.wire.reading import inner

PATH = "/gemini/v1beta/models/{model}:{method}"

# What `encode` writes itself; a parameter of the same name is not taken.
_OURS = frozenset({"contents", "systemInstruction", "tools", "toolConfig"})
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}

# A file by its address needs its type, which only the name can tell. A table of our own: that of the
# operating system differs from machine to machine.
_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
}

# From version 3 on a model refuses the first call of a past turn without its signature (upstream: Gemini
# API, thought signatures). For calls that no Gemini model made, the same page gives this word instead. A
# gateway's names need not tell the version: only those that say an older one go without.
_UNSIGNED = "skip_thought_signature_validator"
_WANTS_NO_SIGNATURE = re.compile(r"gemini-(?:pro|[12](?!\d))")

# What both ways to declare parameters understand, and how deep such a schema is looked into.
_PLAIN_WORDS = (
    "type format title description nullable enum items minItems maxItems properties required minProperties "
    "maxProperties minLength maxLength pattern minimum maximum anyOf default"
)
_PLAIN = frozenset(_PLAIN_WORDS.split())
_DEEPEST = 20


def encode(request: ChatRequest) -> WireRequest:
    """The request as this family sends it. Raises GatewayError("invalid_request") if it has no JSON form."""
    params = {name: _param(name, value) for name, value in request.params.items()}
    wire = body.nested(params, without=_OURS)
    if request.schema is not None:
        schema = dict(request.schema.schema)
        wire.setdefault("generationConfig", {}).update(
            responseMimeType="application/json", responseJsonSchema=schema
        )
    if request.system:
        wire["systemInstruction"] = {"parts": [{"text": request.system}]}
    wire["contents"] = list(_contents(request))
    if request.tools:
        wire["tools"] = [{"functionDeclarations": [_tool(tool) for tool in request.tools]}]
        if request.tool_choice:
            wire["toolConfig"] = {"functionCallingConfig": _tool_choice(request.tool_choice)}
    method = "streamGenerateContent" if request.stream else "generateContent"
    # The id is encoded whole, a slash in it too; the colon before the method is part of the path.
    path = PATH.format(model=quote(request.model, safe="", errors="replace"), method=method)
    return body.post(path, wire, request, query={"alt": "sse"} if request.stream else {})


def _param(name: str, value: Any) -> Any:
    """Two parameters are easier to choose by one word than as the wire has them."""
    if name == "generationConfig.responseModalities" and isinstance(value, str):
        return [each.strip() for each in value.split(",")]
    if name == "generationConfig.thinkingConfig.thinkingLevel" and isinstance(value, str):
        return value.upper()
    return value


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call of an earlier answer, as its result needs it. `call_id`: "" if it goes up without one."""

    place: int
    name: str
    call_id: str


def _contents(request: ChatRequest) -> Iterator[dict[str, Any]]:
    """One content each turn; one that would be empty is left out, as it would be refused."""
    signs = not _WANTS_NO_SIGNATURE.search(request.model)
    asked: dict[str, _Asked] = {}
    for message in request.messages:
        asked |= _asked(message)
        role = "model" if message.role == "assistant" else "user"
        if message.native and role == "model":
            yield {"role": role, "parts": exact.Source(message.native)}
        elif parts := _parts(message, asked, signs=signs):
            yield {"role": role, "parts": parts}


def _asked(message: Message) -> dict[str, _Asked]:
    """The calls of a message by their ids. Native content may have none: the ones we made mean nothing."""
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    told = {call.call_id for call in calls}
    if calls and message.native:
        told = {word(inner(part, "functionCall").get("id")) for part in exact.loads(message.native)}
    return {
        call.call_id: _Asked(place, call.name, call.call_id if call.call_id in told else "")
        for place, call in enumerate(calls)
    }


def _parts(message: Message, asked: Mapping[str, _Asked], *, signs: bool) -> list[dict[str, Any]]:
    """The results first, in the order of the calls: twins without an id are told apart by nothing else."""
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    results.sort(key=lambda part: asked[part.call_id].place if part.call_id in asked else len(asked))
    wire = [_result(part, asked.get(part.call_id)) for part in results]
    wire += [_part(part) for part in message.parts if not isinstance(part, ToolResultPart)]
    first = next((part for part in wire if "functionCall" in part), None)
    if signs and first is not None:
        first["thoughtSignature"] = _UNSIGNED
    return [part for part in wire if part != {"text": ""}]


def _part(part: TextPart | ImagePart | FilePart | ToolCallPart) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart():
            if part.data_b64:
                return {"inlineData": {"mimeType": part.media_type, "data": part.data_b64}}
            return _file(part.url, part.media_type or _type_of(part.url) or "image/jpeg")
        case FilePart():
            return _file(part.url, part.media_type or _type_of(part.url))
        case ToolCallPart():
            arguments = body.arguments_object(part.arguments)
            return {"functionCall": {"id": part.call_id, "name": part.name, "args": arguments}}


def _file(url: str, media_type: str) -> dict[str, Any]:
    """Without a type for what has none in its name, such as the page of a video."""
    return {"fileData": ({"mimeType": media_type} if media_type else {}) | {"fileUri": url}}


def _type_of(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return _TYPES.get(path.rpartition(".")[2].lower(), "")


def _result(part: ToolResultPart, asked: _Asked | None) -> dict[str, Any]:
    call_id = asked.call_id if asked else part.call_id
    named = {"name": part.name or (asked.name if asked else "")}
    return {"functionResponse": ({"id": call_id} if call_id else {}) | named | {"response": _said(part)}}


def _said(part: ToolResultPart) -> dict[str, Any]:
    """The result as the object it has to be."""
    if part.failed:
        return {"error": part.content}
    try:
        value = exact.loads(part.content)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"result": part.content}


def _tool(tool: Tool) -> dict[str, Any]:
    """`parameters` takes part of JSON Schema and is what AnyInt documents; the official SDK sends whole
    schemas as `parametersJsonSchema`. So the newer field is used where the older would be refused, and
    neither for a tool that takes nothing, as an object without properties is refused too.
    """
    declared: dict[str, Any] = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    schema = dict(tool.parameters)
    if schema.keys() <= {"type", "properties", "additionalProperties"} and not schema.get("properties"):
        return declared
    return declared | {"parameters" if _is_plain(schema, _DEEPEST) else "parametersJsonSchema": schema}


def _is_plain(schema: Any, deep: int) -> bool:
    if not deep or not isinstance(schema, Mapping) or not schema.keys() <= _PLAIN:
        return False
    kind, properties = schema.get("type"), schema.get("properties", {})
    if not isinstance(kind, str) and "anyOf" not in schema:
        return False
    if not isinstance(properties, Mapping) or (kind == "object" and not properties):
        return False
    either, values = schema.get("anyOf", []), schema.get("enum", [])
    if not isinstance(either, list) or not isinstance(values, list):
        return False
    inside = [*properties.values(), *either, *([schema["items"]] if "items" in schema else [])]
    words = all(isinstance(value, str) for value in values)
    return words and all(_is_plain(each, deep - 1) for each in inside)


def _tool_choice(choice: str) -> dict[str, Any]:
    if choice in _MODES:
        return {"mode": _MODES[choice]}
    return {"mode": "ANY", "allowedFunctionNames": [choice]}
