"""Kept files for the team, and for providers by a signed address that dies."""

from __future__ import annotations

from pathlib import PurePosixPath
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts import access
from playground.media import serving, signing
from playground.media.models import Asset, Upload
from playground.media.serving import Kept

# What is kept under an id never changes; who may see it can.
FOR_THE_TEAM = "private, max-age=3600"
FOR_PROVIDERS = "private, no-store"


@require_safe
def asset(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """`?download` saves it under the task's title."""
    return serving.respond(request, _kept(access.get(Asset, request, pk)), cache=FOR_THE_TEAM)


@require_safe
def thumbnail(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    row = access.get(Asset, request, pk)
    if not row.thumbnail:
        raise Http404
    name = row.thumbnail.name or ""
    media_type = "image/jpeg" if name.endswith(".jpg") else "image/webp"
    etag = f"{row.sha256}-small"
    kept = Kept(name, media_type, None, etag, "small")
    return serving.respond(request, kept, cache=FOR_THE_TEAM)


@require_safe
def upload(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    return serving.respond(request, _given(access.get(Upload, request, pk)), cache=FOR_THE_TEAM)


@login_not_required
@require_safe
def public(request: HttpRequest, token: str) -> HttpResponseBase:
    """For a provider that fetches an input by its address."""
    told = signing.read_file_token(token)
    if told is None:
        raise Http404
    kind, pk = told
    if kind == "upload":
        given = Upload.objects.filter(pk=pk).first()
        kept = _given(given) if given else None
    else:
        made = Asset.objects.filter(pk=pk).select_related("task").first()
        kept = _kept(made) if made else None
    if kept is None:
        raise Http404
    return serving.respond(request, kept, cache=FOR_PROVIDERS)


def name_of(row: Asset) -> str:
    """What a download of it is called: after the task, with the number of the output."""
    suffix = PurePosixPath(row.file.name or "").suffix
    stem = slugify(row.meta.get("title") or row.task.title)[:60] or row.kind
    return f"{stem}-{row.ordinal + 1}{suffix}"


def _kept(row: Asset) -> Kept:
    if row.status != Asset.Status.KEPT or not row.file:
        raise Http404
    return Kept(row.file.name or "", row.media_type, row.size or 0, row.sha256, name_of(row))


def _given(row: Upload) -> Kept:
    return Kept(row.file.name or "", row.media_type, row.size, row.sha256, row.name)
