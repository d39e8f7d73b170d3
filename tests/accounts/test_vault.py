from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import traceback
import uuid

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts import vault
from accounts.models import GatewayKey
from tests.accounts.rings import SECRET, ring_entry

ROW, TEAM = uuid.uuid4(), uuid.uuid4()


def sealed_row(value: str = SECRET) -> GatewayKey:
    key = GatewayKey(id=uuid.uuid4(), team_id=uuid.uuid4(), label="Mine")
    key.sealed, key.vault_key_id = vault.seal(value, row=key.pk, team=key.team_id)
    return key


def test_what_is_sealed_opens_again():
    assert vault.open_key(sealed_row()).reveal() == SECRET
    assert vault.open_key(sealed_row("schlüssel-ünïcode")).reveal() == "schlüssel-ünïcode"


def test_the_sealed_bytes_hold_neither_the_secret_nor_a_part_of_it():
    sealed = bytes(sealed_row().sealed)
    assert not any(SECRET[start : start + 6].encode() in sealed for start in range(len(SECRET) - 5))


def test_the_format_is_version_key_id_nonce_and_ciphertext(settings):
    settings.VAULT_KEYS = ring_entry("k1", 1)
    sealed, name = vault.seal(SECRET, row=ROW, team=TEAM)
    assert name == "k1"
    assert sealed[:4] == b"\x01\x02k1"
    assert len(sealed) == 4 + 12 + len(SECRET) + 16


def test_a_value_copied_to_another_row_does_not_open():
    one, other = sealed_row(), sealed_row()
    other.team_id, other.sealed = one.team_id, one.sealed
    with pytest.raises(vault.VaultError, match="does not belong to this row"):
        vault.open_key(other)


def test_a_row_moved_to_another_team_does_not_open():
    key = sealed_row()
    key.team_id = uuid.uuid4()
    with pytest.raises(vault.VaultError, match="does not belong to this row"):
        vault.open_key(key)


@given(st.data())
def test_no_byte_can_be_altered(data):
    key = sealed_row()
    altered = bytearray(key.sealed)
    place = data.draw(st.integers(0, len(altered) - 1))
    altered[place] ^= data.draw(st.integers(1, 255))
    key.sealed = bytes(altered)
    with pytest.raises(vault.VaultError):
        vault.open_key(key)


def test_no_truncation_opens():
    key = sealed_row()
    whole = bytes(key.sealed)
    for length in range(len(whole)):
        key.sealed = whole[:length]
        with pytest.raises(vault.VaultError):
            vault.open_key(key)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_as_a_vault_error_and_nothing_else(rubbish):
    key = GatewayKey(id=ROW, team_id=TEAM, label="Mine", sealed=rubbish)
    with pytest.raises(vault.VaultError):
        vault.open_key(key)


def test_a_missing_vault_key_is_named_with_what_to_do(settings):
    settings.VAULT_KEYS = ring_entry("old", 1)
    key = sealed_row()
    settings.VAULT_KEYS = ring_entry("new", 2)
    with pytest.raises(vault.VaultError, match="“Mine”.*vault key old.*VAULT_KEYS.*paste"):
        vault.open_key(key)


def test_the_same_id_with_other_bytes_does_not_open(settings):
    settings.VAULT_KEYS = ring_entry("k", 1)
    key = sealed_row()
    settings.VAULT_KEYS = ring_entry("k", 2)
    with pytest.raises(vault.VaultError, match="Paste the key again"):
        vault.open_key(key)


def test_ten_thousand_nonces_are_all_different(settings):
    settings.VAULT_KEYS = ring_entry("k", 1)
    nonces = {vault.seal(SECRET, row=ROW, team=TEAM)[0][3:15] for _ in range(10_000)}
    assert len(nonces) == 10_000


def test_another_secret_key_changes_nothing(settings):
    key = sealed_row()
    settings.SECRET_KEY = "x7" * 40
    assert vault.open_key(key).reveal() == SECRET


@pytest.mark.parametrize(
    "ring",
    [
        "",
        "k1",
        "k1:",
        ":AAAA",
        "k1:c2hvcnQ=",
        "k1:!!!!",
        ring_entry("has space", 1),
        ring_entry("k", 1) + "\n" + ring_entry("k", 2),
        ring_entry("a" * 17, 1),
    ],
)
def test_a_ring_that_makes_no_sense_is_refused_without_showing_it(settings, ring):
    settings.VAULT_KEYS = ring
    assert vault.usable() is False
    with pytest.raises(vault.VaultError) as caught:
        vault.seal(SECRET, row=ROW, team=TEAM)
    assert SECRET not in str(caught.value)
    assert "AAAA" not in str(caught.value)


