"""What may be wrong with the definition of a route, told in sentences for the person who wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from playground.gateway.media.observation import OutputKind, State
from playground.gateway.media.operation import FileForm, FileKind, Medium
from playground.gateway.media.paths import is_path
from playground.gateway.params import ParamKind

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# As long as the column that keeps it.
_FAMILY = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_NAME = re.compile(r"[A-Za-z_][\w-]{0,59}(\.[A-Za-z_][\w-]{0,59}){0,5}")
_PLACE = re.compile(r"\{([A-Za-z_][\w.-]{0,199})\}")
_ROUTE = re.compile(r"/[\w.~%:@!$&'()*+,;=/{}-]*(\?[\w.~%:@!$'()*+,;=/?{}&-]*)?")
_NEEDED = ("key", "label", "medium", "fields", "create", "query", "id", "status", "outputs")
_FREE = ("about", "family", "models", "files", "basic", "states", "error", "progress", "progress_whole")
_KNOWN = frozenset({*_NEEDED, *_FREE, "usage", "ok_codes", "pace", "lives_s"})
_PACES = ("first_s", "ceiling_s", "deadline_s")
_MOST = 60
# How the query may be made; the first is the usual way.
METHODS = ("GET", "POST")
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Mistake:
    """`place`: the part of the definition, such as "create.path", or "fields.2" for the third field."""

    place: str
    sentence: str


class DefinitionError(ValueError):
    """`mistakes` in the order of the definition; `sentences` without their places."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        self.sentences = tuple(mistake.sentence for mistake in mistakes)
        super().__init__(" ".join(self.sentences))


def mistakes_in(definition: Any) -> tuple[Mistake, ...]:
    if not isinstance(definition, Mapping):
        return (Mistake("", "The definition must be an object."),)
    if not _is_shallow(definition):
        return (Mistake("", "The definition is nested too deeply."),)
    checks = (_names, _form, _calls, _reading, _timing)
    return tuple(mistake for check in checks for mistake in check(definition))


def place(text: str) -> str | None:
    """The name in "{name}", None if the text is nothing but a text."""
    found = _PLACE.fullmatch(text)
    return found[1] if found else None


def places(template: Any) -> frozenset[str]:
    """Every name that stands for a value anywhere in a template."""
    if isinstance(template, str):
        name = place(template)
        return frozenset() if name is None else frozenset({name})
    inner = template.values() if isinstance(template, Mapping) else template
    if not isinstance(template, (Mapping, list, tuple)):
        return frozenset()
    return frozenset().union(*(places(value) for value in inner))


def _is_shallow(value: Any, depth: int = _DEEPEST) -> bool:
    if not depth:
        return False
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return all(_is_shallow(one, depth - 1) for one in inner)


def _names(definition: Mapping[str, Any]) -> Iterator[Mistake]:
    for name in sorted(str(name) for name in definition if name not in _KNOWN):
        yield Mistake("", f"“{name[:60]}” is no part of a definition.")
    if not _matches(_KEY, definition.get("key")):
        yield Mistake("key", "The key must be of small letters, digits and hyphens, such as seedance.")
    if not _is_text(definition.get("label"), 80):
        yield Mistake("label", "The label is missing, or longer than 80 characters.")
    if not _is_note(definition.get("about"), 300):
        yield Mistake("about", "The text under “about” must be a text of at most 300 characters.")
    if not _matches(_FAMILY, definition.get("family", "custom")):
        yield Mistake("family", "The family must be of small letters, digits and hyphens, such as doubao.")
    if definition.get("medium") not in get_args(Medium):
        yield Mistake("medium", f"The medium must be one of: {', '.join(get_args(Medium))}.")
    if not _are_texts(definition.get("models", []), 255):
        yield Mistake("models", "The models must be a list of texts.")


def _form(definition: Mapping[str, Any]) -> Iterator[Mistake]:
    specs, files = _rows(definition, "fields"), _rows(definition, "files")
    if not specs:
        yield Mistake("fields", "The fields must be a list with at least one entry.")
    if files is None:
        yield Mistake("files", "The files must be a list of objects.")
    for number, spec in enumerate(specs or ()):
        yield from _field(spec, f"fields.{number}")
    for number, file in enumerate(files or ()):
        yield from _file(file, f"files.{number}")
    names = [str(row.get("name")) for row in (*(specs or ()), *(files or ()))]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Mistake(_place_of(definition, name), f"The name “{name}” is there twice.")
    for name in _strings(definition.get("basic", [])):
        if name not in names:
            yield Mistake("basic", f"“{name}” is named as basic, but there is no such field.")


