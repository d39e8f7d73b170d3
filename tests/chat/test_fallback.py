"""A fallback model: when it steps in, when never, and what is told of it; runs are of real servers."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import fallback, followups, ledger, prompt_kind, prompts, turns
from playground.chat.models import Run, Turn
from playground.chat.settings_form import SettingsForm
from playground.gateway.retry import passes
from tests._servers.counted import mark
from tests._servers.goods import finish
from tests._servers.processes import until
from tests.chat.talk import Asked, ask
from tests.chat.test_durability import text_of

SWITCH = {"fallback-on": "on", "fallback": "demo-chat", "fallback-how": "switch"}
FAILED: dict[str, Any] = {"model": "m-1", "ms": 5, "status": 503, "error": "upstream_unavailable"}
OTHER: dict[str, Any] = {"on": True, "model": "m-2", "ask": True}


def ended(asked: Asked) -> str:
    until(lambda: "data-live" not in asked.html())
    return asked.html()


def test_after_a_passing_fault_the_fallback_answers_and_the_answer_says_so(
    site: Any, signed_in: Any, mode: str, demo: str
) -> None:
    visitor = signed_in(site(mode))
    since = mark(demo)
    asked = ask(visitor, "demo-error-503", **SWITCH)
    html = ended(asked)
    assert "From the fallback: demo-chat was asked because demo-error-503 failed" in html
    assert "The provider is unavailable, HTTP 503" in html
    assert "lighthouses" in text_of(html)
    assert since.calls("demo-error-503") == 3
    told = text_of(visitor.get(f"/chat/turn/{asked.turn}/details").text)
    assert "Then the fallback of this chat: demo-chat" in told
    assert told.count("demo-error-503 : upstream_unavailable") == 3
    assert "demo-chat : Answered" in told
    again = asked.act("regenerate")
    ended(again)
    assert since.calls("demo-error-503") == 6


@pytest.mark.parametrize("model", ["demo-error-400", "demo-error-403", "demo-error-429-quota"])
def test_the_fallback_is_not_asked_for_what_is_no_passing_fault(
    site: Any, signed_in: Any, demo: str, model: str
) -> None:
    since = mark(demo)
    html = ended(ask(signed_in(site("embedded")), model, **SWITCH))
    assert "failure-title" in html
    assert "fall-back" not in html
    assert since.calls("demo-chat") == 0


def test_an_answer_that_had_begun_is_never_asked_of_another_model(
    site: Any, signed_in: Any, demo: str
) -> None:
    since = mark(demo)
    html = ended(ask(signed_in(site("embedded")), "demo-reset-after-5", **SWITCH))
    assert "From the fallback" not in html
    assert "fall-back" not in html
    assert since.calls("demo-chat") == 0


def test_asked_first_the_failed_answer_offers_the_fallback_and_the_settings_stay(
    site: Any, signed_in: Any, mode: str, demo: str
) -> None:
    visitor = signed_in(site(mode))
    since = mark(demo)
    asked = ask(visitor, "demo-error-503", **(SWITCH | {"fallback-how": "ask"}))
    html = ended(asked)
    assert "Try with demo-chat" in html
    assert since.calls("demo-chat") == 0
    taken = asked.act("fall-back")
    assert "From the fallback: demo-chat" in ended(taken)
    assert since.calls("demo-chat") == 1
    shown = visitor.get(f"/chat/{asked.conversation}/").text
    assert re.search(r'id="model" name="model" value="demo-error-503"', shown)
    assert re.search(r'id="fallback-chip"(?![^>]*hidden)', shown)


@pytest.mark.parametrize(
    ("kind", "status", "code", "verdict"),
    [
        ("upstream_unavailable", 500, "", True),
        ("upstream_unavailable", 529, "overloaded", True),
        ("timeout", 504, "", True),
        ("timeout", 408, "", True),
        ("timeout", None, "read_timeout", True),
        ("network", None, "connect", True),
        ("network", None, "bad_address", False),
        ("upstream_unavailable", 501, "", False),
        ("upstream_unavailable", 200, "", False),
        ("rate_limited", 429, "", False),
        ("quota", 402, "", False),
        ("content_policy", 500, "", False),
        ("protocol", 502, "", False),
    ],
)
def test_only_passing_faults_let_another_model_in(
    kind: str, status: int | None, code: str, verdict: bool
) -> None:
    assert passes(kind, status, code) is verdict


def test_a_key_that_is_not_for_the_fallback_refuses_before_anything_is_sent(
    mate: User, team: Team, key: GatewayKey, chosen: dict[str, Any]
) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(shared=True, allowed_models=["m-1"])
    settings = chosen | {"fallback": OTHER}
    talk = turns.start(mate, team, id=uuid.uuid4(), settings=settings)
    with pytest.raises(turns.Refused, match="fallback cannot be asked.*not for the model m-2"):
        turns.ask(talk, mate, turn_id=uuid.uuid4(), text="Why?", images=[], settings=settings)
    assert not Run.objects.exists()


@pytest.fixture
def failed(owner: User, answer: Turn, chosen: dict[str, Any]) -> Turn:
    """An answer that failed for a while, with a fallback to be asked about."""
    run = turns.regenerate(answer, owner, settings=chosen | {"fallback": OTHER})
    about = {"error_kind": "upstream_unavailable", "http_status": 503, "attempts": [FAILED]}
    return finish(run, "failed", "", **about)


def test_the_run_of_the_fallback_tells_both_models_and_counts_under_its_own(
    owner: User, failed: Turn, chosen: dict[str, Any], settings: Any
) -> None:
    settings.GATEWAY_URLS = ["https://gateway.example.com"]
    run = followups.fall_back(failed, owner, settings=chosen | {"fallback": OTHER})
    assert (run.model, run.answered_by) == ("m-1", "m-2")
    attempt = run.attempts[0]
    assert (attempt["workload"], attempt["fallback"], attempt["status"]) == ("chat", "m-2", 503)
    claim = ledger.claim(run.pk, "worker", timezone.now())
    assert claim is not None
    Run.objects.filter(pk=run.pk).update(lease_until=run.created_at)
    ledger.sweep(timezone.now())
    assert ledger.UsageRecord.objects.get(subject=f"run:{run.pk}").model == "m-2"


def test_a_fallback_that_was_changed_since_is_not_asked(
    owner: User, failed: Turn, chosen: dict[str, Any]
) -> None:
    for now in ({"fallback": OTHER | {"model": "m-3"}}, {}, {"fallback": OTHER, "model": "m-9"}):
        with pytest.raises(turns.Refused, match="changed since"):
            followups.fall_back(failed, owner, settings=chosen | now)


def test_an_answer_that_did_not_fail_has_no_fallback_to_ask(sign_in: Any, owner: User, answer: Turn) -> None:
    url = reverse("chat:fall-back", args=[answer.pk])
    page = sign_in(owner).post(url, headers={"HX-Request": "true"})
    assert page.status_code == 422
    assert "There is no fallback to ask here." in page.content.decode()


def typed(**fields: str) -> SettingsForm:
    data = QueryDict(mutable=True)
    data.update({"family": "openai_chat", "model": "m-1", "fallback-on": "on"} | fields)
    return SettingsForm(data)


def test_a_fallback_needs_a_model_of_its_own() -> None:
    assert typed().errors["fallback"] == fallback.NONE_CHOSEN
    assert typed(fallback="m-1").errors["fallback"] == fallback.THE_SAME
    assert typed(fallback="m-2").settings["fallback"] == OTHER


def test_another_family_takes_the_fallback_off() -> None:
    form = typed(**{"fallback": "m-2", "params-of": "anthropic"})
    assert form.settings["fallback"] == fallback.OFF
    assert form.is_valid()


BODY: dict[str, Any] = {
    "messages": [{"role": "user", "text": "Hi"}],
    "settings": {"family": "gemini", "model": "m-1", "fallback": OTHER},
}


def test_a_prompt_carries_its_fallback_beside_the_request() -> None:
    assert prompt_kind.check(BODY) == []
    assert "m-2: you are asked first." in [part.text for part in prompt_kind.parts(BODY)]
    first = prompt_kind.render(BODY, {}, "gemini")
    told = prompt_kind.render_fallback(BODY, {}, "gemini")
    assert told is not None
    assert (told["model"], told["ask"]) == ("m-2", True)
    assert told["request"]["path"] == first["path"].replace("m-1", "m-2")
    assert told["request"]["body"] == first["body"]
    assert "m-2" not in str(first)
    assert prompt_kind.render_fallback(BODY, {"model": "m-2"}, "gemini") is None
    assert prompt_kind.render_fallback(BODY, {"model": "x"}, "anthropic") is None


@pytest.mark.parametrize(
    "wrong", ["m-2", {"on": True}, {"on": True, "model": "m-1"}, {"on": 1, "model": "x"}]
)
def test_a_prompt_with_an_unusable_fallback_is_not_saved(wrong: Any) -> None:
    body = BODY | {"settings": BODY["settings"] | {"fallback": wrong}}
    assert [complaint.path for complaint in prompt_kind.check(body)] == ["settings.fallback"]


def test_a_prompt_brings_its_fallback_into_the_chat() -> None:
    current = {"family": "gemini", "model": "m-7", "key": "k", "fallback": OTHER | {"model": "m-8"}}
    assert prompts.settings_with(current, BODY["settings"])["fallback"] == OTHER
    assert prompts.settings_with(current, {"system": "Be brief."})["fallback"]["model"] == "m-8"
    named = {"family": "gemini", "model": "m-9"}
    assert prompts.settings_with(current, named)["fallback"] == fallback.OFF
