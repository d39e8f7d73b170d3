"""The integration note is made from what is configured, and is Markdown that names cannot bend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.library import prompts
from playground.verify import note
from playground.verify.models import CheckResult, CheckRun
from tests.verify.conftest import Verify

SignIn = Callable[[User], Client]


def make_prompt(team: Team, owner: User, title: str, **settings: Any) -> None:
    body = {"messages": [{"role": "user", "text": "Hello"}], "settings": settings}
    prompts.create(team, owner, kind="chat", title=title, body=body)


def facts_of(user: User, team: Team, title: str) -> dict[str, str]:
    work = next(work for work in note.workloads(user, team) if title in work.title)
    return dict(work.facts)


def test_the_chat_is_told_as_a_new_one_begins(owner: User, team: Team, key: GatewayKey) -> None:
    told = facts_of(owner, team, "Chat, as a new one begins")
    assert told["Family and route"] == "OpenAI chat, POST /openai/v1/chat/completions"
    assert told["Model"] == "demo-chat"
    assert "refreshed every" in told["Source of the model id"]
    assert told["Way"].startswith("Streamed")


def test_a_prompt_is_told_by_its_own_settings(owner: User, team: Team, key: GatewayKey) -> None:
    other = {"on": True, "model": "demo-chat-mini"}
    make_prompt(
        team, owner, "Sort letters", family="anthropic", model="demo-chat", stream=False, fallback=other
    )
    told = facts_of(owner, team, "Sort letters")
    assert told["Family and route"] == "Anthropic, POST /anthropic/v1/messages"
    assert told["Way"].startswith("In one piece.")
    assert told["Fallback"].startswith("demo-chat-mini, after a passing fault")


def test_a_fallback_says_whether_the_pair_was_tried_with_the_same_requests(
    owner: User, mate: User, team: Team, key: GatewayKey, verify: Verify
) -> None:
    other = {"on": True, "model": "demo-chat-mini"}
    make_prompt(team, owner, "Sort letters", family="openai_chat", model="demo-chat", fallback=other)
    assert "never tried with the same requests" in facts_of(owner, team, "Sort letters")["Fallback"]
    verify(["fallback"], openai_chat="demo-chat", fallback="demo-error-503")
    assert "never tried with the same requests" in facts_of(owner, team, "Sort letters")["Fallback"]
    verify(["fallback"], openai_chat="demo-chat", fallback="demo-chat-mini")
    assert facts_of(owner, team, "Sort letters")["Fallback"].endswith(": both did the same.")
    CheckRun.objects.update(shared=False, user=mate)
    assert "never tried with the same requests" in facts_of(owner, team, "Sort letters")["Fallback"]
    CheckRun.objects.update(shared=True)
    CheckResult.objects.filter(name="fallback").update(state="failed")
    assert facts_of(owner, team, "Sort letters")["Fallback"].endswith(": it failed, see Verify.")


def test_a_studio_route_is_there_once_it_was_used(
    owner: User, team: Team, key: GatewayKey, verify: Verify
) -> None:
    assert not [work for work in note.workloads(owner, team) if work.title.startswith("Studio")]
    verify(["task.kling"])
    told = facts_of(owner, team, "Studio")
    assert told["Family and route"].endswith("POST /transtreams/kling/v1/images/generations")
    assert "never again by itself" in told["Retries"]
    assert told["Way"].startswith("A task")


def test_the_note_is_a_page_to_copy_and_a_file(
    owner: User, viewer: User, team: Team, key: GatewayKey, sign_in: SignIn
) -> None:
    make_prompt(team, owner, "# Big | <b>name</b>", model="demo-chat")
    client = sign_in(owner)
    page = client.get(reverse("verify:note")).content.decode()
    assert 'data-copy="#note-text"' in page
    assert "Too many requests" in page
    response = client.get(reverse("verify:note-markdown"))
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    written = response.content.decode()
    assert "## Prompt “\\# Big \\| \\<b\\>name\\</b\\>”" in written
    assert "## What users are told" in written
    assert sign_in(viewer).get(reverse("verify:note")).status_code == 200


def test_a_prompt_that_is_not_theirs_is_not_in_the_note(
    owner: User, stranger: User, team: Team, key: GatewayKey, client: Client
) -> None:
    make_prompt(team, owner, "Secret plans")
    client.force_login(stranger)
    assert "Secret plans" not in client.get(reverse("verify:note")).content.decode()
