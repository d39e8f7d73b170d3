"""`manage.py verify`: the same checks in a terminal or a CI job, with an exit code and files."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.verify.models import CheckRun
from playground.verify.table import CHECKS
from tests._servers import cast
from tests.verify.conftest import last_run


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command takes SIGINT and SIGTERM for itself; pytest gets them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(*asked: str) -> tuple[str, int]:
    """What it wrote, and its exit code."""
    out = io.StringIO()
    try:
        call_command("verify", *asked, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def test_a_kept_key_is_checked_and_the_run_is_on_the_page(key: GatewayKey) -> None:
    told, code = run("--key", "Main", "--only", "key", "reply", "error.401")
    assert code == 0
    assert "reply.gemini: It replied “AnyInt OK”." in told
    assert "6 of 6 checks without a failure." in told
    found = last_run()
    assert (found.begun_by, found.state, found.key) == ("command", "passed", key)


def test_a_failure_is_exit_code_1_and_says_what_to_do(key: GatewayKey) -> None:
    told, code = run("--key", str(key.pk), "--only", "reply.anthropic", "--model", "anthropic=demo-error-403")
    assert code == 1
    assert "FAILED" in told
    assert "HTTP 403: Not allowed with this key." in told
    assert "→" in told


def test_junit_and_json_hold_every_check(key: GatewayKey, tmp_path: Path) -> None:
    junit, whole = tmp_path / "verify.xml", tmp_path / "verify.json"
    asked = ("--key", "Main", "--only", "reply", "hosts", "--model", "gemini=demo-error-503")
    _, code = run(*asked, "--junit", str(junit), "--json", str(whole))
    assert code == 1
    suite = ElementTree.fromstring(junit.read_text())  # noqa: S314 - written by the command itself
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "skipped": "1",
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "upstream_unavailable"
    assert "HTTP 503" in str(failure.get("message"))
    told = json.loads(whole.read_text())
    assert [check["state"] for check in told["checks"]].count("failed") == 1
    assert "demo-key" not in junit.read_text() + whole.read_text()


def test_a_key_of_the_environment_leaves_nothing_behind(
    key: GatewayKey, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANYINT_API_KEY", "demo-key")
    whole = tmp_path / "verify.json"
    told, code = run("--url", key.base_url, "--only", "key", "reply", "fallback", "--json", str(whole))
    assert code == 0
    assert "6 of 6 checks without a failure." in told
    assert not CheckRun.objects.exists()
    assert json.loads(whole.read_text())["models"]["openai_chat"] == "demo-chat"
    assert "demo-key" not in told + whole.read_text()


def test_a_wrong_key_of_the_environment_fails(key: GatewayKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYINT_API_KEY", "sk-nobody-knows-this-one")
    told, code = run("--url", key.base_url, "--only", "models.openai_chat")
    assert code == 1
    assert "HTTP 401: The key was not accepted." in told


def test_only_free_checks_ask_no_model(key: GatewayKey) -> None:
    _, code = run("--key", "Main", "--free")
    assert code == 0
    names = set(last_run().results.values_list("name", flat=True))
    assert names == {check.name for check in CHECKS if check.cost == "free"}


def test_what_is_charged_needs_a_word_of_its_own(key: GatewayKey) -> None:
    with pytest.raises(CommandError, match="--paid"):
        run("--key", "Main", "--only", "task.suno")
    assert not CheckRun.objects.exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((), "Name a key with --key, or set ANYINT_API_KEY."),
        (("--key", "Nobody"), "There is no key 'Nobody'."),
        (("--key", "Main", "--only", "replies"), "There is no check replies."),
        (("--key", "Main", "--model", "gemini"), "--model takes FAMILY=ID"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    key: GatewayKey, asked: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANYINT_API_KEY", raising=False)
    with pytest.raises(CommandError, match=words.replace(".", r"\.")):
        run(*asked)


def test_an_address_that_the_site_does_not_allow_gets_no_key(
    key: GatewayKey, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setenv("ANYINT_API_KEY", "demo-key")
    with pytest.raises(CommandError, match="not one of GATEWAY_URLS"):
        run("--url", "https://elsewhere.example", "--free")


def test_two_keys_of_one_name_are_told_apart_by_id(key: GatewayKey, owner: User, team: Team) -> None:
    other = cast.seal_key(owner, team, label="Main", base_url=key.base_url, secret="demo-key")
    with pytest.raises(CommandError, match="Several keys have this name") as caught:
        run("--key", "Main")
    assert str(other.pk) in str(caught.value)


def test_a_revoked_key_is_refused(key: GatewayKey) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    with pytest.raises(CommandError, match="revoked"):
        run("--key", str(key.pk), "--free")


def test_the_list_names_every_check(db: None) -> None:
    told, code = run("--list")
    assert code == 0
    assert [line.split()[0] for line in told.splitlines()] == [check.name for check in CHECKS]
