"""What the chat page shows beside its turns: who may write, settings to begin with, keys, draft."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings as site

from accounts import access
from accounts.models import GatewayKey, Role
from playground.chat import attachments, listing, turns
from playground.chat.forms import DEFAULT_FAMILY, MessageForm, Settings, SettingsForm, param_rows
from playground.chat.models import Attachment, Conversation, Draft
from playground.chat.thread import Thread
from playground.ops import catalog
from playground.ops.models import ModelEntry

Request = listing.Request
REFUSALS = (turns.Refused, attachments.Refused)
EMPTY: Settings = {
    "family": DEFAULT_FAMILY,
    "model": "",
    "key": "",
    "system": "",
    "stream": True,
    "params": {},
}
NO_IMAGE = {"attachment": "", "url": "", "alt": ""}
EXAMPLES = (
    (
        "Explain",
        "Explain how a transformer model predicts the next word, for someone who knows school maths.",
    ),
    ("Compare", "Compare PostgreSQL and SQLite for a small team's web application. Use a table."),
    ("Write code", "Write a Python function that merges overlapping intervals, with three doctests."),
)


def of_new_chat(request: Request, pk: UUID) -> dict[str, Any]:
    draft = Draft.objects.filter(user=request.user, conversation=None).first()
    conversation = Conversation(pk=pk, team=request.team, owner=request.user)
    keys = catalog.usable_keys(request.user, request.team)
    settings = _with_defaults((draft.settings if draft else None) or _last_used(request), keys)
    may = request.role >= Role.MEMBER
    return _context(request, conversation, settings, keys, draft, may) | {"fresh": True}


def of_conversation(request: Request, conversation: Conversation, shown: Thread) -> dict[str, Any]:
    may = may_write(request, conversation)
    draft = Draft.objects.filter(user=request.user, conversation=conversation).first() if may else None
    first = shown.turns[0].turn if shown.turns else None
    last = next((row for row in reversed(shown.turns) if row.run is not None), None)
    keys = catalog.usable_keys(request.user, conversation.team)
    return _context(request, conversation, conversation.settings, keys, draft, may) | {
        "thread": shown,
        "after": first.parent_id if first else None,
        "shown": last,
        "run": last.run if last else None,
    }


def as_typed(
    request: Request,
    conversation: Conversation,
    shown: Thread | None,
    complaint: str,
    chosen: SettingsForm | None,
) -> dict[str, Any]:
    """The page as it was sent, with what is wrong about it."""
    base = (
        of_new_chat(request, conversation.pk)
        if shown is None
        else of_conversation(request, conversation, shown)
    )
    settings = chosen.settings if chosen is not None else conversation.settings
    form = MessageForm(request.POST)
    form.is_valid()
    sent = form.cleaned_data
    return base | {
        "complaint": complaint,
        "settings": settings,
        "params": param_rows(settings, chosen.errors if chosen else None),
        "errors": chosen.errors if chosen else {},
        "typed": request.POST.get("text", base["typed"]),
        "images": _shown_images(conversation.team_id, sent.get("images", [])),
        "turn_id": sent.get("turn_id") or base["turn_id"],
    }


def with_files(request: Request, conversation: Conversation, form: MessageForm) -> dict[str, Any]:
    """What `turns.ask` takes; files that came with the form itself (no script ran) are stored first."""
    images = list(form.cleaned_data["images"])
    for file in request.FILES.getlist("files"):
        row = attachments.store(file, request.user, conversation.team)
        images.append({"attachment": str(row.pk), "alt": ""})
    turn_id = form.cleaned_data["turn_id"] or uuid4()
    return {"turn_id": turn_id, "text": form.cleaned_data["text"], "images": images}


def may_write(request: Request, conversation: Conversation) -> bool:
    """Only the owner writes, and only while a member of the team."""
    return conversation.owner_id == request.user.pk and _role(request, conversation) >= Role.MEMBER


def _role(request: Request, conversation: Conversation) -> int:
    if conversation.team_id == request.team.pk:
        return request.role
    return access.role_of(request.user, conversation.team)


def _context(
    request: Request,
    conversation: Conversation,
    settings: Settings,
    keys: list[GatewayKey],
    draft: Draft | None,
    may: bool,
) -> dict[str, Any]:
    return listing.context(request, current=conversation.pk) | {
        "conversation": conversation,
        "writable": may,
        "settings": settings,
        "params": param_rows(settings),
        "keys": keys,
        "key_missing": settings.get("key", "") not in {str(key.pk) for key in keys},
        "typed": draft.text if draft else "",
        "images": _shown_images(conversation.team_id, draft.images if draft else []),
        "turn_id": uuid4(),
        "max_chars": site.MAX_PROMPT_CHARS,
        "max_bytes": site.MAX_IMAGE_BYTES,
        "examples": EXAMPLES,
        "complaint": "",
        "errors": {},
        "inspector": _inspector(request.COOKIES.get("inspector", "")),
    }


def _inspector(cookie: str) -> dict[str, Any]:
    """How the person left the inspector: `open-340`; "auto" leaves it to the width of the window."""
    state, _, width = cookie.partition("-")
    known = width.isdigit() and len(width) == 3
    return {
        "state": state if state in ("open", "closed") else "auto",
        "width": min(max(int(width) // 20 * 20, 280), 560) if known else 340,
    }


def _shown_images(team_id: UUID, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draft images with their rows; those whose file is gone are left out."""
    wanted = {image["attachment"] for image in images if image.get("attachment")}
    rows = Attachment.objects.filter(team_id=team_id, pk__in=wanted) if wanted else ()
    files = {str(row.pk): row for row in rows}
    there = [image for image in images if image.get("url") or image.get("attachment") in files]
    return [{"image": NO_IMAGE | image, "file": files.get(image.get("attachment", ""))} for image in there]


def _last_used(request: Request) -> Settings:
    """The settings of the person's last chat in the team; without one, a model the first key can see."""
    last = Conversation.objects.filter(owner=request.user, team=request.team, leaf__isnull=False)
    settings = last.order_by("-updated_at").values_list("settings", flat=True).first()
    if settings:
        return dict(settings)
    return EMPTY


def _with_defaults(settings: Settings, keys: list[GatewayKey]) -> Settings:
    """A new chat begins with a key that can be used and a model, as far as there are some."""
    settings = {**EMPTY, **settings}
    ids = [str(key.pk) for key in keys]
    if settings.get("key") not in ids:
        settings["key"] = ids[0] if ids else ""
    if not settings.get("model") and settings["key"]:
        seen = ModelEntry.objects.filter(key_id=settings["key"], family=settings["family"], gone_at=None)
        settings["model"] = catalog.choose_model(seen.order_by("pk")[:3000])
    return settings
