"""What changed between two bodies: pieces, lines and words. Pure.

Comparing costs time that grows with the square of a text's length, so that what is too long is compared
more coarsely: a line without its words, a text as one block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from playground.library.kinds import Section

State = Literal["same", "changed", "removed", "added"]
MOST_LINES, MOST_WORDS = 4_000, 600
# Below this likeness two lines share little more than spaces: marking words would be confetti.
ALIKE = 0.4
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Bit:
    """A run of characters of a line; `changed` when the other side has not got it."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Two lines side by side. `old` is () and `old_number` None where there is only a new line, and so on.
    "gap" stands for `hidden` equal lines that are not shown.
    """

    kind: Literal["same", "changed", "removed", "added", "gap"]
    old_number: int | None = None
    new_number: int | None = None
    old: tuple[Bit, ...] = ()
    new: tuple[Bit, ...] = ()
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A section of both bodies. `rows` for side by side, `inline` for one column (there "removed" lines stand
    in `old`, "added" and "same" ones in `new`).
    """

    key: str
    title: str
    code: bool
    state: State
    rows: list[Row]
    inline: list[Row]


def compare(old: Sequence[Section], new: Sequence[Section], context: int | None = 3) -> list[Piece]:
    """All sections of both, in the order of the new one; equal lines further than `context` from a change
    are folded (None: never).
    """
    before = {section.key: section for section in old}
    after = {section.key: section for section in new}
    return [_piece(before.get(key), after.get(key), context) for key in _order(list(before), list(after))]


def lines(old: str, new: str) -> list[Row]:
    """Two texts side by side, unfolded."""
    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > MOST_LINES:
        return list(_block(before, after, 0, 0)) if before != after else list(_equal(before, 0, 0))
    rows: list[Row] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        rows += _equal(before[i:j], i, k) if kind == "equal" else _block(before[i:j], after[k:m], i, k)
    return rows


def inline(rows: Sequence[Row]) -> list[Row]:
    """The same for one column: of each run of changes first what went, then what came."""
    found: list[Row] = []
    came: list[Row] = []
    for row in rows:
        if row.kind in ("same", "gap"):
            found += [*came, row]
            came = []
            continue
        if row.old_number is not None:
            found.append(Row("removed", old_number=row.old_number, old=row.old))
        if row.new_number is not None:
            came.append(Row("added", new_number=row.new_number, new=row.new))
    return found + came


def folded(rows: Sequence[Row], context: int) -> list[Row]:
    """Equal lines further than `context` from a change as one "gap" row."""
    changed = [place for place, row in enumerate(rows) if row.kind != "same"]
    near = {place for at in changed for place in range(at - context, at + context + 1)}
    found: list[Row] = []
    hidden = 0
    for place, row in enumerate(rows):
        if place not in near:
            hidden += 1
            continue
        found += [Row("gap", hidden=hidden)] if hidden else []
        hidden = 0
        found.append(row)
    return [*found, Row("gap", hidden=hidden)] if hidden else found


def _order(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """The keys as in the new body; one that went stands behind the one it stood behind."""
    gone: dict[str | None, list[str]] = {}
    last: str | None = None
    for key in old:
        if key in new:
            last = key
        else:
            gone.setdefault(last, []).append(key)
    yield from gone.get(None, ())
    for key in new:
        yield key
        yield from gone.get(key, ())


def _piece(old: Section | None, new: Section | None, context: int | None) -> Piece:
    known = new or old
    if known is None:
        raise ValueError("a piece is of one of the two at least")
    state: State = "changed"
    if old is None or new is None:
        state = "added" if old is None else "removed"
    elif old.text == new.text:
        state = "same"
    rows = lines(old.text if old else "", new.text if new else "")
    if context is not None:
        rows = folded(rows, context)
    return Piece(known.key, known.title, known.code, state, rows, inline(rows))


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: other ends of lines are characters that a diff has to show."""
    return text.split("\n") if text else []


def _equal(same: Sequence[str], old: int, new: int) -> Iterator[Row]:
    for place, line in enumerate(same):
        bits = (Bit(line),)
        yield Row("same", old + place + 1, new + place + 1, bits, bits)


def _block(before: Sequence[str], after: Sequence[str], old: int, new: int) -> Iterator[Row]:
    """Lines that took the place of others, paired as they come."""
    for place, (gone, come) in enumerate(zip_longest(before, after)):
        if come is None:
            yield Row("removed", old_number=old + place + 1, old=(Bit(gone, changed=True),))
        elif gone is None:
            yield Row("added", new_number=new + place + 1, new=(Bit(come, changed=True),))
        else:
            yield Row("changed", old + place + 1, new + place + 1, *_words(gone, come))


def _words(old: str, new: str) -> tuple[tuple[Bit, ...], tuple[Bit, ...]]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    whole = (Bit(old, changed=True),), (Bit(new, changed=True),)
    if max(len(before), len(after)) > MOST_WORDS:
        return whole
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.quick_ratio() < ALIKE or matcher.ratio() < ALIKE:
        return whole
    left: list[Bit] = []
    right: list[Bit] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        changed = kind != "equal"
        left += [Bit("".join(before[i:j]), changed)] if j > i else []
        right += [Bit("".join(after[k:m]), changed)] if m > k else []
    return tuple(left), tuple(right)
