"""Which team a request is about: the one chosen in the session, or the person's own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject, new_method_proxy

from accounts.models import Membership

CHOSEN = "team"


class Lazy(SimpleLazyObject):
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
        return self.get_response(request)


def current_membership(request: HttpRequest) -> Membership | None:
    """A chosen team the person no longer belongs to is forgotten without a word."""
    if not request.user.is_authenticated:
        return None
    chosen = _chosen(request)
    rows = Membership.objects.filter(user=request.user).select_related("team")
    found = list(rows.filter(Q(team=chosen) | Q(team__personal_of=request.user)))
    found.sort(key=lambda row: row.team_id != chosen)
    return found[0] if found else None


def _chosen(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.session.get(CHOSEN, ""))
    except ValueError:
        return None
