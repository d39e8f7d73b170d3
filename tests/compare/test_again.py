"""Asking a lane again, choosing the best answer, and stopping them all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from playground.chat.models import Conversation, Run
from tests._servers.goods import finish
from tests.compare.asking import (
    HTMX,
    Compared,
    SignIn,
    answer_of,
    everything,
    follow_up,
    lanes_on,
    runs_of,
    settle,
    url,
)

pytestmark = pytest.mark.usefixtures("database")


def again(client: Client, talk: Conversation, lane: int | str = "", **more: Any) -> Any:
    return client.post(url("again", talk), {"lane": lane}, **more)


def ended(talk: Conversation, **statuses: str) -> None:
    """Let the runs end so, by their models; the others go on."""
    for model, status in statuses.items():
        finish(runs_of(talk)[model], status, text="")


def live(talk: Conversation) -> list[str]:
    return [run.model for run in runs_of(talk).values() if run.live]


def test_one_lane_is_asked_its_last_question_again_and_the_others_stay(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, "m-1", "m-2", "m-3", rounds=2), sign_in(owner)
    before, first = runs_of(talk), answer_of(talk, "m-2")
    shown = lanes_on(client.get(url("show", talk)).content.decode())
    response = again(client, talk, 2)
    assert (response.status_code, response["Location"]) == (302, url("show", talk))
    after = runs_of(talk)
    assert {model for model in after if after[model] != before[model]} == {"m-2"}
    assert (after["m-2"].status, after["m-2"].asked_id) == ("queued", before["m-2"].asked_id)
    old, new = str(first), str(answer_of(talk, "m-2"))
    assert lanes_on(client.get(url("show", talk)).content.decode()) == [
        (lane, new if turn == old else turn) for lane, turn in shown
    ]
    # What it answered at first is kept, off the page.
    assert Run.objects.filter(pk=before["m-2"].pk, status="finished").exists()
    assert client.get(url("turn", first)).status_code == 404
    settle(talk)
    follow_up(client, talk)
    assert runs_of(talk)["m-2"].asked.parent_id == after["m-2"].answer_id


def test_without_a_number_those_are_asked_whose_answer_did_not_come(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "failed", "interrupted", "stopped", "finished", "queued", live=True)
    ended(talk, failed="failed", interrupted="interrupted", stopped="stopped", finished="finished")
    before = runs_of(talk)
    response = again(sign_in(owner), talk, headers=HTMX)
    assert response.status_code == 200
    after = runs_of(talk)
    assert {model for model in after if after[model] != before[model]} == {"failed", "interrupted", "stopped"}
    assert set(live(talk)) == {"failed", "interrupted", "stopped", "queued"}
    shown = dict(lanes_on(response.content.decode()))
    assert shown == {lane: str(run.answer_id) for lane, run in enumerate(map(after.get, before), 1) if run}


def test_where_all_have_answered_or_are_answering_nothing_is_asked_again(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    client = sign_in(owner)
    for talk in (compared(owner), compared(owner, live=True)):
        made = everything()
        response = again(client, talk, headers=HTMX)
        assert (response.status_code, response.headers["HX-Retarget"]) == (422, "#complaint")
        assert "There is no answer to ask for again." in response.content.decode()
        assert everything() == made


@pytest.mark.parametrize("lane", [0, 3, 99])
def test_a_lane_that_is_not_there_is_not_asked(
    lane: int, sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, live=True)
    settle(talk, status="failed")
    made = everything()
    assert again(sign_in(owner), talk, lane).status_code == 422
    assert everything() == made


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_lane_whose_answer_is_being_written_is_not_asked_again(
    status: str, sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, live=True), sign_in(owner)
    Run.objects.filter(model="m-1").update(status=status)
    ended(talk, **{"m-2": "failed"})
    made = everything()
    response = again(client, talk, 1)
    assert response.status_code == 422
    assert "This answer is still being written." in response.content.decode()
    assert everything() == made
    # Another one is no hindrance.
    assert again(client, talk, 2).status_code == 302
    assert set(live(talk)) == {"m-1", "m-2"}


@pytest.mark.parametrize(
    ("statuses", "words"), [(["stopped"], "Ask it again"), (["failed", "interrupted"], "Ask those again")]
)
def test_the_page_says_how_many_did_not_come_and_offers_to_ask_them(
    statuses: list[str], words: str, sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, "m-1", "m-2", "m-3", live=True), sign_in(owner)
    ended(talk, **{f"m-{number}": status for number, status in enumerate(statuses, 1)})
    assert "did not come to an end" not in client.get(url("figures", talk)).content.decode()
    settle(talk)
    for name in ("show", "figures"):
        html = client.get(url(name, talk)).content.decode()
        assert f"{len(statuses)} of 3 did not come to an end." in html
        assert words in re.sub(r"<[^>]+>", "", html)
    again(client, talk)
    settle(talk)
    assert "did not come to an end" not in client.get(url("figures", talk)).content.decode()


def best_on(html: str) -> list[str]:
    """The models whose star is set."""
    return re.findall(r'aria-pressed="true" aria-label="(\S+) answered best"', html)


def test_the_best_answer_is_chosen_marked_and_taken_back(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, "m-1", "m-2", rounds=2), sign_in(owner)

    def choose(lane: int | str) -> list[str]:
        html = client.post(url("best", talk), {"lane": lane}, headers=HTMX).content.decode()
        page = client.get(url("show", talk)).content.decode()
        assert best_on(html) == best_on(page)
        assert page.count("</use></svg> Best</span>") == len(best_on(page))
        return best_on(page)

    assert choose("") == []
    assert choose(2) == ["m-2"]
    assert choose(1) == ["m-1"]
    assert choose("") == []
    assert client.post(url("best", talk), {"lane": 2})["Location"] == url("show", talk)
    assert best_on(client.get(url("show", talk)).content.decode()) == ["m-2"]


def test_only_an_answer_that_is_there_can_be_the_best(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner), sign_in(owner)
    client.post(url("best", talk), {"lane": 1})
    response = client.post(url("best", talk), {"lane": 3}, headers=HTMX)
    assert (response.status_code, response.headers["HX-Retarget"]) == (422, "#complaint")
    assert "There is no such answer." in response.content.decode()
    assert best_on(client.get(url("show", talk)).content.decode()) == ["m-1"]


def test_after_the_next_question_none_is_the_best(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk, client = compared(owner), sign_in(owner)
    client.post(url("best", talk), {"lane": 1})
    follow_up(client, talk)
    settle(talk)
    assert best_on(client.get(url("show", talk)).content.decode()) == []


@pytest.mark.parametrize(("lane", "left"), [(1, []), (2, ["m-1"]), ("", [])])
def test_an_answer_that_is_asked_for_again_is_no_longer_the_best(
    lane: int | str, left: list[str], sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, live=True), sign_in(owner)
    ended(talk, **{"m-1": "stopped", "m-2": "finished"})
    client.post(url("best", talk), {"lane": 1})
    assert again(client, talk, lane).status_code == 302
    settle(talk)
    assert best_on(client.get(url("show", talk)).content.decode()) == left


def test_stop_ends_what_waits_at_once_and_asks_the_rest_to_end(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, "waits", "runs", "done", live=True), sign_in(owner)
    other = compared(owner, "elsewhere", "too", live=True)
    Run.objects.filter(model="runs").update(status="running")
    ended(talk, done="finished")
    assert client.post(url("stop", talk), headers=HTMX).status_code == 204
    runs = runs_of(talk)
    assert {model: run.status for model, run in runs.items()} == {
        "waits": "stopped",
        "runs": "running",
        "done": "finished",
    }
    assert {model for model, run in runs.items() if run.stop_requested_at} == {"waits", "runs"}
    assert {run.status for run in runs_of(other).values()} == {"queued"}
    assert client.post(url("stop", talk))["Location"] == url("show", talk)
    html = client.get(url("show", talk)).content.decode()
    assert html.count("This was stopped.") == 1


def test_stop_and_send_take_turns_on_the_page(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk, client = compared(owner, live=True), sign_in(owner)

    def hidden() -> list[str]:
        html = client.get(url("show", talk)).content.decode()
        return [name for name in ("send", "stop") if re.search(rf'id="{name}"[^>]* hidden>', html)]

    assert hidden() == ["send"]
    client.post(url("stop", talk))
    assert hidden() == ["stop"]
