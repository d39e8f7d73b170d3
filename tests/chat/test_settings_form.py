"""The settings of a conversation: families and their parameters, extra fields, caching, tools, schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat import screen, settings_form
from playground.chat.models import Conversation, Draft
from playground.chat.settings_form import SettingsForm
from playground.gateway.wire import FAMILIES
from playground.ops.models import ModelEntry

HTMX = {"HX-Request": "true"}


def form(stored: dict[str, Any] | None = None, **fields: str | list[str]) -> SettingsForm:
    """Keyword arguments cannot hold a dash: the first underscore stands for one."""
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name.replace("_", "-", 1), value if isinstance(value, list) else [value])
    return SettingsForm(data, stored)


def switch(to: str, of: str, stored: dict[str, Any] | None = None, **fields: str) -> dict[str, Any]:
    chosen = form(stored, family=to, params_of=of, **fields)
    assert chosen.errors == {}
    return chosen.settings


def test_what_two_families_call_otherwise_goes_along() -> None:
    settings = switch(
        "gemini",
        "openai_chat",
        on_temperature="on", p_temperature="0.4", on_stop="on", p_stop="END", on_seed="on", p_seed="7",
    )  # fmt: skip
    assert settings_form.sent(settings)["params"] == {
        "generationConfig.temperature": 0.4,
        "generationConfig.stopSequences": ["END"],
    }


def test_what_is_off_does_not_go_along() -> None:
    settings = switch("gemini", "openai_chat", p_temperature="0.4")
    assert settings_form.sent(settings)["params"] == {}


def test_a_value_that_the_other_family_refuses_stays_behind() -> None:
    settings = switch("anthropic", "openai_chat", on_temperature="on", p_temperature="1.7")
    assert "temperature" not in settings_form.sent(settings)["params"]


def test_on_the_way_back_everything_is_as_it_was() -> None:
    there = switch("gemini", "openai_chat", on_seed="on", p_seed="7")
    back = switch("openai_chat", "gemini", there)
    assert settings_form.sent(back)["params"] == {"seed": 7}


def test_a_required_parameter_is_sent_without_a_switch_and_has_a_value_when_emptied() -> None:
    assert settings_form.sent(form(family="anthropic", p_max_tokens="99").settings)["params"] == {
        "max_tokens": 99
    }
    assert settings_form.sent(form(family="anthropic").settings)["params"] == {"max_tokens": 4096}
    assert "max_tokens" in form(family="anthropic", p_max_tokens="many").errors


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_parameter_shows_what_its_family_takes_back(family: str) -> None:
    for row in settings_form.param_rows({"family": family}):
        if row.shown:
            assert row.spec.clean(row.shown) == row.spec.default


@pytest.mark.parametrize("family", list(FAMILIES))
def test_of_many_parameters_the_usual_ones_come_first_and_none_is_lost(family: str) -> None:
    shown = screen.family_context({"family": family})
    names = [row.spec.name for row in (*shown["usual"], *shown["rarer"])]
    assert sorted(names) == sorted(spec.name for spec in FAMILIES[family].params)
    assert any("temperature" in row.spec.name.lower() for row in shown["usual"])
    assert shown["rarer_open"] is False
    rare = shown["rarer"][0].spec.name
    on = {"family": family, "params": {rare: {"on": True, "value": None}}}
    assert screen.family_context(on)["rarer_open"] is True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "must be valid JSON"),
        ("[1]", "must be a JSON object"),
        ('{"stream": false}', "has its own control"),
        ('{"model": "x"}', "has its own control"),
        ('{"a": NaN}', "valid JSON"),
        ("[" * 5000, "nested too deep"),
    ],
)
def test_extra_fields_that_cannot_be_sent_say_why_and_stay_as_typed(text: str, told: str) -> None:
    chosen = form(extra=text)
    assert told in chosen.errors["extra"]
    assert chosen.settings["extra"] == text


def test_extra_fields_are_sent_beside_the_parameters() -> None:
    assert settings_form.sent(form(extra='{"logit_bias": {"5": 1}}').settings)["extra"] == {
        "logit_bias": {"5": 1}
    }
    assert "extra" not in settings_form.sent(form(extra="").settings)


def test_caching_is_kept_and_an_unknown_time_is_the_short_one() -> None:
    settings = form(cache_system="on", cache_ttl="1h").settings
    assert settings["caching"] == {"system": True, "tools": False, "ttl": "1h"}
    assert form(cache_tools="on", cache_ttl="1y").settings["caching"]["ttl"] == "5m"


def tools(*names: str, **more: str | list[str]) -> SettingsForm:
    fields: dict[str, str | list[str]] = {
        "tools_on": "on",
        "tool_name": list(names),
        "tool_parameters": ['{"type": "object"}' for _ in names],
    }
    return form(None, **(fields | more))


def test_tools_are_sent_in_order_and_empty_rows_are_none() -> None:
    chosen = tools("weather", "", "clock", tool_choice="clock", tool_parameters=["{}", "", ""])
    assert chosen.errors == {}
    sent = settings_form.sent(chosen.settings)
    assert [tool["name"] for tool in sent["tools"]] == ["weather", "clock"]
    assert sent["tool_choice"] == "clock"


@pytest.mark.parametrize(
    ("chosen", "place"),
    [
        (tools("with space"), "tool-0-name"),
        (tools("ok", "auto"), "tool-1-name"),
        (tools("a", "a"), "tools"),
        (tools(), "tools"),
        (tools("a", tool_parameters=['{"type": "nonsense"}']), "tool-0-parameters"),
        (tools("a", tool_parameters=["[1]"]), "tool-0-parameters"),
    ],
)
def test_a_tool_that_cannot_be_offered_is_named_at_its_place(chosen: SettingsForm, place: str) -> None:
    assert place in chosen.errors


def test_tools_that_are_switched_off_are_kept_unchecked_and_not_sent() -> None:
    data = QueryDict(mutable=True)
    data.setlist("tool-name", ["with space"])
    chosen = SettingsForm(data)
    assert chosen.is_valid()
    assert chosen.settings["tools"]["list"][0]["name"] == "with space"
    assert "tools" not in settings_form.sent(chosen.settings)


def test_saved_results_go_along_only_where_calls_are_answered_with_them() -> None:
    chosen = tools("weather", tool_mock=["sunny"])
    assert "mocks" not in settings_form.sent(chosen.settings)
    chosen = tools("weather", tool_mock=["sunny"], tools_auto="on")
    assert settings_form.sent(chosen.settings)["mocks"] == {"weather": "sunny"}


def test_a_schema_is_checked_while_it_is_on() -> None:
    assert "schema" in form(schema_on="on", schema="{").errors
    assert "schema" in form(schema_on="on", schema="").errors
    assert "schema-name" in form(schema_on="on", schema="{}", schema_name="no spaces").errors
    assert form(schema="{").is_valid()
    settings = form(schema_on="on", schema='{"type": "object"}', schema_strict="on").settings
    assert settings_form.sent(settings)["schema"] == {
        "name": "answer",
        "strict": True,
        "schema": {"type": "object"},
    }


# What the page gets back when the settings change.


@pytest.fixture
def page(sign_in: Any, owner: User) -> Client:
    client: Client = sign_in(owner)
    return client


@pytest.fixture
def talk(owner: User, team: Team, chosen: dict[str, Any]) -> Conversation:
    return Conversation.objects.create(owner=owner, team=team, title="Lighthouses", settings=chosen)


def change(page: Client, talk: Conversation, **data: str) -> str:
    fields = {name.replace("params_of", "params-of"): value for name, value in data.items()}
    response = page.post(reverse("chat:settings", args=[talk.pk]), fields, headers=HTMX)
    assert response.status_code == 200
    assert "settings-kept" in response.headers["HX-Trigger-After-Swap"]
    talk.refresh_from_db()
    return str(response.content.decode())


def test_another_family_brings_its_parameters_and_its_name(
    page: Client, talk: Conversation, key: GatewayKey
) -> None:
    about = {"model": "m-1", "key": str(key.pk)}
    same = change(page, talk, family="openai_chat", params_of="openai_chat", **about)
    assert "family-part" not in same
    html = change(page, talk, family="anthropic", params_of="openai_chat", **about)
    assert 'id="family-part" data-family="anthropic" data-marks-cache' in html
    assert 'name="p-thinking.budget_tokens"' in html
    assert 'name="on-max_tokens"' not in html
    assert 'data-family="anthropic">Anthropic' in html
    assert talk.settings["family"] == "anthropic"


def test_marks_for_the_cache_survive_a_family_that_has_none(
    page: Client, talk: Conversation, key: GatewayKey
) -> None:
    Conversation.objects.update(settings=talk.settings | {"family": "anthropic"})
    html = change(
        page, talk, **{"family": "gemini", "params_of": "anthropic", "cache-system": "on", "cache-ttl": "1h"}
    )
    assert '<input class="setting" type="hidden" name="cache-system" value="on"' in html
    assert 'name="cache-ttl" value="1h"' in html


def test_the_model_changes_with_the_family_only_when_the_new_list_lacks_it(
    page: Client, talk: Conversation, key: GatewayKey
) -> None:
    for family, model in (("openai_chat", "only-chat"), ("openai_chat", "both"), ("anthropic", "both")):
        ModelEntry.objects.create(key=key, family=family, model_id=model, name=model)
    about = {"family": "anthropic", "params_of": "openai_chat", "key": str(key.pk)}
    cases = [
        ("only-chat", {"fit": "1"}, "both"),
        ("both", {"fit": "1"}, "both"),
        ("typed/by-hand", {"fit": "1"}, "typed/by-hand"),
        # Chosen with its family in the picker: that is what is wanted.
        ("only-chat", {}, "only-chat"),
        ("only-chat", {"fit": "1", "key": "nonsense"}, "only-chat"),
    ]
    for model, more, expected in cases:
        html = change(page, talk, **(about | {"model": model} | more))
        assert talk.settings["model"] == expected
        assert f'name="model" value="{expected}"' in html


def test_a_change_in_a_new_chat_is_kept_in_its_draft(page: Client, owner: User, key: GatewayKey) -> None:
    talk = Conversation()
    url = reverse("chat:settings", args=[talk.pk])
    page.post(url, {"family": "gemini", "params-of": "openai_chat", "model": "m"}, headers=HTMX)
    assert Draft.objects.get(user=owner).settings["family"] == "gemini"
    html = page.get(reverse("chat:new")).content.decode()
    assert 'data-family="gemini" data-takes-files' in html


def test_stored_settings_of_an_older_chat_are_shown(page: Client, talk: Conversation) -> None:
    Conversation.objects.update(settings={"model": "m", "params": {"temperature": {"on": True}}})
    html = page.get(reverse("chat:show", args=[talk.pk])).content.decode()
    assert 'value="openai_chat" selected' in html
    assert json.dumps("m") in html
