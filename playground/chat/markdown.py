"""Markdown to safe HTML, block by block, whole or while it arrives.

`render()` and `BlockStream` are one algorithm: the source is cut into top-level blocks line by line, so
what was streamed equals what is rendered later, however the stream was cut. What a block looks like and
what keeps it safe is `markup`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from playground.chat import markup

_LOOK, _SURE, _PERHAPS = "look", "sure", "perhaps"
# A block as long as a book is shown as its source: the worst text takes 20 ms for each 1,000 characters.
_MAX_BLOCK = 150_000
_CONTAINERS = ("blockquote_open", "list_item_open")
_LISTS = ("bullet_list_open", "ordered_list_open")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_ENDS_ANY = re.compile(r" {0,3}(?:#{1,6}(?:[ \t]|$)|```|~~~)")
_ENDS_SOME = re.compile(r" {0,3}(?:>|[-+*](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$)|=+[ \t]*$|-+[ \t]*$)")
_ITEM = re.compile(r" {0,3}(?:([-+*])|\d{1,9}([.)]))(?:[ \t]|$)")
_QUOTE = re.compile(r" {0,3}>")


def render(source: str, *, breaks: bool = False) -> list[str]:
    """The HTML of each top-level block. With `breaks` every newline of a paragraph stays one."""
    stream = BlockStream(breaks=breaks)
    return [*stream.feed(source), *stream.close()]


class BlockStream:
    """Cuts Markdown that arrives in pieces into finished blocks.

    The parser is asked only when a line has ended that could have finished a block. All but the last
    block of what it then sees can never change; the last one stays pending. Questions answered with "not
    yet" must wait until the pending text has doubled, so the work stays linear in the source.
    """

    __slots__ = (
        *("_blank", "_carriage", "_due", "_kind", "_lines", "_marker"),
        *("_md", "_outline", "_partial", "_size", "parsed_chars"),
    )

    def __init__(self, *, breaks: bool = False) -> None:
        self._md = markup.parser(breaks)
        self._outline = markup.Outline()
        self._partial: list[str] = []
        self._carriage = False
        self._lines: list[str] = []
        self._size = 0
        self._kind = ""
        self._marker = ""
        self._blank = False
        self._due: dict[str, int] = {}
        self.parsed_chars = 0  # how much the block parser was given, for the test of linearity

    @property
    def tail(self) -> str:
        """The source behind the last finished block, newlines as \\n."""
        return "".join([*(line + "\n" for line in self._lines), *self._partial])

    def feed(self, delta: str) -> list[str]:
        """HTML of the blocks this piece finished; they never change again."""
        if self._carriage or "\r" in delta or "\0" in delta or not delta.isascii():
            delta = self._normal(delta)
        if "\n" not in delta:
            if delta:
                self._partial.append(delta)
            return []
        first, *rest = delta.split("\n")
        lines = ["".join([*self._partial, first]), *rest]
        last = lines.pop()
        self._partial = [last] if last else []
        finished: list[str] = []
        for line in lines:
            finished += self._add(line)
        return finished

    def close(self) -> list[str]:
        """HTML of everything that was still open."""
        finished = self._add("".join(self._partial)) if self._partial else []
        self._partial = []
        if not self._lines:
            return finished
        blocks = self._parse()
        finished += [self._html(block, end) for block, end in _with_ends(blocks, len(self._lines))]
        self._keep([])
        return finished

    def _normal(self, delta: str) -> str:
        """Newlines as \\n, whichever way a CR LF was cut; no character that UTF-8 or HTML cannot hold."""
        if self._carriage and delta:
            delta = delta.removeprefix("\n")
            self._carriage = False
        if delta.endswith("\r"):
            self._carriage = True
        delta = delta.replace("\r\n", "\n").replace("\r", "\n")
        return markup.storable(delta)

    def _add(self, line: str) -> list[str]:
        blank = not line.strip(" \t")
        if not self._lines and blank:
            return []
        question = (
            _may_end(self._kind, self._marker, self._blank, line) if self._lines else _may_be_block(line)
        )
        # Any line may turn out to be the head of a table once its second line is there.
        if len(self._lines) == 1 and "|" in self._lines[0]:
            question = _LOOK
        self._lines.append(line)
        self._size += len(line) + 1
        self._blank = blank
        self._kind = self._kind or "paragraph_open"
        return self._ask(question) if question and self._size >= self._due.get(question, 0) else []

    def _ask(self, question: str) -> list[str]:
        blocks = self._parse()
        last = blocks[-1]
        if _is_over(last, self._lines):
            start = len(self._lines)
        else:
            start = last.start
            self._kind, self._marker = last.kind, last.marker
        if start == 0:
            self._put_off(question)
            return []
        ends = _with_ends(blocks, len(self._lines))
        finished = [self._html(block, end) for block, end in ends if block.start < start]
        self._keep(self._lines[start:])
        return finished

    def _put_off(self, question: str) -> None:
        """Not before the pending text has doubled; looking at its first two lines costs nothing."""
        if question != _LOOK:
            self._due[_PERHAPS] = 2 * self._size
        if question == _SURE:
            self._due[_SURE] = 2 * self._size

    def _keep(self, lines: list[str]) -> None:
        self._lines = lines
        self._size = sum(len(line) + 1 for line in lines)
        self._due.clear()
        if not lines:
            self._kind = self._marker = ""

    def _parse(self) -> list[_Block]:
        source = "\n".join(self._lines) + "\n"
        self.parsed_chars += len(source)
        return _split(self._md, source)

    def _html(self, block: _Block, end: int) -> str:
        source = "\n".join(self._lines[block.start : end]) + "\n"
        if _too_deep(block) or len(source) > _MAX_BLOCK:
            return markup.code_figure(source)
        return markup.block_html(self._md, block.tokens, self._outline)


@dataclass(frozen=True, slots=True)
class _Block:
    """One top-level block: its tokens, its lines (`end` not included), the type of its first token."""

    tokens: list[Token]
    start: int
    end: int
    kind: str
    marker: str


def _split(md: MarkdownIt, source: str) -> list[_Block]:
    tokens: list[Token] = []
    md.block.parse(source, md, {}, tokens)
    blocks: list[_Block] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            start, end = token.map or (0, 0)
            blocks.append(_Block([], start, end, token.type, token.markup))
        blocks[-1].tokens.append(token)
    return blocks


def _too_deep(block: _Block) -> bool:
    """Whether the parser left out what was nested deeper still; then the source is shown, nothing is lost."""
    return any(token.type in _CONTAINERS and token.level >= markup.MAX_NESTING - 1 for token in block.tokens)


def _with_ends(blocks: Sequence[_Block], end: int) -> list[tuple[_Block, int]]:
    starts = [block.start for block in blocks]
    return list(zip(blocks, [*starts[1:], end], strict=True))


def _is_over(block: _Block, lines: Sequence[str]) -> bool:
    """Whether no further line can belong to the last block."""
    match block.kind:
        case "fence":
            # Unclosed, it reaches to the end of what there is.
            return block.end < len(lines) or (
                block.end > block.start + 1 and _closes(lines[-1], block.marker)
            )
        case "hr":
            return True
        case "bullet_list_open" | "ordered_list_open" | "code_block":
            return False
        case "heading_open" if "|" not in lines[-1]:
            return True
    return not lines[-1].strip(" \t")


def _may_be_block(line: str) -> str:
    """What a first line says: is it more than the beginning of a paragraph?"""
    if _ENDS_ANY.match(line) or _ENDS_SOME.match(line) or _RULE.match(line) or _indent(line) >= 4:
        return _LOOK
    return ""


def _may_end(kind: str, marker: str, after_blank: bool, line: str) -> str:
    """Whether `line` could finish the open block; `_SURE` when it almost certainly does."""
    if kind == "fence":
        return _SURE if _closes(line, marker) else ""
    if not line.strip(" \t"):
        return "" if kind in _LISTS or kind == "code_block" else _SURE
    if kind == "code_block":
        return _SURE if _indent(line) < 4 else ""
    if kind in _LISTS:
        return _may_end_list(marker, after_blank, line)
    if _ENDS_ANY.match(line) or _RULE.match(line):
        return _SURE
    if kind == "blockquote_open" and _QUOTE.match(line):
        return ""
    return _PERHAPS if _ENDS_SOME.match(line) else ""


def _may_end_list(marker: str, after_blank: bool, line: str) -> str:
    """Text of an item is indented by two at least; without a blank line before, text may be lazy."""
    indent = _indent(line)
    if indent > 3:
        return ""
    if indent < 2 and (_ENDS_ANY.match(line) or _RULE.match(line) or _QUOTE.match(line)):
        return _SURE
    if item := _ITEM.match(line):
        if indent >= 2 or (item[1] or item[2]) == marker:
            return ""
        return _SURE if after_blank else _PERHAPS
    if not after_blank:
        return ""
    return _SURE if indent < 2 else _PERHAPS


def _closes(line: str, fence: str) -> bool:
    text = line.strip(" \t")
    return len(text) >= len(fence) and not text.strip(fence[0]) and _indent(line) < 4


def _indent(line: str) -> int:
    if line[:1] not in (" ", "\t"):
        return 0
    wide = line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4)
    return len(wide)


def fenced(text: str) -> str:
    """A text as it stands, for a Markdown document: nothing in it can end the block it is in."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
