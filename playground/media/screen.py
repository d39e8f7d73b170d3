"""What the studio's pages show: operations of a medium, the form to begin with, and cards by day."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.http import Http404
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from accounts import access
from accounts.models import Role, Team
from playground.gateway.media.operation import Operation
from playground.media import catalogue, forms, listing, offers, orders, prompts, spending
from playground.media.cards import Card
from playground.media.forms import Filled
from playground.media.models import Asset, MediaTask, Status
from playground.ops import catalog
from playground.words import LONGEST_QUERY

MEDIA = {"image": ("image",), "video": ("video",), "music": ("music",), "audio": ("speech", "text")}
LABELS = {"image": "Image", "video": "Video", "music": "Music", "audio": "Audio & text"}
ICONS = {"image": "image", "video": "play", "music": "activity", "audio": "file-text"}
PAGE = 30
DRAFTS, MOST_DRAFTS = "studio", 12
STATES = (
    ("", "Any state"),
    *((str(status), status.label) for status in Status),
)


class Request(access.Request):
    """What a view of the studio receives."""

    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Day:
    label: str
    cards: list[Card]


def tab_of(medium: str) -> str:
    """The page a medium is made on."""
    return next((tab for tab, media in MEDIA.items() if medium in media), "image")


def operations_of(team: Team, tab: str) -> list[Operation]:
    if tab not in MEDIA:
        raise Http404
    return [operation for operation in catalogue.offered(team) if operation.medium in MEDIA[tab]]


def operation_for(request: Request, tab: str) -> Operation:
    """The one asked for; else the one used last; else one that needs no earlier result."""
    there = operations_of(request.team, tab)
    wanted = catalogue.chosen(request.team, request.GET.get("operation", ""))
    if wanted in there:
        return wanted
    last = MediaTask.objects.filter(user=request.user, team=request.team, medium__in=MEDIA[tab])
    newest = last.order_by("-created_at").values_list("operation", flat=True).first() or ""
    used = catalogue.chosen(request.team, newest)
    if used is not None and not used.takes_result:
        return used
    return next(
        (each for each in there if not each.takes_result and each.models and not _needs_file(each)), there[0]
    )


def _needs_file(operation: Operation) -> bool:
    return any(row.required for row in operation.files)


def page(request: Request, tab: str, operation: Operation, filled: Filled) -> dict[str, Any]:
    return {
        "streams": True,
        "tab": tab,
        "tab_label": LABELS[tab],
        "tabs": [(name, LABELS[name], ICONS[name]) for name in MEDIA],
        **form(request, operation, filled),
        **feed(request, operation.medium if tab == "audio" else tab),
    }


def form(
    request: Request,
    operation: Operation,
    filled: Filled,
    *,
    errors: Mapping[str, str] | None = None,
    form_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    keys = catalog.usable_keys(request.user, request.team)
    key = next((key for key in keys if str(key.pk) == filled.key), keys[0] if keys else None)
    offer = offers.of(operation, request.team, key)
    tab = tab_of(operation.medium)
    return {
        "tab": tab,
        "operation": operation,
        "operations": operations_of(request.team, tab),
        "form": forms.view(operation, filled, request.team, errors=errors, offer=offer, form_id=form_id),
        "keys": keys,
        "chosen_key": str(key.pk) if key else "",
        "left": spending.left(request.user, request.team, keys, timezone.now()),
        "unasked": key is not None and not offer.known and key.tested_at is None,
        "may_make": request.role >= Role.MEMBER,
        "may_declare": request.role >= Role.ADMIN,
        "callback_note": orders.callback_note(operation),
        "prompt_kind": prompts.kind_of(operation),
        "chosen_prompt": prompts.version_for(request.user, request.team.pk, filled.prompt),
    }


def beginning(request: Request, operation: Operation) -> Filled:
    """What the form begins with: an earlier task's settings, a file, a result, or what was typed last."""
    asked = request.GET
    if pk := asked.get("reuse") or asked.get("vary"):
        return _reused(access.get(MediaTask, request, pk), vary="vary" in asked)
    if pk := asked.get("after"):
        source = access.get(MediaTask, request, pk)
        output = asked.get("output", "")
        values = _from_result(source, output, operation)
        return Filled(values=values, source=str(source.pk), source_output=output)
    if pk := asked.get("use"):
        asset = access.get(Asset, request, pk)
        taken = next((row.name for row in operation.files if row.kind == asset.kind), "")
        return Filled(files={taken: [{"asset": str(asset.pk)}]} if taken else {})
    if pk := asked.get("prompt"):
        return _prompted(request, pk)
    if "fresh" in asked:
        return Filled()
    return draft(request, operation)


