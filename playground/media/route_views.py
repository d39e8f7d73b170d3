"""Settings → Task routes: what admins declare, and what everybody of the team may read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access, audit
from accounts.access import Request
from accounts.models import Role
from playground.gateway.media.custom import DefinitionError, Mistake, custom_operation
from playground.media import route_form, route_trial, routes
from playground.media.models import RouteVersion, TaskRoute
from playground.media.route_form import Typed

EMPTY = Typed({"pace.first_s": "5", "pace.ceiling_s": "30", "pace.deadline_s": "1800"})
FASTER = Mistake("", "Somebody changed this route meanwhile. Open it again in another tab and compare.")


@require_GET
def listing(request: Request) -> HttpResponse:
    mine = access.visible(TaskRoute, request).order_by("archived_at", "label")
    heads = RouteVersion.objects.filter(route__in=mine, number=F("route__number")).select_related("author")
    by_route = {version.route_id: version for version in heads}
    rows = [(route, by_route[route.pk]) for route in mine]
    context = {"rows": rows, "may_change": request.role >= Role.ADMIN}
    return render(request, "media/routes.html", context)


@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    access.need(request, Role.ADMIN)
    if request.method != "POST":
        return _page(request, None, EMPTY)
    return _posted(request, None, 0)


@require_http_methods(["GET", "POST"])
def edit(request: Request, pk: uuid.UUID) -> HttpResponse:
    route = access.get(TaskRoute, request, pk, need=Role.ADMIN)
    if request.method != "POST":
        return _page(request, route, route_form.typed_of(_head(route).definition))
    try:
        seen = int(request.POST.get("number", ""))
    except ValueError:
        seen = route.number
    return _posted(request, route, seen)


def _head(route: TaskRoute) -> RouteVersion:
    return route.versions.get(number=route.number)


def _posted(request: Request, route: TaskRoute | None, seen: int) -> HttpResponse:
    """`act` says what for: more rows, a trial, or to save it."""
    typed = route_form.read(request.POST)
    if request.POST.get("act") == "more":
        return _page(request, route, typed, spare=route_form.MORE, seen=seen)
    definition, mistakes = route_form.definition_of(typed)
    if route is not None:
        definition["key"] = route.key
    try:
        operation = custom_operation(definition)
        if mistakes:
            raise DefinitionError(())
        if request.POST.get("act") == "try":
            trial = route_trial.run(operation, *_samples(request))
            return _page(request, route, typed, trial=trial, seen=seen)
        _save(request, route, definition, seen)
    except DefinitionError as error:
        unread = {mistake.place for mistake in mistakes}
        wrong = [*mistakes, *(each for each in error.mistakes if each.place not in unread)]
        return _page(request, route, typed, mistakes=wrong, seen=seen, status=422)
    return redirect("media:routes")


def _samples(request: Request) -> tuple[str, str]:
    most = route_form.LONGEST
    return request.POST.get("sample_created", "")[:most], request.POST.get("sample_state", "")[:most]


def _save(request: Request, route: TaskRoute | None, definition: dict[str, Any], seen: int) -> None:
    ip = audit.ip_of(request)
    if route is None:
        made = routes.declare(request.team, request.user, definition, ip)
        messages.success(request, f"“{made.label}” is in the studio now.")
        return
    if not routes.change(route, request.user, definition, seen=seen, ip=ip):
        raise DefinitionError((FASTER,))
    messages.success(request, f"“{definition['label']}” is changed. Tasks under way go on as they began.")


def _page(
    request: Request,
    route: TaskRoute | None,
    typed: Typed,
    *,
    mistakes: list[Mistake] | None = None,
    trial: route_trial.Trial | None = None,
    spare: Mapping[str, int] = route_form.SPARE,
    seen: int | None = None,
    status: int = 200,
) -> HttpResponse:
    created, state = _samples(request)
    context = {
        "route": route,
        "form": route_form.view(typed, mistakes or (), spare=spare),
        "wrong": bool(mistakes),
        "trial": trial,
        "sample_created": created,
        "sample_state": state,
        "number": route.number if route is not None and seen is None else seen,
    }
    return render(request, "media/route.html", context, status=status)


@require_POST
def archive(request: Request, pk: uuid.UUID) -> HttpResponse:
    route = access.get(TaskRoute, request, pk, need=Role.ADMIN)
    if routes.archive(route, request.user, audit.ip_of(request)):
        messages.success(request, f"“{route.label}” is archived. Tasks under way go on.")
    return redirect("media:routes")


@require_POST
def restore(request: Request, pk: uuid.UUID) -> HttpResponse:
    route = access.get(TaskRoute, request, pk, need=Role.ADMIN)
    if routes.restore(route, request.user, audit.ip_of(request)):
        messages.success(request, f"“{route.label}” is in the studio again.")
    return redirect("media:routes")
