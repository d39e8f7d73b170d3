"""Kept files over HTTP: single ranges, validators, and headers under which nothing in them can run.

Safari plays nothing without ranges. A body is read piece by piece on the event loop's own threads, so a
long video holds no thread of the pages and little memory.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from playground.storage import StorageError, open_span

log = logging.getLogger(__name__)
CHUNK = 256 * 1024
# Everything else is saved, not shown.
_SHOWN = (
    "image/png image/jpeg image/gif image/webp image/avif audio/wav audio/flac audio/ogg audio/mp4 "
    "audio/mpeg audio/aac audio/webm video/mp4 video/webm video/quicktime"
)
INLINE = frozenset(_SHOWN.split())
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in storage. `etag` without quotes; `name` is what it is saved as; no `size`: looked up."""

    path: str
    media_type: str
    size: int | None
    etag: str
    name: str


def respond(request: HttpRequest, kept: Kept, *, cache: str) -> HttpResponseBase:
    """The file, or the part of it that was asked for."""
    headers = _headers(request, kept, cache)
    if request.headers.get("If-None-Match") == f'"{kept.etag}"':
        return HttpResponse(status=304, headers=headers)
    try:
        size = default_storage.size(kept.path) if kept.size is None else kept.size
        return _sent(request, kept, size, headers)
    except FileNotFoundError:
        return HttpResponse("This file is no longer there.", status=410, content_type="text/plain")
    except StorageError as error:
        log.warning("the file %s cannot be shown: %s %s", kept.path, error, error.detail)
        again = {"Retry-After": "10"}
        return HttpResponse(str(error), status=503, content_type="text/plain", headers=again)


def _sent(request: HttpRequest, kept: Kept, size: int, headers: dict[str, str]) -> HttpResponseBase:
    span = _span(request, kept.etag, size)
    if span is None:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=416, headers=headers)
    first, last, partial = span
    headers["Content-Length"] = str(last - first + 1)
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if partial else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    file = open_span(kept.path, first, last)
    return StreamingHttpResponse(_pieces(file, last - first + 1), status=status, headers=headers)


def _headers(request: HttpRequest, kept: Kept, cache: str) -> dict[str, str]:
    shown = kept.media_type in INLINE
    saved = not shown or "download" in request.GET
    return {
        "Content-Type": kept.media_type if shown else "application/octet-stream",
        "Content-Disposition": content_disposition_header(saved, kept.name) or "inline",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": f'"{kept.etag}"',
        "Cache-Control": cache,
    }


def _span(request: HttpRequest, etag: str, size: int) -> tuple[int, int, bool] | None:
    """First and last byte, and whether it is a part; None: nothing of what was asked for is there."""
    whole = (0, size - 1, False)
    asked = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or request.headers.get("If-Range") not in (None, f'"{etag}"'):
        return whole
    begin, end = asked[1], asked[2]
    if not begin:
        length = min(int(end), size) if end else 0
        return (size - length, size - 1, True) if length else None
    first, last = int(begin), min(int(end), size - 1) if end else size - 1
    if end and int(end) < first:
        return whole  # no range at all, by RFC 9110
    return (first, last, True) if first < size else None


async def _pieces(file: Any, left: int) -> AsyncIterator[bytes]:
    step: asyncio.Future[bytes] | None = None
    try:
        while left > 0:
            step = asyncio.ensure_future(asyncio.to_thread(file.read, min(CHUNK, left)))
            piece = await asyncio.shield(step)
            if not piece:
                return
            left -= len(piece)
            yield piece
    finally:
        # Who leaves in mid-piece leaves a thread that reads: to close it under that thread would wait for it,
        # and all others with this loop.
        if step is not None and not step.done():
            await asyncio.wait([step])
        file.close()
