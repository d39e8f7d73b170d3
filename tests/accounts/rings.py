"""Vault keys and a canary for the tests."""

from __future__ import annotations

import base64

SECRET = "sk-canary-7f31c0ffee-wxyz"


def ring_entry(name: str, filler: int) -> str:
    """One entry of VAULT_KEYS: a key of 32 equal bytes."""
    return f"{name}:{base64.urlsafe_b64encode(bytes([filler]) * 32).decode()}"
