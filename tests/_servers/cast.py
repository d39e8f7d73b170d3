"""The cast written into a database: by fixtures, and once into the template every real site starts from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import GatewayKey, Team, User

PASSWORD = "a long enough password"
# Who they are in `team`: owner, member, viewer, and one who is not in it.
OWNER, MATE, VIEWER, STRANGER = "Olivia", "Miguel", "Vera", "Sam"


def address(name: str) -> str:
    return f"{name.lower()}@example.com"


def make_user(name: str) -> User:
    """A person with a personal team and the password `PASSWORD`."""
    from accounts.models import User

    return User.objects.create_user(address(name), PASSWORD, name=name)


def make_team(owner: User, mate: User, viewer: User) -> Team:
    from accounts.models import Membership, Role, Team

    team = Team.objects.create(name="Research", slug="research")
    for user, role in ((owner, Role.OWNER), (mate, Role.MEMBER), (viewer, Role.VIEWER)):
        Membership.objects.create(team=team, user=user, role=role)
    return team


def seal_key(owner: User, team: Team, *, label: str, base_url: str, secret: str) -> GatewayKey:
    from accounts import vault
    from accounts.models import GatewayKey

    key = GatewayKey(owner=owner, team=team, label=label, base_url=base_url, last4=secret[-4:])
    key.sealed, key.vault_key_id = vault.seal(secret, row=key.pk, team=team.pk)
    key.save()
    return key


def make_all(demo_url: str) -> None:
    """Everybody, the shared team, and a demo key for the owner in both of their teams."""
    owner, mate, viewer, _ = (make_user(name) for name in (OWNER, MATE, VIEWER, STRANGER))
    for team in (make_team(owner, mate, viewer), owner.personal_team):
        seal_key(owner, team, label="Demo", base_url=demo_url, secret="demo-key")


if __name__ == "__main__":
    import django

    django.setup()
    make_all(sys.argv[1])
