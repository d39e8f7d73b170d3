"""The studio's form: made from an operation's table, read back as an order, and kept as it was typed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from accounts.models import Team
from playground.gateway.media.operation import FileField, Operation
from playground.gateway.params import ParamSpec
from playground.media import offers
from playground.media.models import Asset, Upload
from playground.media.offers import Offer

LONG_TEXT = 300
LONGEST_EXTRA = 50_000
# Of a request that brings files: the rest of the form, and what stands around each file.
BESIDE_FILES = 1024 * 1024
EXTRA = "The extra fields must be one JSON object, such as {{}}. {}"
ACCEPT = {
    "image": "image/png,image/jpeg,image/webp,image/gif",
    "audio": "audio/*",
    "video": "video/mp4,video/webm,video/quicktime",
}
Values = dict[str, Any]
Refs = dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in a form: values as typed (text), files by reference, extra fields as JSON text."""

    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    extra: str = ""
    key: str = ""
    source: str = ""
    source_output: str = ""
    # The prompt that it was filled from: the id of its version, and the values as JSON.
    prompt: str = ""
    variables: str = ""

    def as_draft(self) -> dict[str, Any]:
        files = {name: [dict(ref) for ref in refs] for name, refs in self.files.items()}
        kept = {"values": dict(self.values), "files": files, "extra": self.extra, "key": self.key}
        return kept | {"prompt": self.prompt, "variables": self.variables}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One parameter as a control."""

    spec: ParamSpec
    shown: str
    error: str = ""
    suggestions: tuple[str, ...] = ()
    is_model: bool = False

    @property
    def name(self) -> str:
        return f"p-{self.spec.name}"

    @property
    def id(self) -> str:
        return "f-" + self.spec.name.replace(".", "-")

    @property
    def picks(self) -> bool:
        """Whether a model is chosen from a list, or typed."""
        return self.is_model and self.spec.kind == "text"

    @property
    def control(self) -> str:
        spec = self.spec
        if spec.kind == "bool":
            return "switch" if spec.required else "choice"
        if spec.kind in ("list", "json"):
            return "code"
        if spec.kind == "text" and not self.is_model and (spec.maximum or LONG_TEXT) >= LONG_TEXT:
            return "lines"
        return {"choice": "choice", "int": "number", "float": "number"}.get(spec.kind, "line")

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Value and word; an empty value sends nothing."""
        spec = self.spec
        told = [("true", "On"), ("false", "Off")] if spec.kind == "bool" else [(c, c) for c in spec.choices]
        return told if spec.required else [("", self._usual), *told]

    @property
    def _usual(self) -> str:
        default = self.spec.default
        word = {True: "on", False: "off"}.get(default, default) if isinstance(default, bool) else default
        return f"Not sent (usually {word})" if word not in (None, "") else "Not sent"

    @property
    def placeholder(self) -> str:
        default = self.spec.default
        return "" if default in (None, "") or self.spec.required else f"usually {shown(default)}"

    @property
    def reach(self) -> str:
        """The allowed range in words."""
        low, high, unit = self.spec.minimum, self.spec.maximum, self.spec.unit
        if self.spec.kind in ("text", "list") and high is not None:
            what = "characters" if self.spec.kind == "text" else "lines"
            told = f"At most {high:,.0f} {what}."
            # Of what the help says itself nothing is said twice.
            return "" if told.replace(",", "") in self.spec.help.replace(",", "") else told
        if self.spec.kind not in ("int", "float") or low is None:
            return f"In {unit}." if unit and unit != "characters" else ""
        top = f" to {high:g}" if high is not None and high < 10**6 else " or more"
        return f"{low:g}{top}{f' {unit}' if unit else ''}."


@dataclass(frozen=True, slots=True)
class Given:
    """A file that stands in a form."""

    ref: str
    name: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    field: FileField
    given: list[Given]
    error: str = ""

    @property
    def accept(self) -> str:
        return ACCEPT[self.field.kind]

    @property
    def takes_url(self) -> bool:
        return "url" in self.field.forms

    @property
    def most_bytes(self) -> int:
        """Of one file: what the field takes, or less where one request to this site carries less."""
        return min(self.field.max_bytes, self.at_once)

    @property
    def at_once(self) -> int:
        """Of all files that are chosen together, for they come in one request."""
        return settings.MAX_REQUEST_BYTES - BESIDE_FILES

    @property
    def limit(self) -> str:
        """The sentence about size, true of this site."""
        field = self.field
        most = _mb(self.most_bytes) + (
            f" here, though the route takes {_mb(field.max_bytes)}" if self.cut else ""
        )
        if field.many == 1:
            return f"At most {most}."
        crowded = field.many * self.most_bytes > self.at_once
        at_once = f", {_mb(self.at_once)} chosen at once" if crowded else ""
        return f"At most {field.many} files of {most}{at_once}."

    @property
    def cut(self) -> bool:
        return self.most_bytes < self.field.max_bytes


def _mb(size: int) -> str:
    return f"{size / 2**20:g} MB"


