"""What the tests of Compare begin with: a key, and comparisons with their answers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import GatewayKey, Team, User
from playground.chat import turns
from playground.chat.models import Conversation
from playground.chat.settings_form import EMPTY
from playground.compare import lanes
from playground.ops.models import ModelEntry
from tests.compare.asking import Compared, settle


@pytest.fixture
def key(owner: User, team: Team) -> GatewayKey:
    """Of an address that nobody answers: no view may call it."""
    return GatewayKey.objects.create(
        owner=owner, team=team, label="Main", base_url="https://gateway.example.com", last4="4f2a"
    )


@pytest.fixture
def team_key(owner: User, team: Team) -> GatewayKey:
    return GatewayKey.objects.create(
        owner=owner, team=team, label="Common", base_url="https://gateway.example.com", shared=True
    )


@pytest.fixture
def compared(team: Team, key: GatewayKey) -> Compared:
    """A comparison of models, asked once or more often; without `live` all has been answered.

    `about` goes to every lane's settings.
    """

    def make(user: User, *models: str, rounds: int = 1, live: bool = False, **about: Any) -> Conversation:
        own = key if user == key.owner else GatewayKey.objects.get_or_create(owner=user, team=team)[0]
        chosen = [EMPTY | {"model": model, "key": str(own.pk)} | about for model in models or ("m-1", "m-2")]
        talk = turns.start(user, team, id=uuid.uuid4(), settings=chosen[0])
        talk.comparison = lanes.begun_with(chosen)
        talk.save()
        for number in range(rounds):
            settle(talk)
            lanes.ask(talk, user, turn_id=uuid.uuid4(), text=f"Question {number + 1}?")
        if not live:
            settle(talk)
        return Conversation.objects.get(pk=talk.pk)

    return make


def listed(key: GatewayKey, model: str, family: str = "openai_chat", **fields: Any) -> ModelEntry:
    """A model on the key's list."""
    return ModelEntry.objects.create(key=key, family=family, model_id=model, name=model, **fields)
