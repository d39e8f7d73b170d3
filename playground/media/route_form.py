"""A task route's form: rows of text that become a definition, and a definition as rows of text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from django.http import QueryDict

from playground.gateway.assembly import storable
from playground.gateway.media.custom import Mistake
from playground.gateway.media.custom_checks import METHODS
from playground.gateway.media.observation import OutputKind, State
from playground.gateway.media.operation import FileKind, Medium
from playground.gateway.params import ParamKind

LONGEST = 50_000
MOST_ROWS = 60
# Empty rows at the end of each table, and as many when somebody asks for more.
SPARE = {"fields": 2, "files": 1, "outputs": 1}
MORE = {"fields": 5, "files": 3, "outputs": 3}
_NO_NUMBER = "This must be a number, such as 30."
_NO_OBJECT = "The body must be one JSON object, such as {{}}. {}"
_NO_STATE = "Each line must say a word of the gateway, =, and one of: {}."
_FILE_FORMS = ("url", "data_url", "base64", "url, data_url", "url, base64")


@dataclass(frozen=True, slots=True)
class Entry:
    """One control. `control`: line, lines, code, number, choice or check. `place`: see `Mistake`."""

    place: str
    label: str
    control: str = "line"
    help: str = ""
    choices: tuple[str, ...] = ()
    needed: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """An entry with what stands in it. `name` is that of the form field."""

    entry: Entry
    name: str
    value: str = ""
    error: str = ""

    @property
    def id(self) -> str:
        return "r-" + self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    controls: list[Control]
    error: str = ""
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form: texts by place, and the filled rows of each table."""

    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)


NAMING = (
    Entry("label", "Name", help="As it stands in the studio.", needed=True, example="Seedance video"),
    Entry("key", "Key", help="Small letters, digits and hyphens. It stays.", needed=True, example="seedance"),
    Entry("medium", "Medium", "choice", choices=get_args(Medium), needed=True),
    Entry("family", "Family", help="The badge beside it.", example="doubao"),
    Entry("about", "About", help="One line under the choice of the route."),
    Entry("models", "Models", "lines", help="One a line; offered where a field is called model."),
)
CALLS = (
    Entry("create.path", "Create path", help="Sent by POST to the key's gateway.", needed=True, example="/…"),
    Entry(
        "create.body",
        "Body",
        "code",
        help='JSON. "{prompt}" stands for the field prompt; others go in under their name.',
        example='{"input": {"text": "{prompt}"}}',
    ),
    Entry("query.path", "Query path", help="{id} stands for the task's id.", needed=True, example="/…/{id}"),
    Entry("query.method", "Query method", "choice", choices=METHODS),
)
READING = (
    Entry("id", "Id", help="Where the create answer has the task's id.", needed=True, example="data.task_id"),
    Entry(
        "status", "State", help="Where the query answer has its state.", needed=True, example="data.status"
    ),
    Entry(
        "states",
        "States",
        "lines",
        help="A line each: the gateway's word = ours. Common words, such as queued or done, are known.",
        example="dreaming = running",
    ),
    Entry("error.message", "Error message", example="data.error.message"),
    Entry("error.code", "Error code", example="data.error.code"),
    Entry("progress", "Progress", example="data.progress"),
    Entry("progress_whole", "Progress at the end", "number", example="100"),
    Entry("ok_codes", "Codes of success", help="What a “code” beside a good answer may say.", example="0"),
)
TIMING = (
    Entry("pace.first_s", "First look after", "number", "Seconds.", example="5"),
    Entry("pace.ceiling_s", "Longest wait", "number", "Seconds between two looks.", example="30"),
    Entry("pace.deadline_s", "Deadline", "number", "Seconds until its state is unknown.", example="3600"),
    Entry("lives_s", "Links live", "number", "Seconds that the gateway keeps a file.", example="86400"),
)
TABLES: dict[str, tuple[Entry, ...]] = {
    "fields": (
        Entry("name", "Name", needed=True, example="prompt"),
        Entry("label", "Label", needed=True, example="Prompt"),
        Entry("kind", "Type", "choice", choices=("text", *(k for k in get_args(ParamKind) if k != "text"))),
        Entry("required", "Required", "check"),
        Entry("default", "Usual value"),
        Entry("choices", "Choices", help="Separated by commas."),
        Entry("minimum", "Least", "number"),
        Entry("maximum", "Most", "number"),
        Entry("unit", "Unit"),
        Entry("help", "Help"),
    ),
    "files": (
        Entry("name", "Name", needed=True, example="first_frame"),
        Entry("label", "Label", needed=True),
        Entry("kind", "Kind", "choice", choices=get_args(FileKind)),
        Entry("forms", "Sent as", "choice", choices=_FILE_FORMS),
        Entry("required", "Required", "check"),
        Entry("many", "How many", "number", example="1"),
        Entry("help", "Help"),
    ),
    "outputs": (
        Entry("path", "Path", help="[*] stands for every entry of a list.", needed=True, example="data.url"),
        Entry("kind", "Kind", "choice", choices=get_args(OutputKind)),
        Entry("base64", "Bare base64 stands there", "check"),
    ),
}
_LISTS = {"models": r"\n+", "id": r"[\s,]+", "status": r"[\s,]+", "error.message": r"[\s,]+"}
_LISTS |= {"error.code": r"[\s,]+", "progress": r"[\s,]+", "ok_codes": r"[\s,]+"}
PARTS = {"naming": NAMING, "calls": CALLS, "reading": READING, "timing": TIMING}
_SINGLES = tuple(entry for entries in PARTS.values() for entry in entries)


