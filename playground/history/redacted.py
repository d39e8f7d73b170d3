"""A copy of one run or task for people outside: without names, keys, ids and addresses of people.

What is taken out leaves its kind in its place, the same for the same thing, so that the text still reads.
Nothing finds every name in free text: whoever makes a copy reads it first, and may name more.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import GatewayKey, Team, User
from playground.gateway.redaction import MASK, redact
from playground.history.models import Entry

SHORTEST, MOST_WORDS = 2, 50
_PATTERNS = (
    ("e-mail", re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")),
    ("id", re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")),
    ("id", re.compile(r"\b(?:chatcmpl|msg|resp|req|run|call|toolu|task|asst|file|org|user)[-_][\w-]{6,}\b")),
    ("id", re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{24,}\b")),
    ("address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("address", re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])")),
    ("number", re.compile(r"(?<![\w.])\+\d[\d ()/.-]{6,}\d(?!\w)")),
)


@dataclass(frozen=True, slots=True)
class Copy:
    """`taken`: how many of each kind of thing were taken out."""

    asked: str
    said: str
    facts: tuple[tuple[str, str], ...]
    taken: dict[str, int]

    @property
    def count(self) -> int:
        return sum(self.taken.values())


class Eraser:
    """Takes things out of texts, one after the other; the same thing gets the same number in all of them."""

    def __init__(self, names: Iterable[str], words: Iterable[str]) -> None:
        self.seen: dict[tuple[str, str], int] = {}
        self.taken: dict[str, int] = {}
        self.rules = [(kind, _any_of(texts)) for kind, texts in (("word", words), ("name", names))]

    def clean(self, text: str) -> str:
        before = text.count(MASK)
        text = redact(text)
        if keys := text.count(MASK) - before:
            self.taken["key"] = self.taken.get("key", 0) + keys
        for kind, pattern in (*_PATTERNS, *self.rules):
            if pattern is not None:
                text = pattern.sub(lambda hit, kind=kind: self._place(kind, hit[0]), text)  # type: ignore[misc] # bound at once
        return text

    def _place(self, kind: str, found: str) -> str:
        self.taken[kind] = self.taken.get(kind, 0) + 1
        of_kind = sum(1 for known, _ in self.seen if known == kind)
        number = self.seen.setdefault((kind, found.casefold()), of_kind + 1)
        return f"[{kind} {number}]"


def _any_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    """The longest first, so that a whole name goes before its part."""
    clean = {text.strip() for text in texts}
    known = sorted((text for text in clean if len(text) >= SHORTEST), key=len, reverse=True)
    if not known:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)", re.IGNORECASE)


def names_of(team: Team) -> list[str]:
    """What people, the team and its keys are called here, whole and in parts."""
    found: list[str] = [] if team.personal_of_id else [team.name]
    for name, email in User.objects.filter(teams=team).values_list("name", "email"):
        found += [name, *(part for part in name.split() if len(part) > SHORTEST)]
        found += [email, email.split("@")[0]]
    found += GatewayKey.objects.filter(team=team).values_list("label", flat=True)
    return found


def words_of(text: str) -> list[str]:
    """What somebody wants taken out besides: one thing a line."""
    return [line.strip() for line in text.splitlines() if line.strip()][:MOST_WORDS]


def copy_of(entry: Entry, team: Team, words: Iterable[str] = ()) -> Copy:
    eraser = Eraser(names_of(team), words)
    asked, said = eraser.clean(entry.doc.asked), eraser.clean(entry.doc.said)
    # A model's name, and the day alone: a moment would lead back to the line.
    facts = [("Model", eraser.clean(entry.model)), ("Day", f"{entry.created_at:%Y-%m-%d}")]
    if entry.tokens is not None:
        facts.append(("Tokens", f"{entry.tokens:,}"))
    if entry.duration_ms is not None:
        facts.append(("Took", f"{entry.duration_ms / 1000:.1f} s"))
    return Copy(asked, said, tuple((name, value) for name, value in facts if value), eraser.taken)


def markdown(copy: Copy) -> str:
    facts = "".join(f"- {name}: {value}\n" for name, value in copy.facts)
    said = f"\n## Answered\n\n{copy.said}\n" if copy.said else ""
    return f"# A run\n\n{facts}\n## Asked\n\n{copy.asked}\n{said}"


def page(copy: Copy) -> str:
    """One HTML file that needs nothing else, and in which nothing can run."""
    facts = "".join(f"<li>{html.escape(name)}: {html.escape(value)}</li>" for name, value in copy.facts)
    said = f"<h2>Answered</h2>\n<pre>{html.escape(copy.said)}</pre>\n" if copy.said else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n<title>A run</title>\n'
        "<style>body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 sans-serif}"
        "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}</style>\n</head>\n<body>\n"
        f"<h1>A run</h1>\n<ul>{facts}</ul>\n<h2>Asked</h2>\n<pre>{html.escape(copy.asked)}</pre>\n{said}"
        "</body>\n</html>\n"
    )
