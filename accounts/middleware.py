"""Which team a request is about: the one chosen in the session, or the person's own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, new_method_proxy

from accounts.models import Membership

CHOSEN = "team"


class Lazy(SimpleLazyObject):  # type: ignore[type-arg] # generic in the stubs alone
    """Django's lazy object leaves out the comparisons a role needs."""

    __ge__ = new_method_proxy(operator.ge)
    __le__ = new_method_proxy(operator.le)
    __int__ = new_method_proxy(int)


class TeamMiddleware:
    """Sets `request.team` and `request.role`; one query, and only when somebody asks for them.

    For a visitor the team is empty (false) and the role 0.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        @cache
        def membership() -> Membership | None:
            return current_membership(request)

        def team() -> Any:
            found = membership()
            return found.team if found else None

        def role() -> int:
            found = membership()
            return found.role if found else 0

        request.team = Lazy(team)  # type: ignore[attr-defined] # declared on access.Request
        request.role = Lazy(role)  # type: ignore[attr-defined] # declared on access.Request
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()  # threads are shared, and the next request is somebody else's

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Times are shown in the person's own zone. Pages for everybody stay without a query."""
        if getattr(view, "login_required", True) and request.user.is_authenticated:
            timezone.activate(_zone(request.user.tz))


def current_membership(request: HttpRequest) -> Membership | None:
    """A chosen team the person no longer belongs to is forgotten without a word."""
    if not request.user.is_authenticated:
        return None
    chosen = _chosen(request)
    rows = Membership.objects.filter(user=request.user).select_related("team")
    found = list(rows.filter(Q(team=chosen) | Q(team__personal_of=request.user)))
    found.sort(key=lambda row: row.team_id != chosen)
    return found[0] if found else None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _chosen(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.session.get(CHOSEN, ""))
    except ValueError:
        return None
