"""Values that fit a JSON schema, for tool arguments and structured answers."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

_DEEPEST = 12
# A schema that refers to itself, or nests long lists, could ask for more values than there is time for.
_MOST_VALUES = 5000
# The pattern is the caller's: one that backtracks without end would hang the server. So only short texts
# are tried, against patterns of few repetitions, none of them nested.
_LONGEST_TRIED = 64
_LONGEST_PATTERN = 200
_MOST_REPETITIONS = 3
_FORMATS = {
    "date": "2026-11-20",
    "time": "09:30:00Z",
    "date-time": "2026-11-20T09:30:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com/demo",
    "url": "https://example.com/demo",
    "uuid": "3f1c6a52-8f0e-4a57-9a3c-0d5b7c2e9f10",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "duration": "P1D",
}


@dataclass(frozen=True, slots=True)
class Hints:
    """Words and numbers of the user's own question, so that the values have something to do with it."""

    text: str
    turn: int = 0

    def string(self, name: str) -> str:
        quoted, names, numbers = _telling(self.text)
        if re.search(r"(^|_)(id|sku|code|number|no)$", name.lower()) and numbers:
            return _turned(numbers, self.turn)
        if quoted:
            return _turned(quoted, self.turn)
        if names:
            return _turned(names, self.turn)
        if numbers:
            return _turned(numbers, self.turn)
        return " ".join(self.text.split())[:60] or f"demo {name or 'value'}"

    def number(self) -> float:
        numbers = re.findall(r"-?\b\d{1,12}(?:\.\d{1,6})?\b", self.text)
        return float(_turned(numbers, self.turn)) if numbers else 1.0 + self.turn


@lru_cache(maxsize=4)
def _telling(text: str) -> tuple[list[str], list[str], list[str]]:
    """What is quoted, named and numbered in a question: once for all values that are made of it."""
    quoted = re.findall(r"[\"“'`]([^\"”'`\n]{1,80})[\"”'`]", text)
    names = [word for word in re.findall(r"\b[A-Z][a-zà-ÿ]+\b", text) if not _OPENERS.fullmatch(word)]
    return quoted, names, re.findall(r"\b\d+\b", text)


# Words that begin questions and are no names although they are written large.
_OPENERS = re.compile(
    r"(?:What|Which|Who|When|Where|Why|How|Is|Are|Do|Does|Can|Could|Please|Tell|Give|Show|Find|Get|Look|Check"
    r"|Make|Write|The|And|For|Use|Call|Compare|Stock|Invoice)"
)


def _turned(options: list[str], turn: int) -> str:
    return options[turn % len(options)]


def fit(schema: object, hints: Hints) -> Any:
    """A value for the schema. Keywords that are not understood are passed over, never an error."""
    root = schema if isinstance(schema, dict) else {}
    return _Fitter(root, hints).value(root, "", 0)


