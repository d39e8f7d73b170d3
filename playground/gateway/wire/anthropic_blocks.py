"""The content blocks of an Anthropic answer, gathered so that they can be replayed as they came."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.gateway import exact
from playground.gateway.assembly import word
from playground.gateway.wire.body import arguments_object

# The kinds that parts of ours stand for.
SHOWN = ("text", "thinking", "redacted_thinking", "tool_use")
_NOT_ASCII = re.compile("[^\0-\x7f]")


@dataclass(slots=True, eq=False)
class Block:
    """A content block being put together: as it began, and what its deltas brought.

    `number` is its place in order of arrival: it tells the call of a tool, as wire indexes may repeat.
    `given` are the arguments of a tool that came whole, at the start.
    """

    start: dict[str, Any]
    number: int
    kind: str = field(init=False)
    given: str = field(init=False)
    pieces: dict[str, list[str]] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    citations: list[Any] = field(default_factory=list)
    signature: str = ""

    def __post_init__(self) -> None:
        self.kind = word(self.start.get("type"))
        self.given = _given(self.start.get("input"))

    @property
    def signed(self) -> bool:
        return bool(self.signature or self.start.get("signature"))

    def text(self, name: str) -> str:
        begun = self.start.get(name)
        return "".join([begun if isinstance(begun, str) else "", *self.pieces.get(name, ())])

    def native(self) -> dict[str, Any]:
        """The block as it would have come in a whole answer."""
        whole = dict(self.start)
        for name in self.pieces:
            whole[name] = self.text(name)
        if self.signature:
            whole["signature"] = self.signature
        if self.citations:
            begun = whole.get("citations")
            whole["citations"] = [*(begun if isinstance(begun, list) else ()), *self.citations]
        if source := "".join(self.arguments).strip():
            whole["input"] = _input(source)
        elif self.kind == "tool_use" and not isinstance(whole.get("input"), dict):
            whole["input"] = arguments_object(self.given)
        return whole

    def welcome(self, *, cut: bool) -> bool:
        """The API refuses an empty text, and thinking whose signature a cut left out."""
        if self.kind == "text":
            return bool(self.text("text"))
        return self.signed or not (cut and self.kind == "thinking")

    @property
    def nameless(self) -> bool:
        """A call known by an id of ours only: the result of its tool could not name the block."""
        told = self.start.get("id")
        return self.kind == "tool_use" and (not told or word(told) != told)


def native(blocks: Sequence[Block], *, cut: bool) -> str:
    """The text of the blocks as a JSON array; "" where the answer has to be rebuilt from its parts."""
    if any(block.nameless for block in blocks):
        return ""
    found = [block.native() for block in blocks if block.welcome(cut=cut)]
    try:
        return exact.dumps(found, ascii_only=True) if found else ""
    except (ValueError, TypeError, RecursionError):
        # A number that is none, or endless nesting.
        return ""


def unshown(content: str) -> tuple[str, ...]:
    """The kinds of blocks in a native content that no part of ours stands for, such as a web search."""
    try:
        blocks = json.loads(content or "[]")
    except (ValueError, RecursionError):
        return ()
    kinds = [word(block.get("type")) for block in blocks if isinstance(block, dict)]
    return tuple(dict.fromkeys(kind for kind in kinds if kind not in SHOWN))


def _given(told: Any) -> str:
    if not told or (isinstance(told, str) and told.strip() in ("", "{}")):
        return ""
    try:
        return told if isinstance(told, str) else exact.dumps(told)
    except (ValueError, TypeError, RecursionError):
        return ""


def _input(source: str) -> Any:
    """The arguments as their own source text; in an object of ours when they are none."""
    try:
        readable = isinstance(exact.loads(source), dict)
    except (ValueError, RecursionError):
        readable = False
    if not readable:
        return arguments_object(source)
    # Native content is ASCII; outside of strings JSON is so anyway.
    return exact.Source(_NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], source))
