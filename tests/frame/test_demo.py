"""The built-in demo gateway offers itself where no key is, and the banner says when it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from tests._servers import cast

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
BANNER = 'id="demo-banner"'


@pytest.fixture
def listed(settings: Any, demo: str) -> None:
    """The demo gateway among the addresses, as `make run` has it."""
    settings.DEMO_URL = demo
    settings.GATEWAY_URLS = [*settings.GATEWAY_URLS, demo]


def page(client: Client) -> str:
    return client.get(reverse("chat:new"), follow=True).content.decode()


def form_of(html: str) -> dict[str, str]:
    form = next(form for form in re.findall(r"<form.*?</form>", html, re.S) if "Use the demo gateway" in form)
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def test_a_team_without_a_key_can_use_the_demo_with_one_click(
    listed: None, sign_in: SignIn, owner: User, team: Team
) -> None:
    client = sign_in(owner)
    before = page(client)
    assert BANNER not in before
    client.post(reverse("keys"), form_of(before))
    key = GatewayKey.objects.get(team=team, owner=owner)
    assert key.is_demo
    assert key.test_passed
    after = page(client)
    assert BANNER in after
    assert "Use the demo gateway" not in after


def test_the_demo_is_not_offered_where_it_is_not_listed(sign_in: SignIn, owner: User, settings: Any) -> None:
    settings.GATEWAY_URLS = ["https://gateway.example.com"]
    html = page(sign_in(owner))
    assert reverse("keys") in html
    assert "Use the demo gateway" not in html


def test_whoever_may_not_add_a_key_is_not_offered_one(listed: None, sign_in: SignIn, viewer: User) -> None:
    assert "Use the demo gateway" not in page(sign_in(viewer))


def test_a_real_key_of_the_team_ends_the_banner(
    listed: None, sign_in: SignIn, owner: User, team: Team, demo: str
) -> None:
    key = cast.seal_key(owner, team, label="Demo", base_url=demo, secret="demo-key")
    GatewayKey.objects.filter(pk=key.pk).update(is_demo=True)
    assert BANNER in page(sign_in(owner))
    GatewayKey.objects.create(owner=owner, team=team, label="Ours", base_url="https://gateway.example.com")
    assert BANNER not in page(sign_in(owner))
