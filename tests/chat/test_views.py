"""The chat page and the acts on its turns, tried by the whole cast."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import GatewayKey, User
from playground.chat import turns
from playground.chat.models import Conversation, Draft, Run, Turn
from tests._servers.goods import finish

HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]


def message(chosen: dict[str, Any], text: str = "Hello", **more: Any) -> dict[str, Any]:
    """What the page sends with a question."""
    data = {"turn_id": str(uuid.uuid4()), "text": text, "stream": "on"}
    return data | {name: chosen[name] for name in ("family", "model", "key", "system")} | more


def pages(answer: Turn) -> list[str]:
    talk = answer.conversation_id
    return [
        reverse("chat:show", args=[talk]),
        reverse("chat:thread", args=[talk]),
        reverse("chat:turn", args=[answer.pk]),
        reverse("chat:source", args=[answer.pk]),
        reverse("chat:details", args=[answer.pk]),
    ]


def acts(answer: Turn) -> list[str]:
    talk = [answer.conversation_id]
    names = ("regenerate", "go-on", "edit", "rerun", "branch")
    whole = ("ask", "rename", "pin", "draft", "settings", "delete")
    return [reverse(f"chat:{name}", args=[answer.pk]) for name in names] + [
        reverse("chat:stop", args=[Run.objects.get(answer=answer).pk]),
        *(reverse(f"chat:{name}", args=talk) for name in whole),
    ]


def test_the_owner_sees_every_page_of_a_chat(sign_in: SignIn, owner: User, answer: Turn) -> None:
    client = sign_in(owner)
    assert [client.get(url).status_code for url in pages(answer)] == [200] * 5


@pytest.mark.parametrize("who", ["mate", "viewer", "stranger"])
def test_a_chat_of_ones_own_is_there_for_nobody_else(
    request: pytest.FixtureRequest, sign_in: SignIn, answer: Turn, who: str
) -> None:
    client = sign_in(request.getfixturevalue(who))
    assert {client.get(url).status_code for url in pages(answer)} == {404}
    assert {client.post(url).status_code for url in acts(answer)} == {404}


@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_a_shared_chat_is_read_by_the_team_and_changed_by_its_owner_only(
    request: pytest.FixtureRequest, sign_in: SignIn, answer: Turn, who: str
) -> None:
    Conversation.objects.update(shared=True)
    client = sign_in(request.getfixturevalue(who))
    assert {client.get(url).status_code for url in pages(answer)} == {200}
    assert {client.post(url).status_code for url in acts(answer)} == {403}
    page = client.get(pages(answer)[0]).content.decode()
    assert "only Olivia writes here" in page
    assert 'id="composer"' not in page
    assert reverse("chat:regenerate", args=[answer.pk]) not in page


def test_a_shared_chat_stays_hidden_from_strangers(sign_in: SignIn, stranger: User, answer: Turn) -> None:
    Conversation.objects.update(shared=True)
    client = sign_in(stranger)
    assert {client.get(url).status_code for url in pages(answer)} == {404}


def test_nobody_gets_in_without_signing_in(client: Client, answer: Turn) -> None:
    assert {client.get(url).status_code for url in pages(answer)} == {302}


def test_a_new_chat_comes_with_a_usable_key_and_the_last_settings(
    sign_in: SignIn, owner: User, answer: Turn, key: GatewayKey
) -> None:
    page = sign_in(owner).get(reverse("chat:new")).content.decode()
    assert f'<option value="{key.pk}" selected>Main · …4f2a · gateway.example.com</option>' in page
    assert 'name="model" value="m-1"' in page
    assert "What would you like to ask?" in page


def test_the_activity_chip_is_asked_for_once_by_a_page_that_streams(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    page = sign_in(owner)
    asked = re.compile(r'id="activity"[^>]*hx-trigger="([^"]*)"')
    assert asked.findall(page.get(reverse("chat:new")).content.decode()) == ["activity"]
    assert asked.findall(page.get(reverse("appearance")).content.decode()) == ["load, activity"]


def test_a_viewer_of_a_team_cannot_begin_a_chat_in_it(
    sign_in: SignIn, viewer: User, chosen: dict[str, Any]
) -> None:
    client = sign_in(viewer)
    assert client.post(reverse("chat:ask", args=[uuid.uuid4()]), message(chosen)).status_code == 403
    assert 'id="composer"' not in client.get(reverse("chat:new")).content.decode()


def test_the_first_question_makes_the_chat_and_names_its_address(
    sign_in: SignIn, owner: User, chosen: dict[str, Any]
) -> None:
    Draft.objects.create(user=owner, text="Hello")
    pk = uuid.uuid4()
    data = message(chosen, "What is a relay?")
    response = sign_in(owner).post(reverse("chat:ask", args=[pk]), data, headers=HTMX)
    assert response.status_code == 200
    assert response.headers["HX-Push-Url"] == reverse("chat:show", args=[pk])
    talk = Conversation.objects.get(pk=pk)
    assert talk.title == "What is a relay?"
    html = response.content.decode()
    run = Run.objects.get(conversation=talk)
    assert f'data-run="{run.pk}" data-live' in html
    assert f'value="{data["turn_id"]}"' not in html, "the page gets a fresh turn id"
    assert not Draft.objects.exists()


def test_a_question_sent_twice_is_asked_once(sign_in: SignIn, owner: User, chosen: dict[str, Any]) -> None:
    client, pk, data = sign_in(owner), uuid.uuid4(), message(chosen)
    url = reverse("chat:ask", args=[pk])
    answers = [client.post(url, data, headers=HTMX) for _ in range(2)]
    assert [response.status_code for response in answers] == [200, 200]
    assert Run.objects.count() == 1
    assert Turn.objects.filter(role="user").count() == 1


def test_without_script_a_question_leads_to_its_chat(
    sign_in: SignIn, owner: User, chosen: dict[str, Any]
) -> None:
    client, pk = sign_in(owner), uuid.uuid4()
    response = client.post(reverse("chat:ask", args=[pk]), message(chosen))
    assert response.status_code == 302
    page = client.get(response.headers["Location"]).content.decode()
    assert "Waiting…" in page
    assert '<noscript><meta http-equiv="refresh"' in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"text": "   "}, "Write a message, or attach an image."),
        ({"model": ""}, "Choose a model first."),
        ({"key": ""}, "Choose a key first, or add one in Settings."),
        ({"on-temperature": "on", "p-temperature": "9"}, "Temperature must be between 0 and 2."),
        ({"image": "http://example.com/x.png", "alt": ""}, "https"),
    ],
)
def test_what_is_wrong_with_a_question_is_said_and_nothing_is_made(
    sign_in: SignIn, owner: User, chosen: dict[str, Any], wrong: dict[str, str], said: str
) -> None:
    client, url = sign_in(owner), reverse("chat:ask", args=[uuid.uuid4()])
    response = client.post(url, message(chosen) | wrong, headers=HTMX)
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#complaint"
    assert said in response.content.decode()
    assert not Conversation.objects.exists()


def test_a_failed_question_without_script_keeps_all_that_was_typed(
    sign_in: SignIn, owner: User, chosen: dict[str, Any]
) -> None:
    data = message(chosen, "Typed <with> care") | {
        "system": "Be brief",
        "on-temperature": "on",
        "p-temperature": "9",
    }
    response = sign_in(owner).post(reverse("chat:ask", args=[uuid.uuid4()]), data)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Typed &lt;with&gt; care</textarea>" in page
    assert "Be brief</textarea>" in page
    assert 'name="p-temperature" id="p-temperature" value="9"' in page
    assert page.count("Temperature must be between 0 and 2.") == 2


def test_a_key_of_somebody_else_is_not_used(
    sign_in: SignIn, mate: User, chosen: dict[str, Any], key: GatewayKey
) -> None:
    response = sign_in(mate).post(reverse("chat:ask", args=[uuid.uuid4()]), message(chosen), headers=HTMX)
    assert response.status_code == 422
    assert "not yours to use" in response.content.decode()


def test_only_what_is_switched_on_is_sent_and_zero_stays_zero(
    sign_in: SignIn, owner: User, chosen: dict[str, Any]
) -> None:
    data = message(chosen) | {"on-temperature": "on", "p-temperature": "0", "p-top_p": "0.5"}
    sign_in(owner).post(reverse("chat:ask", args=[uuid.uuid4()]), data, headers=HTMX)
    assert Run.objects.get().params["params"] == {"temperature": 0}


def test_foreign_text_is_shown_as_text(
    sign_in: SignIn, owner: User, answer: Turn, chosen: dict[str, Any]
) -> None:
    hostile = '"><script>alert(1)</script>'
    Conversation.objects.update(
        title=hostile,
        settings=chosen
        | {"model": hostile, "system": hostile, "params": {"stop": {"on": True, "value": [hostile]}}},
    )
    Run.objects.update(model=hostile, served_model=hostile, raw_reason=hostile, request_id=hostile)
    client = sign_in(owner)
    for url in [*pages(answer)[:3], pages(answer)[4], reverse("chat:new"), reverse("chat:list")]:
        assert "<script>alert" not in client.get(url).content.decode(), url


def test_the_source_of_an_answer_is_plain_text(sign_in: SignIn, owner: User, answer: Turn) -> None:
    response = sign_in(owner).get(reverse("chat:source", args=[answer.pk]))
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode() == "**Because.**"


def test_regenerate_gives_a_second_version_beside_the_first(
    sign_in: SignIn, owner: User, answer: Turn
) -> None:
    client = sign_in(owner)
    html = client.post(reverse("chat:regenerate", args=[answer.pk]), headers=HTMX).content.decode()
    assert "2/2" in html
    assert f'data-after="{answer.parent_id}"' in html
    client.post(reverse("chat:branch", args=[answer.pk]), headers=HTMX)
    assert "1/2" in client.get(pages(answer)[0]).content.decode()


def test_an_edited_question_is_asked_beside_the_first(sign_in: SignIn, owner: User, answer: Turn) -> None:
    client = sign_in(owner)
    form = client.get(reverse("chat:edit", args=[answer.parent_id]), headers=HTMX).content.decode()
    assert "Why?</textarea>" in form
    data = {"turn_id": str(uuid.uuid4()), "text": "Why not?"}
    html = client.post(reverse("chat:rerun", args=[answer.parent_id]), data, headers=HTMX).content.decode()
    assert "Why not?" in html
    assert "data-live" in html
    assert Turn.objects.filter(role="user", parent=None).count() == 2


def test_an_edited_answer_is_kept_without_asking(sign_in: SignIn, owner: User, answer: Turn) -> None:
    data = {"text": "Because **of that**."}
    html = sign_in(owner).post(reverse("chat:edit", args=[answer.pk]), data, headers=HTMX).content.decode()
    assert "<strong>of that</strong>" in html
    assert "Edited" in html
    assert Run.objects.count() == 1


def test_a_refused_edit_returns_the_form_as_it_was_typed(sign_in: SignIn, owner: User, answer: Turn) -> None:
    turns.regenerate(answer, owner, settings=answer.conversation.settings)
    url = reverse("chat:edit", args=[answer.parent_id])
    response = sign_in(owner).post(url, {"text": "Changed words"}, headers=HTMX)
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == f"#edit-{answer.parent_id}"
    assert "Changed words</textarea>" in response.content.decode()
    assert "still being written" in response.content.decode()


def test_stop_is_noted_for_the_process_that_writes(
    sign_in: SignIn, owner: User, answer: Turn, chosen: dict[str, Any]
) -> None:
    run = turns.regenerate(answer, owner, settings=chosen)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, owner="another process")
    response = sign_in(owner).post(reverse("chat:stop", args=[run.pk]), headers=HTMX)
    assert response.status_code == 204
    run.refresh_from_db()
    assert run.stop_requested_at is not None and run.status == Run.Status.RUNNING


def lengthen(answer: Turn, chosen: dict[str, Any], count: int) -> None:
    for at in range(count):
        talk = Conversation.objects.get(pk=answer.conversation_id)
        finish(
            turns.ask(
                talk, talk.owner, turn_id=uuid.uuid4(), text=f"Question {at}", images=[], settings=chosen
            )
        )


def test_a_long_chat_opens_at_its_end_and_shows_earlier_turns_on_request(
    sign_in: SignIn, owner: User, answer: Turn, chosen: dict[str, Any]
) -> None:
    lengthen(answer, chosen, 24)
    client = sign_in(owner)
    page = client.get(pages(answer)[0]).content.decode()
    assert page.count("<article") == 40
    assert "Show earlier" in page
    first = page.split('data-turn="')[1].split('"')[0]
    earlier = client.get(pages(answer)[1], {"before": first}, headers=HTMX).content.decode()
    assert earlier.count("<article") == 10
    assert "Show earlier" not in earlier


def test_the_page_takes_the_same_queries_however_long_the_chat(
    sign_in: SignIn, owner: User, answer: Turn, chosen: dict[str, Any], django_assert_num_queries: Any
) -> None:
    client, url = sign_in(owner), pages(answer)[0]
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    lengthen(answer, chosen, 8)
    with django_assert_num_queries(len(few)):
        client.get(url)