def test_a_ring_is_written_with_lines_or_commas_and_without_padding(settings):
    first, second = ring_entry("a", 1), ring_entry("b", 2)
    settings.VAULT_KEYS = second
    key = sealed_row()
    for text in (
        f"{first}\n{second}\n",
        f"{first},{second}",
        f" {first.rstrip('=')} , {second.rstrip('=')} ",
    ):
        settings.VAULT_KEYS = text
        assert vault.usable()
        assert vault.open_key(key).reveal() == SECRET


@pytest.mark.parametrize("bad", ["", "two\nlines", "nul\0byte", "lone\ud800surrogate"])
def test_what_can_be_no_key_is_not_sealed(bad):
    with pytest.raises(vault.VaultError) as caught:
        vault.seal(bad, row=ROW, team=TEAM)
    assert not bad or bad not in str(caught.value)


def test_a_revoked_key_does_not_open_and_says_so(make_key):
    from django.utils import timezone

    key = make_key()
    key.revoked_at = timezone.now()
    with pytest.raises(vault.VaultError, match="revoked"):
        vault.open_key(key)


def test_a_key_from_the_environment_is_read_there_each_time(monkeypatch):
    key = GatewayKey(label="Env", from_env="ANYINT_API_KEY")
    monkeypatch.setenv("ANYINT_API_KEY", "first-value")
    assert vault.open_key(key).reveal() == "first-value"
    monkeypatch.setenv("ANYINT_API_KEY", "second-value")
    assert vault.open_key(key).reveal() == "second-value"
    monkeypatch.delenv("ANYINT_API_KEY")
    with pytest.raises(vault.VaultError, match="ANYINT_API_KEY is not set"):
        vault.open_key(key)


def test_a_key_from_the_environment_may_come_from_a_file(monkeypatch, tmp_path):
    key = GatewayKey(label="Env", from_env="ANYINT_API_KEY")
    path = tmp_path / "key"
    path.write_text("from-a-file\n")
    monkeypatch.setenv("ANYINT_API_KEY_FILE", str(path))
    assert vault.open_key(key).reveal() == "from-a-file"
    path.unlink()
    with pytest.raises(vault.VaultError, match="cannot be read"):
        vault.open_key(key)


def test_an_edited_row_is_no_window_on_other_variables(monkeypatch):
    monkeypatch.setenv("SECRET_KEY_OF_SOMETHING", "not for you")
    with pytest.raises(vault.VaultError):
        vault.open_key(GatewayKey(label="Env", from_env="SECRET_KEY_OF_SOMETHING"))


def test_every_secret_that_passes_is_told_to_the_hooks(monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(vault, "on_open", [told.append])
    key = sealed_row()
    vault.open_key(key)
    assert told == [SECRET, SECRET]


def test_a_secret_shows_itself_nowhere():
    secret = vault.Secret(SECRET)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "{} {!r}".format(*[secret] * 2),
        f"{[secret]}",
    ]
    assert not any("canary" in text for text in shown)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, vars, iter, len):
        with pytest.raises(TypeError) as caught:
            leak(secret)
        assert "canary" not in str(caught.value)


def test_a_secret_stays_out_of_tracebacks_and_logs(caplog):
    secret = vault.Secret(SECRET)
    try:
        raise RuntimeError("could not use", secret)
    except RuntimeError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        logging.getLogger("playground.test").exception("with %s", secret)
    assert "canary" not in text
    assert "canary" not in caplog.text


def test_a_failed_opening_keeps_the_vault_key_out_of_the_debug_page(rf, settings):
    from django.views.debug import ExceptionReporter

    settings.DEBUG = False
    settings.VAULT_KEYS = ring_entry("k", 7)
    key = sealed_row()
    key.sealed = bytes(key.sealed)[:-1] + b"\0"
    try:
        vault.open_key(key)
    except vault.VaultError as error:
        report = ExceptionReporter(rf.get("/"), type(error), error, error.__traceback__)
        text = report.get_traceback_html() + report.get_traceback_text()
    assert SECRET not in text
    assert ring_entry("k", 7).partition(":")[2] not in text
    assert repr(bytes([7]) * 32) not in text


def test_secrets_are_compared_by_value():
    assert vault.Secret("a") == vault.Secret("a")
    assert vault.Secret("a") != vault.Secret("b")
    assert vault.Secret("a") != "a"


def test_a_fresh_vault_key_is_one_the_ring_takes(settings, capsys):
    call_command("new_vault_key")
    settings.VAULT_KEYS = capsys.readouterr().out.strip()
    assert vault.usable()
    assert len(settings.VAULT_KEYS) > 44


def test_opening_needs_no_more_than_the_row(settings):
    assert "ANYINT_API_KEY" not in os.environ
    settings.ENV_KEY_NAME = "OTHER"
    assert vault.open_key(sealed_row()).reveal() == SECRET
