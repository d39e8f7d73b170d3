"""Settings → API tokens: shown once, listed without the secret, revoked by whose they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, Membership, Role, Team, User

SignIn = Callable[[User], Client]
GOOD = {"label": "CI", "whose": "mine", "scopes": ["prompts:read"], "lasts": "30"}


@pytest.fixture
def enter(client: Client, team: Team) -> SignIn:
    def enter(user: User) -> Client:
        client.force_login(user)
        client.post(reverse("switch-team"), {"team": str(team.pk)})
        return client

    return enter


def text_in(page: str) -> str:
    found = re.search(r'id="token-text"[^>]*value="(apt_[^"]+)"', page)
    return found[1] if found else ""


def test_a_token_is_shown_once_and_works(enter: SignIn, viewer: User, team: Team) -> None:
    client = enter(viewer)
    text = text_in(client.post(reverse("tokens"), GOOD).text)
    caller = tokens.caller(RequestFactory().get("/", headers={"Authorization": f"bearer {text}"}))
    assert caller is not None
    assert (caller.user, caller.team, caller.label) == (viewer, team, "CI")
    assert caller.expires_at is not None
    assert timedelta(days=29) < caller.expires_at - timezone.now() < timedelta(days=31)
    page = client.get(reverse("tokens")).text
    assert "CI" in page
    assert text.split("_", 2)[2] not in page


def test_a_token_may_last_until_it_is_revoked(enter: SignIn, mate: User) -> None:
    client = enter(mate)
    client.post(reverse("tokens"), GOOD | {"lasts": ""})
    token = ApiToken.objects.get()
    assert token.expires_at is None
    client.post(reverse("token-revoke", args=[token.pk]))
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert client.get(reverse("tokens")).context["mine"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"label": "\u200b"},
        {"scopes": []},
        {"scopes": ["prompts:own"]},
        {"lasts": "99999"},
        {"whose": "theirs"},
    ],
)
def test_what_makes_no_token_is_said(enter: SignIn, owner: User, wrong: dict[str, object]) -> None:
    answer = enter(owner).post(reverse("tokens"), GOOD | wrong)
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert not ApiToken.objects.exists()


def test_only_admins_make_and_revoke_tokens_of_the_team(enter: SignIn, owner: User, mate: User) -> None:
    assert enter(mate).post(reverse("tokens"), GOOD | {"whose": "team"}).status_code == 403
    assert text_in(enter(owner).post(reverse("tokens"), GOOD | {"whose": "team"}).text)
    token = ApiToken.objects.get()
    assert token.user is None
    client = enter(mate)
    assert "CI" in client.get(reverse("tokens")).text
    assert client.post(reverse("token-revoke", args=[token.pk])).status_code == 403
    token.refresh_from_db()
    assert token.revoked_at is None
    enter(owner).post(reverse("token-revoke", args=[token.pk]))
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_nobody_sees_or_revokes_the_personal_token_of_another(enter: SignIn, owner: User, mate: User) -> None:
    enter(mate).post(reverse("tokens"), GOOD | {"label": "Of the mate"})
    token = ApiToken.objects.get()
    client = enter(owner)
    assert "Of the mate" not in client.get(reverse("tokens")).text
    assert client.post(reverse("token-revoke", args=[token.pk])).status_code == 404


def test_who_became_a_viewer_still_revokes_their_own(enter: SignIn, mate: User, team: Team) -> None:
    client = enter(mate)
    client.post(reverse("tokens"), GOOD)
    Membership.objects.filter(user=mate, team=team).update(role=Role.VIEWER)
    client.post(reverse("token-revoke", args=[ApiToken.objects.get().pk]))
    assert ApiToken.objects.get().revoked_at is not None


def test_an_expired_token_is_marked(enter: SignIn, mate: User) -> None:
    client = enter(mate)
    client.post(reverse("tokens"), GOOD)
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Expired" in client.get(reverse("tokens")).text
