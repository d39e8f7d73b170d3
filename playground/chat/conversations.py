"""Conversations as a list, what is done to a whole one, and what is kept while somebody types."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access, audit
from accounts.models import Role, Team
from playground.chat import attachments, drafts, listing, screen, sharing, turns, unsent
from playground.chat.acts import turn_of
from playground.chat.forms import MessageForm, TitleForm
from playground.chat.models import Attachment, Conversation
from playground.chat.settings_form import SettingsForm
from playground.storage import StorageError

Request = listing.Request
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@require_GET
def index(request: Request) -> HttpResponse:
    """The list, `?q=` what was found instead."""
    words = request.GET.get("q", "").strip()[:200]
    return render(request, "chat/_list.html", listing.context(request, words))


@require_http_methods(["GET", "POST"])
def rename(request: Request, pk: UUID) -> HttpResponse:
    conversation = access.get(Conversation, request, pk, need=Role.MEMBER)
    form = TitleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        conversation.title = form.cleaned_data["title"]
        conversation.titled_by_hand = True
        conversation.save(update_fields=["title", "titled_by_hand"])
        if not request.htmx:
            return redirect("chat:show", pk=pk)
        named = {"id": str(pk), "title": conversation.title}
        return _list_changed(HttpResponse(status=204), **{"chat-titled": named})
    context = {"conversation": conversation, "form": form}
    if not request.htmx:
        return render(request, "chat/rename.html", context, status=422 if request.method == "POST" else 200)
    response = render(request, "chat/_rename.html", context, status=422 if request.method == "POST" else 200)
    response.headers["HX-Retarget"] = "#asking"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


@require_POST
def pin(request: Request, pk: UUID) -> HttpResponse:
    """Pin, or take the pin out."""
    conversation = access.get(Conversation, request, pk, need=Role.MEMBER)
    conversation.pinned_at = None if conversation.pinned_at else timezone.now()
    conversation.save(update_fields=["pinned_at"])
    if not request.htmx:
        return redirect("chat:show", pk=pk)
    return _list_changed(HttpResponse(status=204))


@require_http_methods(["GET", "POST"])
def delete(request: Request, pk: UUID) -> HttpResponse:
    """GET asks, POST deletes."""
    conversation = access.get(Conversation, request, pk, need=Role.MEMBER)
    if request.method == "GET":
        context = {"conversation": conversation, "count": conversation.turns.count()}
        return render(request, "chat/_delete.html" if request.htmx else "chat/delete.html", context)
    turns.delete(conversation, request.user, audit.ip_of(request))
    open_here = listing.uuid_or_none(request.POST.get("current")) == pk
    if request.htmx and not open_here:
        return _list_changed(HttpResponse(status=204))
    messages.success(request, "Chat deleted.")
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("chat:new")})
    return redirect("chat:new")


@require_http_methods(["GET", "POST"])
def share(request: Request, pk: UUID) -> HttpResponse:
    """GET asks. POST lets the team read the chat, or with `stop` no longer."""
    conversation = access.get(Conversation, request, pk, need=Role.MEMBER)
    if request.method == "GET":
        context = {"conversation": conversation, "address": request.build_absolute_uri(_address(pk))}
        return render(request, "chat/_share.html" if request.htmx else "chat/share.html", context)
    shared = "stop" not in request.POST
    sharing.set_shared(conversation, request.user, shared=shared, ip=audit.ip_of(request))
    if not request.htmx:
        messages.success(request, "Shared with the team." if shared else "Not shared any more.")
        return redirect("chat:show", pk=pk)
    if listing.uuid_or_none(request.POST.get("current")) != pk:
        return _list_changed(HttpResponse(status=204))
    context = {"conversation": conversation, "writable": True, "oob": True}
    return _list_changed(render(request, "chat/_title.html", context))


@require_POST
def copy(request: Request, pk: UUID) -> HttpResponse:
    """Go on from a chat that one may read in one of one's own; `turn` says how far it is taken along."""
    conversation = access.get(Conversation, request, pk)
    if not screen.may_copy(request, conversation):
        raise PermissionDenied("This needs the role member in the team.")
    upto = listing.uuid_or_none(request.POST.get("turn"))
    if upto is not None and turn_of(request, upto).conversation_id != pk:
        raise Http404
    settings = screen.settings_for(request, conversation)
    made = sharing.copy(conversation, request.user, settings=settings, upto=upto)
    messages.success(request, "This is your copy. What you write here is yours alone.")
    return redirect("chat:show", pk=made.pk)


