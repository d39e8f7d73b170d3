"""Chats, tasks and checks of the cast, written as their apps write them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Conversation, Run, Turn
from playground.media.models import MediaTask, Status


@pytest.fixture
def team_key(owner: User, team: Team) -> GatewayKey:
    """A key that opens nothing; nothing here is sent."""
    return GatewayKey.objects.create(
        owner=owner, team=team, shared=True, label="Team", last4="0000", base_url="https://api.anyint.ai"
    )


@pytest.fixture
def talk(team: Team) -> Callable[..., Conversation]:
    def make(owner: User, **about: Any) -> Conversation:
        return Conversation.objects.create(**{"team": team, "owner": owner, "title": "A talk"} | about)

    return make


@pytest.fixture
def answered(talk: Callable[..., Conversation]) -> Callable[..., Run]:
    """A run that has ended. `asked` and `said` are its words, `chat` its conversation."""

    def make(
        owner: User, asked: str = "Where are we?", said: str = "Here.", *, chat: Conversation | None = None,
        **about: Any,
    ) -> Run:  # fmt: skip
        chat = chat or talk(owner)
        question = Turn.objects.create(
            conversation=chat, parent_id=chat.leaf_id, role=Turn.Role.USER, text=asked,
            parts=[{"kind": "text", "text": asked}],
        )  # fmt: skip
        reply = Turn.objects.create(
            conversation=chat, parent=question, role=Turn.Role.ASSISTANT, text=said,
            parts=[{"kind": "text", "text": said}],
        )  # fmt: skip
        chat.leaf = reply
        chat.save(update_fields=["leaf"])
        now = timezone.now()
        given = {
            "team": chat.team, "user": owner, "conversation": chat, "asked": question, "answer": reply,
            "family": "openai_chat", "model": "gpt-4.1", "status": Run.Status.FINISHED, "started_at": now,
            "ended_at": now + timedelta(milliseconds=1500), "input_tokens": 100, "output_tokens": 20,
            "created_at": now,
        }  # fmt: skip
        return Run.objects.create(**given | about)

    return make


@pytest.fixture
def made(team: Team) -> Callable[..., MediaTask]:
    def make(user: User, text: str = "a boat on a lake", **about: Any) -> MediaTask:
        now = timezone.now()
        given = {
            "team": team, "user": user, "operation": "kling.text2video", "family": "kling",
            "medium": "video", "model": "kling-v2", "title": text[:60], "text": text,
            "status": Status.SUCCEEDED, "submitted_at": now, "ended_at": now + timedelta(seconds=40),
            "form_id": uuid.uuid4(),
        }  # fmt: skip
        return MediaTask.objects.create(**given | about)

    return make
