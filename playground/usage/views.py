"""The page Usage and its CSV."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access, acts, audit
from accounts.access import Request
from accounts.models import Role
from playground.usage import asked, budgets, export, report
from playground.usage.models import Budget, StaleDay


@require_GET
def page(request: Request) -> HttpResponse:
    """Everybody sees what they used; admins what the team used."""
    access.allow(request, acts.LOOK)
    now = timezone.now()
    team_wide = request.role >= Role.ADMIN
    wanted = asked.read(request.GET, may_see_team=team_wide, now=now)
    context: dict[str, Any] = {
        "tab": "page",
        "asked": wanted,
        "report": report.make(wanted, request.team, request.user),
        "ranges": asked.RANGES,
        "sides": sides(wanted),
        "whose": asked.WHOSE,
        "team_wide": team_wide,
        "stale": StaleDay.objects.filter(team_id=request.team.pk).count(),
        "warnings": warnings(request),
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "usage/page.html", context)


def sides(wanted: asked.Asked) -> dict[str, str]:
    """Persons are told apart for a team alone."""
    mine = wanted.whose == "me"
    return {name: label for name, label in asked.SIDES.items() if not (mine and name == "person")}


def warnings(request: Request) -> list[budgets.Left]:
    """Budgets of the person's, or of the team for its admins, that are low or spent."""
    rows = access.visible(Budget, request).select_related("key", "person").distinct()
    return [left for left in budgets.standing(rows, timezone.now()) if left.state != "good"]


@require_POST
def csv(request: Request) -> HttpResponseBase:
    """What the page shows, in every hour, day or week. That somebody took it is on record."""
    access.allow(request, acts.LOOK)
    wanted = asked.read(request.POST, may_see_team=request.role >= Role.ADMIN, now=timezone.now())
    told = {"since": wanted.since.isoformat(), "until": wanted.until.isoformat(), "by": wanted.by}
    audit.record(
        request.user, request.team, "usage.export", "", audit.ip_of(request), whose=wanted.whose, **told
    )
    zone = timezone.get_current_timezone()
    told_rows = export.lines(wanted, request.team, request.user, zone)
    response = StreamingHttpResponse(told_rows, content_type="text/csv")
    name = f"usage-{wanted.since:%Y-%m-%d}-{wanted.until:%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
