"""The library for programs: by token, by label, with ETags; every error in one shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts import tokens
from accounts.models import Membership, Role, Team, User
from playground.library import labels, prompts, versions
from playground.library.models import Reach
from tests.library.conftest import Make, Save, chat

Ask = Callable[..., Any]
SETTINGS = {"family": "anthropic", "model": "claude-test", "system": "Be kind to {{name}}."}


@pytest.fixture(autouse=True)
def each_database(database: str) -> None:
    """All of this is answered by SQLite and by PostgreSQL."""


@pytest.fixture
def token_of(team: Team, owner: User) -> Callable[..., str]:
    def make_token(*scopes: str, by: User = owner, personal: bool = True, home: Team = team) -> str:
        wanted = scopes or ("prompts:read", "prompts:run")
        return tokens.make(home, "t", wanted, by=by, personal=personal, expires_at=None)[1]

    return make_token


@pytest.fixture
def ask(client: Client, token_of: Callable[..., str]) -> Ask:
    """Ask as the owner, or with the `token` given."""
    mine = token_of()

    def ask_api(path: str, body: Any = None, token: str = mine, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"} | headers
        if body is None:
            return client.get(f"/api/v1/{path}", headers=headers)
        raw = body if isinstance(body, bytes) else json.dumps(body)
        return client.post(f"/api/v1/{path}", raw, content_type="application/json", headers=headers)

    return ask_api


def test_a_label_names_the_version_that_code_gets(ask: Ask, make: Make, save: Save, owner: User) -> None:
    prompt = make(tags=["greet"], about="For guests")
    labels.point(prompt, "production", prompt.versions.get(), owner)
    save(prompt, "Newer {{name}}", note="shorter")
    told = ask("prompts/greeting?label=production").json()
    assert (told["version"], told["labels"], told["tags"]) == (1, ["production"], ["greet"])
    assert told["body"] == chat("Hello {{name}}")
    assert told["digest"] == versions.digest_of(told["body"])
    assert [one["name"] for one in told["variables"]] == ["name"]
    newest = ask("prompts/greeting").json()
    assert (newest["version"], newest["note"], newest["labels"]) == (2, "shorter", [])
    assert ask("prompts/greeting?version=1").json()["version"] == 1


def test_a_renamed_prompt_answers_to_its_old_name(ask: Ask, make: Make, owner: User) -> None:
    prompts.rename(make(), owner, title="Greeting", about="", slug="welcome")
    assert ask("prompts/greeting").json()["slug"] == "welcome"


def test_what_did_not_change_is_not_sent_again(ask: Ask, make: Make, owner: User) -> None:
    prompt = make()
    first = ask("prompts/greeting")
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    again = ask("prompts/greeting", **{"If-None-Match": f'W/"x", {tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    labels.point(prompt, "production", prompt.versions.get(), owner)
    assert ask("prompts/greeting", **{"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("prompts/nothing", 404, "not_found"),
        ("prompts/greeting?label=staging", 404, "not_found"),
        ("prompts/greeting?version=7", 404, "not_found"),
        ("prompts/greeting?version=one", 400, "bad_request"),
        ("prompts/greeting?version=99999999999", 400, "bad_request"),
        ("prompts/greeting?version=1&label=production", 400, "bad_request"),
        ("prompts/greeting%00?label=%00", 200, ""),
        ("prompts?limit=0", 400, "bad_request"),
        ("prompts?after=%00&tag=%00", 200, ""),
        ("prompts/greeting/render", 405, "method_not_allowed"),
    ],
)
def test_every_error_has_one_shape(ask: Ask, make: Make, path: str, status: int, code: str) -> None:
    make()
    response = ask(path)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    if code:
        assert set(response.json()) == {"error"}
        assert response.json()["error"]["code"] == code
        assert response.json()["error"]["message"].endswith(".")


def test_without_a_live_token_nothing_is_told(client: Client, make: Make, owner: User) -> None:
    make()
    client.force_login(owner)
    for path in ("prompts", "prompts/greeting"):
        response = client.get(f"/api/v1/{path}")
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.json()["error"]["code"] == "unauthorized"
    wrong = {"Authorization": "Bearer apt_0123456789abcdef_" + "x" * 43}
    assert client.get("/api/v1/prompts/greeting", headers=wrong).status_code == 401


def test_a_token_does_only_what_its_scope_says(ask: Ask, make: Make, token_of: Callable[..., str]) -> None:
    make()
    reads = token_of("prompts:read")
    assert ask("prompts/greeting", token=reads).status_code == 200
    refused = ask("prompts/greeting/render", {"values": {"name": "Ann"}}, token=reads)
    assert refused.status_code == 403
    assert "prompts:run" in refused.json()["error"]["message"]


def test_a_token_sees_what_its_person_sees_and_a_team_token_what_the_team_sees(
    ask: Ask, make: Make, mate: User, owner: User, token_of: Callable[..., str]
) -> None:
    make("Ours")
    make("Secret", shared=False)
    whole_team = token_of(personal=False)
    mates = token_of(by=mate)
    assert [row["slug"] for row in ask("prompts").json()["prompts"]] == ["ours", "secret"]
    for token in (whole_team, mates):
        assert [row["slug"] for row in ask("prompts", token=token).json()["prompts"]] == ["ours"]
        assert ask("prompts/secret", token=token).status_code == 404
        assert ask("prompts/secret/render", {}, token=token).status_code == 404


def test_a_viewer_may_read_but_not_render(
    ask: Ask, make: Make, mate: User, team: Team, token_of: Callable[..., str]
) -> None:
    make()
    token = token_of(by=mate)
    Membership.objects.filter(team=team, user=mate).update(role=Role.VIEWER)
    assert ask("prompts/greeting", token=token).status_code == 200
    refused = ask("prompts/greeting/render", {"values": {"name": "Ann"}}, token=token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


def test_a_prompt_that_may_only_be_seen_is_not_rendered(
    ask: Ask, make: Make, mate: User, token_of: Callable[..., str]
) -> None:
    prompt = make()
    prompt.reach, prompt.team_may = Reach.TEAM, 10
    prompt.save()
    refused = ask("prompts/greeting/render", {"values": {"name": "Ann"}}, token=token_of(by=mate))
    assert refused.status_code == 403


def test_too_many_requests_are_told_when_to_come_back(ask: Ask, make: Make, settings: LazySettings) -> None:
    make()
    settings.API_RATE = 2
    answers = [ask("prompts/greeting") for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    assert refused[0].json()["error"]["code"] == "rate_limited"


def test_the_list_goes_on_where_a_page_ended(ask: Ask, make: Make, owner: User) -> None:
    for number in range(5):
        make(f"Prompt {number}", tags=["odd"] if number % 2 else [])
    prompts.archive(make("Old"), owner)
    seen, address = [], "prompts?limit=2"
    while address:
        page = ask(address).json()
        seen += [row["slug"] for row in page["prompts"]]
        address = (page["next"] or "").partition("/api/v1/")[2]
    assert seen == [f"prompt-{number}" for number in range(5)]
    assert [row["slug"] for row in ask("prompts?tag=Odd").json()["prompts"]] == ["prompt-1", "prompt-3"]
    assert ask("prompts?archived=1&label=production").json()["prompts"] == []
    assert ask("prompts?archived=1").json()["prompts"][0]["archived"] is True


@pytest.mark.parametrize("family", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_a_version_becomes_a_request_of_any_family(ask: Ask, make: Make, family: str) -> None:
    make(body=chat("Hello {{name}}", settings=SETTINGS))
    given = {"values": {"name": "Ann {{name}}"}, "family": family, "model": "model-x", "stream": False}
    told = ask("prompts/greeting/render", given).json()
    assert told["family"] == family
    assert (told["request"]["method"], told["request"]["path"][:1]) == ("POST", "/")
    sent = json.dumps(told["request"]["body"])
    assert "Hello Ann {{name}}" in sent
    assert "Be kind to Ann {{name}}." in sent
    assert "model-x" in sent + told["request"]["path"]
    assert told["used"] == [{"slug": "greeting", "version": 1}]


def test_missing_and_wrong_values_are_said_by_name(ask: Ask, make: Make) -> None:
    declared = [{"name": "age", "type": "number"}, {"name": "name", "type": "text"}]
    make(body=chat("{{name}} is {{age}}", variables=declared, settings=SETTINGS))
    response = ask("prompts/greeting/render", {"values": {"age": "old"}})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_values")
    fields = response.json()["error"]["fields"]
    assert fields["name"] == "This is needed."
    assert "number" in fields["age"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        ({"values": []}, 400),
        ({"values": ["Ann"]}, 400),
        ({"valeus": {}}, 400),
        ({"version": True}, 400),
        ({"label": 3}, 400),
        ({"model": 3, "values": {"name": "Ann"}}, 400),
        ({"family": "nobody", "values": {"name": "Ann"}}, 422),
        (b" " * (4 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_not_of_its_shape_is_refused(ask: Ask, make: Make, body: Any, status: int) -> None:
    make()
    response = ask("prompts/greeting/render", body)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_a_prompt_of_the_studio_comes_back_filled(ask: Ask, make: Make) -> None:
    body = {"operation": "kling.text2video", "values": {"prompt": "A {{thing}} at sea"}}
    made = make("Sea", kind="video", body=body)
    told = ask(f"prompts/{made.slug}/render", {"values": {"thing": "boat"}}).json()
    assert (told["request"], told["family"]) == (None, None)
    assert told["filled"]["values"]["prompt"] == "A boat at sea"


def test_the_number_of_queries_does_not_grow_with_the_page(
    ask: Ask, make: Make, owner: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        prompt = make(f"Prompt {number}", tags=["a", "b"])
        labels.point(prompt, "production", prompt.versions.get(), owner)
    with django_assert_max_num_queries(9):
        assert len(ask("prompts").json()["prompts"]) == 8


def test_the_use_tab_shows_the_code_for_the_label(client: Client, make: Make, owner: User) -> None:
    prompt = make()
    labels.point(prompt, "production", prompt.versions.get(), owner)
    client.force_login(owner)
    page = client.get(f"/prompts/{prompt.pk}/use/").content.decode()
    assert "/api/v1/prompts/greeting?label=production" in page
    assert page.count('class="code"') == 4


def test_an_insertion_one_may_not_see_is_told_as_one_that_is_not_there(
    ask: Ask, make: Make, mate: User, token_of: Callable[..., str]
) -> None:
    make("Quiet", text="The merger of {{firm}}", shared=False)
    make("Open", body=chat("Say: {{> quiet}}", settings=SETTINGS | {"system": ""}))
    make("Empty", text="Say: {{> nobody}}")
    for token in (token_of(by=mate), token_of(personal=False)):
        hidden, absent = (ask(f"prompts/{slug}/render", {}, token=token) for slug in ("open", "empty"))
        assert (hidden.status_code, absent.status_code) == (422, 422)
        assert hidden.content.replace(b"quiet", b"nobody") == absent.content
        assert ask("prompts/open", token=token).json()["variables"] == []
    assert b"The merger of Ann" in ask("prompts/open/render", {"values": {"firm": "Ann"}}).content


@pytest.mark.parametrize(
    "value", ["NaN", "1e999", '"\\ud800"', '"\\u0000"', "[" * 900 + "]" * 900, "9" * 400]
)
@pytest.mark.parametrize("type_", ["text", "number", "json"])
def test_values_of_any_kind_are_answered_with_json(ask: Ask, make: Make, value: str, type_: str) -> None:
    declared = [{"name": "name", "type": type_}]
    make(body=chat("Hello {{name}}", variables=declared, settings=SETTINGS))
    response = ask("prompts/greeting/render", f'{{"values": {{"name": {value}}}}}'.encode())
    assert response.status_code in (200, 400, 422)
    json.loads(response.content, parse_constant=pytest.fail)
