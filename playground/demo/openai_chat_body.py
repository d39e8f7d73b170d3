"""Reads the body of POST /openai/v1/chat/completions and refuses what is wrong with it, by field name."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .asks import Ask, Image, Said, Tool, read_image
from .caching import chain
from .fields import check_booleans, check_numbers, check_strings, is_whole, model_id, wrong
from .pace import estimate
from .records import digest

# Tuples, not sets: what a caller sends in their place may have no hash.
_ROLES = ("system", "developer", "user", "assistant", "tool")
_MOST_CHOICES = 8
_IMAGE_TOKENS = 765
_RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
_BOOLEANS = ("stream", "parallel_tool_calls", "logprobs", "store")
_STRINGS = ("prompt_cache_key", "user", "reasoning_effort")
_FORMATS = ("text", "json_object", "json_schema")


@dataclass(frozen=True, slots=True)
class ChatBody:
    """A request that was found to be in order."""

    model: str
    ask: Ask
    stream: bool
    include_usage: bool
    choices: int
    cache_key: str
    seeded: bool
    message_digests: tuple[bytes, ...]
    message_tokens: tuple[int, ...]

    @property
    def prompt_tokens(self) -> int:
        return sum(self.message_tokens) + 3


def read(body: dict[str, Any]) -> ChatBody:
    """The request as an Ask; Refused(400) names the first field that is wrong."""
    model = model_id(body)
    messages = _messages(body.get("messages"))
    _check_scalars(body)
    choices = body.get("n")
    if choices is not None and not is_whole(choices, 1, _MOST_CHOICES):
        raise wrong("n", f"n must be an integer from 1 to {_MOST_CHOICES}")
    return ChatBody(
        model=model,
        ask=_ask(body, messages),
        stream=body.get("stream") is True,
        include_usage=_include_usage(body),
        choices=choices or 1,
        cache_key=body.get("prompt_cache_key") or "",
        # As with a real model: a seed, or no randomness at all, asks for the same answer again.
        seeded=body.get("seed") is not None or body.get("temperature") == 0,
        message_digests=tuple(_digest(message) for message in messages),
        message_tokens=tuple(_tokens(message) for message in messages),
    )


def _messages(value: object) -> list[dict[str, Any]]:
    if value is None:
        raise wrong("messages", "messages is required")
    if not isinstance(value, list) or not value:
        raise wrong("messages", "messages must be a list with at least one message")
    for place, message in enumerate(value):
        name = f"messages[{place}]"
        if not isinstance(message, dict):
            raise wrong(name, f"{name} must be an object")
        if message.get("role") not in _ROLES:
            raise wrong(f"{name}.role", f"{name}.role must be one of: {', '.join(_ROLES)}")
        _check_content(message, name)
    return value


def _check_content(message: dict[str, Any], name: str) -> None:
    content = message.get("content")
    if content is None:
        if message["role"] != "assistant":
            raise wrong(f"{name}.content", f"{name}.content is required")
    elif not isinstance(content, (str, list)):
        raise wrong(f"{name}.content", f"{name}.content must be a string or a list")
    if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise wrong(f"{name}.tool_call_id", f"{name}.tool_call_id is required for role tool")


def _check_scalars(body: dict[str, Any]) -> None:
    check_numbers(body, _RANGES)
    check_booleans(body, _BOOLEANS)
    check_strings(body, _STRINGS)
    if body.get("seed") is not None and not is_whole(body["seed"], -(2**63), 2**63):
        raise wrong("seed", "seed must be an integer")


def _include_usage(body: dict[str, Any]) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise wrong("stream_options", "stream_options must be an object")
    if body.get("stream") is not True:
        raise wrong("stream_options", "stream_options is only allowed when stream is true")
    return options.get("include_usage") is True


def _ask(body: dict[str, Any], messages: list[dict[str, Any]]) -> Ask:
    names = _call_names(messages)
    said, system = [], []
    for place, message in enumerate(messages):
        text, images = _content(message, f"messages[{place}].content")
        if message["role"] in ("system", "developer"):
            system.append(text)
        else:
            tool = names.get(message["tool_call_id"], "") if message["role"] == "tool" else ""
            said.append(Said(message["role"], text, images, tool))
    if not said:
        raise wrong("messages", "messages must contain a user message")
    schema, as_json = _response_format(body.get("response_format"))
    return Ask(
        said=tuple(said),
        system="\n".join(system),
        tools=_tools(body),
        parallel=body.get("parallel_tool_calls") is not False,
        must_call=body.get("tool_choice") not in (None, "auto"),
        as_json=as_json,
        schema=schema,
        effort=body.get("reasoning_effort") or "",
        max_tokens=_max_tokens(body),
        stops=_stops(body.get("stop")),
        salt=repr([body.get(name) for name in ("seed", "temperature", "top_p")]).encode(),
    )


def _content(message: dict[str, Any], name: str) -> tuple[str, tuple[Image, ...]]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or "", ()
    texts: list[str] = []
    images: list[Image] = []
    for place, block in enumerate(content):
        where = f"{name}[{place}]"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif kind == "image_url" and message["role"] == "user":
            images.append(_image(block.get("image_url"), f"{where}.image_url.url"))
        elif kind == "refusal" and message["role"] == "assistant":
            texts.append(str(block.get("refusal") or ""))
        else:
            raise wrong(where, f"{where} must be a text or an image_url block")
    return "\n".join(texts), tuple(images)


def _image(value: object, name: str) -> Image:
    url = value.get("url") if isinstance(value, dict) else None
    image = read_image(url) if isinstance(url, str) else None
    if image is None:
        raise wrong(name, f"{name} must be an https address or a data:image/...;base64 URL")
    return image


def _call_names(messages: list[dict[str, Any]]) -> dict[str, str]:
    """Which tool each call id belongs to, from the assistant's earlier turns."""
    names: dict[str, str] = {}
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(call.get("id"), str):
                names[call["id"]] = str(function.get("name") or "")[:64]
    return names


