"""What is new, changed, gone or back in the lists of a key, when, and what is done about lists that fail."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.gateway.transport import Transport
from playground.ops import catalog, listed
from playground.ops.models import ModelChange, ModelEntry, ModelList
from tests._servers import cast
from tests.catalogue.conftest import entry
from tests.ops.gateway import Gateway, row

MakeKey = Callable[..., GatewayKey]
SignIn = Callable[[User], Client]
HOUR = timedelta(hours=1)


def told() -> list[tuple[str, str]]:
    return list(ModelChange.objects.order_by("pk").values_list("model_id", "kind"))


@pytest.mark.usefixtures("database")
def test_what_a_first_list_holds_is_no_news_and_what_comes_later_is(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key, now = make_key(), timezone.now()
    gateway.lists("a", "b")
    catalog.refresh(key, transport, now)
    assert told() == []
    gateway.lists("b", "c")
    catalog.refresh(key, transport, now + HOUR)
    assert told() == [("c", "new"), ("a", "gone")]
    assert ModelEntry.objects.get(model_id="c").new_at == now + HOUR
    assert ModelEntry.objects.get(model_id="b").new_at is None
    gateway.lists("a", "b", "c")
    catalog.refresh(key, transport, now + 2 * HOUR)
    assert told()[2:] == [("a", "back")]
    assert set(ModelChange.objects.values_list("at", flat=True)) == {now + HOUR, now + 2 * HOUR}


def test_the_rest_of_a_list_that_came_in_part_is_no_news(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key, now = make_key(), timezone.now()
    gateway.lists("a", "b", "c", per_page=1)
    catalog.refresh(key, transport, now, most_pages=2)
    state = ModelList.objects.get(key=key, family="openai_chat")
    assert (state.count, state.whole_at) == (2, None)
    assert state.sentence == "This is the beginning of the list; the rest follows."
    catalog.refresh(key, transport, now + HOUR)
    assert told() == []
    state.refresh_from_db()
    assert (state.count, state.whole_at, state.sentence) == (3, now + HOUR, "")


@pytest.mark.usefixtures("database")
def test_a_changed_row_says_what_it_was_and_what_it_is(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key, now = make_key(), timezone.now()

    def answers(**more: Any) -> None:
        gateway.fails(200, {"data": [row("m", "Model") | more]})

    answers(owned_by="them")
    catalog.refresh(key, transport, now)
    answers(owned_by="others", display_name="Model 2", context=8000)
    catalog.refresh(key, transport, now + HOUR)
    change = ModelChange.objects.get()
    assert change.kind == "changed"
    assert change.what == {
        "name": ["Model", "Model 2"],
        "owned_by": ["them", "others"],
        "context": ["", "8000"],
    }
    assert ModelEntry.objects.get().changed_at == now + HOUR


def test_a_list_that_is_dated_anew_each_time_has_not_changed(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key, now = make_key(), timezone.now()
    for number in range(3):
        gateway.fails(200, {"data": [row("m") | {"created": 1_700_000_000 + number, "created_at": number}]})
        catalog.refresh(key, transport, now + number * HOUR)
    assert told() == []
    assert ModelEntry.objects.get().raw["created"] == 1_700_000_002


def test_changes_are_kept_for_half_a_year(gateway: Gateway, make_key: MakeKey, transport: Transport) -> None:
    key, now = make_key(), timezone.now()
    for number, names in enumerate((["a"], ["a", "b"], ["a"])):
        gateway.lists(*names)
        catalog.refresh(key, transport, now + number * listed.KEPT_FOR)
    assert told() == [("b", "new"), ("b", "gone")]
    catalog.refresh(key, transport, now + 2 * listed.KEPT_FOR + HOUR)
    assert told() == [("b", "gone")]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"error": {"message": "no"}}, "auth", "Refused"),
        (429, {"error": {"message": "slow"}}, "rate_limited", "Did not come"),
        (503, b"", "upstream_unavailable", "Did not come"),
    ],
)
def test_a_fault_stands_with_its_list_and_what_was_known_stays(
    gateway: Gateway,
    make_key: MakeKey,
    transport: Transport,
    sign_in: SignIn,
    owner: User,
    status: int,
    body: Any,
    kind: str,
    words: str,
) -> None:
    key, now = make_key(), timezone.now()
    gateway.lists("a")
    catalog.refresh(key, transport, now)
    gateway.fails(status, body, X_Request_ID="req-12345678")
    outcome = catalog.refresh(key, transport, now + HOUR)
    state = ModelList.objects.get(key=key, family="openai_chat")
    assert (state.error_kind, state.sentence) == (kind, outcome.sentence)
    assert (state.came_at, state.asked_at, state.count) == (now, now + HOUR, 1)
    page = sign_in(owner).get(reverse("catalogue:models"))
    (shown,) = page.context["states_of_keys"]
    assert shown.words == words
    assert outcome.sentence in html.unescape(page.content.decode())
    assert [each.model for each in page.context["page"].rows] == ["a"]


def test_a_second_list_that_is_closed_is_said_and_spoils_nothing(
    gateway: Gateway, make_key: MakeKey, transport: Transport, sign_in: SignIn, owner: User
) -> None:
    key = make_key()
    gateway.lists("a")
    catalog.refresh(key, transport, timezone.now())
    closed = ModelList.objects.get(key=key, family="anthropic")
    assert (closed.error_kind, closed.came_at) == ("not_found", None)
    (shown,) = sign_in(owner).get(reverse("catalogue:models")).context["states_of_keys"]
    assert (shown.state, shown.words, shown.fault) == ("warn", "Came in part", "")


def test_an_address_that_the_site_left_is_said_at_the_key(
    gateway: Gateway, make_key: MakeKey, transport: Transport, sign_in: SignIn, owner: User
) -> None:
    key = make_key()
    GatewayKey.objects.filter(pk=key.pk).update(base_url="https://gone.example")
    key.refresh_from_db()
    assert catalog.refresh(key, transport, timezone.now()).error_kind == "address"
    (shown,) = sign_in(owner).get(reverse("catalogue:models")).context["states_of_keys"]
    assert (shown.state, shown.lists) == ("failed", [])
    assert "https://gone.example" in shown.fault


def test_refresh_now_answers_with_the_row_in_words(
    gateway: Gateway, make_key: MakeKey, sign_in: SignIn, owner: User
) -> None:
    key, client = make_key(), sign_in(owner)
    gateway.lists("a", "b")
    place, headers = reverse("catalogue:refresh", args=[key.pk]), {"HX-Request": "true"}
    response = client.post(place, headers=headers)
    assert "OpenAI list: 2 models, came" in response.content.decode()
    assert json.loads(response.headers["HX-Trigger"])["toast"]["text"] == "“Mine”: 2 models."
    gateway.fails(401, {"error": {"message": "no"}})
    response = client.post(place, headers=headers)
    assert "and it did not come" in response.content.decode()
    assert json.loads(response.headers["HX-Trigger"])["toast"]["level"] == "warning"
    response = client.post(place, follow=True)
    assert response.redirect_chain == [(reverse("catalogue:models"), 302)]
    assert "The gateway does not know this key." in response.content.decode()


def test_only_who_may_use_a_key_asks_with_it(
    gateway: Gateway,
    make_key: MakeKey,
    sign_in: SignIn,
    mate: User,
    viewer: User,
    stranger: User,
    owner: User,
) -> None:
    key = make_key()
    place = reverse("catalogue:refresh", args=[key.pk])
    for user in (mate, viewer, stranger):
        assert sign_in(user).post(place).status_code == 404
    GatewayKey.objects.filter(pk=key.pk).update(shared=True)
    assert sign_in(viewer).post(place).status_code == 403
    assert sign_in(mate).post(place).status_code == 302
    GatewayKey.objects.filter(pk=key.pk).update(needs_role=30)
    assert sign_in(mate).post(place).status_code == 403
    GatewayKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert sign_in(owner).post(place).status_code == 404


def test_changes_of_keys_that_are_not_theirs_are_told_to_nobody(
    sign_in: SignIn, owner: User, mate: User, own: GatewayKey, shared: GatewayKey
) -> None:
    now = timezone.now()
    for key, model in ((own, "private-model"), (shared, "team-model")):
        entry(key, model)
        ModelChange.objects.create(
            key=key, family="openai_chat", model_id=model, kind="changed", at=now, what={"name": ["<b>", ""]}
        )
    place = reverse("catalogue:changes")
    page = sign_in(owner).get(place).content.decode()
    assert "private-model" in page
    assert "&lt;b&gt;" in page
    page = sign_in(mate).get(place).content.decode()
    assert "team-model" in page
    assert "private-model" not in page


def test_changes_come_in_pages_the_latest_first(sign_in: SignIn, owner: User, own: GatewayKey) -> None:
    now = timezone.now()
    for number in range(130):
        ModelChange.objects.create(
            key=own, family="openai_chat", model_id=f"m-{number}", kind="new", at=now + timedelta(number)
        )
    client, place = sign_in(owner), reverse("catalogue:changes")
    met: list[str] = []
    query = ""
    for _ in range(3):
        context = client.get(f"{place}?{query}").context
        met += [change.model_id for change in context["changes"]]
        query = f"before={context['older']}"
    assert met == [f"m-{number}" for number in reversed(range(130))]
    assert context["older"] is None
    assert b"Nothing changed yet" not in client.get(f"{place}?before=x").content
    assert b"Nothing changed yet" in sign_in(cast.make_user("Nina")).get(place).content
