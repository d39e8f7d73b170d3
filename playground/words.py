"""Searching by words, the same in every list: what a search looks for, and the same marked in a text.

Words are looked for as whole words, the last one also as a beginning; scripts without spaces as they stand.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

# Both parsers shall see the same words: PostgreSQL's would keep "a.b" together, and "gpt-4" as a number.
PUNCTUATION = string.punctuation
LONGEST_QUERY, MOST_WORDS = 200, 12
BEFORE, EXCERPT = 50, 180
_TO_SPACES = str.maketrans(dict.fromkeys(PUNCTUATION, " "))
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    found: bool = False


def words_of(text: str) -> tuple[list[str], bool]:
    """What a search for this text looks for, and whether as words or as it stands, anywhere."""
    clean = _UNFIT.sub(" ", text[:LONGEST_QUERY]).strip()
    words = [] if _UNSPACED.search(clean) else clean.translate(_TO_SPACES).split()
    words = [word for word in words if re.search(r"[^\W_]", word)]
    return (words[:MOST_WORDS], True) if words else (clean.split()[:MOST_WORDS], False)


def wanted(words: str) -> re.Pattern[str] | None:
    """What of a text a search for these words finds. None: nothing was looked for."""
    found, whole = words_of(words)
    if not found:
        return None
    if not whole:
        return re.compile("|".join(re.escape(word) for word in found), re.IGNORECASE)
    *rest, last = (re.escape(word) for word in found)
    # The last word is looked for as a beginning too.
    ends = [rf"{word}(?![^\W_])" for word in rest]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join([*ends, last])})", re.IGNORECASE)


def pieces(text: str, pattern: re.Pattern[str]) -> Iterator[Piece]:
    at = 0
    for hit in pattern.finditer(text):
        if hit.start() > at:
            yield Piece(text[at : hit.start()])
        yield Piece(hit[0], found=True)
        at = hit.end()
    if at < len(text) or not text:
        yield Piece(text[at:])


def around(text: str, hit: re.Match[str], pattern: re.Pattern[str]) -> Iterator[Piece]:
    """About two lines of the text around a match."""
    begin = max(0, hit.start() - BEFORE)
    if begin:
        begin = text.find(" ", begin, hit.start()) + 1 or begin
    cut = text[begin : begin + EXCERPT]
    if begin:
        yield Piece("… ")
    yield from pieces(cut, pattern)
    if begin + EXCERPT < len(text):
        yield Piece(" …")
