"""What the pages of Compare show: the form with its models, and the lanes with their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings as site
from django.db.models import Exists, OuterRef
from django.http import QueryDict

from accounts import access
from accounts.models import GatewayKey, Role
from playground.chat import screen, tree
from playground.chat.listing import Request, uuid_or_none
from playground.chat.models import Conversation, Draft, Run
from playground.chat.thread import ShownTurn, turns_shown
from playground.compare import figures, form, lanes
from playground.compare.form import Row, Typed
from playground.compare.lanes import FEWEST, MOST, Lane
from playground.gateway.wire import FAMILIES
from playground.library import diff
from playground.library.kinds import Section
from playground.ops import catalog
from playground.ops.models import ModelEntry

OFFERED, LISTED, BEGUN_WITH = 500, 40, 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A lane's answer to one question. `last`: no other one follows in its lane."""

    lane: Lane
    shown: ShownTurn
    last: bool
    best: bool


@dataclass(frozen=True, slots=True)
class Round:
    """A question, once, and what the lanes made of it."""

    asked: ShownTurn
    cells: list[Cell]


def of_new(request: Request, typed: Typed | None = None) -> dict[str, Any]:
    """The form: as it was typed, as the address says, or with the models of the last comparison."""
    keys = catalog.usable_keys(request.user, request.team)
    typed = typed or _begun(request, keys)
    live = Run.objects.filter(conversation=OuterRef("pk"), status__in=Run.LIVE)
    kept = access.visible(Conversation, request).filter(comparison__isnull=False)
    recent = list(kept.annotate(live=Exists(live)).select_related("owner").order_by("-updated_at")[:LISTED])
    blank = [Row() for _ in range(MOST - len(typed.rows))]
    return {
        "typed": typed,
        "rows": [*typed.rows, *blank],
        "filled": max(FEWEST, len(typed.rows)),
        "shown": max(FEWEST + 1, len(typed.rows)),
        "keys": keys,
        "families": FAMILIES.values(),
        "offered": offered(keys, typed.key),
        "pk": uuid4(),
        "turn_id": typed.turn_id or uuid4(),
        "recent": [(row, _models_of(row)) for row in recent],
        "may": request.role >= Role.MEMBER,
        "most": MOST,
        "max_chars": site.MAX_PROMPT_CHARS,
    }


def _models_of(conversation: Conversation) -> list[str]:
    """In an order that does not say what a blind one hides."""
    models = [lane.model for lane in lanes.of(conversation)]
    return sorted(models) if lanes.is_blind(conversation) else models


def offered(keys: Sequence[GatewayKey], key: str) -> list[str]:
    """Models of one of the keys, for the field that completes them."""
    found = next((one for one in keys if str(one.pk) == key), None)
    if found is None:
        return []
    seen = ModelEntry.objects.filter(key=found, gone_at=None).order_by("model_id")
    return list(seen.values_list("model_id", flat=True).distinct()[:OFFERED])


def _begun(request: Request, keys: Sequence[GatewayKey]) -> Typed:
    last, run = _last(request), _answered(request)
    told = str(run.key_id) if run else request.GET.get("key", "")
    there = {str(key.pk): key for key in keys}
    wanted = [told, *(str(settings.get("key", "")) for settings in last)]
    key = next((there[pk] for pk in wanted if pk in there), next(iter(keys), None))
    chosen = str(key.pk) if key else ""
    if run is not None:
        mine = _row_of(run)
        other = next((row for row in _usual(key) if row.model != mine.model), Row())
        system = str(run.params.get("system", ""))
        return Typed(rows=[mine, other], text=run.asked.text, key=chosen, system=system)
    text = request.GET.get("text", "")[: site.MAX_PROMPT_CHARS]
    rows = _named(request.GET, key) or [form.row_of(settings) for settings in last] or _usual(key)
    return Typed(rows=rows[:MOST], text=text, key=chosen)


def _row_of(run: Run) -> Row:
    sent = run.params.get("params", {})
    switched = {name: {"on": True, "value": value} for name, value in sent.items()}
    return form.row_of({"model": run.model, "family": run.family, "params": switched})


def _answered(request: Request) -> Run | None:
    """What made the answer `?turn=` of a chat that the person may read."""
    turn = uuid_or_none(request.GET.get("turn"))
    if turn is None:
        return None
    return access.visible(Run, request).select_related("asked").filter(answer=turn).first()


def _last(request: Request) -> list[dict[str, Any]]:
    own = Conversation.objects.filter(owner=request.user, team=request.team, comparison__isnull=False)
    row = own.order_by("-updated_at").first()
    return [lane.settings for lane in lanes.of(row)] if row else []


