"""What the tests of people, teams and keys share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from accounts import vault
from accounts.models import GatewayKey, Team, User
from tests._servers import cast
from tests._servers.migrated import Settle
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


@pytest.fixture
def elsewhere(tmp_path: Path, settled: Settle) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python in another process on a database file of its own, which a test's own one is not.

    Takes the arguments of `python`, and variables to set.
    """
    environment = os.environ | settled(tmp_path)

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment | variables,
            cwd=Path(__file__).parents[2],
            text=True,
            capture_output=True,
            check=False,
        )

    return run
