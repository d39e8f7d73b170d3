"""A task as a line of the list, or a picture of the gallery, with the words that were looked for marked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from playground.media.cards import Card, Shown
from playground.words import Piece, around, pieces, wanted

NOUNS = {"image": "picture", "video": "video", "audio": "track", "text": "text", "data": "data file"}
ICONS = {"image": "image", "video": "play", "music": "activity", "speech": "activity", "text": "file-text"}


@dataclass(frozen=True, slots=True)
class Row:
    """`excerpt` is there where the title does not hold what was looked for."""

    card: Card
    title: tuple[Piece, ...]
    excerpt: tuple[Piece, ...] = ()

    @staticmethod
    def of(card: Card, words: str) -> Row:
        pattern = wanted(words)
        if pattern is None:
            return Row(card, (Piece(card.title),))
        title = tuple(pieces(card.title, pattern))
        hit = None if any(piece.found for piece in title) else pattern.search(card.task.text)
        return Row(card, title, tuple(around(card.task.text, hit, pattern)) if hit else ())

    @property
    def icon(self) -> str:
        return ICONS.get(self.card.task.medium, "sparkles")

    @property
    def face(self) -> Shown | None:
        """The output that stands for the task: one with a picture before any other."""
        kept = [shown for shown in self.card.outputs if shown.kept]
        pictured = (
            shown for shown in kept if shown.asset and (shown.asset.thumbnail or shown.kind == "image")
        )
        return next(pictured, kept[0] if kept else None)

    @property
    def made(self) -> str:
        """How much is kept: "2 pictures, 1 text"."""
        counts = Counter(shown.kind for shown in self.card.outputs if shown.kept)
        told = ((count, NOUNS.get(kind, kind)) for kind, count in counts.items())
        return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in told)

    @property
    def took_ms(self) -> float | None:
        """From the sending to the end. None: not sent, or not ended."""
        task = self.card.task
        if task.submitted_at is None or task.ended_at is None:
            return None
        return max(0.0, (task.ended_at - task.submitted_at).total_seconds() * 1000)
