"""Server-sent event framing towards the browser."""

from __future__ import annotations

import json
from typing import Any

HEARTBEAT = b": hb\n\n"
OPENING = b"retry: 1000\n\n"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def payload(data: Any) -> bytes:
    """One line of JSON. A line break inside a string is escaped by JSON, so no data line can be forged."""
    try:
        return _encode(data).encode()
    except UnicodeEncodeError:
        return _encode(data).encode("utf-8", "replace")


def frame(event: str, data: bytes) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
