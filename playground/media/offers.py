"""Which models a form offers: what the key can see and the route can use, and the one to begin with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import GatewayKey, Team
from playground.gateway.media.operation import Operation
from playground.gateway.media.registry import OPERATIONS
from playground.media.models import MediaTask
from playground.ops.models import ModelEntry

MOST_LISTED, MOST_RECENT, MOST_SHOWN = 3000, 20, 60
# Where nobody uses a route, a million tasks of others must not be gone through.
JUDGED = 500
# Ids say what they are for. By the last word of an operation's key, else by its medium.
_FITS = {
    "embeddings": r"embed|\bbge",
    "moderations": r"moderat",
    "speech": r"tts|speech|voice",
    "transcription": r"whisper|transcri|asr|paraformer",
    "translation": r"whisper|transcri|asr|paraformer",
    "image": r"image|imagen|dall-?e|flux|\bwan|seedream|kling|diffusion|draw|picture|photo",
    "video": r"video|film|t2v|i2v|sora|\bveo|\bwan|vidu|kling|happyhorse|pixverse|seedance|hailuo",
    "music": r"music|song|suno",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """`begin` is what the form begins with; `fitting` what it suggests, used ones first; `listed` is all
    that the key can see.
    """

    begin: str
    fitting: tuple[str, ...]
    listed: frozenset[str]

    @property
    def known(self) -> bool:
        return bool(self.listed)


NOTHING = Offer("", (), frozenset())


def of(operation: Operation, team: Team, key: GatewayKey | None) -> Offer:
    """Two queries; none for a route whose models are written down."""
    spec = operation.spec(operation.model_field)
    if spec is None or spec.kind != "text":
        return NOTHING
    listed = _listed(key) if key else []
    newest = MediaTask.objects.filter(team=team, medium=operation.medium).order_by("-created_at", "-id")
    used = newest.values_list("operation", "model")[:JUDGED]
    recent = [model for route, model in used if route == operation.key][:MOST_RECENT]
    begin = first(operation, listed)
    there = [model for model in listed if fits(operation, model)]
    fitting = dict.fromkeys([*recent, begin, *operation.models, *there])
    return Offer(begin, tuple(model for model in fitting if model), frozenset(listed))


def _listed(key: GatewayKey) -> list[str]:
    seen = ModelEntry.objects.filter(key=key, gone_at=None).order_by("pk")
    return list(dict.fromkeys(seen.values_list("model_id", flat=True)[:MOST_LISTED]))


def first(operation: Operation, listed: Sequence[str]) -> str:
    """The documented model where the list has it, else its next of kin. A list without any model that is
    documented for media, such as the demo's, is of a gateway with names of its own.
    """
    documented = {model for each in OPERATIONS.values() for model in each.models}
    own = next((model for model in operation.models if model in listed), "")
    fitting = [model for model in listed if fits(operation, model)]
    makers = {_maker(model) for model in operation.models}
    kin = next((model for model in fitting if _maker(model) in makers), "")
    stranger = fitting[0] if fitting and documented.isdisjoint(listed) else ""
    usual = next(iter(operation.models), "")
    return own or kin or stranger or usual or next(iter(fitting), "")


def fits(operation: Operation, model: str) -> bool:
    pattern = _FITS.get(operation.key.rpartition(".")[2]) or _FITS.get(operation.medium)
    return pattern is None or re.search(pattern, model, re.IGNORECASE) is not None


def _maker(model: str) -> str:
    """The word an id begins with: kling, qwen, gemini."""
    found = re.match(r"[a-z]+", model.lower())
    return found[0] if found else model


def kept(offer: Offer, operation: Operation, typed: str, keys: Sequence[GatewayKey]) -> str:
    """What the field shows once the key is another one: what was typed by hand stays, what only another key
    of the person's can see does not.
    """
    if typed in offer.listed:
        return typed
    elsewhere = ModelEntry.objects.filter(key__in=keys, model_id=typed)
    usual = not typed or typed in operation.models
    return offer.begin if usual or elsewhere.exists() else typed


def search(offer: Offer, words: str) -> tuple[list[str], list[str]]:
    """Models with all the words: those that fit, then the rest of the key's list."""
    asked = words.lower().split()[:8]

    def has(model: str) -> bool:
        return all(word in model.lower() for word in asked)

    fitting = [model for model in offer.fitting if has(model)]
    others = sorted(model for model in offer.listed.difference(offer.fitting) if has(model))
    return fitting[:MOST_SHOWN], others[:MOST_SHOWN]
