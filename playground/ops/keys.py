"""Gateway keys of a person and of a team: add, test, rename, limit, rotate, revoke.

A secret goes in and never comes out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from kombu.exceptions import OperationalError

from accounts import audit, vault
from accounts.models import GatewayKey, Role, Team, User
from playground.gateway.transport import Transport
from playground.ops import catalog, tasks
from playground.ops.catalog import Outcome

logger = logging.getLogger(__name__)
TEST_FIELDS = ("tested_at", "test_passed", "test_result")


class LabelTaken(Exception):
    """There is a live key of this label: the person's own in the team, or the team's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a team key may be used for. Empty tuples mean "all"."""

    needs_role: Role = Role.MEMBER
    models: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def fields(self) -> dict[str, Any]:
        return {
            "needs_role": self.needs_role,
            "allowed_models": list(self.models),
            "allowed_families": list(self.families),
            "expires_at": self.expires_at,
        }


def of(user: User, team: Team) -> list[GatewayKey]:
    """The person's own live keys in the team, the demo's last."""
    rows = GatewayKey.objects.filter(owner=user, team=team, shared=False, revoked_at=None)
    return list(rows.order_by("is_demo", "-created_at"))


def of_team(team: Team) -> list[GatewayKey]:
    """The team's live keys, those that have expired too."""
    rows = GatewayKey.objects.filter(team=team, shared=True, revoked_at=None).select_related("owner")
    return list(rows.order_by("label", "created_at"))


def free_label(user: User, team: Team, stem: str = "AnyInt key") -> str:
    taken = {key.label for key in of(user, team)}
    labels = (stem if number == 1 else f"{stem} {number}" for number in range(1, len(taken) + 2))
    return next(label for label in labels if label not in taken)


def problem(key: GatewayKey) -> str:
    """Why the key cannot be used here at all, with what to do about it; "" when it can."""
    if key.base_url not in settings.GATEWAY_URLS:
        return catalog.NOT_LISTED.format(key.base_url)
    try:
        vault.open_key(key)
    except vault.VaultError as error:
        return str(error)
    return ""


def add(
    user: User,
    team: Team,
    *,
    label: str,
    base_url: str,
    secret: vault.Secret,
    limits: Limits | None = None,
    ip: str | None = None,
) -> GatewayKey:
    """Seal a new key, the team's when it has `limits`. Raises LabelTaken."""
    key = GatewayKey(owner=user, team=team, label=label, base_url=base_url, last4=_last4(secret))
    if limits is not None:
        key.shared = True
        for name, value in limits.fields().items():
            setattr(key, name, value)
    key.is_demo = _is_demo(base_url)
    key.sealed, key.vault_key_id = vault.seal(secret, row=key.pk, team=team.pk)
    try:
        with transaction.atomic():
            key.save(force_insert=True)
            _record(key, user, "key.add", ip, address=base_url)
    except IntegrityError:
        raise LabelTaken from None
    return key


def test(
    key: GatewayKey, user: User, transport: Transport, now: datetime, *, ip: str | None = None
) -> Outcome:
    """Ask the Models API, as long as a person will wait; what is left of a long list is fetched later."""
    outcome = catalog.refresh(key, transport, now, timeout_s=catalog.TEST_S, most_pages=catalog.TEST_PAGES)
    _record(key, user, "key.test", ip, result=outcome.error_kind or "works")
    if not outcome.complete:
        fetch_models(key)
    return outcome


def fetch_models(key: GatewayKey) -> None:
    """Have a worker fetch the whole list of the key's models."""
    try:
        tasks.refresh.delay(str(key.pk))
    except (OperationalError, OSError):
        # The tick finds the key in time, and the picker has a button.
        logger.warning("a list of models could not be asked for: no broker")


def change(key: GatewayKey, user: User, *, label: str, base_url: str, ip: str | None = None) -> bool:
    """Another label, another address; whether the address did change. Raises LabelTaken."""
    moved = base_url != key.base_url
    key.label, key.base_url, key.is_demo = label, base_url, _is_demo(base_url)
    fields = ["label", "base_url", "is_demo"]
    if moved:
        _forget_test(key)
        fields += TEST_FIELDS
    try:
        with transaction.atomic():
            live = GatewayKey.objects.filter(pk=key.pk, revoked_at=None)
            if live.update(**{name: getattr(key, name) for name in fields}):
                _record(key, user, "key.change", ip, address=base_url)
    except IntegrityError:
        raise LabelTaken from None
    return moved


def limit(key: GatewayKey, user: User, limits: Limits, *, ip: str | None = None) -> bool:
    """Other limits for a team key, from the next use on. False: it was revoked meanwhile, or is nobody's but
    its owner's.
    """
    with transaction.atomic():
        live = GatewayKey.objects.filter(pk=key.pk, shared=True, revoked_at=None)
        won = live.update(**limits.fields()) == 1
        if won:
            until = limits.expires_at.isoformat(timespec="minutes") if limits.expires_at else ""
            told = {"models": ", ".join(limits.models), "families": ", ".join(limits.families)}
            _record(key, user, "key.limit", ip, role=limits.needs_role.label, until=until, **told)
    return won


def rotate(
    key: GatewayKey, user: User, secret: vault.Secret, now: datetime, *, ip: str | None = None
) -> bool:
    """Put another secret into the row; the old one is gone at once. False: the key was revoked meanwhile."""
    key.sealed, key.vault_key_id = vault.seal(secret, row=key.pk, team=key.team_id)
    key.last4, key.rotated_at = _last4(secret), now
    _forget_test(key)
    fields = ["sealed", "vault_key_id", "last4", "rotated_at", *TEST_FIELDS]
    with transaction.atomic():
        live = GatewayKey.objects.filter(pk=key.pk, revoked_at=None)
        won = live.update(**{name: getattr(key, name) for name in fields}) == 1
        if won:
            _record(key, user, "key.rotate", ip)
    return won


def revoke(key: GatewayKey, user: User, now: datetime, *, ip: str | None = None) -> bool:
    """Wipe the secret and take the key out of use. False: somebody did so already."""
    with transaction.atomic():
        live = GatewayKey.objects.filter(pk=key.pk, revoked_at=None)
        won = live.update(sealed=b"", vault_key_id="", revoked_at=now) == 1
        if won:
            _record(key, user, "key.revoke", ip)
    return won


def _last4(secret: vault.Secret) -> str:
    return secret.reveal()[-4:]


def _is_demo(base_url: str) -> bool:
    return settings.EMBEDDED and base_url == settings.DEMO_URL


def _forget_test(key: GatewayKey) -> None:
    key.tested_at, key.test_passed, key.test_result = None, None, ""


def _record(key: GatewayKey, user: User, verb: str, ip: str | None, **detail: str) -> None:
    audit.record(user, key.team, verb, str(key), ip, **detail)
