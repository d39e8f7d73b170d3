"""Every address of a comparison, tried by the whole cast; and an ordinary chat is none."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Conversation, Turn
from tests.compare.asking import Compared, SignIn, answer_of, everything, follow_up, url

ACTS = ("ask", "again", "stop", "best")


@pytest.fixture
def talk(owner: User, compared: Compared) -> Conversation:
    return compared(owner)


def pages(talk: Conversation, model: str = "m-1") -> list[str]:
    return [*(url(name, talk) for name in ("show", "thread", "figures")), url("turn", answer_of(talk, model))]


def read(client: Client, talk: Conversation) -> list[int]:
    return [client.get(place).status_code for place in pages(talk)]


def act(client: Client, talk: Conversation, *names: str) -> list[int]:
    sent = {"text": "And?", "lane": "1"}
    return [client.post(url(name, talk), sent).status_code for name in names]


def test_the_owner_reads_everything_and_does_everything(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    client = sign_in(owner)
    assert read(client, talk) == [200] * 4
    assert act(client, talk, "again", "stop", "best", "ask", "chat") == [302] * 5


@pytest.mark.parametrize("shared", [False, True])
def test_for_a_stranger_nothing_of_it_is_there(
    shared: bool, sign_in: SignIn, stranger: User, talk: Conversation
) -> None:
    Conversation.objects.update(shared=shared)
    client, made = sign_in(stranger), everything()
    assert read(client, talk) == [404] * 4
    assert act(client, talk, *ACTS, "chat") == [404] * 5
    assert everything() == made


@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_a_private_one_is_there_for_nobody_else(
    who: str, request: pytest.FixtureRequest, sign_in: SignIn, talk: Conversation
) -> None:
    client, made = sign_in(request.getfixturevalue(who)), everything()
    assert read(client, talk) == [404] * 4
    assert act(client, talk, *ACTS, "chat") == [404] * 5
    assert everything() == made


@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_a_shared_one_is_read_by_the_team_and_changed_by_its_owner_alone(
    who: str, request: pytest.FixtureRequest, sign_in: SignIn, talk: Conversation
) -> None:
    Conversation.objects.update(shared=True)
    client, made = sign_in(request.getfixturevalue(who)), everything()
    assert read(client, talk) == [200] * 4
    assert act(client, talk, *ACTS) == [403] * 4
    assert everything() == made
    assert Conversation.objects.get().comparison == talk.comparison
    html = client.get(url("show", talk)).content.decode()
    assert "Olivia shares this comparison. Only Olivia asks here." in html
    assert 'id="composer"' not in html
    for name in ACTS:
        assert url(name, talk) not in html
    assert reverse("chat:delete", args=[talk.pk]) not in html


def test_who_is_a_viewer_now_reads_their_own_and_does_nothing(
    sign_in: SignIn, viewer: User, team: Team, owner: User, talk: Conversation
) -> None:
    Conversation.objects.update(owner=viewer)
    client = sign_in(viewer)
    assert read(client, talk) == [200] * 4
    assert act(client, talk, *ACTS, "chat") == [403] * 5
    assert "you can read, not ask" in client.get(url("show", talk)).content.decode()


def test_nobody_gets_in_without_signing_in(client: Client, talk: Conversation) -> None:
    assert read(client, talk) == [302] * 4
    made = everything()
    act(client, talk, *ACTS, "chat")
    assert everything() == made


def test_an_ordinary_chat_is_no_comparison(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    Conversation.objects.filter(pk=talk.pk).update(comparison=None)
    client, made = sign_in(owner), everything()
    assert read(client, talk) == [404] * 4
    assert act(client, talk, *ACTS, "chat") == [404] * 5
    assert everything() == made


def test_a_comparison_that_is_not_there_is_not_there(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    gone = Conversation(team=talk.team, owner=owner)
    client = sign_in(owner)
    assert [client.get(url(name, gone)).status_code for name in ("show", "thread", "figures")] == [404] * 3
    assert act(client, gone, "again", "stop", "best", "chat") == [404] * 4
    assert client.get(url("turn", Turn().pk)).status_code == 404
    assert client.get(url("turn", Turn.objects.get(role="user").pk)).status_code == 404


def test_what_changes_something_is_never_done_by_looking(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    client = sign_in(owner)
    assert [client.get(url(name, talk)).status_code for name in (*ACTS, "chat")] == [405] * 5


def test_the_owner_asks_in_it_from_another_team_too(
    sign_in: SignIn, owner: User, key: GatewayKey, talk: Conversation
) -> None:
    client = sign_in(owner)
    session = client.session
    session["team"] = str(owner.personal_team.pk)
    session.save()
    assert follow_up(client, talk).status_code == 302
    assert {run.team for run in talk.runs.select_related("team")} == {talk.team}


def test_who_shares_it_and_who_takes_it_back_is_its_owner(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation
) -> None:
    place = reverse("chat:share", args=[talk.pk])
    sign_in(owner).post(place)
    assert read(sign_in(mate), talk) == [200] * 4
    sign_in(owner).post(place, {"stop": "1"})
    assert read(sign_in(mate), talk) == [404] * 4
