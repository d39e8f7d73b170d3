"""What a person can do to a conversation; each act that asks a model ends in one queued run.

Every function is one short transaction. A run is handed to this process's relay when the
transaction has committed; if that fails, a sweep picks the row up.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings as site
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import relay
from playground.chat.models import Attachment, Conversation, Draft, Run, Turn
from playground.gateway.wire import FAMILIES

MAX_IMAGES = 10
TITLE_CHARS = 60


class Refused(Exception):
    """The act cannot be done; the text is a sentence for the person."""


def start(user: User, team: Team, *, id: uuid.UUID, settings: dict[str, Any]) -> Conversation:
    """The conversation with the id the page made up; the same one when the page asks twice."""
    found = Conversation.objects.filter(pk=id).first()
    if found is None:
        try:
            with transaction.atomic():
                return Conversation.objects.create(pk=id, team=team, owner=user, settings=settings)
        except IntegrityError:
            found = Conversation.objects.get(pk=id)
    if found.owner_id != user.pk:
        raise Refused("This chat belongs to somebody else. Start a new one.")
    return found


def ask(
    conversation: Conversation,
    user: User,
    *,
    turn_id: uuid.UUID,
    text: str,
    images: list[dict[str, Any]],
    settings: dict[str, Any],
) -> Run:
    """Put a question at the end of the shown branch. Sent twice with one `turn_id`, it is asked once."""
    return _ask(conversation, user, conversation.leaf_id, turn_id, text, images, settings)


def rerun(
    turn: Turn,
    user: User,
    *,
    turn_id: uuid.UUID,
    text: str,
    images: list[dict[str, Any]],
    settings: dict[str, Any],
) -> Run:
    """Ask an edited question beside the one it was made from."""
    if turn.role != Turn.Role.USER:
        raise Refused("Only a question can be asked again in other words.")
    return _ask(turn.conversation, user, turn.parent_id, turn_id, text, images, settings)


def _ask(
    conversation: Conversation,
    user: User,
    parent_id: uuid.UUID | None,
    turn_id: uuid.UUID,
    text: str,
    images: list[dict[str, Any]],
    settings: dict[str, Any],
) -> Run:
    if earlier := Run.objects.filter(asked_id=turn_id, conversation=conversation).first():
        return earlier
    if not text.strip() and not images:
        raise Refused("Write a message, or attach an image.")
    parts = _user_parts(conversation.team_id, text, images)
    try:
        with transaction.atomic():
            asked = Turn.objects.create(
                pk=turn_id,
                conversation=conversation,
                parent_id=parent_id,
                role=Turn.Role.USER,
                parts=parts,
                text=text,
            )
            if not conversation.title:
                conversation.title = title_from(text) or "Image"
            Draft.objects.filter(user=user, conversation=conversation).delete()
            return _queue(conversation, user, asked, settings)
    except IntegrityError:
        # Two equal submits raced; the other one's transaction won.
        if run := Run.objects.filter(asked_id=turn_id, conversation=conversation).first():
            return run
        raise Refused("This message was already sent elsewhere. Reload the page.") from None


def regenerate(answer: Turn, user: User, *, settings: dict[str, Any]) -> Run:
    """Answer the same question once more, beside the answer that is there."""
    asked = _question_of(answer)
    with transaction.atomic():
        return _queue(answer.conversation, user, asked, settings)


def go_on(answer: Turn, user: User, *, settings: dict[str, Any]) -> Run:
    """Continue a cut answer: a sibling that begins with the text so far, so the cut one is kept."""
    asked = _question_of(answer)
    if not answer.text.strip():
        raise Refused("There is no text to continue from. Regenerate the answer instead.")
    prefix = [part for part in answer.parts if part.get("kind") != "tool_call"]
    with transaction.atomic():
        return _queue(answer.conversation, user, asked, settings, prefix=prefix)


def _question_of(answer: Turn) -> Turn:
    if answer.role != Turn.Role.ASSISTANT or answer.parent is None:
        raise Refused("This is not an answer.")
    return answer.parent


def _user_parts(team_id: uuid.UUID, text: str, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(images) > MAX_IMAGES:
        raise Refused(f"At most {MAX_IMAGES} images go with one message.")
    wanted = {str(image["attachment"]) for image in images if image.get("attachment")}
    there = {
        str(pk)
        for pk in Attachment.objects.filter(team_id=team_id, pk__in=wanted).values_list("pk", flat=True)
    }
    if wanted - there:
        raise Refused("An attached image is no longer there. Remove it and attach it again.")
    parts: list[dict[str, Any]] = [{"kind": "text", "text": text}] if text.strip() else []
    for image in images:
        where = {name: str(image[name]) for name in ("attachment", "url") if image.get(name)}
        parts.append({"kind": "image", "alt": str(image.get("alt", "")), **where})
    return parts


def _queue(
    conversation: Conversation,
    user: User,
    asked: Turn,
    settings: dict[str, Any],
    *,
    prefix: list[dict[str, Any]] | None = None,
) -> Run:
    """Write the empty answer and its queued run; inside the caller's transaction."""
    key = _usable_key(user, conversation.team_id, settings)
    family, model = str(settings.get("family", "")), str(settings.get("model", "")).strip()
    if family not in FAMILIES:
        raise Refused("Choose what kind of model to ask.")
    if not model:
        raise Refused("Choose a model first.")
    _check_capacity(conversation, user)
    answer = Turn.objects.create(
        conversation=conversation, parent=asked, role=Turn.Role.ASSISTANT, parts=prefix or []
    )
    run = Run.objects.create(
        team_id=conversation.team_id,
        user=user,
        key=key,
        conversation=conversation,
        asked=asked,
        answer=answer,
        family=family,
        model=model,
        params=sent_settings(settings) | ({"continues": True} if prefix else {}),
    )
    Conversation.objects.filter(pk=conversation.pk).update(
        leaf=answer, settings=settings, title=conversation.title, updated_at=timezone.now(), archived_at=None
    )
    conversation.leaf = answer
    transaction.on_commit(partial(relay.claim, run.pk))
    transaction.on_commit(partial(relay.tell_asked, run))
    return run


