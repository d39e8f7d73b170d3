"""Schemas people write and answers that shall fit them: both can be hostile, and neither may cost much."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.chat import schemas

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYWORDS = st.sampled_from(
    [
        "type",
        "$ref",
        "properties",
        "items",
        "allOf",
        "pattern",
        "enum",
        "required",
        "not",
        "$id",
        "multipleOf",
    ]
)
ANY_SCHEMA = st.recursive(
    st.booleans() | VALUES,
    lambda inner: st.dictionaries(KEYWORDS, inner | st.dictionaries(st.text(), inner), max_size=4),
    max_leaves=12,
)


def doubled(keyword: str, depth: int = 29) -> dict[str, Any]:
    """A schema of a few lines that means 2 ** depth checks."""
    rows: dict[str, Any] = {"d0": {"type": "string"}}
    for at in range(1, depth + 1):
        rows[f"d{at}"] = {keyword: [{"$ref": f"#/$defs/d{at - 1}"}] * 2}
    return {"$ref": f"#/$defs/d{depth}", "$defs": rows}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a JSON object"),
        ("[1]", "must be a JSON object"),
        ('{"type" "object"}', "line 1, column 9"),
        ('{"type": "thing"}', "at /type"),
        ('{"properties": {"a": {"type": 5}}}', "at /properties/a/type"),
        ('{"pattern": "("}', "at /pattern"),
        ('{"minimum": NaN}', "NaN is not JSON"),
        ('{"minimum": 1e999}', "1e999 is too large a number"),
        ("[" * 100_000, "nested too deep"),
        ('{"not":' * 61 + "{}" + "}" * 61, "at most 60 levels"),
        ('{"a": "' + "x" * 1_000_001 + '"}', "at most 1,000,000 characters"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        schemas.checked(text)
    assert said in str(refused.value)


def test_failing_places_are_named_by_json_pointers() -> None:
    schema = {"properties": {"a/b": {"items": {"type": "integer"}}}, "required": ["c~d"]}
    verdict = schemas.judge('{"a/b": [1, "x"]}', schema)
    assert not verdict["fits"]
    assert {error["pointer"] for error in verdict["errors"]} == {"", "/a~1b/1"}


def test_a_fence_around_the_json_does_not_count() -> None:
    assert schemas.judge('```json\n{"a": 1}\n```', {"type": "object"})["fits"]


@pytest.mark.parametrize("text", ["", "Sure! {}", "{'a': 1}", "NaN", '{"a": 1', "[" * 100_000])
def test_an_answer_that_is_no_json_does_not_fit_and_is_told_why(text: str) -> None:
    verdict = schemas.judge(text, {})
    assert not verdict["fits"]
    assert verdict["errors"][0]["pointer"] == ""


def test_a_short_list_of_errors_stands_for_many() -> None:
    verdict = schemas.judge(json.dumps(["x" * 5_000] * 100), {"items": {"type": "integer"}})
    assert len(verdict["errors"]) == schemas.MOST_ERRORS
    assert all(len(error["message"]) < 400 for error in verdict["errors"])


@pytest.mark.parametrize(
    "pattern",
    ["^(a+)+$", "^a*a*a*a*a*b$", "^.*.*x$", "a?" * 30 + "a" * 30, "(a|a)" * 30 + "b", r"(.*)\1b", "x" * 600],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_pattern_that_could_run_away_is_not_tried_and_said(pattern: str, hidden: bool) -> None:
    schema: dict[str, Any] = {"pattern": pattern}
    if hidden:
        # The library takes its own validator for a part that names its dialect.
        schema = {"$ref": "#/$defs/x", "$defs": {"x": schema | {"$schema": "http://json-schema.org/schema#"}}}
    verdict = schemas.judge(json.dumps("a" * 40_000 + "!"), schema)
    assert verdict == {"fits": True, "errors": [], "unchecked": [pattern[:200]]}


def test_a_pattern_of_names_is_guarded_too() -> None:
    schema = {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}
    assert schemas.judge(json.dumps({"a" * 40 + "!": 1}), schema)["unchecked"] == ["^(a+)+$"]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^[A-Z]{2}[0-9]{4,8}$", "AB12345", True),
        ("^[A-Z]{2}[0-9]{4,8}$", "AB1", False),
        (r"^\d{4}-\d{2}-\d{2}$", "2026-11-20", True),
        ("^(red|green|blue)$", "grey", False),
        (r"^[^@\s]+@[^@\s]+$", "nobody", False),
    ],
)
def test_patterns_people_write_are_tried(pattern: str, text: str, fits: bool) -> None:
    verdict = schemas.judge(json.dumps(text), {"pattern": pattern})
    assert (verdict["fits"], verdict["unchecked"]) == (fits, [])


@pytest.mark.parametrize(("keyword", "text"), [("anyOf", "1"), ("oneOf", '"fits"'), ("allOf", '"fits"')])
def test_a_schema_that_multiplies_itself_is_given_up(keyword: str, text: str) -> None:
    (error,) = schemas.judge(text, doubled(keyword))["errors"]
    assert "takes too long" in error["message"]


@pytest.mark.parametrize("ref", ["http://127.0.0.1:9/x", "https://example.com/s.json", "file:///etc/hosts"])
def test_nothing_is_fetched_for_a_reference(ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> None:
        raise AssertionError("somebody opened a connection")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    verdict = schemas.judge("1", {"$ref": ref})
    assert verdict["errors"] == [
        {"pointer": "", "message": f"The schema refers to {ref}, which is not in it."}
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"$ref": "#/x", "x": [1]},
        {"$ref": "#/x", "x": "text"},
        {"$ref": "#nowhere"},
        {"$id": "http://[", "$ref": "x"},
        {"multipleOf": 0.5},
        {"type": "strange"},
    ],
)
def test_a_schema_that_cannot_be_used_is_said_to_be_one(schema: dict[str, Any]) -> None:
    verdict = schemas.judge("1" + "0" * 400, schema)
    assert not verdict["fits"]
    assert len(verdict["errors"]) == 1


def test_what_the_check_leaves_out_is_named() -> None:
    verdict = schemas.judge('{"a": 1}', {"unevaluatedProperties": False})
    assert verdict == {"fits": True, "errors": [], "unchecked": ["unevaluatedProperties"]}


@pytest.mark.parametrize(
    ("items", "fits"),
    [
        ([1, 2, "1", True, False, 0, None, [1], {"a": 1}, {"a": True}], True),
        ([1, 1.0], False),
        ([{"a": [1], "b": 2}, {"b": 2, "a": [1.0]}], False),
        ([{"n": number} for number in range(40_000)], True),
    ],
)
def test_items_are_told_apart_as_json_does(items: list[Any], fits: bool) -> None:
    assert schemas.judge(json.dumps(items), {"uniqueItems": True})["fits"] is fits


def test_names_the_schema_does_not_know_are_refused_or_checked() -> None:
    known = {"properties": {"a": {}}, "patternProperties": {"^x": {}}}
    text = '{"a": 1, "x1": 2, "b": 3}'
    assert "'b'" in schemas.judge(text, known | {"additionalProperties": False})["errors"][0]["message"]
    (error,) = schemas.judge(text, known | {"additionalProperties": {"type": "string"}})["errors"]
    assert error["pointer"] == "/b"


@given(ANY_SCHEMA, VALUES)
def test_judging_never_raises(schema: Any, value: Any) -> None:
    verdict = schemas.judge(json.dumps(value), schema)
    assert verdict["fits"] is (verdict["errors"] == [])


@given(VALUES)
def test_a_schema_made_from_a_sample_fits_the_sample(value: Any) -> None:
    text = json.dumps(value)
    made = schemas.checked(schemas.from_sample(text)) if schemas._depth(value) < 15 else {}
    assert schemas.judge(text, made) == {"fits": True, "errors": [], "unchecked": []}


def test_a_name_that_not_all_rows_of_a_sample_have_is_optional() -> None:
    sample = '{"rows": [{"a": 1, "b": "x"}, {"a": 2.5}]}'
    rows = json.loads(schemas.from_sample(sample))["properties"]["rows"]
    assert rows["items"]["required"] == ["a"]
    assert rows["items"]["properties"] == {"a": {"type": "number"}, "b": {"type": "string"}}


def test_a_sample_that_is_no_json_is_refused_with_the_place() -> None:
    with pytest.raises(ValueError, match="The sample must be valid JSON: .* line 2, column 1"):
        schemas.from_sample('{"a": 1,\n}')
