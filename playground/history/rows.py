"""What a line of the list shows, read for a whole page at once: so many queries, however many lines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse

from accounts.models import Team
from playground.chat.models import Conversation
from playground.history import rating
from playground.history.models import Entry, Kind, Rating, State
from playground.media.models import Asset
from playground.ops.models import UsageRecord
from playground.usage import prices
from playground.usage.prices import Money, Used
from playground.words import Piece, around, pieces, wanted

LOOKS = {
    State.LIVE: "running", State.DONE: "finished", State.FAILED: "failed", State.STOPPED: "stopped",
    State.UNCLEAR: "interrupted",
}  # fmt: skip
ICONS = {"image": "image", "video": "play", "music": "activity", "speech": "activity", "text": "file-text"}
EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Line:
    """`units`: what a task used, where its operation counts so. `excerpt` is of the answer, where only that
    holds what was looked for.
    """

    entry: Entry
    title: tuple[Piece, ...]
    excerpt: tuple[Piece, ...]
    rating: Rating | None
    used: UsageRecord | None
    cost: Money
    face: Asset | None
    compared: bool = False

    @property
    def kind(self) -> str:
        return "Comparison" if self.compared else str(Kind(self.entry.kind).label)

    @property
    def name(self) -> str:
        return "".join(piece.text for piece in self.title)

    @property
    def look(self) -> str:
        return LOOKS.get(State(self.entry.state), "off")

    @property
    def word(self) -> str:
        return str(State(self.entry.state).label)

    @property
    def icon(self) -> str:
        if self.entry.kind == Kind.CHAT:
            return "scale" if self.compared else "message-square"
        return "shield-check" if self.entry.kind == Kind.CHECK else ICONS.get(self.entry.medium, "sparkles")

    @property
    def units(self) -> str:
        """ "2 images", or "" where tokens are counted, or nothing was told."""
        used = self.used
        if used is None or not used.unit or used.units_milli is None:
            return ""
        count = Decimal(used.units_milli) / 1000
        return f"{count.normalize():f} {used.unit}{'' if count == 1 else 's'}"

    @property
    def picture(self) -> str:
        """The address of a small picture, or ""."""
        if self.face is None:
            return ""
        return reverse("media:thumbnail" if self.face.thumbnail else "media:asset", args=[self.face.pk])


def lines(team: Team, entries: Sequence[Entry], words: str = "") -> list[Line]:
    """The entries as they are shown; the words that were looked for are marked."""
    ratings, used, faces = rating.of(entries), usage_of(entries), _faces(entries)
    known, currency = prices.of_team(team.pk), prices.currency(team.pk)
    compared = _compared(entries)
    return [
        Line(
            entry=entry,
            title=_title(entry, words),
            excerpt=_excerpt(entry, words),
            rating=ratings.get(entry.pk),
            used=used.get(entry.name),
            cost=Money(cost_of(entry, used.get(entry.name), known), currency),
            face=faces.get(entry.pk),
            compared=entry.place in compared,
        )
        for entry in entries
    ]


def usage_of(entries: Sequence[Entry]) -> dict[str, UsageRecord]:
    rows = UsageRecord.objects.filter(subject__in=[entry.name for entry in entries])
    return {row.subject: row for row in rows}


def cost_of(entry: Entry, used: UsageRecord | None, known: prices.Prices) -> Decimal | None:
    if used is None:
        return None
    units = None if used.units_milli is None else Decimal(used.units_milli) / 1000
    told = Used(
        used.input_tokens,
        used.output_tokens,
        used.cache_read_tokens,
        used.cache_write_tokens,
        units,
        used.unit,
    )
    return known.cost(used.family, used.model, used.at, told)


def _compared(entries: Sequence[Entry]) -> set[uuid.UUID]:
    """The conversations of these in which several models are compared."""
    places = {entry.place for entry in entries if entry.place is not None}
    rows = Conversation.objects.filter(pk__in=places, comparison__isnull=False)
    return set(rows.values_list("pk", flat=True)) if places else set()


def _faces(entries: Sequence[Entry]) -> dict[int, Asset]:
    """The picture that stands for a task: a thumbnail before a whole image."""
    tasks = {entry.subject: entry.pk for entry in entries if entry.kind == Kind.MEDIA}
    if not tasks:
        return {}
    rows = Asset.objects.filter(task__in=list(tasks), status=Asset.Status.KEPT, kind__in=("image", "video"))
    found: dict[int, Asset] = {}
    for row in rows.defer("waveform", "text", "meta", "source_url").order_by("kind", "ordinal"):
        pk = tasks[row.task_id]
        if (row.thumbnail or row.kind == "image") and (pk not in found or not found[pk].thumbnail):
            found[pk] = row
    return found


def _title(entry: Entry, words: str) -> tuple[Piece, ...]:
    said = " ".join(entry.doc.asked[: EXCERPT * 4].split())
    pattern = wanted(words)
    if pattern and (hit := pattern.search(entry.doc.asked)) and hit.start() > EXCERPT:
        return tuple(around(entry.doc.asked, hit, pattern))
    cut = said if len(said) <= EXCERPT else said[:EXCERPT].rsplit(" ", 1)[0] + "…"
    cut = cut or ("A picture" if entry.kind == Kind.CHAT else "Without words")
    return tuple(pieces(cut, pattern)) if pattern else (Piece(cut),)


def _excerpt(entry: Entry, words: str) -> tuple[Piece, ...]:
    """Of the answer: around what was looked for, else its beginning."""
    pattern, said = wanted(words), entry.doc.said
    if pattern and (hit := pattern.search(said)):
        return tuple(around(said, hit, pattern))
    if pattern or entry.kind != Kind.CHAT:
        return ()
    cut = " ".join(said[: EXCERPT * 4].split())
    return (Piece(cut if len(cut) <= EXCERPT else cut[:EXCERPT].rsplit(" ", 1)[0] + "…"),) if cut else ()
