"""`{{name}}`: found, checked and replaced, whatever stands around it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.library import variables
from playground.library.variables import Insertion, TooLong, Variable

BRACKETS = st.text(alphabet="\\{}> @ab{{\n", max_size=40)


def refuse(insertion: Insertion) -> str:
    raise AssertionError(f"{insertion} was not asked for")


def fill(text: str, **texts: str) -> str:
    return variables.fill(text, texts, lambda insertion: f"<{insertion}>")


def texts_of(kind: str, value: object, **more: object) -> tuple[dict[str, str], dict[str, str]]:
    return variables.check([Variable("it", type=kind, **more)], {"it": value})  # type: ignore[arg-type] - as JSON gives it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{name}}!", "Hello Ada!"),
        ("{{ name }}{{name}}", "AdaAda"),
        ("{{{name}}}", "{Ada}"),
        ("{{unknown}}", "{{unknown}}"),
        ("{{ user.name }} {{1st}} {{}} {{", "{{ user.name }} {{1st}} {{}} {{"),
        (r"\{{name}}", "{{name}}"),
        (r"\\{{name}}", r"\Ada"),
        (r"\\\{{name}}", r"\{{name}}"),
        (r"\{{ user.name }}", "{{ user.name }}"),
        (r"a\b \n {name}", r"a\b \n {name}"),
        ("{{> tone}}, {{>tone@production}}, {{> tone@3 }}", "<tone>, <tone@production>, <tone@3>"),
        (r"\{{> tone}}", "{{> tone}}"),
    ],
)
def test_what_stands_in_braces_is_replaced_unless_a_backslash_is_before_it(text, expected):
    assert fill(text, name="Ada") == expected


@given(BRACKETS)
def test_an_escaped_text_comes_out_as_it_was(text):
    escaped = variables.escape(text)
    assert variables.fill(escaped, {"a": "X", "ab": "Y", "b": "Z"}, refuse) == text
    assert variables.find({"messages": [{"text": escaped}]}) == []


@given(BRACKETS, BRACKETS, st.text(max_size=20))
def test_a_value_is_never_filled_again(before, after, value):
    text = f"{variables.escape(before)} {{{{name}}}} {variables.escape(after)}"
    assert variables.fill(text, {"name": f"{{{{a}}}}{value}", "a": "X"}, refuse) == (
        f"{before} {{{{a}}}}{value} {after}"
    )


@given(BRACKETS)
def test_what_is_found_is_what_gets_filled(text):
    body = {"messages": [{"text": text}]}
    asked: list[Insertion] = []
    filled = variables.fill(
        text, dict.fromkeys(variables.find(body), "\0"), lambda i: asked.append(i) or "\1"
    )
    assert ("\0" in filled) == bool(variables.find(body))
    assert list(dict.fromkeys(asked)) == variables.insertions(body)


def test_names_are_found_in_the_order_they_are_read():
    body = {
        "messages": [{"text": "{{b}} {{a}} {{b}}"}, {"text": "{{c}}"}],
        "settings": {"system": "{{d}}", "model": "{{not here}} {{e}}"},
        "values": {"prompt": "{{f}}", "list": ["{{g}}", {"deep": "{{h}}"}]},
        "model": "{{e}}",
    }
    assert variables.find(body) == ["d", "b", "a", "c", "f", "g", "h"]


def test_only_texts_are_replaced_and_the_body_given_stays_as_it_was():
    body = {
        "variables": [{"name": "a"}],
        "messages": [{"role": "user", "text": "{{a}}"}],
        "settings": {"system": "{{a}}", "model": "{{a}}"},
        "values": {"n": 1, "list": ["{{a}}"], "on": True, "none": None},
    }
    before = json.dumps(body)
    assert variables.replaced(body, str.upper) == {
        "messages": [{"role": "user", "text": "{{A}}"}],
        "settings": {"system": "{{A}}", "model": "{{a}}"},
        "values": {"n": 1, "list": ["{{A}}"], "on": True, "none": None},
    }
    assert json.dumps(body) == before


def test_a_name_that_only_stands_in_a_text_is_a_required_text():
    body = {"variables": [{"name": "count", "type": "number"}], "messages": [{"text": "{{count}} {{what}}"}]}
    found = variables.read(body)
    assert [(one.name, one.type, one.declared) for one in found] == [
        ("count", "number", True),
        ("what", "text", False),
    ]
    assert found[1].required


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("text", "a", "a"),
        ("text", 3, "3"),
        ("long", "a\nb", "a\nb"),
        ("number", " 0.50 ", "0.50"),
        ("number", 7, "7"),
        ("number", "-1e3", "-1e3"),
        ("boolean", True, "true"),
        ("boolean", "off", "false"),
        ("date", "2026-02-28", "2026-02-28"),
        ("image", "https://example.com/a.png", "https://example.com/a.png"),
        ("image", "asset:0b9ee8f5-9aa5-4d36-a1b8-31ab2f4e5f60", "asset:0b9ee8f5-9aa5-4d36-a1b8-31ab2f4e5f60"),
        ("json", '{"a": [1, 2]}', '{"a": [1, 2]}'),
        ("json", {"a": "é"}, '{"a": "é"}'),
    ],
)
def test_values_become_texts(kind, value, text):
    assert texts_of(kind, value) == ({"it": text}, {})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", {"a": 1}),
        ("text", True),
        ("text", "x" * 200_001),
        ("number", "three"),
        ("number", "nan"),
        ("number", "1_000"),
        ("number", True),
        ("number", "9" * 101),
        ("boolean", "maybe"),
        ("date", "2026-02-30"),
        ("date", "tomorrow"),
        ("image", "javascript:alert(1)"),
        ("image", "a picture"),
        ("json", "{"),
        ("json", "NaN"),
        ("json", "[" * 100_000),
    ],
)
def test_wrong_values_are_said_at_their_name(kind, value):
    good, errors = texts_of(kind, value)
    assert good == {}
    assert errors["it"].endswith(".")


def test_a_choice_must_be_one_of_those_declared():
    assert texts_of("choice", "b", choices=("a", "b")) == ({"it": "b"}, {})
    assert "a, b" in texts_of("choice", "c", choices=("a", "b"))[1]["it"]


def test_a_default_stands_in_and_what_is_required_and_missing_is_said():
    assert texts_of("text", "", default="d") == ({"it": "d"}, {})
    assert texts_of("text", None, required=False) == ({"it": ""}, {})
    assert texts_of("text", "  ")[1] == {"it": "This is needed."}
    assert texts_of("boolean", None, default=False) == ({"it": "false"}, {})


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        ("x", "variables"),
        (["x"], "variables.0"),
        ([{"name": "1x"}], "variables.0.name"),
        ([{"name": "x\n"}], "variables.0.name"),
        ([{"name": 5}], "variables.0.name"),
        ([{"name": "x"}, {"name": "x"}], "variables.1.name"),
        ([{"name": "x", "type": "colour"}], "variables.0.type"),
        ([{"name": "x", "type": ["text"]}], "variables.0.type"),
        ([{"name": "x", "type": "choice"}], "variables.0.choices"),
        ([{"name": "x", "type": "choice", "choices": [1]}], "variables.0.choices"),
        ([{"name": "x", "type": "choice", "choices": [str(n) for n in range(201)]}], "variables.0.choices"),
        ([{"name": "x", "type": "number", "default": "many"}], "variables.0.default"),
        ([{"name": "x", "required": "yes"}], "variables.0.required"),
        ([{"name": "x", "label": 5}], "variables.0.label"),
        ([{"name": f"x{n}"} for n in range(101)], "variables"),
    ],
)
def test_wrong_declarations_are_named_and_never_break_the_reader(declared, path):
    assert [where for where, _ in variables.complaints({"variables": declared})] == [path]
    variables.read({"variables": declared})


def test_right_declarations_are_not_complained_of():
    declared = [
        {"name": "größe", "type": "number", "default": 3, "label": "Size", "help": "in metres"},
        {"name": "_x", "type": "choice", "choices": ["a", "b"], "default": "b", "required": False},
        {"name": "when", "type": "date", "default": None},
    ]
    assert variables.complaints({"variables": declared}) == []
    assert [one.title for one in variables.read({"variables": declared})] == ["Size", "_x", "when"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_body_of_any_shape_is_read_without_failing(anything):
    for body in ({"variables": anything}, {"messages": anything, "settings": anything, "values": anything}):
        variables.read(body)
        variables.complaints(body)
        variables.insertions(body)
        variables.replaced(body, str)


def test_a_text_that_grows_too_long_is_given_up_early():
    with pytest.raises(TooLong):
        variables.fill("{{a}}" * 1_000_000, {"a": "x" * 1_000}, refuse)
    with pytest.raises(TooLong):
        variables.fill("x" * 11, {}, refuse, 10)
    assert variables.fill("x" * 10, {}, refuse, 10) == "x" * 10


@pytest.mark.parametrize(
    "evil", ["\\" * 300_000, "{{" * 150_000, "{{ " * 100_000, "{{>" + "a" * 300_000, "{{" + " " * 300_000]
)
def test_a_text_made_to_cost_time_is_read_at_once(evil):
    """Were it read anew from each of its signs, this would take an hour."""
    body = {"messages": [{"text": evil}]}
    assert variables.find(body) == []
    assert fill(variables.escape(evil)) == evil