def _tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    """The tools that may be called in this answer."""
    offered = body.get("tools")
    if offered is None:
        return ()
    if not isinstance(offered, list):
        raise wrong("tools", "tools must be a list")
    tools = tuple(_tool(value, f"tools[{place}]") for place, value in enumerate(offered))
    return _chosen(body.get("tool_choice"), tools)


def _tool(value: object, name: str) -> Tool:
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise wrong(f"{name}.function.name", f"{name}.function.name is required")
    schema = function.get("parameters")
    if schema is not None and not isinstance(schema, dict):
        raise wrong(f"{name}.function.parameters", f"{name}.function.parameters must be an object")
    return Tool(function["name"], schema or {})


def _chosen(choice: object, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if choice == "none":
        return ()
    if choice in (None, "auto", "required"):
        return tools
    function = choice.get("function") if isinstance(choice, dict) else None
    named = function.get("name") if isinstance(function, dict) else None
    chosen = tuple(tool for tool in tools if tool.name == named)
    if not chosen:
        raise wrong("tool_choice", "tool_choice must be none, auto, required or a tool that is offered")
    return chosen


def _response_format(value: object) -> tuple[dict[str, Any] | None, bool]:
    """The schema, if one is asked for, and whether any JSON object is."""
    if value is None:
        return None, False
    if not isinstance(value, dict) or value.get("type") not in _FORMATS:
        raise wrong("response_format", f"response_format.type must be one of: {', '.join(_FORMATS)}")
    if value["type"] != "json_schema":
        return None, value["type"] == "json_object"
    wrapper = value.get("json_schema")
    schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
    if not isinstance(schema, dict):
        name = "response_format.json_schema.schema"
        raise wrong(name, f"{name} must be an object")
    return schema, False


def _max_tokens(body: dict[str, Any]) -> int | None:
    least: int | None = None
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is None:
            continue
        if not is_whole(value, 1, 10**7):
            raise wrong(name, f"{name} must be an integer of at least 1")
        least = value if least is None else min(least, value)
    return least


def _stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value
    if stops is None:
        return ()
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(stop, str) for stop in stops):
        raise wrong("stop", "stop must be a string or a list of at most 4 strings")
    return tuple(stop for stop in stops if stop)


def _digest(message: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(message, sort_keys=True).encode()).digest()


def _tokens(message: dict[str, Any]) -> int:
    text, images = _content(message, "content")
    calls = json.dumps(message["tool_calls"]) if message.get("tool_calls") else ""
    return 4 + estimate(text) + estimate(calls) + _IMAGE_TOKENS * len(images)


def prefixes(body: ChatBody) -> list[bytes]:
    """A digest for each beginning of the conversation, the shortest first."""
    start = digest(body.model.encode(errors="replace"), body.cache_key.encode(errors="replace"))
    return chain(start, body.message_digests)
