"""Production mode starts with sound settings alone; what is wrong is said in one line, no secret in it."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import pytest

from playground.secrets import new_vault_key
from tests._servers.processes import PATIENCE_S, PYTHON, ROOT, clean_env

GOOD = {
    "PLAYGROUND_MODE": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "VAULT_KEYS": new_vault_key(),
    "SITE_URL": "https://playground.example.com",
    "DATABASE_URL": "postgresql://playground:a-password-of-ours@127.0.0.1:1/playground",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
MAIL = "django.core.mail.backends"
SHOW = "import django; from django.conf import settings; django.setup(); print(settings.{})"


def start(tmp_path: Path, code: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Load the settings as a process would; None takes a name out of a good environment."""
    env = {name: value for name, value in (GOOD | changes).items() if value is not None}
    env = clean_env(DJANGO_SETTINGS_MODULE="playground.settings", PLAYGROUND_DATA=str(tmp_path), **env)
    argv = [PYTHON, "-W", "error", "-c", code]
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)


def setting(tmp_path: Path, name: str, **changes: str | None) -> str:
    done = start(tmp_path, SHOW.format(name), **changes)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def test_a_good_environment_starts(tmp_path: Path) -> None:
    assert setting(tmp_path, "EMBEDDED") == "False"
    assert not list(tmp_path.iterdir()), "production mode makes no secrets of its own"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is missing or weak"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing or weak"),
        ({"SECRET_KEY": "too-short"}, "SECRET_KEY is missing or weak"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is missing or weak"),
        ({"SECRET_KEY": None, "SECRET_KEY_FILE": "/nowhere/at/all"}, "SECRET_KEY_FILE cannot be read"),
        ({"VAULT_KEYS": None}, "VAULT_KEYS is missing"),
        ({"DATABASE_URL": None}, "production mode needs DATABASE_URL (PostgreSQL) and REDIS_URL"),
        ({"DATABASE_URL": "sqlite:///play.sqlite3"}, "production mode needs DATABASE_URL (PostgreSQL)"),
        ({"REDIS_URL": None}, "production mode needs DATABASE_URL (PostgreSQL) and REDIS_URL"),
        ({"PLAYGROUND_MODE": "staging"}, "PLAYGROUND_MODE must be one of embedded, production"),
        ({"SITE_URL": "playground.example.com"}, "SITE_URL must be a full address"),
        ({"PORT": "eighty"}, "PORT must be a number"),
        ({"PORT": "0"}, "PORT must be a number of at least 1"),
        ({"PORT": "70000"}, "PORT must be a number of at least 1 and at most 65535"),
        ({"VAULT_KEYS": "garbage"}, "VAULT_KEYS must list id:key"),
        ({"VAULT_KEYS": f"{new_vault_key()},k2:short"}, "VAULT_KEYS must list id:key"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must begin with postgresql://"),
        ({"DATABASE_URL": "mysql://a:b@c/d"}, "DATABASE_URL must begin with postgresql://"),
        ({"DATABASE_URL": "postgresql://a:b@c:port/d"}, "DATABASE_URL is not a valid address"),
        ({"REDIS_URL": "127.0.0.1:6379"}, "REDIS_URL must begin with redis://"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"GATEWAY_URLS": " , "}, "GATEWAY_URLS is empty"),
        ({"GATEWAY_URLS": "https://[bad"}, "which is no plain http(s) address"),
        ({"GATEWAY_URLS": "https://a.example.com:99999"}, "which is no plain http(s) address"),
        ({"DRAIN_S": "-1"}, "DRAIN_S must be a number of at least 0"),
        ({"RUN_LEASE_S": "nan"}, "RUN_LEASE_S must be a number"),
        ({"GATEWAY_URLS": "gateway.example.com"}, "GATEWAY_URLS holds 'gateway.example.com'"),
        (
            {"GATEWAY_URLS": "https://a.example.com, ftp://b.example.com"},
            "GATEWAY_URLS holds 'ftp://b.example.com'",
        ),
        ({"GATEWAY_URLS": "https://a.example.com?key=x"}, "which is no plain http(s) address"),
        ({"SIGN_UP": "maybe"}, "SIGN_UP must be one of open, invitation, closed"),
        ({"DEBUG": "perhaps"}, "DEBUG must be yes or no"),
        ({"EMAIL_VERIFICATION": "sure"}, "EMAIL_VERIFICATION must be one of none, optional, mandatory"),
        ({"EMAIL_VERIFICATION": "mandatory"}, "EMAIL_VERIFICATION=mandatory needs a mail server"),
        ({"EMAIL_BACKEND": f"{MAIL}.smtp.EmailBackend"}, "EMAIL_BACKEND sends over SMTP: set EMAIL_HOST"),
    ],
)
def test_what_is_wrong_is_refused_and_named(
    tmp_path: Path, changes: dict[str, str | None], says: str
) -> None:
    done = start(tmp_path, "import playground.settings", **changes)
    last = done.stderr.rstrip().splitlines()[-1]
    assert done.returncode != 0
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert says in last
    for name in ("SECRET_KEY", "VAULT_KEYS", "DATABASE_URL"):
        value = changes.get(name, GOOD[name])
        assert not value or value not in done.stderr


