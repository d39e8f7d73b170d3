"""All that is known of a few models, gathered at once for standing side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts import keys as use
from accounts.models import GatewayKey, Team, User
from playground.catalogue import dependents, detail, figures, labels, pricing
from playground.catalogue.dependents import Counts
from playground.catalogue.detail import Line, Shown
from playground.catalogue.figures import Figures
from playground.catalogue.labels import Labels
from playground.catalogue.listing import FRESH
from playground.catalogue.pricing import Priced
from playground.gateway.wire.family import Family

FEWEST, MOST = 2, 4
# So many models are offered beside those that are marked.
OFFERED = 20
NOT_YOURS = "Not for you to use."


@dataclass(frozen=True, slots=True)
class Column:
    """One model. `families` are those to try it in, the likeliest first; `asked_in` every one it is asked in.
    `prices` hold now.
    """

    model: str
    shown: list[Shown]
    labels: Labels
    lines: list[Line]
    figures: Figures
    dependents: Counts
    prices: list[Priced]
    families: list[Family]
    asked_in: list[str]

    @property
    def name(self) -> str:
        return next((row.entry.name for row in self.shown if row.entry.name), self.model)

    def news(self, now: datetime) -> list[tuple[str, datetime]]:
        """What is new of it, with the moment: "gone", or "new" and "changed" of the last days."""
        entries = [row.entry for row in self.shown]
        there = [entry for entry in entries if not entry.gone_at]
        if entries and not there:
            return [("gone", max(entry.gone_at for entry in entries if entry.gone_at))]
        moments = {
            "new": [entry.new_at for entry in there if entry.new_at],
            "changed": [entry.changed_at for entry in there if entry.changed_at],
        }
        return [(word, max(told)) for word, told in moments.items() if told and max(told) >= now - FRESH]


def columns(
    team: Team,
    user: User,
    role: int,
    keys: Sequence[GatewayKey],
    seen: Q,
    models: Sequence[str],
    now: datetime,
) -> list[Column]:
    """In the order asked for, without those of which the person may know nothing. The number of queries
    depends neither on the models nor on the keys.
    """
    usable = set(use.usable(user, team, now).values_list("pk", flat=True))

    def refusal(key: GatewayKey, model: str) -> str:
        fits = key.pk in usable and (not key.shared or use.covers(key, model))
        return "" if fits else NOT_YOURS

    shown, said = detail.shown_each(keys, models, refusal), labels.of(team.pk, models)
    lines = detail.measured_each(seen, user, models)
    known = [
        model for model in models if detail.exists(shown[model], said.get(model, labels.NONE), lines[model])
    ]
    week = figures.of_each(team, user, role, known, now)
    needed = dependents.counts(team, user, keys, known)
    priced = pricing.in_force(team, known, now)
    found = []
    for model in known:
        its = said.get(model, labels.NONE)
        families = detail.families_for(its, lines[model], shown[model])
        found.append(
            Column(
                model=model,
                shown=shown[model],
                labels=its,
                lines=lines[model],
                figures=week[model],
                dependents=needed[model],
                prices=priced[model],
                families=families,
                asked_in=detail.families_used(families, its, lines[model]),
            )
        )
    return found
