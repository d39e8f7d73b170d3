"""Chats and the team: letting mates read one, and going on from one in a chat of one's own."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from playground.chat import tree
from playground.chat.models import Conversation, Run, Turn


def set_shared(conversation: Conversation, user: User, *, shared: bool, ip: str | None = None) -> bool:
    """Let the team read the chat, or no longer. True for whoever changed it."""
    rows = Conversation.objects.filter(pk=conversation.pk, shared=not shared)
    with transaction.atomic():
        won = rows.update(shared=shared) == 1
        if won:
            verb = "chat.share" if shared else "chat.unshare"
            audit.record(
                user, conversation.team, verb, str(conversation), ip, conversation=str(conversation.pk)
            )
    conversation.shared = shared
    return won


def copy(
    conversation: Conversation, user: User, *, settings: dict[str, Any], upto: uuid.UUID | None = None
) -> Conversation:
    """A chat of the person's own that begins with the shown branch, or with it as far as the turn `upto`.

    A question whose answer is still being written stays behind. The files belong to the team and are not
    copied.
    """
    path = tree.path_through(tree.siblings(conversation.pk), upto or conversation.leaf_id)
    rows = Turn.objects.select_related("run").in_bulk(path)
    kept = _without_live([rows[pk] for pk in path])
    made = Conversation(
        team_id=conversation.team_id,
        owner=user,
        title=conversation.title,
        titled_by_hand=conversation.titled_by_hand,
        forked_from=conversation,
        settings=settings,
    )
    with transaction.atomic():
        made.save(force_insert=True)
        parent: Turn | None = None
        for turn in kept:
            parent = _copied(turn, made, parent)
            parent.save(force_insert=True)
        Conversation.objects.filter(pk=made.pk).update(leaf=parent)
    made.leaf = parent
    return made


def _without_live(turns: list[Turn]) -> list[Turn]:
    run: Run | None = getattr(turns[-1], "run", None) if turns else None
    return turns[:-2] if run is not None and run.live else turns


def _copied(turn: Turn, into: Conversation, parent: Turn | None) -> Turn:
    return Turn(
        conversation=into,
        parent=parent,
        role=turn.role,
        parts=turn.parts,
        text=turn.text,
        native=turn.native,
        native_for=turn.native_for,
        cached=turn.cached,
        edited=turn.edited,
        copied_from_id=turn.copied_from_id or turn.pk,
    )
