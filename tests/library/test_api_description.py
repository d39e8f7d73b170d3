"""The OpenAPI description is valid, and says what the API does."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from openapi_spec_validator import validate

from accounts import tokens
from accounts.models import Team, User
from playground.gateway.wire import FAMILIES
from playground.library import openapi
from tests.library.conftest import Make


@pytest.fixture
def described(client: Client) -> dict[str, Any]:
    """As anybody gets it."""
    response = client.get("/api/v1/openapi.json")
    assert response.status_code == 200
    told: dict[str, Any] = response.json()
    return told


def test_it_is_valid_openapi(described: dict[str, Any]) -> None:
    validate(described)
    assert described["openapi"].startswith("3.1")


def test_it_names_every_address_of_the_api(described: dict[str, Any]) -> None:
    names = [entry for entry in get_resolver().url_patterns if getattr(entry, "namespace", "") == "library"]
    patterns = getattr(names[0], "url_patterns", [])
    routes = {str(entry.pattern).replace("<str:slug>", "{slug}") for entry in patterns}
    assert {f"/{route}" for route in routes if route.startswith("api/")} == set(described["paths"])


def test_it_names_every_family(described: dict[str, Any]) -> None:
    assert tuple(FAMILIES) == openapi.FAMILIES


def test_answers_are_as_it_says(
    client: Client, described: dict[str, Any], make: Make, team: Team, owner: User
) -> None:
    make(tags=["a"], body={"messages": [{"role": "user", "text": "Hi {{name}}"}], "settings": {"model": "m"}})
    scopes = ["prompts:read", "prompts:run"]
    _, text = tokens.make(team, "t", scopes, by=owner, personal=True, expires_at=None)
    headers = {"Authorization": f"Bearer {text}"}

    def check(name: str, value: Any) -> None:
        whole = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)

    check("PromptPage", client.get(reverse("library:api-prompts"), headers=headers).json())
    check("PromptVersion", client.get("/api/v1/prompts/greeting", headers=headers).json())
    given = {"values": {"name": "Ann"}}
    check("RenderRequest", given)
    address = "/api/v1/prompts/greeting/render"
    options: dict[str, Any] = {"content_type": "application/json", "headers": headers}
    check("Rendered", client.post(address, json.dumps(given), **options).json())
    check("Error", client.post(address, "{}", **options).json())
    check("Error", client.get("/api/v1/prompts").json())


def test_it_is_not_sent_twice(client: Client) -> None:
    tag = client.get("/api/v1/openapi.json").headers["ETag"]
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": tag}).status_code == 304
    assert client.post("/api/v1/openapi.json").status_code == 405
