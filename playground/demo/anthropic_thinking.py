"""Signed thinking: a block comes back unchanged and to the model that made it, or it is refused."""

import base64
import binascii
import hmac
from typing import Any

from .records import digest

_SECRET = b"demo gateway thinking signature"
_NONCE = 12


def sign(thinking: str, *, model: str) -> str:
    """The signature of a thinking block, in base64; the same text of the same model has the same one."""
    return base64.b64encode(_proof(b"thinking", thinking.encode(errors="replace"), model)).decode()


def redact(thinking: str, *, model: str) -> str:
    """The data of a redacted_thinking block, which nobody but the model can read."""
    nonce = digest(thinking.encode(errors="replace"))[:_NONCE]
    return base64.b64encode(nonce + _proof(b"redacted", nonce, model)).decode()


def is_genuine(block: dict[str, Any], *, model: str) -> bool:
    """Whether a thinking or redacted_thinking block is what this model once sent."""
    if block.get("type") == "thinking":
        thinking, signature = block.get("thinking"), block.get("signature")
        if not isinstance(thinking, str) or not isinstance(signature, str):
            return False
        genuine = sign(thinking, model=model)
        return hmac.compare_digest(signature.encode(errors="replace"), genuine.encode())
    try:
        data = base64.b64decode(str(block.get("data")), validate=True)
    except (binascii.Error, ValueError):
        return False
    return data[_NONCE:] == _proof(b"redacted", data[:_NONCE], model)


def _proof(kind: bytes, content: bytes, model: str) -> bytes:
    # Four rounds, since real signatures are long too.
    named = model.encode(errors="replace")
    return b"".join(digest(_SECRET, kind, named, content, bytes([turn])) for turn in range(4))
