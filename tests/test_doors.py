"""Every address of the site, tried by everybody: made from the URL table, so that no view is forgotten."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Attachment, Conversation, Run, Turn

# Open to people who are not signed in, each for a reason.
OPEN = {
    "livez",
    "readyz",
    "enter",
    "join",
    "join-by-link",
    "account_login",
    "account_signup",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_inactive",
    "account_confirm_email",
    "account_email_verification_sent",
}
HEADERS = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Permissions-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "X-Frame-Options",
    "Cache-Control",
    "X-Request-ID",
)


def patterns(
    resolver: URLResolver, prefix: str = "", space: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from patterns(entry, prefix + str(entry.pattern), inner)
        else:
            yield f"{space}{entry.name}", prefix + str(entry.pattern), entry


TABLE = {name: entry for name, _, entry in patterns(get_resolver())}


@pytest.fixture
def objects(owner: User, team: Team) -> dict[str, Any]:
    """One object of the owner's for every kind of id that stands in an address."""
    key = GatewayKey.objects.create(owner=owner, team=team, label="Main", base_url="http://127.0.0.1:9")
    talk = Conversation.objects.create(team=team, owner=owner, title="Secret plans")
    asked = Turn.objects.create(
        conversation=talk, role="user", text="q", parts=[{"kind": "text", "text": "q"}]
    )
    answer = Turn.objects.create(conversation=talk, parent=asked, role="assistant", text="a")
    Conversation.objects.filter(pk=talk.pk).update(leaf=answer)
    run = Run.objects.create(
        team=team,
        user=owner,
        key=key,
        conversation=talk,
        asked=asked,
        answer=answer,
        family="openai_chat",
        model="m",
        status="finished",
        ended_at=timezone.now(),
    )
    file = Attachment.objects.create(
        team=team, user=owner, sha256="0" * 64, media_type="image/png", size=1, file="none.png"
    )
    return {"chat": talk, "turn": answer, "run": run, "attachment": file, "key": key}


def kind_of(name: str, route: str) -> str:
    """Which of `objects` an address with an id is about; an unknown one fails the test."""
    for part, kind in (
        ("chat/turn/", "turn"),
        ("chat/run/", "run"),
        ("chat/attachment/", "attachment"),
        ("chat/", "chat"),
        ("settings/keys/", "key"),
    ):
        if route.startswith(part):
            return kind
    raise AssertionError(f"{name} ({route}) needs an object in this test")


def address(name: str, route: str, objects: dict[str, Any]) -> str:
    converters = TABLE[name].pattern.converters
    given: dict[str, Any] = {}
    for argument, converter in converters.items():
        if type(converter).__name__ == "UUIDConverter":
            given[argument] = objects[kind_of(name, route)].pk
        else:
            given[argument] = "unknown"
    regex = getattr(TABLE[name].pattern, "regex", None)
    if regex is not None and regex.groupindex:
        given = {argument: given.get(argument, "unknown") for argument in regex.groupindex}
    return reverse(name, kwargs=given)


ALL = [(name, route) for name, route, _ in patterns(get_resolver())]
OWN = [(name, route) for name, route in ALL if "<uuid:" in route]
# A stream needs a running relay: tests/security looks at what its answer carries and writes.
PAGES = [(name, route) for name, route in ALL if name != "chat:live"]


@pytest.mark.parametrize(("name", "route"), ALL)
def test_a_closed_door_asks_to_sign_in(
    name: str, route: str, client: Client, objects: dict[str, Any]
) -> None:
    response = client.get(address(name, route, objects))
    if name in OPEN:
        assert response.status_code in (200, 302, 404, 405, 503), response
    else:
        assert response.status_code == 302
        assert "/login" in response.headers["Location"]
    assert b"Secret plans" not in response.content


@pytest.mark.parametrize(("name", "route"), PAGES)
def test_every_answer_carries_the_security_headers(
    name: str, route: str, client: Client, owner: User, objects: dict[str, Any]
) -> None:
    client.force_login(owner)
    response = client.get(address(name, route, objects))
    for header in HEADERS:
        assert header in response.headers, f"{name} lacks {header}"
    assert "unsafe" not in response.headers["Content-Security-Policy"] or name == "chat:attachment"


@pytest.mark.parametrize(("name", "route"), ALL)
def test_nothing_is_changed_without_the_csrf_token(
    name: str, route: str, owner: User, objects: dict[str, Any]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post(address(name, route, objects), {"title": "x"}).status_code in (403, 405)


# Looking at an invitation puts it into the visitor's session: that is what its link is for.
REMEMBERS = {"join-by-link": "django_session"}
WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO)\s+"?(\w+)', re.IGNORECASE)


@pytest.mark.parametrize(("name", "route"), PAGES)
def test_looking_changes_nothing(
    name: str, route: str, client: Client, owner: User, objects: dict[str, Any]
) -> None:
    client.force_login(owner)
    written: list[str] = []

    def trace(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        written.extend(WRITES.findall(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(trace):
        client.get(address(name, route, objects))
    assert [table for table in written if table != REMEMBERS.get(name)] == []


@pytest.mark.parametrize(("name", "route"), OWN)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_belongs_to_another_team_is_not_there(
    name: str, route: str, method: str, stranger: User, client: Client, objects: dict[str, Any]
) -> None:
    client.force_login(stranger)
    response = getattr(client, method)(address(name, route, objects))
    assert response.status_code in (404, 405), f"{name} answered {response.status_code}"
    assert b"Secret plans" not in response.content


@pytest.mark.parametrize(("name", "route"), OWN)
@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_what_is_not_shared_is_not_there_for_mates_either(
    name: str, route: str, who: str, request: pytest.FixtureRequest, client: Client, objects: dict[str, Any]
) -> None:
    client.force_login(request.getfixturevalue(who))
    response = client.post(address(name, route, objects))
    if name != "chat:attachment":
        assert response.status_code in (404, 405), f"{name} answered {response.status_code}"


@pytest.mark.parametrize(("name", "route"), OWN)
def test_a_viewer_sees_a_shared_chat_and_changes_nothing(
    name: str, route: str, viewer: User, client: Client, objects: dict[str, Any]
) -> None:
    Conversation.objects.update(shared=True)
    GatewayKey.objects.update(shared=True)
    client.force_login(viewer)
    response = client.post(address(name, route, objects))
    # A person's keys page holds their own keys: somebody else's is not on it, shared for use or not.
    refused = (404,) if kind_of(name, route) == "key" else (403, 405)
    assert response.status_code in refused, f"{name} answered {response.status_code}"


@pytest.mark.parametrize(("name", "route"), OWN)
def test_an_id_that_nobody_has_is_not_found(name: str, route: str, owner: User, client: Client) -> None:
    client.force_login(owner)
    nothing = {
        kind: type("Row", (), {"pk": uuid.uuid4()}) for kind in ("chat", "turn", "run", "attachment", "key")
    }
    if name == "chat:ask":
        return  # the page makes the id of a new chat up; an unknown one is created
    response = client.get(address(name, route, nothing))
    assert response.status_code in (404, 405)