def _address(pk: UUID) -> str:
    return reverse("chat:show", args=[pk])


def _list_changed(response: HttpResponse, **more: dict[str, str]) -> HttpResponse:
    response.headers["HX-Trigger"] = json.dumps({"chat-list": {}, **more})
    return response


@require_POST
def draft(request: Request, pk: UUID) -> HttpResponse:
    """Keep what was typed; of a chat that is not there yet as the person's one draft of a new chat."""
    conversation = screen.if_made(request, pk)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return HttpResponse(form.complaint, status=422, content_type="text/plain")
    kept = {name: form.cleaned_data[name] for name in ("text", "images")} | {"prompt": form.prompt}
    drafts.keep(request.user, conversation, sent=form.cleaned_data["turn_id"], **kept)
    return HttpResponse(status=204)


@require_POST
def settings(request: Request, pk: UUID) -> HttpResponse:
    """Keep the settings as they change; what cannot be used is said at its field and kept too.

    With another family come its parameters, and what of the chat it would not get is told again.
    """
    conversation = screen.if_made(request, pk)
    form = SettingsForm(request.POST, screen.stored_settings(request, conversation))
    switched = request.POST.get("params-of", form.family.key) != form.family.key
    if switched and "fit" in request.POST:
        team = conversation.team if conversation else request.team
        form.settings["model"] = screen.fitting_model(
            request, team, form.settings, before=request.POST["params-of"]
        )
    if conversation is None:
        drafts.keep(request.user, None, settings=form.settings)
    else:
        Conversation.objects.filter(pk=pk).update(settings=form.settings)
    context = screen.family_context(form.settings, form.errors) | {
        "errors": form.errors,
        "switched": switched,
        "losses": unsent.losses(conversation, form.settings) if conversation else [],
    }
    response = render(request, "chat/_kept.html", context)
    response.headers["HX-Trigger-After-Swap"] = "settings-kept"
    return response


@require_POST
def upload(request: Request) -> HttpResponse:
    """One file, or one https address, as the chip the composer shows for it."""
    team = _team_of_upload(request)
    try:
        if (file := request.FILES.get("file")) is not None:
            row: Attachment | None = attachments.store(file, request.user, team)
            image = {"attachment": str(row.pk) if row else ""}
        else:
            row, image = None, {"url": attachments.check_url(request.POST.get("url", "").strip())}
    except attachments.Refused as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")
    return render(request, "chat/_image.html", {"image": screen.NO_IMAGE | image, "file": row})


def _team_of_upload(request: Request) -> Team:
    """The team of the open conversation, which need not be the one in use."""
    pk = listing.uuid_or_none(request.POST.get("conversation"))
    if pk is not None and (conversation := screen.if_made(request, pk)) is not None:
        return conversation.team
    access.need(request, Role.MEMBER)
    return request.team


@require_GET
def attachment(request: Request, pk: UUID) -> HttpResponse:
    """The bytes of an attached file; nothing in it can run here."""
    row = access.get(Attachment, request, pk)
    try:
        content = attachments.open_bytes(row)
    except FileNotFoundError:
        return HttpResponse("This file is no longer there.", status=410, content_type="text/plain")
    except StorageError as error:
        return HttpResponse(str(error), status=503, content_type="text/plain")
    shown = row.media_type in INLINE
    headers = {
        "Content-Disposition": "inline" if shown else "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    kind = row.media_type if shown else "application/octet-stream"
    return HttpResponse(content, content_type=kind, headers=headers)