def _prompted(request: Request, pk: str) -> Filled:
    """What a version says that asks for nothing; with values it comes by way of the draft."""
    version = prompts.version_for(request.user, request.team.pk, pk)
    found = prompts.opened(version, {}, request.user) if version else Filled()
    return found if isinstance(found, Filled) else Filled()


def _from_result(source: MediaTask, output: str, operation: Operation) -> dict[str, Any]:
    """The fields that an earlier result fills; the rest begins as usual."""
    asset = Asset.objects.filter(task=source, key=output).first()
    fills = {"task": source.upstream_id, "output": str(asset.meta.get("id", "")) if asset else ""}
    return {name: fills[what] for name, what in operation.takes_result.items() if fills.get(what)}


def _reused(task: MediaTask, *, vary: bool) -> Filled:
    values = dict(task.inputs.get("values", {}))
    if vary:
        values = {name: value for name, value in values.items() if name.rpartition(".")[2] != "seed"}
    extra = task.inputs.get("extra") or {}
    return Filled(
        values=values,
        files=task.inputs.get("files", {}),
        extra=forms.shown(extra) if extra else "",
        key=str(task.key_id or ""),
        source=str(task.source_id or ""),
        source_output=task.source_output,
    )


def draft(request: Request, operation: Operation) -> Filled:
    kept = request.session.get(DRAFTS, {}).get(operation.key)
    return Filled(**kept) if kept else Filled()


def keep_draft(request: Request, operation: Operation, filled: Filled) -> None:
    drafts = {**request.session.get(DRAFTS, {})}
    drafts.pop(operation.key, None)
    drafts[operation.key] = filled.as_draft()
    request.session[DRAFTS] = dict(list(drafts.items())[-MOST_DRAFTS:])


def feed(request: Request, medium: str) -> dict[str, Any]:
    asked = request.GET
    status = asked.get("status", "")
    filters = listing.Filters(
        words=asked.get("q", "")[:LONGEST_QUERY],
        medium=medium,
        status=status if status in Status.values else "",
        user=request.user.pk if asked.get("mine") else None,
        favourite=bool(asked.get("favourite")),
    )
    found = listing.page(request.team, filters, asked.get("mark", ""), PAGE)
    shown = cards(request, found.tasks)
    today = timezone.localdate()
    days = [Day(_day(day, today), list(group)) for day, group in groupby(shown, key=_date_of)]
    first = bool(days) and _date_of(days[0].cards[0]) == today
    narrowed = bool(filters.words or filters.status or filters.user or filters.favourite)
    query = asked.copy()
    query.pop("mark", None)
    return {
        "today": days[0].cards if first else [],
        "days": days[1:] if first else days,
        "next_mark": found.next_mark,
        "filters": filters,
        "narrowed": narrowed,
        "states": STATES,
        "query": query.urlencode(),
    }


def cards(request: Request, tasks: Iterable[MediaTask]) -> list[Card]:
    """Two queries for all of them."""
    rows = list(tasks)
    kept = Asset.objects.order_by("kind", "ordinal")
    prefetch_related_objects(rows, Prefetch("assets", queryset=kept))
    return [Card.of(task, list(task.assets.all()), may=may_change(request, task)) for task in rows]


def may_change(request: Request, task: MediaTask) -> bool:
    here = task.team_id == request.team.pk
    role = int(request.role) if here else access.role_of(request.user, task.team)
    return role >= Role.MEMBER and task.changeable_by(request.user, role)


def _date_of(card: Card) -> date:
    return timezone.localtime(card.task.created_at).date()


def _day(day: date, today: date) -> str:
    ahead = (today - day).days
    if ahead <= 0:
        return "Today"
    return (
        "Yesterday" if ahead == 1 else f"{day:%A, %-d %B}" + (f" {day:%Y}" if day.year != today.year else "")
    )
