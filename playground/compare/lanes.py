"""Several models asked the same: one conversation, in which every lane is a branch of its own.

`Conversation.comparison` is {"lanes": [{"settings": as in a chat, "leaf": id of the lane's last answer or
""}], "best": number of a lane or None, "blind": whether the page keeps the models to itself}. What is asked
is written once at the beginning, and from then on once in each lane, behind that lane's own answers. Every
function is one short transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from playground.chat import drafts, turns
from playground.chat.models import Conversation, Run, Turn
from playground.chat.settings_form import Settings
from playground.chat.turns import Refused

FEWEST, MOST = 2, 6
BUSY = "Answers are still being written here. Stop them, or wait for their end."


@dataclass(slots=True)
class Lane:
    """`number` counts from 1; `leaf` is the last answer, None before the first."""

    number: int
    settings: Settings
    leaf: uuid.UUID | None = None
    hidden: bool = False

    @property
    def model(self) -> str:
        return str(self.settings.get("model", ""))

    @property
    def name(self) -> str:
        """What the page calls it."""
        return f"Model {self.number}" if self.hidden else self.model

    @property
    def family(self) -> str:
        return str(self.settings.get("family", ""))


def of(conversation: Conversation) -> list[Lane]:
    """The lanes as they are kept."""
    rows = (conversation.comparison or {}).get("lanes", [])
    hidden = is_blind(conversation)
    return [
        Lane(number, dict(row["settings"]), uuid.UUID(row["leaf"]) if row["leaf"] else None, hidden)
        for number, row in enumerate(rows, 1)
    ]


def best_of(conversation: Conversation) -> int | None:
    """The lane somebody chose."""
    best: int | None = (conversation.comparison or {}).get("best")
    return best


def is_blind(conversation: Conversation) -> bool:
    """Whether the models are hidden until somebody has chosen."""
    return bool((conversation.comparison or {}).get("blind"))


def begun_with(settings: Sequence[Settings], *, blind: bool = False) -> dict[str, Any]:
    """A comparison of these, nothing asked yet; a blind one in an order that says nothing."""
    rows = [{"settings": dict(one), "leaf": ""} for one in settings]
    if blind:
        SystemRandom().shuffle(rows)
    return {"lanes": rows, "best": None, "blind": blind}


def ask(conversation: Conversation, user: User, *, turn_id: uuid.UUID, text: str) -> None:
    """Ask every lane. Sent twice with one `turn_id`, it is asked once."""
    if not text.strip():
        raise Refused("Write what the models shall answer.")
    with transaction.atomic():
        held, lanes = _held(conversation)
        if earlier := Turn.objects.filter(pk=turn_id).first():
            if earlier.conversation_id == held.pk:
                return
            raise Refused("This question was already sent elsewhere. Reload the page.")
        if _live(held):
            raise Refused(BUSY)
        drafts.drop(user, held)
        parts = turns.user_parts(held.team_id, text, [])
        asked: Turn | None = None
        for lane in lanes:
            if asked is None or lane.leaf is not None:
                pk = uuid.uuid5(turn_id, str(lane.number)) if asked else turn_id
                asked = turns.put(held, lane.leaf, pk, text, parts)
            _queue(held, user, lane, asked)
        # A lane is the best of what it answered so far.
        _keep(held, lanes, best=None)


def again(conversation: Conversation, user: User, number: int | None) -> None:
    """Ask one lane its last question once more, or without a number those whose answer did not come."""
    with transaction.atomic():
        held, lanes = _held(conversation)
        runs = {run.answer_id: run for run in Run.objects.filter(answer__in=[lane.leaf for lane in lanes])}
        wanted = [lane for lane in lanes if _wanted(lane, runs.get(lane.leaf), number)]
        if not wanted:
            raise Refused("There is no answer to ask for again.")
        for lane in wanted:
            _queue(held, user, lane, runs[lane.leaf].asked)
        best = best_of(held)
        _keep(held, lanes, best=None if best in {lane.number for lane in wanted} else best)


def _wanted(lane: Lane, run: Run | None, number: int | None) -> bool:
    if run is None or (number is not None and lane.number != number):
        return False
    if run.live and number is not None:
        raise Refused("This answer is still being written. Stop it, or wait for its end.")
    return number is not None or run.status in FAILED


FAILED = (Run.Status.FAILED, Run.Status.INTERRUPTED, Run.Status.STOPPED)


def choose(conversation: Conversation, number: int | None) -> None:
    """Say which lane answered best, which ends the hiding; None takes it back."""
    with transaction.atomic():
        held, lanes = _held(conversation)
        if number is not None and number not in {lane.number for lane in lanes}:
            raise Refused("There is no such answer.")
        _keep(held, lanes, best=number, blind=is_blind(held) and number is None)


def reveal(conversation: Conversation) -> None:
    """Show which model is which, chosen or not."""
    with transaction.atomic():
        held, lanes = _held(conversation)
        _keep(held, lanes, best=best_of(held), blind=False)


def stop(conversation: Conversation) -> None:
    """Stop every answer that is being written."""
    now = timezone.now()
    for run in Run.objects.filter(conversation=conversation, status__in=Run.LIVE):
        turns.stop(run, now)


def _held(conversation: Conversation) -> tuple[Conversation, list[Lane]]:
    """The row as it is now; of two who act at once the second waits here."""
    held = Conversation.objects.select_for_update(of=("self",)).select_related("team").get(pk=conversation.pk)
    return held, of(held)


def _live(conversation: Conversation) -> bool:
    return Run.objects.filter(conversation=conversation, status__in=Run.LIVE).exists()


def _queue(conversation: Conversation, user: User, lane: Lane, asked: Turn) -> None:
    try:
        run = turns.queue(conversation, user, asked, lane.settings, alone=False)
    except Refused as error:
        if not lane.hidden:
            raise Refused(f"Model {lane.number}, {lane.model}: {error}") from None
        # Before it was begun the form names all of them, in another order; later it keeps its secret.
        told = lane.name if lane.leaf else lane.model
        raise Refused(f"{told}: {str(error).replace(lane.model, told)}") from None
    lane.leaf = run.answer_id


def _keep(
    conversation: Conversation, lanes: Sequence[Lane], *, best: int | None, blind: bool | None = None
) -> None:
    """`blind` None: as it was."""
    rows = [{"settings": lane.settings, "leaf": str(lane.leaf or "")} for lane in lanes]
    told = {"lanes": rows, "best": best, "blind": is_blind(conversation) if blind is None else blind}
    Conversation.objects.filter(pk=conversation.pk).update(comparison=told)
    conversation.comparison = told
