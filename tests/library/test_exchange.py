"""Files of every format become drafts, and drafts become files that say the same.

Sources of the samples: langfuse.json is the object of Langfuse's "Prompts data model" page, with type,
placeholder, commitMessage and createdAt of its OpenAPI description and its page object; open_webui.json has
the columns of Open WebUI's `prompt` table, which its export lists, before and after `title` became `name`;
openai.json has the fields of OpenAI's Responses API (`prompt`, `instructions`, `tools`, `text.format`) and
of its guide "Migrate from prompt objects": there is no export. prompt.md and prompts.csv are our own.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from playground.library import exchange, kinds
from playground.library.exchange import Draft, DraftVersion
from playground.library.exchange.draft import KINDS

SAMPLES = Path(__file__).parent / "samples"


def parsed(name: str) -> list[Draft]:
    found = exchange.parse((SAMPLES / name).read_bytes(), name)
    assert found.complaints == []
    return found.prompts


def test_langfuse_prompts_come_with_versions_labels_tags_and_folders() -> None:
    critic, talk = parsed("langfuse.json")
    assert (critic.title, critic.slug, critic.folder) == (
        "movie-critic",
        "critics-movie-critic",
        ("critics",),
    )
    assert critic.tags == ("movies",)
    old, new = critic.versions
    assert old.body == {"messages": [{"role": "user", "text": "Do you like {{movie}}?"}]}
    assert (old.labels, new.labels) == ((), ("production", "staging"))
    assert (new.note, new.created_at) == ("ask about the level", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert "{{> house-rules@production}}" in new.body["messages"][0]["text"]
    assert new.body["settings"]["model"] == "gpt-4o"
    assert new.body["settings"]["params"] == {"temperature": {"on": True, "value": "0.5"}}
    assert new.body["config"] == {"supported_languages": ["en", "fr"]}
    assert any("supported_languages" in remark for remark in critic.remarks)
    assert any("Old Name" in remark for remark in critic.remarks)
    assert talk.head.body["settings"] == {"system": "You are a {{criticLevel}} movie critic"}
    assert [message["text"] for message in talk.head.body["messages"]] == [
        "{{chat_history}}",
        "Do you like {{movie}}?",
        "It depends.",
    ]
    assert [message["role"] for message in talk.head.body["messages"]] == ["user", "user", "assistant"]


def test_open_webui_prompts_come_with_their_typed_variables() -> None:
    summary, greeting = parsed("open_webui.json")
    assert (summary.slug, summary.title) == ("summarize", "Summarize an article")
    assert summary.head.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert summary.head.body["messages"][0]["text"] == (
        "Summarize for {{audience}}:\n{{text}}\nWords: {{words}}. By {{USER_NAME}}."
    )
    audience, text, words, user = summary.head.body["variables"]
    choices = ["experts", "children"]
    assert audience == {
        "name": "audience", "type": "choice", "required": True, "default": "experts", "choices": choices,
    }  # fmt: skip
    assert text == {"name": "text", "type": "long", "required": False, "help": "Paste it"}
    assert words == {"name": "words", "type": "number", "required": False, "default": "100"}
    assert user["name"] == "USER_NAME"
    assert "USER_NAME" in summary.remarks[0]
    assert (greeting.slug, greeting.title, greeting.tags) == ("greet", "Greeting", ("daily",))


def test_openai_prompt_objects_come_with_id_versions_and_variables() -> None:
    support, city = parsed("openai.json")
    assert (support.slug, support.title) == ("support-reply", "Support reply")
    old, new = support.versions
    assert old.body["settings"]["system"] == "You help customers."
    assert new.note == "OpenAI pmpt_68b0c29740048196bd3a6e6ac3c4d0e20ed9a13f0d15bf5e, version 2"
    assert (old.labels, new.labels) == ((), ("production",))
    settings = new.body["settings"]
    assert (settings["family"], settings["model"]) == ("openai_responses", "gpt-5.1")
    assert settings["system"] == "You help {{customer_name}}."
    assert settings["params"]["temperature"] == {"on": True, "value": "0.3"}
    assert settings["params"]["reasoning.effort"] == {"on": True, "value": "low"}
    assert [tool["name"] for tool in settings["tools"]["list"]] == ["refund"]
    assert json.loads(settings["schema"]["text"])["type"] == "object"
    assert new.body["messages"] == [{"role": "user", "text": "The issue: {{issue}}"}]
    assert new.body["variables"] == [
        {"name": "customer_name", "default": "Acme"},
        {"name": "issue", "default": "billing question"},
        {"name": "screenshot", "type": "image"},
    ]
    assert (city.slug, city.head.note) == ("pmpt-abc123", "OpenAI pmpt_abc123, version 4")
    assert city.head.body["settings"]["system"] == "Talk about San Francisco"
    assert city.head.body["variables"] == [{"name": "city", "default": "San Francisco"}]


def test_a_bare_id_of_openai_is_told_what_is_missing() -> None:
    call = b'{\n"model": "m",\n"prompt": {"id": "pmpt_1", "version": "1", "variables": {"a": "b"}}}'
    (complaint,) = exchange.parse(call).complaints
    assert "pmpt_1" in complaint.sentence
    assert "dashboard" in complaint.sentence


def test_an_openai_object_may_hold_its_versions() -> None:
    rows = [{"version": 2, "instructions": "Two"}, {"version": 1, "instructions": "One"}]
    value = {"id": "pmpt_1", "name": "Counting", "default_version": "1", "versions": rows}
    (draft,) = exchange.parse(json.dumps(value).encode()).prompts
    assert [version.body["settings"]["system"] for version in draft.versions] == ["One", "Two"]
    assert [version.labels for version in draft.versions] == [("production",), ()]


def test_markdown_with_front_matter_is_a_prompt() -> None:
    (draft,) = parsed("prompt.md")
    assert (draft.slug, draft.title) == ("write-a-release-note", "Write a release note")
    assert (draft.tags, draft.folder) == (("writing", "release"), ("Docs", "Releases"))
    assert (draft.head.labels, draft.head.note) == (("production",), "shorter")
    body = draft.head.body
    assert body["settings"]["system"] == "You write release notes.\n\n## User\nis a heading, and not a role."
    assert body["settings"]["family"] == "anthropic"
    assert body["messages"] == [
        {"role": "user", "text": "Of {{day}}:\n\n{{changes}}"},
        {"role": "assistant", "text": "# Release"},
    ]
    assert body["variables"][1]["default"] == "2026-03-01"


def test_a_plain_text_is_a_prompt_of_its_file_name() -> None:
    (draft,) = exchange.parse(b"Hello {{name}}", "my greeting.txt").prompts
    assert (draft.title, draft.slug) == ("my greeting", "my-greeting")
    assert draft.head.body == {"messages": [{"role": "user", "text": "Hello {{name}}"}]}


def test_rows_of_one_name_in_a_csv_are_versions() -> None:
    greeting, total = parsed("prompts.csv")
    assert (greeting.slug, greeting.tags, greeting.folder) == (
        "greeting",
        ("daily", "mail"),
        ("Letters", "Short"),
    )
    old, new = greeting.versions
    assert old.body == {
        "settings": {"system": "Be kind."},
        "messages": [{"role": "user", "text": "Hello {{name}},\nhow are you?"}],
    }
    assert new.body["settings"] == {"model": "m", "system": "Be kind."}
    assert (old.labels, new.labels) == (("staging",), ("production",))
    assert total.head.body["messages"][0]["text"] == "=1+1 is {{x}}"


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_csv_may_be_separated_otherwise_and_be_pasted(sign: str) -> None:
    text = f"title{sign}prompt\nHi{sign}Hello\n"
    assert exchange.parse(text.encode("utf-16")).prompts[0].title == "Hi"


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    texts = ["=HYPERLINK(1)", "+1", "-1", "@x", "'quoted", "plain", "\t=1"]
    drafts = [
        Draft(f"p{place}", text, (DraftVersion({"messages": [{"role": "user", "text": text}]}),))
        for place, text in enumerate(texts)
    ]
    content, suffix, _ = exchange.write(drafts, "csv")
    for row in csv.reader(io.StringIO(content.decode())):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    back = exchange.parse(content, f"x.{suffix}").prompts
    assert [draft.head.body["messages"][0]["text"] for draft in back] == texts


def test_several_prompts_in_markdown_are_a_zip_that_is_read_back() -> None:
    drafts = [*parsed("prompt.md"), *parsed("langfuse.json")]
    content, suffix, _ = exchange.write(drafts, "markdown")
    assert suffix == "zip"
    back = exchange.parse(content, "prompts.zip")
    assert back.complaints == []
    assert [draft.slug for draft in back.prompts] == [draft.slug for draft in drafts]
    assert content == exchange.write(drafts, "markdown")[0]


VERSIONS = (
    DraftVersion(
        {
            "messages": [
                {"role": "user", "text": "Hi {{name}}\n## System\n\\{{x}}"},
                {"role": "assistant", "text": "a"},
            ],
            "settings": {
                "system": "Be kind",
                "model": "m",
                "params": {"temperature": {"on": True, "value": "1"}},
            },
            "variables": [{"name": "name", "type": "choice", "choices": ["Ann"], "default": "Ann"}],
            "future": {"kept": [1, 2.5, None, True]},
        },
        note="first",
        labels=("production",),
        author="Ann",
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    ),
    DraftVersion(
        {"messages": [{"role": "user", "text": "Bye"}]}, created_at=datetime(2026, 1, 3, tzinfo=UTC)
    ),
)
WHOLE = Draft("greeting", "Greeting", VERSIONS, "About", "chat", ("a", "b"), ("x", "y"))


def test_our_own_json_gives_back_exactly_what_went_in() -> None:
    studio = Draft(
        "sea", "Sea", (DraftVersion({"operation": "kling.text2video", "values": {"prompt": "{{x}}"}}),)
    )
    content, _, _ = exchange.write([WHOLE], "json")
    (back,) = exchange.parse(content, "x.json").prompts
    assert [*back.versions] == [*VERSIONS]
    named = (back.slug, back.title, back.about, back.kind, back.tags, back.folder)
    assert named == ("greeting", "Greeting", "About", "chat", ("a", "b"), ("x", "y"))
    assert exchange.write([back], "json")[0] == content
    assert exchange.parse_own(content).prompts[0].versions == VERSIONS
    assert exchange.parse(exchange.write([studio], "json")[0]).prompts[0].head.body == studio.head.body


@pytest.mark.parametrize("key", [key for key in exchange.FORMATS if key != "json"])
def test_every_format_is_read_back_as_what_it_was_written_from(key: str) -> None:
    content, suffix, _ = exchange.write([WHOLE], key)
    found = exchange.parse(content, f"prompts.{suffix}")
    assert (found.complaints, found.format) == ([], key)
    (back,) = found.prompts
    assert len(back.versions) == (2 if exchange.FORMATS[key].whole else 1)
    assert back.head.body["messages"][-1]["text"] == "Bye"
    if exchange.FORMATS[key].whole:
        first = back.versions[0]
        assert first.body["settings"]["system"] == "Be kind"
        assert first.body["settings"]["model"] == "m"
        assert first.labels == ("production",)


JSONS = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(some.dictionaries(some.text(max_size=8), JSONS, max_size=4), some.text(max_size=50))
def test_any_body_survives_our_own_json(body: dict[str, Any], note: str) -> None:
    draft = Draft("a", "A", (DraftVersion(body, note=note),))
    assert exchange.parse(exchange.write([draft], "json")[0]).prompts[0].versions == draft.versions


@given(some.text(alphabet="#\\ UserAstnSym\n{}-x", max_size=60))
def test_any_text_survives_markdown(text: str) -> None:
    said = text.strip("\n")
    draft = Draft("a", "A", (DraftVersion({"messages": [{"role": "user", "text": said}]}),))
    content, _, _ = exchange.write([draft], "markdown")
    assert exchange.parse(content, "a.md").prompts[0].head.body["messages"] == draft.head.body["messages"]


def test_a_zip_may_hold_files_of_several_formats() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("prompt.md", "langfuse.json", "prompts.csv"):
            archive.write(SAMPLES / name, f"all/{name}")
        archive.writestr("__MACOSX/._x", b"\0")
    assert len(exchange.parse(out.getvalue(), "x.zip").prompts) == 5


def test_every_kind_of_the_library_may_stand_in_a_file() -> None:
    assert KINDS == kinds.KEYS
