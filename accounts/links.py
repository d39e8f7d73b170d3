"""One-time links that sign a person in. Only a hash is stored, and the row decides who used it first."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.urls import reverse

from accounts.models import SignInLink, User


class State(StrEnum):
    """What a link is worth now."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def digest(token: str) -> str:
    """How a token is stored and looked up: with 256 random bits in it a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def make_link(user: User, now: datetime) -> str:
    """A new token for the person, good for one use until it expires. Links nobody can use any more go."""
    SignInLink.objects.filter(user=user, expires_at__lt=now - timedelta(days=30)).delete()
    token = secrets.token_urlsafe(32)
    lasts = timedelta(hours=settings.SIGN_IN_LINK_HOURS)
    SignInLink.objects.create(user=user, token_hash=digest(token), expires_at=now + lasts)
    return token


def address(token: str) -> str:
    return settings.SITE_URL + reverse("enter", args=[token])


def find(token: str, now: datetime) -> tuple[State, User | None]:
    """The link's state and whom it is for, using nothing up."""
    link = SignInLink.objects.select_related("user").filter(token_hash=digest(token)).first()
    if link is None or not link.user.is_active:
        return State.UNKNOWN, None
    if link.used_at is not None:
        return State.USED, link.user
    return (State.GOOD if link.expires_at > now else State.EXPIRED), link.user


def consume(token: str, now: datetime) -> tuple[State, User | None]:
    """Use the link up. Of any number of callers at once one gets GOOD."""
    state, user = find(token, now)
    if state is not State.GOOD:
        return state, None
    # No join here: PostgreSQL looks again at this row's own columns only when it waited for another.
    won = SignInLink.objects.filter(token_hash=digest(token), used_at=None, expires_at__gt=now)
    if won.update(used_at=now) != 1:
        return State.USED, None
    return State.GOOD, user
