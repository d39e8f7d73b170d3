"""Uploads: multipart/form-data (RFC 7578, with the escapes that browsers use)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from playground.gateway.media.operation import FileValue, Inputs
from playground.gateway.media.sending import refused
from playground.gateway.request import WireRequest

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "%00"})


def post_form(
    path: str, fields: Mapping[str, Any], files: Mapping[str, FileValue], inputs: Inputs
) -> WireRequest:
    """The request; the person's own fields replace those of the same name."""
    parts = [_field(name, value) for name, value in {**fields, **inputs.extra}.items()]
    parts += [_file(name, file) for name, file in files.items()]
    # Made from what is sent, so that the same inputs give the same request.
    boundary = f"playground-{hashlib.sha256(b''.join(parts)).hexdigest()[:40]}"
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    head = {"content-type": f"multipart/form-data; boundary={boundary}", "accept": "*/*"}
    return WireRequest("POST", path, body, head)


def _field(name: str, value: Any) -> bytes:
    head = f'content-disposition: form-data; name="{name.translate(_ESCAPES)}"\r\n\r\n'
    return (head + _text(value)).encode("utf-8", "replace")


def _file(name: str, file: FileValue) -> bytes:
    try:
        data = base64.b64decode(file.data_b64, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise refused("This route takes the file itself, not an address.")
    file_name = (file.name or "file").translate(_ESCAPES)
    media_type = file.media_type if file.media_type.isascii() and file.media_type.isprintable() else ""
    head = (
        f'content-disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        f"content-type: {media_type or 'application/octet-stream'}\r\n\r\n"
    )
    return head.encode("utf-8", "replace") + data


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        raise refused("A field has a value that a form cannot carry.") from None
