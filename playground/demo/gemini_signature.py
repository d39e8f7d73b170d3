"""Thought signatures: made so that a changed one, or one on another call or model, is noticed."""

import base64
import binascii
import json
from typing import Any

from .records import digest

_SECRET = b"demo gateway thought signature"
_NONCE, _PROOF = 9, 24
# What the provider documents for calls that no signature was ever made for.
_WAVED_THROUGH = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")


def sign(part: dict[str, Any], *, model: str, nonce: bytes) -> str:
    """A signature for a part of the model's answer, in base64."""
    nonce = digest(nonce)[:_NONCE]
    return base64.b64encode(nonce + _proof(part, model, nonce)).decode()


def is_genuine(part: dict[str, Any], signature: str, *, model: str) -> bool:
    """Whether this very part was signed for this model; both base64 alphabets are read."""
    if signature in _WAVED_THROUGH:
        return True
    try:
        data = base64.b64decode(signature.translate(_STANDARD), validate=True)
    except (binascii.Error, ValueError):
        return False
    return data.decode("latin-1") in _WAVED_THROUGH or data[_NONCE:] == _proof(part, model, data[:_NONCE])


_STANDARD = str.maketrans("-_", "+/")


def _proof(part: dict[str, Any], model: str, nonce: bytes) -> bytes:
    """Calls are bound to their name and arguments. Text is not: clients may join its pieces."""
    call = part.get("functionCall")
    signed = "text"
    if isinstance(call, dict):
        signed = json.dumps([call.get("name"), call.get("args") or {}], sort_keys=True)
    return digest(_SECRET, nonce, model.encode(errors="replace"), signed.encode())[:_PROOF]
