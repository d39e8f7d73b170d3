"""The integration note as a page and as Markdown."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import access
from accounts.models import Role
from playground.verify import note as notes
from playground.verify.screen import Request


@require_GET
def note(request: Request) -> HttpResponse:
    access.need(request, Role.VIEWER)
    works = notes.workloads(request.user, request.team)
    context = {
        "works": works,
        "told": notes.messages(),
        "markdown": notes.as_markdown(request.team, works),
    }
    return render(request, "verify/note.html", context)


@require_GET
def markdown(request: Request) -> HttpResponse:
    access.need(request, Role.VIEWER)
    text = notes.as_markdown(request.team, notes.workloads(request.user, request.team))
    answer = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="integration-note.md"'
    return answer
