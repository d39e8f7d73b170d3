"""What the chat page shows beside its turns: who may write, settings to begin with, keys, draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings as site

from accounts import access
from accounts.models import GatewayKey, Role, Team
from playground.chat import attachments, listing, prompts, spending, turns, unsent
from playground.chat.defaults import with_defaults
from playground.chat.forms import MessageForm
from playground.chat.models import Attachment, Conversation, Draft
from playground.chat.settings_form import DEFAULT_FAMILY, EMPTY, Settings, SettingsForm, param_rows
from playground.chat.thread import ShownTurn, Thread
from playground.gateway.wire import FAMILIES
from playground.library import keeping
from playground.ops import catalog
from playground.ops.models import ModelEntry
from playground.usage.budgets import Left

Request = listing.Request
REFUSALS = (turns.Refused, attachments.Refused)
# With more parameters than this, those that every family has in some form come first.
FEW = 6
USUAL = frozenset({"temperature", "top_p", "max_tokens", "stop", "effort"})
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
    settings = with_defaults((draft.settings if draft else None) or last_used(request), keys)
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
        **run_of(request, last),
        "losses": unsent.losses(conversation, conversation.settings) if may else [],
    }


def run_of(request: Request, shown: ShownTurn | None) -> dict[str, Any]:
    """The run behind an answer, and what it was asked with, if the person may see that."""
    run = shown.run if shown else None
    version = keeping.seen(run.prompt_version, request.user) if run is not None else None
    return {"run": run, "run_prompt": version}


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
        **family_context(settings, chosen.errors if chosen else None),
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


def if_made(request: Request, pk: UUID) -> Conversation | None:
    """The conversation, for its owner; None while the page's new one is not there yet."""
    if Conversation.objects.filter(pk=pk).exists():
        return access.get(Conversation, request, pk, need=Role.MEMBER)
    access.need(request, Role.MEMBER)
    return None


def may_write(request: Request, conversation: Conversation) -> bool:
    """Only the owner writes, and only while a member of the team."""
    return conversation.owner_id == request.user.pk and _role(request, conversation) >= Role.MEMBER


def may_copy(request: Request, conversation: Conversation) -> bool:
    """Who may read it may go on in a chat of their own, while they are a member of the team."""
    return _role(request, conversation) >= Role.MEMBER


def settings_for(request: Request, conversation: Conversation) -> Settings:
    """The settings of a chat for somebody else's copy of it: with a key that they can use."""
    keys = catalog.usable_keys(request.user, conversation.team)
    return with_defaults(dict(conversation.settings), keys)


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
        "may_copy": not may and may_copy(request, conversation),
        **family_context(settings),
        "keys": keys,
        "key_missing": settings.get("key", "") not in {str(key.pk) for key in keys},
        "typed": draft.text if draft else "",
        "chosen_prompt": prompts.shown(request.user, conversation.team_id, draft.prompt if draft else {}),
        "images": _shown_images(conversation.team_id, draft.images if draft else []),
        "turn_id": uuid4(),
        "max_chars": site.MAX_PROMPT_CHARS,
        "max_bytes": site.MAX_IMAGE_BYTES,
        "examples": EXAMPLES,
        "complaint": "",
        "errors": {},
        "losses": [],
        "left": _left(request, conversation, settings, keys) if may else [],
        # The chip is asked for when the page's stream begins; other pages ask at once.
        "streams": True,
        "inspector": _inspector(request.COOKIES.get("inspector", "")),
    }


def _left(
    request: Request, conversation: Conversation, settings: Settings, keys: list[GatewayKey]
) -> list[Left]:
    chosen = next((key for key in keys if str(key.pk) == settings.get("key")), None)
    return spending.left(request.user, conversation.team_id, chosen)


def family_context(settings: Settings, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings as the inspector shows them; of many parameters the rarer ones stand apart."""
    family = FAMILIES.get(settings.get("family", ""), FAMILIES[DEFAULT_FAMILY])
    rows = param_rows(settings, errors)
    usual = [row for row in rows if row.spec.required or row.spec.alike in USUAL]
    usual = usual if len(rows) > FEW else rows
    rarer = [row for row in rows if row not in usual]
    return {
        "settings": settings,
        "family": family,
        "families": FAMILIES.values(),
        "params": rows,
        "usual": usual,
        "rarer": rarer,
        "rarer_open": any(row.on or row.error for row in rarer),
    }


def _inspector(cookie: str) -> dict[str, Any]:
    """How the person left the inspector: `open-340`; "auto" leaves it to the width of the window."""
    state, _, width = cookie.partition("-")
    known = width.isdigit() and len(width) == 3
    return {
        "state": state if state in ("open", "closed") else "auto",
        "width": min(max(int(width) // 20 * 20, 280), 560) if known else 360,
    }


def _shown_images(team_id: UUID, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draft images with their rows; those whose file is gone are left out."""
    wanted = {image["attachment"] for image in images if image.get("attachment")}
    rows = Attachment.objects.filter(team_id=team_id, pk__in=wanted) if wanted else ()
    files = {str(row.pk): row for row in rows}
    there = [image for image in images if image.get("url") or image.get("attachment") in files]
    return [{"image": NO_IMAGE | image, "file": files.get(image.get("attachment", ""))} for image in there]


def stored_settings(request: Request, conversation: Conversation | None) -> Settings:
    """The settings as they were kept last; those of a chat that is not made yet are its draft's."""
    if conversation is not None:
        return dict(conversation.settings)
    draft = Draft.objects.filter(user=request.user, conversation=None).first()
    return dict(draft.settings) if draft else {}


def last_used(request: Request) -> Settings:
    """The settings of the person's last chat in the team; without one, a model the first key can see.

    What ran for a prompt lies in the archive: its settings are the prompt's, not the person's.
    """
    own = Conversation.objects.filter(owner=request.user, team=request.team)
    last = own.filter(leaf__isnull=False, archived_at=None, comparison__isnull=True)
    settings = last.order_by("-updated_at").values_list("settings", flat=True).first()
    if settings:
        return dict(settings)
    return EMPTY


def fitting_model(request: Request, team: Team, settings: Settings, *, before: str) -> str:
    """The model after a change of family: another one only when the list of the family before held it and
    the new family's list does not.
    """
    model: str = settings["model"]
    lists = catalog.list_of(before), catalog.list_of(settings["family"])
    usable = {str(key.pk) for key in catalog.usable_keys(request.user, team)}
    if lists[0] == lists[1] or settings["key"] not in usable:
        return model
    entries = ModelEntry.objects.filter(key_id=settings["key"], gone_at=None)
    listed_in = set(entries.filter(model_id=model, family__in=lists).values_list("family", flat=True))
    if model and listed_in != {lists[0]}:
        return model
    return catalog.choose_model(entries.filter(family=lists[1]).order_by("pk")[:3000]) or model
