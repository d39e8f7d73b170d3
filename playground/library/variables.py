r"""Variables in texts: `{{name}}` is replaced by a value, `{{> slug@label}}` by another prompt. Pure.

`{{name}}` may have spaces inside the braces; a name begins with a letter or an underscore and goes on with
letters, digits and underscores. Any other `{{` is plain text. A backslash before `{{` takes its meaning
away: `\{{name}}` gives `{{name}}`; to have a backslash and then a value, write two: `\\{{name}}`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

TYPES = {
    "text": "Text",
    "long": "Long text",
    "number": "Number",
    "choice": "Choice",
    "boolean": "Yes or no",
    "date": "Date",
    "image": "Image",
    "json": "JSON",
}
MOST, MOST_CHOICES = 100, 200
LONGEST_VALUE, LONGEST_LINE = 200_000, 2_000
NAME = re.compile(r"[^\W\d]\w{0,63}\Z")
_TOKEN = re.compile(
    # The look-behind keeps a long run of backslashes from being tried from each of them.
    r"(?<!\\)(?P<slashes>\\*)\{\{(?:[ \t]{0,20}(?P<name>[^\W\d]\w{0,63})[ \t]{0,20}"
    r"|>[ \t]{0,20}(?P<slug>[a-z0-9][a-z0-9_-]{0,79})(?:@(?P<label>[\w.-]{1,40}))?[ \t]{0,20})\}\}"
    r"|(?<!\\)(?P<plain>\\+)\{\{"
)
_BRACES = re.compile(r"(?<!\\)(\\*)\{\{")
_IMAGE = re.compile(r"https?://\S{1,4000}\Z|(?:attachment|asset|upload):[0-9a-f-]{32,36}\Z")
_YES, _NO = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


class TooLong(Exception):
    """A text grew beyond what is allowed while its variables were replaced."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`default` is a value as it is kept: text; a bool for boolean. `declared` is False for one that only
    stands in a text.
    """

    name: str
    type: str = "text"
    label: str = ""
    default: Any = ""
    required: bool = True
    help: str = ""
    choices: tuple[str, ...] = ()
    declared: bool = True

    @property
    def title(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Insertion:
    """`{{> slug@label}}`; the label may be a number, and is "" for the newest version."""

    slug: str
    label: str = ""

    def __str__(self) -> str:
        return f"{self.slug}@{self.label}" if self.label else self.slug


def read(body: Mapping[str, Any]) -> list[Variable]:
    """The variables of a body: the declared ones in their order, then those that only stand in its texts.
    What is not of the right shape is left out; `complaints` tells of it.
    """
    found: dict[str, Variable] = {}
    raw = body.get("variables")
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str) and NAME.match(one["name"]):
            found.setdefault(one["name"], _declared(one))
    for name in find(body):
        found.setdefault(name, Variable(name, declared=False))
    return list(found.values())


def complaints(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with the declarations: (path, sentence)."""
    raw = body.get("variables", [])
    if not isinstance(raw, list):
        return [("variables", "The variables must be a list.")]
    if len(raw) > MOST:
        return [("variables", f"A prompt has at most {MOST} variables.")]
    seen: set[str] = set()
    return [complaint for place, one in enumerate(raw) for complaint in _complaints(place, one, seen)]


def find(body: Mapping[str, Any]) -> list[str]:
    """The names that stand in the texts of a body, each once, in order."""
    return list(dict.fromkeys(one for one in _uses(body) if isinstance(one, str)))


def insertions(body: Mapping[str, Any]) -> list[Insertion]:
    """The prompts that the texts of a body insert, each once, in order."""
    return list(dict.fromkeys(one for one in _uses(body) if isinstance(one, Insertion)))


