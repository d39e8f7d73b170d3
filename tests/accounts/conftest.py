"""What the tests of people, teams and keys share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache

from accounts import vault
from accounts.models import GatewayKey, Team, User
from tests._servers import cast
from tests.accounts.rings import SECRET


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def make_user(db: None) -> Callable[[str], User]:
    """One more person beside the cast."""
    return cast.make_user


@pytest.fixture
def make_key(owner: User) -> Callable[..., GatewayKey]:
    """Seals `SECRET`, or another, for the owner's personal team unless told otherwise."""

    def make(
        label: str = "Mine", secret: str = SECRET, user: User = owner, team: Team | None = None
    ) -> GatewayKey:
        team = team or user.personal_team
        key = GatewayKey(owner=user, team=team, label=label, base_url="https://gw.example", last4=secret[-4:])
        key.sealed, key.vault_key_id = vault.seal(secret, row=key.pk, team=team.pk)
        key.save()
        return key

    return make
