"""What the pages of History show: the list with its choices, and one line with what is beside it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection
from django.http import Http404, QueryDict
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from accounts import access
from accounts.models import GatewayKey, Role, Team, User
from playground.chat.models import Run
from playground.gateway.errors import KINDS
from playground.history import export, filters, listing, rating, removing, rows, saved
from playground.history.filters import Asked
from playground.history.listing import Reader
from playground.history.models import Entry, Kind, Rebuild, Share, State
from playground.history.walking import rows as ask
from playground.library.models import Label, Prompt, PromptVersion
from playground.templatetags.frame import FAMILIES

PAGE, MOST_NEW, MOST_MODELS = 50, 99, 200
RATED = (("up", "Good"), ("down", "Bad"))


class Request(access.Request):
    """What a view of History receives."""

    htmx: HtmxDetails


def reader_of(request: Request) -> Reader:
    return Reader.of(request.user, request.team)


def listed(request: Request, asked: Asked, view: str, mark: str) -> dict[str, Any]:
    """The lines of a page and the ways from it."""
    found = listing.page(reader_of(request), asked.filters, mark, PAGE)
    more = {"show": view, "saved": request.GET.get("saved", "")}
    return {
        "streams": True,
        "lines": rows.lines(request.team, found.entries, asked.filters.words),
        "asked": asked,
        "words": asked.filters.words,
        "view": view,
        "newest": found.newest,
        "news_of": filters.address(asked, mark=found.newer_mark, **more),
        "older": filters.address(asked, mark=found.next_mark, **more) if found.next_mark else "",
        "newer": "" if found.newest else filters.address(asked, mark=found.newer_mark, **more),
        "first": filters.address(asked, **more),
        "here": filters.address(asked, mark="" if found.newest else mark, **more),
        "shows": [(name, filters.address(asked, **more | {"show": name})) for name in filters.VIEWS],
        "may": request.role >= Role.MEMBER,
        "formats": [(made.key, made.label) for made in export.FORMATS.values()],
        "saved_views": list(saved.of(request.user, request.team)),
        "begins_with": saved.first(request.user, request.team),
        "removal": removing.waiting(request.user, request.team),
        "rebuild": Rebuild.objects.first(),
    }


def choices(request: Request, asked: Asked) -> dict[str, Any]:
    """What the form of filters offers. What the address names is offered even where nothing has it."""
    wanted, team = asked.filters, request.team
    models = models_of(reader_of(request))
    people = list(User.objects.filter(teams=team).order_by("name", "email"))
    keys = list(access.visible(GatewayKey, request).order_by("label"))
    prompt = access.visible(Prompt, request).filter(pk=wanted.prompt).first() if wanted.prompt else None
    return {
        "kinds": filters.KINDS,
        "states": State.choices,
        "families": list(FAMILIES.items()),
        "models": [wanted.model, *models] if wanted.model and wanted.model not in models else models,
        "people": people,
        "somebody_gone": wanted.owner is not None and wanted.owner not in {person.pk for person in people},
        "keys": keys,
        "key_gone": wanted.key is not None and wanted.key not in {key.pk for key in keys},
        "errors": sorted(KINDS),
        "rated": RATED,
        "labels": labels_of(team),
        "tags": rating.tags(team),
        "prompt": prompt,
    }


def models_of(reader: Reader) -> list[str]:
    """The models that lines name: one look into the index for each of them."""
    found: set[str] = set()
    step = "(SELECT model FROM history_entry WHERE scope = %s AND model > {} ORDER BY model LIMIT 1)"
    sql = (
        f"WITH RECURSIVE known(model) AS (SELECT {step.format('%s')}"  # noqa: S608 - constants of this function
        f" UNION ALL SELECT {step.format('known.model')} FROM known WHERE known.model IS NOT NULL)"
        " SELECT model FROM known WHERE model IS NOT NULL LIMIT %s"
    )
    for scope in reader.scopes:
        found |= {row[0] for row in ask(sql, [scope, "", scope, MOST_MODELS])}
    return sorted(found)[:MOST_MODELS]


def labels_of(team: Team) -> list[str]:
    """Names of labels in use, looked up one after the other in their index."""
    pk = team.pk if connection.vendor == "postgresql" else team.pk.hex
    sql = (
        "SELECT DISTINCT label.name FROM library_label label JOIN library_prompt prompt"
        " ON prompt.id = label.prompt_id WHERE prompt.team_id = %s ORDER BY label.name LIMIT 50"
    )
    return [row[0] for row in ask(sql, [pk])] if Label.objects.exists() else []


def entry_of(request: Request, subject: uuid.UUID, need: Role = Role.VIEWER) -> Entry:
    """The line of a run, task or check that the person may see; 404 or 403 else."""
    pk = Entry.objects.filter(subject=subject).values_list("pk", flat=True).first()
    if pk is None:
        raise Http404
    access.get(Entry, request, pk, need=need)
    found = listing.load([pk])
    if not found:
        raise Http404
    return found[0]


def owns(request: Request, entry: Entry) -> bool:
    """Whether it is for this person to say who reads it."""
    return entry.user_id == request.user.pk and entry.team_id is not None


def shown(request: Request, entry: Entry) -> dict[str, Any]:
    """One line with all its facts, and the lines before and after it in the list it was opened from."""
    asked = filters.read(request.GET)
    view = filters.view_of(request.GET, "")
    reader = reader_of(request)
    newer, older = listing.beside(reader, asked.filters, entry)
    there = Entry.objects.in_bulk([pk for pk in (newer, older) if pk is not None])
    version = _version(request, entry)
    private = entry.scope not in reader.scopes or not _everybodys(reader, entry)
    query = filters.address(asked, show=view)
    return {
        "line": rows.lines(entry.team, [entry])[0] if entry.team else None,
        "entry": entry,
        "asked_text": entry.doc.asked,
        "said_text": entry.doc.said,
        "open_url": open_url(request, entry) if entry.scope in reader.scopes else "",
        "newer": _beside(there.get(newer) if newer is not None else None, query),
        "older": _beside(there.get(older) if older is not None else None, query),
        "back": query,
        "version": version,
        "private": private,
        "share": Share.objects.filter(kind=entry.kind, subject=entry.subject).select_related("by").first(),
        "owns": owns(request, entry) and entry.scope in reader.scopes,
        "may": access.role_of(request.user, entry.team) >= Role.MEMBER if entry.team else False,
        "address": request.build_absolute_uri(reverse("history:show", args=[entry.subject])),
    }


def _everybodys(reader: Reader, entry: Entry) -> bool:
    told = ask("SELECT reader FROM history_scope WHERE id = %s", [entry.scope])
    return bool(told) and uuid.UUID(str(told[0][0])).int == 0


def _version(request: Request, entry: Entry) -> PromptVersion | None:
    """The version of a prompt it is a run of, when the person may see that."""
    if entry.prompt_version is None:
        return None
    rows = access.visible(PromptVersion, request).select_related("prompt")
    return rows.filter(pk=entry.prompt_version).first()


def _beside(entry: Entry | None, query: str) -> str:
    if entry is None:
        return ""
    place = reverse("history:show", args=[entry.subject])
    return f"{place}?{query}" if query else place


def open_url(request: Request, entry: Entry) -> str:
    """Where it is at home: its place in the conversation, the task's page, the check's certificate."""
    if entry.kind == Kind.MEDIA:
        return reverse("media:task", args=[entry.subject])
    if entry.kind == Kind.CHECK:
        return reverse("verify:run", args=[entry.subject])
    place = reverse("chat:show", args=[entry.place])
    rows = access.visible(Run, request).filter(pk=entry.subject)
    turn = rows.values_list("answer_id", flat=True).first()
    return f"{place}?turn={turn}#turn-{turn}" if turn else place


def back_of(request: Request) -> tuple[Asked, str, QueryDict]:
    """The list that a form was sent from."""
    back = QueryDict(request.POST.get("back", "")[:4000])
    return filters.read(back), filters.view_of(back, ""), back
