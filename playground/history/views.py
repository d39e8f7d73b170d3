"""History: the list of all runs, tasks and checks, one of them, and what people do with many at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access, audit
from accounts.models import Role
from playground.history import export, filters, listing, removing, saved, screen
from playground.history.models import Entry, Removal
from playground.history.screen import Request

REMEMBERED, YEAR_S = "history", 365 * 24 * 3600
MOST_CHOSEN = 500


@require_GET
def index(request: Request) -> HttpResponse:
    """Filters as in `filters`; `show` is table or gallery, `mark` a page, `saved` the view they are of. htmx
    gets the list alone. Without anything it begins with the view the person chose for that.
    """
    if not request.GET and (view := saved.first(request.user, request.team)):
        return redirect(_address(f"{view.query}&saved={view.pk}"))
    asked = filters.read(request.GET)
    show = filters.view_of(request.GET, request.COOKIES.get(REMEMBERED, ""))
    context = screen.listed(request, asked, show, request.GET.get("mark", ""))
    if request.htmx and request.htmx.target == "history":
        response = render(request, "history/_list.html", context)
        # While somebody types, the address follows without a step back for each letter.
        way = "HX-Replace-Url" if request.htmx.trigger_name == "q" else "HX-Push-Url"
        response.headers[way] = _address(context["here"])
    else:
        response = render(request, "history/list.html", context | screen.choices(request, asked))
    if "show" in request.GET:
        secure = request.is_secure()
        response.set_cookie(REMEMBERED, show, YEAR_S, secure=secure, httponly=True, samesite="Lax")
    return response


def _address(query: str) -> str:
    place = reverse("history:list")
    return f"{place}?{query}" if query else place


@require_GET
def news(request: Request) -> HttpResponse:
    """How many came since the page behind `mark` was made, and the way to them."""
    asked, mark = filters.read(request.GET), request.GET.get("mark", "")
    most = screen.MOST_NEW
    count = listing.count_newer(screen.reader_of(request), asked.filters, mark, most + 1)
    more = {"show": filters.view_of(request.GET, ""), "saved": request.GET.get("saved", "")}
    context = {"count": count, "most": most, "first": filters.address(asked, **more)}
    return render(
        request, "history/_news.html", context | {"news_of": filters.address(asked, mark=mark, **more)}
    )


@require_GET
def show(request: Request, subject: uuid.UUID) -> HttpResponse:
    """One line with its facts; the filters of the address are those of the list it was opened from."""
    return render(request, "history/detail.html", screen.shown(request, screen.entry_of(request, subject)))


@require_POST
def do(request: Request) -> HttpResponseBase:
    """`act` is export-<format> or delete, for every `line` that was chosen, or with `all` for what the
    filters of `back` show.
    """
    act = request.POST.get("act", "")
    if act.startswith("export-"):
        return _exported(request, act.removeprefix("export-"))
    if act == "delete":
        return _deleted(request)
    return HttpResponse("There is no such act.", status=400, content_type="text/plain")


def _chosen(request: Request) -> Iterator[list[int]]:
    """Ids of the lines meant, the newest first, a batch at a time; only what the person sees in the list."""
    reader = screen.reader_of(request)
    if "all" in request.POST:
        asked, _, _ = screen.back_of(request)
        yield from listing.every(reader, asked.filters)
        return
    subjects = set()
    for text in request.POST.getlist("line")[:MOST_CHOSEN]:
        try:
            subjects.add(uuid.UUID(text))
        except ValueError:
            continue
    rows = Entry.objects.filter(subject__in=subjects, scope__in=reader.scopes, hidden=None)
    if ids := list(rows.order_by("-pk").values_list("pk", flat=True)):
        yield ids


def _exported(request: Request, name: str) -> HttpResponseBase:
    to = export.FORMATS.get(name)
    if to is None:
        return HttpResponse("There is no such format.", status=400, content_type="text/plain")
    asked, _, back = screen.back_of(request)
    if "all" not in request.POST and not request.POST.getlist("line"):
        messages.warning(request, "Choose lines first, or export all that the filters show.")
        return redirect(_address(back.urlencode()))
    what = {"format": name} | (asked.told if "all" in request.POST else {"chosen": "yes"})
    # What was looked for is private to who looked.
    what.pop("q", None)
    audit.record(request.user, request.team, "history.export", name, audit.ip_of(request), **what)
    body = export.stream(screen.reader_of(request), _chosen(request), to)
    response = StreamingHttpResponse(body, content_type=to.media_type)
    stem = f"history-{timezone.localdate():%Y-%m-%d}.{to.key}"
    response.headers["Content-Disposition"] = f'attachment; filename="{stem}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _deleted(request: Request) -> HttpResponse:
    """First what would be lost, then, once it is confirmed, the deed that can be undone for a while."""
    access.need(request, Role.MEMBER)
    ids: list[int] = []
    for batch in _chosen(request):
        ids += batch
        if len(ids) > removing.MOST:
            break
    more, ids = len(ids) > removing.MOST, ids[: removing.MOST]
    plan = removing.plan(request.user, request.team, ids)
    _, _, back = screen.back_of(request)
    if "sure" not in request.POST or not plan.anything:
        context = {"plan": plan, "count": len(ids), "more": more, "most": removing.MOST}
        context |= {"back": back.urlencode(), "place": _address(back.urlencode())}
        context |= {"chosen": request.POST.getlist("line")[:MOST_CHOSEN], "all": "all" in request.POST}
        response = render(request, "history/_delete.html" if request.htmx else "history/delete.html", context)
        if request.htmx:
            response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#history-ask", "innerHTML"
        return response
    removal = removing.hide(plan, request.user, request.team, audit.ip_of(request))
    count = f"{removal.entries} line{pluralize(removal.entries)}"
    messages.success(request, f"Deleted: {count}. It can be undone for half a minute.")
    return redirect(_address(back.urlencode()))


@require_POST
def undo(request: Request) -> HttpResponse:
    """Bring back what was deleted as `removal`, from whatever page."""
    text = request.POST.get("removal", "")
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
    removal = access.visible(Removal, request).filter(pk=pk).first()
    if removal is not None and removing.undo(removal, request.user, audit.ip_of(request)):
        messages.success(request, "It is back.")
    else:
        messages.warning(request, "It was too late: what was deleted is gone.")
    _, _, back = screen.back_of(request)
    return redirect(_address(back.urlencode()))
