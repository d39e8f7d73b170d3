"""Prompts from files and into files: a dry run, questions where a name is taken, then all or nothing."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, audit
from accounts.models import Role
from playground.library import drafting, exchange, plans, screen, versions
from playground.library.exchange import LARGEST, Complaint, Draft, Parsed, native
from playground.library.screen import Request

KEPT_S = 3600
TOLD = 10


@require_http_methods(["GET", "POST"])
def upload(request: Request) -> HttpResponse:
    """A file or a pasted text, and what importing it would do; nothing is changed yet."""
    access.need(request, Role.MEMBER)
    if request.method == "GET":
        return _asked(request)
    data, name = _given(request)
    parsed = exchange.parse(data, name) if data is not None else _too_large()
    if parsed.complaints:
        return _asked(request, parsed.complaints)
    lines = plans.plan(request.team, request.user, parsed.prompts)
    context = {
        "lines": lines,
        "format": exchange.FORMATS[parsed.format].label if parsed.format in exchange.FORMATS else "ZIP",
        "name": name,
        "counts": {key: sum(line.outcome == key for line in lines) for key in ("new", "same", "conflict")},
        "refused": [line for line in lines if line.outcome == plans.REFUSED],
        "token": _keep(request, parsed),
    }
    return render(request, "library/import_plan.html", context)


@require_POST
def take(request: Request) -> HttpResponse:
    """Do what the dry run showed, with what was `choice-<place>` where a name is taken."""
    access.need(request, Role.MEMBER)
    parsed = _kept(request, request.POST.get("token", ""))
    # Whoever takes it away may import it: of two clicks one.
    if parsed is None or not cache.delete(_key(request)):
        gone = Complaint(0, "The file is no longer here: choose it again.")
        return _asked(request, [gone])
    chosen = {place: request.POST.get(f"choice-{place}", "") for place in range(len(parsed.prompts))}
    shared = request.POST.get("reach") == "team"
    try:
        done = plans.apply(request.team, request.user, parsed.prompts, chosen, shared=shared)
    except (versions.Invalid, ValueError) as error:
        return _asked(request, [Complaint(0, f"Nothing was imported: {error}")])
    _tell(request, done)
    return redirect("library:list")


@require_http_methods(["GET", "POST"])
def export(request: Request) -> HttpResponse:
    """Which `format`, and then the file: of all prompts the person sees, or of those named by `prompt`."""
    asked = request.POST if request.method == "POST" else request.GET
    chosen = [_uuid(text) for text in asked.getlist("prompt")[: exchange.MOST_PROMPTS]]
    if request.method == "POST":
        return _file(request, chosen, request.POST.get("format", ""))
    named = screen.prompt_of(request, chosen[0])[0] if len(chosen) == 1 else None
    context = {"formats": exchange.FORMATS.values(), "chosen": chosen, "named": named}
    return render(request, "library/export.html", context)


def _file(request: Request, chosen: list[UUID], key: str) -> HttpResponse:
    if key not in exchange.FORMATS:
        raise Http404
    drafts: Iterable[Draft] = drafting.drafts_of(request.team, request.user, chosen or None)
    if key != "json":
        # Only our own format is written piece by piece; everything else is for the other product to read.
        drafts = list(islice(drafts, exchange.MOST_PROMPTS + 1))
        if len(drafts) > exchange.MOST_PROMPTS:
            text = f"More than {exchange.MOST_PROMPTS:,} prompts fit only the JSON of this playground."
            messages.warning(request, text)
            return redirect("library:export")
        if not drafts:
            messages.warning(request, "There is no prompt to put into a file.")
            return redirect("library:list")
    content, suffix, media_type = exchange.write(drafts, key)
    audit.record(request.user, request.team, "prompt.export", _name(chosen), audit.ip_of(request), format=key)
    name = f"prompts-{timezone.localdate():%Y-%m-%d}.{suffix}"
    response = HttpResponse(content, content_type=f"{media_type}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _name(chosen: list[UUID]) -> str:
    return f"{len(chosen)} chosen" if chosen else "all"


def _asked(request: Request, complaints: list[Complaint] | None = None) -> HttpResponse:
    context = {
        "complaints": complaints or [],
        "pasted": request.POST.get("pasted", "")[:200_000],
        "largest": LARGEST,
        "formats": exchange.FORMATS.values(),
    }
    return render(request, "library/import.html", context, status=422 if complaints else 200)


def _given(request: Request) -> tuple[bytes | None, str]:
    """The content and the name of the file; None when there is more than is taken."""
    file: UploadedFile[Any] | None = request.FILES.get("file")
    if file is None:
        pasted = request.POST.get("pasted", "").encode("utf-8", "surrogatepass")
        return (pasted if len(pasted) <= LARGEST else None), ""
    parts, size = [], 0
    for chunk in file.chunks():
        size += len(chunk)
        if size > LARGEST:
            return None, ""
        parts.append(chunk)
    return b"".join(parts), file.name or ""


def _too_large() -> Parsed:
    return Parsed("", [], [Complaint(0, f"The file is larger than {LARGEST // 2**20} MB.")])


def _key(request: Request) -> str:
    return f"prompt-import:{request.user.pk}"


def _keep(request: Request, parsed: Parsed) -> str:
    """Hold what was read until it is confirmed: one file a person, for an hour, in our own format."""
    token = secrets.token_urlsafe(16)
    packed = zlib.compress(native.write(parsed.prompts).encode("utf-8", "backslashreplace"), 1)
    cache.set(_key(request), (token, str(request.team.pk), packed), KEPT_S)
    return token


def _kept(request: Request, token: str) -> Parsed | None:
    found = cache.get(_key(request))
    if not found or found[1] != str(request.team.pk):
        return None
    # As bytes: of texts only ASCII is compared, and anything may be sent.
    if not secrets.compare_digest(found[0].encode(), token.encode()):
        return None
    parsed = exchange.parse_own(zlib.decompress(found[2]))
    return parsed if not parsed.complaints else None


def _tell(request: Request, done: plans.Done) -> None:
    made, extended = len(done.made), len(done.extended)
    text = f"Imported: {made} new prompt{pluralize(made)}"
    if extended:
        text += f", new versions of {extended}"
    messages.success(request, f"{text}. {done.skipped} left as they were." if done.skipped else f"{text}.")
    for remark in done.remarks[:TOLD]:
        messages.info(request, remark)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
