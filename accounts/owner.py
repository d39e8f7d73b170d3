"""The person an embedded playground belongs to, and the keys it starts with."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from accounts import vault
from accounts.models import GatewayKey, User

LOCAL_EMAIL = "owner@localhost"
LIVE_FIRST = (F("revoked_at").asc(nulls_first=True), "created_at")


def local_owner(email: str = LOCAL_EMAIL) -> User:
    """Who runs the playground on their own machine: comes in by link, has no password."""
    user = User.objects.filter(email=email.lower()).first()
    return user or User.objects.create_superuser(email)


def demo_key(user: User, base_url: str, secret: str) -> GatewayKey:
    """The person's key for the built-in demo gateway. One they revoked stays revoked."""
    team = user.personal_team
    key = GatewayKey.objects.filter(owner=user, team=team, is_demo=True).order_by(*LIVE_FIRST).first()
    if key is None:
        key = GatewayKey(owner=user, team=team, is_demo=True, label=_free_label(user, "Demo gateway"))
    if key.revoked_at is None and (key.base_url != base_url or not _holds(key, secret)):
        key.sealed, key.vault_key_id = vault.seal(secret, row=key.pk, team=team.pk)
        key.base_url, key.last4 = base_url, secret[-4:]
        key.save()
    return key


def env_key(user: User, base_url: str, name: str) -> GatewayKey | None:
    """The person's key that lives in the environment: the row holds its last four characters only.

    Gone with the variable. `base_url` is where it points when it is new; the person may change that.
    """
    team, value = user.personal_team, vault.environment_secret(name)
    rows = GatewayKey.objects.filter(owner=user, team=team, from_env=name)
    if not value:
        rows.delete()
        return None
    key = rows.order_by(*LIVE_FIRST).first()
    if key is None:
        label = _free_label(user, "From the environment")
        key = GatewayKey(owner=user, team=team, from_env=name, label=label, base_url=base_url)
    if key.last4 != value[-4:]:
        key.last4, key.rotated_at = value[-4:], timezone.now()
        key.tested_at, key.test_passed, key.test_result = None, None, ""
        key.save()
    return key


def _holds(key: GatewayKey, secret: str) -> bool:
    try:
        return vault.open_key(key) == vault.Secret(secret)
    except vault.VaultError:
        return False


def _free_label(user: User, stem: str) -> str:
    taken = set(
        GatewayKey.objects.filter(owner=user, team=user.personal_team, revoked_at=None).values_list(
            "label", flat=True
        )
    )
    candidates = (stem if number == 1 else f"{stem} {number}" for number in range(1, len(taken) + 2))
    return next(label for label in candidates if label not in taken)
