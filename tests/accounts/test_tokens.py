"""API tokens: shown once, kept as a hash, bound to a team and, when personal, to a membership."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from accounts import teams, tokens
from accounts.models import ApiToken, AuditEvent, Membership, Role, Team, User

pytestmark = pytest.mark.usefixtures("database")
READ = ["prompts:read"]
BOTH = ["prompts:read", "prompts:run"]


def asking(text: str) -> HttpRequest:
    return RequestFactory().get("/", headers={"Authorization": text})


def make(
    team: Team, by: User, *, personal: bool = True, scopes: list[str] = READ, **options: object
) -> tuple[ApiToken, str]:
    expires_at = timezone.now() + timedelta(days=1)
    return tokens.make(team, "CI", scopes, by=by, personal=personal, expires_at=expires_at)


def test_a_token_says_whose_it_is(team: Team, mate: User) -> None:
    made, text = make(team, mate)
    found = tokens.caller(asking(f"Bearer {text}"))
    assert found == made
    assert (found.user, found.team) == (mate, team)


def test_what_is_stored_does_not_hold_the_token(team: Team, mate: User) -> None:
    made, text = make(team, mate)
    secret = text.split("_", 2)[2]
    kept = ApiToken.objects.filter(pk=made.pk).values().get()
    assert secret not in str(kept)
    assert secret not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("spoil", ["", "Basic {}", "Bearer", "Bearer {}x", "Bearer x{}", "Bearer \0{}", "{}"])
def test_what_is_no_token_is_nobody(team: Team, mate: User, spoil: str) -> None:
    _, text = make(team, mate)
    assert tokens.caller(asking(spoil.format(text))) is None


def test_the_secret_of_another_token_does_not_fit(team: Team, mate: User) -> None:
    _, first = make(team, mate)
    _, second = make(team, mate)
    mixed = "_".join([*first.split("_")[:2], second.split("_", 2)[2]])
    assert tokens.caller(asking(f"Bearer {mixed}")) is None


def test_a_token_ends_with_its_time(team: Team, mate: User) -> None:
    made, text = make(team, mate)
    assert made.expires_at is not None
    before, after = made.expires_at - timedelta(seconds=1), made.expires_at
    assert tokens.find(text, before) == made
    assert tokens.find(text, after) is None


def test_a_revoked_token_is_nobody_and_is_revoked_once(team: Team, mate: User) -> None:
    made, text = make(team, mate)
    now = timezone.now()
    assert tokens.revoke(made, by=mate, now=now) is True
    assert tokens.revoke(made, by=mate, now=now) is False
    assert tokens.caller(asking(f"Bearer {text}")) is None
    assert AuditEvent.objects.filter(verb="token.revoke").count() == 1


def test_a_personal_token_ends_with_the_membership(team: Team, owner: User, mate: User) -> None:
    _, text = make(team, mate)
    teams.remove(team, mate, by=owner)
    assert tokens.caller(asking(f"Bearer {text}")) is None
    Membership.objects.create(team=team, user=mate, role=Role.MEMBER)
    assert tokens.caller(asking(f"Bearer {text}")) is None, "being invited again gives no old token back"


def test_a_personal_token_ends_with_the_account(team: Team, mate: User) -> None:
    _, text = make(team, mate)
    User.objects.filter(pk=mate.pk).update(is_active=False)
    assert tokens.caller(asking(f"Bearer {text}")) is None


def test_a_team_token_goes_on_without_its_maker(team: Team, owner: User, mate: User) -> None:
    Membership.objects.filter(team=team, user=mate).update(role=Role.ADMIN)
    made, text = make(team, mate, personal=False)
    teams.remove(team, mate, by=owner)
    found = tokens.caller(asking(f"Bearer {text}"))
    assert found == made
    assert found.user is None


def test_a_scope_is_held_or_refused(team: Team, mate: User) -> None:
    made, _ = make(team, mate)
    assert tokens.allows(made, "prompts:read")
    assert not tokens.allows(made, "prompts:run")


def test_a_scope_needs_the_role_its_person_has_today(team: Team, mate: User) -> None:
    made, _ = make(team, mate, scopes=BOTH)
    assert tokens.allows(made, "prompts:run")
    Membership.objects.filter(team=team, user=mate).update(role=Role.VIEWER)
    assert not tokens.allows(made, "prompts:run")
    assert tokens.allows(made, "prompts:read")


def test_an_unknown_scope_is_refused(team: Team, mate: User) -> None:
    with pytest.raises(ValueError, match="prompts:own"):
        make(team, mate, scopes=["prompts:own"])


def test_use_is_noted_once_a_minute(team: Team, mate: User) -> None:
    made, text = make(team, mate)
    now = timezone.now()

    def used_at(when: object) -> object:
        tokens.find(text, when)  # type: ignore[arg-type] # a datetime, spelled loosely here
        return ApiToken.objects.get(pk=made.pk).last_used_at

    assert used_at(now) == now
    assert used_at(now + timedelta(seconds=59)) == now
    assert used_at(now + timedelta(seconds=60)) == now + timedelta(seconds=60)


def test_a_token_waits_when_its_minute_is_used_up(team: Team, mate: User, settings: LazySettings) -> None:
    settings.API_RATE = 2
    mine, _ = make(team, mate)
    other, _ = make(team, mate)
    assert [tokens.wait(mine, 1200.0) for _ in range(3)] == [0, 0, 60]
    assert tokens.wait(mine, 1250.5) == 10
    assert tokens.wait(other, 1250.5) == 0
    assert tokens.wait(mine, 1260.0) == 0
