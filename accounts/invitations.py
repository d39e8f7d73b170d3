"""Ways into a team (or just into the playground), bound to an address, for one use."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import access, acts, audit
from accounts.links import digest
from accounts.models import Invitation, Membership, Role, Team, User

SESSION_KEY = "invitation"


class State(StrEnum):
    """What an invitation is worth now."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def invite(
    email: str, *, team: Team | None, role: Role, by: User | None, now: datetime, ip: str | None = None
) -> tuple[Invitation, str]:
    """A new invitation and its token; an open one for the same address and team is revoked.

    Nobody invites into a role above their own; `by` is None for whoever runs the site.
    """
    email = email.strip().lower()
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        if team is not None:
            team.locked()
            if by is not None and role > access.role_of(by, team):
                raise PermissionDenied("Nobody invites into a role above their own.")
        older = Invitation.objects.filter(team=team, email=email, accepted_at=None, revoked_at=None)
        older.update(revoked_at=now)
        invitation = Invitation.objects.create(
            team=team,
            email=email,
            role=role,
            token_hash=digest(token),
            invited_by=by,
            expires_at=now + timedelta(days=settings.INVITATION_DAYS),
        )
        audit.record(by, team, "invitation.make", email, ip, role=role.label)
    return invitation, token


def address(token: str) -> str:
    return settings.SITE_URL + reverse("join-by-link", args=[token])


def revoke(invitation: Invitation, *, by: User, now: datetime, ip: str | None = None) -> bool:
    """Close an open invitation; False when it was no longer open."""
    rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    won = rows.update(revoked_at=now) == 1
    if won:
        audit.record(by, invitation.team, "invitation.revoke", invitation.email, ip)
    return won


def withdraw_beyond(team: Team, by: User, role: int, now: datetime) -> int:
    """Take back what somebody who has only this role now (0: none) could not deal out any more."""
    rows = Invitation.objects.filter(team=team, invited_by=by, accepted_at=None, revoked_at=None)
    return rows.filter(role__gt=role if role >= acts.MEMBERS.role else 0).update(revoked_at=now)


def by_token(token: str) -> Invitation | None:
    return Invitation.objects.select_related("team", "invited_by").filter(token_hash=digest(token)).first()


def state(invitation: Invitation | None, now: datetime) -> State:
    if invitation is None:
        return State.UNKNOWN
    if invitation.accepted_at is not None:
        return State.ACCEPTED
    if invitation.revoked_at is not None:
        return State.REVOKED
    return State.OPEN if invitation.expires_at > now else State.EXPIRED


def remember(request: HttpRequest, invitation: Invitation) -> None:
    """Keep it in the session, which survives signing in and signing up."""
    request.session[SESSION_KEY] = str(invitation.pk)


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def remembered(request: HttpRequest) -> Invitation | None:
    """The open invitation this visitor came with."""
    rows = Invitation.objects.select_related("team", "invited_by")
    try:
        found = rows.filter(pk=request.session.get(SESSION_KEY, "")).first()
    except ValidationError:
        return None
    return found if state(found, timezone.now()) is State.OPEN else None


def accept(invitation: Invitation, user: User, now: datetime, ip: str | None = None) -> bool:
    """Let the person in; False when it is not theirs, or no longer open."""
    if user.email != invitation.email.lower():
        return False
    with transaction.atomic():
        if invitation.team is not None:
            invitation.team.locked()
        rows = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now
        )
        if rows.update(accepted_at=now) != 1:
            return False
        if invitation.team is not None:
            _join(invitation.team, user, invitation.role)
        audit.record(user, invitation.team, "invitation.accept", user.email, ip)
    return True


def _join(team: Team, user: User, role: int) -> None:
    """Who is in already keeps the higher of both roles."""
    _, created = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if not created:
        Membership.objects.filter(team=team, user=user, role__lt=role).update(role=role)
