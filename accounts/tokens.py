"""API tokens: how a program says who it is. Shown once when made; only the hash is kept.

A token reads `apt_<name>_<secret>`: the name finds the row, the secret is compared in constant time.
A personal token does what its person may do in the team, and ends with their membership. A team token
is nobody's: it sees what the whole team sees.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.links import digest
from accounts.models import ApiToken, Membership, Role, Team, User

# What a token may be allowed, with how it reads on the page and the role its person needs for it.
SCOPES = {"prompts:read": "Read prompts", "prompts:run": "Turn prompts into requests"}
NEEDS = {"prompts:read": Role.VIEWER, "prompts:run": Role.MEMBER}
WINDOW_S = 60
# Written at most this often: reading a prompt must not cost a write each time.
NOTED_AFTER = timedelta(minutes=1)

_SHAPE = re.compile(r"apt_([0-9a-f]{16})_([A-Za-z0-9_-]{43})\Z")
_NOTHING = digest("")


@sensitive_variables("text", "secret")
def caller(request: HttpRequest) -> ApiToken | None:
    """The live token in `Authorization: Bearer …`, with its team and user; None when there is none.

    Ask `allows(token, scope)` before answering and `wait(token, time.time())` before working. `token.user`
    is the person it acts for, None for a team token: then only what the whole team sees may be given.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return find(text.strip(), timezone.now())


@sensitive_variables("text", "secret")
def find(text: str, now: datetime) -> ApiToken | None:
    """The live token of this text; notes that it was used."""
    shape = _SHAPE.match(text)
    name, secret = shape.groups() if shape else ("", "")
    token = _live(now).filter(name=name).select_related("team", "user").first()
    # Compared even when there is no row, so that a wrong name takes as long as a wrong secret.
    right = hmac.compare_digest(digest(secret), token.token_hash if token else _NOTHING)
    if token is None or not right or not _still_member(token):
        return None
    if token.last_used_at is None or token.last_used_at <= now - NOTED_AFTER:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def wait(token: ApiToken, now: float) -> int:
    """Count one request; seconds to wait (for Retry-After) when the token's minute is used up, else 0.

    `now` is `time.time()`. The count is in the cache, so all processes of the site share it.
    """
    window, passed = divmod(now, WINDOW_S)
    key = f"api-token:{token.pk}:{int(window)}"
    cache.add(key, 0, WINDOW_S * 2)
    try:
        used = cache.incr(key)
    except ValueError:
        used = 1  # dropped from the cache between the two calls
    return 0 if used <= settings.API_RATE else ceil(WINDOW_S - passed)


@sensitive_variables("secret")
def make(
    team: Team,
    label: str,
    scopes: Collection[str],
    *,
    by: User,
    personal: bool,
    expires_at: datetime | None,
    ip: str | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its text, which nobody can ask for again."""
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}")
    name, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            team=team,
            user=by if personal else None,
            made_by=by,
            label=label,
            name=name,
            token_hash=digest(secret),
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
        audit.record(by, team, "token.make", str(token), ip, scopes=token.scopes, personal=personal)
    return token, f"apt_{name}_{secret}"


def revoke(token: ApiToken, *, by: User, now: datetime, ip: str | None = None) -> bool:
    """False: somebody did so already."""
    with transaction.atomic():
        won = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now) == 1
        if won:
            audit.record(by, token.team, "token.revoke", str(token), ip)
    return won


def allows(token: ApiToken, scope: str) -> bool:
    """Whether the token holds the scope and its person has, today, the role it needs."""
    if scope not in token.scopes:
        return False
    if token.user_id is None:
        return True
    rows = Membership.objects.filter(team=token.team_id, user=token.user_id, role__gte=NEEDS[scope])
    return rows.exists()


def _live(now: datetime) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


def _still_member(token: ApiToken) -> bool:
    if token.user_id is None:
        return True
    rows = Membership.objects.filter(team=token.team_id, user=token.user_id, user__is_active=True)
    return rows.exists()