def _named(asked: QueryDict, key: GatewayKey | None) -> list[Row]:
    """The models of an address; its families go with them, and are found where it names none."""
    models = [model.strip()[:255] for model in asked.getlist("model") if model.strip()][:MOST]
    said, found = asked.getlist("family"), families_of(models, key)
    told = [said[at] if at < len(said) and said[at] in FAMILIES else "" for at in range(len(models))]
    return [Row(model, family or found[model]) for model, family in zip(models, told, strict=True)]


def families_of(models: Sequence[str], key: GatewayKey | None) -> dict[str, str]:
    """By what family each is asked: chat, unless only another one's list has it."""
    rows = ModelEntry.objects.filter(model_id__in=models, gone_at=None)
    listed: dict[str, set[str]] = {}
    for model, family in (rows.filter(key=key) if key else rows).values_list("model_id", "family"):
        listed.setdefault(model, set()).add(family)
    first, *others = FAMILIES
    return {
        model: next((family for family in others if {family} == listed.get(model)), first) for model in models
    }


def _usual(key: GatewayKey | None) -> list[Row]:
    """Two of the key's models that can chat."""
    if key is None:
        return []
    left = list(ModelEntry.objects.filter(key=key, family=next(iter(FAMILIES)), gone_at=None).order_by("pk"))
    rows: list[Row] = []
    while left and len(rows) < BEGUN_WITH:
        model = catalog.choose_model(left)
        left = [entry for entry in left if entry.model_id != model]
        rows.append(Row(model))
    return rows


def of_conversation(request: Request, conversation: Conversation) -> dict[str, Any]:
    """The lanes and their rounds; so many queries, however many there are of both."""
    columns, rounds = _rounds(conversation)
    runs = [cell.shown.run for cell in rounds[-1].cells] if rounds else []
    writable = screen.may_write(request, conversation)
    return {
        "conversation": conversation,
        "lanes": columns,
        "rounds": rounds,
        "figures": figures.of(conversation, runs) if runs else [],
        "live": [run for run in runs if run is not None and run.live],
        "failed": [run for run in runs if run is not None and run.status in lanes.FAILED],
        "texts": sum(bool(cell.shown.turn.text) for cell in rounds[-1].cells) if rounds else 0,
        "writable": writable,
        "may_copy": screen.may_copy(request, conversation),
        "turn_id": uuid4(),
        "max_chars": site.MAX_PROMPT_CHARS,
        "streams": True,
        "text": _draft(request, conversation) if writable else "",
        "blind": lanes.is_blind(conversation),
        "again": address_of(columns),
    }


def of_diff(request: Request, conversation: Conversation) -> dict[str, Any]:
    """Two of the last answers that have a text: those the address names, else the first two."""
    _, rounds = _rounds(conversation)
    cells = [cell for cell in (rounds[-1].cells if rounds else []) if cell.shown.turn.text]
    by_number = {str(cell.lane.number): cell for cell in cells}
    one = by_number.get(request.GET.get("a", ""), cells[0] if cells else None)
    other = by_number.get(request.GET.get("b", ""))
    if other is None or other is one:
        other = next((cell for cell in cells if cell is not one), None)
    return {
        "conversation": conversation,
        "cells": cells,
        "one": one,
        "other": other,
        "pieces": _pieces(one, other) if one and other else [],
        "whole": True,
    }


def _pieces(one: Cell, other: Cell) -> list[diff.Piece]:
    before, after = ([Section("answer", "The last answers", cell.shown.turn.text)] for cell in (one, other))
    return diff.compare(before, after)


def _draft(request: Request, conversation: Conversation) -> str:
    kept = Draft.objects.filter(user=request.user, conversation=conversation)
    return kept.values_list("text", flat=True).first() or ""


def address_of(columns: Sequence[Lane]) -> str:
    """The query of a new comparison of the same models."""
    made = QueryDict(mutable=True)
    made.setlist("model", [lane.model for lane in columns])
    made.setlist("family", [lane.family for lane in columns])
    return made.urlencode()


def _rounds(conversation: Conversation) -> tuple[list[Lane], list[Round]]:
    children = tree.siblings(conversation.pk)
    columns = lanes.of(conversation)
    paths = [tree.path_through(children, lane.leaf) for lane in columns]
    every = list(dict.fromkeys(pk for path in paths for pk in path))
    shown = {row.turn.pk: row for row in turns_shown(conversation, every, children)}
    best = lanes.best_of(conversation)
    count = max((len(path) for path in paths), default=0) // 2
    return columns, [_round(columns, paths, shown, at, best) for at in range(count)]


def _round(
    columns: Sequence[Lane],
    paths: Sequence[Sequence[UUID]],
    shown: Mapping[UUID, ShownTurn],
    at: int,
    best: int | None,
) -> Round:
    place = 2 * at
    there = [(lane, path) for lane, path in zip(columns, paths, strict=True) if len(path) > place + 1]
    cells = [
        Cell(lane, shown[path[place + 1]], len(path) == place + 2, lane.number == best)
        for lane, path in there
    ]
    return Round(shown[there[0][1][place]], cells)