def read(data: QueryDict) -> Typed:
    """What was typed; rows without anything in their lines are no rows."""
    texts = {entry.place: _text(data, entry.place) for entry in _SINGLES}
    tables: dict[str, list[dict[str, str]]] = {}
    for name, entries in TABLES.items():
        rows = (
            {entry.place: _text(data, f"{name}.{number}.{entry.place}") for entry in entries}
            for number in range(MOST_ROWS)
        )
        tables[name] = [row for row in rows if any(row[each.place] for each in entries if _is_typed(each))]
    return Typed(texts, tables)


def _is_typed(entry: Entry) -> bool:
    return entry.control not in ("choice", "check")


def _text(data: QueryDict, name: str) -> str:
    return storable(data.get(name, "")[:LONGEST].replace("\r\n", "\n")).strip()


def definition_of(typed: Typed) -> tuple[dict[str, Any], list[Mistake]]:
    """The definition, and what in it could not even be read."""
    mistakes: list[Mistake] = []
    definition: dict[str, Any] = {}
    for entry in _SINGLES:
        if text := typed.texts.get(entry.place, ""):
            _put(definition, entry.place, _value(entry, entry.place, text, mistakes))
    for name, entries in TABLES.items():
        rows = [_row(name, number, entries, row, mistakes) for number, row in enumerate(typed.tables[name])]
        if rows:
            definition[name] = rows
    definition.setdefault("create", {})
    definition.setdefault("query", {})
    return definition, mistakes