def _field(row: Mapping[str, Any], place: str) -> Iterator[Mistake]:
    name = str(row.get("name"))[:60]
    if not _matches(_NAME, row.get("name")):
        yield Mistake(place, f"The field name “{name}” must be of letters, digits and _, with dots between.")
    if row.get("kind") not in get_args(ParamKind):
        yield Mistake(place, f"The kind of {name} must be one of: {', '.join(get_args(ParamKind))}.")
    if not _is_text(row.get("label"), 80):
        yield Mistake(place, f"{name} needs a label of at most 80 characters.")
    if not all(_is_note(row.get(part), 500) for part in ("help", "unit")):
        yield Mistake(place, f"The help and the unit of {name} must be texts.")
    if not all(_is_number(row.get(part, 0)) for part in ("minimum", "maximum", "step")):
        yield Mistake(place, f"The minimum, maximum and step of {name} must be numbers.")
    choices = row.get("choices", [])
    if not _are_texts(choices, 200) or (row.get("kind") == "choice" and not choices):
        yield Mistake(place, f"The choices of {name} must be a list of texts.")
    if not isinstance(row.get("required", False), bool):
        yield Mistake(place, f"“required” of {name} must be true or false.")


def _file(row: Mapping[str, Any], place: str) -> Iterator[Mistake]:
    name = str(row.get("name"))[:60]
    forms, many = row.get("forms", ["url"]), row.get("many", 1)
    known = [form for form in get_args(FileForm) if form != "multipart"]
    if not _matches(_NAME, row.get("name")):
        yield Mistake(place, f"The file name “{name}” must be of letters, digits and _, with dots between.")
    if row.get("kind") not in get_args(FileKind):
        yield Mistake(place, f"The kind of {name} must be one of: {', '.join(get_args(FileKind))}.")
    if not _is_text(row.get("label"), 80) or not _is_note(row.get("help"), 500):
        yield Mistake(place, f"{name} needs a label of at most 80 characters, and its help must be a text.")
    if not _are_texts(forms, 20) or not forms or not set(forms) <= set(known):
        yield Mistake(place, f"The forms of {name} must be a list of: {', '.join(known)}.")
    if not isinstance(many, int) or isinstance(many, bool) or not 1 <= many <= 20:
        yield Mistake(place, f"“many” of {name} must be a number from 1 to 20.")
    if not isinstance(row.get("required", False), bool):
        yield Mistake(place, f"“required” of {name} must be true or false.")


def _calls(definition: Mapping[str, Any]) -> Iterator[Mistake]:
    for call, takes_id in (("create", False), ("query", True)):
        told = definition.get(call)
        path = told.get("path") if isinstance(told, Mapping) else None
        if not isinstance(path, str) or not _is_route(path):
            yield Mistake(
                f"{call}.path",
                f"The {call} path must begin with one slash and be a path only, without a host.",
            )
        elif path.count("{id}") != takes_id or set(re.findall(r"[{}]", path.replace("{id}", ""))):
            yield Mistake(
                f"{call}.path",
                f"The {call} path must hold {'{id} once' if takes_id else 'no {id}'}, and no other braces.",
            )
    create, query = definition.get("create"), definition.get("query")
    if isinstance(query, Mapping) and query.get("method", METHODS[0]) not in METHODS:
        yield Mistake("query.method", f"The query method must be one of: {', '.join(METHODS)}.")
    body = create.get("body", {}) if isinstance(create, Mapping) else {}
    if not isinstance(body, Mapping):
        yield Mistake("create.body", "The body of the create call must be an object.")
        return
    rows = (*(_rows(definition, "fields") or ()), *(_rows(definition, "files") or ()))
    for name in sorted(places(body) - {str(row.get("name")) for row in rows}):
        yield Mistake("create.body", f"The body names {{{name}}}, but there is no such field or file.")


