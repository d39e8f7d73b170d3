"""A route that an admin declares: another pair of create and query, without a release (contract 16)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from playground.gateway.media import answers, custom_checks, sending
from playground.gateway.media.custom_checks import DefinitionError, Mistake
from playground.gateway.media.dialect import Dialect
from playground.gateway.media.operation import FileField, FileForm, FileValue, Inputs, Operation, Pace
from playground.gateway.media.outputs import Harvest
from playground.gateway.media.states import normal
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest
from playground.gateway.wire.body import merged, nested

__all__ = ["DefinitionError", "Mistake", "custom_operation"]

_SOURCE = "an admin of this playground"
_NUMBERS = ("minimum", "maximum", "step")


def custom_operation(definition: Mapping[str, Any]) -> Operation:
    """The operation that a definition declares. Raises DefinitionError with a sentence for each mistake.

    A definition is JSON (`?` marks what may be left out):

        {"key": "seedance", "label": "Seedance video", "about": "…"?, "family": "doubao"?,
         "medium": "image" | "video" | "music" | "speech" | "text",
         "models": ["…"]?,
         "fields": [{"name": "prompt", "kind": "text", "label": "Prompt", "help": "…"?, "default"?,
                     "minimum"?, "maximum"?, "step"?, "choices"?, "unit"?, "required"?}],
         "files": [{"name": "first_frame", "kind": "image", "label": "First picture", "help": "…"?,
                    "forms": ["url", "data_url", "base64"]?, "required"?, "many"?}]?,
         "basic": ["prompt"]?,
         "create": {"path": "/doubao/video/generations", "body": {…}?},
         "query": {"path": "/doubao/videos/{id}", "method": "GET" | "POST"?},
         "id": "id" | ["id", "task_id"],
         "status": "status" | […], "states": {"queued": "pending", …}?,
         "outputs": [{"path": "metadata.url", "kind": "video", "base64"?}],
         "error": {"message": "error.message" | […], "code": "error.code" | […]}?,
         "progress": "progress"?, "progress_whole": 100?, "usage": "usage"?, "ok_codes": [0]?,
         "pace": {"first_s": 5, "ceiling_s": 30, "deadline_s": 1800}?, "lives_s": 86400?}

    Paths into answers are names joined by dots, with `[*]` for every entry of a list and `[0]` for one.
    A field or file named "model", "input.prompt" … goes to that place in the body, unless the body of
    `create` says where: there the text "{prompt}" stands for the value of the field, and an entry that
    stands for something not filled in is left out, with the object in a list that holds it. Words of
    `states` come on top of those that every route understands. The operation's key is "custom.<key>".
    """
    mistakes = custom_checks.mistakes_in(definition)
    if mistakes:
        raise DefinitionError(mistakes)
    specs = tuple(_spec(row) for row in definition["fields"])
    if mistakes := tuple(_wrong_defaults(specs)):
        raise DefinitionError(mistakes)
    files = tuple(_file(row) for row in definition.get("files", ()))
    dialect = _dialect(definition)
    route = _Route(definition["create"]["path"], definition["create"].get("body", {}), specs, files)
    return Operation(
        key=f"custom.{definition['key']}",
        family=definition.get("family", "custom"),
        label=definition["label"],
        about=definition.get("about") or "",
        medium=definition["medium"],
        fields=specs,
        create=route.create,
        read_created=dialect.submitted,
        query=partial(_query, definition["query"]),
        read_state=dialect.observed,
        files=files,
        basic=tuple(definition.get("basic", ())) or tuple(spec.name for spec in specs if spec.required),
        model_field="model" if any(spec.name == "model" for spec in specs) else "",
        models=tuple(definition.get("models", ())),
        pace=Pace(**definition.get("pace", {})),
        declared=True,
        source=_SOURCE,
    )


@dataclass(frozen=True, slots=True)
class _Route:
    """The create call. `template` is the body with "{name}" where a value goes."""

    path: str
    template: Mapping[str, Any]
    specs: tuple[ParamSpec, ...]
    files: tuple[FileField, ...]

    def create(self, inputs: Inputs) -> WireRequest:
        sending.require(inputs, self.specs, self.files)
        values = {**inputs.values, **self._sent_files(inputs)}
        placed = custom_checks.places(self.template)
        several = frozenset(row.name for row in self.files if row.many > 1)
        filled = _filled_object(self.template, values, several)
        rest = nested({name: value for name, value in values.items() if name not in placed})
        path, _, query = self.path.partition("?")
        wire = sending.post_json(path, merged(filled, rest), inputs)
        return replace(wire, query=dict(parse_qsl(query)))

    def _sent_files(self, inputs: Inputs) -> dict[str, Any]:
        sent: dict[str, Any] = {}
        for row in self.files:
            given = [_written(file, row.forms) for file in sending.files_of(inputs, row.name)]
            if given:
                sent[row.name] = given if row.many > 1 else given[0]
        return sent


def _written(file: FileValue, forms: tuple[FileForm, ...]) -> str:
    if "base64" in forms:
        return sending.as_base64(file)
    return sending.as_address(file) if "data_url" in forms else sending.as_url(file)


def _filled(template: Any, values: Mapping[str, Any], several: frozenset[str]) -> Any:
    if isinstance(template, str):
        name = custom_checks.place(template)
        return template if name is None else values.get(name)
    if isinstance(template, Mapping):
        return _filled_object(template, values, several) or (None if template else {})
    if isinstance(template, (list, tuple)):
        return [one for row in template for one in _filled_entry(row, values, several)]
    return template


def _filled_object(
    template: Mapping[str, Any], values: Mapping[str, Any], several: frozenset[str]
) -> dict[str, Any]:
    """What stands for something not filled in is left out; a null that was written there stays."""
    rows = {name: _filled(inner, values, several) for name, inner in template.items()}
    return {name: value for name, value in rows.items() if value is not None or template[name] is None}


def _filled_entry(row: Any, values: Mapping[str, Any], several: frozenset[str]) -> list[Any]:
    """An entry of a list: gone when a value is missing, there once for each file when it holds several."""
    names = custom_checks.places(row)
    if any(values.get(name) is None for name in names):
        return []
    lists = names & several
    if not lists:
        return [_filled(row, values, several)]
    name = min(lists)
    return [_filled(row, {**values, name: one}, several) for one in values[name]]


def _query(call: Mapping[str, Any], upstream_id: str) -> WireRequest:
    plain, _, query = call["path"].partition("?")
    wire = sending.query_of(plain, upstream_id)
    asked = {name: value.replace("{id}", upstream_id) for name, value in parse_qsl(query)}
    return replace(wire, method=call.get("method", "GET"), query=asked)


def _wrong_defaults(specs: tuple[ParamSpec, ...]) -> Iterator[Mistake]:
    for number, spec in enumerate(specs):
        if spec.default in (None, ""):
            continue
        try:
            spec.clean(spec.default)
        except ValueError as error:
            yield Mistake(f"fields.{number}", f"The usual value does not fit: {error}")


def _spec(row: Mapping[str, Any]) -> ParamSpec:
    given = {name: row[name] for name in _NUMBERS if row.get(name) is not None}
    return ParamSpec(
        row["name"],
        row["kind"],
        row["label"],
        row.get("help") or "",
        default=row.get("default"),
        choices=tuple(row.get("choices", ())),
        unit=row.get("unit") or "",
        required=row.get("required", False),
        source=_SOURCE,
        **given,
    )


def _file(row: Mapping[str, Any]) -> FileField:
    return FileField(
        row["name"],
        row["kind"],
        row["label"],
        row.get("help") or "",
        forms=tuple(row.get("forms", ("url",))),
        required=row.get("required", False),
        many=row.get("many", 1),
        source=_SOURCE,
    )


def _dialect(definition: Mapping[str, Any]) -> Dialect:
    error = definition.get("error", {})
    told = {str(code).lower() for code in definition.get("ok_codes", ())}
    return Dialect(
        ids=_paths(definition["id"]),
        words=_paths(definition["status"]),
        outputs=tuple(
            Harvest(row["path"], row["kind"], base64=row.get("base64", False))
            for row in definition["outputs"]
        ),
        messages=_paths(error.get("message", ())),
        codes=_paths(error.get("code", ())),
        progress=_paths(definition.get("progress", ())),
        usage=_paths(definition.get("usage", ())),
        states={normal(word): state for word, state in definition.get("states", {}).items()},
        ok_codes=answers.OK_CODES | told,
        whole=definition.get("progress_whole", 100),
        lives_s=int(definition["lives_s"]) if "lives_s" in definition else None,
    )


def _paths(told: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(told)
