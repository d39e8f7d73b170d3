"""The page of a comparison: what stands in its lanes, the way to a chat, and what it costs to show."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from playground.chat.models import Conversation, Run, Turn
from tests._servers.goods import finish
from tests.compare.asking import Compared, SignIn, answer_of, follow_up, lanes_on, runs_of, settle, url

pytestmark = pytest.mark.usefixtures("database")


def lane(html: str, number: int) -> str:
    """The last answer of a lane."""
    articles = [part.split("</article>")[0] for part in html.split("<article ")]
    return [part for part in articles if f' data-lane="{number}"' in part.split(">")[0]][-1]


def test_each_answer_stands_in_the_lane_of_its_model(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3")
    html = sign_in(owner).get(url("show", talk)).content.decode()
    for number in (1, 2, 3):
        shown = lane(html, number)
        assert f"m-{number} says so." in shown
        assert shown.count("says so.") == 1
        assert f'aria-label="Answer of m-{number}"' in shown
        assert reverse("history:show", args=[runs_of(talk)[f"m-{number}"].pk]) in shown


@pytest.mark.parametrize(
    ("status", "facts", "said"),
    [
        ("stopped", {}, "This was stopped."),
        ("interrupted", {}, "The server was interrupted."),
        ("finished", {"reason": "length"}, "Cut at the token limit."),
        ("finished", {"reason": "filtered"}, "Cut by a content filter."),
        ("finished", {"reason": "refused"}, "The model refused."),
        ("failed", {"error_kind": "rate_limited", "error_message": "Slow <down>."}, "Slow &lt;down&gt;."),
    ],
)
def test_an_answer_says_how_it_ended(
    status: str, facts: dict[str, Any], said: str, sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, live=True)
    finish(runs_of(talk)["m-1"], status, **facts)
    settle(talk)
    html = sign_in(owner).get(url("show", talk)).content.decode()
    assert said in lane(html, 1)
    assert said not in lane(html, 2)


def test_a_live_answer_can_be_stopped_alone_and_a_done_one_be_acted_on(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, live=True)
    runs = runs_of(talk)
    finish(runs["m-2"])
    html = sign_in(owner).get(url("show", talk)).content.decode()
    assert reverse("chat:stop", args=[runs["m-1"].pk]) in lane(html, 1)
    assert "data-live" in lane(html, 1)
    assert f'data-run="{runs["m-1"].pk}"' in lane(html, 1)
    acts = ("again", "best", "chat")
    assert [url(name, talk) in lane(html, 1) for name in acts] == [False] * 3
    assert [url(name, talk) in lane(html, 2) for name in acts] == [True] * 3
    assert "data-live" not in lane(html, 2)


def test_only_the_last_answers_are_acted_on(sign_in: SignIn, owner: User, compared: Compared) -> None:
    html = sign_in(owner).get(url("show", compared(owner, rounds=3))).content.decode()
    assert len(lanes_on(html)) == 6
    for label in ("Ask m-1 again", "m-1 answered best", "Go on with m-1 in a chat"):
        assert html.count(f'aria-label="{label}"') == 1
    assert html.count('aria-label="Copy the answer of m-1"') == 3


def test_the_fragments_are_those_of_the_page(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk, client = compared(owner, rounds=2), sign_in(owner)
    page = client.get(url("show", talk)).content.decode()
    assert client.get(url("thread", talk)).content.decode().strip() in page
    assert client.get(url("figures", talk)).content.decode().strip() in page
    for number, turn in lanes_on(page):
        answer = client.get(reverse("compare:turn", args=[turn])).content.decode().strip()
        assert lanes_on(answer) == [(number, turn)]
        assert answer in page
        assert f'data-turn-url="{reverse("compare:turn", args=[turn])}"' in answer


def test_the_version_of_an_answer_tells_when_it_is_shown_otherwise(
    sign_in: SignIn, owner: User, mate: User, compared: Compared
) -> None:
    """The stream leaves an answer alone whose version the page has."""
    talk, client = compared(owner, live=True), sign_in(owner)
    Conversation.objects.update(shared=True)
    first = answer_of(talk, "m-1")

    def version(client: Client) -> str:
        html = client.get(url("turn", first)).content.decode()
        return str(re.findall(r'data-version="(\w*)"', html)[0])

    versions = [version(client)]
    Run.objects.filter(answer=first).update(status="running")
    versions.append(version(client))
    settle(talk)
    versions.append(version(client))
    versions.append(version(sign_in(mate)))
    client = sign_in(owner)
    client.post(url("best", talk), {"lane": 1})
    versions.append(version(client))
    follow_up(client, talk)
    versions.append(version(client))
    assert len(set(versions)) == len(versions)


def test_a_lane_goes_on_in_a_chat_of_its_own_without_the_others(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3", rounds=2, system="Be brief.")
    client = sign_in(owner)
    response = client.post(url("chat", talk), {"lane": 2})
    chat = Conversation.objects.get(forked_from=talk)
    assert response["Location"] == reverse("chat:show", args=[chat.pk])
    told = list(Turn.objects.filter(conversation=chat).order_by("created_at").values_list("role", "text"))
    said = ("assistant", "m-2 says so.")
    assert told == [("user", "Question 1?"), said, ("user", "Question 2?"), said]
    assert (chat.comparison, chat.owner, chat.settings["model"]) == (None, owner, "m-2")
    assert chat.settings["system"] == "Be brief."
    assert chat.settings["key"] == str(runs_of(talk)["m-2"].key_id)
    page = client.get(reverse("chat:show", args=[chat.pk])).content.decode()
    assert "m-2 says so." in page
    assert "m-1" not in page
    # The comparison is as it was.
    assert Conversation.objects.get(pk=talk.pk).comparison == talk.comparison
    assert Turn.objects.filter(conversation=talk).count() == 10


def test_the_chat_goes_on_with_the_settings_of_that_lane(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner)
    told = talk.comparison
    assert told is not None
    told["lanes"][0]["settings"] |= {"family": "gemini", "params": {"x": {"on": True, "value": 0}}}
    Conversation.objects.filter(pk=talk.pk).update(comparison=told)
    sign_in(owner).post(url("chat", talk), {"lane": 1})
    settings = Conversation.objects.get(forked_from=talk).settings
    assert (settings["family"], settings["model"]) == ("gemini", "m-1")
    assert settings["params"] == {"x": {"on": True, "value": 0}}


def test_a_mate_goes_on_from_a_shared_one_with_a_key_of_their_own(
    sign_in: SignIn, mate: User, owner: User, team_key: Any, compared: Compared
) -> None:
    talk, client = compared(owner), sign_in(mate)
    Conversation.objects.update(shared=True)
    assert 'aria-label="Go on with m-2 in a chat"' in client.get(url("show", talk)).content.decode()
    client.post(url("chat", talk), {"lane": 2})
    chat = Conversation.objects.get(forked_from=talk)
    assert (chat.owner, chat.shared) == (mate, False)
    assert (chat.settings["model"], chat.settings["key"]) == ("m-2", str(team_key.pk))


@pytest.mark.parametrize("number", ["", "0", "3", "x"])
def test_there_is_no_way_to_a_chat_from_a_lane_that_is_not_there(
    number: str, sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner)
    assert sign_in(owner).post(url("chat", talk), {"lane": number}).status_code == 404
    assert Conversation.objects.count() == 1


def test_renaming_and_deleting_lead_back_and_away(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk, client = compared(owner, live=True), sign_in(owner)
    html = client.get(url("show", talk)).content.decode()
    rename, delete = (reverse(f"chat:{name}", args=[talk.pk]) for name in ("rename", "delete"))
    assert f'href="{rename}"' in html
    assert f'href="{delete}"' in html
    client.post(rename, {"title": "Sky blue"})
    response = client.get(reverse("chat:show", args=[talk.pk]), follow=True)
    assert "Sky blue</h1>" in response.content.decode()
    client.post(delete)
    assert client.get(url("show", talk)).status_code == 404
    assert not Run.objects.exists()


def test_it_costs_as_many_queries_with_six_lanes_and_three_rounds_as_with_two_and_one(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    six = [f"m-{number}" for number in range(6)]
    talks = [
        compared(owner),
        compared(owner, *six),
        compared(owner, rounds=3),
        compared(owner, *six, rounds=3),
    ]
    client = sign_in(owner)

    def queries(name: str, talk: Conversation) -> int:
        with CaptureQueriesContext(connection) as told:
            assert client.get(url(name, talk)).status_code == 200
        return len(told)

    queries("show", talks[0])
    for name in ("show", "thread", "figures"):
        assert len({queries(name, talk) for talk in talks}) == 1
