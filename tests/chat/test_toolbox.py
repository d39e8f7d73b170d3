"""The views of tools, tool sets and schemas."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat import examples, turns
from playground.chat.models import Conversation, Draft, ToolSet, Turn
from playground.chat.settings_form import SettingsForm

SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
NEW = uuid.UUID(int=7)
TOOL = {"tool-name": "weather", "tool-description": "Now", "tool-parameters": "{}", "tool-mock": "sunny"}


def fields(key: GatewayKey, **more: Any) -> dict[str, Any]:
    usual = {"family": "openai_chat", "params-of": "openai_chat", "model": "m-1", "key": str(key.pk)}
    return usual | {"tool-choice": "auto", "schema-strict": "on", "schema-name": "answer"} | more


def two(key: GatewayKey, **more: Any) -> dict[str, Any]:
    """The form with two tools."""
    rows = {name: [value, f"{value}2"] for name, value in TOOL.items()} | {"tool-parameters": ["{}", "{}"]}
    return fields(key, **rows, **more)


def names(conversation: Conversation) -> list[str]:
    conversation.refresh_from_db()
    return [tool["name"] for tool in conversation.settings["tools"]["list"]]


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


def post(client: Client, name: str, pk: uuid.UUID, data: dict[str, Any], **headers: str) -> Any:
    return client.post(reverse(f"chat:{name}", args=[pk]), data, headers=HTMX | headers)


def test_an_example_is_added_with_a_name_of_its_own_and_switches_tools_on(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    talk = answer.conversation
    post(page, "tools", talk.pk, fields(key, do="add:weather"))
    rows = {f"tool-{name}": text for name, text in examples.TOOLS[0].row.items()}
    html = post(page, "tools", talk.pk, fields(key, do="add:weather", **rows)).content.decode()
    assert names(talk) == ["get_weather", "get_weather_2"]
    assert talk.settings["tools"]["on"]
    assert html.count('class="fold tool"') == 2
    assert html.count("<details") == html.count("</details>")
    assert html.count(" open>") == 1


@pytest.mark.parametrize("example", examples.TOOLS, ids=lambda example: example.key)
def test_every_example_of_a_tool_is_in_order(example: examples.ToolExample, page: Client) -> None:
    form = SettingsForm(_data({f"tool-{name}": text for name, text in example.row.items()}))
    assert form.errors == {}
    json.loads(example.row["mock"])


@pytest.mark.parametrize("example", examples.SCHEMAS, ids=lambda example: example.key)
def test_every_example_of_a_schema_is_in_order(
    example: examples.SchemaExample, page: Client, key: GatewayKey, answer: Turn
) -> None:
    post(page, "schema", answer.conversation_id, fields(key, do=f"example:{example.key}"))
    answer.conversation.refresh_from_db()
    assert answer.conversation.settings["schema"]["text"] == example.text
    assert answer.conversation.settings["schema"]["on"]


def _data(rows: dict[str, str]) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update(rows | {"tools-on": "on"})
    return data


def test_an_empty_tool_is_not_called_wrong_before_anybody_named_it(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    html = post(page, "tools", answer.conversation_id, fields(key, do="add:")).content.decode()
    assert "A tool needs a name" not in html
    assert "autofocus" in html
    html = post(
        page, "tools", answer.conversation_id, fields(key, do="format:0", **{"tools-on": "on"}, **TOOL)
    ).content.decode()
    assert "autofocus" not in html


def test_a_tool_is_removed_and_the_others_stay(page: Client, key: GatewayKey, answer: Turn) -> None:
    post(page, "tools", answer.conversation_id, two(key, do="remove:0"))
    assert names(answer.conversation) == ["weather2"]
    post(page, "tools", answer.conversation_id, two(key, do="remove:9"))
    assert names(answer.conversation) == ["weather", "weather2"]
    absurd = post(page, "tools", answer.conversation_id, two(key, do="remove:" + "9" * 5000))
    assert absurd.status_code == 200


def test_json_is_laid_out_and_what_is_none_stays_and_is_called_so(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    rows = TOOL | {"tool-parameters": '{"type":"object"}', "tool-mock": "not {json"}
    post(page, "tools", answer.conversation_id, fields(key, do="format:0", **rows))
    answer.conversation.refresh_from_db()
    (tool,) = answer.conversation.settings["tools"]["list"]
    assert tool["parameters"] == '{\n  "type": "object"\n}'
    assert tool["mock"] == "not {json"
    rows = TOOL | {"tool-parameters": "{oops", "tools-on": "on"}
    html = post(page, "tools", answer.conversation_id, fields(key, do="format:0", **rows)).content.decode()
    assert "The schema must be valid JSON" in html
    assert '<details class="fold tool" id="tool-0" open>' in html


def test_errors_of_tools_and_schema_are_said_at_their_fields(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    data = two(key, schema="{", **{"tools-on": "on", "schema-on": "on", "schema-name": "no name"})
    data["tool-name"] = ["no name", "weather2"]
    html = post(page, "settings", answer.conversation_id, data).content.decode()
    for place, said in (
        ("tool-0-name", "A tool needs a name"),
        ("schema", "The schema must be valid JSON"),
        ("schema-name", "The name takes letters"),
    ):
        assert f'id="error-{place}" hx-swap-oob="true">' in html
        assert said in html
    assert 'id="error-tool-1-name" hx-swap-oob="true" hidden>' in html


def test_without_script_the_page_comes_back_as_it_was_typed(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    url = reverse("chat:tools", args=[answer.conversation_id])
    response = page.post(url, two(key, do="remove:0", text="half a thought"))
    html = response.content.decode()
    assert response.status_code == 200
    assert "half a thought" in html
    assert 'value="weather2"' in html


def test_the_tools_of_a_chat_that_is_not_made_are_kept_in_the_draft(page: Client, key: GatewayKey) -> None:
    post(page, "tools", NEW, fields(key, do="add:clock"))
    assert Draft.objects.get().settings["tools"]["list"][0]["name"] == "current_time"
    assert not Conversation.objects.exists()


# Tool sets


def sets(client: Client, chat: uuid.UUID, data: dict[str, Any] | None = None, **headers: str) -> Any:
    url = f"{reverse('chat:tool-sets')}?conversation={chat}"
    return client.post(url, data, headers=headers) if data is not None else client.get(url, headers=headers)


def test_a_set_is_saved_by_one_and_loaded_by_another(
    page: Client, key: GatewayKey, answer: Turn, mate: User, sign_in: SignIn
) -> None:
    saved = sets(page, answer.conversation_id, two(key, do="save", **{"set-name": " The  desk "}), **HTMX)
    assert saved.status_code == 204
    assert "Saved 2 tools as “The desk”." in json.loads(saved.headers["HX-Trigger"])["toast"]["text"]
    found = ToolSet.objects.get()
    other = sign_in(mate)
    assert "weather, weather2" in sets(other, NEW, **HTMX).content.decode()
    html = post(other, "tools", NEW, fields(key, do=f"load:{found.pk}")).content.decode()
    assert 'value="weather2"' in html
    assert [row["name"] for row in Draft.objects.get(user=mate).settings["tools"]["list"]] == [
        "weather",
        "weather2",
    ]


def test_a_name_that_is_taken_is_asked_about_before_it_is_replaced(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    ToolSet.objects.create(team=answer.conversation.team, name="Desk", tools=[])
    data = two(key, do="save", **{"set-name": "Desk"})
    refused = sets(page, answer.conversation_id, data, **HTMX)
    assert refused.status_code == 422
    assert "Save again to replace it" in refused.content.decode()
    assert sets(page, answer.conversation_id, data | {"replaces": "Desk"}, **HTMX).status_code == 204
    assert len(ToolSet.objects.get().tools) == 2


@pytest.mark.parametrize(("name", "said"), [("", "Give the set a name."), ("x", "no tool to save")])
def test_a_set_needs_a_name_and_tools(
    page: Client, key: GatewayKey, answer: Turn, name: str, said: str
) -> None:
    data = fields(key, do="save", **{"set-name": name})
    response = sets(page, answer.conversation_id, data, **HTMX)
    assert response.status_code == 422
    assert said in response.content.decode()


def test_a_set_is_deleted(page: Client, answer: Turn) -> None:
    found = ToolSet.objects.create(team=answer.conversation.team, name="Desk", tools=[])
    html = sets(page, answer.conversation_id, {"do": f"delete:{found.pk}"}, **HTMX).content.decode()
    assert "Nobody has kept a set yet" in html
    assert not ToolSet.objects.exists()


def test_without_script_a_set_is_saved_and_loaded_from_a_page_of_its_own(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    post(page, "tools", answer.conversation_id, two(key, do=""))
    saved = sets(page, answer.conversation_id, {"do": "save", "set-name": "Desk"})
    assert saved.status_code == 302
    post(page, "tools", answer.conversation_id, two(key, do="remove:0"))
    url = reverse("chat:tools", args=[answer.conversation_id])
    assert page.post(url, {"do": f"load:{ToolSet.objects.get().pk}"}).status_code == 302
    assert names(answer.conversation) == ["weather", "weather2"]
    assert answer.conversation.settings["model"] == "m-1"


def test_a_viewer_can_neither_see_nor_change_sets(sign_in: SignIn, viewer: User, team: Team) -> None:
    found = ToolSet.objects.create(team=team, name="Desk", tools=[])
    client = sign_in(viewer)
    assert sets(client, NEW).status_code == 403
    assert sets(client, NEW, {"do": f"delete:{found.pk}"}).status_code == 403
    assert post(client, "tools", NEW, {"do": f"load:{found.pk}"}).status_code == 403
    assert ToolSet.objects.exists()


def test_a_set_of_another_team_is_not_there(sign_in: SignIn, stranger: User, owner: User, team: Team) -> None:
    found = ToolSet.objects.create(team=team, name="Secret desk", tools=[])
    client = sign_in(stranger)
    assert "Secret desk" not in sets(client, NEW).content.decode()
    for data in ({"do": f"delete:{found.pk}"}, {"do": "delete:nonsense"}):
        assert sets(client, NEW, data).status_code == 404
    assert post(client, "tools", NEW, {"do": f"load:{found.pk}"}).status_code == 404
    mine = turns.start(owner, owner.personal_team, id=uuid.uuid4(), settings={})
    assert post(sign_in(owner), "tools", mine.pk, {"do": f"load:{found.pk}"}).status_code == 404
    assert ToolSet.objects.exists()


# Schema


def test_a_sample_becomes_the_schema(page: Client, key: GatewayKey, answer: Turn) -> None:
    html = post(page, "schema", answer.conversation_id, fields(key, do="sample", sample='{"a": 1}'))
    assert "&quot;integer&quot;" in html.content.decode()
    answer.conversation.refresh_from_db()
    assert json.loads(answer.conversation.settings["schema"]["text"])["required"] == ["a"]


def test_a_bad_sample_is_told_and_stays_and_the_schema_too(
    page: Client, key: GatewayKey, answer: Turn
) -> None:
    data = fields(key, do="sample", sample='{"a": <b>', schema='{"type": "null"}')
    html = post(page, "schema", answer.conversation_id, data).content.decode()
    assert "The sample must be valid JSON" in html
    assert "{&quot;a&quot;: &lt;b&gt;</textarea>" in html
    assert "{&quot;type&quot;: &quot;null&quot;}</textarea>" in html


def test_a_schema_is_laid_out(page: Client, key: GatewayKey, answer: Turn) -> None:
    post(page, "schema", answer.conversation_id, fields(key, do="format", schema='{"type":"null"}'))
    answer.conversation.refresh_from_db()
    assert answer.conversation.settings["schema"]["text"] == '{\n  "type": "null"\n}'
    html = post(page, "schema", answer.conversation_id, fields(key, do="format", schema="{")).content.decode()
    assert "The schema must be valid JSON" in html


def test_an_unknown_example_of_a_schema_is_not_found(page: Client, key: GatewayKey, answer: Turn) -> None:
    assert post(page, "schema", answer.conversation_id, fields(key, do="example:none")).status_code == 404
