"""A catalogue to look at: keys with lists, and runs that ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Conversation, Run, Turn
from playground.ops.models import ModelEntry, UsageRecord
from tests.ops.conftest import gateway as gateway
from tests.ops.conftest import make_key as make_key
from tests.ops.conftest import transport as transport

MakeRun = Callable[..., Run]


@pytest.fixture
def own(owner: User, team: Team) -> GatewayKey:
    """The owner's own key, of an address that nobody answers."""
    return GatewayKey.objects.create(
        owner=owner, team=team, label="Own", base_url="https://gateway.example.com", last4="4f2a"
    )


@pytest.fixture
def shared(owner: User, team: Team) -> GatewayKey:
    return GatewayKey.objects.create(
        owner=owner, team=team, label="Common", shared=True, base_url="https://gateway.example.com"
    )


def entry(key: GatewayKey, model: str, family: str = "openai_chat", **fields: Any) -> ModelEntry:
    told = {"name": model, **fields}
    return ModelEntry.objects.create(key=key, family=family, model_id=model, **told)


@pytest.fixture
def make_run(team: Team) -> MakeRun:
    """An ended run as the ledger leaves it, with its row of usage."""

    def make(
        user: User,
        model: str,
        *,
        shared: bool = False,
        asked: list[dict[str, Any]] | None = None,
        answer: list[dict[str, Any]] | None = None,
        latency_ms: int | None = 1000,
        **fields: Any,
    ) -> Run:
        talk = Conversation.objects.create(team=team, owner=user, shared=shared, title="Secret plans")
        said = {"conversation": talk, "text": "Secret plans"}
        question = Turn.objects.create(role="user", parts=asked or [], **said)
        reply = Turn.objects.create(role="assistant", parent=question, parts=answer or [], **said)
        told: dict[str, Any] = {
            "family": "openai_chat",
            "status": "finished",
            "ended_at": timezone.now(),
            **fields,
        }
        run = Run.objects.create(
            id=uuid.uuid4(),
            team=team,
            user=user,
            conversation=talk,
            asked=question,
            answer=reply,
            model=model,
            **told,
        )
        UsageRecord.objects.create(
            team=team,
            user=user,
            subject=f"run:{run.pk}",
            family=run.family,
            model=run.answered_by,
            outcome=run.status,
            output_tokens=run.output_tokens,
            latency_ms=latency_ms,
            at=run.ended_at,
        )
        return run

    return make
