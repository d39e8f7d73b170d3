"""A team key's limits in the studio: said at the key's field, before a task is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import GatewayKey, Role, Team, User
from playground.media import orders
from playground.media.models import MediaTask

Place = Callable[..., MediaTask]


@pytest.fixture(autouse=True)
def _shared(key: GatewayKey, mate: User) -> None:
    """The key is the team's, and the owner of the tests' tasks is not the one who added it."""
    GatewayKey.objects.filter(pk=key.pk).update(shared=True, owner=mate)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"allowed_models": ["wan-*"]}, "not for the model kling-v3"),
        ({"allowed_families": ["suno"]}, "not for this family"),
    ],
)
def test_what_a_key_is_not_for_is_said_at_its_field(
    key: GatewayKey, place: Place, limit: dict[str, Any], said: str
) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(**limit)
    with pytest.raises(orders.Refused) as refused:
        place(kling=True)
    assert said in refused.value.errors["key"]
    assert not MediaTask.objects.exists()


def test_a_key_for_another_role_is_not_there(key: GatewayKey, team: Team, viewer: User) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(needs_role=Role.OWNER)
    order = orders.Order(operation="kling.text2video", key_id=key.pk, form_id=key.pk, values={})
    with pytest.raises(orders.Refused) as refused:
        orders.place(order, viewer, team)
    assert "key" in refused.value.errors


def test_what_a_key_is_for_is_made_with_it(key: GatewayKey, place: Place) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(allowed_models=["kling-*"], allowed_families=["kling"])
    assert place(kling=True).key == key


def test_the_extra_fields_name_no_other_model_for_a_key_that_is_for_some(
    key: GatewayKey, place: Place
) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(allowed_models=["kling-*"])
    with pytest.raises(orders.Refused) as refused:
        place(kling=True, extra={"model": "another"})
    assert "model" in refused.value.errors["key"]
    assert not MediaTask.objects.exists()
    GatewayKey.objects.filter(pk=key.pk).update(allowed_models=[])
    assert place(kling=True, extra={"model": "another"}).key == key
