"""Which gateway keys a person may use, and for what. Every use of a key asks here before it is opened.

A key of their own a person may use for anything. A team key (`shared`) may ask for a role and keep to some
models and families. Both end at `expires_at`. Nothing here ever picks another key: who may not use the one
that was chosen is told so.
"""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import GatewayKey, Membership, Role, Team, User

GONE = "This key is not yours to use, or is gone. Choose another one."


def usable(user: User, team: Team, now: datetime) -> QuerySet[GatewayKey]:
    """The live keys the person may choose in the team: their own, and team keys their role is enough for."""
    role = Membership.objects.filter(team=team, user=user, user__is_active=True)
    mine = Q(owner=user, shared=False)
    teams = Q(shared=True, needs_role__lte=role.values("role")[:1])
    live = Q(expires_at=None) | Q(expires_at__gt=now)
    rows = GatewayKey.objects.filter(mine | teams, live, team=team, revoked_at=None)
    return rows.filter(team__membership__in=role)


def refusal(key: GatewayKey, user: User | None, now: datetime, *, family: str = "", model: str = "") -> str:
    """Why the person may not use the key, for this family and model, in words for them; "" when they may.

    Without family and model only the person is looked at: for asking after something that was begun.
    """
    role = _role(user, key.team_id) if user is not None else 0
    if user is None or not role or not (key.shared or key.owner_id == user.pk):
        return GONE
    if key.revoked_at is not None:
        return f"The key “{key.label}” was revoked. Choose another one."
    if expired(key, now):
        return f"The key “{key.label}” has expired. Choose another one, or ask an admin of the team."
    if not key.shared:
        return ""
    if role < key.needs_role:
        return f"The team key “{key.label}” is for {_plural(key.needs_role)}. Choose another one."
    if family and key.allowed_families and family not in key.allowed_families:
        return f"The team key “{key.label}” is not for this family. Choose another key or family."
    if model and not covers(key, model):
        return f"The team key “{key.label}” is not for the model {model}. Choose another key or model."
    return ""


def expired(key: GatewayKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def covers(key: GatewayKey, model: str) -> bool:
    """Whether a team key's patterns let the model through; no pattern lets all through."""
    patterns: list[str] = key.allowed_models
    return not patterns or any(fnmatchcase(model.lower(), pattern.lower()) for pattern in patterns)


def _role(user: User, team_id: UUID) -> int:
    rows = Membership.objects.filter(team=team_id, user=user, user__is_active=True)
    return rows.values_list("role", flat=True).first() or 0


def _plural(role: int) -> str:
    label = Role(role).label.lower()
    return f"{label}s" if role == Role.OWNER else f"{label}s and above"
