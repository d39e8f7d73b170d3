"""What one person has in a team, as rows: a key, a finished chat, a picture."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Attachment, Conversation, Run, Turn


@dataclass(frozen=True, slots=True)
class Goods:
    key: GatewayKey
    talk: Conversation
    asked: Turn
    answer: Turn
    run: Run
    file: Attachment


def make_goods(owner: User, team: Team, word: str) -> Goods:
    """One of each; `word` stands wherever text does."""
    key = GatewayKey.objects.create(owner=owner, team=team, label=word, base_url="http://127.0.0.1:9")
    talk = Conversation.objects.create(team=team, owner=owner, title=word)
    said: dict[str, Any] = {"conversation": talk, "text": word, "parts": [{"kind": "text", "text": word}]}
    asked = Turn.objects.create(role="user", **said)
    answer = Turn.objects.create(role="assistant", parent=asked, **said)
    Conversation.objects.filter(pk=talk.pk).update(leaf=answer)
    run = Run.objects.create(
        team=team,
        user=owner,
        key=key,
        conversation=talk,
        asked=asked,
        answer=answer,
        family="openai_chat",
        model="m",
        status="finished",
        ended_at=timezone.now(),
    )
    file = Attachment.objects.create(
        team=team,
        user=owner,
        sha256=uuid.uuid4().hex * 2,
        media_type="image/png",
        size=1,
        file="none.png",
        name=f"{word}.png",
    )
    return Goods(key, talk, asked, answer, run, file)


def finish(run: Run, status: str = "finished", text: str = "**Because.**", **fields: Any) -> Turn:
    """End a run as its driver would, with other `fields` of it at will; gives the answer."""
    Run.objects.filter(pk=run.pk).update(
        status=status, started_at=run.created_at, ended_at=timezone.now(), **fields
    )
    parts = [{"kind": "text", "text": text}] if text else []
    Turn.objects.filter(pk=run.answer_id).update(text=text, parts=parts)
    return Turn.objects.get(pk=run.answer_id)
