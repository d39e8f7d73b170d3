"""What is done with one line of History: rating it, showing it to the team, a copy for outside; and views."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from accounts import access, audit
from accounts.models import Role
from playground.history import filters, rating, redacted, rows, saved, screen
from playground.history.models import Entry, Rating, Share, View
from playground.history.screen import Request

VALUES = {"up": 1, "down": -1}


@require_GET
def rated(request: Request, subject: uuid.UUID) -> HttpResponse:
    """The form of the rating, for a page that shows the run or task."""
    return _rating(request, screen.entry_of(request, subject))


def _rating(request: Request, entry: Entry, *, kept: bool = False) -> HttpResponse:
    context = {"entry": entry, "rating": rating.of([entry]).get(entry.pk), "kept": kept}
    context |= {"may": access.role_of(request.user, entry.team) >= Role.MEMBER if entry.team else False}
    return render(request, "history/_rating.html", context)


@require_POST
def rate(request: Request, subject: uuid.UUID) -> HttpResponse:
    """`value` up, down or nothing, with `note` and `tags` parted by commas."""
    entry = screen.entry_of(request, subject, Role.MEMBER)
    rating.rate(
        entry,
        request.user,
        value=VALUES.get(request.POST.get("value", "")),
        note=request.POST.get("note", ""),
        tags=request.POST.get("tags", "").split(","),
    )
    entry.refresh_from_db(fields=["rating"])
    if request.htmx:
        return _rating(request, entry, kept=True)
    messages.success(request, "Rating kept.")
    return redirect(_back(request, reverse("history:show", args=[subject])))


@require_POST
def thumb(request: Request, subject: uuid.UUID) -> HttpResponse:
    """Good or bad from the list; the same once more takes it back. Note and tags stay."""
    entry = screen.entry_of(request, subject, Role.MEMBER)
    before: Rating | None = rating.of([entry]).get(entry.pk)
    wanted = VALUES.get(request.POST.get("value", ""))
    value = None if before is not None and before.value == wanted else wanted
    tags = [tag.name for tag in before.tags.all()] if before else []
    rating.rate(entry, request.user, value=value, note=before.note if before else "", tags=tags)
    asked, view, back = screen.back_of(request)
    if not request.htmx:
        return redirect(f"{reverse('history:list')}?{back.urlencode()}")
    line = rows.lines(request.team, [screen.entry_of(request, subject)], asked.filters.words)[0]
    name = "history/_line.html" if view == "table" else "history/_tile.html"
    return render(request, name, {"line": line, "here": back.urlencode(), "may": True})


def _back(request: Request, place: str) -> str:
    to = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return to if safe else place


@require_POST
def share(request: Request, subject: uuid.UUID) -> HttpResponse:
    """Let the team read this one by its address, or with `stop` no longer. Its owner alone says so."""
    entry = screen.entry_of(request, subject, Role.MEMBER)
    if not screen.owns(request, entry) or entry.team is None:
        raise PermissionDenied("Only who ran it may let others read it.")
    name, ip = entry.name, audit.ip_of(request)
    with transaction.atomic():
        if "stop" in request.POST:
            gone, _ = Share.objects.filter(kind=entry.kind, subject=subject).delete()
            if gone:
                audit.record(request.user, entry.team, "history.unshare", name, ip)
        else:
            about = {"team": entry.team, "by": request.user}
            _, fresh = Share.objects.get_or_create(kind=entry.kind, subject=subject, defaults=about)
            if fresh:
                audit.record(request.user, entry.team, "history.share", name, ip)
    stopped = "stop" in request.POST
    messages.success(
        request, "Only you read it now." if stopped else "Whoever is in the team reads it by its address."
    )
    return redirect("history:show", subject)


@require_GET
def copy(request: Request, subject: uuid.UUID) -> HttpResponse:
    """What a copy for outside would say."""
    return _copy(request, screen.entry_of(request, subject))


@require_POST
def make_copy(request: Request, subject: uuid.UUID) -> HttpResponse:
    """`look` shows it again with `words` taken out too; `as` md or html makes the file."""
    entry = screen.entry_of(request, subject, Role.MEMBER)
    to = request.POST.get("as", "")
    if to not in ("md", "html") or entry.team is None:
        return _copy(request, entry)
    made = redacted.copy_of(entry, entry.team, redacted.words_of(request.POST.get("words", "")))
    audit.record(request.user, entry.team, "history.copy", entry.name, audit.ip_of(request), format=to)
    text = redacted.markdown(made) if to == "md" else redacted.page(made)
    media_type = "text/markdown" if to == "md" else "text/html"
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="run.{to}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return response


def _copy(request: Request, entry: Entry) -> HttpResponse:
    words = request.POST.get("words", "")[:4000]
    made: Any = redacted.copy_of(entry, entry.team, redacted.words_of(words)) if entry.team else None
    context = {
        "entry": entry,
        "copy": made,
        "words": words,
        "taken": sorted(made.taken.items()) if made else [],
    }
    return render(request, "history/copy.html", context)


@require_POST
def keep_view(request: Request) -> HttpResponse:
    """Keep the filters of `back` as `name`, for the team with `shared`."""
    shared = "shared" in request.POST
    if shared:
        access.need(request, Role.MEMBER)
    _, _, back = screen.back_of(request)
    query = back.urlencode()
    try:
        view = saved.keep(request.user, request.team, request.POST.get("name", ""), query, shared=shared)
    except saved.Refused as refused:
        messages.warning(request, str(refused))
        return redirect(f"{reverse('history:list')}?{query}")
    messages.success(request, f"Kept as “{view.name}”.")
    return redirect(f"{reverse('history:list')}?{view.query}&saved={view.pk}")


@require_POST
def remove_view(request: Request, pk: uuid.UUID) -> HttpResponse:
    """One's own; the team's also by an admin."""
    view = access.get(View, request, pk)
    if not view.changeable_by(request.user, access.role_of(request.user, view.team)):
        raise PermissionDenied("Only who made a view, and admins, may remove it.")
    view.delete()
    messages.success(request, "View removed.")
    return redirect(f"{reverse('history:list')}?show={filters.VIEWS[0]}")


@require_POST
def begin_with(request: Request, pk: uuid.UUID) -> HttpResponse:
    """Let History open with this view, or with `stop` with everything."""
    view = access.get(View, request, pk)
    saved.begin_with(request.user, view.team, None if "stop" in request.POST else view)
    messages.success(
        request, "History opens with everything." if "stop" in request.POST else "History opens with this."
    )
    return redirect(f"{reverse('history:list')}?{view.query}&saved={view.pk}")
