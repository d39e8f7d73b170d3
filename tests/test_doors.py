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

from accounts import invitations, tokens
from accounts.models import GatewayKey, Role, Team, User
from playground.chat.models import Conversation
from playground.compare import lanes
from playground.history.models import View
from playground.library import prompts
from playground.library.models import ChangeRequest, Comment, Prompt
from playground.media.models import Asset, MediaTask, RouteVersion, TaskRoute, Upload
from playground.usage.models import Budget, Price
from playground.verify.models import CheckRun
from tests._servers.goods import make_goods

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
    "media:callback",
    "media:public_file",
    "library:api-description",
    "library:api-prompts",
    "library:api-prompt",
    "library:api-render",
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
    has = make_goods(owner, team, "Secret plans")
    task = MediaTask.objects.create(
        team=team,
        user=owner,
        operation="suno.generate",
        family="suno",
        medium="music",
        title="Secret plans",
        status="succeeded",
        ended_at=timezone.now(),
    )
    told = {"status": "kept", "kept_at": timezone.now(), "text": "Secret plans"}
    asset = Asset.objects.create(task=task, ordinal=0, kind="text", key="text:0", **told)
    upload = Upload.objects.create(
        team=team, user=owner, sha256="0" * 64, kind="image", media_type="image/png", size=1, file="none.png"
    )
    route = TaskRoute.objects.create(team=team, key="secret-plans", label="Secret plans")
    RouteVersion.objects.create(route=route, number=1, author=owner, definition={})
    chats = {"chat": has.talk, "turn": has.answer, "run": has.run, "attachment": has.file, "key": has.key}
    folk = team_objects(owner, team)
    chats |= prompt_objects(owner, team) | compared_objects(owner, team)
    chats["history_view"] = View.objects.create(
        team=team, owner=owner, name="Secret plans", query="kind=chat"
    )
    chats["price"] = Price.objects.create(
        team=team, family="suno", model="Secret plans", since=timezone.now()
    )
    chats["budget"] = Budget.objects.create(
        team=team, person=owner, period="day", measure="tokens", limit=1000
    )
    chats["check"] = CheckRun.objects.create(
        team=team, user=owner, key_label="Secret plans", base_url="https://a.example",
        state=CheckRun.State.PASSED, ended_at=timezone.now(),
    )  # fmt: skip
    return chats | folk | {"task": task, "asset": asset, "upload": upload, "route": route}


def compared_objects(owner: User, team: Team) -> dict[str, Any]:
    """A comparison with an answer: the addresses of Compare do not know a chat's."""
    has = make_goods(owner, team, "Secret plans compared")
    comparison = lanes.begun_with([{"model": "m", "family": "openai_chat"}] * 2)
    comparison["lanes"][0]["leaf"] = str(has.answer.pk)
    Conversation.objects.filter(pk=has.talk.pk).update(comparison=comparison)
    return {"comparison": has.talk, "compared": has.answer}


def prompt_objects(owner: User, team: Team) -> dict[str, Any]:
    """What stands in the addresses of the library, and where the chat and the studio open what is in it."""
    body = {"messages": [{"role": "user", "text": "Secret plans"}]}
    prompt = prompts.create(team, owner, kind="chat", title="Secret plans", body=body)
    version = prompt.versions.get()
    change = ChangeRequest.objects.create(
        prompt=prompt, version=version, label="staging", author=owner, title="Secret plans"
    )
    comment = Comment.objects.create(version=version, author=owner, text="Secret plans")
    return {"prompt": prompt, "version": version, "change": change, "comment": comment}


def team_objects(owner: User, team: Team) -> dict[str, Any]:
    """What stands in the addresses of a team's settings."""
    now, words = timezone.now(), "Secret plans"
    shared = GatewayKey.objects.create(
        owner=owner, team=team, label=f"{words} 2", shared=True, base_url="http://127.0.0.1:9"
    )
    invited, _ = invitations.invite(
        "secret.plans@example.com", team=team, role=Role.MEMBER, by=owner, now=now
    )
    token, _ = tokens.make(team, words, ["prompts:read"], by=owner, personal=False, expires_at=None)
    return {"member": owner, "team_key": shared, "invitation": invited, "token": token}


