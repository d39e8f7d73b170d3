"""Two of the last answers word by word."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User
from playground.chat.models import Conversation, Turn
from tests.compare.asking import Compared, SignIn, answer_of, url

TEXTS = {"m-1": "The sky is blue at noon.", "m-2": "The sky is red at dusk.", "m-3": "Grey, mostly."}


@pytest.fixture
def talk(compared: Compared, owner: User) -> Conversation:
    made = compared(owner, *TEXTS)
    for model, text in TEXTS.items():
        Turn.objects.filter(pk=answer_of(made, model)).update(text=text)
    return made


def differences(client: Client, talk: Conversation, query: str = "") -> tuple[list[str], list[str]]:
    """What is struck out, and what stands out."""
    page = client.get(url("diff", talk) + query).content.decode()
    return re.findall("<del>([^<]*)</del>", page), re.findall("<ins>([^<]*)</ins>", page)


def test_the_first_two_at_first(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    assert differences(sign_in(owner), talk) == (["blue", "noon"], ["red", "dusk"])


def test_those_that_the_address_names_and_either_way(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    client = sign_in(owner)
    assert differences(client, talk, "?a=2&b=1") == (["red", "dusk"], ["blue", "noon"])
    page = client.get(url("diff", talk) + "?a=3&b=1").content.decode()
    assert "Grey, mostly." in page
    assert re.findall(r'<option value="(\d)" selected', page) == ["3", "1"]


@pytest.mark.parametrize("query", ["?a=9&b=8", "?a=1&b=1", "?a=x&b="])
def test_an_address_that_names_none_or_one_twice_still_shows_two(
    sign_in: SignIn, owner: User, talk: Conversation, query: str
) -> None:
    assert differences(sign_in(owner), talk, query) == (["blue", "noon"], ["red", "dusk"])


def test_an_answer_without_a_text_is_no_choice(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    client = sign_in(owner)
    Turn.objects.filter(pk=answer_of(talk, "m-1")).update(text="")
    page = client.get(url("diff", talk)).content.decode()
    assert re.findall(r'<option value="(\d)"', page) == ["2", "3", "2", "3"]
    Turn.objects.filter(pk=answer_of(talk, "m-2")).update(text="")
    page = client.get(url("diff", talk)).content.decode()
    assert "Two answers with a text are needed." in page
    assert f'href="{url("diff", talk)}"' not in client.get(url("show", talk)).content.decode()


def test_the_comparison_leads_there(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    assert f'href="{url("diff", talk)}"' in sign_in(owner).get(url("show", talk)).content.decode()
