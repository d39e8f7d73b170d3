"""The page of one model: what was measured, what it did in a week, labels, dependents, trying it, code."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, GatewayKey, Team, User
from playground.catalogue import figures, measuring
from playground.catalogue.models import ModelLabel
from playground.chat.models import Conversation, Draft
from playground.gateway.wire import FAMILIES
from playground.library import prompts
from playground.library.models import Prompt
from playground.ops.models import UsageRecord
from playground.usage import prices
from playground.usage.prices import Figures
from playground.verify.models import Setup
from tests.catalogue.conftest import MakeRun, entry

SignIn = Callable[[User], Client]
PLACE = reverse("catalogue:model")


def page(client: Client, model: str = "m-1", **more: str) -> Any:
    response = client.get(PLACE, {"id": model, **more})
    assert response.status_code == 200
    return response


def test_it_says_which_keys_show_it_in_which_lists(
    sign_in: SignIn, owner: User, own: GatewayKey, shared: GatewayKey
) -> None:
    now = timezone.now()
    entry(own, "m-1", name="Model One")
    entry(own, "m-1", family="anthropic", gone_at=now)
    GatewayKey.objects.filter(pk=shared.pk).update(allowed_models=["other-*"])
    entry(shared, "m-1")
    shown = page(sign_in(owner)).context["shown"]
    assert [(row.key.label, row.list_words, row.entry.gone_at) for row in shown] == [
        ("Own", "OpenAI list", None),
        ("Common", "OpenAI list", None),
        ("Own", "Anthropic list", now),
    ]
    assert [family.key for family in shown[0].families] == ["openai_chat", "openai_responses", "gemini"]
    assert "is not for the model m-1" in shown[1].refusal


def test_an_unknown_id_is_no_page(sign_in: SignIn, owner: User, own: GatewayKey) -> None:
    client = sign_in(owner)
    for wrong in ("m-1", "", "x" * 300, "a\x00b"):
        assert client.get(PLACE, {"id": wrong}).status_code == 404


def test_an_id_that_no_list_shows_has_a_page_once_it_was_used(
    sign_in: SignIn, owner: User, mate: User, make_run: MakeRun, own: GatewayKey
) -> None:
    make_run(mate, "typed-model")
    measuring.look(timezone.now())
    assert b"In no list" in page(sign_in(owner), "typed-model").content
    assert page(sign_in(mate), "typed-model").context["shown"] == []


def test_a_measured_line_leads_to_the_chat_only_for_who_may_read_it(
    sign_in: SignIn, owner: User, mate: User, make_run: MakeRun, shared: GatewayKey
) -> None:
    entry(shared, "m-1")
    run = make_run(mate, "m-1", params={"stream": True})
    measuring.look(timezone.now())
    lines = {line.capability.key: line for line in page(sign_in(mate)).context["lines"]}
    assert lines["stream"].standing == "works"
    assert str(run.conversation_id) in lines["stream"].works.url
    assert lines["tools"].standing == "unknown"
    # An admin counts it, and reads none of it.
    response = page(sign_in(owner))
    lines = {line.capability.key: line for line in response.context["lines"]}
    assert (lines["stream"].standing, lines["stream"].works.url) == ("works", "")
    assert b"Secret plans" not in response.content
    Conversation.objects.filter(pk=run.conversation_id).delete()
    lines = {line.capability.key: line for line in page(sign_in(mate)).context["lines"]}
    assert lines["stream"].works.url == ""


@pytest.mark.usefixtures("database")
def test_the_week_is_told_from_what_ended(
    sign_in: SignIn, owner: User, make_run: MakeRun, own: GatewayKey
) -> None:
    entry(own, "m-1")
    for first, took, tokens in ((100, 1100, 50), (300, 2300, 50), (200, 1200, 100)):
        make_run(owner, "m-1", first_token_ms=first, latency_ms=took, output_tokens=tokens)
    make_run(owner, "m-1", status="failed", error_kind="timeout", first_token_ms=9000)
    make_run(owner, "m-1", status="stopped")
    make_run(owner, "m-1", ended_at=timezone.now() - timedelta(days=8), first_token_ms=9000)
    told = page(sign_in(owner)).context["figures"]
    assert (told.ended, told.good, told.success) == (4, 3, 75.0)
    assert (told.first_token_ms, told.took_ms, told.tokens_per_s) == (200, 1200, 50)
    assert told.everybody


def test_who_is_no_admin_is_told_their_own_week(
    sign_in: SignIn, owner: User, mate: User, make_run: MakeRun, shared: GatewayKey
) -> None:
    entry(shared, "m-1")
    make_run(owner, "m-1")
    make_run(owner, "m-1")
    make_run(mate, "m-1", latency_ms=None)
    told = page(sign_in(mate)).context["figures"]
    assert (told.ended, told.everybody, told.first_token_ms, told.took_ms) == (1, False, None, None)
    assert page(sign_in(owner)).context["figures"].ended == 3


def test_medians_are_of_the_newest_and_say_so(
    owner: User, team: Team, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "SAMPLE", 2)
    now = timezone.now()
    for hours, first in ((3, 900), (2, 100), (1, 300)):
        make_run(owner, "m-1", first_token_ms=first, ended_at=now - timedelta(hours=hours))
    told = figures.of(team, owner, 40, "m-1", now)
    assert (told.first_token_ms, told.sampled, told.whole, told.ended) == (200, 2, False, 3)


@pytest.mark.usefixtures("database")
def test_more_runs_take_no_more_queries(
    sign_in: SignIn, owner: User, team: Team, make_run: MakeRun, own: GatewayKey
) -> None:
    entry(own, "m-1")
    client = sign_in(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as told:
            page(client)
        return len(told)

    make_run(owner, "m-1", params={"stream": True, "tools": [{"name": "x"}]})
    measuring.look(timezone.now())
    few = queries()
    for number in range(6):
        make_run(owner, "m-1")
        body = {"settings": {"model": "m-1"}, "messages": [{"role": "user", "text": "x"}]}
        prompts.create(team, owner, kind="chat", title=f"P {number}", body=body)
    UsageRecord.objects.bulk_create(
        UsageRecord(team=team, user=owner, subject=f"run:{uuid.uuid4()}", model="m-1", outcome="finished")
        for _ in range(1500)
    )
    measuring.look(timezone.now())
    assert queries() == few
    # Whatever an account may have: many keys are rare.
    assert few < 40


@pytest.mark.usefixtures("database")
def test_labels_are_the_teams_and_written_into_the_audit_log(
    sign_in: SignIn, owner: User, mate: User, team: Team, shared: GatewayKey
) -> None:
    before = entry(shared, "m-1")
    sent = {
        "id": "m-1",
        "family": ["anthropic", "nonsense"],
        "modality": ["text"],
        "uses": "Drafts,  drafts ,b",
    }
    response = sign_in(mate).post(reverse("catalogue:label"), sent, follow=True)
    assert b"The labels are saved for the team." in response.content
    said = page(sign_in(owner)).context["said"]
    assert (said.families, said.modalities, said.uses) == (("anthropic",), ("text",), ("b", "drafts"))
    event = AuditEvent.objects.get(verb="model.label")
    assert (event.actor, event.target, event.detail) == (
        mate,
        "m-1",
        {"labels": ["anthropic", "b", "drafts", "text"]},
    )
    response = sign_in(mate).post(reverse("catalogue:label"), sent, follow=True)
    assert b"Nothing was changed." in response.content
    assert AuditEvent.objects.filter(verb="model.label").count() == 1
    sign_in(mate).post(reverse("catalogue:label"), {"id": "m-1", "uses": "b"})
    assert list(ModelLabel.objects.values_list("kind", "value")) == [("use", "b")]
    before.refresh_from_db()
    assert (before.name, before.raw) == ("m-1", {})


@pytest.mark.parametrize(
    ("uses", "sentence"),
    [
        (",".join(f"word {n}" for n in range(9)), "At most 8 words"),
        ("<b>" + "x" * 60, "is longer than 40 characters"),
    ],
)
def test_wrong_labels_come_back_as_they_were_typed(
    sign_in: SignIn, owner: User, own: GatewayKey, uses: str, sentence: str
) -> None:
    entry(own, "m-1")
    sent = {"id": "m-1", "modality": ["video"], "uses": uses}
    response = sign_in(owner).post(reverse("catalogue:label"), sent)
    assert response.status_code == 422
    html = response.content.decode()
    assert sentence in html
    assert 'value="video" checked' in html
    assert "<b>x" not in html
    assert not ModelLabel.objects.exists()


def test_a_viewer_labels_and_tries_nothing(sign_in: SignIn, viewer: User, shared: GatewayKey) -> None:
    entry(shared, "m-1")
    client = sign_in(viewer)
    sent = {"id": "m-1", "family": "openai_chat"}
    assert client.post(reverse("catalogue:label"), sent).status_code == 403
    assert client.post(reverse("catalogue:try"), sent).status_code == 403
    html = page(client).content.decode()
    assert "Try in a chat" not in html
    assert "Save the labels" not in html


def test_nobody_labels_or_tries_what_they_do_not_know(sign_in: SignIn, mate: User, own: GatewayKey) -> None:
    entry(own, "private-model")
    client = sign_in(mate)
    sent = {"id": "private-model", "family": "openai_chat", "uses": "x"}
    assert client.post(reverse("catalogue:label"), sent).status_code == 404
    assert client.post(reverse("catalogue:try"), sent).status_code == 404
    assert not ModelLabel.objects.exists()


@pytest.mark.usefixtures("database")
def test_trying_opens_a_new_chat_with_the_model_and_keeps_what_was_typed(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    entry(own, "m-1", family="anthropic")
    settings = {"family": "openai_chat", "model": "old", "system": "Be brief.", "params": {
        "temperature": {"on": True, "value": 0.5}}}  # fmt: skip
    Draft.objects.create(user=owner, conversation=None, text="Half a question", settings=settings)
    response = sign_in(owner).post(reverse("catalogue:try"), {"id": "m-1", "family": "anthropic"})
    assert response.headers["Location"] == reverse("chat:new")
    draft = Draft.objects.get(user=owner)
    assert draft.text == "Half a question"
    new = draft.settings
    assert (new["model"], new["family"], new["key"]) == ("m-1", "anthropic", str(own.pk))
    assert (new["system"], new["params"]["temperature"]["on"]) == ("Be brief.", True)
    html = sign_in(owner).get(reverse("chat:new")).content.decode()
    assert 'value="m-1"' in html
    assert "Half a question" in html
    wrong = sign_in(owner).post(reverse("catalogue:try"), {"id": "m-1", "family": "kling"})
    assert wrong.status_code == 404


@pytest.mark.parametrize("family", FAMILIES)
def test_code_asks_the_model_by_its_id_and_holds_no_key(
    sign_in: SignIn, owner: User, own: GatewayKey, family: str
) -> None:
    entry(own, "m-1")
    entry(own, "m-1", family="anthropic")
    told = dict(page(sign_in(owner), family=family).context["programs"])
    assert list(told) == ["cURL", "Python", "JavaScript"]
    for text in told.values():
        assert "m-1" in text
        assert "ANYINT_API_KEY" in text
        assert "https://gateway.example.com" in text
        assert "4f2a" not in text


@pytest.mark.usefixtures("database")
def test_what_depends_on_it_is_what_the_person_may_see(
    sign_in: SignIn, owner: User, mate: User, team: Team, shared: GatewayKey
) -> None:
    entry(shared, "m-1")

    def prompt(title: str, reach: str = "team", **settings: Any) -> Prompt:
        body = {"messages": [{"role": "user", "text": "x"}], "settings": settings}
        made = prompts.create(team, owner, kind="chat", title=title, body=body)
        Prompt.objects.filter(pk=made.pk).update(reach=reach)
        return made

    prompt("Names it", model="m-1")
    prompt("Falls back", model="other", fallback={"on": True, "model": "m-1", "ask": True})
    prompt("Fallback is off", model="other", fallback={"on": False, "model": "m-1", "ask": True})
    prompt("Private one", reach="private", model="m-1")
    prompt("Another", model="m-10")
    talk = {"team": team, "settings": {"model": "m-1"}}
    Conversation.objects.create(owner=owner, title="Private chat", **talk)
    Conversation.objects.create(owner=owner, title="Shared chat", shared=True, **talk)
    Conversation.objects.create(owner=owner, title="Put away", archived_at=timezone.now(), **talk)
    Setup.objects.create(key=shared, team=team, chosen={"openai_chat": "m-1"}, weekly=True)
    told = page(sign_in(owner)).context["dependents"]
    assert [(each.title, each.how) for each in told.prompts] == [
        ("Falls back", "its fallback, in the newest version"),
        ("Names it", "its model, in the newest version"),
        ("Private one", "its model, in the newest version"),
    ]
    assert {each.title for each in told.chats} == {"Private chat", "Shared chat"}
    assert [(each.title, each.how) for each in told.checks] == [("Common", "checked with it every week")]
    told = page(sign_in(mate)).context["dependents"]
    assert [each.title for each in told.prompts] == ["Falls back", "Names it"]
    assert [each.title for each in told.chats] == ["Shared chat"]


@pytest.mark.usefixtures("database")
def test_prices_stand_with_the_time_they_hold_and_unknown_is_said(
    sign_in: SignIn, owner: User, team: Team, own: GatewayKey
) -> None:
    entry(own, "m-1", family="anthropic")
    client = sign_in(owner)
    assert "The price is unknown" in page(client).content.decode()
    now = timezone.now()
    for days, input_price in ((30, "2.5"), (2, "3")):
        prices.enter(
            team,
            owner,
            "anthropic",
            "m-1",
            now - timedelta(days=days),
            Figures(input=Decimal(input_price), output=Decimal(15)),
        )
    told = page(client).context["prices"]
    assert [(str(row.figures.input), row.now) for row in told.rows] == [("3", True), ("2.5", False)]
    assert told.unknown == []
    (place,) = told.places
    response = client.get(place.url)
    assert response.status_code == 200
    sent = {"since": "2026-01-01", "input": "9", "output": "9"}
    response = client.post(place.url, sent)
    assert response.headers["Location"] == f"{PLACE}?id=m-1"


def test_the_picker_of_a_chat_says_what_was_seen_in_its_family(
    sign_in: SignIn, owner: User, mate: User, shared: GatewayKey, make_run: MakeRun
) -> None:
    entry(shared, "m-1")
    make_run(mate, "m-1", params={"stream": True}, shared=True)
    make_run(mate, "m-1", family="gemini", answer=[{"kind": "thinking", "text": "x"}])
    make_run(mate, "m-1", params={"schema": {"schema": {}}}, verdict={"fits": False}, shared=True)
    measuring.look(timezone.now())

    def options(user: User, family: str) -> str:
        place = reverse("model-options")
        return sign_in(user).get(place, {"key": str(shared.pk), "family": family}).content.decode()

    assert "Seen working: chat, stream. Last failed: schema." in options(mate, "openai_chat")
    assert "Seen working: chat, thinking." in options(owner, "gemini")
    assert "Seen working" not in options(owner, "openai_responses")
