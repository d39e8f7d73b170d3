"""Teams, who belongs to them and as what. A team never loses its last owner.

Every change locks the team's row, so two people who act at once go one after the other, and is judged by
the roles as they are then: nobody deals out or touches a role above their own.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import acts, audit, belongings, invitations
from accounts.acts import Act
from accounts.models import ApiToken, GatewayKey, Membership, Role, Team, User

LAST_OWNER = "A team needs an owner. Make somebody else an owner first."


class LastOwner(Exception):
    """The change would leave a team without an owner; the message is for the person who tried."""


class Personal(Exception):
    """A personal team belongs to one person: nobody joins it, and it lives as long as the account."""


def make(name: str, *, by: User, ip: str | None = None) -> Team:
    """A new team with its maker as the owner."""
    with transaction.atomic():
        stem = slugify(name)[:80] or "team"
        team = Team.objects.create(name=name, slug=f"{stem}-{secrets.token_hex(4)}")
        Membership.objects.create(team=team, user=by, role=Role.OWNER)
        audit.record(by, team, "team.make", name, ip)
    return team


def rename(team: Team, name: str, *, by: User, ip: str | None = None) -> None:
    with transaction.atomic():
        before = team.locked().name
        _must(team, by, acts.RENAME)
        Team.objects.filter(pk=team.pk).update(name=name)
        audit.record(by, team, "team.rename", name, ip, before=before)


def delete(team: Team, *, by: User, ip: str | None = None) -> None:
    """With everything in it, its log too; that it was deleted stays in the log of who did it."""
    with transaction.atomic():
        locked = team.locked()
        _must(team, by, acts.DELETE)
        if locked.personal_of_id is not None:
            raise Personal("A personal team goes with the account only.")
        locked.delete()
        audit.record(by, by.personal_team, "team.delete", locked.name, ip)


def change_role(team: Team, user: User, role: Role, *, by: User, ip: str | None = None) -> None:
    """Raises LastOwner, PermissionDenied, and Membership.DoesNotExist for somebody who is not in the team."""
    with transaction.atomic():
        membership = _locked(team, user)
        _must_outrank(team, by, membership, role)
        if role < Role.OWNER:
            _refuse_last_owner(membership)
        before = Role(membership.role).label
        Membership.objects.filter(pk=membership.pk).update(role=role)
        invitations.withdraw_beyond(team, user, role, timezone.now())
        audit.record(by, team, "role.change", user.email, ip, before=before, after=role.label)


def remove(team: Team, user: User, *, by: User, heir: User | None = None, ip: str | None = None) -> None:
    """The same errors; a personal team keeps the person it belongs to, who is its owner.

    What the leaver had shared with the team goes to `heir`, or else to whoever removes them, or else to an
    owner. Their own keys in the team are wiped and their tokens revoked.
    """
    with transaction.atomic():
        membership = _locked(team, user)
        if by != user:
            _must_outrank(team, by, membership, Role.VIEWER)
        _refuse_last_owner(membership)
        membership.delete()
        heir = _heir(team, heir or by)
        handed = belongings.hand_over(team, user, heir)
        _shut_out(team, user, timezone.now())
        verb = "member.leave" if by == user else "member.remove"
        audit.record(by, team, verb, user.email, ip, heir=heir.email, **handed)


def hand_over(team: Team, user: User, *, by: User, ip: str | None = None) -> None:
    """Make somebody else the owner and oneself an admin."""
    with transaction.atomic():
        membership = _locked(team, user)
        _must(team, by, acts.HAND_OVER)
        if user == by:
            return
        Membership.objects.filter(pk=membership.pk).update(role=Role.OWNER)
        Membership.objects.filter(team=team, user=by).update(role=Role.ADMIN)
        invitations.withdraw_beyond(team, by, Role.ADMIN, timezone.now())
        audit.record(by, team, "team.hand_over", user.email, ip)


def is_last_owner(team: Team, user: User) -> bool:
    owners = Membership.objects.filter(team=team, role=Role.OWNER)
    return owners.filter(user=user).exists() and not owners.exclude(user=user).exists()


def grantable(role: int) -> list[Role]:
    """The roles somebody of this role may deal out."""
    return [each for each in Role if each <= role] if role >= acts.ROLES.role else []


def _locked(team: Team, user: User) -> Membership:
    team.locked()
    return Membership.objects.get(team=team, user=user)


def _must(team: Team, by: User, act: Act) -> int:
    role = Membership.objects.filter(team=team, user=by).values_list("role", flat=True).first() or 0
    if role < act.role:
        raise PermissionDenied(f"This needs the role {act.role.label.lower()} in the team.")
    return role


def _must_outrank(team: Team, by: User, membership: Membership, role: Role) -> None:
    own = _must(team, by, acts.ROLES)
    if max(membership.role, role) > own:
        raise PermissionDenied("Nobody deals out, changes or removes a role above their own.")


def _refuse_last_owner(membership: Membership) -> None:
    if is_last_owner(membership.team, membership.user):
        raise LastOwner(LAST_OWNER)


def _heir(team: Team, wanted: User) -> User:
    rows = Membership.objects.filter(team=team).select_related("user").order_by("-role", "created_at", "pk")
    heir = rows.filter(user=wanted).first() or rows[0]
    return heir.user


def _shut_out(team: Team, user: User, now: datetime) -> None:
    """A personal key was lent by its person: nobody else gets it, and it does not wait for their return."""
    own = GatewayKey.objects.filter(team=team, owner=user, revoked_at=None)
    own.update(sealed=b"", vault_key_id="", revoked_at=now)
    ApiToken.objects.filter(team=team, user=user, revoked_at=None).update(revoked_at=now)
    invitations.withdraw_beyond(team, user, 0, now)
