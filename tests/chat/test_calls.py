"""Calls as cards, the form for their results, and the verdict on an answer: what they show and do."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from playground.chat import turns
from playground.chat.models import Conversation, Run, Turn
from tests._servers.goods import finish

SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


def post(client: Client, name: str, pk: uuid.UUID, data: dict[str, Any]) -> Any:
    return client.post(reverse(f"chat:{name}", args=[pk]), data, headers=HTMX)


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


@pytest.fixture
def calls(answer: Turn) -> Turn:
    """The answer, calling two tools."""
    answer.parts = [
        {"kind": "tool_call", "text": '{"city": "<Paris>"}', "name": "weather", "call_id": "call-1"},
        {"kind": "tool_call", "text": "{oops", "name": "clock", "call_id": "call-2"},
    ]
    answer.save()
    Run.objects.update(reason="tool_calls")
    return answer


def shown(client: Client, turn: Turn) -> str:
    return client.get(reverse("chat:turn", args=[turn.pk])).content.decode()


def test_calls_are_cards_and_a_form_waits_for_their_results(page: Client, calls: Turn) -> None:
    html = shown(page, calls)
    assert '<code class="part-call">call-1</code>' in html
    assert html.count("Not valid JSON") == 1
    assert "the results of its 2 calls" in html
    assert 'name="result-1"' in html


def test_arguments_and_results_are_text_whatever_they_say(page: Client, calls: Turn) -> None:
    evil = "<img src=x onerror=alert(1)>"
    calls.parts[0] |= {"text": evil, "name": evil, "call_id": evil}
    calls.save()
    data = {"result-0": evil, "result-1": evil, "turn_id": str(uuid.uuid4())}
    html = shown(page, calls) + post(page, "give", calls.pk, data).content.decode()
    assert "<img src=x" not in html


def test_results_are_given_and_shown_with_what_failed(page: Client, calls: Turn) -> None:
    data = {"result-0": "12\r\n\x00", "result-1": "", "failed-1": "on", "turn_id": str(uuid.uuid4())}
    response = post(page, "give", calls.pk, data)
    given = Turn.objects.get(role="tool")
    assert given.parts[0]["text"] == "12\n\u2400"
    html = response.content.decode()
    assert [role in html for role in ('data-role="tool"', "Error of", "data-live")] == [True] * 3
    # The answer that waited comes along, without its form.
    assert f'id="turn-{calls.pk}"' in html
    assert f'id="give-{calls.pk}"' not in html


def test_given_results_can_be_given_otherwise(page: Client, calls: Turn) -> None:
    post(page, "give", calls.pk, {"result-0": "first", "result-1": "second", "failed-1": "on"})
    finish(Run.objects.get(status="queued"))
    given = Turn.objects.get(role="tool")
    url = f"{reverse('chat:give', args=[calls.pk])}?from={given.pk}"
    html = page.get(url, headers=HTMX).content.decode()
    assert "first</textarea>" in html
    assert 'name="failed-1" checked' in html
    page.post(url, {"result-0": "other", "result-1": "second"}, headers=HTMX)
    assert 'aria-label="Version 2 of 2"' in shown(page, Turn.objects.filter(role="tool").latest("created_at"))


def test_given_results_are_not_edited_as_if_they_were_words(page: Client, calls: Turn) -> None:
    post(page, "give", calls.pk, {"result-0": "first", "result-1": "second"})
    finish(Run.objects.get(status="queued"))
    given = Turn.objects.get(role="tool")
    response = post(page, "edit", given.pk, {"text": "Other words"})
    assert response.status_code == 422
    assert "not edited" in response.content.decode()
    assert Turn.objects.get(role="tool").parts == given.parts


def test_a_refusal_keeps_the_results_that_were_typed(page: Client, calls: Turn) -> None:
    data = {"model": "m-1", "result-0": "typed", "schema-on": "on", "schema": "{"}
    response = post(page, "give", calls.pk, data)
    html = response.content.decode()
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == f"#give-{calls.pk}"
    assert "typed</textarea>" in html
    assert 'id="error-schema" hx-swap-oob="true">' in html
    plain = page.post(reverse("chat:give", args=[calls.pk]), data)
    assert plain.status_code == 422
    assert "typed</textarea>" in plain.content.decode()


def test_without_script_results_are_given_and_the_page_comes_back(page: Client, calls: Turn) -> None:
    response = page.post(reverse("chat:give", args=[calls.pk]), {"result-0": "a", "result-1": "b"})
    assert response.status_code == 302
    html = page.get(response.headers["Location"]).content.decode()
    assert "Results of the calls" in html


def test_whoever_only_reads_along_sees_that_results_are_wanted(
    sign_in: SignIn, mate: User, calls: Turn
) -> None:
    Conversation.objects.update(shared=True)
    client = sign_in(mate)
    html = shown(client, calls)
    assert "The model waits for the results of its calls." in html
    assert "<textarea" not in html
    assert post(client, "give", calls.pk, {"result-0": "x"}).status_code == 403


def test_a_verdict_shows_under_the_answer_with_a_repair(page: Client, answer: Turn) -> None:
    error = {"pointer": "/a/0", "message": "<b> is not a number"}
    Run.objects.update(verdict={"fits": False, "errors": [error], "unchecked": ["^(a+)+$"]})
    html = shown(page, answer)
    assert '<code class="pointer">/a/0</code>' in html
    assert "&lt;b&gt; is not a number" in html
    assert "^(a+)+$" in html
    response = post(page, "repair", answer.pk, {"turn_id": str(uuid.uuid4())})
    assert "/a/0: &lt;b&gt; is not a number" in response.content.decode()
    assert Run.objects.filter(status="queued").exists()


def test_what_fits_says_so_and_offers_no_repair(page: Client, answer: Turn) -> None:
    Run.objects.update(verdict={"fits": True, "errors": [], "unchecked": []})
    html = shown(page, answer)
    assert "Fits the schema" in html
    assert "Repair" not in html
    response = post(page, "repair", answer.pk, {})
    assert response.status_code == 422
    assert "nothing to repair" in response.content.decode()
    assert page.post(reverse("chat:repair", args=[answer.pk])).status_code == 422


def test_half_of_a_json_answer_is_not_shown_while_it_is_written(
    page: Client, owner: User, team: Team, chosen: dict[str, Any]
) -> None:
    talk = turns.start(owner, team, id=uuid.uuid4(), settings=chosen)
    run = turns.ask(talk, owner, turn_id=uuid.uuid4(), text="Why?", images=[], settings=chosen)
    answer = run.answer
    assert answer is not None
    Turn.objects.filter(pk=answer.pk).update(parts=[{"kind": "text", "format": "json", "text": '{"half": '}])
    html = shown(page, answer)
    assert "Writing JSON…" in html
    assert "half" not in html