class _Fitter:
    def __init__(self, root: dict[str, Any], hints: Hints, made: Iterator[int] | None = None) -> None:
        self._root = root
        self._hints = hints
        self._made = made or iter(range(_MOST_VALUES))

    def value(self, schema: object, name: str, depth: int) -> Any:
        if depth > _DEEPEST or self._spent():
            return None
        if not isinstance(schema, dict):
            return self._hints.string(name)
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._listed(schema["enum"])
        for keyword in ("anyOf", "oneOf"):
            options = schema.get(keyword)
            if isinstance(options, list) and options:
                rest = {key: part for key, part in schema.items() if key != keyword}
                return self.value({**rest, **_dict(self._simplest(options))}, name, depth + 1)
        return self._typed(schema, name, depth)

    def _spent(self) -> bool:
        """Counts one value; whether it is one too many."""
        return next(self._made, None) is None

    def _typed(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                return int(self._number(schema, whole=True))
            case "number":
                return self._number(schema, whole=False)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema, name)

    def _resolved(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        """The schema with $ref followed and allOf laid over it."""
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            rest = {key: part for key, part in schema.items() if key != "$ref"}
            schema = {**self._target(reference), **rest}
        parts = schema.get("allOf")
        if not isinstance(parts, list) or depth > _DEEPEST:
            return schema
        merged = {key: part for key, part in schema.items() if key != "allOf"}
        properties, required = {**_dict(merged.get("properties"))}, [*_list(merged.get("required"))]
        for part in parts:
            if self._spent():
                break
            other = self._resolved(_dict(part), depth + 1)
            properties.update(_dict(other.get("properties")))
            required += _list(other.get("required"))
            merged.update(other)
        return {**merged, "properties": properties, "required": required}

    def _target(self, reference: str) -> dict[str, Any]:
        found: object = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
        return _dict(found)

    def _simplest(self, options: list[Any]) -> object:
        """Prefer a choice that says something over null and over one that refers to others."""
        usable = [option for option in options if _dict(option).get("type") != "null"]
        plain = [option for option in usable if "$ref" not in _dict(option)]
        return (plain or usable or options)[0]

    def _listed(self, options: list[Any]) -> Any:
        """The option the user named, else one by turn."""
        text = self._hints.text.lower()
        for option in options:
            if isinstance(option, str) and option and option.lower() in text:
                return option
        return options[self._hints.turn % len(options)]

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = _dict(schema.get("properties"))
        required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
        # Deep down only what has to be there: a schema may contain itself.
        names = dict.fromkeys([*(properties if depth < 4 else ()), *required])
        wanted = islice(names, _MOST_VALUES)
        return {name: self.value(properties.get(name, {}), name, depth + 1) for name in wanted}

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        first = _list(schema.get("prefixItems"))
        low = _whole(schema.get("minItems"), 0)
        high = _whole(schema.get("maxItems"), 100)
        wanted = min(max(low, len(first), 2 if depth < 4 else 0), high, 100)
        rest = schema.get("items", {})
        values = []
        for place in range(wanted):
            fitter = _Fitter(self._root, Hints(self._hints.text, self._hints.turn + place), self._made)
            part = first[place] if place < len(first) else rest
            values.append(fitter.value(part, name, depth + 1))
        return _unlike(values) if schema.get("uniqueItems") is True else values

    def _number(self, schema: dict[str, Any], *, whole: bool) -> float:
        step = _real(schema.get("multipleOf")) or (1.0 if whole else 0.0)
        low, high = _bounds(schema, step or 0.5)
        value = self._hints.number()
        value = min(max(value, low), high)
        if step and math.isfinite(value / step):
            value = math.ceil(value / step) * step
            value = value - step if value > high else value
        return int(value) if whole or value == int(value) else round(value, 6)

    def _string(self, schema: dict[str, Any], name: str) -> str:
        text = _FORMATS.get(str(schema.get("format")), "")
        if not text and isinstance(schema.get("pattern"), str):
            text = _matching(schema["pattern"], schema.get("examples"))
        text = text or self._hints.string(name)
        low = _whole(schema.get("minLength"), 0)
        high = _whole(schema.get("maxLength"), 10_000)
        return text.ljust(min(low, 10_000), "x")[:high]


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low = _real(schema.get("minimum"), -math.inf)
    high = _real(schema.get("maximum"), math.inf)
    above = _real(schema.get("exclusiveMinimum"), -math.inf)
    below = _real(schema.get("exclusiveMaximum"), math.inf)
    return max(low, above + step), min(high, below - step)


def _matching(pattern: str, examples: object) -> str:
    """A usual value that the pattern accepts; empty when none of them does."""
    usual = [*(one for one in _list(examples) if isinstance(one, str)), *_FORMATS.values()]
    usual += ["A", "AB", "ABC", "abc", "demo", "1", "42", "123", "1234", "12345", "A1", "AB-123", "en", "DE"]
    loose = re.sub(r"\{[0-9]{1,2}\}|\(\?", "", pattern)
    nested = re.search(r"\)[?+*{]", pattern)
    if nested or len(pattern) > _LONGEST_PATTERN or len(re.findall(r"[+*?{]", loose)) > _MOST_REPETITIONS:
        return ""
    try:
        return next((text for text in usual if len(text) <= _LONGEST_TRIED and re.search(pattern, text)), "")
    except (re.error, RecursionError):
        return ""


def _unlike(values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _real(value: object, default: float = 0.0) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) <= 1e15:
        return default
    return float(value)
