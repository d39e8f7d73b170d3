"""The shown branch of a conversation, as a page needs it; a constant number of queries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.db.models import Q

from playground.chat import tree
from playground.chat.models import Attachment, Conversation, Run, Turn


@dataclass(slots=True)
class ShownTurn:
    """A turn with its place among its siblings (1-based) and the run that made it."""

    turn: Turn
    run: Run | None
    position: int
    count: int
    previous: uuid.UUID | None
    next: uuid.UUID | None
    attachments: dict[str, Attachment] = field(default_factory=dict)


@dataclass(slots=True)
class Thread:
    turns: list[ShownTurn]
    earlier: bool
    runs_live: list[uuid.UUID]


def thread(
    conversation: Conversation,
    *,
    last: int = 40,
    before: uuid.UUID | None = None,
    holding: uuid.UUID | None = None,
) -> Thread:
    """The last turns of the shown branch, or those right before the turn `before`; with `holding` those that
    turn is among, on its own branch where it is not on the shown one.
    """
    children = tree.siblings(conversation.pk)
    path = tree.path_through(children, conversation.leaf_id)
    if holding is not None and holding not in path:
        path = tree.path_through(children, holding) or path
    end = path.index(before) if before in path else len(path)
    if holding in path[: max(0, end - last)]:
        end = path.index(holding) + 1
    begin = max(0, end - last)
    shown = turns_shown(conversation, path[begin:end], children)
    return Thread(shown, begin > 0, [s.run.pk for s in shown if s.run is not None and s.run.live])


def shown_turn(turn: Turn) -> ShownTurn:
    """One turn alone, for the fragment that replaces it."""
    return turns_shown(turn.conversation, [turn.pk], tree.siblings(turn.conversation_id))[0]


def turns_shown(
    conversation: Conversation,
    path: list[uuid.UUID],
    children: dict[uuid.UUID | None, list[uuid.UUID]],
) -> list[ShownTurn]:
    """Some turns, with who stands beside them."""
    # Runs first: a run that ends in between then still looks live, and the page asks again. The other
    # way round it would look finished with a text that lacks its end.
    runs = _runs(path)
    rows = {turn.pk: turn for turn in Turn.objects.filter(pk__in=path)}
    for turn in rows.values():
        turn.conversation = conversation
    files = _attachments(conversation, list(rows.values()))
    out: list[ShownTurn] = []
    for pk in path:
        turn = rows[pk]
        beside = children[turn.parent_id]
        at = beside.index(pk)
        out.append(
            ShownTurn(
                turn=turn,
                run=runs.get(pk) or runs.get(turn.copied_from_id or pk),
                position=at + 1,
                count=len(beside),
                previous=beside[at - 1] if at else None,
                next=beside[at + 1] if at + 1 < len(beside) else None,
                attachments=files,
            )
        )
    return out


def _runs(path: list[uuid.UUID]) -> dict[uuid.UUID, Run]:
    """Runs by the turn they made; a copied answer shows the run of the one it was copied from."""
    copied = Turn.objects.filter(pk__in=path, copied_from__isnull=False).values("copied_from")
    runs = Run.objects.filter(Q(answer_id__in=path) | Q(answer_id__in=copied)).select_related("key")
    return {run.answer_id: run for run in runs if run.answer_id is not None}


def _attachments(conversation: Conversation, rows: list[Turn]) -> dict[str, Attachment]:
    ids = {part["attachment"] for turn in rows for part in turn.parts if part.get("attachment")}
    if not ids:
        return {}
    found = Attachment.objects.filter(team_id=conversation.team_id, pk__in=ids)
    return {str(row.pk): row for row in found}
