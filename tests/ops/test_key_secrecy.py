"""Settings → My keys: who reaches a key, and that its secret is nowhere to be found."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import pytest
from django.core import serializers
from django.core.signals import got_request_exception
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.views.debug import ExceptionReporter

from accounts import vault
from accounts.models import AuditEvent, GatewayKey, Membership, Role, Team, User
from tests.ops.adding import HTMX, SECRET, SPELLINGS, add
from tests.ops.gateway import Gateway

MakeKey = Callable[..., GatewayKey]
SignIn = Callable[[User], Client]


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


@pytest.mark.parametrize("name", ["key-test", "key-change", "key-rotate", "key-revoke"])
def test_nobody_but_its_owner_reaches_a_key_shared_or_not(
    sign_in: SignIn,
    gateway: Gateway,
    make_key: MakeKey,
    mate: User,
    viewer: User,
    stranger: User,
    name: str,
) -> None:
    key = make_key()
    for shared in (False, True):
        GatewayKey.objects.update(shared=shared)
        for user in (mate, viewer, stranger):
            client = sign_in(user)
            fields = {"secret": SECRET, "label": "Theirs", "base_url": gateway.url}
            assert client.post(reverse(name, args=[key.pk]), fields).status_code == 404
            assert str(key.pk) not in client.get(reverse("keys")).content.decode()
    key.refresh_from_db()
    assert (key.label, key.revoked_at, gateway.keys) == ("Mine", None, [])


def test_a_viewer_reads_the_page_but_adds_nothing(sign_in: SignIn, viewer: User, gateway: Gateway) -> None:
    client = sign_in(viewer)
    assert "Your role in this team is viewer" in client.get(reverse("keys")).content.decode()
    fields = {"label": "Mine", "base_url": gateway.url, "secret": SECRET}
    assert client.post(reverse("keys"), fields).status_code == 403
    assert gateway.keys == []


def test_who_became_a_viewer_changes_no_key_any_more(
    page: Client, gateway: Gateway, make_key: MakeKey, owner: User
) -> None:
    key = make_key()
    Membership.objects.filter(user=owner, team=key.team).update(role=Role.VIEWER)
    assert page.post(reverse("key-revoke", args=[key.pk])).status_code == 403


def test_a_visitor_is_sent_to_sign_in(client: Client, gateway: Gateway, make_key: MakeKey) -> None:
    key = make_key()
    for url in (reverse("keys"), reverse("key-test", args=[key.pk])):
        assert client.post(url).status_code == 302
    assert gateway.keys == []


@pytest.mark.parametrize("name", ["key-test", "key-change", "key-rotate", "key-revoke"])
def test_nothing_happens_by_a_link(page: Client, make_key: MakeKey, name: str) -> None:
    assert page.get(reverse(name, args=[make_key().pk])).status_code == 405


def test_what_was_done_to_a_key_is_on_record_without_the_key(
    page: Client, gateway: Gateway, owner: User, team: Team
) -> None:
    gateway.lists("one")
    add(page, gateway)
    key = GatewayKey.objects.get()
    page.post(reverse("key-change", args=[key.pk]), {"label": "New", "base_url": gateway.url})
    page.post(reverse("key-rotate", args=[key.pk]), {"secret": "sk-another-00000001"})
    page.post(reverse("key-revoke", args=[key.pk]))
    events = AuditEvent.objects.order_by("pk")
    assert [event.verb for event in events] == [
        *("key.add", "key.test"),
        "key.change",
        *("key.rotate", "key.test"),
        "key.revoke",
    ]
    assert events[1].detail == {"result": "works"}
    assert {(event.actor, event.team) for event in events} == {(owner, team)}
    assert SECRET not in serializers.serialize("json", events)


def test_the_secret_is_nowhere_even_when_the_gateway_echoes_it(
    page: Client, gateway: Gateway, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.echoes_the_key()
    seen = [add(page, gateway), add(page, gateway, base_url="https://evil.example"), add(page, gateway)]
    key = GatewayKey.objects.get()
    for name in ("key-test", "key-rotate", "key-change"):
        for headers in (HTMX, None):
            url, fields = reverse(name, args=[key.pk]), {"secret": SECRET, "label": "", "base_url": ""}
            response = page.post(url, fields, headers=headers, follow=True)
            seen.append(response.content.decode() + str(response.headers))
    seen += [page.get(reverse("keys")).content.decode()]
    seen += [page.get(reverse("model-options"), {"key": str(key.pk)}).content.decode()]
    seen += [page.post(reverse("model-refresh"), {"key": str(key.pk)}).content.decode()]
    seen += [*capfd.readouterr(), caplog.text, database_dump()]
    assert GatewayKey.objects.get().test_passed is False
    for number, text in enumerate(seen):
        for spelling in SPELLINGS:
            assert spelling.lower() not in text.lower(), number


def database_dump() -> str:
    """Every value of every table, bytes also as text and hexadecimal."""
    values: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                for value in row:
                    values.append(value.hex() if isinstance(value, bytes) else str(value))
                    values.append(value.decode("latin-1") if isinstance(value, bytes) else "")
    return "\n".join(values)


def test_a_report_of_a_crash_hides_the_secret(
    page: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[str] = []

    def report(request: HttpRequest, **about: object) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info())
        reports.extend([reporter.get_traceback_html(), reporter.get_traceback_text()])

    def crash(*args: object, **about: object) -> None:
        raise RuntimeError("the vault is broken")

    monkeypatch.setattr(vault, "seal", crash)
    got_request_exception.connect(report)
    page.raise_request_exception = False
    try:
        fields = {"label": "Mine", "base_url": gateway.url, "secret": SECRET}
        response = page.post(reverse("keys"), fields)
    finally:
        got_request_exception.disconnect(report)
    assert response.status_code == 500
    assert "the vault is broken" in reports[0]
    for text in [response.content.decode(), *reports]:
        for spelling in SPELLINGS:
            assert spelling not in text
