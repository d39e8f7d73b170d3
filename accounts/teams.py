"""Who belongs to a team and as what. A team never loses its last owner."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.models import Membership, Role, Team, User


class LastOwner(Exception):
    """The change would leave a team without an owner; the message is for the person who tried."""


def change_role(team: Team, user: User, role: Role, *, by: User) -> None:
    """Raises LastOwner, and Membership.DoesNotExist for somebody who is not in the team."""
    with transaction.atomic():
        membership = _locked(team, user)
        if role < Role.OWNER:
            _refuse_last_owner(membership)
        before = Role(membership.role).label
        Membership.objects.filter(pk=membership.pk).update(role=role)
        audit.record(by, team, "role.change", user.email, before=before, after=role.label)


def remove(team: Team, user: User, *, by: User) -> None:
    """The same errors; a personal team keeps the person it belongs to, who is its owner."""
    with transaction.atomic():
        membership = _locked(team, user)
        _refuse_last_owner(membership)
        membership.delete()
        audit.record(by, team, "member.remove", user.email)


def _locked(team: Team, user: User) -> Membership:
    # The team's row is the lock: two owners who demote each other at once go one after the other.
    Team.objects.select_for_update().get(pk=team.pk)
    return Membership.objects.get(team=team, user=user)


def _refuse_last_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(team=membership.team_id, role=Role.OWNER)
    if membership.role == Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner("A team needs an owner. Make somebody else an owner first.")
