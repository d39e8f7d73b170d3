from __future__ import annotations

import signal

import pytest
from django.core.management import CommandError, call_command

from accounts import vault
from accounts.models import GatewayKey
from tests.accounts.rings import SECRET, ring_entry

OLD, NEW = ring_entry("old", 1), ring_entry("new", 2)
BOTH = f"{NEW}\n{OLD}"


@pytest.fixture
def old_keys(settings, make_key):
    settings.VAULT_KEYS = OLD
    keys = [make_key(f"Key {number}", f"{SECRET}-{number}") for number in range(7)]
    settings.VAULT_KEYS = BOTH
    return keys


def opened() -> list[str]:
    return sorted(vault.open_key(key).reveal() for key in GatewayKey.objects.all())


def test_rotation_seals_every_row_under_the_first_key(old_keys, settings):
    before = opened()
    assert vault.rotate_all(batch=3) == vault.Rotation(moved=7, unreadable=0, left=0)
    settings.VAULT_KEYS = NEW
    assert opened() == before


def test_a_second_rotation_does_nothing(old_keys):
    vault.rotate_all()
    sealed = list(GatewayKey.objects.order_by("pk").values_list("sealed", flat=True))
    assert vault.rotate_all() == vault.Rotation()
    assert list(GatewayKey.objects.order_by("pk").values_list("sealed", flat=True)) == sealed


def test_a_person_who_changes_a_key_meanwhile_wins(old_keys, monkeypatch):
    seal = vault._seal
    edited: list[str] = []

    def edit_first(value, ring, *, row, team):
        if not edited:  # between the rotation's read and its write
            edited.append("once")
            fresh = seal("typed meanwhile", vault._parse(OLD), row=row, team=team)
            GatewayKey.objects.filter(pk=row).update(sealed=fresh, vault_key_id="old")
        return seal(value, ring, row=row, team=team)

    monkeypatch.setattr(vault, "_seal", edit_first)
    assert vault.rotate_all(batch=3).left == 0
    assert "typed meanwhile" in opened()
    assert not GatewayKey.objects.exclude(vault_key_id="new").exists()


def test_a_rotation_that_was_broken_off_is_finished_by_the_next(old_keys, monkeypatch):
    rotate, done = vault._rotate, []

    def break_off(key, ring):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(key)
        return rotate(key, ring)

    monkeypatch.setattr(vault, "_rotate", break_off)
    with pytest.raises(KeyboardInterrupt):
        vault.rotate_all(batch=2)
    assert GatewayKey.objects.filter(vault_key_id="new").count() == 4
    assert len(opened()) == 7  # half and half, all readable
    monkeypatch.setattr(vault, "_rotate", rotate)
    assert vault.rotate_all(batch=2) == vault.Rotation(moved=3, unreadable=0, left=0)


def test_the_command_counts_and_confirms(old_keys, capsys):
    call_command("rotate_keys", "--batch", "2")
    assert capsys.readouterr().out == "7 sealed anew, 0 left under an older vault key\n"


def test_rows_nobody_can_open_stay_and_are_told(old_keys, settings, capsys):
    lost = old_keys[0]
    settings.VAULT_KEYS = ring_entry("lost", 3)
    GatewayKey.objects.filter(pk=lost.pk).update(
        sealed=vault.seal(SECRET, row=lost.pk, team=lost.team_id)[0], vault_key_id="lost"
    )
    settings.VAULT_KEYS = BOTH
    with pytest.raises(CommandError, match="1 could not be opened"):
        call_command("rotate_keys")
    assert capsys.readouterr().out == "6 sealed anew, 1 left under an older vault key\n"
    assert GatewayKey.objects.get(pk=lost.pk).vault_key_id == "lost"


def test_keys_from_the_environment_and_wiped_rows_are_left_alone(owner, settings):
    settings.VAULT_KEYS = BOTH
    GatewayKey.objects.create(owner=owner, team=owner.personal_team, label="Env", from_env="ANYINT_API_KEY")
    assert vault.rotate_all() == vault.Rotation()


def test_a_broken_ring_stops_the_command_with_a_sentence(db, settings):
    settings.VAULT_KEYS = "nonsense"
    with pytest.raises(CommandError, match="VAULT_KEYS must list"):
        call_command("rotate_keys")


KILLED = """
import os, signal
import django
django.setup()
from accounts import vault
rotate, done = vault._rotate, []
def die(key, ring):
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(key)
    return rotate(key, ring)
vault._rotate = die
vault.rotate_all(batch=2)
"""
MADE = """
import django
django.setup()
from accounts import vault
from accounts.models import GatewayKey, User
user = User.objects.create_user("owner@example.com")
for number in range(6):
    key = GatewayKey(owner=user, team=user.personal_team, label=f"Key {number}")
    key.sealed, key.vault_key_id = vault.seal(f"canary-{number}", row=key.pk, team=key.team_id)
    key.save()
"""
SHOWN = """
import django
django.setup()
from accounts import vault
from accounts.models import GatewayKey
print(*sorted(vault.open_key(key).reveal() for key in GatewayKey.objects.all()))
"""


def test_a_rotation_killed_by_sigkill_is_resumed_by_another_process(elsewhere):
    assert elsewhere("-c", MADE, VAULT_KEYS=OLD).returncode == 0
    assert elsewhere("-c", KILLED, VAULT_KEYS=BOTH).returncode == -signal.SIGKILL
    resumed = elsewhere("manage.py", "rotate_keys", VAULT_KEYS=BOTH)
    assert resumed.stdout == "3 sealed anew, 0 left under an older vault key\n", resumed.stderr
    shown = elsewhere("-c", SHOWN, VAULT_KEYS=NEW)
    assert shown.stdout.split() == [f"canary-{number}" for number in range(6)], shown.stderr