@dataclass(frozen=True, slots=True)
class FormView:
    """Everything the form's template shows."""

    operation: Operation
    basic: list[FieldRow]
    more: list[FieldRow]
    files: list[FileRow]
    filled: Filled
    errors: Mapping[str, str]
    form_id: uuid.UUID

    @property
    def general(self) -> str:
        return self.errors.get("", "")

    @property
    def key_error(self) -> str:
        return self.errors.get("key", "")

    @property
    def operation_error(self) -> str:
        return self.errors.get("operation", "")

    @property
    def extra_error(self) -> str:
        return self.errors.get("extra", "")

    @property
    def more_open(self) -> bool:
        return any(row.error or (row.shown and not row.spec.required) for row in self.more)


def read(operation: Operation, data: QueryDict) -> Filled:
    """What was typed, unchecked. A switch that is off sends nothing by itself."""
    values: Values = {}
    for spec in operation.fields:
        raw = data.get(f"p-{spec.name}", "")
        if spec.kind == "bool" and spec.required:
            raw = "true" if raw else "false"
        values[spec.name] = raw.replace("\r\n", "\n")
    return Filled(
        values=values,
        files={row.name: _refs(row, data) for row in operation.files},
        extra=data.get("extra", "")[:LONGEST_EXTRA],
        key=data.get("key", ""),
        source=data.get("source", ""),
        source_output=data.get("source_output", ""),
        prompt=data.get("prompt", "")[:36],
        variables=data.get("variables", "")[:LONGEST_EXTRA],
    )


def _refs(row: FileField, data: QueryDict) -> list[dict[str, str]]:
    refs = [ref for told in data.getlist(f"ref-{row.name}") if (ref := ref_of(told)) is not None]
    if url := data.get(f"url-{row.name}", "").strip():
        refs.append({"url": url})
    return refs


def ref_of(text: str) -> dict[str, str] | None:
    """`upload:<id>`, `asset:<id>` or `url:<address>`."""
    kind, _, value = text.partition(":")
    if kind == "url" and value:
        return {"url": value[:2000]}
    try:
        return {kind: str(uuid.UUID(value))} if kind in ("upload", "asset") else None
    except ValueError:
        return None


def extra_of(filled: Filled) -> tuple[dict[str, Any], str]:
    """The extra fields, and what is wrong with them."""
    if not filled.extra.strip():
        return {}, ""
    try:
        value = json.loads(filled.extra)
    except (ValueError, RecursionError) as error:
        return {}, EXTRA.format(f"({str(error)[:100]})")
    return (value, "") if isinstance(value, dict) else ({}, EXTRA.format(""))


def view(
    operation: Operation,
    filled: Filled,
    team: Team,
    *,
    errors: Mapping[str, str] | None = None,
    offer: Offer = offers.NOTHING,
    form_id: uuid.UUID | None = None,
) -> FormView:
    """The form with what stands in it; a needed field that nobody filled in shows its usual value."""
    errors = errors or {}
    rows = [row_of(operation, spec, filled, errors, offer) for spec in operation.fields]
    first = {name: number for number, name in enumerate(operation.basic)}
    basic = sorted((row for row in rows if row.spec.name in first), key=lambda row: first[row.spec.name])
    return FormView(
        operation=operation,
        basic=basic,
        more=[row for row in rows if row.spec.name not in first],
        files=[_file_row(row, filled, errors, team) for row in operation.files],
        filled=filled,
        errors=errors,
        form_id=form_id or uuid.uuid4(),
    )


def row_of(
    operation: Operation, spec: ParamSpec, filled: Filled, errors: Mapping[str, str], offer: Offer
) -> FieldRow:
    is_model = spec.name == operation.model_field
    value = filled.values.get(spec.name)
    if value is None and spec.required:
        value = offer.begin if is_model and offer.begin else spec.default
        if is_model and not value:
            value = next(iter(operation.models), "")
    offered = offer.fitting if is_model and spec.kind == "text" else ()
    return FieldRow(spec, shown(value), errors.get(spec.name, ""), offered, is_model)


def _file_row(row: FileField, filled: Filled, errors: Mapping[str, str], team: Team) -> FileRow:
    given = [told for ref in filled.files.get(row.name, ()) if (told := given_of(ref, team)) is not None]
    return FileRow(row, given, errors.get(row.name, ""))


def given_of(ref: Mapping[str, str], team: Team) -> Given | None:
    """The file of a reference, if the team has it."""
    if url := ref.get("url"):
        return Given(f"url:{url}", url)
    if pk := ref.get("upload"):
        upload = Upload.objects.filter(team=team, pk=pk).first()
        if upload is None:
            return None
        picture = reverse("media:upload", args=[upload.pk]) if upload.kind == "image" else ""
        return Given(f"upload:{pk}", upload.name, picture)
    pk = ref.get("asset") or str(uuid.UUID(int=0))
    asset = Asset.objects.filter(task__team=team, pk=pk, status=Asset.Status.KEPT).first()
    if asset is None:
        return None
    picture = reverse("media:thumbnail", args=[asset.pk]) if asset.thumbnail else ""
    return Given(f"asset:{pk}", str(asset.meta.get("title") or asset.task.title or asset.key), picture)


def shown(value: Any) -> str:
    """A value as its control shows it; cleaning that again gives the same value."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(row, str) for row in value):
        return "\n".join(row.replace("\n", "\\n").replace("\t", "\\t") for row in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