def _row(
    table: str, number: int, entries: Iterable[Entry], typed: Mapping[str, str], mistakes: list[Mistake]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for entry in entries:
        text = typed.get(entry.place, "")
        if entry.control == "check":
            row[entry.place] = bool(text)
        elif text:
            row[entry.place] = _value(entry, f"{table}.{number}", text, mistakes)
    return row


def _put(definition: dict[str, Any], place: str, value: Any) -> None:
    outer, _, inner = place.rpartition(".")
    holder = definition.setdefault(outer, {}) if outer else definition
    holder[inner] = value


def _value(entry: Entry, place: str, text: str, mistakes: list[Mistake]) -> Any:
    if entry.control == "number":
        return _number(place, entry.label, text, mistakes)
    if entry.control == "code":
        return _object(place, text, mistakes)
    if entry.place == "states":
        return _states(place, text, mistakes)
    if entry.place in ("choices", "forms"):
        return [part.strip() for part in text.split(",") if part.strip()]
    if pattern := _LISTS.get(entry.place):
        return [part.strip() for part in re.split(pattern, text) if part.strip()]
    return text


def _number(place: str, label: str, text: str, mistakes: list[Mistake]) -> float | int:
    try:
        value = float(text)
        return int(value) if value == int(value) else value
    except (ValueError, OverflowError):
        mistakes.append(Mistake(place, f"{label}: {_NO_NUMBER}" if place.count(".") else _NO_NUMBER))
        return 1


def _object(place: str, text: str, mistakes: list[Mistake]) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        mistakes.append(Mistake(place, _NO_OBJECT.format(f"({str(error)[:100]})")))
        return {}
    if isinstance(value, dict):
        return value
    mistakes.append(Mistake(place, _NO_OBJECT.format("").strip()))
    return {}


def _states(place: str, text: str, mistakes: list[Mistake]) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if not all(word.strip() and ours.strip() for word, _, ours in pairs):
        mistakes.append(Mistake(place, _NO_STATE.format(", ".join(get_args(State)))))
        return {}
    return {word.strip(): ours.strip() for word, _, ours in pairs}


def typed_of(definition: Mapping[str, Any]) -> Typed:
    """A definition as its form shows it; read back, it is the same definition."""
    texts = {entry.place: _shown(entry, _at(definition, entry.place)) for entry in _SINGLES}
    tables = {
        name: [
            {entry.place: _shown(entry, row.get(entry.place)) for entry in entries}
            for row in definition.get(name, ())
        ]
        for name, entries in TABLES.items()
    }
    return Typed(texts, tables)


def _at(definition: Mapping[str, Any], place: str) -> Any:
    outer, _, inner = place.rpartition(".")
    holder = definition.get(outer, {}) if outer else definition
    return holder.get(inner)


def _shown(entry: Entry, value: Any) -> str:
    if value is None or value == {} or value is False:
        return ""
    if entry.place == "states":
        return "\n".join(f"{word} = {ours}" for word, ours in value.items())
    if entry.control == "code":
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return ("\n" if entry.place == "models" else ", ").join(map(str, value))
    return "on" if value is True else str(value)


@dataclass(frozen=True, slots=True)
class View:
    """The form with what stands in it and what is wrong with it."""

    parts: dict[str, list[Control]]
    tables: dict[str, list[Row]]
    general: list[str]
    table_errors: dict[str, str]


def view(typed: Typed, mistakes: Iterable[Mistake] = (), *, spare: Mapping[str, int] = SPARE) -> View:
    """`spare`: empty rows at the end of each table."""
    told: dict[str, str] = {}
    for mistake in mistakes:
        there = told.get(mistake.place)
        told[mistake.place] = f"{there} {mistake.sentence}" if there else mistake.sentence
    if "error" in told:
        told["error.message"] = told.pop("error")

    def controls(entries: Iterable[Entry]) -> list[Control]:
        return [
            Control(each, each.place, typed.texts.get(each.place, ""), told.pop(each.place, ""))
            for each in entries
        ]

    parts = {name: controls(entries) for name, entries in PARTS.items()}
    tables = {name: _rows(name, typed.tables.get(name, []), told, spare[name]) for name in TABLES}
    table_errors = {name: told.pop(name) for name in TABLES if name in told}
    # What belongs to no control is said at the top.
    return View(parts, tables, list(told.values()), table_errors)


def _rows(name: str, filled: list[dict[str, str]], told: dict[str, str], spare: int) -> list[Row]:
    rows = []
    for number in range(min(len(filled) + spare, MOST_ROWS)):
        there = filled[number] if number < len(filled) else {}
        cells = [
            Control(entry, f"{name}.{number}.{entry.place}", there.get(entry.place, ""))
            for entry in TABLES[name]
        ]
        rows.append(Row(number, cells, told.pop(f"{name}.{number}", ""), spare=number >= len(filled)))
    return rows
