"""Reads the body of POST /anthropic/v1/messages and of count_tokens (contract section 9)."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from .anthropic_blocks import as_blocks, text_of, tokens_of
from .anthropic_cache import Block
from .anthropic_errors import wrong
from .anthropic_messages import Turn, as_said, check_thinking_leads, read_turns
from .asks import Ask, Tool
from .fields import is_whole, model_id
from .pace import estimate

_MOST_MARKS = 4
_LEAST_BUDGET = 1024
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_RANGES = {"temperature": (0, 1), "top_p": (0, 1)}
_TOOL_TOKENS = 12


@dataclass(frozen=True, slots=True)
class MessagesBody:
    """A request that was found to be in order."""

    model: str
    ask: Ask
    stream: bool
    thinks: bool
    seeded: bool
    prompt: tuple[Block, ...]


def read(body: dict[str, Any], *, counting: bool = False) -> MessagesBody:
    """The request as an Ask; Refused(400) names the first field that is wrong.

    `counting` is for count_tokens, which takes neither max_tokens nor stream.
    """
    model = model_id(body)
    if counting:
        _check_counting(body)
    else:
        _check_sampling(body)
    turns = read_turns(body.get("messages"), model=model)
    system = as_blocks(body.get("system", ""), "system", of="system", model=model)
    tools = _tools(body.get("tools"))
    thinks, effort = _thinking(body, turns)
    parallel, must_call, offered = _tool_choice(body.get("tool_choice"), tools, thinks=thinks)
    ask = Ask(
        said=as_said(turns),
        system=text_of(system),
        tools=offered,
        parallel=parallel,
        must_call=must_call,
        schema=_schema(body),
        effort=effort,
        max_tokens=body.get("max_tokens"),
        stops=_stops(body.get("stop_sequences")),
        salt=repr([body.get(name) for name in ("temperature", "top_p", "top_k")]).encode(),
    )
    return MessagesBody(
        model=model,
        ask=ask,
        stream=body.get("stream") is True,
        thinks=thinks,
        seeded=body.get("temperature") == 0,
        prompt=_prompt(body, system, turns),
    )


def _check_counting(body: dict[str, Any]) -> None:
    for name in ("max_tokens", "stream"):
        if name in body:
            raise wrong(name, "Extra inputs are not permitted")


def _check_sampling(body: dict[str, Any]) -> None:
    if body.get("max_tokens") is None:
        raise wrong("max_tokens", "Field required")
    if not is_whole(body["max_tokens"], 1, 10**7):
        raise wrong("max_tokens", "Input should be an integer greater than or equal to 1")
    if not isinstance(body.get("stream", False), bool):
        raise wrong("stream", "Input should be a valid boolean")
    for name, (low, high) in _RANGES.items():
        value = body.get(name, low)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise wrong(name, f"range: {low}..{high}")
    if not is_whole(body.get("top_k", 0), 0, 10**6):
        raise wrong("top_k", "Input should be an integer greater than or equal to 0")
    if not isinstance(body.get("metadata", {}), dict):
        raise wrong("metadata", "Input should be a valid dictionary")


def _stops(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(stop, str) for stop in value):
        raise wrong("stop_sequences", "Input should be a valid list of strings")
    if not all(stop.strip() for stop in value):
        raise wrong("stop_sequences", "each stop sequence must contain non-whitespace")
    return tuple(value)


def _thinking(body: dict[str, Any], turns: list[Turn]) -> tuple[bool, str]:
    """Whether to think, and how much of it."""
    thinking = body.get("thinking", {"type": "disabled"})
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("enabled", "adaptive", "disabled"):
        raise wrong("thinking", "Input tag should be one of: 'enabled', 'adaptive', 'disabled'")
    effort = _output_config(body).get("effort")
    if effort is not None and effort not in _EFFORTS:
        raise wrong("output_config.effort", f"Input should be one of: {', '.join(_EFFORTS)}")
    if kind == "disabled":
        return False, effort or ""
    if body.get("temperature", 1) != 1:
        raise wrong("temperature", "may only be set to 1 when thinking is enabled")
    if kind == "adaptive":
        return True, effort or ""
    if body.get("top_k") is not None:
        raise wrong("top_k", "must be unset when thinking is enabled")
    check_thinking_leads(turns)
    return True, effort or _effort_of(_budget(thinking, body.get("max_tokens")))


def _budget(thinking: dict[str, Any], max_tokens: int | None) -> int:
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or not is_whole(budget, _LEAST_BUDGET, 10**7):
        least = f"Input should be an integer greater than or equal to {_LEAST_BUDGET}"
        raise wrong("thinking.enabled.budget_tokens", least)
    if max_tokens is not None and max_tokens <= budget:
        raise wrong("max_tokens", "must be greater than `thinking.budget_tokens`")
    return budget


def _effort_of(budget: int) -> str:
    return "low" if budget < 2048 else "medium" if budget < 8192 else "high"


def _output_config(body: dict[str, Any]) -> dict[str, Any]:
    config = body.get("output_config", {})
    if not isinstance(config, dict):
        raise wrong("output_config", "Input should be a valid dictionary")
    return config


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = _output_config(body).get("format")
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise wrong("output_config.format.type", "Input should be 'json_schema'")
    schema = wanted.get("schema")
    if not isinstance(schema, dict):
        raise wrong("output_config.format.schema", "Input should be a valid dictionary")
    return schema


def _tools(value: object) -> tuple[Tool, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong("tools", "Input should be a valid list")
    return tuple(_tool(tool, f"tools.{place}") for place, tool in enumerate(value))


def _tool(tool: object, where: str) -> Tool:
    if not isinstance(tool, dict) or tool.get("type", "custom") != "custom":
        raise wrong(where, "the demo takes tools with name, description and input_schema only")
    name, schema = tool.get("name"), tool.get("input_schema")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise wrong(f"{where}.custom.name", "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
    if not isinstance(schema, dict):
        raise wrong(f"{where}.custom.input_schema", "Field required")
    if schema.get("type") != "object":
        raise wrong(f"{where}.custom.input_schema.type", "Input should be 'object'")
    return Tool(name, schema)


def _tool_choice(
    choice: object, tools: tuple[Tool, ...], *, thinks: bool
) -> tuple[bool, bool, tuple[Tool, ...]]:
    """Whether several calls are allowed, whether one is demanded, and the tools that may be called."""
    if choice is None:
        return True, False, tools
    kind = choice.get("type") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or kind not in ("auto", "any", "tool", "none"):
        raise wrong("tool_choice", "Input tag should be one of: 'auto', 'any', 'tool', 'none'")
    if not tools:
        raise wrong("tool_choice", "may only be specified while providing tools")
    if thinks and kind in ("any", "tool"):
        raise wrong("thinking", "may not be enabled when tool_choice forces tool use.")
    named = tuple(tool for tool in tools if tool.name == choice.get("name"))
    if kind == "tool" and not named:
        raise wrong("tool_choice.tool.name", f"Tool '{choice.get('name')}' not found in provided tools")
    offered = {"none": (), "tool": named}.get(kind, tools)
    return choice.get("disable_parallel_tool_use") is not True, kind in ("any", "tool"), offered


def _prompt(body: dict[str, Any], system: list[dict[str, Any]], turns: list[Turn]) -> tuple[Block, ...]:
    """The whole prompt block by block, in the order in which it is cached."""
    # Without thinking and tool choice: changing those keeps the cache, as far as it matters here.
    blocks = [_block("tool", tool, _TOOL_TOKENS + _tokens_of_tool(tool)) for tool in body.get("tools") or []]
    blocks += [_block("system", block, tokens_of(block)) for block in system]
    for turn in turns:
        for place, block in enumerate(turn.blocks):
            blocks.append(_block(turn.role, block, tokens_of(_bare(block)) + (0 if place else 4)))
    if body.get("cache_control") is not None and blocks:
        blocks[-1] = Block(blocks[-1].digest, blocks[-1].tokens, _ttl(body["cache_control"]))
    marks = [block.ttl for block in blocks if block.ttl]
    if len(marks) > _MOST_MARKS:
        raise wrong(
            "cache_control",
            f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {len(marks)}.",
        )
    if marks != sorted(marks):
        raise wrong("cache_control.ttl", "a ttl='1h' block must not come after a ttl='5m' block")
    return tuple(blocks)


def _block(kind: str, block: dict[str, Any], tokens: int) -> Block:
    mark = block.get("cache_control")
    written = json.dumps([kind, _bare(block)], sort_keys=True).encode()
    return Block(hashlib.sha256(written).digest(), tokens, "" if mark is None else _ttl(mark))


def _bare(block: dict[str, Any]) -> dict[str, Any]:
    """The block without its cache mark: moving the mark changes nothing of the prompt."""
    return {name: value for name, value in block.items() if name != "cache_control"}


def _tokens_of_tool(tool: dict[str, Any]) -> int:
    return estimate(json.dumps(_bare(tool), ensure_ascii=False))


def _ttl(mark: object) -> str:
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
        raise wrong("cache_control", "Input tag should be 'ephemeral'")
    ttl = mark.get("ttl", "5m")
    if ttl not in ("5m", "1h"):
        raise wrong("cache_control.ephemeral.ttl", "Input should be '5m' or '1h'")
    return str(ttl)
