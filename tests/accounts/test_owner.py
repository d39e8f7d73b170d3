from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import vault
from accounts.models import GatewayKey, User
from accounts.owner import demo_key, env_key, local_owner
from playground.ops import tasks

ANYINT = "https://gateway.example"


@pytest.fixture
def local(db):
    return local_owner()


def test_the_local_owner_is_made_once_and_has_no_password(db):
    user = local_owner()
    assert local_owner() == user
    assert user.is_superuser
    assert not user.has_usable_password()
    assert user.personal_team


def test_the_demo_key_is_sealed_and_made_once(local):
    key = demo_key(local, "http://127.0.0.1:8001", "demo-key")
    assert demo_key(local, "http://127.0.0.1:8001", "demo-key") == key
    assert GatewayKey.objects.get() == key
    assert b"demo-key" not in bytes(key.sealed)
    assert vault.open_key(key).reveal() == "demo-key"
    assert (key.is_demo, key.team, key.last4) == (True, local.personal_team, "-key")


def test_the_demo_key_follows_its_gateway(local):
    demo_key(local, "http://127.0.0.1:8001", "demo-key")
    demo_key(local, "http://127.0.0.1:9001", "other-key")
    key = GatewayKey.objects.get()
    assert key.base_url == "http://127.0.0.1:9001"
    assert vault.open_key(key).reveal() == "other-key"


def test_a_demo_key_that_cannot_be_opened_any_more_is_sealed_anew(local, settings):
    demo_key(local, "http://127.0.0.1:8001", "demo-key")
    settings.VAULT_KEYS = "other:" + "A" * 43
    demo_key(local, "http://127.0.0.1:8001", "demo-key")
    assert vault.open_key(GatewayKey.objects.get()).reveal() == "demo-key"


def test_a_demo_key_that_was_revoked_stays_revoked(local):
    demo_key(local, "http://127.0.0.1:8001", "demo-key")
    GatewayKey.objects.update(revoked_at=timezone.now(), sealed=b"")
    demo_key(local, "http://127.0.0.1:8001", "demo-key")
    key = GatewayKey.objects.get()
    assert key.revoked_at is not None
    assert bytes(key.sealed) == b""


def test_a_label_somebody_took_already_is_no_hindrance(local):
    GatewayKey.objects.create(owner=local, team=local.personal_team, label="Demo gateway")
    assert demo_key(local, "http://127.0.0.1:8001", "demo-key").label == "Demo gateway 2"


def test_of_the_environments_key_only_the_last_four_are_stored(local, monkeypatch):
    monkeypatch.setenv("ANYINT_API_KEY", "sk-from-outside-1234")
    key = env_key(local, ANYINT, "ANYINT_API_KEY")
    key.refresh_from_db()
    stored = " ".join(str(value) for value in vars(key).values())
    assert "outside" not in stored
    assert (key.last4, bytes(key.sealed), key.base_url) == ("1234", b"", ANYINT)
    assert vault.open_key(key).reveal() == "sk-from-outside-1234"


def test_the_environments_key_follows_the_variable(local, monkeypatch):
    monkeypatch.setenv("ANYINT_API_KEY", "sk-1111")
    first = env_key(local, ANYINT, "ANYINT_API_KEY")
    GatewayKey.objects.update(base_url="https://chosen.example", test_passed=True)
    monkeypatch.setenv("ANYINT_API_KEY", "sk-2222")
    assert env_key(local, ANYINT, "ANYINT_API_KEY") == first
    key = GatewayKey.objects.get()
    assert (key.last4, key.base_url, key.test_passed) == ("2222", "https://chosen.example", None)
    monkeypatch.delenv("ANYINT_API_KEY")
    assert env_key(local, ANYINT, "ANYINT_API_KEY") is None
    assert not GatewayKey.objects.exists()


def test_ensure_owner_may_run_any_number_of_times_and_prints_nothing(db, monkeypatch, capsys):
    monkeypatch.setenv("ANYINT_API_KEY", "sk-from-outside-1234")
    for _ in range(3):
        call_command("ensure_owner", "--demo-url", "http://127.0.0.1:8001/")
    assert User.objects.count() == 1
    rows = GatewayKey.objects.order_by("is_demo").values_list("label", "base_url")
    assert list(rows) == [
        ("From the environment", "https://gateway.api.anyint.ai"),
        ("Demo gateway", "http://127.0.0.1:8001"),
    ]
    assert capsys.readouterr() == ("", "")


def test_a_worker_is_asked_for_the_models_of_the_keys_the_site_starts_with(db, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.refresh, "delay", asked.append)
    monkeypatch.setenv("ANYINT_API_KEY", "sk-from-outside-1234")
    call_command("ensure_owner", "--demo-url", "http://127.0.0.1:8001/")
    assert sorted(asked) == sorted(str(pk) for pk in GatewayKey.objects.values_list("pk", flat=True))
    asked.clear()
    GatewayKey.objects.update(revoked_at=timezone.now(), sealed=b"")
    call_command("ensure_owner", "--demo-url", "http://127.0.0.1:8001/")
    assert asked == []


def test_ensure_owner_gives_the_key_to_the_person_named(owner, monkeypatch):
    monkeypatch.setenv("ANYINT_API_KEY", "sk-from-outside-1234")
    call_command("ensure_owner", "--email", "Olivia@example.com")
    assert GatewayKey.objects.get().owner == owner
    with pytest.raises(CommandError, match="manage.py link --email nobody@example.com"):
        call_command("ensure_owner", "--email", "nobody@example.com")


def test_an_unreadable_key_file_stops_ensure_owner_with_a_sentence(db, monkeypatch, tmp_path):
    monkeypatch.setenv("ANYINT_API_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(CommandError, match="ANYINT_API_KEY_FILE cannot be read"):
        call_command("ensure_owner")


def test_a_second_demo_key_made_after_revoking_the_first_is_the_one_kept_up(local):
    demo_key(local, "http://127.0.0.1:8001", "demo-key")
    GatewayKey.objects.update(revoked_at=timezone.now())
    second = GatewayKey.objects.create(
        owner=local, team=local.personal_team, label="Mine", is_demo=True, base_url="http://127.0.0.1:8001"
    )
    assert demo_key(local, "http://127.0.0.1:9001", "demo-key") == second
