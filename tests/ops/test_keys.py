"""Settings → My keys: secrets go in, are tested, and never come out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import vault
from accounts.models import GatewayKey, Team, User
from playground.ops.models import ModelEntry
from tests.ops.adding import HTMX, SECRET, add
from tests.ops.gateway import Gateway

MakeKey = Callable[..., GatewayKey]
SignIn = Callable[[User], Client]


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


def test_without_a_key_the_page_says_so_and_offers_the_addresses(page: Client, gateway: Gateway) -> None:
    html = page.get(reverse("keys")).content.decode()
    assert "No key yet" in html
    assert html.index(f'value="{gateway.url}"') < html.index('value="https://gateway.example"')
    assert 'type="password"' in html
    assert 'autocomplete="off"' in html


def test_an_added_key_is_sealed_tested_and_shown_by_its_last_four(
    page: Client, gateway: Gateway, team: Team, owner: User
) -> None:
    gateway.lists("one", "two")
    html = add(page, gateway, secret=f"  {SECRET}\t")
    key = GatewayKey.objects.get()
    assert (key.owner, key.team, key.label, key.base_url) == (owner, team, "Mine", gateway.url)
    assert vault.open_key(key) == vault.Secret(SECRET)
    assert gateway.keys == [SECRET]
    assert f"…{SECRET[-4:]}" in html
    assert "Works" in html
    assert "2 models." in html
    assert ModelEntry.objects.filter(key=key).count() == 2
    assert SECRET not in html


def test_a_refused_key_is_saved_and_marked(page: Client, gateway: Gateway) -> None:
    gateway.fails(401, {"error": {"message": "no such key"}})
    html = add(page, gateway)
    assert "Refused by the gateway" in html
    assert "saved, but refused by the gateway" in html
    assert GatewayKey.objects.get().test_passed is False


def test_a_key_that_could_not_be_tested_is_saved_and_the_wait_is_told(page: Client, gateway: Gateway) -> None:
    gateway.fails(429, {"error": {"message": "slow"}}, Retry_After="40")
    html = add(page, gateway)
    assert "Could not be tested" in html
    assert "wait 40 s." in html
    assert GatewayKey.objects.get().test_passed is None


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "required"),
        ("x7%q", "8 to 512 characters"),
        ("x" * 513, "8 to 512 characters"),
        ("sk-two\nlines-0000", "line break"),
        ("sk-two words-0000", "space"),
        ("Bearer sk-0000-0000", "without “Bearer”"),
        ("sk-ключ-00000000", "outside ASCII"),
        ("sk-nul\x00-00000000", "control character"),
        ("sk-bell\x07-0000000", "control character"),
    ],
)
def test_a_malformed_key_is_refused_at_its_field_without_being_shown(
    page: Client, gateway: Gateway, secret: str, words: str
) -> None:
    html = add(page, gateway, secret=secret)
    assert words in html
    assert not secret or secret not in html
    assert gateway.keys == []
    assert not GatewayKey.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1",
        "http://localhost",
        "http://169.254.169.254",
        "https://evil.example",
        "https://gateway.example/",
        "https://gateway.example:443",
        "https://gateway.example@evil.example",
        "HTTPS://GATEWAY.EXAMPLE",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_is_not_listed_is_refused_also_when_forged(
    page: Client, gateway: Gateway, address: str
) -> None:
    html = add(page, gateway, base_url=address)
    assert "does not allow this gateway address" in html or "required" in html
    assert "Type the key again" in html
    assert SECRET not in html
    assert not GatewayKey.objects.exists()


def test_the_same_name_twice_is_refused_and_free_again_once_revoked(page: Client, gateway: Gateway) -> None:
    add(page, gateway)
    html = add(page, gateway)
    assert "a key of this name already" in html
    assert "Type the key again" in html
    assert GatewayKey.objects.count() == 1
    page.post(reverse("key-revoke", args=[GatewayKey.objects.get().pk]))
    add(page, gateway)
    assert GatewayKey.objects.count() == 2


def test_a_label_is_text_without_direction_or_control_marks(page: Client, gateway: Gateway) -> None:
    html = add(page, gateway, label="  <b>My\u202e key\u200b ")
    assert GatewayKey.objects.get().label == "<b>My key"
    assert "&lt;b&gt;My key" in html
    assert "<b>My" not in html
    assert "Give the key a name" in add(page, gateway, label="\u202e")


def test_a_key_is_tested_again_on_demand(page: Client, gateway: Gateway, make_key: MakeKey) -> None:
    key = make_key()
    gateway.lists("one")
    response = page.post(reverse("key-test", args=[key.pk]), headers=HTMX)
    html = response.content.decode()
    assert html.count(f'id="key-{key.pk}"') == 1
    assert "<html" not in html
    assert "1 model." in html
    assert 'hx-swap-oob="beforeend"' in html
    response = page.post(reverse("key-test", args=[key.pk]), follow=True)
    assert "“Mine” works: 1 model." in response.content.decode()


def test_the_request_id_of_a_failed_test_is_shown(page: Client, gateway: Gateway, make_key: MakeKey) -> None:
    gateway.fails(500, b"", X_Request_ID="req-12345678")
    html = page.post(reverse("key-test", args=[make_key().pk]), headers=HTMX).content.decode()
    assert "req-12345678" in html
    assert "provider" in html


def test_a_key_is_renamed_without_being_tested(page: Client, gateway: Gateway, make_key: MakeKey) -> None:
    key = make_key()
    fields = {"label": "Renamed", "base_url": gateway.url}
    assert b"Renamed" in page.post(reverse("key-change", args=[key.pk]), fields, headers=HTMX).content
    assert GatewayKey.objects.get().label == "Renamed"
    assert gateway.keys == []


def test_another_address_is_tested_at_once(
    page: Client, gateway: Gateway, make_key: MakeKey, settings: LazySettings
) -> None:
    key = make_key()
    GatewayKey.objects.update(base_url="https://gateway.example", test_passed=True)
    gateway.lists("one")
    page.post(reverse("key-change", args=[key.pk]), {"label": "Mine", "base_url": gateway.url})
    key.refresh_from_db()
    assert (key.base_url, key.test_result, len(gateway.keys)) == (gateway.url, "1 model.", 1)


@pytest.mark.parametrize("htmx", [True, False])
def test_a_refused_change_keeps_what_was_typed_at_its_place(
    page: Client, gateway: Gateway, make_key: MakeKey, htmx: bool
) -> None:
    key = make_key()
    make_key("Taken")
    fields = {"label": "Taken", "base_url": gateway.url}
    response = page.post(reverse("key-change", args=[key.pk]), fields, headers=HTMX if htmx else None)
    html = response.content.decode()
    assert response.status_code == 422
    assert "a key of this name already" in html
    assert '<details class="fold key-change" open>' in html
    assert ("<html" in html) is not htmx
    key.refresh_from_db()
    assert key.label == "Mine"


def test_a_forged_change_of_address_is_refused(page: Client, gateway: Gateway, make_key: MakeKey) -> None:
    key = make_key()
    fields = {"label": "Mine", "base_url": "https://evil.example"}
    assert page.post(reverse("key-change", args=[key.pk]), fields).status_code == 422
    key.refresh_from_db()
    assert key.base_url == gateway.url


def test_a_rotated_key_has_the_new_secret_and_a_new_test(
    page: Client, gateway: Gateway, make_key: MakeKey
) -> None:
    key = make_key()
    gateway.lists("one")
    response = page.post(reverse("key-rotate", args=[key.pk]), {"secret": SECRET}, headers=HTMX)
    assert SECRET not in response.content.decode()
    key.refresh_from_db()
    assert vault.open_key(key) == vault.Secret(SECRET)
    assert (key.last4, key.test_passed, gateway.keys) == (SECRET[-4:], True, [SECRET])


def test_a_refused_rotation_leaves_the_old_secret(page: Client, gateway: Gateway, make_key: MakeKey) -> None:
    key = make_key()
    bad = "sk-two words-0000"
    response = page.post(reverse("key-rotate", args=[key.pk]), {"secret": bad})
    html = response.content.decode()
    assert response.status_code == 422
    assert "space" in html
    assert bad not in html
    key.refresh_from_db()
    assert vault.open_key(key) == vault.Secret("sk-of-the-test-0000")


def test_a_revoked_key_is_wiped_and_leaves_the_page(
    page: Client, gateway: Gateway, make_key: MakeKey
) -> None:
    key = make_key()
    response = page.post(reverse("key-revoke", args=[key.pk]), headers=HTMX)
    assert b"is revoked and its secret wiped" in response.content
    key.refresh_from_db()
    assert bytes(key.sealed) == b""
    assert key.revoked_at is not None
    assert "No key yet" in page.get(reverse("keys")).content.decode()
    for name in ("key-test", "key-change", "key-rotate", "key-revoke"):
        assert page.post(reverse(name, args=[key.pk]), {"secret": SECRET}).status_code == 404
    assert gateway.keys == []


def test_a_key_that_cannot_be_opened_says_exactly_what_to_do(
    page: Client, gateway: Gateway, make_key: MakeKey
) -> None:
    key = make_key()
    GatewayKey.objects.update(sealed=b"\x01\x03zzz" + bytes(40))
    html = page.get(reverse("keys")).content.decode()
    assert "Cannot be used" in html
    assert "paste the key again under “New key”" in html
    gateway.lists("one")
    page.post(reverse("key-rotate", args=[key.pk]), {"secret": SECRET})
    html = page.get(reverse("keys")).content.decode()
    assert "Cannot be used" not in html
    assert "Works" in html


def test_a_key_whose_address_is_no_longer_allowed_asks_for_another(
    page: Client, gateway: Gateway, make_key: MakeKey
) -> None:
    key = make_key()
    GatewayKey.objects.update(base_url="https://left.example")
    html = page.get(reverse("keys")).content.decode()
    assert "https://left.example is not one this site allows any more" in html
    assert "paste the key again" not in html
    page.post(reverse("key-test", args=[key.pk]))
    key.refresh_from_db()
    assert (key.test_passed, gateway.keys) == (False, [])


def test_a_key_of_the_environment_is_neither_rotated_nor_shown(
    page: Client, gateway: Gateway, owner: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYINT_API_KEY", SECRET)
    key = GatewayKey.objects.create(
        owner=owner, team=team, label="Env", base_url=gateway.url, from_env="ANYINT_API_KEY", last4="b2d4"
    )
    html = page.get(reverse("keys")).content.decode()
    assert "From the environment" in html
    assert reverse("key-rotate", args=[key.pk]) not in html
    response = page.post(reverse("key-rotate", args=[key.pk]), {"secret": "sk-other-00000000"})
    assert response.status_code == 422
    gateway.lists("one")
    assert "1 model." in page.post(reverse("key-test", args=[key.pk]), headers=HTMX).content.decode()
    assert gateway.keys == [SECRET]


def test_the_demo_key_wears_its_badge(page: Client, gateway: Gateway, settings: LazySettings) -> None:
    settings.DEMO_URL = gateway.url
    html = add(page, gateway)
    assert GatewayKey.objects.get().is_demo
    assert '<span class="badge accent">Demo</span>' in html


def test_used_and_tested_times_are_shown(page: Client, gateway: Gateway, make_key: MakeKey) -> None:
    make_key()
    assert "not used yet" in page.get(reverse("keys")).content.decode()
    GatewayKey.objects.update(last_used_at=timezone.now())
    assert "used <time" in page.get(reverse("keys")).content.decode()