def _place_of(definition: Mapping[str, Any], name: str) -> str:
    """The last row of that name: the one that is too many."""
    rows = [
        (f"{part}.{number}", str(row.get("name")))
        for part in ("fields", "files")
        for number, row in enumerate(_rows(definition, part) or ())
    ]
    return next(place for place, there in reversed(rows) if there == name)


def _is_route(path: str) -> bool:
    plain = path.partition("?")[0]
    dots = {".", ".."} & set(re.split(r"/", re.sub(r"(?i)%2e", ".", plain)))
    return len(path) <= 300 and not path.startswith("//") and not dots and bool(_ROUTE.fullmatch(path))


def _reading(definition: Mapping[str, Any]) -> Iterator[Mistake]:
    for name in ("id", "status"):
        if not _are_paths(definition.get(name)):
            yield Mistake(name, f"“{name}” must be a path such as data.{name}, or a list of such.")
    for name in ("progress", "usage"):
        if name in definition and not _are_paths(definition[name]):
            yield Mistake(name, f"“{name}” must be a path such as data.{name}.")
    error = definition.get("error", {})
    if not isinstance(error, Mapping) or not all(_are_paths(path) for path in error.values()):
        yield Mistake("error", "“error” must be an object with a path for message and one for code.")
    outputs, kinds = _rows(definition, "outputs"), ", ".join(get_args(OutputKind))
    if not outputs:
        yield Mistake("outputs", f"“outputs” must list at least one: a path, and a kind of {kinds}.")
    for number, row in enumerate(outputs or ()):
        if not _is_output(row):
            sentence = f"An output needs a path such as data.url, and one of these kinds: {kinds}."
            yield Mistake(f"outputs.{number}", sentence)
    states = definition.get("states", {})
    if not isinstance(states, Mapping) or not all(isinstance(word, str) for word in states):
        yield Mistake("states", "“states” must be an object from the gateway's words to ours.")
    elif not all(isinstance(ours, str) and ours in get_args(State) for ours in states.values()):
        yield Mistake("states", f"Each of “states” must stand for one of: {', '.join(get_args(State))}.")
    codes = definition.get("ok_codes", [])
    if not isinstance(codes, (list, tuple)) or not all(type(code) in (int, str) for code in codes):
        yield Mistake("ok_codes", "“ok_codes” must be a list of numbers or texts.")


def _is_output(row: Mapping[str, Any]) -> bool:
    known = row.get("kind") in get_args(OutputKind)
    return known and _is_path(row.get("path")) and isinstance(row.get("base64", False), bool)


def _timing(definition: Mapping[str, Any]) -> Iterator[Mistake]:
    pace = definition.get("pace", {})
    if not isinstance(pace, Mapping) or not set(pace) <= set(_PACES):
        yield Mistake("pace", f"“pace” must be an object with any of: {', '.join(_PACES)}.")
    else:
        for name, value in pace.items():
            if not _is_number(value) or not 1 <= value <= 604_800:
                yield Mistake(f"pace.{name}", "The times of “pace” must be seconds, from 1 to 604800.")
    for name in ("lives_s", "progress_whole"):
        if name in definition and not (_is_number(definition[name]) and definition[name] > 0):
            yield Mistake(name, f"“{name}” must be a number above 0.")


def _rows(definition: Mapping[str, Any], name: str) -> list[Mapping[str, Any]] | None:
    """The objects of a list; None if it is no such list."""
    rows = definition.get(name, [])
    if not isinstance(rows, (list, tuple)) or len(rows) > _MOST:
        return None
    return list(rows) if all(isinstance(row, Mapping) for row in rows) else None


def _strings(value: Any) -> list[str]:
    return [str(one)[:60] for one in value] if isinstance(value, (list, tuple)) else [str(value)[:60]]


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_text(value: Any, limit: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= limit


def _is_note(value: Any, limit: int) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= limit)


def _are_texts(value: Any, limit: int) -> bool:
    good = isinstance(value, (list, tuple)) and len(value) <= 200
    return good and all(_is_text(one, limit) for one in value)


def _are_paths(value: Any) -> bool:
    if isinstance(value, str):
        return is_path(value)
    return isinstance(value, (list, tuple)) and bool(value) and all(map(_is_path, value))


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and is_path(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
