"""Ids in forms and queries: those of another team or conversation do nothing and show nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Conversation, Draft, Run, Turn
from tests._servers.goods import Goods, make_goods

SECRET = "Plans nobody else may read"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def theirs(owner: User, team: Team) -> Goods:
    return make_goods(owner, team, SECRET)


@pytest.fixture
def mine(stranger: User) -> Goods:
    return make_goods(stranger, stranger.personal_team, "Mine")


@pytest.fixture
def page(client: Client, stranger: User) -> Client:
    client.force_login(stranger)
    return client


def form(mine: Goods, **fields: Any) -> dict[str, Any]:
    usual = {"turn_id": str(uuid.uuid4()), "text": "hello", "model": "m", "key": str(mine.key.pk)}
    return usual | {"family": "openai_chat", "stream": "on"} | fields


# What stands in the form -> its value; each is of the other team.
FOREIGN: dict[str, Callable[[Goods], dict[str, Any]]] = {
    "key": lambda theirs: {"key": str(theirs.key.pk)},
    "image": lambda theirs: {"image": str(theirs.file.pk), "alt": ""},
    "turn_id": lambda theirs: {"turn_id": str(theirs.asked.pk)},
    "answer as turn_id": lambda theirs: {"turn_id": str(theirs.answer.pk)},
}
ACTS: dict[str, Callable[[Goods], str]] = {
    "ask": lambda mine: reverse("chat:ask", args=[mine.talk.pk]),
    "a new chat": lambda mine: reverse("chat:ask", args=[uuid.uuid4()]),
    "rerun": lambda mine: reverse("chat:rerun", args=[mine.asked.pk]),
    "regenerate": lambda mine: reverse("chat:regenerate", args=[mine.answer.pk]),
    "go-on": lambda mine: reverse("chat:go-on", args=[mine.answer.pk]),
    "fall-back": lambda mine: reverse("chat:fall-back", args=[mine.answer.pk]),
    "settings": lambda mine: reverse("chat:settings", args=[mine.talk.pk]),
    "draft": lambda mine: reverse("chat:draft", args=[mine.talk.pk]),
    "edit": lambda mine: reverse("chat:edit", args=[mine.asked.pk]),
}


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "no script"])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("field", FOREIGN)
def test_sec_33_an_id_of_another_team_in_a_form_reaches_nothing(
    page: Client, theirs: Goods, mine: Goods, field: str, act: str, htmx: bool
) -> None:
    fields = form(mine, **FOREIGN[field](theirs))
    answer = page.post(ACTS[act](mine), fields, headers=HTMX if htmx else None, follow=True)
    assert answer.status_code in (200, 204, 404, 422)
    shown = answer.content.decode()
    for url in (reverse("chat:show", args=[mine.talk.pk]), reverse("chat:new"), reverse("chat:list")):
        shown += page.get(url).content.decode()
    assert SECRET not in shown
    assert not Run.objects.filter(key=theirs.key).exclude(conversation=theirs.talk).exists()
    assert Run.objects.filter(conversation=theirs.talk).count() == 1
    assert set(Turn.objects.filter(conversation=theirs.talk)) == {theirs.asked, theirs.answer}
    sent = [part for turn in Turn.objects.filter(conversation__owner=mine.talk.owner) for part in turn.parts]
    assert str(theirs.file.pk) not in str(sent)


@pytest.mark.parametrize("field", ["key", "image"])
def test_sec_33_asking_with_what_is_not_ones_own_says_so(
    page: Client, theirs: Goods, mine: Goods, field: str
) -> None:
    words = {"key": "not yours to use", "image": "no longer there"}
    fields = form(mine, **FOREIGN[field](theirs))
    answer = page.post(reverse("chat:ask", args=[mine.talk.pk]), fields, headers=HTMX)
    assert answer.status_code == 422
    assert words[field] in answer.content.decode()


def test_sec_33_a_mates_private_key_is_not_for_use_and_a_shared_one_is(
    client: Client, mate: User, team: Team, theirs: Goods
) -> None:
    client.force_login(mate)
    session = client.session
    session["team"] = str(team.pk)
    session.save()
    own = make_goods(mate, team, "Own")
    url = reverse("chat:ask", args=[own.talk.pk])
    fields = form(own, key=str(theirs.key.pk))
    assert client.post(url, fields, headers=HTMX).status_code == 422
    GatewayKey.objects.filter(pk=theirs.key.pk).update(shared=True)
    assert client.post(url, fields, headers=HTMX).status_code == 200


QUERIES: dict[str, Callable[[Client, Goods, Goods], Any]] = {
    "turns before one of theirs": lambda page, theirs, mine: page.get(
        reverse("chat:thread", args=[mine.talk.pk]), {"before": str(theirs.answer.pk)}
    ),
    "a page before one of theirs": lambda page, theirs, mine: page.get(
        reverse("chat:show", args=[mine.talk.pk]), {"before": str(theirs.answer.pk)}
    ),
    "their conversation as the current one": lambda page, theirs, mine: page.get(
        reverse("chat:list"), {"current": str(theirs.talk.pk)}
    ),
    "a search for their words": lambda page, theirs, mine: page.get(reverse("chat:list"), {"q": "Plans"}),
    "the palette for their words": lambda page, theirs, mine: page.get(
        reverse("chat:list"), {"q": "Plans", "palette": "1"}
    ),
    "the models of their key": lambda page, theirs, mine: page.get(
        reverse("model-options"), {"key": str(theirs.key.pk)}
    ),
    "a refresh of their key": lambda page, theirs, mine: page.post(
        reverse("model-refresh"), {"key": str(theirs.key.pk)}
    ),
    "an upload into their conversation": lambda page, theirs, mine: page.post(
        reverse("chat:upload"), {"conversation": str(theirs.talk.pk), "url": "https://example.com/a.png"}
    ),
    "a draft in their conversation": lambda page, theirs, mine: page.post(
        reverse("chat:draft", args=[theirs.talk.pk]), {"text": "x"}
    ),
    "their team as the one in use": lambda page, theirs, mine: page.post(
        reverse("switch-team"), {"team": str(theirs.talk.team_id)}
    ),
    "a delete that names theirs": lambda page, theirs, mine: page.post(
        reverse("chat:delete", args=[mine.talk.pk]), {"current": str(theirs.talk.pk)}, headers=HTMX
    ),
}


@pytest.mark.parametrize("query", QUERIES)
def test_sec_34_no_query_search_or_cursor_crosses_teams(
    page: Client, theirs: Goods, mine: Goods, query: str
) -> None:
    answer = QUERIES[query](page, theirs, mine)
    assert answer.status_code in (200, 204, 404)
    assert SECRET not in answer.content.decode()
    assert Conversation.objects.filter(pk=theirs.talk.pk).exists()
    assert not Draft.objects.filter(conversation=theirs.talk).exists()


def test_sec_33_a_turn_of_ones_own_other_chat_cannot_be_taken_over(
    page: Client, mine: Goods, stranger: User
) -> None:
    other = make_goods(stranger, stranger.personal_team, "Other")
    fields = form(mine, turn_id=str(other.asked.pk))
    answer = page.post(reverse("chat:ask", args=[mine.talk.pk]), fields, headers=HTMX)
    assert answer.status_code == 422
    assert "already sent elsewhere" in answer.content.decode()
    assert Turn.objects.get(pk=other.asked.pk).conversation == other.talk
