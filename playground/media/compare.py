"""Two takes side by side, of one task or of two, with the settings in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import access
from playground.media import forms, screen
from playground.media.cards import Card, Shown
from playground.media.models import MediaTask, Status
from playground.media.screen import Request

MOST_OFFERED = 24


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. `shown` is None where nothing was made, or nothing of that name."""

    letter: str
    card: Card
    shown: Shown | None


@dataclass(frozen=True, slots=True)
class Setting:
    label: str
    name: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        return self.left != self.right


@require_GET
def compare(request: Request) -> HttpResponse:
    """`a` and `b` are tasks, `a_output` and `b_output` an output of each. Without `b` one is chosen."""
    left = _side(request, "a")
    tab = screen.tab_of(left.card.task.medium)
    context: dict[str, Any] = {"left": left, "tab": tab, "tab_label": screen.LABELS[tab]}
    if not request.GET.get("b"):
        return render(request, "media/compare.html", context | _choice(request, left) | {"streams": True})
    right = _side(request, "b")
    rows = sorted(settings_of(left.card, right.card), key=lambda row: not row.differs)
    context |= {"right": right, "settings": rows, "differing": sum(row.differs for row in rows)}
    pictures = all(side.shown and side.shown.kept and side.shown.kind == "image" for side in (left, right))
    return render(request, "media/compare.html", context | {"pictures": pictures, "streams": True})


def _side(request: Request, letter: str) -> Side:
    task = access.get(MediaTask, request, request.GET.get(letter, ""))
    card = screen.cards(request, [task])[0]
    return Side(letter, card, _output(card.outputs, request.GET.get(f"{letter}_output", "")))


def _output(outputs: Sequence[Shown], key: str) -> Shown | None:
    if key:
        return next((shown for shown in outputs if shown.key == key), None)
    return next((shown for shown in outputs if shown.kept), next(iter(outputs), None))


def _choice(request: Request, left: Side) -> dict[str, Any]:
    """Other takes of the same task, then the newest ready ones of its medium."""
    task, shown = left.card.task, left.shown
    takes = [each for each in left.card.outputs if shown and each.kept and _beside(each, shown)]
    ready = access.visible(MediaTask, request).filter(team=task.team_id, status=Status.SUCCEEDED)
    rows = ready.filter(medium=task.medium).exclude(pk=task.pk).order_by("-created_at")[:MOST_OFFERED]
    return {"takes": takes, "others": screen.cards(request, rows)}


def _beside(take: Shown, shown: Shown) -> bool:
    return take.kind == shown.kind and take.key != shown.key


def settings_of(left: Card, right: Card) -> list[Setting]:
    """Everything that was asked for on either side, in the order of the left one's form."""
    asked = [_asked(card) for card in (left, right)]
    labels = asked[1][0] | asked[0][0]
    names = dict.fromkeys([*asked[0][1], *asked[1][1]])
    return [
        Setting(labels[name], name, asked[0][1].get(name, ""), asked[1][1].get(name, "")) for name in names
    ]


def _asked(card: Card) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and values by name."""
    inputs, operation = card.task.inputs, card.operation
    specs = {spec.name: spec.label for spec in operation.fields} if operation else {}
    rows = {row.name: row.label for row in operation.files} if operation else {}
    values = {name: forms.shown(value) for name, value in inputs.get("values", {}).items()}
    ordered = {name: values[name] for name in [*specs, *values] if name in values}
    files = {
        name: ", ".join(next(iter(ref.values()), "") for ref in refs)
        for name, refs in inputs.get("files", {}).items()
    }
    extra = {name: forms.shown(value) for name, value in (inputs.get("extra") or {}).items()}
    told = {"": card.label} | ordered | files | extra
    return {name: name for name in told} | specs | rows | {"": "Made with"}, told
