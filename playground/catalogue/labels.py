"""The team's own words about a model, where the gateway's list has none."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import Team, User
from playground.catalogue.models import ModelLabel
from playground.templatetags.frame import FAMILIES

Kind = ModelLabel.Kind
MODALITIES = {
    "text": "Text",
    "vision": "Sees pictures",
    "image": "Makes pictures",
    "video": "Video",
    "music": "Music",
    "speech": "Speech",
    "transcription": "Transcripts",
    "embedding": "Embeddings",
    "moderation": "Moderation",
}
# "openai" stands for media routes of the OpenAI path.
FAMILY_CHOICES = dict(FAMILIES)
MOST_USES, LONGEST_USE, MOST_OFFERED = 8, 40, 200


@dataclass(frozen=True, slots=True)
class Labels:
    """Of one model: keys of families and modalities in the order of their tables, and words for its use."""

    families: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def modality_words(self) -> list[str]:
        return [MODALITIES.get(value, value) for value in self.modalities]

    def pairs(self) -> set[tuple[str, str]]:
        return {
            *((Kind.FAMILY.value, value) for value in self.families),
            *((Kind.MODALITY.value, value) for value in self.modalities),
            *((Kind.USE.value, value) for value in self.uses),
        }


NONE = Labels()


class TooMany(ValueError):
    """More words, or longer ones, than are kept; the sentence is for the person."""


def of(team_id: uuid.UUID, models: Collection[str]) -> dict[str, Labels]:
    """The labels of these models, by id; one query."""
    found: dict[str, set[tuple[str, str]]] = {}
    rows = ModelLabel.objects.filter(team=team_id, model__in=models) if models else ()
    for row in rows:
        found.setdefault(row.model, set()).add((row.kind, row.value))
    return {model: _labels(pairs) for model, pairs in found.items()}


def _labels(pairs: set[tuple[str, str]]) -> Labels:
    return Labels(
        tuple(value for value in FAMILY_CHOICES if (Kind.FAMILY.value, value) in pairs),
        tuple(value for value in MODALITIES if (Kind.MODALITY.value, value) in pairs),
        tuple(sorted(value for kind, value in pairs if kind == Kind.USE)),
    )


def uses_of(team_id: uuid.UUID) -> list[str]:
    """The words for use that the team has."""
    rows = ModelLabel.objects.filter(team=team_id, kind=Kind.USE).order_by("value")
    return list(rows.values_list("value", flat=True).distinct()[:MOST_OFFERED])


def read(families: Iterable[str], modalities: Iterable[str], uses: str) -> Labels:
    """As a form sends them; raises TooMany with a sentence. Unknown families and modalities are left out."""
    words = dict.fromkeys(word for part in uses.split(",") if (word := _clean(part)))
    if len(words) > MOST_USES:
        raise TooMany(f"At most {MOST_USES} words for its use, parted by commas.")
    if long := next((word for word in words if len(word) > LONGEST_USE), ""):
        raise TooMany(f"“{long[:LONGEST_USE]}…” is longer than {LONGEST_USE} characters.")
    chosen, kinds = set(families), set(modalities)
    return Labels(
        tuple(value for value in FAMILY_CHOICES if value in chosen),
        tuple(value for value in MODALITIES if value in kinds),
        tuple(sorted(words)),
    )


def _clean(text: str) -> str:
    shown = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
    return " ".join(shown.split()).lower()


def put(team: Team, user: User, model: str, wanted: Labels, now: datetime, ip: str | None) -> bool:
    """Make these the labels of the model; whether that changed anything. What changed is audited."""
    with transaction.atomic():
        # Of two people who save at once the later one's labels stand, whole.
        Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
        rows = ModelLabel.objects.filter(team=team, model=model)
        there = {(row.kind, row.value): row.pk for row in rows}
        gone = [pk for pair, pk in there.items() if pair not in wanted.pairs()]
        new = sorted(wanted.pairs() - there.keys())
        if not gone and not new:
            return False
        rows.filter(pk__in=gone).delete()
        ModelLabel.objects.bulk_create(
            ModelLabel(team=team, model=model, kind=kind, value=value, by=user, at=now) for kind, value in new
        )
        detail = {"labels": sorted(value for _, value in wanted.pairs())}
        audit.record(user, team, "model.label", model, ip, **detail)
    return True
