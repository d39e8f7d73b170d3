"""When our own code breaks: reports and log lines hold no key, and nobody can write a line of the log."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts import vault
from accounts.models import GatewayKey, User
from playground.gateway.redaction import remember
from playground.logs import Json, Lines, Redact
from playground.ops import catalog
from tests.security.canary import hits, new_key

SignIn = Callable[[User], Client]


@pytest.fixture
def broken(sign_in: SignIn, owner: User) -> Client:
    client = sign_in(owner)
    client.raise_request_exception = False
    return client


@pytest.fixture
def reports() -> Iterator[list[str]]:
    """Every report of a crash, as an administrator would get it by e-mail."""
    from django.views.debug import get_exception_reporter_class

    made: list[str] = []

    def report(request: HttpRequest, **about: object) -> None:
        reporter = get_exception_reporter_class(request)(request, *sys.exc_info(), is_email=True)
        made.extend([reporter.get_traceback_html(), reporter.get_traceback_text()])

    got_request_exception.connect(report)
    yield made
    got_request_exception.disconnect(report)


@pytest.mark.parametrize("debug", [False, True], ids=["usual", "DEBUG"])
def test_sec_07_a_crash_that_holds_the_key_shows_it_nowhere(
    broken: Client,
    key: GatewayKey,
    debug: bool,
    settings: LazySettings,
    reports: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The key stands in the posted form, in local variables, and in the words of the exception."""
    settings.DEBUG, secret = debug, new_key()
    logged: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.extend([Lines().format(record), Json().format(record)])

    def crash(value: Any, **about: Any) -> None:
        opened = value.reveal() if isinstance(value, vault.Secret) else str(value)
        vault._tell(opened)
        local_copy = {"header": f"Bearer {opened}"}
        raise RuntimeError(f"broken with {opened} and {local_copy}")

    handler = Keep()
    logging.getLogger("django.request").addHandler(handler)
    monkeypatch.setattr(vault, "seal", crash)
    fields = {"label": "Mine", "base_url": key.base_url, "secret": secret}
    settings.GATEWAY_URLS = [key.base_url]
    response = broken.post(reverse("keys"), fields)
    logging.getLogger("django.request").removeHandler(handler)
    assert response.status_code == 500
    assert "RuntimeError" in reports[0]
    assert any("RuntimeError" in line for line in logged)
    seen = [("page", response.content.decode()), ("headers", str(response.headers))]
    seen += [("report", text) for text in reports] + [("log", line) for line in logged]
    assert hits(secret, seen) == []


def test_sec_07_a_crash_in_a_thread_or_worker_is_logged_without_the_key(key: GatewayKey) -> None:
    secret = new_key()
    remember(secret)
    try:
        raise ValueError(f"{secret!r} in a task") from OSError(f"Authorization: Bearer {secret}")
    except ValueError:
        record = logging.LogRecord("playground", 40, __file__, 1, "failed: %s", (secret,), sys.exc_info())
    Redact().filter(record)
    for line in (Lines().format(record), Json().format(record)):
        assert "in a task" in line
        assert hits(secret, [("log", line)]) == []


LINES_OF_OTHERS = st.text(st.characters(codec="utf-8") | st.sampled_from("\n\r\x0b\x0c\x1b\x85\u2028\u2029"))


@given(LINES_OF_OTHERS, LINES_OF_OTHERS)
def test_sec_53_a_message_is_one_line_of_the_log_whatever_it_holds(words: str, more: str) -> None:
    record = logging.LogRecord("playground", 30, __file__, 1, "said %s", (words,), None)
    Redact().filter(record)
    line = Lines("%(levelname)s %(name)s %(message)s").format(record)
    assert len(line.splitlines()) == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line)
    assert len(Json().format(record).splitlines()) == 1
    try:
        raise ValueError(more)
    except ValueError:
        record.exc_info = sys.exc_info()
    first, *below = Lines("%(levelname)s %(name)s %(message)s").format(record).split("\n")
    assert first.startswith("WARNING playground said ")
    assert all(line.startswith("  ") for line in below)
    assert json.loads(Json().format(record))["traceback"].startswith("Traceback")


@pytest.mark.parametrize("forged", ["a\r\nINFO forged", "short", "x" * 200, "nul\0", "a b", "<script>"])
def test_sec_53_a_request_id_of_somebody_elses_making_is_not_taken(client: Client, forged: str) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": forged})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


@pytest.mark.parametrize("debug", [False, True], ids=["usual", "DEBUG"])
def test_sec_93_the_last_resort_page_asks_nothing_of_what_is_broken(
    broken: Client, debug: bool, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = debug

    def away(*args: object, **about: object) -> None:
        raise OperationalError("connection to server at 10.9.8.7 failed: password of user postgres")

    monkeypatch.setattr(catalog, "usable_keys", away)
    answer = broken.get("/chat/", headers={"X-Request-ID": "given-by-the-proxy"})
    html = answer.content.decode()
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == "given-by-the-proxy"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    if not debug:
        assert "Something broke on our side" in html
        assert "given-by-the-proxy" in html
        assert "10.9.8.7" not in html
        assert "Traceback" not in html


@pytest.mark.parametrize(
    ("send", "status", "words"),
    [
        (lambda client: client.get("/nothing/here"), 404, "There is nothing here"),
        (lambda client: client.get("/", headers={"Host": "evil.example"}), 400, "cannot be understood"),
        (lambda client: client.post("/chat/draft", {str(n): "" for n in range(2100)}), 404, "nothing here"),
        (
            lambda client: client.post("/settings/theme/", {f"a{n}": "" for n in range(2100)}),
            400,
            "understood",
        ),
    ],
)
def test_sec_93_every_refusal_is_a_page_in_plain_words(
    sign_in: SignIn, owner: User, send: Callable[[Client], Any], status: int, words: str
) -> None:
    answer = send(sign_in(owner))
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert answer.headers["X-Request-ID"]
