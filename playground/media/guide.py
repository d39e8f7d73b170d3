"""The help page of the studio: true to how this site is set."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from playground.gateway.media.registry import OPERATIONS
from playground.media.screen import Request
from playground.templatetags.frame import FAMILIES


@require_GET
def guide(request: Request) -> HttpResponse:
    able = {row.family for row in OPERATIONS.values() if row.callback_field}
    calling = able & set(settings.CALLBACK_FAMILIES)
    context = {
        "public": bool(settings.PUBLIC_URL),
        "calling": [FAMILIES.get(family, family) for family in sorted(calling)],
        "most_bytes": settings.MAX_ASSET_BYTES,
    }
    return render(request, "media/guide.html", context)
