"""A comparison that hides its models until the best is chosen."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from accounts.models import GatewayKey, Team, User
from playground.chat import sharing
from playground.chat.models import Conversation
from playground.compare import lanes
from playground.usage import budgets
from tests.compare.asking import HTMX, NEW, SignIn, answer_of, begin, form, refused, settle, url

MODELS = ("alpha-1", "beta-2", "gamma-3")


@pytest.fixture
def hidden(sign_in: SignIn, owner: User, team_key: GatewayKey) -> tuple[Client, Conversation]:
    client = sign_in(owner)
    talk = begin(client, form(team_key, *MODELS, blind="1"))
    for run in talk.runs.all():
        assert run.model in MODELS
    return client, talk


def named(html: str) -> set[str]:
    return {model for model in MODELS if model in html}


def answered(talk: Conversation, **how: str) -> Conversation:
    """Answers that do not name who gave them."""
    settle(talk, **how)
    for run in talk.runs.select_related("answer"):
        assert run.answer is not None
        run.answer.text, run.answer.parts = "Blue.", [{"kind": "text", "text": "Blue."}]
        run.answer.save()
    return Conversation.objects.get(pk=talk.pk)


def pages(client: Client, talk: Conversation) -> list[str]:
    """Every page that shows its lanes."""
    one = url("turn", answer_of(talk, MODELS[0]))
    places = [url("show", talk), url("thread", talk), url("figures", talk), url("diff", talk), one]
    return [client.get(place, headers=HTMX).content.decode() for place in places]


def test_no_page_names_a_model_while_they_write_nor_when_they_are_done(
    hidden: tuple[Client, Conversation],
) -> None:
    client, talk = hidden
    for page in pages(client, talk):
        assert not named(page)
    talk = answered(talk, raw_reason="end_of_words")
    shown = pages(client, talk)
    for page in shown:
        assert not named(page)
        assert "Model 1" in page or "Model 2" in page or "Model 3" in page
    assert "OpenAI chat" not in shown[0]
    assert "end_of_words" not in shown[0]


def test_a_failure_is_told_without_the_words_that_would_name_the_model(
    hidden: tuple[Client, Conversation],
) -> None:
    client, talk = hidden
    said = {"error_kind": "upstream_unavailable", "error_message": f"{MODELS[0]} is away"}
    answered(talk, status="failed", **said)
    page = client.get(url("show", talk)).content.decode()
    assert "The provider is unavailable" in page
    assert not named(page)


def test_the_order_is_one_of_chance_and_of_an_open_one_as_typed() -> None:
    typed = [{"model": f"m-{number}"} for number in range(6)]

    def order(*, blind: bool) -> tuple[str, ...]:
        return tuple(row["settings"]["model"] for row in lanes.begun_with(typed, blind=blind)["lanes"])

    in_turn = tuple(row["model"] for row in typed)
    # Of 720 orders the same one twenty times is no chance.
    orders = {order(blind=True) for _ in range(20)}
    assert len(orders) > 1
    assert {tuple(sorted(each)) for each in orders} == {in_turn}
    assert {order(blind=False) for _ in range(20)} == {in_turn}


def test_choosing_the_best_shows_who_is_who(hidden: tuple[Client, Conversation]) -> None:
    client, talk = hidden
    talk = answered(talk)
    response = client.post(url("best", talk), {"lane": "2"}, headers=HTMX)
    assert (response.status_code, response.headers["HX-Refresh"]) == (204, "true")
    page = client.get(url("show", talk)).content.decode()
    assert named(page) == set(MODELS)
    talk.refresh_from_db()
    assert lanes.best_of(talk) == 2
    # Chosen with open eyes from now on: the page is not made anew.
    assert client.post(url("best", talk), {"lane": "1"}, headers=HTMX).status_code == 200


def test_the_models_can_be_shown_without_a_choice(hidden: tuple[Client, Conversation]) -> None:
    client, talk = hidden
    talk = answered(talk)
    assert url("reveal", talk) in client.get(url("show", talk)).content.decode()
    assert client.post(url("reveal", talk)).headers["Location"] == url("show", talk)
    page = client.get(url("show", talk)).content.decode()
    assert named(page) == set(MODELS)
    assert url("reveal", talk) not in page
    talk.refresh_from_db()
    assert lanes.best_of(talk) is None


def test_the_next_question_and_asking_again_keep_them_hidden(hidden: tuple[Client, Conversation]) -> None:
    client, talk = hidden
    talk = answered(talk)
    client.post(url("ask", talk), {"turn_id": str(uuid.uuid4()), "text": "And at night?"}, headers=HTMX)
    talk = answered(talk)
    client.post(url("again", talk), {"lane": "1"}, headers=HTMX)
    assert not named(client.get(url("show", talk)).content.decode())


def test_a_refusal_names_the_column_alone(hidden: tuple[Client, Conversation], team_key: GatewayKey) -> None:
    client, talk = hidden
    talk = answered(talk)
    GatewayKey.objects.filter(pk=team_key.pk).delete()
    data = {"turn_id": str(uuid.uuid4()), "text": "And at night?"}
    page = client.post(url("ask", talk), data, headers=HTMX)
    assert page.status_code == 422
    assert "Model 1: " in page.content.decode()
    assert not named(page.content.decode())


def test_a_refusal_before_it_began_names_the_model_that_the_form_knows(
    sign_in: SignIn, owner: User, team: Team, team_key: GatewayKey
) -> None:
    budgets.put(team, owner, key=None, person=owner, period="day", measure="tokens", limit=9, warn_percent=80)
    page = refused(sign_in(owner), form(team_key, *MODELS, blind="1"))
    assert re.search(rf"<p>({'|'.join(MODELS)}): The budget is used up", page)
    assert "Model 1: " not in page


def test_mates_see_no_more_and_may_not_lift_it(
    hidden: tuple[Client, Conversation], sign_in: SignIn, owner: User, mate: User
) -> None:
    _, talk = hidden
    talk = answered(talk)
    sharing.set_shared(talk, owner, shared=True)
    client = sign_in(mate)
    page = client.get(url("show", talk)).content.decode()
    assert not named(page)
    assert url("reveal", talk) not in page
    assert client.post(url("reveal", talk)).status_code == 403


def test_the_list_names_its_models_in_an_order_that_says_nothing(
    hidden: tuple[Client, Conversation],
) -> None:
    client, _ = hidden
    assert " · ".join(MODELS) in client.get(NEW).content.decode()


def test_an_open_comparison_names_them_and_offers_no_such_button(
    sign_in: SignIn, owner: User, team_key: GatewayKey
) -> None:
    client = sign_in(owner)
    talk = begin(client, form(team_key, *MODELS))
    assert [lane.model for lane in lanes.of(talk)] == list(MODELS)
    page = client.get(url("show", talk)).content.decode()
    assert named(page) == set(MODELS)
    assert url("reveal", talk) not in page