def sent_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """What of the settings goes to the gateway: a parameter that is off is left out, 0 is kept."""
    switched = settings.get("params") or {}
    return {
        "system": str(settings.get("system") or ""),
        "stream": bool(settings.get("stream", True)),
        "params": {name: row.get("value") for name, row in switched.items() if row.get("on")},
    }


def _usable_key(user: User, team_id: uuid.UUID, settings: dict[str, Any]) -> GatewayKey:
    try:
        wanted = uuid.UUID(str(settings.get("key")))
    except ValueError:
        raise Refused("Choose a key first, or add one in Settings.") from None
    mine = Q(owner=user) | Q(shared=True, team_id=team_id)
    key = GatewayKey.objects.filter(mine, pk=wanted).first()
    if key is None:
        raise Refused("This key is not yours to use. Choose another one.")
    if key.revoked_at is not None:
        raise Refused(f"The key “{key.label}” was revoked. Choose another one.")
    return key


def _check_capacity(conversation: Conversation, user: User) -> None:
    live = Run.objects.filter(status__in=Run.LIVE, user=user).aggregate(
        all=Count("pk"), here=Count("pk", filter=Q(conversation=conversation))
    )
    if live["here"]:
        raise Refused("An answer is still being written here. Stop it, or wait for its end.")
    if live["all"] >= site.MAX_RUNS_PER_USER:
        raise Refused(f"{live['all']} of your answers are being written. Wait until one of them ends.")


