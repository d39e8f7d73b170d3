"""Prompts of the library in the chat: a version filled with values, as turns and settings, and run so."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.chat import attachments, drafts, turns
from playground.chat.defaults import with_defaults
from playground.chat.models import Conversation, Turn
from playground.chat.origins import Origin, Spoken
from playground.chat.settings_form import EMPTY, Settings
from playground.library import fill, rights
from playground.library.kinds import CHAT
from playground.library.models import Level, PromptVersion, Reach
from playground.ops import catalog

GONE = "The prompt is not there any more, or not for you. Take it out of the message, or choose another one."
# Of a conversation's settings a prompt says nothing about these: a key is a person's, and what was chosen
# for other families is of no use to others.
PERSONAL = ("key", "kept")
ATTACHED = "attachment:"


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a prompt; `images` as the composer keeps them."""

    role: str
    text: str
    images: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """A version with its values in their places. `lead` goes before the question, which is the last
    message of a person; `settings` is what it says about them, {} for nothing. `open`: the team may read all
    that went in.
    """

    version: PromptVersion
    values: dict[str, Any]
    question: Said
    lead: list[Said]
    settings: dict[str, Any]
    open: bool


def version_for(user: User, team_id: uuid.UUID, pk: str | uuid.UUID) -> PromptVersion:
    """A version of a chat prompt that the person may run in this team. Raises turns.Refused."""
    try:
        wanted = uuid.UUID(str(pk))
    except ValueError:
        raise turns.Refused(GONE) from None
    rows = PromptVersion.objects.filter(prompt__team=team_id, prompt__kind=CHAT)
    version = rows.select_related("prompt").filter(pk=wanted).first()
    if version is None:
        raise turns.Refused(GONE)
    try:
        rights.need(user, version.prompt, Level.RUN)
    except (Http404, PermissionDenied):
        raise turns.Refused(GONE) from None
    return version


def opened(version: PromptVersion, values: Mapping[str, Any], user: User) -> Opened | fill.Errors:
    """The version as the chat shows it. A picture among the values stands beside its message, not in it."""
    filled = fill.filled(version, values, user)
    if isinstance(filled, fill.Errors):
        return filled
    images: list[str] = []
    for each in fill.variables_of(version, user):
        address = str(filled.values.get(each.name) or each.default or "").strip()
        if each.type == "image" and address:
            if complaint := _unusable(address):
                return fill.Errors({each.name: complaint})
            images.append(address)
    said = [_said(row, images) for row in filled.body.get("messages") or []]
    last = said.pop() if said and said[-1].role == Turn.Role.USER else Said(Turn.Role.USER, "")
    settings = filled.body.get("settings") or {}
    whole = all(each.prompt.reach == Reach.TEAM for each in filled.used)
    return Opened(version, filled.values, last, said, settings, whole)


def _said(row: Mapping[str, Any], images: Sequence[str]) -> Said:
    text = str(row.get("text") or "")
    shown = [address for address in images if address in text]
    for address in shown:
        text = text.replace(address, "")
    role = Turn.Role.ASSISTANT if row.get("role") == "assistant" else Turn.Role.USER
    return Said(role, text.strip() if shown else text, [_image(address) for address in shown])


def _unusable(address: str) -> str:
    if address.startswith(ATTACHED):
        return ""
    try:
        attachments.check_url(address)
    except attachments.Refused as error:
        return str(error)
    return ""


def _image(address: str) -> dict[str, str]:
    if address.startswith(ATTACHED):
        return {"attachment": str(uuid.UUID(address.removeprefix(ATTACHED))), "alt": ""}
    return {"url": address, "alt": ""}


def settings_with(current: Settings, told: Mapping[str, Any]) -> Settings:
    """The settings of a chat once a prompt's take their place; the key stays, and so does the model where
    the prompt names none.
    """
    if not told:
        return dict(current)
    family = str(told.get("family") or current.get("family") or EMPTY["family"])
    same = family == current.get("family")
    model = told.get("model") or (current.get("model", "") if same else "")
    personal = {name: current[name] for name in PERSONAL if name in current}
    new: Settings = {**EMPTY, **told, **personal, "family": family, "model": model}
    if "params" not in told and same:
        new["params"] = current.get("params") or {}
    if "fallback" not in told and same and not told.get("model"):
        new["fallback"] = current.get("fallback") or EMPTY["fallback"]
    return new


