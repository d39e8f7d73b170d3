"""Reads multipart/form-data (RFC 7578), and JSON where a route takes both."""

import re
from dataclasses import dataclass
from typing import Any

from playground.demo.exchange import Exchange, Refused
from playground.demo.fields import parse

_PARTS = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    name: str
    media_type: str
    data: bytes


def read(exchange: Exchange, raw: bytes) -> dict[str, Any]:
    """The fields of a body, texts and uploads by name; of a name that comes twice the last."""
    content_type = exchange.headers.get("content-type", b"").decode("latin-1")
    if not content_type.lower().startswith("multipart/form-data"):
        return parse(raw)
    boundary = re.search(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', content_type)
    if boundary is None:
        raise _broken("the boundary is missing")
    mark = b"--" + (boundary[1] or boundary[2]).encode("latin-1")
    pieces = (b"\r\n" + raw).split(b"\r\n" + mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--") or len(pieces) > _PARTS:
        raise _broken("it has no end")
    return dict(_part(piece) for piece in pieces[1:-1])


def _part(piece: bytes) -> tuple[str, str | Upload]:
    head, found, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    told = head.decode("utf-8", "replace")
    name = re.search(r'[; ]name="([^"]*)"', told)
    if not found or name is None:
        raise _broken("a part has no name")
    file = re.search(r'[; ]filename="([^"]*)"', told)
    if file is None:
        return name[1], data.decode("utf-8", "replace")
    kind = re.search(r"(?im)^content-type:\s*([^\s;]+)", told)
    return name[1], Upload(file[1], kind[1] if kind else "application/octet-stream", data)


def _broken(why: str) -> Refused:
    return Refused(400, f"The multipart body cannot be read: {why}", code="invalid_multipart")