def edit(turn: Turn, user: User, *, text: str) -> Turn:
    """Keep a changed text as a new branch; what followed on the shown branch is copied below it."""
    if not text.strip():
        raise Refused("The text is empty.")
    _refuse_while_live(turn.conversation)
    with transaction.atomic():
        path = _path(turn.conversation_id, turn.conversation.leaf_id)
        below = path[path.index(turn.pk) + 1 :] if turn.pk in path else []
        rows = {row.pk: row for row in Turn.objects.filter(pk__in=below)}
        changed = _copy(turn, turn.parent_id, edited=True)
        kept = [part for part in turn.parts if part.get("kind") != "text"]
        changed.parts = (
            [*kept, {"kind": "text", "text": text}]
            if turn.role == Turn.Role.ASSISTANT
            else [{"kind": "text", "text": text}, *kept]
        )
        changed.text = text
        changed.save()
        last = changed
        for pk in below:
            last = _copy(rows[pk], last.pk, edited=rows[pk].edited)
            last.save()
        Conversation.objects.filter(pk=turn.conversation_id).update(leaf=last, updated_at=timezone.now())
    return changed


def _copy(turn: Turn, parent_id: uuid.UUID | None, *, edited: bool) -> Turn:
    return Turn(
        conversation_id=turn.conversation_id,
        parent_id=parent_id,
        role=turn.role,
        parts=turn.parts,
        text=turn.text,
        copied_from_id=turn.copied_from_id or turn.pk,
        edited=edited,
    )


def _refuse_while_live(conversation: Conversation) -> None:
    if Run.objects.filter(conversation=conversation, status__in=Run.LIVE).exists():
        raise Refused("An answer is still being written here. Stop it, or wait for its end.")


def show(turn: Turn) -> None:
    """Make the newest branch through this turn the shown one."""
    children = siblings(turn.conversation_id)
    leaf = turn.pk
    while below := children.get(leaf):
        leaf = below[-1]
    Conversation.objects.filter(pk=turn.conversation_id).update(leaf=leaf)


def stop(run: Run, now: datetime) -> bool:
    """Ask for an end. True for the first who asks while the run is live."""
    live = Run.objects.filter(pk=run.pk, status__in=Run.LIVE, stop_requested_at=None)
    won = live.update(stop_requested_at=now) == 1
    # Asked again on purpose when somebody asked before: that message may have been lost.
    relay.stop(run.pk)
    return won


def delete(conversation: Conversation) -> None:
    """Stop what is running and remove everything; usage records stay."""
    for run in Run.objects.filter(conversation=conversation, status__in=Run.LIVE):
        stop(run, timezone.now())
    with transaction.atomic():
        Run.objects.filter(conversation=conversation).delete()
        conversation.delete()


def title_from(text: str) -> str:
    """The first line that says something, cut at a word."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    line = "".join(sign for sign in line if sign.isprintable())
    if len(line) <= TITLE_CHARS:
        return line
    return line[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"


def siblings(conversation_id: uuid.UUID) -> dict[uuid.UUID | None, list[uuid.UUID]]:
    """The children of every turn, oldest first; None holds the roots."""
    rows = Turn.objects.filter(conversation_id=conversation_id).order_by("created_at", "pk")
    children: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for pk, parent_id in rows.values_list("pk", "parent_id"):
        children.setdefault(parent_id, []).append(pk)
    return children


def _path(conversation_id: uuid.UUID, leaf: uuid.UUID | None) -> list[uuid.UUID]:
    return path_through(siblings(conversation_id), leaf)


def path_through(
    children: dict[uuid.UUID | None, list[uuid.UUID]], leaf: uuid.UUID | None
) -> list[uuid.UUID]:
    """The turns from the root to `leaf`."""
    parents: dict[uuid.UUID, uuid.UUID | None] = {
        child: parent for parent, below in children.items() for child in below
    }
    path: list[uuid.UUID] = []
    at = leaf
    while at is not None and at in parents:
        path.append(at)
        at = parents[at]
    return path[::-1]
