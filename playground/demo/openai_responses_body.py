"""Reads the body of POST /openai/v1/responses and refuses what is wrong with it (contract section 7)."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .asks import Ask, Tool
from .caching import chain
from .exchange import Refused
from .fields import check_booleans, check_choice, check_numbers, check_strings, is_whole, model_id, wrong
from .openai_responses_items import as_said, read_items, tokens_of
from .pace import estimate
from .records import digest

_RANGES = {"temperature": (0.0, 2.0), "top_p": (0.0, 1.0)}
_BOOLEANS = ("stream", "store", "parallel_tool_calls", "background")
_STRINGS = ("instructions", "prompt_cache_key", "user", "safety_identifier")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_SUMMARIES = ("auto", "concise", "detailed")
_FORMATS = ("text", "json_object", "json_schema")
_ENCRYPTED = "reasoning.encrypted_content"
_INCLUDABLE = (
    _ENCRYPTED,
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "web_search_call.action.sources",
    "file_search_call.results",
    "code_interpreter_call.outputs",
)
# What every response object repeats of its request, with the value it has when nothing was sent.
_REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


@dataclass(frozen=True, slots=True)
class ResponsesBody:
    """A request that was found to be in order; `summary` is None where the thinking stays hidden."""

    model: str
    ask: Ask
    stream: bool
    stores: bool
    thinks: bool
    summary: str | None
    encrypts: bool
    seeded: bool
    cache_key: str
    digests: tuple[bytes, ...]
    tokens: tuple[int, ...]
    repeated: dict[str, Any]

    @property
    def prefixes(self) -> list[bytes]:
        start = digest(self.model.encode(errors="replace"), self.cache_key.encode(errors="replace"))
        return chain(start, self.digests)


def read(body: dict[str, Any], *, reasons: bool) -> ResponsesBody:
    """The request as an Ask; `reasons` says whether the model thinks even when it is not told to."""
    if body.get("previous_response_id") is not None:
        message = "previous_response_id is only supported on Responses WebSocket v2"
        raise Refused(400, message, code=None, param="")
    model = model_id(body)
    _check_scalars(body)
    stores = body.get("store") is not False
    items = read_items(body.get("input"), stores=stores)
    effort, summary = _reasoning(body.get("reasoning"), reasons=reasons)
    prompt = [body.get("instructions") or "", body.get("tools") or [], *items]
    return ResponsesBody(
        model=model,
        ask=_ask(body, items, effort),
        stream=body.get("stream") is True,
        stores=stores,
        thinks=(reasons or bool(effort)) and effort != "none",
        summary=summary,
        encrypts=_ENCRYPTED in _included(body.get("include")),
        seeded=body.get("temperature") == 0,
        cache_key=body.get("prompt_cache_key") or "",
        digests=tuple(hashlib.sha256(json.dumps(part, sort_keys=True).encode()).digest() for part in prompt),
        tokens=(
            estimate(body.get("instructions") or ""),
            _tokens_of_tools(body),
            *(tokens_of(item) for item in items),
        ),
        repeated={
            **{
                name: body[name] if body.get(name) is not None else value for name, value in _REPEATED.items()
            },
            "reasoning": {"effort": effort or None, "summary": summary},
            "store": stores,
        },
    )


def _ask(body: dict[str, Any], items: list[dict[str, Any]], effort: str) -> Ask:
    said, system = as_said(items)
    if not said:
        raise wrong("input", "input must contain a user message")
    tools = tuple(_tool(tool, f"tools[{place}]") for place, tool in enumerate(body.get("tools") or []))
    schema, as_json = _format(body.get("text"))
    return Ask(
        said=said,
        system="\n".join([body["instructions"], *system] if body.get("instructions") else system),
        tools=_chosen(body.get("tool_choice"), tools),
        parallel=body.get("parallel_tool_calls") is not False,
        must_call=body.get("tool_choice") not in (None, "auto"),
        schema=schema,
        as_json=as_json,
        effort=effort,
        max_tokens=body.get("max_output_tokens"),
        salt=repr([body.get(name) for name in ("temperature", "top_p")]).encode(),
    )


def _check_scalars(body: dict[str, Any]) -> None:
    check_numbers(body, _RANGES)
    check_booleans(body, _BOOLEANS)
    check_strings(body, _STRINGS)
    check_choice(body, "truncation", ("auto", "disabled"))
    limit = body.get("max_output_tokens")
    if limit is not None and not is_whole(limit, 1, 10**7):
        raise wrong("max_output_tokens", "max_output_tokens must be an integer of at least 1")
    if body.get("background"):
        raise wrong("background", "background is not supported by the demo")
    if not isinstance(body.get("tools") or [], list):
        raise wrong("tools", "tools must be a list")
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise wrong("metadata", "metadata must be an object of strings")
    if len(metadata) > 16:
        raise wrong("metadata", "metadata may have at most 16 entries")


def _reasoning(value: object, *, reasons: bool) -> tuple[str, str | None]:
    """How hard to think, and how the thinking is to be told, if at all."""
    if value is None:
        return "", "auto" if reasons else None
    if not isinstance(value, dict):
        raise wrong("reasoning", "reasoning must be an object")
    check_choice(value, "effort", _EFFORTS, "reasoning.effort")
    check_choice(value, "summary", _SUMMARIES, "reasoning.summary")
    # The model that always thinks shows it unless it is told not to; upstream none does unasked.
    summary = value.get("summary", "auto" if reasons else None)
    return value.get("effort") or ("medium" if summary else ""), summary


def _included(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(one in _INCLUDABLE for one in value):
        raise wrong("include", f"include must be a list of: {', '.join(_INCLUDABLE)}")
    return value


def _tool(value: object, name: str) -> Tool:
    if not isinstance(value, dict) or value.get("type") != "function":
        raise wrong(f"{name}.type", f"{name}.type must be function; the demo has no other tools")
    if not isinstance(value.get("name"), str) or not value["name"]:
        raise wrong(f"{name}.name", f"{name}.name is required and must be a string")
    schema = value.get("parameters")
    if schema is not None and not isinstance(schema, dict):
        raise wrong(f"{name}.parameters", f"{name}.parameters must be an object")
    return Tool(value["name"], schema or {})


def _chosen(choice: object, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if choice == "none":
        return ()
    if choice in (None, "auto", "required"):
        return tools
    named = choice.get("name") if isinstance(choice, dict) and choice.get("type") == "function" else None
    chosen = tuple(tool for tool in tools if tool.name == named)
    if not chosen:
        raise wrong("tool_choice", "tool_choice must be none, auto, required or a function that is offered")
    return chosen


def _format(text: object) -> tuple[dict[str, Any] | None, bool]:
    """The schema, if one is asked for, and whether any JSON object is."""
    if text is None:
        return None, False
    wanted = text.get("format", {"type": "text"}) if isinstance(text, dict) else None
    if not isinstance(wanted, dict) or wanted.get("type") not in _FORMATS:
        raise wrong("text.format.type", f"text.format.type must be one of: {', '.join(_FORMATS)}")
    if wanted["type"] != "json_schema":
        return None, wanted["type"] == "json_object"
    if not isinstance(wanted.get("name"), str) or not wanted["name"]:
        raise wrong("text.format.name", "text.format.name is required and must be a string")
    if not isinstance(wanted.get("schema"), dict):
        raise wrong("text.format.schema", "text.format.schema must be an object")
    return wanted["schema"], False


def _tokens_of_tools(body: dict[str, Any]) -> int:
    tools = body.get("tools")
    return estimate(json.dumps(tools, ensure_ascii=False)) if tools else 0
