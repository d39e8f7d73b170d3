"""Settings → Audit: who did what to which object when."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access, acts, audit, audit_log
from accounts.access import Request
from accounts.audit_log import Wanted
from accounts.models import AuditEvent
from accounts.team_forms import AuditForm


@require_GET
def log(request: Request) -> HttpResponse:
    access.allow(request, acts.AUDIT)
    form = AuditForm(request.team, request.GET)
    good = form.is_valid()
    events, more = audit_log.page(_events(request, form), request.GET.get("before", "")) if good else ([], "")
    context = {
        "form": form,
        "events": [(event, audit.VERBS.get(event.verb, event.verb), _told(event)) for event in events],
        "older": _query(request.GET, before=more) if more else "",
        "newest": _query(request.GET) if request.GET.get("before") else "",
        "filtered": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "accounts/audit.html", context, status=200 if good else 422)


@require_POST
def export(request: Request) -> HttpResponseBase:
    """What the filters show, whole, as CSV. That somebody took it is on record too."""
    access.allow(request, acts.AUDIT)
    form = AuditForm(request.team, request.POST)
    if not form.is_valid():
        return render(request, "accounts/audit.html", {"form": form, "events": []}, status=422)
    chosen = {name: str(value) for name, value in form.cleaned_data.items() if value}
    audit.record(request.user, request.team, "audit.export", "", audit.ip_of(request), **chosen)
    response = StreamingHttpResponse(audit_log.lines(_events(request, form)), content_type="text/csv")
    name = f"audit-{timezone.localdate():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _events(request: Request, form: AuditForm) -> QuerySet[AuditEvent]:
    asked: dict[str, Any] = form.cleaned_data
    since, until = form.span()
    wanted = Wanted(asked["who"], asked["what"], asked["words"], since, until)
    return wanted.of(access.visible(AuditEvent, request))


def _told(event: AuditEvent) -> list[str]:
    """The details in words; what is empty says nothing."""
    found = []
    for name, value in event.detail.items():
        words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        words = ", ".join(map(str, words)) if isinstance(words, list) else words
        if words not in ("", None):
            found.append(f"{name.replace('_', ' ')}: {words}")
    return found


def _query(asked: QueryDict, **more: str) -> str:
    """The filters that are set, for an address."""
    kept = QueryDict(mutable=True)
    for name in AuditForm.base_fields:
        if value := asked.get(name):
            kept[name] = value
    kept.update(more)
    return f"?{kept.urlencode()}"
