"""Hides keys in whatever leaves the process: log lines, error messages, evidence.

Two nets: keys that were used (`remember`), in every spelling a body may echo them in, and
anything that looks like a key or stands where one does. Standard library, no I/O.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import OrderedDict
from threading import Lock
from urllib.parse import quote, quote_plus

MASK = "[hidden]"
REMEMBERED = 1000
# A shorter "secret" would blank out ordinary words.
SHORTEST = 6

_HEADER = re.compile(
    r"""(?ix) (?P<name> \b(?:authorization|x-api-key|x-goog-api-key|api[-_]?key|cookie|set-cookie)
                        (?: (?:\\?["'])? \s*[:=]\s* | ["']\s*,\s* ) )
    (?: (?P<double>  b?") (?:[^"\\\r\n]|\\.)*
      | (?P<single>  b?') (?:[^'\\\r\n]|\\.)*
      | (?P<escaped> \\["']) [^"'\\\r\n]*
      | (?:(?:bearer|basic|token)\s+)? [^\s"',;&<>\\]+ )"""
)
_QUERY = re.compile(r"(?i)([?&](?:key|api_key|apikey|access_token|token)=)[^&#\s\"'<>]+")
_BEARER = re.compile(r"(?i)\b(bearer(?:\s|%20|\+)+)(?=[^\s\"',;]*\d|[^\s\"',;]{16})[^\s\"',;&<>]{6,}")
_TOKEN = re.compile(r"(?<![A-Za-z])(?:(?:sk|pk|rk|ak)-[\w-]{8,}|AIza[\w-]{20,})")
# Takes in a beginning that no dot follows too: looked at once from each of many, it would cost their square.
_WEB_TOKEN = re.compile(r"(?<![A-Za-z])eyJ[\w-]{8,}(?P<signed>\.[\w-]+(?:\.[\w-]+)?)?")

_forms_of: OrderedDict[str, tuple[str, ...]] = OrderedDict()
_lock = Lock()


def remember(secret: str) -> None:
    """Have `redact` hide this secret from now on; the newest `REMEMBERED` are kept."""
    if len(secret) < SHORTEST:
        return
    with _lock:
        if secret not in _forms_of:
            _forms_of[secret] = spellings(secret)
        _forms_of.move_to_end(secret)
        while len(_forms_of) > REMEMBERED:
            _forms_of.popitem(last=False)


def redact(text: str) -> str:
    """The text without keys. Safe to call twice; never longer than needed, never raises."""
    with _lock:
        remembered = list(_forms_of.values())
    for forms in remembered:
        for form in forms:
            if form in text:
                text = text.replace(form, MASK)
    text = _HEADER.sub(lambda m: m["name"] + (m["double"] or m["single"] or m["escaped"] or "") + MASK, text)
    text = _QUERY.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _WEB_TOKEN.sub(lambda m: MASK if m["signed"] else m[0], text)
    return _TOKEN.sub(MASK, text)


def spellings(secret: str) -> tuple[str, ...]:
    """Every form a body may carry a secret in, the longest first so that none leaves a rest behind."""
    raw = secret.encode("utf-8", "surrogatepass")
    percent = {quote(raw, safe=""), quote_plus(raw), quote(raw)}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    forms = {secret, raw.hex(), raw.hex().upper(), html.escape(secret), *percent, *escaped}
    forms |= {re.sub("%..", lambda m: m[0].lower(), form) for form in percent}
    forms |= {form.replace("/", "\\/") for form in escaped}
    forms |= _base64_forms(raw)
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _base64_forms(raw: bytes) -> set[str]:
    """The secret as it shows inside the base64 of something longer, at each of the three alignments."""
    forms = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    for before, spoiled in ((0, 0), (1, 2), (2, 3)):
        padded = bytes(before) + raw
        whole = len(padded) // 3 * 4
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            stable = encode(padded).decode()[spoiled:whole]
            if len(stable) >= 8:
                forms.add(stable)
    return forms
