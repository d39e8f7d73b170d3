"""The Tasks list: everything a team made, filtered and searched, as a table or a gallery; many at once."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from accounts import access, audit
from accounts.models import Role, User
from playground.media import catalogue, followups, listing, screen, sieve, zips
from playground.media.models import Asset, MediaTask
from playground.media.rows import Row
from playground.media.screen import STATES, Request
from playground.templatetags.frame import FAMILIES, filesize_short

PAGE = 48
MOST_NEW = 99
MOST_CHOSEN = 200
MOST_TOLD = 8
REMEMBERED, YEAR_S = "tasks", 365 * 24 * 3600
MEDIA = (
    ("", "Any kind"),
    ("image", "Image"),
    ("video", "Video"),
    ("music", "Music"),
    ("speech", "Speech"),
    ("text", "Text"),
)


@require_GET
def tasks(request: Request) -> HttpResponse:
    """`q`, `medium`, `status`, `family`, `model`, `who`, `favourite`, `from` and `to` narrow; `view` is table
    or gallery, `mark` a page. htmx gets the list alone.
    """
    asked = sieve.read(request.GET)
    view = sieve.view_of(request.GET, request.COOKIES.get(REMEMBERED, ""))
    context = _listed(request, asked, view, request.GET.get("mark", ""))
    if request.htmx and request.htmx.target == "tasks":
        response = render(request, "media/_tasks.html", context)
        # While somebody types, the address follows without a step back for each letter.
        way = "HX-Replace-Url" if request.htmx.trigger_name == "q" else "HX-Push-Url"
        response.headers[way] = _address(context["here"])
    else:
        response = render(request, "media/tasks.html", context | _choices(request, asked))
    if "view" in request.GET:
        secure = request.is_secure()
        response.set_cookie(REMEMBERED, view, YEAR_S, secure=secure, httponly=True, samesite="Lax")
    return response


def _listed(request: Request, asked: sieve.Sieve, view: str, mark: str) -> dict[str, Any]:
    found = listing.page(request.team, asked.filters, mark, PAGE)
    words = asked.filters.words
    return {
        "streams": True,
        "rows": [Row.of(card, words) for card in screen.cards(request, found.tasks)],
        "asked": asked,
        "words": words,
        "view": view,
        "newest": found.newest,
        "news_of": sieve.address(asked, view=view, mark=found.newer_mark),
        "older": sieve.address(asked, view=view, mark=found.next_mark) if found.next_mark else "",
        "newer": "" if found.newest else sieve.address(asked, view=view, mark=found.newer_mark),
        "first": sieve.address(asked, view=view),
        "here": sieve.address(asked, view=view, mark="" if found.newest else mark),
        "views": [(name, sieve.address(asked, view=name)) for name in sieve.VIEWS],
        "may": request.role >= Role.MEMBER,
    }


def _choices(request: Request, asked: sieve.Sieve) -> dict[str, Any]:
    """What the form of filters offers. What the address names is offered even where nothing has it."""
    filters = asked.filters
    offered = {operation.family for operation in catalogue.offered(request.team)}
    families = sorted(offered | {filters.family} - {""}, key=lambda family: FAMILIES.get(family, family))
    models = listing.models(request.team)
    people = list(User.objects.filter(teams=request.team).order_by("name", "email"))
    return {
        "media": MEDIA,
        "states": STATES,
        "families": [(family, FAMILIES.get(family, family)) for family in families],
        "models": [filters.model, *models] if filters.model and filters.model not in models else models,
        "people": people,
        "gone": filters.user is not None and filters.user not in {person.pk for person in people},
    }


def _address(query: str) -> str:
    place = reverse("media:tasks")
    return f"{place}?{query}" if query else place


@require_GET
def news(request: Request) -> HttpResponse:
    """How many came since the page behind `mark` was made, and the way to them."""
    asked = sieve.read(request.GET)
    mark = request.GET.get("mark", "")
    count = len(listing.newer(request.team, asked.filters, mark, MOST_NEW + 1))
    view = sieve.view_of(request.GET, "")
    context = {"count": count, "most": MOST_NEW, "first": sieve.address(asked, view=view)}
    news_of = sieve.address(asked, view=view, mark=mark)
    return render(request, "media/_tasks_news.html", context | {"news_of": news_of})


@require_GET
def row(request: Request, pk: uuid.UUID) -> HttpResponse:
    """One line alone, for a page that was told of a change."""
    return _row(request, access.get(MediaTask, request, pk), request.GET)


def _row(request: Request, task: MediaTask, asked: QueryDict) -> HttpResponse:
    shown = sieve.read(asked)
    view = sieve.view_of(asked, request.COOKIES.get(REMEMBERED, ""))
    only = Row.of(screen.cards(request, [task])[0], shown.filters.words)
    context = {"row": only, "here": sieve.address(shown, view=view), "may": request.role >= Role.MEMBER}
    return render(request, "media/_tasks_row.html" if view == "table" else "media/_tasks_tile.html", context)


@require_POST
def do(request: Request) -> HttpResponseBase:
    """`act` for every `task` that was chosen; `star` for one alone. `back` is the page to come back to."""
    back = QueryDict(request.POST.get("back", ""))
    if pk := request.POST.get("star"):
        return _starred(request, pk, back)
    chosen, act = _chosen(request), request.POST.get("act", "")
    if not chosen:
        return _again(request, back, "Choose tasks first.", messages.WARNING)
    if act == "zip":
        return _zipped(request, chosen, _address(back.urlencode()))
    access.need(request, Role.MEMBER)
    own = [task for task in chosen if screen.may_change(request, task)]
    if act == "delete":
        return _deleted(request, own, chosen, back)
    if act not in ("favourite", "unfavourite"):
        return HttpResponse("There is no such act.", status=400, content_type="text/plain")
    count = sum(followups.set_favourite(task, favourite=act == "favourite") for task in own)
    word = "Kept in mind" if act == "favourite" else "No favourites any more"
    return _again(request, back, f"{word}: {_tasks(count)}.{_others(chosen, own)}", messages.SUCCESS)


def _chosen(request: Request) -> list[MediaTask]:
    """Those of the team in use that are still there, the newest first."""
    pks = set()
    for text in request.POST.getlist("task")[:MOST_CHOSEN]:
        try:
            pks.add(uuid.UUID(text))
        except ValueError:
            continue
    rows = access.visible(MediaTask, request).filter(pk__in=pks)
    return list(rows.select_related("user").order_by("-created_at", "-id"))


def _starred(request: Request, pk: str, back: QueryDict) -> HttpResponse:
    task = access.get(MediaTask, request, pk, need=Role.MEMBER)
    followups.set_favourite(task, favourite=not task.favourite)
    if not request.htmx:
        return redirect(_address(back.urlencode()))
    return _row(request, access.get(MediaTask, request, pk), back)


def _again(request: Request, back: QueryDict, text: str, level: int) -> HttpResponse:
    """The list as it is now, with a word on what was done."""
    messages.add_message(request, level, text)
    if not request.htmx:
        return redirect(_address(back.urlencode()))
    asked = sieve.read(back)
    view = sieve.view_of(back, request.COOKIES.get(REMEMBERED, ""))
    context = _listed(request, asked, view, back.get("mark", ""))
    return render(request, "media/_tasks.html", context | {"told": True})


def _deleted(
    request: Request, own: list[MediaTask], chosen: list[MediaTask], back: QueryDict
) -> HttpResponse:
    """First what would be lost, then, once it is confirmed, the deed."""
    if not own:
        text = "Only who made a task, and admins, may delete it: none of these is yours."
        return _again(request, back, text, messages.WARNING)
    if "sure" in request.POST:
        count = followups.delete(own, request.user, audit.ip_of(request))
        text = f"Deleted, with all files: {_tasks(count)}.{_others(chosen, own)}"
        messages.success(request, text)
        return redirect(_address(back.urlencode()))
    prefetch_related_objects(own, "assets")
    kept = [asset for task in own for asset in task.assets.all() if asset.status == Asset.Status.KEPT]
    context = {
        "own": own,
        "told": own[:MOST_TOLD],
        "more": max(0, len(own) - MOST_TOLD),
        "others": len(chosen) - len(own),
        "live": sum(task.live for task in own),
        "favourites": sum(task.favourite for task in own),
        "files": len(kept),
        "size": sum(asset.size or 0 for asset in kept),
        "back": back.urlencode(),
        "place": _address(back.urlencode()),
    }
    name = "media/_tasks_delete.html" if request.htmx else "media/tasks_delete.html"
    response = render(request, name, context)
    if request.htmx:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#tasks-ask", "innerHTML"
    return response


def _tasks(count: int) -> str:
    return f"{count} task{pluralize(count)}"


def _others(chosen: list[MediaTask], own: list[MediaTask]) -> str:
    left = len(chosen) - len(own)
    return f" {left} of others stayed as {pluralize(left, 'it was,they were')}." if left else ""


@require_GET
def download(request: Request, pk: uuid.UUID) -> HttpResponseBase:
    """Everything that is kept of one task, as an archive."""
    task = access.get(MediaTask, request, pk)
    return _zipped(request, [task], reverse("media:task", args=[pk]))


def _zipped(request: Request, chosen: list[MediaTask], place: str) -> HttpResponseBase:
    plan = zips.plan(chosen)
    most = settings.MAX_ZIP_BYTES
    problem = "" if plan.entries else "Nothing is kept of this yet, so there is nothing to download."
    if plan.size > most:
        problem = (
            f"These files have {filesize_short(plan.size)} together, and one archive holds"
            f" {filesize_short(most)}: choose fewer, or download files one by one."
        )
    if problem:
        messages.warning(request, problem)
        return redirect(place)
    response = StreamingHttpResponse(zips.stream(plan), content_type="application/zip")
    stem = slugify(chosen[0].title)[:60] or "task" if len(chosen) == 1 else _stem(len(chosen))
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{stem}.zip") or "attachment"
    return response


def _stem(count: int) -> str:
    return f"{count}-tasks-{timezone.localdate():%Y-%m-%d}"
