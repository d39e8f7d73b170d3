"""What the page sends to begin a comparison: a question, a key, and a row for each model."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings as site
from django.http import QueryDict

from accounts.models import GatewayKey
from playground.chat.settings_form import DEFAULT_FAMILY, EMPTY, Settings, switched
from playground.compare.lanes import FEWEST, MOST
from playground.gateway.assembly import storable
from playground.gateway.params import ParamSpec
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family

# Of the parameters, those that people compare by; every family has them under some name.
ALIKE = ("temperature", "max_tokens")


@dataclass(slots=True)
class Row:
    """A model as it was typed. `params` by the words of `ALIKE`, `errors` by field."""

    model: str = ""
    family: str = DEFAULT_FAMILY
    params: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def temperature(self) -> str:
        return self.params.get("temperature", "")

    @property
    def max_tokens(self) -> str:
        return self.params.get("max_tokens", "")

    @property
    def differs(self) -> bool:
        """Whether anything is set for this model alone."""
        return any(self.params.values())


@dataclass(slots=True)
class Typed:
    """The form as it was sent; `errors` by field, those of how many models there are under "rows"."""

    rows: list[Row]
    text: str = ""
    key: str = ""
    system: str = ""
    turn_id: uuid.UUID | None = None
    blind: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def complaint(self) -> str:
        """The first thing wrong, as one sentence."""
        of_rows = [error for row in self.rows for error in row.errors.values()]
        return next(iter([*self.errors.values(), *of_rows]), "")

    def settings(self) -> list[Settings]:
        """Each model's settings, as a chat keeps them."""
        common = {**EMPTY, "key": self.key, "system": self.system, "stream": True}
        return [
            common | {"family": row.family, "model": row.model, "params": _params(row)} for row in self.rows
        ]


def read(data: QueryDict, keys: Sequence[GatewayKey]) -> Typed:
    """What was sent, checked; rows without a model are left out."""
    typed = Typed(
        rows=[row for row in _rows(data) if row.model],
        text=_text(data.get("text", "")),
        key=data.get("key", "")[:36],
        system=_text(data.get("system", "")),
        turn_id=_uuid(data.get("turn_id", "")),
        blind="blind" in data,
    )
    if not FEWEST <= len(typed.rows) <= MOST:
        typed.errors["rows"] = f"Choose {FEWEST} to {MOST} models to compare."
    if typed.key not in {str(key.pk) for key in keys}:
        typed.errors["key"] = "Choose a key first, or add one in Settings."
    for name, said in (("text", "question"), ("system", "system prompt")):
        if len(getattr(typed, name)) > site.MAX_PROMPT_CHARS:
            typed.errors[name] = f"The {said} is longer than {site.MAX_PROMPT_CHARS:,} characters."
    if not typed.text.strip():
        typed.errors["text"] = "Write what the models shall answer."
    return typed


def _rows(data: QueryDict) -> list[Row]:
    columns = {name: data.getlist(f"lane-{name}") for name in ("model", "family", *ALIKE)}
    return [
        _row({name: values[at] if at < len(values) else "" for name, values in columns.items()})
        for at in range(min(len(columns["model"]), MOST * 2))
    ]


def _row(said: Mapping[str, str]) -> Row:
    row = Row(storable(said["model"]).strip()[:255], said["family"], {})
    if row.family not in FAMILIES:
        row.family = DEFAULT_FAMILY
    for word in ALIKE:
        row.params[word] = said[word].strip()[:40]
        spec = _spec(FAMILIES[row.family], word)
        if row.model and row.params[word] and (wrong := _wrong(spec, row.params[word])):
            row.errors[word] = f"{row.model}: {wrong}"
    return row


def _spec(family: Family, alike: str) -> ParamSpec | None:
    return next((spec for spec in family.params if spec.alike == alike), None)


def _wrong(spec: ParamSpec | None, raw: str) -> str:
    if spec is None:
        return "This kind of model takes no such setting."
    try:
        spec.clean(raw)
    except ValueError as error:
        return str(error)
    return ""


def _params(row: Row) -> dict[str, dict[str, Any]]:
    family = FAMILIES[row.family]
    params = switched({}, family, family, {})
    for word, raw in row.params.items():
        spec = _spec(family, word)
        if raw and spec is not None:
            params[spec.name] = {"on": True, "value": spec.clean(raw)}
    return params


def row_of(settings: Settings) -> Row:
    """The row that a lane's settings came from."""
    family = FAMILIES.get(str(settings.get("family")), FAMILIES[DEFAULT_FAMILY])
    kept = settings.get("params") or {}
    said = {word: kept.get(spec.name) for word in ALIKE if (spec := _spec(family, word))}
    params = {
        word: f"{value['value']}"
        for word, value in said.items()
        if value and value.get("on") and value != {"on": True, "value": _default(family, word)}
    }
    return Row(str(settings.get("model", "")), family.key, params)


def _default(family: Family, alike: str) -> Any:
    spec = _spec(family, alike)
    return spec.default if spec is not None and spec.required else None


def _text(said: str) -> str:
    return storable(said.replace("\r\n", "\n"))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
