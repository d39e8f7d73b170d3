"""Which models a run asks, whenever the key's list of models comes: before the page, after it, or never."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.gateway.transport import Transport
from playground.ops import catalog
from playground.ops.models import ModelEntry, ModelList
from playground.verify import runs
from playground.verify.models import CheckResult
from tests._servers.ports import own_port
from tests.verify.conftest import HERE, last_run

SignIn = Callable[[User], Client]
State = CheckResult.State
PAID_BESIDE = {"name": ["reply.openai_chat", "task.suno"]}


class Fields(HTMLParser):
    """What a browser would send of the text and hidden fields of a page, untouched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name = told.get("name", "")
        if tag == "input" and (name == "offered" or name.startswith("model-")):
            self.sent.setdefault(name, []).append(told.get("value", ""))


@pytest.fixture
def unlisted(key: GatewayKey) -> GatewayKey:
    """The key before anybody asked for its models."""
    ModelEntry.objects.filter(key=key).delete()
    ModelList.objects.filter(key=key).delete()
    return key


def opened(client: Client, key: GatewayKey) -> dict[str, list[str]]:
    page = client.get(reverse("verify:index"), {"key": str(key.pk)})
    return Fields(page.content.decode()).sent


def listed(key: GatewayKey) -> None:
    transport = Transport()
    try:
        assert catalog.refresh(key, transport, timezone.now()).ok
    finally:
        transport.close()


def asked(client: Client, key: GatewayKey, sent: dict[str, list[str]]) -> CheckResult:
    """The row of OpenAI chat in a run of that form, the question about paid checks answered with no."""
    url, about = reverse("verify:start"), {"key": str(key.pk), **PAID_BESIDE}
    between = client.post(url, about | sent)
    assert "These checks are charged" in between.content.decode()
    client.post(url, about | Fields(between.content.decode()).sent | {"paid": "without"})
    run = last_run()
    assert runs.take(run.pk, HERE, timezone.now())
    runs.drive(run.pk, HERE)
    return CheckResult.objects.get(run=run, name="reply.openai_chat")


def test_a_list_that_came_after_the_page_is_suggested_from(
    sign_in: SignIn, owner: User, unlisted: GatewayKey
) -> None:
    client = sign_in(owner)
    sent = opened(client, unlisted)
    assert set(sent["model-openai_chat"]) == {""}
    listed(unlisted)
    row = asked(client, unlisted, sent)
    assert (row.state, row.model) == (State.PASSED, "demo-chat")


def test_a_field_that_was_emptied_asks_no_model(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    sent = opened(client, key)
    assert sent["model-openai_chat"] == ["demo-chat"]
    row = asked(client, key, sent | {"model-openai_chat": [""]})
    assert row.state == State.SKIPPED
    assert "No model is chosen for OpenAI chat: choose one" in row.said


def test_what_was_typed_before_the_list_came_is_asked(
    sign_in: SignIn, owner: User, unlisted: GatewayKey
) -> None:
    client = sign_in(owner)
    sent = opened(client, unlisted)
    listed(unlisted)
    assert asked(client, unlisted, sent | {"model-openai_chat": ["demo-chat-mini"]}).model == "demo-chat-mini"


def test_a_list_that_does_not_come_is_the_reason_that_is_told(
    sign_in: SignIn, owner: User, unlisted: GatewayKey, settings: LazySettings
) -> None:
    nobody = f"http://127.0.0.1:{own_port()}"
    settings.GATEWAY_URLS = [*settings.GATEWAY_URLS, nobody]
    GatewayKey.objects.filter(pk=unlisted.pk).update(base_url=nobody)
    client = sign_in(owner)
    row = asked(client, unlisted, opened(client, unlisted))
    assert row.state == State.SKIPPED
    assert "the list of models of this key did not come: " in row.said
    assert "Choose one, or run it again." in row.said
