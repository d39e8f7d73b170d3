"""A declared route tried on sample answers: what would be sent, and what would be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Output, Submitted
from playground.gateway.media.operation import FileValue, Inputs, Operation
from playground.gateway.params import ParamSpec
from playground.media import snippets

T = TypeVar("T")
_EXAMPLES: dict[str, Any] = {"int": 1, "float": 0.5, "bool": True, "list": ["…"], "json": {}}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one answer: rows of name and value, or the problem with it."""

    rows: tuple[tuple[str, str], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    request: snippets.Request | None
    problem: str
    query: str
    created: Reading | None
    state: Reading | None


def run(operation: Operation, created: str, state: str) -> Trial:
    """With the answers as they were pasted; an empty one is not judged."""
    request, problem = _told(lambda: snippets.told(operation.create(_example(operation))))
    query, _ = _told(lambda: _query(operation))
    return Trial(
        request,
        problem,
        query or "",
        _created(operation, created) if created.strip() else None,
        _state(operation, state) if state.strip() else None,
    )


def _told(work: Callable[[], T]) -> tuple[T | None, str]:
    try:
        return work(), ""
    except GatewayError as error:
        return None, error.message or error.about.sentence


def _query(operation: Operation) -> str:
    assert operation.query is not None
    wire = operation.query("example-id")
    asked = "&".join(f"{name}={value}" for name, value in wire.query.items())
    return f"{wire.method} {wire.path}{f'?{asked}' if asked else ''}"


def _example(operation: Operation) -> Inputs:
    values = {spec.name: _example_of(spec) for spec in operation.fields}
    files = {
        row.name: (FileValue(url="https://example.com/file", media_type="application/octet-stream"),)
        for row in operation.files
    }
    return Inputs(values, files)


def _example_of(spec: ParamSpec) -> Any:
    if spec.default not in (None, ""):
        return spec.clean(spec.default)
    if spec.kind == "choice":
        return spec.choices[0]
    if spec.minimum is not None and spec.kind in ("int", "float"):
        return spec.minimum
    return _EXAMPLES.get(spec.kind, f"({spec.label})")


def _created(operation: Operation, text: str) -> Reading:
    told, problem = _told(lambda: operation.read_created(text.encode(), "application/json"))
    if not isinstance(told, Submitted):
        return Reading(problem=problem)
    rows = (("Id", told.upstream_id), ("Word for its state", told.raw_state))
    return Reading(tuple(row for row in rows if row[1]))


def _state(operation: Operation, text: str) -> Reading:
    read_state = operation.read_state
    assert read_state is not None
    seen, problem = _told(lambda: read_state(text.encode()))
    if seen is None:
        return Reading(problem=problem)
    rows = [("Word", seen.raw_state), ("State", seen.state)]
    if seen.progress is not None:
        rows.append(("Progress", f"{seen.progress:.0%}"))
    rows += [("Error", " ".join(filter(None, (seen.error_code, seen.error_message))))]
    rows += [(f"Output {output.key}", _content(output)) for output in seen.outputs]
    if seen.state == "succeeded" and not seen.ready:
        return Reading(tuple(row for row in rows if row[1]), "It says it is done, but no output was found.")
    return Reading(tuple(row for row in rows if row[1]))


def _content(output: Output) -> str:
    if output.data_b64:
        return f"{len(output.data_b64):,} base64 characters"
    return output.url or output.text[:500]
