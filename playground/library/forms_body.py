"""The body of a version as a form: rows of messages and variables, settings, and JSON where a form ends.

What the form does not show (caching, the key, which tool is forced) goes on as it was in the version that
was opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from playground.gateway.assembly import storable
from playground.gateway.media.registry import OPERATIONS
from playground.gateway.params import ParamSpec
from playground.gateway.wire import FAMILIES

Body = dict[str, Any]
Row = dict[str, str]

CHAT = "chat"
ROLES = (("user", "User"), ("assistant", "Assistant"))
TYPES = (
    ("text", "Text"),
    ("long", "Long text"),
    ("number", "Number"),
    ("choice", "Choice"),
    ("boolean", "Yes or no"),
    ("date", "Date"),
    ("image", "Image"),
    ("json", "JSON"),
)
DEFAULT_FAMILY = "openai_chat"
VARIABLE_FIELDS = ("name", "type", "label", "default", "required", "help", "choices")
MOST_ROWS = 100
LONGEST = 500_000


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form, and what is wrong with it, by the name of the field."""

    kind: str
    body: Body
    raw: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.body.get("settings") or {}


def empty(kind: str, operation: str = "") -> Body:
    """What a new prompt begins with."""
    if kind == CHAT:
        return {
            "variables": [],
            "messages": [{"role": "user", "text": ""}],
            "settings": {"family": DEFAULT_FAMILY},
        }
    known = OPERATIONS.get(operation) or next(
        (each for each in OPERATIONS.values() if each.medium in media_of(kind)), None
    )
    return {"variables": [], "operation": known.key if known else "", "model": "", "values": {}}


def media_of(kind: str) -> tuple[str, ...]:
    """What the forms of a kind make."""
    return {"song": ("music",), "audio": ("speech", "text")}.get(kind, (kind,))


def operations(kind: str) -> list[tuple[str, str]]:
    """What a prompt of this kind can be a form of."""
    media = media_of(kind)
    return [(each.key, each.label) for each in OPERATIONS.values() if each.medium in media]


def of_body(kind: str, body: Body) -> Typed:
    """A version's body as it stands in the form."""
    return Typed(kind, body, _raw_json(body) if kind == CHAT else {})


def read(kind: str, data: QueryDict, base: Body) -> Typed:
    """What was sent. `base` is the body that the form was opened with."""
    variables = _variables(data)
    if kind == CHAT:
        body, raw, errors = _read_chat(data, base)
    else:
        body, raw, errors = _read_media(data, base)
    return Typed(kind, body | {"variables": variables}, raw, errors)


def added(typed: Typed, act: str) -> Typed:
    """The form with one row more or less: "message", "variable", "drop-message:2", "drop-variable:0"."""
    what, _, at = act.partition(":")
    body = dict(typed.body)
    name = "variables" if what.endswith("variable") else "messages"
    rows = list(body.get(name) or [])
    if what.startswith("drop-"):
        rows = [row for place, row in enumerate(rows) if str(place) != at]
    elif name == "variables":
        rows.append({"name": "", "type": "text", "required": True})
    else:
        last = rows[-1]["role"] if rows else "assistant"
        rows.append({"role": "assistant" if last == "user" else "user", "text": ""})
    body[name] = rows
    return Typed(typed.kind, body, typed.raw, typed.errors)


def pruned(body: Body) -> Body:
    """Without the rows that were left empty."""
    out = body | {"variables": [row for row in body.get("variables") or [] if row.get("name")]}
    if "messages" in body:
        out["messages"] = [row for row in body["messages"] if row["text"].strip()]
    return out


def with_variables(body: Body, names: Sequence[str]) -> Body:
    """Every name that the texts use has its row; those without one are asked for as text."""
    rows = list(body.get("variables") or [])
    there = {row.get("name") for row in rows}
    rows += [{"name": name, "type": "text", "required": True} for name in names if name not in there]
    return body | {"variables": rows}


def _text(data: QueryDict, name: str) -> str:
    return storable(data.get(name, "").replace("\r\n", "\n"))[:LONGEST]


def _at(data: QueryDict, name: str, at: int) -> str:
    values = data.getlist(name)
    return storable(values[at].replace("\r\n", "\n"))[:LONGEST] if at < len(values) else ""


def _variables(data: QueryDict) -> list[dict[str, Any]]:
    rows = []
    for at in range(len(data.getlist("var-name")[:MOST_ROWS])):
        told = {name: _at(data, f"var-{name}", at) for name in VARIABLE_FIELDS}
        row: dict[str, Any] = {"name": told["name"].strip(), "type": told["type"] or "text"}
        row |= {name: told[name].strip() for name in ("label", "help") if told[name].strip()}
        if told["default"]:
            row["default"] = told["default"]
        row["required"] = told["required"] == "1"
        if told["type"] == "choice":
            row["choices"] = [line.strip() for line in told["choices"].splitlines() if line.strip()]
        rows.append(row)
    return rows


