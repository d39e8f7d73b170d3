"""The first question of a comparison: asked once, answered by every model, with the settings of each."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, User
from playground.chat.models import Conversation, Run, Turn
from playground.ops import catalog
from tests.compare.asking import (
    NEW,
    Compared,
    SignIn,
    begin,
    everything,
    form,
    lanes_on,
    questions_on,
    runs_of,
    typed_on,
    url,
)

pytestmark = pytest.mark.usefixtures("database")


def test_the_question_is_written_once_and_every_model_has_a_waiting_run(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    data = form(key, "m-1", "m-2", "m-3", text="Why is the sky blue?\r\nIn short.")
    talk = begin(client, data)
    asked = Turn.objects.get(conversation=talk, role="user")
    assert (str(asked.pk), asked.parent, asked.text) == (
        data["turn_id"],
        None,
        "Why is the sky blue?\nIn short.",
    )
    runs = runs_of(talk)
    assert list(runs) == ["m-1", "m-2", "m-3"]
    assert {(run.status, run.asked_id, run.user, run.key, run.team) for run in runs.values()} == {
        ("queued", asked.pk, owner, key, talk.team)
    }
    assert {run.answer.parent_id for run in runs.values() if run.answer} == {asked.pk}
    assert (talk.title, talk.owner, talk.shared) == ("Why is the sky blue?", owner, False)


def test_the_page_has_the_question_once_and_every_lane_in_its_place(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    talk = begin(client, form(key, "m-1", "m-2", "m-3", "m-4", "m-5", "m-6"))
    html = client.get(url("show", talk)).content.decode()
    answers = [str(run.answer_id) for run in runs_of(talk).values()]
    assert lanes_on(html) == list(enumerate(answers, 1))
    assert questions_on(html) == [str(Turn.objects.get(conversation=talk, role="user").pk)]
    assert 'data-lanes="6"' in html
    assert html.count(" data-live ") == 6
    assert f'data-conversation="{talk.pk}"' in html


def test_a_comparison_is_no_chat_of_the_list_and_the_chats_address_leads_to_it(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    talk = begin(client, form(key, "m-1", "m-2"))
    chat = Conversation.objects.create(owner=owner, team=talk.team, title="An ordinary chat")
    html = client.get(reverse("chat:list")).content.decode()
    assert str(chat.pk) in html
    assert str(talk.pk) not in html
    response = client.get(reverse("chat:show", args=[talk.pk]))
    assert (response.status_code, response["Location"]) == (302, url("show", talk))
    assert client.get(reverse("chat:show", args=[chat.pk])).status_code == 200


def test_a_comparison_does_not_change_what_a_new_chat_begins_with(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    begin(client, form(key, "compared-1", "compared-2"))
    assert "compared-" not in client.get(reverse("chat:new")).content.decode()


def test_the_same_form_sent_twice_asks_once(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    pk, data = uuid.uuid4(), form(key, "m-1", "m-2")
    for _ in range(2):
        response = client.post(url("ask", pk), data)
        assert (response.status_code, response["Location"]) == (302, url("show", pk))
        assert everything() == (1, 3, 2)
    assert len(lanes_on(client.get(url("show", pk)).content.decode())) == 2


def test_of_two_equal_forms_at_once_the_second_finds_what_the_first_made(
    sign_in: SignIn, owner: User, key: GatewayKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(owner)
    pk, data, usable = uuid.uuid4(), form(key, "m-1", "m-2"), catalog.usable_keys
    sent: list[Any] = []

    def meanwhile(*about: Any) -> list[GatewayKey]:
        # The second has looked already whether the comparison is there: now the first one makes it.
        if not sent:
            sent.append(None)
            sent.append(client.post(url("ask", pk), data))
        return usable(*about)

    monkeypatch.setattr(catalog, "usable_keys", meanwhile)
    assert client.post(url("ask", pk), data).status_code == 302
    assert sent[1].status_code == 302
    assert everything() == (1, 3, 2)
    assert len(lanes_on(client.get(url("show", pk)).content.decode())) == 2


def params(talk: Conversation) -> dict[str, dict[str, Any]]:
    return {model: run.params["params"] for model, run in runs_of(talk).items()}


def test_settings_of_a_model_are_sent_with_its_own_question_alone(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    rows: dict[str, Any] = {"temperature": ["0", " ", "1.5"], "max_tokens": ["", "64", " 128 "]}
    talk = begin(sign_in(owner), form(key, "m-1", "m-2", "m-3", **rows))
    assert params(talk) == {
        "m-1": {"temperature": 0},
        "m-2": {"max_tokens": 64},
        "m-3": {"temperature": 1.5, "max_tokens": 128},
    }


def test_every_family_gets_them_under_its_own_names_and_what_it_cannot_do_without(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    families = ["openai_chat", "anthropic", "gemini", "openai_responses"]
    client = sign_in(owner)
    typed: dict[str, Any] = {"temperature": ["0.5"] * 4, "max_tokens": ["99"] * 4, "family": families}
    talk = begin(client, form(key, *families, **typed))
    assert params(talk) == {
        "openai_chat": {"temperature": 0.5, "max_tokens": 99},
        "anthropic": {"temperature": 0.5, "max_tokens": 99},
        "gemini": {"generationConfig.temperature": 0.5, "generationConfig.maxOutputTokens": 99},
        "openai_responses": {"temperature": 0.5, "max_output_tokens": 99},
    }
    assert [run.family for run in runs_of(talk).values()] == families
    talk = begin(client, form(key, *families, family=families))
    assert params(talk) == {
        "openai_chat": {},
        "anthropic": {"max_tokens": 4096},
        "gemini": {},
        "openai_responses": {},
    }


def test_the_system_prompt_reaches_all_and_every_answer_is_streamed(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    talk = begin(sign_in(owner), form(key, "m-1", "m-2", system="Be\r\nbrief."))
    told = [(run.params["system"], run.params["stream"]) for run in runs_of(talk).values()]
    assert told == [("Be\nbrief.", True)] * 2


def test_rows_without_a_model_are_left_out(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    models, temperature = ["", "m-1", " ", "m-2 ", ""], ["0.1", "0.2", "none", "0.4", ""]
    talk = begin(sign_in(owner), form(key, *models, temperature=temperature))
    assert params(talk) == {"m-1": {"temperature": 0.2}, "m-2": {"temperature": 0.4}}


def test_one_model_can_be_compared_with_itself(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    talk = begin(sign_in(owner), form(key, "m-1", "m-1", temperature=["0", "1"]))
    told = [run.params["params"]["temperature"] for run in Run.objects.order_by("created_at")]
    assert told == [0, 1]
    assert Run.objects.filter(conversation=talk).count() == 2


def test_a_family_that_nobody_knows_is_asked_as_usual(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    talk = begin(sign_in(owner), form(key, "m-1", "m-2", family=["nonsense", "gemini"]))
    assert [run.family for run in runs_of(talk).values()] == ["openai_chat", "gemini"]


def test_what_a_database_does_not_take_is_replaced_visibly(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    talk = begin(sign_in(owner), form(key, "m\0-1", "m-2", text="a\0b", system="c\0d"))
    asked = Turn.objects.get(conversation=talk, role="user")
    assert asked.text == "a\N{SYMBOL FOR NULL}b"
    assert {run.params["system"] for run in runs_of(talk).values()} == {"c\N{SYMBOL FOR NULL}d"}


def test_a_key_of_the_teams_asks_for_its_members(sign_in: SignIn, mate: User, team_key: GatewayKey) -> None:
    talk = begin(sign_in(mate), form(team_key, "m-1", "m-2"))
    assert {(run.key, run.user) for run in runs_of(talk).values()} == {(team_key, mate)}


def test_the_same_models_can_be_compared_anew(
    sign_in: SignIn, owner: User, key: GatewayKey, client: Client, compared: Compared
) -> None:
    talk = compared(owner, "m & 1", "m-2", family="gemini")
    page = sign_in(owner).get(url("show", talk)).content.decode()
    link = page.split(f'href="{NEW}?')[1].split('"')[0].replace("&amp;", "&")
    typed = typed_on(client.get(f"{NEW}?{link}").content.decode())
    assert typed["lane-model"][:3] == ["m & 1", "m-2", ""]
    assert typed["lane-family"][:2] == ["gemini"] * 2
    assert typed["turn_id"] != [str(Turn.objects.get(conversation=talk, role="user").pk)]
