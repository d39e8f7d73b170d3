"""The conversation of an Anthropic request: its turns, and what has to follow on what."""

from dataclasses import dataclass
from typing import Any

from .anthropic_blocks import as_blocks, read_source, text_of
from .anthropic_errors import wrong
from .asks import Image, Said


@dataclass(frozen=True, slots=True)
class Turn:
    """Messages of one role in a row, which the provider joins; `where` is the place of the first."""

    role: str
    blocks: list[dict[str, Any]]
    where: str

    @property
    def calls(self) -> list[str]:
        return [block["id"] for block in self.blocks if block["type"] == "tool_use"]

    @property
    def results(self) -> list[str]:
        return [block["tool_use_id"] for block in self.blocks if block["type"] == "tool_result"]


def read_turns(value: object, *, model: str) -> list[Turn]:
    """The messages as turns that alternate; refused are unknown blocks and results that fit no call."""
    if value is None:
        raise wrong("messages", "Field required")
    if not isinstance(value, list) or not value:
        raise wrong("messages", "at least one message is required")
    turns: list[Turn] = []
    for place, message in enumerate(value):
        where = f"messages.{place}"
        blocks = _blocks(message, where, model=model, last=place == len(value) - 1)
        if turns and turns[-1].role == message["role"]:
            turns[-1].blocks.extend(blocks)
        else:
            turns.append(Turn(message["role"], list(blocks), where))
    if turns[0].role != "user":
        raise wrong("messages", 'first message must use the "user" role')
    _check_pairs(turns)
    return turns


def _blocks(message: object, where: str, *, model: str, last: bool) -> list[dict[str, Any]]:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(message, dict):
        raise wrong(where, "Input should be a valid dictionary")
    if role == "system":
        raise wrong(
            "messages",
            'Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
            'not "system" as an input message role.',
        )
    if role not in ("user", "assistant"):
        raise wrong(f"{where}.role", "Input should be 'user' or 'assistant'")
    blocks = as_blocks(message.get("content"), f"{where}.content", of=role, model=model)
    if not blocks and not (last and role == "assistant"):
        raise wrong(
            where, "all messages must have non-empty content except for the optional final assistant message"
        )
    return blocks


def _check_pairs(turns: list[Turn]) -> None:
    """Every call is answered at the start of the next turn, and every result answers a call before it."""
    for place, turn in enumerate(turns):
        before = set(turns[place - 1].calls) if place else set()
        stray = [one for one in turn.results if one not in before]
        if stray:
            raise wrong(
                turn.where,
                f"unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(stray)}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
            )
        after = _leading_results(turns[place + 1]) if place + 1 < len(turns) else set()
        missing = [one for one in turn.calls if one not in after]
        if missing:
            raise wrong(
                turn.where,
                "`tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message.",
            )


def _leading_results(turn: Turn) -> set[str]:
    count = 0
    while count < len(turn.blocks) and turn.blocks[count]["type"] == "tool_result":
        count += 1
    return {block["tool_use_id"] for block in turn.blocks[:count]}


def check_thinking_leads(turns: list[Turn]) -> None:
    """With thinking on, the turn that called the tools has to begin with its thinking."""
    if not turns[-1].results:
        return
    found = turns[-2].blocks[0]["type"]
    if found not in ("thinking", "redacted_thinking"):
        raise wrong(
            f"{turns[-2].where}.content.0.type",
            f"Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is enabled, a "
            "final `assistant` message must start with a thinking block (preceeding the lastmost set of "
            "`tool_use` and `tool_result` blocks).",
        )


def as_said(turns: list[Turn]) -> tuple[Said, ...]:
    """The turns without their wire form; words beside tool results stand before them."""
    names: dict[str, str] = {}
    said: list[Said] = []
    for turn in turns:
        names |= {block["id"]: block["name"] for block in turn.blocks if block["type"] == "tool_use"}
        text, images = text_of(turn.blocks), _images(turn)
        if turn.role == "assistant":
            said.append(Said("assistant", text))
        elif text or images or not turn.results:
            said.append(Said("user", text, images))
        for block in turn.blocks:
            if block["type"] == "tool_result":
                said.append(Said("tool", text_of(block.get("content")), (), names[block["tool_use_id"]][:64]))
    return tuple(said)


def _images(turn: Turn) -> tuple[Image, ...]:
    blocks = [block for block in turn.blocks if block["type"] in ("image", "document")]
    return tuple(read_source(block, turn.where) for block in blocks)
