"""Gateway keys at rest: AES-256-GCM under a ring of vault keys, bound to the row that holds them.

A sealed value is `version (1 byte) | length of key id (1) | key id | nonce (12) | ciphertext and tag`.
What is authenticated beside the secret: that header, the purpose, the team and the row. So a value
copied to another row or team, or altered in any byte, does not open. The ring comes from the setting
VAULT_KEYS and has nothing to do with SECRET_KEY. Opened secrets travel as `Secret`, which hides itself.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.models import GatewayKey

VERSION = 1
PURPOSE = b"gateway-key"
NONCE = 12
TAG = 16
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}\Z")

# Told of every secret that passes through here, so that the log redactor can know it.
on_open: list[Callable[[str], None]] = []


class VaultError(ValueError):
    """A key cannot be sealed or opened; the message says what to do, and holds no secret."""


class Secret:
    """A key in the clear. It shows itself to `reveal()` alone, and refuses to be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment] # a hash would be a fingerprint

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is neither copied nor pickled: pass the key's id")


@dataclass(frozen=True, slots=True)
class Ring:
    """Vault keys by id; the first one seals."""

    first: str
    keys: dict[str, bytes] = field(repr=False)


@dataclass(slots=True)
class Rotation:
    """What a rotation did: rows sealed anew, rows nobody can open, rows still under an older key."""

    moved: int = 0
    unreadable: int = 0
    left: int = 0


@sensitive_variables()
def seal(secret: str | Secret, *, row: UUID, team: UUID) -> tuple[bytes, str]:
    """Encrypt a key for one row of one team; gives the sealed bytes and the id of the vault key used."""
    value = secret.reveal() if isinstance(secret, Secret) else secret
    ring = _ring()
    _tell(value)
    if not value or not value.isprintable():
        raise VaultError("A key holds printable characters only: paste it again.")
    return _seal(value, ring, row=row, team=team), ring.first


@sensitive_variables()
def open_key(key: GatewayKey) -> Secret:
    """The key in the clear, from its row or from the environment.

    Raises VaultError, whose message is for the person who wants to use the key.
    """
    if key.revoked_at is not None:
        raise VaultError(
            f"The key “{key.label}” was revoked. Choose another key, or add it again in Settings."
        )
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise VaultError(f"The key “{key.label}” has expired. Choose another key, or have it prolonged.")
    value = _from_environment(key) if key.from_env else _open(bytes(key.sealed), key, _ring())
    _tell(value)
    return Secret(value)


def usable() -> bool:
    """Whether the ring seals and opens: a canary, tried each time."""
    nobody = UUID(int=0)
    try:
        ring = _ring()
        sealed = _seal("canary", ring, row=nobody, team=nobody)
        return _unseal(sealed, ring, row=nobody, team=nobody) == "canary"
    except VaultError:
        return False


def rotate_all(batch: int = 200) -> Rotation:
    """Seal every row anew that is not under the first vault key.

    Each row is one conditional update, so a rotation may be killed anywhere and started again, and a
    person who changes a key at the same moment wins; their row is looked at again in the next pass.
    """
    ring, done = _ring(), Rotation()
    while True:
        moved = done.unreadable = 0
        for key in _older(ring, batch):
            try:
                moved += _rotate(key, ring)
            except VaultError:
                done.unreadable += 1
        done.moved += moved
        if not moved:
            done.left = _not_under(ring).count()
            return done


def environment_secret(name: str) -> str:
    """A secret from the variable, or from the file its `_FILE` twin names; empty when neither is there."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name, "").strip()
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise VaultError(
            f"{name}_FILE cannot be read ({error.strerror}). Tell whoever runs this site."
        ) from error


def _rotate(key: GatewayKey, ring: Ring) -> int:
    seen = bytes(key.sealed)
    sealed = _seal(_open(seen, key, ring), ring, row=key.pk, team=key.team_id)
    rows = GatewayKey.objects.filter(pk=key.pk, sealed=seen)
    return rows.update(sealed=sealed, vault_key_id=ring.first)


def _older(ring: Ring, batch: int) -> Iterator[GatewayKey]:
    last = UUID(int=0)
    while rows := list(_not_under(ring).filter(pk__gt=last).order_by("pk")[:batch]):
        yield from rows
        last = rows[-1].pk


def _not_under(ring: Ring) -> QuerySet[GatewayKey]:
    return GatewayKey.objects.exclude(vault_key_id=ring.first).exclude(sealed=b"")


def _from_environment(key: GatewayKey) -> str:
    # A row may name this one variable only: an edited row must not turn into a window on the others.
    value = environment_secret(key.from_env) if key.from_env == settings.ENV_KEY_NAME else ""
    if not value:
        raise VaultError(
            f"The key “{key.label}” comes from the environment, but {key.from_env} is not set there. "
            "Set it and restart, or add the key in Settings."
        )
    return value


def _open(sealed: bytes, key: GatewayKey, ring: Ring) -> str:
    try:
        return _unseal(sealed, ring, row=key.pk, team=key.team_id)
    except VaultError as error:
        raise VaultError(f"The key “{key.label}” cannot be opened: {error}") from None


def _seal(value: str, ring: Ring, *, row: UUID, team: UUID) -> bytes:
    name = ring.first.encode()
    header = bytes([VERSION, len(name)]) + name
    nonce = os.urandom(NONCE)
    bound = _bound(header, row, team)
    return header + nonce + AESGCM(ring.keys[ring.first]).encrypt(nonce, value.encode(), bound)


def _unseal(sealed: bytes, ring: Ring, *, row: UUID, team: UUID) -> str:
    if len(sealed) < 2 or sealed[0] != VERSION:
        raise VaultError("what is stored is damaged. Paste the key again in Settings.")
    end = 2 + sealed[1]
    header, nonce, rest = sealed[:end], sealed[end : end + NONCE], sealed[end + NONCE :]
    name = header[2:].decode("ascii", "replace")
    if len(rest) < TAG or not KEY_ID.match(name):
        raise VaultError("what is stored is damaged. Paste the key again in Settings.")
    if name not in ring.keys:
        raise VaultError(
            f"it was sealed with the vault key {name}, which is not in VAULT_KEYS. "
            "Put that vault key back, or paste the gateway key again in Settings."
        )
    try:
        return AESGCM(ring.keys[name]).decrypt(nonce, rest, _bound(header, row, team)).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise VaultError(
            "what is stored does not belong to this row. Paste the key again in Settings."
        ) from None


def _bound(header: bytes, row: UUID, team: UUID) -> bytes:
    return header + PURPOSE + team.bytes + row.bytes


def _tell(value: str) -> None:
    for hook in on_open:
        hook(value)


def _ring() -> Ring:
    return _parse(settings.VAULT_KEYS)


@lru_cache(maxsize=4)
def _parse(text: str) -> Ring:
    keys: dict[str, bytes] = {}
    for entry in re.split(r"[\s,]+", text.strip()):
        name, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not KEY_ID.match(name) or len(key) != 32 or name in keys:
            raise VaultError("VAULT_KEYS must list id:key, each key 32 bytes in base64url, each id once.")
        keys[name] = key
    return Ring(first=next(iter(keys)), keys=keys)
