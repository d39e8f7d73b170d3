"""What runs, as the chip in the rail shows it, whichever app runs it; and what ended since that was asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

MOST = 50


@dataclass(frozen=True, slots=True)
class Doing:
    """Something under way. `word` is how it stands; `notable`: its end is worth a notice elsewhere."""

    pk: UUID
    title: str
    word: str
    icon: str
    url: str
    since: datetime
    notable: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """Something that was under way when the page last asked. `level` is that of a toast."""

    pk: UUID
    words: str
    title: str
    url: str
    level: str


@dataclass(frozen=True, slots=True)
class Group:
    """What one app has under way, the newest first: at most `MOST` of it, and whether there is `more`."""

    label: str
    doing: list[Doing]
    more: bool

    @staticmethod
    def of(label: str, found: list[Doing]) -> Group:
        """Of up to `MOST` + 1 that were found."""
        return Group(label, found[:MOST], len(found) > MOST)
