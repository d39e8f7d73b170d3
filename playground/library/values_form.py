"""The form that asks for a prompt's variables: a typed field for each, wherever the prompt is opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from playground.gateway.assembly import storable
from playground.library.variables import Variable

PREFIX = "v-"
# Says that the form was sent: a switch that is off sends nothing by itself.
SENT = "v-sent"


@dataclass(frozen=True, slots=True)
class Row:
    """A variable as a field, with what stands in it and what is wrong with that."""

    variable: Variable
    value: str
    error: str = ""

    @property
    def name(self) -> str:
        return PREFIX + self.variable.name

    @property
    def file_name(self) -> str:
        """For a picture that comes with the form itself."""
        return f"{PREFIX}file-{self.variable.name}"

    @property
    def id(self) -> str:
        return f"value-{self.variable.name}"

    @property
    def on(self) -> bool:
        return self.value.lower() in ("true", "1", "yes", "on")


def rows(
    variables: Sequence[Variable], values: Mapping[str, Any], errors: Mapping[str, str] | None = None
) -> list[Row]:
    """One field for each variable; without a value it begins with its default."""
    wrong = errors or {}
    return [
        Row(each, _shown(values.get(each.name, each.default)), wrong.get(each.name, "")) for each in variables
    ]


def unplaced(variables: Sequence[Variable], errors: Mapping[str, str]) -> list[str]:
    """What is wrong and belongs to no field."""
    names = {each.name for each in variables}
    return [sentence for name, sentence in errors.items() if name not in names]


def read(variables: Sequence[Variable], data: QueryDict) -> dict[str, Any]:
    """What was typed, unchecked; nothing of a form that was not sent yet."""
    if SENT not in data:
        return {}
    found: dict[str, Any] = {}
    for each in variables:
        typed = storable(data.get(PREFIX + each.name, "").replace("\r\n", "\n"))
        found[each.name] = bool(typed) if each.type == "boolean" else typed
    return found


def _shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