def texts(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of a body in which variables count, with their paths: system, messages, values."""
    settings, messages = body.get("settings"), body.get("messages")
    if isinstance(settings, dict) and isinstance(settings.get("system"), str):
        yield "settings.system", settings["system"]
    for place, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict) and isinstance(message.get("text"), str):
            yield f"messages.{place}.text", message["text"]
    yield from _strings("values", body.get("values"))


def replaced(body: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A copy of the body with each of its texts (see `texts`) changed, and without declarations."""
    new = copy.deepcopy({name: value for name, value in body.items() if name != "variables"})
    settings, messages = new.get("settings"), new.get("messages")
    if isinstance(settings, dict) and isinstance(settings.get("system"), str):
        settings["system"] = change(settings["system"])
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and isinstance(message.get("text"), str):
            message["text"] = change(message["text"])
    if "values" in new:
        new["values"] = _changed(new["values"], change)
    return new


def check(variables: Sequence[Variable], values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """(texts to fill in by name, errors by name). Values as a form or JSON gives them; defaults are used."""
    good: dict[str, str] = {}
    errors: dict[str, str] = {}
    for variable in variables:
        try:
            good[variable.name] = _text_of(variable, values.get(variable.name))
        except ValueError as error:
            errors[variable.name] = str(error)
    return good, errors


def fill(
    text: str, given: Mapping[str, str], insert: Callable[[Insertion], str], longest: int = 1_000_000
) -> str:
    """The text with its variables replaced, once: what a value brings in is never filled again. A name that
    is not given stays as it stands. Raises TooLong.
    """
    pieces: list[str] = []
    place = length = 0
    for match in _TOKEN.finditer(text):
        pieces += [text[place : match.start()], _meaning(match, given, insert)]
        place = match.end()
        length += len(pieces[-1]) + len(pieces[-2])
        if length > longest:
            raise TooLong
    if length + len(text) - place > longest:
        raise TooLong
    return "".join([*pieces, text[place:]])


def escape(text: str) -> str:
    """The text so written that filling gives it back as it is."""
    return _BRACES.sub(lambda match: match[1] * 2 + "\\{{", text)


def _meaning(match: re.Match[str], given: Mapping[str, str], insert: Callable[[Insertion], str]) -> str:
    slashes = match["plain"] or match["slashes"] or ""
    kept = slashes[: len(slashes) // 2]
    if match["plain"]:
        return kept + "{{"
    if len(slashes) % 2:
        return kept + match[0][len(slashes) :]
    if match["slug"]:
        return kept + insert(Insertion(match["slug"], match["label"] or ""))
    return kept + given[match["name"]] if match["name"] in given else match[0]


def _uses(body: Mapping[str, Any]) -> Iterator[str | Insertion]:
    for _, text in texts(body):
        for match in _TOKEN.finditer(text):
            if match["plain"] or len(match["slashes"]) % 2:
                continue
            yield match["name"] or Insertion(match["slug"], match["label"] or "")


def _strings(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _strings(f"{path}.{place}", inner)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _changed(inner, change) for name, inner in value.items()}
    return [_changed(inner, change) for inner in value] if isinstance(value, list) else value


def _declared(one: Mapping[str, Any]) -> Variable:
    kind, choices = one.get("type", "text"), one.get("choices")
    default = one.get("default", "")
    return Variable(
        name=one["name"],
        type=kind if isinstance(kind, str) and kind in TYPES else "text",
        label=str(one.get("label") or ""),
        default="" if default is None else default,
        required=bool(one.get("required", True)),
        help=str(one.get("help") or ""),
        choices=tuple(str(choice) for choice in choices) if isinstance(choices, list) else (),
    )


def _complaints(place: int, one: Any, seen: set[str]) -> Iterator[tuple[str, str]]:
    path = f"variables.{place}"
    if not isinstance(one, dict):
        yield path, "A variable must be an object."
        return
    name = one.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        yield f"{path}.name", "A name is a letter or _ and then letters, digits and _, at most 64 of them."
        return
    if name in seen:
        yield f"{path}.name", f"There are two variables “{name}”."
    seen.add(name)
    if not isinstance(one.get("type", "text"), str) or one.get("type", "text") not in TYPES:
        yield f"{path}.type", f"“{name}” has none of the types {', '.join(TYPES)}."
        return
    yield from _unfit(path, one)


def _unfit(path: str, one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name, choices = one["name"], one.get("choices") or []
    for field in ("label", "help"):
        if not isinstance(one.get(field) or "", str) or len(one.get(field) or "") > LONGEST_LINE:
            yield (
                f"{path}.{field}",
                f"The {field} of “{name}” must be a text of up to {LONGEST_LINE:,} characters.",
            )
    if not isinstance(one.get("required", True), bool):
        yield f"{path}.required", f"Whether “{name}” is required must be true or false."
    if not isinstance(choices, list) or not all(isinstance(choice, str) and choice for choice in choices):
        yield f"{path}.choices", f"The choices of “{name}” must be a list of texts."
        return
    if len(choices) > MOST_CHOICES:
        yield f"{path}.choices", f"“{name}” has more than {MOST_CHOICES} choices."
    if one.get("type") == "choice" and not choices:
        yield f"{path}.choices", f"“{name}” needs choices."
        return
    variable = _declared(one)
    if not _empty(variable.default):
        try:
            _typed(variable, variable.default)
        except ValueError as error:
            yield f"{path}.default", f"The default of “{name}” does not fit: {error}"


def _text_of(variable: Variable, value: Any) -> str:
    given = variable.default if _empty(value) else value
    if not _empty(given):
        return _typed(variable, given)
    if variable.required:
        raise ValueError("This is needed.")
    return ""


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _typed(variable: Variable, value: Any) -> str:
    """The value as text; ValueError says what is wrong with it."""
    text = _READ[variable.type](variable, value)
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"This is longer than {LONGEST_VALUE:,} characters.")
    return text


def _plain(variable: Variable, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("This must be a text.")
    return str(value)


def _number(variable: Variable, value: Any) -> str:
    text = "" if isinstance(value, bool) else str(value).strip()
    try:
        number = Decimal(text) if len(text) <= 100 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or "_" in text:
        raise ValueError("This must be a number, such as 3 or 0.5.")
    return text


def _choice(variable: Variable, value: Any) -> str:
    if str(value) not in variable.choices:
        raise ValueError(f"This must be one of {', '.join(variable.choices)}.")
    return str(value)


def _boolean(variable: Variable, value: Any) -> str:
    text = str(value).strip().lower()
    if text not in _YES | _NO:
        raise ValueError("This must be yes or no.")
    return "true" if text in _YES else "false"


def _date(variable: Variable, value: Any) -> str:
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        raise ValueError("This must be a date such as 2026-03-01.") from None


def _image(variable: Variable, value: Any) -> str:
    text = str(value).strip()
    if not _IMAGE.match(text):
        raise ValueError("This must be the address of an image, or one that was uploaded here.")
    return text


def _json(variable: Variable, value: Any) -> str:
    try:
        if not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        json.loads(value, parse_constant=_no_constant)
    except (ValueError, TypeError, RecursionError):
        raise ValueError("This must be JSON.") from None
    return value


def _no_constant(text: str) -> None:
    raise ValueError(text)


_READ: dict[str, Callable[[Variable, Any], str]] = {
    "text": _plain,
    "long": _plain,
    "number": _number,
    "choice": _choice,
    "boolean": _boolean,
    "date": _date,
    "image": _image,
    "json": _json,
}
