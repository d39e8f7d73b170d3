"""What a form shows of a body: its fields as controls, its rows, and what is wrong where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.gateway.media.registry import OPERATIONS
from playground.gateway.params import ParamSpec
from playground.gateway.wire import FAMILIES
from playground.library.forms_body import CHAT, Typed, shown

LONG_TEXT = 300
ADDRESSES = "Addresses with https://, one a line."
PANELS = ("tools", "schema", "extra", "system", "model", "family", "fallback")
SHOWN = ("title", "system", "messages", "values", "variables", "tools", "schema", "extra", "fallback")


@dataclass(frozen=True, slots=True)
class Control:
    """One field of a form as it is shown. `kind` is line, lines, number, choice or code."""

    name: str
    label: str
    value: str
    kind: str = "line"
    help: str = ""
    error: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        return "f-" + self.name.replace(".", "-")


def controls(typed: Typed) -> list[Control]:
    """The parameters of a chat's family, or the fields of a studio's form."""
    errors = typed.errors
    if typed.kind == CHAT:
        family = FAMILIES.get(str(typed.settings.get("family")))
        stored = typed.settings.get("params") or {}
        pairs = ((spec, stored.get(spec.name) or {}) for spec in (family.params if family else ()))
        return [_control(spec, row.get("value") if row.get("on") else None, errors) for spec, row in pairs]
    values = typed.body.get("values") or {}
    operation = OPERATIONS.get(str(typed.body.get("operation")))
    specs = operation.fields if operation else ()
    files = operation.files if operation else ()
    known = {spec.name for spec in specs} | {row.name for row in files}
    rows = [_control(spec, values.get(spec.name), errors, free=True) for spec in specs]
    rows += [
        Control(f"p-{row.name}", row.label, shown(values.get(row.name)), "lines", f"{ADDRESSES} {row.help}")
        for row in files
    ]
    # A route that this site does not know, or knew otherwise: nothing of it is lost.
    return rows + [
        Control(f"p-{name}", name, shown(value), "lines")
        for name, value in values.items()
        if name not in known
    ]


def _control(spec: ParamSpec, value: Any, errors: Mapping[str, str], *, free: bool = False) -> Control:
    """`free`: the value may be a placeholder, so that nothing but a text field can take it."""
    name, told = f"p-{spec.name}", shown(value)
    kind = {"choice": "choice", "bool": "choice", "list": "lines", "json": "code"}.get(spec.kind, "line")
    if spec.kind == "text" and (spec.maximum or LONG_TEXT) >= LONG_TEXT and spec.name != "model":
        kind = "lines" if free else "line"
    offered = ("true", "false") if spec.kind == "bool" else spec.choices
    if kind == "choice" and told and told not in offered:
        kind = "line"
    choices = (("", "Not sent"), *((each, each) for each in offered)) if kind == "choice" else ()
    return Control(name, spec.label, told, kind, spec.help, errors.get(name, ""), choices)


@dataclass(frozen=True, slots=True)
class MessageRow:
    at: int
    role: str
    text: str
    error: str = ""

    @property
    def number(self) -> int:
        return self.at + 1

    @property
    def id(self) -> str:
        return f"message-{self.at}"


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A declared variable as its line shows it; `choices` one a line."""

    at: int
    name: str
    type: str
    label: str
    default: str
    required: bool
    help: str
    choices: str
    error: str = ""

    @property
    def number(self) -> int:
        return self.at + 1


def message_rows(typed: Typed) -> list[MessageRow]:
    rows = typed.body.get("messages")
    return [
        MessageRow(
            at, str(row.get("role", "user")), str(row.get("text", "")), typed.errors.get(f"message-{at}", "")
        )
        for at, row in enumerate(rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]


def variable_rows(typed: Typed) -> list[VariableRow]:
    rows = typed.body.get("variables")
    return [
        VariableRow(
            at=at,
            name=shown(row.get("name")),
            type=shown(row.get("type")) or "text",
            label=shown(row.get("label")),
            default=shown(row.get("default")),
            required=bool(row.get("required", True)),
            help=shown(row.get("help")),
            choices="\n".join(map(str, row.get("choices") or ())),
            error=typed.errors.get(f"variable-{at}", ""),
        )
        for at, row in enumerate(rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]


def field_of(path: str) -> str:
    """The field of the form that a complaint's path is about; "" when no single one is."""
    head, _, rest = path.partition(".")
    first = rest.partition(".")[0]
    if head == "settings":
        name = {"family": "model"}.get(first, first)
        return f"p-{rest.partition('.')[2]}" if first == "params" else name if name in PANELS else ""
    if head == "variables":
        return f"variable-{first}" if first.isdigit() else "variables"
    if head == "messages":
        return f"message-{first}" if first.isdigit() else "messages"
    if head == "values":
        return f"p-{rest}" if rest else "values"
    return ""


def general(typed: Typed) -> list[str]:
    """Sentences that stand at no field, because none of those shown is meant."""
    fields = {control.name for control in controls(typed)} | set(SHOWN)
    fields |= {row.id for row in message_rows(typed)}
    fields |= {f"variable-{row.at}" for row in variable_rows(typed)}
    return [sentence for name, sentence in typed.errors.items() if name not in fields]
