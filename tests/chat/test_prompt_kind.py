"""Chat prompts as the library sees them: what is wrong with a body, what it shows, sends and came to."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import prompts as chat_prompts
from playground.chat import turns
from playground.chat.models import Conversation, Run
from playground.chat.origins import Origin
from playground.chat.prompt_kind import KIND
from playground.gateway.wire import FAMILIES
from playground.library import examples, kinds, prompts, versions, waiting
from playground.library.models import Prompt, PromptVersion, Waiting
from tests._servers.goods import finish


@pytest.fixture
def version(owner: User, team: Team) -> PromptVersion:
    body = {
        "messages": [{"role": "user", "text": "Tell me about {{topic}}."}],
        "settings": {"family": "openai_chat", "model": "m-1", "system": "Be brief."},
    }
    made = prompts.create(team, owner, kind="chat", title="Explain", body=body, shared=True)
    return versions.resolve(team, made.slug, user=owner)


def settings(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "text": "Hello"}], "settings": more}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": ["Hello"]}, "messages.0"),
        ({"messages": [{"role": "system", "text": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "text": 5}]}, "messages.0.text"),
        ({"messages": [{"role": "user", "text": "x"}], "settings": []}, "settings"),
        (settings(family="fax"), "settings.family"),
        (settings(model=5), "settings.model"),
        (settings(system=["x"]), "settings.system"),
        (settings(params=[]), "settings.params"),
        (settings(params={"temperature": 1}), "settings.params.temperature"),
        (settings(params={"temperature": {"on": True, "value": 9}}), "settings.params.temperature"),
        (settings(params={"warmth": {"on": True, "value": 1}}), "settings.params.warmth"),
        (settings(extra="[1]"), "settings.extra"),
        (settings(extra='{"stream": true}'), "settings.extra"),
        (settings(tools=[]), "settings.tools"),
        (settings(tools={"on": True, "list": ["x"]}), "settings.tools.list.0"),
        (settings(tools={"on": True, "list": [{"name": ""}]}), "settings.tools.list.0.name"),
        (
            settings(tools={"on": True, "list": [{"name": "a", "parameters": "{"}]}),
            "settings.tools.list.0.parameters",
        ),
        (settings(schema={"on": True, "text": "{"}), "settings.schema.text"),
        (settings(schema="x"), "settings.schema"),
        (settings(caching={"ttl": "1d"}), "settings.caching"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: dict[str, Any], path: str) -> None:
    assert path in [complaint.path for complaint in KIND.check(body)]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [], "settings": {"system": "Only this."}},
        settings(),
        settings(params={"temperature": {"on": True, "value": "{{warmth}}"}}),
        settings(params={"warmth": {"on": False, "value": 1}}),
        settings(family="gemini", extra='{"labels": {}}', schema={"on": False, "text": "{"}),
    ],
)
def test_what_the_chat_can_take_is_not_complained_about(body: dict[str, Any]) -> None:
    assert KIND.check(body) == []


def test_everything_that_is_sent_is_shown_and_nothing_that_is_off() -> None:
    body = settings(
        family="anthropic",
        model="m-9",
        system="Be brief.",
        params={"temperature": {"on": True, "value": 0.5}, "top_p": {"on": False, "value": 1}},
        tools={"on": True, "list": [{"name": "clock", "parameters": "{}"}]},
        schema={"on": True, "name": "note", "text": '{"type":"object"}'},
        extra='{"b":1,"a":2}',
        stream=False,
    )
    shown = {section.key: section for section in KIND.parts(body)}
    assert shown["system"].text == "Be brief."
    assert shown["messages.0"].text == "Hello"
    assert shown["model"].text == f"{FAMILIES['anthropic'].label} · m-9"
    assert shown["params"].text == '{\n  "temperature": 0.5\n}'
    assert "clock" in shown["tools"].text
    assert shown["schema"].text == '{\n  "type": "object"\n}'
    assert shown["extra"].text == '{\n  "a": 2,\n  "b": 1\n}'
    assert "stream" in shown
    off = settings(tools={"on": False, "list": [{"name": "clock"}]}, schema={"on": False, "text": "{}"})
    assert [section.key for section in KIND.parts(off)] == ["messages.0"]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_body_is_rendered_for_every_family_without_a_key(family: str) -> None:
    assert KIND.render is not None
    params = {"temperature": {"on": True, "value": 0.5}}
    body = settings(family="openai_chat", model="m-1", system="Be brief.", params=params)
    told = KIND.render(body, {"model": "m-2"}, family)
    assert told["method"] == "POST"
    assert told["path"].startswith("/")
    text = str(told)
    assert "Hello" in text
    assert "Be brief." in text
    assert "m-2" in text
    assert "0.5" in text
    assert "authorization" not in text.lower()


def test_another_familys_model_is_not_guessed() -> None:
    assert KIND.render is not None
    body = settings(family="openai_chat", model="m-1")
    assert KIND.render(body, {}, "openai_chat")["body"]["model"] == "m-1"
    with pytest.raises(ValueError, match="names no model"):
        KIND.render(body, {}, "anthropic")
    with pytest.raises(ValueError, match="no family"):
        KIND.render(body, {}, "fax")


def test_the_chat_is_registered_with_the_library() -> None:
    assert kinds.get("chat") is KIND


# Runs


def asked(version: PromptVersion, user: User, key: GatewayKey, team: Team, **values: str) -> Run:
    told = {"family": "openai_chat", "model": "m-1", "key": str(key.pk), "stream": True, "params": {}}
    talk = turns.start(user, team, id=uuid.uuid4(), settings=told)
    origin = Origin(version, values)
    return turns.ask(talk, user, turn_id=uuid.uuid4(), text="x", images=[], settings=told, origin=origin)


def test_uses_tell_what_came_of_a_version(
    database: str, version: PromptVersion, owner: User, team: Team, key: GatewayKey
) -> None:
    run = asked(version, owner, key, team, topic="foxes")
    assert [(use.state, use.ended) for use in kinds.uses_of(version.prompt, owner)] == [("queued", False)]
    answer = finish(run, text="Foxes are red.", input_tokens=10, output_tokens=None)
    (use,) = kinds.uses_of(version.prompt, owner, version=version)
    assert (use.subject, use.user, use.number) == (f"run:{run.pk}", owner, 1)
    assert (use.values, use.tokens, use.excerpt) == ({"topic": "foxes"}, 10, "Foxes are red.")
    assert use.latency_ms is not None
    assert use.url == reverse("chat:show", args=[run.conversation_id]) + f"#turn-{answer.pk}"
    assert kinds.last_runs([version.prompt]) == {version.prompt_id: run.created_at}


def test_a_private_chat_with_a_prompt_is_told_to_nobody_else(
    version: PromptVersion, owner: User, mate: User, team: Team, key: GatewayKey
) -> None:
    run = asked(version, owner, key, team)
    assert kinds.uses_of(version.prompt, mate) == []
    assert kinds.evidence(team.pk, [f"run:{run.pk}"], mate) == []
    Conversation.objects.update(shared=True)
    assert len(kinds.uses_of(version.prompt, mate)) == 1
    assert len(kinds.evidence(team.pk, [f"run:{run.pk}", "run:x", "task:1"], mate)) == 1


def test_uses_come_newest_first_and_go_on_behind_a_moment(
    version: PromptVersion, owner: User, team: Team, key: GatewayKey
) -> None:
    runs = [asked(version, owner, key, team) for _ in range(3)]
    for at, run in enumerate(runs):
        Run.objects.filter(pk=run.pk).update(created_at=run.created_at + timedelta(minutes=at))
    found = kinds.uses_of(version.prompt, owner, limit=2)
    assert [use.subject for use in found] == [f"run:{run.pk}" for run in (runs[2], runs[1])]
    more = kinds.uses_of(version.prompt, owner, before=found[-1].at)
    assert [use.subject for use in more] == [f"run:{runs[0].pk}"]


def test_many_uses_take_as_many_queries_as_few(
    version: PromptVersion, owner: User, team: Team, key: GatewayKey
) -> None:
    asked(version, owner, key, team)
    with CaptureQueriesContext(connection) as few:
        kinds.uses_of(version.prompt, owner)
    for _ in range(5):
        asked(version, owner, key, team)
    with CaptureQueriesContext(connection) as many:
        assert len(kinds.uses_of(version.prompt, owner)) == 6
    assert len(few) == len(many)


# A run in the background


def test_a_version_is_run_in_a_chat_of_its_own_that_stays_out_of_the_list(
    version: PromptVersion, owner: User, mate: User, team: Team, key: GatewayKey
) -> None:
    assert KIND.run is not None
    url = KIND.run(version, {"topic": "foxes"}, owner, key)
    run = Run.objects.get()
    assert url == reverse("chat:show", args=[run.conversation_id])
    assert (run.status, run.prompt_version, run.key) == ("queued", version, key)
    assert run.asked.text == "Tell me about foxes."
    assert run.params["system"] == "Be brief."
    assert run.conversation.archived_at is not None
    # Whoever sees the prompt of the team's sees its answers.
    assert len(kinds.uses_of(version.prompt, mate)) == 1


def test_a_new_chat_does_not_begin_with_the_settings_of_a_prompt_that_was_tried(
    version: PromptVersion, owner: User, key: GatewayKey, sign_in: Callable[[User], Client]
) -> None:
    chat_prompts.run(version, {"topic": "foxes"}, owner, key)
    assert "Be brief." not in sign_in(owner).get(reverse("chat:new")).content.decode()


def test_the_answers_to_a_private_prompt_stay_private(
    version: PromptVersion, owner: User, mate: User, key: GatewayKey
) -> None:
    Prompt.objects.update(reach="private")
    version.prompt.refresh_from_db()
    chat_prompts.run(version, {"topic": "foxes"}, owner, key)
    assert not Conversation.objects.get().shared


def test_the_answers_to_a_prompt_that_inserts_a_private_one_stay_private(
    owner: User, team: Team, key: GatewayKey
) -> None:
    inner = prompts.create(team, owner, kind="chat", title="Tone", body=settings(), shared=False)
    body = {
        "messages": [{"role": "user", "text": f"{{{{> {inner.slug}}}}} Go on."}],
        "settings": {"model": "m-1"},
    }
    outer = prompts.create(team, owner, kind="chat", title="Letter", body=body, shared=True)
    chat_prompts.run(versions.resolve(team, outer.slug, user=owner), {}, owner, key)
    assert not Conversation.objects.get().shared


def test_all_examples_are_run_though_there_are_more_than_places(
    database: str, version: PromptVersion, owner: User, key: GatewayKey, settings: Any
) -> None:
    settings.MAX_RUNS_PER_USER = 5
    topics = [f"topic {number}" for number in range(10)]
    for topic in topics:
        examples.keep(version.prompt, owner, topic, {"topic": topic})
    started = examples.run_all(version, owner, key)
    assert (list(started.urls), started.waiting, started.errors) == (topics[:4], topics[4:], {})
    assert waiting.begin() == 0
    for ends in (1, 4, 4):
        for run in Run.objects.filter(status="queued")[:ends]:
            turns.stop(run, timezone.now())
        waiting.begin()
    assert sorted(Run.objects.values_list("variables__topic", flat=True)) == topics
    assert set(Run.objects.values_list("key", flat=True)) == {key.pk}
    assert not Waiting.objects.exists()


def test_a_run_that_cannot_be_says_why(version: PromptVersion, owner: User, mate: User, team: Team) -> None:
    assert KIND.run is not None
    with pytest.raises(ValueError, match="topic: This is needed"):
        KIND.run(version, {}, owner, None)
    with pytest.raises(ValueError, match="no key to ask with"):
        KIND.run(version, {"topic": "foxes"}, mate, None)
    assert not Conversation.objects.exists()
