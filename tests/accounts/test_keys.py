"""Who may use which key for what: asked before a key is opened, whatever it is opened for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import keys, vault
from accounts.models import GatewayKey, Membership, Role, Team, User

pytestmark = pytest.mark.usefixtures("database")
MakeKey = Callable[..., GatewayKey]
NOW = timezone.now()


@pytest.fixture
def shared(make_key: MakeKey, team: Team) -> Callable[..., GatewayKey]:
    """A team key of the owner's with limits."""

    def make(**limits: Any) -> GatewayKey:
        key = make_key("Team", team=team)
        GatewayKey.objects.filter(pk=key.pk).update(shared=True, **limits)
        key.refresh_from_db()
        return key

    return make


def chosen(user: User, team: Team) -> list[str]:
    return sorted(keys.usable(user, team, NOW).values_list("label", flat=True))


def test_a_person_chooses_their_own_keys_and_the_teams(
    shared: Any, make_key: MakeKey, owner: User, mate: User, team: Team
) -> None:
    shared()
    make_key("Of the owner", team=team)
    make_key("Of the mate", team=team, user=mate)
    make_key("At home", user=mate)
    assert chosen(owner, team) == ["Of the owner", "Team"]
    assert chosen(mate, team) == ["Of the mate", "Team"]


@pytest.mark.parametrize("needs", [Role.MEMBER, Role.ADMIN, Role.OWNER])
@pytest.mark.parametrize("role", Role)
def test_a_team_key_asks_for_its_role(shared: Any, mate: User, team: Team, needs: Role, role: Role) -> None:
    key = shared(needs_role=needs)
    Membership.objects.filter(user=mate, team=team).update(role=role)
    may = role >= needs
    assert (keys.refusal(key, mate, NOW) == "") is may
    assert (chosen(mate, team) == ["Team"]) is may
    if not may:
        assert keys.refusal(key, mate, NOW).startswith(f"The team key “Team” is for {needs.label.lower()}s")


@pytest.mark.parametrize(
    ("patterns", "model", "may"),
    [
        ([], "anything", True),
        (["gpt-5*"], "gpt-5-mini", True),
        (["gpt-5*"], "GPT-5", True),
        (["gpt-5*"], "not-gpt-5", False),
        (["gpt-5"], "gpt-5-mini", False),
        (["claude-*", "gemini-*"], "gemini-3", True),
        (["*"], "x/y:z", True),
    ],
)
def test_a_team_key_keeps_to_its_models(
    shared: Any, mate: User, patterns: list[str], model: str, may: bool
) -> None:
    said = keys.refusal(shared(allowed_models=patterns), mate, NOW, model=model)
    assert (said == "") is may
    assert may or model in said


def test_a_team_key_keeps_to_its_families(shared: Any, mate: User) -> None:
    key = shared(allowed_families=["anthropic", "suno"])
    assert keys.refusal(key, mate, NOW, family="suno") == ""
    assert "not for this family" in keys.refusal(key, mate, NOW, family="openai_chat")
    assert keys.refusal(key, mate, NOW) == "", "asking after something begun looks at the person only"


def test_limits_are_for_team_keys_alone(make_key: MakeKey, mate: User, team: Team) -> None:
    key = make_key("Mine", team=team, user=mate)
    key.needs_role, key.allowed_models, key.allowed_families = Role.OWNER, ["x"], ["suno"]
    assert keys.refusal(key, mate, NOW, family="anthropic", model="y") == ""


def test_an_expired_key_is_not_chosen_used_or_opened(shared: Any, mate: User, team: Team) -> None:
    key = shared(expires_at=NOW - timedelta(seconds=1))
    assert chosen(mate, team) == []
    assert "has expired" in keys.refusal(key, mate, NOW)
    with pytest.raises(vault.VaultError, match="has expired"):
        vault.open_key(key)
    later = shared_until(key, timezone.now() + timedelta(hours=1))
    assert keys.refusal(later, mate, NOW) == ""
    assert vault.open_key(later).reveal()


def shared_until(key: GatewayKey, until: Any) -> GatewayKey:
    GatewayKey.objects.filter(pk=key.pk).update(expires_at=until)
    return GatewayKey.objects.get(pk=key.pk)


def test_a_revoked_key_says_so(shared: Any, mate: User, team: Team) -> None:
    key = shared(revoked_at=NOW)
    assert "was revoked" in keys.refusal(key, mate, NOW)
    assert chosen(mate, team) == []


def test_sec_37_who_left_uses_no_key_of_the_team_their_own_neither(
    shared: Any, make_key: MakeKey, mate: User, team: Team
) -> None:
    theirs = make_key("Mine", team=team, user=mate)
    Membership.objects.filter(user=mate, team=team).delete()
    for key in (shared(), theirs):
        assert keys.refusal(key, mate, NOW) == keys.GONE
    assert chosen(mate, team) == []


def test_who_is_switched_off_uses_nothing(shared: Any, mate: User, team: Team) -> None:
    key = shared()
    User.objects.filter(pk=mate.pk).update(is_active=False)
    assert keys.refusal(key, mate, NOW) == keys.GONE
    assert chosen(mate, team) == []


def test_a_stranger_learns_nothing_of_a_key(shared: Any, stranger: User) -> None:
    key = shared(revoked_at=NOW, allowed_models=["x"])
    assert keys.refusal(key, stranger, NOW, model="y") == keys.GONE


def test_the_key_of_a_mate_is_nobody_elses(make_key: MakeKey, owner: User, mate: User, team: Team) -> None:
    key = make_key("Mine", team=team, user=mate)
    assert keys.refusal(key, owner, NOW) == keys.GONE