def _read_chat(data: QueryDict, base: Body) -> tuple[Body, dict[str, str], dict[str, str]]:
    errors: dict[str, str] = {}
    raw = {name: _text(data, name) for name in ("tools", "schema", "extra")}
    before, was = base.get("settings") or {}, _raw_json(base)
    typed: dict[str, Any] = {
        "family": data.get("family", "") if data.get("family") in FAMILIES else "",
        "model": _text(data, "model").strip()[:255],
        "system": _text(data, "system"),
        "params": _params(data, before.get("params") or {}, errors),
        "extra": _extra(raw["extra"], errors),
        "fallback": _fallback(data, before.get("fallback") or {}),
    }
    if raw["tools"] != was["tools"]:
        typed["tools"] = _tools(raw["tools"], before.get("tools") or {}, errors)
    name = _text(data, "schema-name").strip()[:64] or "answer"
    schema = before.get("schema") or {}
    if raw["schema"] != was["schema"] or (schema and name != schema.get("name", "answer")):
        typed["schema"] = _schema(raw["schema"], schema, errors) | {"name": name}
    # What was not there and is empty now is left out: to open and to save changes nothing.
    settings = dict(before) | {name: value for name, value in typed.items() if value or name in before}
    messages = [
        {"role": "assistant" if _at(data, "role", at) == "assistant" else "user", "text": text}
        for at, text in enumerate(storable(t.replace("\r\n", "\n"))[:LONGEST] for t in data.getlist("text"))
    ]
    body = dict(base) | {"messages": messages[:MOST_ROWS]}
    return (body | {"settings": settings} if settings or "settings" in base else body), raw, errors


def _fallback(data: QueryDict, before: Mapping[str, Any]) -> dict[str, Any]:
    """An empty field is off; one that says what was there leaves it as it was."""
    model, ask = _text(data, "fallback").strip()[:255], data.get("fallback-how") != "switch"
    if (model, ask) == (before.get("model", "") if before.get("on") else "", before.get("ask", True)):
        return dict(before)
    if model:
        return {"on": True, "model": model, "ask": ask}
    return {**before, "on": False} if before else {}


def _params(data: QueryDict, before: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """The parameters of the family whose fields were shown; an empty field is off, as before."""
    family = FAMILIES.get(data.get("params-of", ""))
    if family is None:
        return dict(before)
    found: dict[str, Any] = {}
    for spec in family.params:
        text, row = _text(data, f"p-{spec.name}"), before.get(spec.name) or {}
        if text:
            found[spec.name] = _param(spec, text, row, errors)
        elif row:
            found[spec.name] = dict(row) | {"on": False}
    wanted = FAMILIES.get(data.get("family", ""))
    if wanted is family or wanted is None:
        return found
    # What another family calls so; the rest would be sent to it all the same.
    return {spec.name: found[spec.name] for spec in wanted.params if spec.name in found}


def _param(spec: ParamSpec, text: str, row: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    if row.get("on") and shown(row.get("value")) == text:
        return dict(row)
    try:
        return {"on": True, "value": spec.clean(text)}
    except ValueError as error:
        errors[f"p-{spec.name}"] = str(error)
        return {"on": True, "value": text}


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{what} is no JSON: {error.msg} in line {error.lineno}.") from None
    except RecursionError:
        raise ValueError(f"{what} is nested too deeply.") from None


def _extra(text: str, errors: dict[str, str]) -> str:
    try:
        if text.strip() and not isinstance(_json(text, "This"), dict):
            raise ValueError("The extra fields must be one JSON object: { … }.")
    except ValueError as error:
        errors["extra"] = str(error)
    return text


def _tools(text: str, base: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """A JSON list of tools; one in OpenAI's envelope ({"type": "function", "function": …}) is taken too."""
    rows: list[Row] = []
    try:
        told = _json(text, "This") if text.strip() else []
        if not isinstance(told, list):
            raise ValueError("Tools are one JSON list: [ { … }, … ].")
        rows = [_tool(row) for row in told]
    except ValueError as error:
        errors["tools"] = str(error)
    return {"choice": "auto", "auto": False} | dict(base) | {"on": bool(rows), "list": rows}


def _tool(told: Any) -> Row:
    inner = told.get("function", told) if isinstance(told, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise ValueError("Every tool is an object with a name, a description and parameters.")
    parameters, mock = inner.get("parameters") or {}, inner.get("mock") or ""
    return {
        "name": inner["name"][:64],
        "description": str(inner.get("description") or ""),
        "parameters": parameters if isinstance(parameters, str) else json.dumps(parameters, indent=2),
        "mock": mock if isinstance(mock, str) else json.dumps(mock, indent=2),
    }


def _schema(text: str, base: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    try:
        if text.strip() and not isinstance(_json(text, "This"), dict):
            raise ValueError("A schema is one JSON object: { … }.")
    except ValueError as error:
        errors["schema"] = str(error)
    return {"name": "answer", "strict": True} | dict(base) | {"on": bool(text.strip()), "text": text}


def _read_media(data: QueryDict, base: Body) -> tuple[Body, dict[str, str], dict[str, str]]:
    key = data.get("operation", "") or str(base.get("operation", ""))
    values = dict(base.get("values") or {}) if key == base.get("operation") else {}
    operation = OPERATIONS.get(key)
    files = {row.name for row in operation.files} if operation else set()
    for sent in data:
        name, text = sent[2:], _text(data, sent)
        if sent.startswith("p-") and shown(values.get(name)) != text:
            values[name] = text.split() if name in files else text
    values = {name: value for name, value in values.items() if value not in ("", None, [])}
    field_name = operation.model_field if operation else "model"
    model = str(values.get(field_name) or "") if field_name else ""
    return dict(base) | {"operation": key, "model": model, "values": values}, {}, {}


def shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(row, str) for row in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False)


def _raw_json(body: Body) -> dict[str, str]:
    settings = body.get("settings") or {}
    tools = [
        {name: _object(value) if name == "parameters" else value for name, value in row.items() if value}
        for row in (settings.get("tools") or {}).get("list") or []
    ]
    return {
        "tools": json.dumps(tools, indent=2, ensure_ascii=False) if tools else "",
        "schema": str((settings.get("schema") or {}).get("text") or ""),
        "extra": str(settings.get("extra") or ""),
    }


def _object(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text
