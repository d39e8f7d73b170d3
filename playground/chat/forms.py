"""What people send to a conversation: a message with its images, a text, a title, and the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings as site
from django.http import QueryDict

from playground.chat import attachments
from playground.gateway.assembly import storable
from playground.gateway.params import ParamSpec
from playground.gateway.wire import FAMILIES

Settings = dict[str, Any]
DEFAULT_FAMILY = "openai_chat"


class StorableText(forms.CharField):
    """Text as it was typed: what a database refuses is replaced visibly, nothing is stripped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value) or ""
        return storable(text.replace("\r\n", "\n"))


class MessageForm(forms.Form):
    """A text with images: a question, an edited one, or a draft. `turn_id` is made up by the page."""

    turn_id = forms.UUIDField(required=False)
    text = StorableText(required=False)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if len(text) > site.MAX_PROMPT_CHARS:
            raise forms.ValidationError(
                f"This message has {len(text):,} characters; at most {site.MAX_PROMPT_CHARS:,} can be sent."
            )
        return text

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["images"] = []
        try:
            self.cleaned_data["images"] = images_from(self.data)
        except attachments.Refused as error:
            self.add_error(None, str(error))
        return self.cleaned_data

    @property
    def complaint(self) -> str:
        """The first thing wrong, as one sentence."""
        return next((str(errors[0]) for errors in self.errors.values()), "")


def images_from(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """The attached images in order: an id of ours or an https address each. Raises attachments.Refused."""
    if not isinstance(data, QueryDict):
        return []
    rows: list[dict[str, str]] = []
    alts = data.getlist("alt")
    for at, where in enumerate(data.getlist("image")):
        alt = storable(alts[at])[:500] if at < len(alts) else ""
        rows.append({**_place(where.strip()), "alt": alt})
    return rows


def _place(where: str) -> dict[str, str]:
    try:
        return {"attachment": str(UUID(where))}
    except ValueError:
        return {"url": attachments.check_url(where)}


class TitleForm(forms.Form):
    title = forms.CharField(max_length=200, error_messages={"required": "Give the chat a title."})

    def clean_title(self) -> str:
        return " ".join(storable(self.cleaned_data["title"]).split())

    @property
    def complaint(self) -> str:
        return str(self.errors["title"][0]) if self.errors else ""


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
    """The settings of a conversation, as the page sends them: `on-<name>` switches, `p-<name>` values.

    A parameter that is off keeps its value but is not checked and not sent.
    """

    def __init__(self, data: QueryDict) -> None:
        self.errors: dict[str, str] = {}
        named = data.get("family", DEFAULT_FAMILY)
        self.family = FAMILIES.get(named, FAMILIES[DEFAULT_FAMILY])
        self.settings: Settings = {
            "family": self.family.key,
            "model": storable(data.get("model", "")).strip()[:255],
            "key": data.get("key", "")[:36],
            "system": self._system(data),
            "stream": "stream" in data,
            "params": {spec.name: self._param(spec, data) for spec in self.family.params},
        }

    def _system(self, data: QueryDict) -> str:
        system = storable(data.get("system", "").replace("\r\n", "\n"))
        if len(system) > site.MAX_PROMPT_CHARS:
            self.errors["system"] = f"The system prompt is longer than {site.MAX_PROMPT_CHARS:,} characters."
        return system

    def _param(self, spec: ParamSpec, data: QueryDict) -> dict[str, Any]:
        on = f"on-{spec.name}" in data
        raw = storable(data.get(f"p-{spec.name}", "").replace("\r\n", "\n"))[:20_000]
        try:
            return {"on": on, "value": spec.clean(raw)}
        except ValueError as error:
            if on:
                self.errors[spec.name] = str(error)
            return {"on": on, "value": raw}

    def is_valid(self) -> bool:
        return not self.errors

    @property
    def complaint(self) -> str:
        return next(iter(self.errors.values()), "")


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
        rows.append(ParamRow(spec, bool(row.get("on")), _shown(value), (errors or {}).get(spec.name, "")))
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
