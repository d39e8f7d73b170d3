"""A team key's limits in the chat: said before anything is sent, and no other key steps in."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts import teams
from accounts.models import GatewayKey, Membership, Role, Team, User
from playground.chat import ledger, turns
from playground.chat.models import Run
from playground.ops import catalog
from tests._servers import cast

SETTINGS = {"family": "openai_chat", "model": "m-1", "system": "", "stream": True, "params": {}}


@pytest.fixture
def shared(owner: User, mate: User, team: Team, settings: LazySettings) -> GatewayKey:
    """A team key; the mate has one of their own too, which nothing may fall back on."""
    settings.GATEWAY_URLS = ["https://gateway.example.com"]
    where = {"base_url": "https://gateway.example.com", "secret": "sk-of-the-team-0000"}
    cast.seal_key(mate, team, label="Own", **where)
    key = cast.seal_key(owner, team, label="Team", **where)
    GatewayKey.objects.filter(pk=key.pk).update(shared=True)
    return key


def ask(user: User, team: Team, key: GatewayKey, **settings: Any) -> Run:
    chosen = SETTINGS | {"key": str(key.pk)} | settings
    talk = turns.start(user, team, id=uuid.uuid4(), settings=chosen)
    return turns.ask(talk, user, turn_id=uuid.uuid4(), text="Why?", images=[], settings=chosen)


LIMITS: list[tuple[dict[str, Any], str]] = [
    ({"needs_role": Role.ADMIN}, "is for admins and above"),
    ({"allowed_models": ["gpt-5*"]}, "not for the model m-1"),
    ({"allowed_families": ["anthropic"]}, "not for this family"),
    ({"expires_at": timezone.now() - timedelta(days=1)}, "has expired"),
]


@pytest.mark.parametrize(("limit", "said"), LIMITS)
def test_what_a_key_is_not_for_is_refused_and_nothing_is_written(
    shared: GatewayKey, mate: User, team: Team, limit: dict[str, Any], said: str
) -> None:
    GatewayKey.objects.filter(pk=shared.pk).update(**limit)
    with pytest.raises(turns.Refused, match=said):
        ask(mate, team, shared)
    assert not Run.objects.exists()


def test_what_a_key_is_for_goes_with_that_key(shared: GatewayKey, mate: User, team: Team) -> None:
    GatewayKey.objects.filter(pk=shared.pk).update(allowed_models=["m-*"], allowed_families=["openai_chat"])
    run = ask(mate, team, shared)
    claim = ledger.claim(run.pk, "worker", timezone.now())
    assert (run.key, claim is not None and claim.refusal) == (shared, None)


@pytest.mark.parametrize(("limit", "said"), LIMITS)
def test_a_limit_set_after_the_question_still_holds(
    shared: GatewayKey, mate: User, team: Team, limit: dict[str, Any], said: str
) -> None:
    run = ask(mate, team, shared)
    GatewayKey.objects.filter(pk=shared.pk).update(**limit)
    claim = ledger.claim(run.pk, "worker", timezone.now())
    assert claim is not None
    assert claim.refusal is not None
    assert said in claim.refusal.message
    assert claim.secret is None


@pytest.mark.parametrize("own", [True, False])
def test_sec_37_a_run_of_somebody_who_was_removed_opens_no_key(
    shared: GatewayKey, owner: User, mate: User, team: Team, own: bool
) -> None:
    key = GatewayKey.objects.get(owner=mate, team=team) if own else shared
    run = ask(mate, team, key)
    teams.remove(team, mate, by=owner)
    claim = ledger.claim(run.pk, "worker", timezone.now())
    assert claim is not None
    assert claim.secret is None
    assert claim.refusal is not None


def test_the_chooser_offers_what_ones_role_may_use(shared: GatewayKey, mate: User, team: Team) -> None:
    assert [key.label for key in catalog.usable_keys(mate, team)] == ["Own", "Team"]
    GatewayKey.objects.filter(pk=shared.pk).update(needs_role=Role.ADMIN)
    assert [key.label for key in catalog.usable_keys(mate, team)] == ["Own"]
    Membership.objects.filter(user=mate, team=team).update(role=Role.ADMIN)
    assert [key.label for key in catalog.usable_keys(mate, team)] == ["Own", "Team"]
