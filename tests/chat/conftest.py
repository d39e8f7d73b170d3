"""What the tests of the chat's views begin with: a key, settings to ask with, a finished answer."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import GatewayKey, Team, User
from playground.chat import turns
from playground.chat.models import Turn
from tests._servers.goods import finish


@pytest.fixture
def key(owner: User, team: Team) -> GatewayKey:
    """Of an address that nobody answers: no view may call it."""
    return GatewayKey.objects.create(
        owner=owner, team=team, label="Main", base_url="https://gateway.example.com", last4="4f2a"
    )


@pytest.fixture
def chosen(key: GatewayKey) -> dict[str, Any]:
    return {
        "family": "openai_chat",
        "model": "m-1",
        "key": str(key.pk),
        "system": "",
        "stream": True,
        "params": {},
    }


@pytest.fixture
def answer(owner: User, team: Team, chosen: dict[str, Any]) -> Turn:
    """A finished answer in a conversation of the owner's."""
    talk = turns.start(owner, team, id=uuid.uuid4(), settings=chosen)
    run = turns.ask(talk, owner, turn_id=uuid.uuid4(), text="Why?", images=[], settings=chosen)
    return finish(run)
