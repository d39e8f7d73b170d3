"""The tree of turns: who follows whom, and the way from the root to a turn."""

from __future__ import annotations

import uuid

from playground.chat.models import Turn


def siblings(conversation_id: uuid.UUID) -> dict[uuid.UUID | None, list[uuid.UUID]]:
    """The children of every turn, oldest first; None holds the roots."""
    rows = Turn.objects.filter(conversation_id=conversation_id).order_by("created_at", "pk")
    children: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for pk, parent_id in rows.values_list("pk", "parent_id"):
        children.setdefault(parent_id, []).append(pk)
    return children


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