@pytest.mark.parametrize(
    ("changes", "backend"),
    [
        ({}, "dummy"),
        ({"EMAIL_HOST": "mail.example.com", "EMAIL_VERIFICATION": "mandatory"}, "smtp"),
        ({"EMAIL_BACKEND": f"{MAIL}.console.EmailBackend"}, "console"),
        ({"PLAYGROUND_MODE": "embedded"}, "dummy"),
    ],
)
def test_mail_goes_where_it_was_told_to_and_nowhere_else(
    tmp_path: Path, changes: dict[str, str], backend: str
) -> None:
    assert setting(tmp_path, "EMAIL_BACKEND", **changes) == f"{MAIL}.{backend}.EmailBackend"


def test_a_command_says_it_in_one_line(tmp_path: Path) -> None:
    env = clean_env(PLAYGROUND_DATA=str(tmp_path), **(GOOD | {"PORT": "eighty"}))
    argv = [PYTHON, "manage.py", "migrate"]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["PORT must be a number of at least 1 and at most 65535, not 'eighty'"]


def test_several_web_processes_need_redis_in_embedded_mode_too(tmp_path: Path) -> None:
    changes = {"PLAYGROUND_MODE": "embedded", "DATABASE_URL": None, "REDIS_URL": None}
    done = start(tmp_path, "import playground.settings", **changes, WEB_WORKERS="2")
    assert (
        "several web processes share their streams over Redis: set REDIS_URL" in done.stderr.splitlines()[-1]
    )


@pytest.mark.parametrize("value", ["$" + "aB3-" * 15, "${HOME}" + "xyzw-" * 10, "%(x)s#" + "qwer;" * 10])
def test_a_secret_is_taken_to_the_letter(tmp_path: Path, value: str) -> None:
    assert setting(tmp_path, "SECRET_KEY", SECRET_KEY=value) == value


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "VAULT_KEYS", "REDIS_URL", "EMAIL_HOST_PASSWORD", "GATEWAY_URLS"]
)
def test_a_value_may_come_from_a_file_and_the_file_wins(tmp_path: Path, name: str) -> None:
    values = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "VAULT_KEYS": new_vault_key(),
        "REDIS_URL": "redis://127.0.0.1:2/0",
        "EMAIL_HOST_PASSWORD": "$a password",
        "GATEWAY_URLS": "https://gateway.example.com",
    }
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / name).write_text(f"{values[name]}\n")
    shown = setting(tmp_path, name, **{f"{name}_FILE": str(folder / name)})
    assert shown in {values[name], str([values[name]])}


def test_django_finds_nothing_to_warn_of_in_production(tmp_path: Path) -> None:
    env = clean_env(DJANGO_SETTINGS_MODULE="playground.settings", PLAYGROUND_DATA=str(tmp_path), **GOOD)
    argv = [PYTHON, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
