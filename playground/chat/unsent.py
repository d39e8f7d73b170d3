"""What would be asked now: the shown branch with what is in the composer, and what of it would stay behind.

Nothing here is written or sent.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from playground.chat import requests, tree, turns
from playground.chat.models import Conversation, Turn
from playground.chat.origins import Spoken
from playground.chat.requests import without_files
from playground.chat.settings_form import Settings
from playground.gateway.wire import FAMILIES

# As they stand in stored parts, whatever a person typed: quotes in a text are escaped there.
_TELLING = ('"tool_call"', '"file"')


def branch(conversation: Conversation) -> list[Turn]:
    """The turns from the root to the shown end, each with its run."""
    path = tree.path_through(tree.siblings(conversation.pk), conversation.leaf_id)
    rows = Turn.objects.select_related("run").in_bulk(path)
    return [rows[pk] for pk in path]


def question(team_id: uuid.UUID, text: str, images: list[dict[str, Any]]) -> Turn:
    """What is in the composer, as the turn it would be. Raises turns.Refused."""
    return said(Spoken(Turn.Role.USER, turns.user_parts(team_id, text, images), text))


def said(message: Spoken) -> Turn:
    """A message as the turn it would be."""
    turn = Turn(role=message.role, text=message.text, parts=message.parts)
    # An unsaved turn has an id already and would be looked up by it.
    Turn._meta.get_field("run").set_cached_value(turn, None)
    return turn


def losses(conversation: Conversation, settings: Settings) -> list[str]:
    """Sentences about what of the shown branch the family and model of the settings would not get.

    One query when nothing can be lost; at most three.
    """
    family, model = str(settings.get("family", "")), str(settings.get("model", ""))
    if conversation.leaf_id is None or family not in FAMILIES or not _may_lose(conversation, family, model):
        return []
    # With a question at its end, as there will be one: pictures of answers move into it.
    history = without_files([*branch(conversation), question(conversation.team_id, "?", [])])
    return told(requests.assemble(conversation.team_id, history, family, model, {}).losses)


def _may_lose(conversation: Conversation, family: str, model: str) -> bool:
    foreign = ~Q(native_for__in=("", f"{family} {model}"))
    held = Q()
    for kind in _TELLING:
        held |= Q(held__contains=kind)
    rows = Turn.objects.filter(conversation_id=conversation.pk).annotate(held=Cast("parts", TextField()))
    return rows.filter(foreign | held | Q(run__reason="refused")).exists()


def told(sentences: Iterable[str]) -> list[str]:
    """The sentences, equal ones once and counted."""
    counts = Counter(sentences)
    return [f"{sentence} ({count} times)" if count > 1 else sentence for sentence, count in counts.items()]