def begins_with(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of a conversation's settings a prompt keeps."""
    return {name: value for name, value in settings.items() if name not in PERSONAL}


def origin_of(user: User, team_id: uuid.UUID, told: Mapping[str, Any]) -> Origin | None:
    """From {"version", "values"}, as a draft or the composer has it; None for what was typed freely.

    Raises turns.Refused when the prompt or its values are good no more.
    """
    if not told.get("version"):
        return None
    version = version_for(user, team_id, str(told["version"]))
    found = opened(version, told.get("values") or {}, user)
    if isinstance(found, fill.Errors):
        name, sentence = next(iter(found.by_name.items()))
        what = f"The prompt “{version.prompt}” cannot be used like this:"
        raise turns.Refused(f"{what} {name + ': ' if name else ''}{sentence}")
    return _origin(found)


def _origin(found: Opened) -> Origin:
    team_id = found.version.prompt.team_id
    lead = [
        Spoken(said.role, turns.user_parts(team_id, said.text, said.images), said.text) for said in found.lead
    ]
    return Origin(found.version, found.values, lead)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The prompt of a message, as the composer shows and sends it."""

    version: PromptVersion
    values: str
    lead: int


def shown(user: User, team_id: uuid.UUID, told: Mapping[str, Any]) -> Chosen | None:
    """The prompt that a draft names, as long as it can be asked."""
    try:
        origin = origin_of(user, team_id, told)
    except turns.Refused:
        return None
    if origin is None:
        return None
    return Chosen(origin.version, json.dumps(origin.values, ensure_ascii=False), len(origin.lead))


def keep_in_draft(
    user: User, conversation: Conversation | None, found: Opened, text: str, images: list[dict[str, str]]
) -> None:
    """Put the prompt into the composer, with `text` and `images` as they will stand there."""
    told = {"version": str(found.version.pk), "values": found.values}
    drafts.keep(user, conversation, text=text, images=images, prompt=told)


def begun(user: User, found: Opened, settings: Settings, pk: uuid.UUID) -> Conversation:
    """A chat of the person's own with the prompt in its composer, not asked yet; the same one when asked for
    twice.
    """
    team = found.version.prompt.team
    conversation = turns.start(user, team, id=pk, settings=settings)
    if conversation.leaf_id is None:
        keep_in_draft(user, conversation, found, found.question.text, found.question.images)
    return conversation


def run(
    version: PromptVersion, values: Mapping[str, Any], user: User, key: GatewayKey | None
) -> Conversation:
    """Ask the version in a chat of its own, which stays out of the list until somebody writes in it. Whoever
    sees a prompt of the team's sees the answer, too, unless a private prompt went in. Raises turns.Refused.
    """
    found = opened(version, values, user)
    if isinstance(found, fill.Errors):
        raise turns.Refused(" ".join(f"{name}: {told}" for name, told in found.by_name.items()))
    if not found.question.text.strip() and not found.question.images:
        raise turns.Refused("This prompt asks nothing by itself: it has no last message of a person.")
    prompt = version.prompt
    keys = [key] if key is not None else catalog.usable_keys(user, prompt.team)
    if not keys:
        raise turns.Refused("There is no key to ask with. Add one in Settings.")
    settings = with_defaults(settings_with(dict(EMPTY), found.settings), keys)
    with transaction.atomic():
        conversation = turns.start(user, prompt.team, id=uuid.uuid4(), settings=settings)
        turns.ask(
            conversation,
            user,
            turn_id=uuid.uuid4(),
            text=found.question.text,
            images=found.question.images,
            settings=settings,
            origin=_origin(found),
        )
        Conversation.objects.filter(pk=conversation.pk).update(
            title=f"{prompt.title[:180]} · version {version.number}",
            titled_by_hand=True,
            shared=found.open,
            archived_at=timezone.now(),
        )
    return conversation
