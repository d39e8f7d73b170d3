"""From an answer of a chat to a comparison: its question and model are in the form, another model beside."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat import turns
from playground.chat.models import Run
from playground.chat.settings_form import EMPTY
from tests._servers.goods import finish
from tests.compare.asking import NEW, SignIn
from tests.compare.conftest import listed


def answered(owner: User, team: Team, key: GatewayKey, **about: Any) -> Run:
    settings = EMPTY | {"model": "m-7", "key": str(key.pk)} | about
    talk = turns.start(owner, team, id=uuid.uuid4(), settings=settings)
    run = turns.ask(talk, owner, turn_id=uuid.uuid4(), text="Why <b>blue</b>?", images=[], settings=settings)
    finish(run)
    return run


def fields(page: str, name: str) -> list[str]:
    return re.findall(rf'name="lane-{name}" value="([^"]*)"', page)


def test_the_form_holds_the_question_the_model_as_it_was_asked_and_another_one(
    sign_in: SignIn, owner: User, team: Team, team_key: GatewayKey, key: GatewayKey
) -> None:
    for model in ("m-7", "m-8"):
        listed(key, model)
    params = {"temperature": {"on": True, "value": 0.0}, "top_p": {"on": False, "value": 1}}
    run = answered(owner, team, key, system="Be brief.", params=params)
    client = sign_in(owner)
    address = f"{NEW}?turn={run.answer_id}"
    assert f'href="{address}"' in client.get(reverse("chat:turn", args=[run.answer_id])).content.decode()
    page = client.get(address).content.decode()
    assert "Why &lt;b&gt;blue&lt;/b&gt;?</textarea>" in page
    assert "Be brief.</textarea>" in page
    assert fields(page, "model")[:3] == ["m-7", "m-8", ""]
    assert fields(page, "temperature")[:2] == ["0.0", ""]
    assert re.search(rf'<option value="{key.pk}" selected', page)


def test_a_turn_that_is_not_for_these_eyes_says_nothing(
    sign_in: SignIn, owner: User, mate: User, team: Team, key: GatewayKey
) -> None:
    run = answered(owner, team, key)
    client: Client = sign_in(mate)
    for turn in (run.answer_id, uuid.uuid4(), "nonsense"):
        page = client.get(f"{NEW}?turn={turn}").content.decode()
        assert "m-7" not in page
        assert "Why" not in page
