"""The settings of a conversation: what the page sends, what is kept, and what of it goes to the gateway.

Kept as {"family", "model", "key" (id), "system", "stream", "params": {name: {"on", "value"}}, "kept":
{family: params} of the families not chosen now, "extra" (JSON text), "tools": {"on", "choice", "auto",
"list": [{"name", "description", "parameters" (JSON text), "mock"}]}, "schema": {"on", "name", "strict",
"text"}, "caching": {"system", "tools", "ttl"}, "fallback": see there}. Whoever reads them allows
for every name to be missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings as site
from django.http import QueryDict

from playground.chat import fallback, schemas
from playground.gateway.assembly import storable
from playground.gateway.params import ParamSpec
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family

Settings = dict[str, Any]
DEFAULT_FAMILY = "openai_chat"
EMPTY: Settings = {
    "family": DEFAULT_FAMILY,
    "model": "",
    "key": "",
    "system": "",
    "stream": True,
    "params": {},
    "kept": {},
    "extra": "",
    "tools": {"on": False, "choice": "auto", "auto": False, "list": []},
    "schema": {"on": False, "name": "answer", "strict": True, "text": ""},
    "caching": {"system": False, "tools": False, "ttl": "5m"},
    "fallback": fallback.OFF,
}
CHOICES = ("auto", "none", "required")
TTLS = ("5m", "1h")
MOST_TOOLS = 64
LONGEST_JSON = 100_000
LONGEST_WORDS = 4_000
# The switch and the picker set these; a body that says otherwise would be recorded wrongly.
RESERVED = ("stream", "model")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One parameter as the inspector shows it."""

    spec: ParamSpec
    on: bool
    shown: str
    error: str = ""

    @property
    def slides(self) -> bool:
        return self.spec.kind == "float" and self.spec.minimum is not None and self.spec.maximum is not None

    @property
    def reach(self) -> str:
        """The allowed range in words; empty when there is nothing to say."""
        low, high = self.spec.minimum, self.spec.maximum
        if self.spec.kind == "list":
            return f"At most {high:g}, one a line." if high is not None else "One a line."
        if low is None or self.spec.kind not in ("int", "float"):
            return ""
        return (
            f"{low:g} to {high:g}"
            if high is not None and high < 10_000
            else f"{low:g} or more" * (low > -10_000)
        )


class SettingsForm:
    """The settings as the page sends them: `on-<name>` switches and `p-<name>` values of the family in
    `params-of`, `tool-…` once for every tool, and so on.

    What is off keeps its value but is neither checked nor sent. When `family` is another one than the
    fields were made for, what both know goes along, and the rest is kept for the way back.
    """

    def __init__(self, data: QueryDict, stored: Settings | None = None) -> None:
        self.errors: dict[str, str] = {}
        self._data = data
        self.family = FAMILIES.get(data.get("family", ""), FAMILIES[DEFAULT_FAMILY])
        shown = FAMILIES.get(data.get("params-of", ""), self.family)
        params = {spec.name: self._param(spec) for spec in shown.params}
        kept = dict((stored or {}).get("kept") or {}) | {shown.key: params}
        if shown is not self.family:
            self.errors.clear()
            params = switched(params, shown, self.family, kept.get(self.family.key, {}))
        kept.pop(self.family.key, None)
        self.settings: Settings = {
            "family": self.family.key,
            "model": storable(data.get("model", "")).strip()[:255],
            "key": data.get("key", "")[:36],
            "system": self._system(),
            "stream": "stream" in data,
            "params": params,
            "kept": kept,
            "extra": self._extra(),
            "tools": self._tools(),
            "schema": self._schema(),
            "caching": {
                "system": "cache-system" in data,
                "tools": "cache-tools" in data,
                "ttl": data.get("cache-ttl") if data.get("cache-ttl") in TTLS else TTLS[0],
            },
        }
        # A model of the family before is none of the new one's.
        there = fallback.typed(data) if shown is self.family else fallback.OFF
        self.settings["fallback"] = there
        if wrong := fallback.complaint(there, self.settings["model"]):
            self.errors["fallback"] = wrong

    def is_valid(self) -> bool:
        return not self.errors

    @property
    def complaint(self) -> str:
        return next(iter(self.errors.values()), "")

    def _text(self, name: str) -> str:
        return storable(self._data.get(name, "").replace("\r\n", "\n"))

    def _system(self) -> str:
        system = self._text("system")
        if len(system) > site.MAX_PROMPT_CHARS:
            self.errors["system"] = f"The system prompt is longer than {site.MAX_PROMPT_CHARS:,} characters."
        return system

    def _param(self, spec: ParamSpec) -> dict[str, Any]:
        on = spec.required or f"on-{spec.name}" in self._data
        raw = self._text(f"p-{spec.name}")[:20_000]
        if not raw and spec.required:
            raw = _shown(spec.default)
        try:
            return {"on": on, "value": spec.clean(raw)}
        except ValueError as error:
            if on:
                self.errors[spec.name] = str(error)
            return {"on": on, "value": raw}

    def _extra(self) -> str:
        text = self._text("extra")[:LONGEST_JSON]
        try:
            fields = json_object(text or "{}", "The extra fields")
            if named := [name for name in RESERVED if name in fields]:
                raise ValueError(f"“{named[0]}” is not taken here: it has its own control.")
        except ValueError as error:
            self.errors["extra"] = str(error)
        return text

    def _tools(self) -> dict[str, Any]:
        on = "tools-on" in self._data
        rows = [self._tool(at, on) for at in range(len(self._data.getlist("tool-name")[:MOST_TOOLS]))]
        tools = [row for row in rows if any(row.values())]
        names = [row["name"] for row in tools]
        choice = self._data.get("tool-choice", "")
        if on and not tools:
            self.errors["tools"] = "There is no tool yet. Add one, or switch tools off."
        elif on and (twice := next((name for name in names if names.count(name) > 1), "")):
            self.errors["tools"] = f"Two tools are called {twice}."
        return {
            "on": on,
            "choice": choice if choice in (*CHOICES, *names) else CHOICES[0],
            "auto": "tools-auto" in self._data,
            "list": tools,
        }

    def _tool(self, at: int, on: bool) -> dict[str, str]:
        def field(name: str) -> str:
            values = self._data.getlist(name)
            return storable(values[at].replace("\r\n", "\n")) if at < len(values) else ""

        row = {
            "name": field("tool-name").strip()[:64],
            "description": field("tool-description")[:LONGEST_WORDS],
            "parameters": field("tool-parameters")[:LONGEST_JSON],
            "mock": field("tool-mock")[:LONGEST_JSON],
        }
        if on and any(row.values()):
            self._check_tool(row, at)
        return row

    def _check_tool(self, row: dict[str, str], at: int) -> None:
        if not _NAME.fullmatch(row["name"]) or row["name"] in CHOICES:
            self.errors[f"tool-{at}-name"] = (
                "A tool needs a name of letters, digits, _ and -, at most 64, that begins with a letter"
                " and is not auto, none or required."
            )
        try:
            schemas.checked(row["parameters"] or "{}")
        except ValueError as error:
            self.errors[f"tool-{at}-parameters"] = str(error)

    def _schema(self) -> dict[str, Any]:
        on, text = "schema-on" in self._data, self._text("schema")[:LONGEST_JSON]
        name = self._text("schema-name").strip()[:64] or "answer"
        if on and not _NAME.fullmatch(name):
            self.errors["schema-name"] = "The name takes letters, digits, _ and -, at most 64."
        if on:
            try:
                schemas.checked(text)
            except ValueError as error:
                self.errors["schema"] = str(error)
        return {"on": on, "name": name, "strict": "schema-strict" in self._data, "text": text}


