"""What is sent to Anthropic messages and its token counting route (contract sections 9 and 17)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from playground.gateway import errors, exact
from playground.gateway.request import (
    ChatRequest,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    WireRequest,
)
from playground.gateway.wire import body
from playground.gateway.wire.anthropic_params import MAX_TOKENS, SMALLEST_BUDGET
from playground.gateway.wire.reading import is_bare_error, tokens

PATH = "/anthropic/v1/messages"
COUNT_PATH = "/anthropic/v1/messages/count_tokens"
HEADERS = {"anthropic-version": "2023-06-01"}
# More cache marks than this in one request are refused.
MOST_MARKS = 4

# What `encode` writes itself; a parameter of the same name is not taken.
_OURS = frozenset({"model", "messages", "system", "stream", "tools", "tool_choice"})
# What shapes the answer only; the counting route refuses it.
_NOT_COUNTED = frozenset(
    {"max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata"}
    | {"service_tier", "container", "inference_geo", "diagnostics"}
)
_ONE_AT_A_TIME = "tool_choice.disable_parallel_tool_use"
_UNFIT = re.compile("[^A-Za-z0-9_-]")


def encode(request: ChatRequest) -> WireRequest:
    """The request as this family sends it. Raises GatewayError("invalid_request") if it has no JSON form."""
    wire = {"max_tokens": MAX_TOKENS} | _wire(request) | {"stream": request.stream}
    return body.post(PATH, wire, request, auth="x-api-key", headers=HEADERS)


def encode_count(request: ChatRequest) -> WireRequest:
    """The question how many tokens the request has. Raises as `encode` does."""
    asked = replace(request, stream=False, extra=_counted(request.extra))
    return body.post(COUNT_PATH, _counted(_wire(request)), asked, auth="x-api-key", headers=HEADERS)


def read_count(answer: bytes) -> int:
    """Raises GatewayError: what the body says if it is an error, else "protocol"."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and (told.get("error") or is_bare_error(told)):
        raise errors.from_error_object(told)
    count = tokens(told.get("input_tokens")) if isinstance(told, dict) else None
    if count is None:
        raise errors.GatewayError("protocol", "The gateway's answer holds no token count.", code="no_count")
    return count


def _counted(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _NOT_COUNTED}


def _wire(request: ChatRequest) -> dict[str, Any]:
    wire: dict[str, Any] = {"model": request.model} | body.nested(request.params, without=_OURS)
    if isinstance(thinking := wire.get("thinking"), dict):
        wire["thinking"] = _thinking(thinking)
    if request.schema is not None:
        form = {"type": "json_schema", "schema": dict(request.schema.schema)}
        wire["output_config"] = {**wire.get("output_config", {}), "format": form}
    mark = {"type": "ephemeral", "ttl": request.caching.ttl}
    marks = MOST_MARKS
    if request.system:
        wire["system"] = request.system
        if request.caching.system:
            wire["system"] = [{"type": "text", "text": request.system, "cache_control": mark}]
            marks -= 1
    if request.tools:
        wire["tools"] = [_tool(tool) for tool in request.tools]
        if request.caching.tools:
            wire["tools"][-1]["cache_control"] = mark
            marks -= 1
        if choice := _tool_choice(request):
            wire["tool_choice"] = choice
    return wire | {"messages": _messages(request.messages, mark, marks)}


def _thinking(thinking: Mapping[str, Any]) -> dict[str, Any]:
    """A budget alone enables thinking; enabled thinking has to have one, any other must not."""
    if thinking.get("type", "enabled") != "enabled":
        return {name: value for name, value in thinking.items() if name != "budget_tokens"}
    return {"type": "enabled", "budget_tokens": SMALLEST_BUDGET} | dict(thinking)


def _tool(tool: Tool) -> dict[str, Any]:
    told = {"description": tool.description} if tool.description else {}
    schema = {"type": "object"} | (dict(tool.parameters) or {"properties": {}})
    return {"name": tool.name, **told, "input_schema": schema}


def _tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    alone, choice = request.params.get(_ONE_AT_A_TIME), request.tool_choice
    if choice is None and alone is None:
        return None
    if choice == "none":
        return {"type": "none"}
    named = {"auto": "auto", None: "auto", "required": "any"}.get(choice)
    wire: dict[str, Any] = {"type": named} if named else {"type": "tool", "name": choice}
    return wire if alone is None else wire | {"disable_parallel_tool_use": alone}


@dataclass(frozen=True, slots=True)
class _Turn:
    """Messages of one role in a row: the API wants user and assistant in turns."""

    role: str
    blocks: list[Any]


def _messages(messages: tuple[Message, ...], mark: Mapping[str, str], marks: int) -> list[dict[str, Any]]:
    """The turns. Of the blocks worth a cache mark, the newest get one, as far as `marks` go."""
    native_ids = {
        part.call_id
        for message in messages
        if message.native
        for part in message.parts
        if isinstance(part, ToolCallPart)
    }
    turns: list[_Turn] = []
    marked: list[dict[str, Any]] = []
    last_own: dict[str, Any] | None = None
    for message in messages:
        blocks = list(_blocks(message, native_ids))
        # Native content stays as it is: a mark after it moves back to the block before.
        last_own = next((block for block in reversed(blocks) if isinstance(block, dict)), last_own)
        if message.cached and last_own is not None and not any(last_own is block for block in marked):
            marked.append(last_own)
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1].role == role:
            turns[-1].blocks.extend(blocks)
        elif blocks:
            turns.append(_Turn(role, blocks))
    for block in marked[max(0, len(marked) - marks) :]:
        block["cache_control"] = mark
    return [{"role": turn.role, "content": _content(turn.blocks)} for turn in turns]


def _content(blocks: list[Any]) -> str | list[Any]:
    if len(blocks) == 1 and isinstance(blocks[0], dict) and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    # The results of tools come first in their turn, or the API takes them for missing.
    return sorted(blocks, key=lambda block: not (isinstance(block, dict) and block["type"] == "tool_result"))


def _blocks(message: Message, native_ids: set[str]) -> Iterator[Any]:
    if message.native:
        # The blocks of the array, untouched, as one element of the array they will be in.
        if inner := message.native.strip()[1:-1].strip():
            yield exact.Source(inner)
        return
    for part in message.parts:
        match part:
            # An empty text block is refused.
            case TextPart() if part.text:
                yield {"type": "text", "text": part.text}
            case ImagePart():
                yield {"type": "image", "source": _source(part)}
            case ToolCallPart():
                call_id = _fitting(part.call_id, native_ids)
                arguments = body.arguments_object(part.arguments)
                yield {"type": "tool_use", "id": call_id, "name": part.name, "input": arguments}
            case ToolResultPart():
                yield {
                    "type": "tool_result",
                    "tool_use_id": _fitting(part.call_id, native_ids),
                    "content": part.content,
                    "is_error": part.failed,
                }


def _source(image: ImagePart) -> dict[str, str]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data_b64}


def _fitting(call_id: str, native_ids: set[str]) -> str:
    """The id of a call as the API takes it: other families' ids hold more characters. Native ones stay."""
    return call_id if call_id in native_ids else _UNFIT.sub("_", call_id)
