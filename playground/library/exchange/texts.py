"""Chat prompts as other products hold them: messages by role, settings by the names of the API. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from playground.library.exchange.draft import Body

# What other products call a parameter that the chat has a field for.
PARAMS = {
    "openai_chat": {"temperature", "top_p", "max_tokens", "max_completion_tokens", "presence_penalty",
                    "frequency_penalty", "seed"},
    "openai_responses": {"temperature", "top_p", "max_output_tokens"},
}  # fmt: skip
SYSTEM = ("system", "developer")
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}\Z")
_FOLDED = re.compile(r"[^a-z0-9]+")


def slug_of(text: str) -> str:
    return _FOLDED.sub("-", text.lower()).strip("-")[:80] or "prompt"


def body_of(messages: Iterable[tuple[str, str]], settings: Body | None = None, **more: Any) -> Body:
    """The body for (role, text) pairs: what the system says goes into the settings."""
    told = list(messages)
    system = "\n\n".join(text for role, text in told if role in SYSTEM and text)
    rest = [
        {"role": "assistant" if role in ("assistant", "model") else "user", "text": text}
        for role, text in told
        if role not in SYSTEM
    ]
    kept = dict(settings or {})
    if system:
        kept["system"] = system
    body: Body = {"messages": rest}
    if kept:
        body["settings"] = kept
    return body | {name: value for name, value in more.items() if value}


def messages_of(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(role, text) of a chat prompt, the system first."""
    settings, messages = body.get("settings"), body.get("messages")
    system = str(settings.get("system") or "") if isinstance(settings, dict) else ""
    found = [("system", system)] if system else []
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            found.append((str(message.get("role") or "user"), str(message.get("text") or "")))
    return found


def settings_of(config: Mapping[str, Any], family: str) -> tuple[Body, list[str]]:
    """(our settings, names that have no place in them) of a request's fields."""
    settings: Body = {}
    params: Body = {}
    left: list[str] = []
    for name, value in config.items():
        if name == "model" and isinstance(value, str):
            settings["model"] = value
        elif name in PARAMS[family] and isinstance(value, int | float) and not isinstance(value, bool):
            params[name] = {"on": True, "value": str(value)}
        elif name == "tools" and (tools := _tools(value)):
            settings["tools"] = {"on": True, "choice": "auto", "auto": False, "list": tools}
        elif value not in (None, "", [], {}):
            left.append(name)
    if settings or params:
        settings = {"family": family} | settings | ({"params": params} if params else {})
    return settings, left


def config_of(body: Mapping[str, Any]) -> Body:
    """The way back: model and parameters that are on."""
    raw = body.get("settings")
    settings = raw if isinstance(raw, dict) else {}
    found: Body = {"model": settings["model"]} if settings.get("model") else {}
    params = settings.get("params")
    for name, row in params.items() if isinstance(params, dict) else ():
        if isinstance(row, dict) and row.get("on"):
            found[name] = _number(row.get("value"))
    tools = settings.get("tools")
    if isinstance(tools, dict) and tools.get("on"):
        found["tools"] = [_function(tool) for tool in tools.get("list") or [] if isinstance(tool, dict)]
    return found


def labels_of(names: Iterable[str], remarks: list[str]) -> tuple[str, ...]:
    """Those that are labels here, too; "latest" is always the newest version."""
    found = []
    for name in names:
        if name == "latest":
            continue
        if _LABEL.match(name) and not name.isdigit():
            found.append(name)
        else:
            remarks.append(f"“{name[:40]}” cannot be a label here and is left out.")
    return tuple(dict.fromkeys(found))


def _tools(value: Any) -> list[Body]:
    """Functions as Chat Completions or Responses declare them; [] when there is any other tool."""
    found = []
    for one in value if isinstance(value, list) else ():
        told = one.get("function", one) if isinstance(one, dict) else None
        if (
            not isinstance(told, dict)
            or one.get("type") != "function"
            or not isinstance(told.get("name"), str)
        ):
            return []
        about = told.get("description")
        parameters = json.dumps(told.get("parameters") or {}, ensure_ascii=False)
        named = {"name": told["name"], "description": about if isinstance(about, str) else ""}
        found.append(named | {"parameters": parameters, "mock": ""})
    return found


def _function(tool: Mapping[str, Any]) -> Body:
    try:
        parameters = json.loads(str(tool.get("parameters") or "{}"))
    except (ValueError, RecursionError):
        parameters = {}
    named = {"name": tool.get("name"), "description": tool.get("description") or ""}
    return {"type": "function", "function": named | {"parameters": parameters}}


def _number(value: Any) -> Any:
    try:
        return json.loads(str(value))
    except (ValueError, RecursionError):
        return value
