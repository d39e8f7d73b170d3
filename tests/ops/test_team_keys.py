"""Settings → Team keys: kept by admins, seen by everybody in the team, read by nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import vault
from accounts.models import AuditEvent, GatewayKey, Membership, Role, Team, User
from tests.ops.adding import SECRET, SPELLINGS
from tests.ops.gateway import Gateway

Enter = Callable[[User], Client]
PAGE = "team-keys"


@pytest.fixture
def enter(client: Client, team: Team) -> Enter:
    def enter(user: User) -> Client:
        client.force_login(user)
        client.post(reverse("switch-team"), {"team": str(team.pk)})
        return client

    return enter


@pytest.fixture
def admin(mate: User, team: Team) -> User:
    Membership.objects.filter(user=mate, team=team).update(role=Role.ADMIN)
    return mate


@pytest.fixture
def add(enter: Enter, owner: User, gateway: Gateway) -> Callable[..., GatewayKey]:
    """The owner adds a team key through the page."""

    def add(**fields: Any) -> GatewayKey:
        answer = enter(owner).post(reverse(PAGE), form(gateway, **fields))
        assert answer.status_code == 302, answer.context["form"].errors
        return GatewayKey.objects.get(label=fields.get("label", "Production"))

    return add


def form(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    return {
        "label": "Production",
        "base_url": gateway.url,
        "secret": SECRET,
        "needs_role": "20",
        "models": "",
        "last_day": "",
    } | fields


def test_a_team_key_is_tested_and_belongs_to_the_team(
    add: Callable[..., GatewayKey], gateway: Gateway, team: Team
) -> None:
    gateway.lists("gpt-5")
    key = add(needs_role="30", families=["anthropic", "suno"], models="gpt-5*\n\n claude-*\ngpt-5*")
    assert (key.team, key.shared, key.needs_role) == (team, True, Role.ADMIN)
    assert (key.allowed_families, key.allowed_models) == (["anthropic", "suno"], ["gpt-5*", "claude-*"])
    assert (key.expires_at, key.test_passed) == (None, True)
    assert set(gateway.keys) == {SECRET}
    assert AuditEvent.objects.filter(verb="key.add", team=team).exists()


def test_the_last_day_is_whole_in_the_zone_of_who_set_it(
    add: Callable[..., GatewayKey], enter: Enter, owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(tz="Asia/Tokyo")
    key = add(last_day="2030-06-30")
    assert key.expires_at == datetime(2030, 6, 30, 15, 0, tzinfo=UTC)
    assert 'value="2030-06-30"' in enter(owner).get(reverse(PAGE)).text


@pytest.mark.parametrize("role", Role)
def test_everybody_in_the_team_sees_the_key_and_nobody_its_secret(
    add: Callable[..., GatewayKey], enter: Enter, mate: User, team: Team, role: Role
) -> None:
    add(models="gpt-5*")
    Membership.objects.filter(user=mate, team=team).update(role=role)
    page = enter(mate).get(reverse(PAGE)).text
    assert "Production" in page
    assert "…b2d4" in page
    assert "gpt-5*" in page
    assert not [spelling for spelling in SPELLINGS if spelling in page]
    assert ("/rotate/" in page) is (role >= Role.ADMIN)


def test_a_key_that_is_not_for_ones_role_says_so(
    add: Callable[..., GatewayKey], enter: Enter, mate: User
) -> None:
    add(needs_role="40")
    assert "is for owners. Choose another one." in enter(mate).get(reverse(PAGE)).text


@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_who_is_no_admin_adds_and_changes_nothing(
    add: Callable[..., GatewayKey], enter: Enter, gateway: Gateway, who: str, request: pytest.FixtureRequest
) -> None:
    key = add()
    before = GatewayKey.objects.filter(pk=key.pk).values().get()
    client = enter(request.getfixturevalue(who))
    assert client.post(reverse(PAGE), form(gateway, label="Second")).status_code == 403
    for act in ("test", "change", "limits", "rotate", "revoke"):
        url = reverse(f"team-key-{act}", args=[key.pk])
        assert client.post(url, form(gateway)).status_code == 403
    assert GatewayKey.objects.filter(shared=True).values().get() == before


def test_another_admin_keeps_the_key_too(
    add: Callable[..., GatewayKey], enter: Enter, admin: User, gateway: Gateway
) -> None:
    key = add()
    client = enter(admin)
    limits = {"needs_role": "40", "families": ["gemini"], "models": "gemini-*", "last_day": ""}
    client.post(reverse("team-key-limits", args=[key.pk]), limits)
    client.post(reverse("team-key-change", args=[key.pk]), {"label": "Live", "base_url": gateway.url})
    client.post(reverse("team-key-rotate", args=[key.pk]), {"secret": "sk-another-one-5678"})
    key.refresh_from_db()
    assert (key.needs_role, key.allowed_families, key.label) == (Role.OWNER, ["gemini"], "Live")
    assert vault.open_key(key) == vault.Secret("sk-another-one-5678")
    assert AuditEvent.objects.get(verb="key.limit").detail == {
        "role": "Owner",
        "until": "",
        "models": "gemini-*",
        "families": "gemini",
    }
    client.post(reverse("team-key-revoke", args=[key.pk]))
    key.refresh_from_db()
    assert (bytes(key.sealed), key.revoked_at is not None) == (b"", True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"models": "gpt 5"}, "space or control character"),
        ({"models": "\n".join(f"m{number}" for number in range(51))}, "At most 50 lines."),
        ({"families": ["telepathy"]}, "telepathy"),
        ({"last_day": "9999-12-31"}, "less than or equal to"),
        ({"needs_role": "10"}, "needs_role"),
        ({"last_day": "tomorrow"}, "last_day"),
        ({"secret": "with space"}, "space or tab"),
    ],
)
def test_what_is_wrong_is_said_and_the_secret_not_repeated(
    enter: Enter, owner: User, gateway: Gateway, wrong: dict[str, Any], said: str
) -> None:
    answer = enter(owner).post(reverse(PAGE), form(gateway, **wrong))
    assert answer.status_code == 422
    assert said in answer.text
    assert SECRET not in answer.text
    assert not GatewayKey.objects.exists()


def test_a_limit_that_is_refused_opens_the_form_it_was_typed_into(
    add: Callable[..., GatewayKey], enter: Enter, owner: User
) -> None:
    key = add()
    url = reverse("team-key-limits", args=[key.pk])
    answer = enter(owner).post(url, {"needs_role": "20", "models": "two words", "last_day": ""})
    assert answer.status_code == 422
    assert "two words" in answer.text
    assert '<details class="fold key-change" open>' in answer.text


def test_two_team_keys_do_not_share_a_name_whoever_adds_them(
    add: Callable[..., GatewayKey], enter: Enter, admin: User, gateway: Gateway
) -> None:
    add()
    client = enter(admin)
    assert "of this name already" in client.post(reverse(PAGE), form(gateway)).text
    other = add(label="Other")
    url = reverse("team-key-change", args=[other.pk])
    taken = {"label": "Production", "base_url": gateway.url}
    assert "of this name already" in enter(admin).post(url, taken).text
    assert GatewayKey.objects.filter(label="Production").count() == 1


def test_team_keys_and_own_keys_keep_to_their_pages(
    add: Callable[..., GatewayKey], enter: Enter, owner: User, make_key: Callable[..., GatewayKey]
) -> None:
    team_key, own = add(), make_key("Own")
    client = enter(owner)
    assert str(team_key.pk) not in client.get(reverse("keys")).text
    assert str(own.pk) not in client.get(reverse(PAGE)).text
    assert client.post(reverse("key-revoke", args=[team_key.pk])).status_code == 404
    assert client.post(reverse("team-key-revoke", args=[own.pk])).status_code == 404


def test_an_expired_key_is_marked_and_can_be_prolonged(
    add: Callable[..., GatewayKey], enter: Enter, owner: User
) -> None:
    key = add()
    GatewayKey.objects.update(expires_at=timezone.now())
    client = enter(owner)
    assert "Expired" in client.get(reverse(PAGE)).text
    limits = {"needs_role": "20", "models": "", "last_day": "2099-01-01"}
    client.post(reverse("team-key-limits", args=[key.pk]), limits)
    assert "Expired" not in client.get(reverse(PAGE)).text


def test_a_key_whose_adder_left_stays_with_the_team(
    add: Callable[..., GatewayKey],
    enter: Enter,
    owner: User,
    mate: User,
    team: Team,
    make_key: Callable[..., GatewayKey],
) -> None:
    key = add()
    make_key("Production", user=mate)  # the heir's own of the same name is no obstacle
    Membership.objects.filter(user=mate, team=team).update(role=Role.OWNER)
    enter(owner).post(reverse("team-leave"), {"user": str(mate.pk)})
    key.refresh_from_db()
    assert (key.owner, key.revoked_at) == (mate, None)
    assert vault.open_key(key) == vault.Secret(SECRET)