def json_object(text: str, what: str) -> dict[str, Any]:
    """The object in a text. Raises ValueError with a sentence that names `what` and the place."""
    value = schemas.parsed(text, what)
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a JSON object: {{ … }}.")
    return value


def switched(
    params: Mapping[str, Any], old: Family, new: Family, kept: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The parameters for another family: as they were there last, else what the old one calls otherwise."""
    alike = {spec.alike: params.get(spec.name) for spec in old.params if spec.alike}
    # What cannot be off and was left as it is was nobody's wish.
    for spec in old.params:
        if spec.required and (params.get(spec.name) or {}).get("value") == spec.default:
            alike.pop(spec.alike, None)
    out: dict[str, dict[str, Any]] = {}
    for spec in new.params:
        row = kept.get(spec.name)
        found = alike.get(spec.alike) if spec.alike else None
        if row is None and found and found["on"]:
            row = _carried(spec, found["value"])
        out[spec.name] = row or {"on": spec.required, "value": spec.default}
    return out


def _carried(spec: ParamSpec, value: Any) -> dict[str, Any] | None:
    try:
        return {"on": True, "value": spec.clean(value)}
    except ValueError:
        return None


def sent(settings: Settings) -> dict[str, Any]:
    """What of the settings goes to the gateway: a parameter that is off is left out, 0 is kept."""
    switches = settings.get("params") or {}
    tools, schema = settings.get("tools") or {}, settings.get("schema") or {}
    out: dict[str, Any] = {
        "system": str(settings.get("system") or ""),
        "stream": bool(settings.get("stream", True)),
        "params": {name: row.get("value") for name, row in switches.items() if row.get("on")},
    }
    if settings.get("extra"):
        out["extra"] = json_object(settings["extra"], "The extra fields")
    if tools.get("on") and tools.get("list"):
        out |= {"tools": [_sent_tool(row) for row in tools["list"]], "tool_choice": tools.get("choice")}
        if tools.get("auto"):
            out["mocks"] = {row["name"]: row["mock"] for row in tools["list"] if row.get("mock")}
    if schema.get("on"):
        out["schema"] = {
            "name": schema.get("name") or "answer",
            "strict": bool(schema.get("strict", True)),
            "schema": schemas.checked(schema.get("text", "")),
        }
    if settings.get("caching"):
        out["caching"] = settings["caching"]
    if other := fallback.sent(settings):
        out["fallback"] = other
    return out


def _sent_tool(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "description": row.get("description", ""),
        "parameters": schemas.checked(row.get("parameters") or "{}"),
    }


def param_rows(settings: Settings, errors: Mapping[str, str] | None = None) -> list[ParamRow]:
    """Every parameter of the family with what is stored, or its usual value."""
    family = FAMILIES.get(settings.get("family", ""), FAMILIES[DEFAULT_FAMILY])
    stored = settings.get("params") or {}
    rows = []
    for spec in family.params:
        row = stored.get(spec.name) or {}
        value = row.get("value")
        # Emptied by hand and switched off: the usual value comes back.
        value = spec.default if value is None or (value == "" and not row.get("on")) else value
        rows.append(
            ParamRow(
                spec, spec.required or bool(row.get("on")), _shown(value), (errors or {}).get(spec.name, "")
            )
        )
    return rows


def _shown(value: Any) -> str:
    """A stored value as its control shows it; cleaning that again gives the same value."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(row, str) for row in value):
        return "\n".join(row.replace("\n", "\\n").replace("\t", "\\t") for row in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)
