"""The cast and the environment of every test: loaded before Django's settings are."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

DATA = tempfile.mkdtemp(prefix="playground-tests-")
atexit.register(shutil.rmtree, DATA, ignore_errors=True)
# Whatever the shell around the tests holds must not change what they see.
for name in ("ANYINT_API_KEY", "DATABASE_URL", "REDIS_URL", "GATEWAY_URLS", "SITE_URL", "SIGN_UP", "DEBUG"):
    os.environ.pop(name, None)
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "playground.settings",
    "PLAYGROUND_MODE": "embedded",
    "PLAYGROUND_DATA": DATA,
    "SECRET_KEY": secrets.token_urlsafe(50),
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
}

import django  # noqa: E402 - after the environment it reads
from django.conf import settings  # noqa: E402

django.setup()
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import GatewayKey, Team, User

pytest_plugins = [
    "tests._servers.left_out",
    "tests._servers.demo",
    "tests._servers.stores",
    "tests._servers.site",
    "tests._servers.browser",
]

PASSWORD = "a long enough password"


@pytest.fixture
def make_user(db: None) -> Callable[[str], User]:
    """Makes a person with the given first name, a personal team and the password `PASSWORD`."""
    from accounts.models import User

    def make(name: str) -> User:
        return User.objects.create_user(f"{name.lower()}@example.com", PASSWORD, name=name)

    return make


@pytest.fixture
def owner(make_user: Callable[[str], User]) -> User:
    return make_user("Olivia")


@pytest.fixture
def mate(make_user: Callable[[str], User]) -> User:
    return make_user("Miguel")


@pytest.fixture
def viewer(make_user: Callable[[str], User]) -> User:
    return make_user("Vera")


@pytest.fixture
def stranger(make_user: Callable[[str], User]) -> User:
    """Has an account and a personal team, and nothing to do with `team`."""
    return make_user("Sam")


@pytest.fixture
def team(owner: User, mate: User, viewer: User) -> Team:
    """The shared team: owner as OWNER, mate as MEMBER, viewer as VIEWER."""
    from accounts.models import Membership, Role, Team

    team = Team.objects.create(name="Research", slug="research")
    for user, role in ((owner, Role.OWNER), (mate, Role.MEMBER), (viewer, Role.VIEWER)):
        Membership.objects.create(team=team, user=user, role=role)
    return team


@pytest.fixture
def key(owner: User, team: Team, demo: str) -> GatewayKey:
    """The owner's sealed key in `team`; it opens the running demo gateway."""
    return seal_key(owner, team, label="Demo", base_url=demo, secret="demo-key")


def seal_key(owner: User, team: Team, *, label: str, base_url: str, secret: str) -> GatewayKey:
    from accounts import vault
    from accounts.models import GatewayKey

    key = GatewayKey(owner=owner, team=team, label=label, base_url=base_url, last4=secret[-4:])
    key.sealed, key.vault_key_id = vault.seal(secret, row=key.pk, team=team.pk)
    key.save()
    return key


@pytest.fixture
def sign_in(client: Client, team: Team) -> Callable[[User], Client]:
    """Signs a person in and, when they belong to it, chooses `team` for the session."""

    def sign(user: User) -> Client:
        client.force_login(user)
        if team.members.filter(pk=user.pk).exists():
            session = client.session
            session["team"] = str(team.pk)
            session.save()
        return client

    return sign
