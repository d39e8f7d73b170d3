"""The next question: once on the page, and in every lane behind that lane's own answer."""

from __future__ import annotations

import uuid

import pytest
from django.conf import LazySettings

from accounts.models import Team, User
from playground.chat.models import Conversation, Run, Turn
from playground.usage import budgets
from playground.usage.models import Reservation
from tests.compare.asking import (
    HTMX,
    Compared,
    SignIn,
    everything,
    follow_up,
    lanes_on,
    questions_on,
    runs_of,
    settle,
    url,
)

pytestmark = pytest.mark.usefixtures("database")
BUSY = "Answers are still being written here."


def test_it_hangs_in_each_lane_under_that_lanes_own_answer(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", "m-3")
    first = {model: run.answer_id for model, run in runs_of(talk).items()}
    turn_id = uuid.uuid4()
    response = follow_up(sign_in(owner), talk, "And at\r\nnight?", turn_id=str(turn_id))
    assert (response.status_code, response["Location"]) == (302, url("show", talk))
    second = runs_of(talk)
    assert {model: run.asked.parent_id for model, run in second.items()} == first
    assert {run.asked.text for run in second.values()} == {"And at\nnight?"}
    assert len({run.asked_id for run in second.values()}) == 3
    assert second["m-1"].asked_id == turn_id
    assert {run.status for run in second.values()} == {"queued"}
    assert {run.answer.parent_id == run.asked_id for run in second.values() if run.answer} == {True}


def test_it_is_shown_once_above_the_answers_of_all(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk = compared(owner, "m-1", "m-2")
    first = [str(run.answer_id) for run in runs_of(talk).values()]
    client = sign_in(owner)
    html = follow_up(client, talk, "And at night?", headers=HTMX).content.decode()
    second = [str(run.answer_id) for run in runs_of(talk).values()]
    for shown in (html, client.get(url("show", talk)).content.decode()):
        assert lanes_on(shown) == [*enumerate(first, 1), *enumerate(second, 1)]
        assert len(questions_on(shown)) == 2
        assert shown.count("And at night?") == 1
        places = [shown.find(f'id="turn-{turn}"') for turn in (*first, questions_on(shown)[1], *second)]
        assert places == sorted(places)


def test_a_third_question_finds_every_lane_where_it_ended(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", rounds=2)
    second = {model: run.answer_id for model, run in runs_of(talk).items()}
    follow_up(sign_in(owner), talk)
    assert {model: run.asked.parent_id for model, run in runs_of(talk).items()} == second


def test_every_lane_is_asked_with_its_own_settings_again(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m-2", family="anthropic", system="Be brief.")
    told = talk.comparison
    assert told is not None
    told["lanes"][1]["settings"]["params"] = {"temperature": {"on": True, "value": 0}}
    Conversation.objects.filter(pk=talk.pk).update(comparison=told)
    follow_up(sign_in(owner), talk)
    runs = runs_of(talk)
    assert {run.family for run in runs.values()} == {"anthropic"}
    assert {run.params["system"] for run in runs.values()} == {"Be brief."}
    assert [run.params["params"] for run in runs.values()] == [{}, {"temperature": 0}]


def test_sent_twice_it_is_asked_once(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk, client, turn_id = compared(owner), sign_in(owner), str(uuid.uuid4())
    follow_up(client, talk, turn_id=turn_id)
    made = everything()
    for headers, status in ((None, 302), (HTMX, 200)):
        assert follow_up(client, talk, turn_id=turn_id, headers=headers).status_code == status
    settle(talk)
    assert follow_up(client, talk, turn_id=turn_id).status_code == 302
    assert everything() == made
    assert not Run.objects.filter(status__in=Run.LIVE).exists()


def test_a_question_of_another_conversation_is_not_taken(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    other, talk = compared(owner), compared(owner)
    asked = Turn.objects.get(conversation=other, role="user")
    made = everything()
    response = follow_up(sign_in(owner), talk, turn_id=str(asked.pk), headers=HTMX)
    assert response.status_code == 422
    assert "This question was already sent elsewhere." in response.content.decode()
    assert everything() == made


def test_while_one_answer_is_being_written_it_waits_and_stays_typed(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk, client = compared(owner, "m-1", "m-2", live=True), sign_in(owner)
    Run.objects.filter(model="m-1").update(status="running")
    settled = runs_of(talk)["m-2"]
    Run.objects.filter(pk=settled.pk).update(status="finished", ended_at=settled.created_at)
    made = everything()
    response = follow_up(client, talk, headers=HTMX)
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#complaint"
    assert BUSY in response.content.decode()
    assert "<article" not in response.content.decode()
    response = follow_up(client, talk, "And <at> night?")
    html = response.content.decode()
    assert response.status_code == 422
    assert BUSY in html.split('id="complaint"')[1].split("</p>")[0]
    assert typed_in(html) == "And &lt;at&gt; night?"
    assert len(lanes_on(html)) == 2
    assert everything() == made


@pytest.mark.parametrize("text", ["", " \n "])
def test_it_needs_words(text: str, sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk = compared(owner)
    made = everything()
    response = follow_up(sign_in(owner), talk, text, headers=HTMX)
    assert response.status_code == 422
    assert "Write what the models shall answer." in response.content.decode()
    assert everything() == made


def test_it_may_be_too_long(sign_in: SignIn, owner: User, compared: Compared, settings: LazySettings) -> None:
    talk, settings.MAX_PROMPT_CHARS = compared(owner), 100
    made = everything()
    response = follow_up(sign_in(owner), talk, "x" * 101, headers=HTMX)
    assert response.status_code == 422
    assert "This message has 101 characters; at most 100 can be sent." in response.content.decode()
    assert everything() == made


def test_where_the_places_do_not_suffice_no_lane_is_asked(
    sign_in: SignIn, owner: User, compared: Compared, settings: LazySettings
) -> None:
    talk, settings.MAX_RUNS_PER_USER = compared(owner, "m-1", "m-2", "m-3"), 2
    made = everything()
    response = follow_up(sign_in(owner), talk, headers=HTMX)
    assert response.status_code == 422
    assert "Model 3, m-3: " in response.content.decode()
    assert everything() == made
    assert len(lanes_on(sign_in(owner).get(url("show", talk)).content.decode())) == 3


def test_where_a_budget_lasts_for_one_lane_none_is_asked(
    sign_in: SignIn, owner: User, team: Team, compared: Compared
) -> None:
    talk = compared(owner)
    budgets.put(
        team, owner, key=None, person=owner, period="day", measure="tokens", limit=6000, warn_percent=80
    )
    made = everything()
    response = follow_up(sign_in(owner), talk, headers=HTMX)
    assert response.status_code == 422
    assert "Model 2, m-2: The budget is used up" in response.content.decode()
    assert everything() == made
    assert not Reservation.objects.exists()


def typed_in(html: str) -> str:
    return html.split('id="message"')[1].split(">", 1)[1].split("</textarea>")[0]


def test_what_is_typed_waits_in_the_composer_until_it_is_asked(
    sign_in: SignIn, owner: User, mate: User, compared: Compared
) -> None:
    talk, client = compared(owner), sign_in(owner)
    html = client.get(url("show", talk)).content.decode()
    place = html.split('data-draft-url="')[1].split('"')[0]
    assert client.post(place, {"text": "And <at>"}).status_code < 300
    assert typed_in(client.get(url("show", talk)).content.decode()) == "And &lt;at&gt;"
    # An act that is refused is not about it.
    html = client.post(url("best", talk), {"lane": "9"}).content.decode()
    assert typed_in(html) == "And &lt;at&gt;"
    Conversation.objects.update(shared=True)
    assert "And &lt;at&gt;" not in sign_in(mate).get(url("show", talk)).content.decode()
    client = sign_in(owner)
    follow_up(client, talk)
    assert typed_in(client.get(url("show", talk)).content.decode()) == ""


def test_the_composer_gets_a_new_turn_and_no_complaint(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    turn_id = str(uuid.uuid4())
    html = follow_up(sign_in(owner), compared(owner), turn_id=turn_id, headers=HTMX).content.decode()
    field = html.split('id="turn-id"')[1].split(">")[0]
    assert "hx-swap-oob" in field
    assert turn_id not in field
    complaint = html.split('id="complaint"')[1].split("</p>")[0]
    assert "hidden" in complaint
