"""The model picker's list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Membership, Role, User
from playground.ops.models import ModelEntry, UsageRecord
from tests.ops.gateway import Gateway

MakeKey = Callable[..., GatewayKey]
SignIn = Callable[[User], Client]
FAMILY = "openai_chat"


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


def see(key: GatewayKey, *models: str, **about: Any) -> None:
    fields = {"key": key, "family": FAMILY} | about
    ModelEntry.objects.bulk_create(ModelEntry(model_id=name, **{"name": name} | fields) for name in models)


class Options(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "button" and ("role", "option") in attrs:
            self.rows.append(dict(attrs))

    @property
    def ids(self) -> list[str | None]:
        return [row["data-model"] for row in self.rows]


def ask(client: Client, key: GatewayKey | None = None, **query: Any) -> str:
    about = ({"key": str(key.pk)} if key else {}) | query
    response = client.get(reverse("model-options"), about)
    assert response.status_code == 200
    return response.content.decode()


def test_models_are_options_in_the_gateways_order_with_the_gone_ones_last(
    page: Client, make_key: MakeKey
) -> None:
    key = make_key()
    see(key, "aaa", gone_at=timezone.now())
    see(key, "beta", "Alpha")
    html = ask(page, key, selected="beta")
    options = Options(html)
    assert options.ids == ["beta", "Alpha", "aaa"]
    assert [row["aria-selected"] for row in options.rows] == ["true", "false", "false"]
    assert html.count("Gone</span>") == 1
    assert html.count('id="model-list"') == 1
    assert "<html" not in html


def test_every_word_is_looked_for_in_id_and_name(page: Client, make_key: MakeKey) -> None:
    key = make_key()
    see(key, "vendor/fast-chat", name="Quick Talker")
    see(key, "vendor/slow-chat", name="Careful Talker")
    assert Options(ask(page, key, q="TALKER fast")).ids == ["vendor/fast-chat", "TALKER fast"]
    assert Options(ask(page, key, q="vendor/slow-chat")).ids == ["vendor/slow-chat"]
    assert Options(ask(page, key, q="%")).ids == ["%"]


def test_an_id_that_is_not_listed_can_be_used_as_typed(page: Client, make_key: MakeKey) -> None:
    key = make_key()
    see(key, "listed")
    html = ask(page, key, q='my/"own" <model>')
    assert Options(html).ids == ['my/"own" <model>']
    assert "No model in the list fits" in html
    assert "<model>" not in html
    assert Options(ask(page, key, q="")).ids == ["listed"]


def test_fifty_rows_are_shown_and_the_rest_is_counted(page: Client, make_key: MakeKey) -> None:
    key = make_key()
    see(key, *[f"model-{number:04}" for number in range(3000)])
    html = ask(page, key)
    assert len(Options(html).rows) == 50
    assert "2,950 more: keep typing" in html
    assert Options(ask(page, key, q="2999")).ids == ["model-2999", "2999"]


def test_the_list_wears_the_badge_of_the_family_it_is_asked_for(page: Client, make_key: MakeKey) -> None:
    key = make_key()
    see(key, "shared")
    see(key, "apart", family="anthropic")
    for family, listed, badge in (
        ("openai_chat", "shared", "OpenAI chat"),
        ("gemini", "shared", "Gemini"),
        ("anthropic", "apart", "Anthropic"),
    ):
        html = ask(page, key, family=family)
        assert Options(html).ids == [listed]
        assert f'data-family="{family}">{badge}' in html


def test_three_thousand_rows_take_the_queries_of_one(page: Client, make_key: MakeKey) -> None:
    few, many = make_key("Few"), make_key("Many")
    see(few, "model")
    see(many, *[f"model-{number:04}" for number in range(3000)])

    def queries(key: GatewayKey) -> int:
        with CaptureQueriesContext(connection) as captured:
            ask(page, key, q="model")
        return len(captured)

    assert queries(few) == queries(many) < 12


def test_what_the_person_used_last_comes_first(page: Client, make_key: MakeKey, owner: User) -> None:
    key = make_key()
    see(key, "a", "b", "c", "d")
    for minutes, model in enumerate(("c", "b", "not-listed")):
        UsageRecord.objects.create(
            team=key.team, user=owner, key=key, subject=f"run:{model}", family=FAMILY, model=model,
            outcome="finished", at=timezone.now() - timedelta(minutes=minutes),
        )  # fmt: skip
    assert Options(ask(page, key)).ids == ["c", "b", "a", "d"]
    assert Options(ask(page, key, recent=["d"])).ids == ["d", "c", "b", "a"]


def test_a_model_that_came_after_the_first_list_is_new_for_a_week(page: Client, make_key: MakeKey) -> None:
    key, now = make_key(), timezone.now()
    see(key, "old", first_seen=now - timedelta(days=30))
    see(key, "last-month", first_seen=now - timedelta(days=20))
    see(key, "yesterday", first_seen=now - timedelta(days=1))
    html = ask(page, key)
    assert html.count("New</span>") == 1
    ModelEntry.objects.filter(model_id="yesterday").delete()
    assert "New</span>" not in ask(page, key)


def test_hostile_names_are_text(page: Client, make_key: MakeKey, gateway: Gateway) -> None:
    key = make_key()
    names = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 }}{% debug %}", "\u202ecba"]
    gateway.lists(*[(f"model-{number}", name) for number, name in enumerate(names)])
    html = page.post(reverse("model-refresh"), {"key": str(key.pk)}).content.decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert {row["data-name"] for row in Options(html).rows} == set(names)
    assert "<bdi>\u202ecba</bdi>" in html


def test_a_list_that_was_never_loaded_loads_itself_and_has_a_button(page: Client, make_key: MakeKey) -> None:
    html = ask(page, make_key())
    assert "was not loaded yet" in html
    assert 'hx-trigger="load, submit"' in html
    assert 'id="model-refresh"' in html


def test_a_refresh_gives_the_same_fragment_with_the_search_kept(
    page: Client, make_key: MakeKey, gateway: Gateway
) -> None:
    key = make_key()
    gateway.lists("alpha", "beta")
    fields = {"key": str(key.pk), "q": "alp", "selected": "alpha"}
    html = page.post(reverse("model-refresh"), fields).content.decode()
    assert Options(html).ids == ["alpha", "alp"]
    assert 'value="alp"' in html
    assert "Asked <time" in html


def test_a_failed_refresh_says_why_and_keeps_the_rows(
    page: Client, make_key: MakeKey, gateway: Gateway
) -> None:
    key = make_key()
    see(key, "kept")
    gateway.fails(429, {"error": {"message": "slow"}}, Retry_After="9", X_Request_ID="req-12345678")
    html = page.post(reverse("model-refresh"), {"key": str(key.pk)}).content.decode()
    assert Options(html).ids == ["kept"]
    assert "wait 9 s." in html
    assert "req-12345678" in html
    assert 'hx-trigger="load' not in html


def test_without_a_key_the_way_to_one_is_shown(page: Client, make_key: MakeKey) -> None:
    assert reverse("keys") in ask(page)
    GatewayKey.objects.filter(pk=make_key().pk).update(revoked_at=timezone.now())
    assert reverse("keys") in ask(page, GatewayKey.objects.get())
    assert reverse("keys") in page.post(reverse("model-refresh")).content.decode()


def test_without_a_key_named_the_first_usable_one_answers(page: Client, make_key: MakeKey) -> None:
    see(make_key(), "model")
    assert Options(ask(page)).ids == ["model"]


def test_only_who_may_use_a_key_sees_its_models(
    sign_in: SignIn, make_key: MakeKey, gateway: Gateway, mate: User, viewer: User, stranger: User
) -> None:
    key = make_key()
    see(key, "needle")
    url, about = reverse("model-options"), {"key": str(key.pk)}
    for user in (mate, viewer, stranger):
        assert sign_in(user).get(url, about).status_code == 404
        assert sign_in(user).post(reverse("model-refresh"), about).status_code == 404
    GatewayKey.objects.update(shared=True)
    expected = [(mate, 200, 200), (viewer, 200, 403), (stranger, 404, 404)]
    for user, reads, refreshes in expected:
        assert sign_in(user).get(url, about).status_code == reads
        assert sign_in(user).post(reverse("model-refresh"), about).status_code == refreshes
    assert len(gateway.keys) == 1
    assert "model-refresh" not in ask(sign_in(viewer), key)


def test_the_owner_who_became_a_viewer_spends_no_request(
    page: Client, make_key: MakeKey, gateway: Gateway, owner: User
) -> None:
    key = make_key()
    Membership.objects.filter(user=owner, team=key.team).update(role=Role.VIEWER)
    assert page.post(reverse("model-refresh"), {"key": str(key.pk)}).status_code == 403
    assert gateway.keys == []


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-0000-0000-000000000000", "\x00", "x" * 9000])
def test_a_key_that_does_not_exist_is_not_found(page: Client, key: str) -> None:
    assert page.get(reverse("model-options"), {"key": key}).status_code == 404


@pytest.mark.parametrize("words", ["\x00", "\ud800", "a" * 5000, "' OR 1=1", "(", "a " * 400, "\u202e"])
def test_whatever_is_typed_is_no_error(page: Client, make_key: MakeKey, words: str) -> None:
    key = make_key()
    see(key, "model")
    query = words.encode("utf-8", "surrogatepass").decode("latin-1")
    assert "model-list" in ask(page, key, q=query, family="nonsense")
