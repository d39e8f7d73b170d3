"""A secret that can be looked for: in every spelling something may carry it, and wherever it may turn up."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from html import escape
from urllib.parse import quote, quote_plus


def new_key() -> str:
    """Signs that every encoding spells in another way, and never the same key twice."""
    return f"sk-canary+{secrets.token_hex(8)}/x=<{secrets.token_hex(3)}"


def new_words() -> str:
    return f"prompt-canary-{secrets.token_hex(12)}"


def spellings(secret: str) -> set[str]:
    raw = secret.encode()
    inside = {base64.b64encode(bytes(before) + raw).decode()[4:-4] for before in range(3)}
    inside |= {base64.urlsafe_b64encode(bytes(before) + raw).decode()[4:-4] for before in range(3)}
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), escape(secret)}
    return plain | {raw.hex(), json.dumps(secret)[1:-1], secret[::-1]} | inside


def hits(secret: str, texts: Iterable[tuple[str, str]]) -> list[str]:
    """Where the secret stands, as "place: spelling"."""
    wanted = [form.lower() for form in spellings(secret)]
    found = ((place, form) for place, text in texts for form in wanted if form in text.lower())
    return [f"{place}: {form}" for place, form in found]
