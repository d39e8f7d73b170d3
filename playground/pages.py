"""Home, health and error pages, and what the frame around every page shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject

from accounts import vault
from accounts.models import GatewayKey
from playground.chat import relay


def home(request: HttpRequest) -> HttpResponse:
    return redirect("chat:new")


@login_not_required
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether new work should come here: database, migrations, key ring, and no shutdown under way."""
    checks = {"database": _database(), "vault": vault.usable(), "accepting": not relay.draining()}
    return JsonResponse(checks, status=200 if all(checks.values()) else 503)


def _database() -> bool:
    """It answers, and every migration is in it."""
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return False


def frame(request: HttpRequest) -> dict[str, Any]:
    """For base.html: whether the demo banner shows. Asked only when a template looks: fragments never do."""
    return {
        "on_demo": SimpleLazyObject(lambda: _on_demo(request)),
        "demo_url": settings.DEMO_URL if settings.DEMO_URL in settings.GATEWAY_URLS else "",
        "demo_key": settings.DEMO_KEY,
        "sends_mail": settings.SENDS_MAIL,
    }


def _on_demo(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return False
    usable = GatewayKey.visible_to(user)
    found = GatewayKey.objects.filter(usable, team=getattr(request, "team", None), revoked_at=None)
    kinds = set(found.values_list("is_demo", flat=True))
    return kinds == {True}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "csrf.html", {"request_id": request.META.get("REQUEST_ID")}, status=403)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A host that is not ours, a form with too many fields: no page of the site sends such a thing."""
    return render(None, "400.html", {"request_id": request.META.get("REQUEST_ID", "")}, status=400)


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


@login_not_required
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", {"reason": str(exception or "")}, status=403)


@login_not_required
def failed(request: HttpRequest) -> HttpResponse:
    """Last resort: nothing on this page asks the database."""
    return render(None, "500.html", {"request_id": request.META.get("REQUEST_ID", "")}, status=500)
