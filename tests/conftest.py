"""The cast and the environment of every test: loaded before Django's settings are."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

from tests._servers import folders

folders.sweep()
DATA = str(folders.make("tests"))
atexit.register(shutil.rmtree, DATA, ignore_errors=True)
# Whatever the shell around the tests holds must not change what they see.
TOLD = ["ANYINT_API_KEY", "DATABASE_URL", "REDIS_URL", "GATEWAY_URLS", "SITE_URL", "SIGN_UP", "DEBUG"]
for name in (*TOLD, "S3_BUCKET"):
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

from playground.gateway import redaction  # noqa: E402
from tests._servers import cast  # noqa: E402

django.setup()
# The same examples everywhere, and no example that fails because the machine was busy.
examples.register_profile(
    "ours",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
examples.load_profile("ours")
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import GatewayKey, Team, User

pytest_plugins = [
    "tests._servers.left_out",
    "tests._servers.telling",
    "tests._servers.order",
    "tests._servers.demo",
    "tests._servers.stores",
    "tests._servers.migrated",
    "tests._servers.apart",
    "tests._servers.site",
    "tests._servers.browser",
]


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """What a test has hidden from all texts is shown in the next one: a drawn key can be anybody's word."""
    with redaction._lock:
        kept = redaction._forms_of.copy()
    yield
    with redaction._lock:
        redaction._forms_of.clear()
        redaction._forms_of.update(kept)


@pytest.fixture
def owner(db: None) -> User:
    return cast.make_user(cast.OWNER)


@pytest.fixture
def mate(db: None) -> User:
    return cast.make_user(cast.MATE)


@pytest.fixture
def viewer(db: None) -> User:
    return cast.make_user(cast.VIEWER)


@pytest.fixture
def stranger(db: None) -> User:
    """Has an account and a personal team, and nothing to do with `team`."""
    return cast.make_user(cast.STRANGER)


@pytest.fixture
def team(owner: User, mate: User, viewer: User) -> Team:
    """The shared team: owner as OWNER, mate as MEMBER, viewer as VIEWER."""
    return cast.make_team(owner, mate, viewer)


@pytest.fixture
def key(owner: User, team: Team, demo: str) -> GatewayKey:
    """The owner's sealed key in `team`; it opens the running demo gateway."""
    return cast.seal_key(owner, team, label="Demo", base_url=demo, secret="demo-key")


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