def kind_of(name: str, route: str) -> str:
    """Which of `objects` an address with an id is about; an unknown one fails the test."""
    for part, kind in (
        ("chat/turn/", "turn"),
        ("chat/run/", "run"),
        ("chat/attachment/", "attachment"),
        ("compare/turn/", "compared"),
        ("compare/", "comparison"),
        ("prompts/comment/", "comment"),
        ("prompts/change/", "change"),
        ("prompts/", "prompt"),
        ("chat/prompt/", "version"),
        ("chat/", "chat"),
        ("models/keys/", "key"),
        ("settings/keys/", "key"),
        ("settings/team-keys/", "team_key"),
        ("settings/members/", "member"),
        ("settings/invitations/", "invitation"),
        ("settings/tokens/", "token"),
        ("settings/routes/", "route"),
        ("studio/prompt/", "version"),
        ("studio/task/", "task"),
        ("history/views/", "history_view"),
        ("history/", "run"),
        ("usage/prices/", "price"),
        ("usage/budgets/", "budget"),
        ("verify/", "check"),
        ("media/asset/", "asset"),
        ("media/upload/", "upload"),
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
# What the whole team sees, and only its owner and admins change.
TEAM = (
    "studio/task/", "media/", "settings/routes/", "settings/team-keys/", "settings/invitations/",
    "settings/tokens/", "usage/prices/",
)  # fmt: skip


@pytest.mark.parametrize(("name", "route"), ALL)
def test_a_closed_door_asks_to_sign_in(
    name: str, route: str, client: Client, objects: dict[str, Any]
) -> None:
    response = client.get(address(name, route, objects))
    if name in OPEN:
        assert response.status_code in (200, 302, 401, 404, 405, 503), response
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
    # The gateway has no session: what is posted there is believed for its unguessable address alone.
    # A session opens nothing of the API: without a token it is 401.
    refused = (404,) if name == "media:callback" else (401, 403, 405)
    assert client.post(address(name, route, objects), {"title": "x"}).status_code in refused


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
    refused = (403, 405) if route.startswith(TEAM) else (404, 405)
    if name != "chat:attachment":
        assert response.status_code in refused, f"{name} answered {response.status_code}"


@pytest.mark.parametrize(("name", "route"), OWN)
def test_a_viewer_sees_a_shared_chat_and_changes_nothing(
    name: str, route: str, viewer: User, client: Client, objects: dict[str, Any]
) -> None:
    Conversation.objects.update(shared=True)
    GatewayKey.objects.update(shared=True)
    Prompt.objects.update(reach="team")
    CheckRun.objects.update(shared=True)
    client.force_login(viewer)
    response = client.post(address(name, route, objects))
    # A person's keys page holds their own keys: somebody else's is not on it, shared for use or not.
    # A member is found in the team in use, which is the viewer's own. A budget is its person's to see.
    # The lists of a shared key are there for everybody, and asked for by members.
    own = kind_of(name, route) in ("key", "member", "history_view", "budget") and not route.startswith(
        "models/"
    )
    refused = (404,) if own else (403, 405)
    assert response.status_code in refused, f"{name} answered {response.status_code}"


@pytest.mark.parametrize(("name", "route"), OWN)
def test_an_id_that_nobody_has_is_not_found(name: str, route: str, owner: User, client: Client) -> None:
    client.force_login(owner)
    nothing = {kind_of(name, route): type("Row", (), {"pk": uuid.uuid4()})}
    if name in ("chat:ask", "chat:keep"):
        return  # the page makes the id of a new chat up; an unknown one is created
    response = client.get(address(name, route, nothing))
    assert response.status_code in (404, 405)
