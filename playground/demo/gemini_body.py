"""Reads the body of a Gemini request and refuses what is wrong with it, by field name."""

import json
from dataclasses import dataclass
from typing import Any

from .asks import Ask, Tool
from .caching import chain
from .fields import check_numbers, is_whole, wrong
from .gemini_contents import Contents, read_contents, read_system
from .gemini_schema import as_json_schema
from .pace import estimate
from .records import digest

_RANGES = {
    "generationConfig.temperature": (0.0, 2.0),
    "generationConfig.topP": (0.0, 1.0),
    # Clients send it as 40.0 too.
    "generationConfig.topK": (1.0, 1e6),
    "generationConfig.presencePenalty": (-2.0, 2.0),
    "generationConfig.frequencyPenalty": (-2.0, 2.0),
}
_WHOLE = {"maxOutputTokens": (1, 10**7), "seed": (-(2**31), 2**31 - 1)}
_MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
_MODALITIES = ("TEXT", "IMAGE", "AUDIO")
_TYPES = ("text/plain", "application/json", "text/x.enum")
_LEVELS = ("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
_CALLING = "toolConfig.functionCallingConfig"
_LARGEST_BUDGET = 32768
_MOST_STOPS = 5


@dataclass(frozen=True, slots=True)
class Thinking:
    """Whether to think, how much, and whether the thoughts are shown."""

    wanted: bool = False
    effort: str = ""
    shown: bool = False


@dataclass(frozen=True, slots=True)
class GeminiBody:
    """A request that was found to be in order."""

    ask: Ask
    thinking: Thinking
    modalities: tuple[str, ...]
    ratio: str
    one_word: bool
    seeded: bool
    prefixes: list[bytes]
    tokens: tuple[int, ...]
    file_tokens: int


def read(body: dict[str, Any], *, model: str, strict: bool) -> GeminiBody:
    """The request as an Ask; Refused(400) names the first field that is wrong."""
    contents = read_contents(body.get("contents"), model=model, strict=strict)
    system = read_system(body.get("systemInstruction"))
    config = _object(body.get("generationConfig"), "generationConfig")
    _check_scalars(config)
    _check_safety(body.get("safetySettings"))
    thinking = _thinking(config)
    schema, media_type = _format(config)
    ask = Ask(
        said=contents.said,
        system=system,
        tools=_tools(body),
        must_call=_mode(body) == "ANY",
        as_json=media_type == "application/json" and schema is None,
        schema=schema,
        effort=thinking.effort,
        max_tokens=config.get("maxOutputTokens"),
        stops=_stops(config.get("stopSequences")),
        salt=repr([config.get(name) for name in ("seed", "temperature", "topP", "topK")]).encode(),
    )
    return GeminiBody(
        ask=ask,
        thinking=thinking,
        modalities=_modalities(config),
        ratio=_ratio(config),
        one_word=media_type == "text/x.enum",
        # As with a real model: a seed, or no randomness at all, asks for the same answer again.
        seeded=config.get("seed") is not None or config.get("temperature") == 0,
        prefixes=_prefixes(body, model),
        tokens=_tokens(body, contents),
        file_tokens=contents.file_tokens,
    )


def _check_scalars(config: dict[str, Any]) -> None:
    check_numbers({f"generationConfig.{name}": value for name, value in config.items()}, _RANGES)
    for name, (least, most) in _WHOLE.items():
        if config.get(name) is not None and not is_whole(config[name], least, most):
            raise _config(name, f"must be an integer from {least} to {most}")
    if config.get("candidateCount") not in (None, 1):
        raise _config("candidateCount", "must be 1: multiple candidates is not enabled for this model")


def _check_safety(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, list):
        raise wrong("safetySettings", "safetySettings must be a list")
    for place, setting in enumerate(value):
        named = isinstance(setting, dict) and all(
            isinstance(setting.get(field), str) for field in ("category", "threshold")
        )
        if not named:
            name = f"safetySettings[{place}]"
            raise wrong(name, f"{name} must have a category and a threshold")


def _thinking(config: dict[str, Any]) -> Thinking:
    name = "thinkingConfig"
    asked = _object(config.get(name), f"generationConfig.{name}")
    shown, budget, level = (asked.get(key) for key in ("includeThoughts", "thinkingBudget", "thinkingLevel"))
    if shown is not None and not isinstance(shown, bool):
        raise _config(f"{name}.includeThoughts", "must be true or false")
    if budget is not None and not is_whole(budget, -1, _LARGEST_BUDGET):
        raise _config(f"{name}.thinkingBudget", f"must be an integer from -1 to {_LARGEST_BUDGET}")
    if level is not None and (not isinstance(level, str) or level.upper() not in _LEVELS):
        raise _config(f"{name}.thinkingLevel", f"must be one of: {', '.join(_LEVELS)}")
    if budget is not None and level is not None:
        raise _config(
            f"{name}.thinkingLevel", "You can only set only one of thinking budget and thinking level."
        )
    effort = _effort_of(budget) if budget is not None else (level or "").lower()
    wanted = bool(shown or budget or level) and effort != "none"
    return Thinking(wanted, "high" if effort == "xhigh" else effort, bool(shown))


def _effort_of(budget: int) -> str:
    """The words of the other families; -1 leaves it to the model."""
    if budget <= 0:
        return "none" if budget == 0 else ""
    return "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"


def _format(config: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    media_type = config.get("responseMimeType") or "text/plain"
    if media_type not in _TYPES:
        raise _config("responseMimeType", f"must be one of: {', '.join(_TYPES)}")
    given = [name for name in ("responseSchema", "responseJsonSchema") if config.get(name) is not None]
    if not given:
        return None, media_type
    if len(given) > 1:
        raise _config(given[1], "only one of responseSchema and responseJsonSchema may be set")
    schema = config[given[0]]
    if not isinstance(schema, dict):
        raise _config(given[0], "must be an object")
    if media_type == "text/plain":
        raise _config(given[0], "Response schema with a response mime type: 'text/plain' is unsupported")
    return as_json_schema(schema) if given[0] == "responseSchema" else schema, media_type


def _modalities(config: dict[str, Any]) -> tuple[str, ...]:
    value = config.get("responseModalities")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _config("responseModalities", "must be a list of TEXT and IMAGE")
    kinds = tuple(one.upper() for one in value)
    if not set(kinds) <= set(_MODALITIES):
        raise _config("responseModalities", "must be a list of TEXT and IMAGE")
    if "AUDIO" in kinds:
        raise _config("responseModalities", "Model does not support the requested response modalities: audio")
    return kinds


def _ratio(config: dict[str, Any]) -> str:
    asked = _object(config.get("imageConfig"), "generationConfig.imageConfig")
    ratio = asked.get("aspectRatio")
    if ratio is not None and not isinstance(ratio, str):
        raise _config("imageConfig.aspectRatio", "must be a string such as 16:9")
    return ratio or "1:1"


def _stops(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if (
        not isinstance(value, list)
        or len(value) > _MOST_STOPS
        or not all(isinstance(one, str) for one in value)
    ):
        raise _config("stopSequences", f"must be a list of at most {_MOST_STOPS} strings")
    return tuple(stop for stop in value if stop)


def _tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    """The functions that may be called in this answer; tools of the provider's own are passed over."""
    offered = body.get("tools")
    if offered is None:
        offered = []
    if not isinstance(offered, list):
        raise wrong("tools", "tools must be a list")
    tools: list[Tool] = []
    for place, tool in enumerate(offered):
        name = f"tools[{place}].functionDeclarations"
        declared = _object(tool, f"tools[{place}]").get("functionDeclarations")
        if declared is not None and not isinstance(declared, list):
            raise wrong(name, f"{name} must be a list")
        tools += [_tool(value, f"{name}[{number}]") for number, value in enumerate(declared or [])]
    return _chosen(body, tuple(tools))


def _tool(value: object, name: str) -> Tool:
    declared = _object(value, name)
    if not isinstance(declared.get("name"), str) or not declared["name"]:
        raise wrong(f"{name}.name", f"{name}.name: Invalid function name. Must not be empty.")
    given = [field for field in ("parameters", "parametersJsonSchema") if declared.get(field) is not None]
    if len(given) > 1:
        raise wrong(name, f"{name}: only one of parameters and parametersJsonSchema may be set")
    schema = _object(declared[given[0]] if given else None, f"{name}.{given[0] if given else 'parameters'}")
    return Tool(declared["name"], as_json_schema(schema) if given == ["parameters"] else schema)


def _calling(body: dict[str, Any]) -> dict[str, Any]:
    config = _object(body.get("toolConfig"), "toolConfig")
    return _object(config.get("functionCallingConfig"), _CALLING)


def _mode(body: dict[str, Any]) -> str:
    mode = _calling(body).get("mode") or "AUTO"
    if mode not in _MODES:
        raise wrong(f"{_CALLING}.mode", f"{_CALLING}.mode must be one of: {', '.join(_MODES)}")
    return str(mode)


def _chosen(body: dict[str, Any], tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    mode = _mode(body)
    allowed = _calling(body).get("allowedFunctionNames")
    if allowed is None or allowed == []:
        return () if mode == "NONE" else tools
    if not isinstance(allowed, list) or mode not in ("ANY", "VALIDATED"):
        message = "allowedFunctionNames must be a list, and only with the modes ANY and VALIDATED"
        raise wrong(f"{_CALLING}.allowedFunctionNames", message)
    chosen = tuple(tool for tool in tools if tool.name in allowed)
    if len({tool.name for tool in chosen}) != len(allowed):
        message = "allowedFunctionNames must name functions that are declared"
        raise wrong(f"{_CALLING}.allowedFunctionNames", message)
    return chosen


def _prefixes(body: dict[str, Any], model: str) -> list[bytes]:
    """A digest for each beginning of the conversation, the shortest first."""
    contents = (json.dumps(content, sort_keys=True).encode() for content in body["contents"])
    return chain(digest(model.encode(errors="replace"), _around(body).encode()), contents)


def _tokens(body: dict[str, Any], contents: Contents) -> tuple[int, ...]:
    """For each of the contents; what stands around them counts for the first."""
    first, *others = contents.tokens
    return 3 + first + estimate(_around(body)), *others


def _around(body: dict[str, Any]) -> str:
    named = [body[name] for name in ("systemInstruction", "tools") if body.get(name)]
    return json.dumps(named, sort_keys=True) if named else ""


def _object(value: object, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(name, f"{name} must be an object")
    return value


def _config(field: str, message: str) -> Exception:
    name = f"generationConfig.{field}"
    return wrong(name, f"{name}: {message}")
