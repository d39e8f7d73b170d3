"""What the team entered as the prices of a model, as its page tells them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from accounts import acts
from accounts.models import Team
from playground.chat.listing import Request
from playground.templatetags.frame import FAMILIES as FAMILY_WORDS
from playground.usage import prices
from playground.usage.models import Price


@dataclass(frozen=True, slots=True)
class Priced:
    """One price with the time it holds. `now` says that it is the one in force."""

    price: Price
    figures: prices.Figures
    family: str
    now: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A family that the model may have a price in, and where it is entered; `known`: one is in force."""

    family: str
    url: str
    known: bool


@dataclass(frozen=True, slots=True)
class Prices:
    rows: list[Priced]
    places: list[Place]
    currency: str
    may: bool

    @property
    def unknown(self) -> list[Place]:
        return [place for place in self.places if not place.known]


def of(request: Request, model: str, families: Iterable[str], back: str, now: datetime) -> Prices:
    """Two queries. `families` are those the model is used in; `back` is where the form leads then."""
    live = Price.objects.filter(team=request.team, model=model, replaced_at=None)
    rows = [
        Priced(
            row,
            prices.figures(row),
            FAMILY_WORDS.get(row.family, row.family),
            row.since <= now and (row.until is None or now < row.until),
        )
        for row in live.order_by("family", "-since")
    ]
    known = {row.price.family for row in rows if row.now and row.price.known}
    keys = dict.fromkeys([*families, *(row.price.family for row in rows)])
    places = [
        Place(
            FAMILY_WORDS.get(key, key),
            entered_at(key, model, back),
            key in known,
        )
        for key in keys
    ]
    return Prices(rows, places, prices.currency(request.team.pk), request.role >= acts.PRICES.role)


def entered_at(family: str, model: str, back: str) -> str:
    """Where the price of a model in a family is entered; `back` is where the form leads then."""
    return f"{reverse('usage:price')}?{urlencode({'family': family, 'model': model, 'next': back})}"


def in_force(team: Team, models: Collection[str], now: datetime) -> dict[str, list[Priced]]:
    """The prices of each model that hold now and name a figure, by family; one query."""
    live = Price.objects.filter(team=team, model__in=models, replaced_at=None, since__lte=now)
    found: dict[str, list[Priced]] = {model: [] for model in models}
    for row in live.filter(Q(until=None) | Q(until__gt=now)).order_by("family"):
        if row.known:
            words = FAMILY_WORDS.get(row.family, row.family)
            found[row.model].append(Priced(row, prices.figures(row), words, now=True))
    return found
