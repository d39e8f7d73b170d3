"""What the chat takes from a page: messages, images, titles and settings."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.http import QueryDict

from playground.chat import settings_form
from playground.chat.forms import MessageForm, TitleForm
from playground.chat.settings_form import SettingsForm, param_rows


def sent(*pairs: tuple[str, str]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in pairs:
        data.appendlist(name, value)
    return data


def test_a_message_keeps_its_spaces_and_lines() -> None:
    form = MessageForm(sent(("text", "  a\r\n\r\n  b  ")))
    assert form.is_valid()
    assert form.cleaned_data["text"] == "  a\n\n  b  "


@pytest.mark.parametrize(("raw", "kept"), [("a\x00b", "a\u2400b"), ("a\ud800b", "a\ufffdb")])
def test_what_a_database_refuses_is_replaced_visibly(raw: str, kept: str) -> None:
    form = MessageForm({"text": raw})
    assert form.is_valid()
    assert form.cleaned_data["text"] == kept


def test_a_message_that_is_too_long_says_how_long_it_is(settings: Any) -> None:
    settings.MAX_PROMPT_CHARS = 1000
    form = MessageForm(sent(("text", "x" * 1001)))
    assert not form.is_valid()
    assert form.complaint == "This message has 1,001 characters; at most 1,000 can be sent."


def test_images_keep_their_order_and_descriptions() -> None:
    pk = str(uuid.uuid4())
    form = MessageForm(
        sent(
            ("text", ""), ("image", pk), ("alt", "a cat"), ("image", "https://example.com/b.png"), ("alt", "")
        )
    )
    assert form.is_valid()
    assert form.cleaned_data["images"] == [
        {"attachment": pk, "alt": "a cat"},
        {"url": "https://example.com/b.png", "alt": ""},
    ]


@pytest.mark.parametrize("address", ["http://example.com/a.png", "javascript:alert(1)", "file:///etc/passwd"])
def test_only_https_addresses_are_taken_as_images(address: str) -> None:
    form = MessageForm(sent(("text", "look"), ("image", address)))
    assert not form.is_valid()
    assert form.complaint


def test_a_title_is_one_line_and_not_empty() -> None:
    form = TitleForm({"title": "  two\nlines "})
    assert form.is_valid()
    assert form.cleaned_data["title"] == "two lines"
    assert TitleForm({"title": "   "}).complaint == "Give the chat a title."


def test_a_parameter_that_is_off_is_kept_but_not_sent() -> None:
    form = SettingsForm(sent(("model", "m"), ("p-temperature", "0.4")))
    assert form.is_valid()
    assert form.settings["params"]["temperature"] == {"on": False, "value": 0.4}
    assert settings_form.sent(form.settings)["params"] == {}


def test_zero_is_sent_as_zero() -> None:
    form = SettingsForm(sent(("model", "m"), ("on-temperature", "on"), ("p-temperature", "0")))
    assert form.is_valid()
    assert settings_form.sent(form.settings)["params"] == {"temperature": 0}


def test_a_wrong_value_is_named_at_its_field_and_kept_as_typed() -> None:
    form = SettingsForm(sent(("model", "m"), ("on-temperature", "on"), ("p-temperature", "warm")))
    assert not form.is_valid()
    assert "Temperature" in form.errors["temperature"]
    row = next(row for row in param_rows(form.settings, form.errors) if row.spec.name == "temperature")
    assert (row.shown, row.on, row.error) == ("warm", True, form.errors["temperature"])


def test_a_wrong_value_of_a_parameter_that_is_off_is_no_error() -> None:
    assert SettingsForm(sent(("model", "m"), ("p-temperature", "warm"))).is_valid()


def test_streaming_is_a_switch() -> None:
    assert SettingsForm(sent(("stream", "on"))).settings["stream"] is True
    assert SettingsForm(sent(("model", "m"))).settings["stream"] is False


def test_an_unknown_family_is_not_taken_over() -> None:
    assert SettingsForm(sent(("family", "<script>"))).settings["family"] == "openai_chat"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("temperature", "0.7"),
        ("top_p", "1"),
        ("seed", "9007199254740993"),
        ("stop", "END\n\\n\\n"),
        ("n", "3"),
    ],
)
def test_what_the_inspector_shows_means_the_same_when_it_comes_back(name: str, raw: str) -> None:
    first = SettingsForm(sent((f"on-{name}", "on"), (f"p-{name}", raw)))
    shown = next(row.shown for row in param_rows(first.settings) if row.spec.name == name)
    again = SettingsForm(sent((f"on-{name}", "on"), (f"p-{name}", shown)))
    assert first.is_valid()
    assert again.settings["params"][name] == first.settings["params"][name]


def test_every_parameter_of_the_family_has_a_row_and_starts_off() -> None:
    rows = param_rows({})
    assert {"temperature", "top_p", "max_tokens", "stop", "seed", "reasoning_effort"} <= {
        row.spec.name for row in rows
    }
    assert not any(row.on for row in rows)
