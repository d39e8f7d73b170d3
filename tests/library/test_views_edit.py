"""Writing prompts: the form and what comes of it, two people at once, what changed, and old versions."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from playground.library import finding, forms_body, forms_merge
from playground.library.models import Prompt, Reach

NEW = reverse("library:new")
HTMX = {"HTTP_HX_REQUEST": "true"}
WHOLE = {
    "variables": [
        {
            "name": "tone",
            "type": "choice",
            "label": "Tone",
            "default": "kind",
            "required": False,
            "choices": ["kind"],
        }
    ],
    "messages": [{"role": "user", "text": "Say {{tone}}"}, {"role": "assistant", "text": "Yes"}],
    "settings": {
        "family": "openai_chat",
        "model": "demo-chat",
        "system": "Be brief.",
        "stream": True,
        "params": {"temperature": {"on": True, "value": 0.3}, "seed": {"on": False, "value": 7}},
        "tools": {
            "on": True,
            "choice": "find",
            "auto": True,
            "list": [{"name": "find", "description": "d", "parameters": "{}", "mock": ""}],
        },
        "schema": {"on": True, "name": "reply", "strict": False, "text": '{"type": "object"}'},
        "caching": {"system": True},
        "fallback": {"on": True, "model": "demo-chat-mini", "ask": False},
    },
}


def url(name: str, prompt: Prompt) -> str:
    return reverse(f"library:{name}", args=[prompt.pk])


def form(**fields: Any) -> dict[str, Any]:
    """What the page of a new chat prompt sends."""
    return {
        "act": "save",
        "kind": "chat",
        "title": "Letter",
        "role": ["user"],
        "text": ["Dear {{name}}"],
    } | fields


def typed_from(prompt: Prompt, client: Any) -> dict[str, Any]:
    """The form of the prompt's editor, as a browser would send it back untouched."""
    from html.parser import HTMLParser

    class Fields(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[tuple[str, str]] = []
            self.select = self.area = ""
            self.chosen: str | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            told = dict(attrs)
            if tag == "input" and told.get("name"):
                self.found.append((str(told["name"]), told.get("value") or ""))
            elif tag == "textarea":
                self.area = str(told.get("name"))
                self.found.append((self.area, ""))
            elif tag == "select":
                self.select, self.chosen = str(told.get("name")), None
            elif tag == "option" and self.select and (self.chosen is None or "selected" in told):
                self.chosen = told.get("value") or ""

        def handle_endtag(self, tag: str) -> None:
            if tag == "select" and self.select:
                self.found.append((self.select, self.chosen or ""))
                self.select = ""
            elif tag == "textarea":
                self.area = ""

        def handle_data(self, data: str) -> None:
            if self.area:
                name, before = self.found[-1]
                self.found[-1] = (name, before + data)

    page = client.get(url("edit", prompt)).content.decode()
    reader = Fields()
    reader.feed(page.split('id="editor"')[1].split("</form>")[0])
    data: dict[str, list[str]] = {"act": ["save"]}
    for name, value in reader.found:
        data.setdefault(name, []).append(value)
    return dict(data)


@pytest.fixture
def at_desk(sign_in, owner):
    return sign_in(owner)


def test_a_new_prompt_is_made_with_what_was_typed(at_desk, owner):
    response = at_desk.post(NEW, form(system="Be kind.", note="First", about="Mail", reach="private"))
    prompt = Prompt.objects.get()
    assert response.headers["Location"] == url("prompt", prompt)
    assert (prompt.title, prompt.about, prompt.reach, prompt.owner) == (
        "Letter",
        "Mail",
        Reach.PRIVATE,
        owner,
    )
    head = finding.resolve(prompt.team, prompt.slug, user=owner)
    assert (head.number, head.note) == (1, "First")
    assert head.body["settings"] == {"system": "Be kind."}
    assert head.body["messages"] == [{"role": "user", "text": "Dear {{name}}"}]


def test_a_name_in_braces_becomes_a_variable(at_desk):
    at_desk.post(NEW, form())
    body = Prompt.objects.get().head.body
    assert body["variables"] == [{"name": "name", "type": "text", "required": True}]


def test_variables_keep_type_help_default_and_choices(at_desk):
    told = {"var-name": ["tone", ""], "var-type": ["choice", "text"], "var-label": ["Tone", ""]}
    told |= {"var-default": ["warm", ""], "var-required": ["0", "1"], "var-help": ["How", ""]}
    at_desk.post(NEW, form(text=["Be {{tone}}"], **told, **{"var-choices": ["warm\r\ncold\r\n", ""]}))
    assert Prompt.objects.get().head.body["variables"] == [
        {
            "name": "tone",
            "type": "choice",
            "label": "Tone",
            "help": "How",
            "default": "warm",
            "required": False,
            "choices": ["warm", "cold"],
        }
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": " "}, "Give it a title."),
        ({"tools": "{"}, "is no JSON"),
        ({"tools": "{}"}, "Tools are one JSON list"),
        ({"tools": "[1]"}, "Every tool is an object"),
        ({"schema": "[]"}, "A schema is one JSON object"),
        ({"extra": "[" * 3000}, "JSON"),
        ({"family": "openai_chat", "params-of": "openai_chat", "p-temperature": "hot"}, "must be a number"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(at_desk, fields, sentence):
    response = at_desk.post(NEW, form(about="Kept as typed", **fields))
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page and "Kept as typed" in page and "Dear {{name}}" in page
    assert not Prompt.objects.exists()


def test_a_variable_that_is_none_is_said_at_its_row(at_desk):
    told = {"var-name": ["two words"], "var-type": ["text"]}
    page = at_desk.post(NEW, form(**told)).content.decode()
    assert 'id="var-0-error"' in page
    assert not Prompt.objects.exists()


@pytest.mark.parametrize(
    ("act", "texts", "names"),
    [
        ("message", ["Dear {{name}}", ""], []),
        ("drop-message:0", [], []),
        ("variable", ["Dear {{name}}"], [""]),
        ("find", ["Dear {{name}}"], ["name"]),
        ("fields", ["Dear {{name}}"], []),
        ("drop-message:nonsense", ["Dear {{name}}"], []),
        ("drop-variable:99", ["Dear {{name}}"], []),
    ],
)
def test_rows_come_and_go_without_saving(at_desk, act, texts, names):
    response = at_desk.post(NEW, form(act=act), **HTMX)
    assert response.status_code == 200
    page = response.content.decode()
    assert "<html" not in page
    assert page.count('name="text"') == len(texts)
    assert page.count('name="var-name"') == len(names)
    assert not Prompt.objects.exists()


def test_the_fields_follow_the_operation_that_is_chosen(at_desk):
    first, other = forms_body.operations("image")[:2]
    page = at_desk.get(f"{NEW}?kind=image&operation={first[0]}").content.decode()
    assert f'<option value="{first[0]}" selected>' in page
    sent = {"act": "fields", "kind": "image", "operation": other[0]}
    assert f'<option value="{other[0]}" selected>' in at_desk.post(NEW, sent).content.decode()


def test_a_form_of_the_studio_is_saved_with_its_values(at_desk):
    sent = {"act": "save", "kind": "image", "title": "Poster", "operation": "kling.image"}
    at_desk.post(NEW, sent | {"p-prompt": "A {{thing}}", "p-model_name": ""})
    prompt = Prompt.objects.get()
    assert prompt.kind == "image"
    assert prompt.head.body["operation"] == "kling.image"
    assert prompt.head.body["values"] == {"prompt": "A {{thing}}"}


def test_a_kind_that_is_none_is_not_found(at_desk):
    assert at_desk.get(f"{NEW}?kind=nonsense").status_code == 404


def test_to_open_and_to_save_changes_nothing(at_desk, make):
    prompt = make(body=WHOLE)
    response = at_desk.post(url("edit", prompt), typed_from(prompt, at_desk), follow=True)
    assert "Nothing was changed." in response.content.decode()
    assert prompt.versions.count() == 1


def test_a_change_is_a_new_version_and_keeps_what_the_form_does_not_show(at_desk, make):
    prompt = make(body=WHOLE)
    sent = typed_from(prompt, at_desk) | {"system": ["Be long."], "p-temperature": [""], "note": ["Longer"]}
    at_desk.post(url("edit", prompt), sent)
    head = Prompt.objects.get().head
    assert (head.number, head.note) == (2, "Longer")
    expected = WHOLE["settings"] | {"system": "Be long."}
    expected["params"] = expected["params"] | {"temperature": {"on": False, "value": 0.3}}
    assert head.body["settings"] == expected
    assert prompt.versions.get(number=1).body == WHOLE


def test_htmx_is_led_to_the_prompt(at_desk, make):
    prompt = make(body=WHOLE)
    response = at_desk.post(url("edit", prompt), typed_from(prompt, at_desk) | {"system": ["x"]}, **HTMX)
    assert response.headers["HX-Redirect"] == url("prompt", prompt)


def test_an_old_version_can_be_where_one_begins(at_desk, make, save):
    prompt = make(text="Old words")
    save(prompt, "New words")
    page = at_desk.get(url("edit", prompt) + "?from=1").content.decode()
    assert "Old words" in page
    assert 'name="base" value="2"' in page
    assert "From version 1" in page


def test_another_family_gets_only_the_parameters_it_knows(at_desk, make):
    prompt = make(body=WHOLE)
    at_desk.post(url("edit", prompt), typed_from(prompt, at_desk) | {"family": ["anthropic"]})
    assert set(Prompt.objects.get().head.body["settings"]["params"]) == {"temperature"}


def test_the_second_of_two_sees_both_texts_and_overwrites_nothing(sign_in, make, owner, mate):
    prompt = make(body=WHOLE)
    mine = typed_from(prompt, sign_in(owner)) | {"text": ["Mine {{tone}}", "Yes"]}
    theirs = typed_from(prompt, sign_in(mate)) | {"text": ["Theirs {{tone}}", "Yes"], "system": ["Be wise."]}
    sign_in(mate).post(url("edit", prompt), theirs)
    client = sign_in(owner)
    raced = client.post(url("edit", prompt), mine)
    page = raced.content.decode()
    assert raced.status_code == 422
    assert prompt.versions.count() == 2
    assert "saved version 2 meanwhile" in page
    assert "Theirs" in page and "Mine" in page
    assert "You both changed text 1" in page
    assert "the system text" in page and "Be wise." in page
    # The form goes on from theirs, and saving it now is a version of its own.
    assert 'name="base" value="2"' in page
    client.post(url("edit", prompt), mine | {"base": ["2"], "system": ["Be wise."]})
    head = Prompt.objects.get().head
    assert head.number == 3
    assert head.body["messages"][0]["text"] == "Mine {{tone}}"
    assert head.body["settings"]["system"] == "Be wise."


def test_merging_takes_what_only_one_changed_and_names_the_rest():
    base = {
        "messages": [{"role": "user", "text": "a"}],
        "settings": {"system": "s", "params": {"x": 1, "y": 1}},
    }
    theirs = {
        "messages": [{"role": "user", "text": "b"}],
        "settings": {"system": "t", "params": {"x": 2, "y": 1}},
    }
    mine = {"messages": [{"role": "user", "text": "c"}], "settings": {"system": "s", "params": {"x": 1}}}
    merged = forms_merge.merge(base, theirs, mine)
    assert merged.body == {
        "messages": [{"role": "user", "text": "c"}],
        "settings": {"system": "t", "params": {"x": 2}},
    }
    assert merged.clashing == ("text 1",)
    assert merged.taken == ("the system text", "the setting x")


def test_merging_keeps_a_row_that_each_of_them_added():
    row = {"name": "a", "type": "text"}
    theirs = {"variables": [row, {"name": "b", "type": "text"}]}
    merged = forms_merge.merge(
        {"variables": [row]}, theirs, {"variables": [row, {"name": "c", "type": "text"}]}
    )
    assert [each["name"] for each in merged.body["variables"]] == ["a", "b", "c"]
    assert merged.clashing == ()


def test_texts_of_another_number_are_not_mixed():
    base = {"messages": [{"role": "user", "text": "a"}]}
    theirs = {"messages": [{"role": "user", "text": "a"}, {"role": "user", "text": "b"}]}
    merged = forms_merge.merge(base, theirs, {"messages": [{"role": "user", "text": "c"}]})
    assert merged.body == {"messages": [{"role": "user", "text": "c"}]}
    assert merged.clashing == ("the texts",)


def test_two_versions_are_compared_in_words_and_settings(at_desk, make, save):
    prompt = make(body=WHOLE)
    changed = WHOLE | {"messages": [{"role": "user", "text": "Ask {{tone}}"}, WHOLE["messages"][1]]}
    save(prompt, body=changed)
    page = at_desk.get(url("compare", prompt)).content.decode()
    assert "<del>Say</del>" in page and "<ins>Ask</ins>" in page
    assert "1 part changed" in page
    inline = at_desk.get(url("compare", prompt) + "?a=1&b=2&view=inline").content.decode()
    assert 'class="diff inline' in inline and "<ins>Ask</ins>" in inline
    same = at_desk.get(url("compare", prompt) + "?a=2&b=2").content.decode()
    assert "They say the same." in same
    assert "demo-chat" in at_desk.get(url("compare", prompt) + "?whole").content.decode()


def test_restoring_makes_a_version_of_its_own(at_desk, make, save):
    prompt = make(text="Old words")
    save(prompt, "New words")
    response = at_desk.post(url("restore", prompt), {"number": "1", "base": "2"}, follow=True)
    assert "Version 1 is the newest again, as version 3." in response.content.decode()
    assert Prompt.objects.get().head.body == prompt.versions.get(number=1).body


def test_restoring_after_somebody_saved_asks_again(at_desk, make, save):
    prompt = make(text="Old words")
    save(prompt, "New words")
    response = at_desk.post(url("restore", prompt), {"number": "1", "base": "1"}, follow=True)
    assert "Meanwhile version 2 was saved." in response.content.decode()
    assert prompt.versions.count() == 2
