"""JSON Schemas people write and answers that shall fit them. Both are untrusted: nothing is fetched, no
pattern can hang a process, and what costs too much is said instead of done.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import attrs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

LONGEST = 1_000_000
DEEPEST = 60
MOST_ERRORS = 20
# What one check may cost, in keywords looked at and in seconds of this thread's work: `allOf` chains can
# multiply without end, and one keyword can be slow on a large value.
MOST_STEPS = 200_000
MOST_WORK_S = 2.0
# How often a pattern may be tried on one text, at worst.
MOST_TRIES = 20_000_000
TOO_DEEP = "This is nested too deep to be checked."
FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
_SIGN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?|[()|*+?]|\{\d*,?\d*\}|.", re.DOTALL)

Verdict = dict[str, Any]


class _TooMuch(Exception):
    """The check was given up."""


class _Check:
    """What one check has left to spend, and what it had to leave out."""

    def __init__(self) -> None:
        self.left = MOST_STEPS
        self.until = time.thread_time() + MOST_WORK_S
        self.unchecked: set[str] = set()

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0 or time.thread_time() > self.until:
            raise _TooMuch


_current: ContextVar[_Check] = ContextVar("_current")


def parsed(text: str, what: str) -> Any:
    """The JSON value in a text. Raises ValueError with a sentence that names `what` and the place."""
    if len(text) > LONGEST:
        raise ValueError(f"{what} must be at most {LONGEST:,} characters long.")
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{what} must be valid JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise ValueError(f"{what} must be valid JSON: {error}.") from None
    except RecursionError:
        raise ValueError(f"{what} is nested too deep.") from None
    if _depth(value) > DEEPEST:
        raise ValueError(f"{what} is nested too deep: at most {DEEPEST} levels.")
    return value


@lru_cache(maxsize=256)
def checked(text: str) -> dict[str, Any]:
    """The JSON Schema in a text; not to be changed. Raises ValueError with a sentence that says what is wrong
    with it and where.
    """
    schema = parsed(text.strip() or "null", "The schema")
    if not isinstance(schema, dict):
        raise ValueError('The schema must be a JSON object, such as {"type": "object"}.')
    if error := _fault(schema):
        raise ValueError(error)
    return schema


def judge(text: str, schema: dict[str, Any]) -> Verdict:
    """Whether an answer's text is JSON that fits: {"fits", "errors": [{"pointer", "message"}], "unchecked":
    [pattern]}. A pointer is a JSON Pointer (RFC 6901); "" is the whole. Never raises.
    """
    try:
        value = parsed(unfenced(text), "The answer")
    except ValueError as error:
        return _verdict([_whole(str(error))])
    with _checking() as check:
        try:
            found = _Validator(schema, registry=Registry()).iter_errors(value)
            errors = [{"pointer": _pointer(error), "message": error.message} for error in _first(found)]
        except _TooMuch:
            errors = [_whole("The schema takes too long to check this answer with.")]
        except RecursionError:
            errors = [_whole(TOO_DEEP)]
        except Unresolvable as error:
            place = error.ref or f"#{getattr(error, 'anchor', '')}"
            errors = [_whole(f"The schema refers to {place}, which is not in it.")]
        except Exception as error:
            # A reference can lead to what is no schema, and a number can be too large for the arithmetic.
            errors = [_whole(f"The schema cannot be used to check this answer ({type(error).__name__}).")]
    return _verdict(errors, sorted(check.unchecked))


@contextmanager
def _checking() -> Iterator[_Check]:
    check = _Check()
    token = _current.set(check)
    try:
        yield check
    finally:
        _current.reset(token)


def _fault(schema: dict[str, Any]) -> str:
    """What keeps a JSON object from being a JSON Schema, as a sentence; "" when nothing does."""
    checker = Draft202012Validator.FORMAT_CHECKER
    with _checking():
        try:
            meta = _Validator(Draft202012Validator.META_SCHEMA, registry=Registry(), format_checker=checker)
            error = best_match(meta.iter_errors(schema))
        except _TooMuch:
            return "The schema is too large to be checked."
        except RecursionError:
            return TOO_DEEP
    if error is None:
        return ""
    return f"Not a JSON Schema: at {_pointer(error) or 'the top'}, {error.message}"


def _whole(message: str) -> dict[str, str]:
    return {"pointer": "", "message": message}


def unfenced(text: str) -> str:
    """The JSON of an answer that some models wrap in a code fence although they were asked not to."""
    match = FENCED.fullmatch(text)
    return match[1] if match else text.strip()


def from_sample(text: str) -> str:
    """A schema that fits a pasted JSON value, as JSON text. Raises ValueError with a sentence."""
    return json.dumps(_schema_of(parsed(text, "The sample")), indent=2, ensure_ascii=False)


def laid_out(text: str, what: str) -> str:
    """JSON text with indents. Raises ValueError with a sentence that names `what` and the place."""
    return json.dumps(parsed(text, what), indent=2, ensure_ascii=False)


def _schema_of(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return _object({name: _schema_of(inner) for name, inner in value.items()}, list(value))
    if isinstance(value, list):
        return {"type": "array", "items": _fitting_all([_schema_of(inner) for inner in value])}
    if value is None:
        return {"type": "null"}
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": names[type(value)]}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _fitting_all(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One schema for everything that came at one place: a name that not all objects have is optional."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for schema in schemas:
        for each in schema.get("anyOf", [schema]):
            kinds.setdefault(each.get("type", ""), []).append(each)
    if "number" in kinds:
        kinds.pop("integer", None)
    merged = [_merged(kind, alike) for kind, alike in kinds.items() if kind]
    if not merged:
        return {}
    return merged[0] if len(merged) == 1 else {"anyOf": merged}


def _merged(kind: str, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if kind == "array":
        return {"type": "array", "items": _fitting_all([schema["items"] for schema in schemas])}
    if kind != "object":
        return schemas[0]
    found: dict[str, list[dict[str, Any]]] = {}
    for schema in schemas:
        for name, inner in schema["properties"].items():
            found.setdefault(name, []).append(inner)
    always = [name for name in found if all(name in schema["required"] for schema in schemas)]
    return _object({name: _fitting_all(inner) for name, inner in found.items()}, always)


def _verdict(errors: list[dict[str, str]], unchecked: list[str] | None = None) -> Verdict:
    return {"fits": not errors, "errors": errors, "unchecked": unchecked or []}


def _first(errors: Iterator[ValidationError]) -> list[ValidationError]:
    return [error for error, _ in zip(errors, range(MOST_ERRORS), strict=False)]


def _pointer(error: ValidationError) -> str:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
    return "".join(f"/{step}" for step in steps)


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:200]} … {text[-80:]}"


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{_short(text)} is too large a number")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# The validator: every keyword costs, and patterns are only matched where they cannot run away.


def _counted(keyword: Callable[..., Any]) -> Callable[..., Any]:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _current.get().spend(1 + (len(instance) if isinstance(instance, list) else 0))
        for error in keyword(validator, value, instance, schema) or ():
            # A message quotes the whole value, and `anyOf` keeps those of every branch.
            error.message = _short(error.message)
            yield error

    return check


@lru_cache(maxsize=1024)
def _growth(pattern: str) -> tuple[float, int]:
    """How often the pattern is tried on n characters at worst: factor times n to the power; the factor is
    infinite where a group repeats or is referred to.
    """
    if len(pattern) > 500 or re.search(r"\\[1-9]|\(\?P=|\(\?\(", pattern):
        return math.inf, 1
    factor, power, ways, before = 1.0, 1, [1], ""
    for sign in _SIGN.findall(pattern):
        if sign in ("(", "(?"):
            ways.append(1)
        elif sign == ")" and len(ways) > 1:
            factor *= ways.pop()
        elif sign == "|":
            ways[-1] += 1
        elif sign in ("*", "+") or (sign[0] == "{" and len(sign) > 1):
            if before == ")":
                return math.inf, 1
            power += sign in ("*", "+") or "," in sign
        elif sign == "?" and before not in ("*", "+", "?"):
            factor *= 2
        before = sign
    return factor * ways[0], power


def _matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text; True, and noted, where trying could take for ever."""
    factor, power = _growth(pattern)
    if factor * float(len(text) + 1) ** power > MOST_TRIES:
        _current.get().unchecked.add(pattern[:200])
        return True
    try:
        return re.search(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        _current.get().unchecked.add(pattern[:200])
        return True


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for pattern, inner in patterns.items():
            for name, value in instance.items():
                if _matches(pattern, name):
                    yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items():
        if name in known or any(_matches(pattern, name) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError(f"{name!r} is not among the names the schema allows")
        else:
            yield from validator.descend(value, allowed, path=name)


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The library compares every pair of objects."""
    if wanted and validator.is_type(instance, "array"):
        seen = {_frozen(item) for item in instance}
        if len(seen) != len(instance):
            yield ValidationError(f"{instance!r} has items that come twice")


def _frozen(value: Any) -> Any:
    """A value as JSON compares it: 1 is 1.0 and is not true."""
    if isinstance(value, dict):
        return frozenset((name, _frozen(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return tuple(_frozen(inner) for inner in value)
    return ("boolean", value) if isinstance(value, bool) else ("", value)


def _left_out(name: str) -> Callable[..., Any]:
    """These follow every branch again, with patterns that nobody guards."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _current.get().unchecked.add(name)
        return iter(())

    return check


_KEYWORDS = dict(Draft202012Validator.VALIDATORS) | {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "unevaluatedItems": _left_out("unevaluatedItems"),
    "unevaluatedProperties": _left_out("unevaluatedProperties"),
}
_Validator = extend(  # type: ignore[no-untyped-call]  # the library leaves it without annotations
    Draft202012Validator, {name: _counted(check) for name, check in _KEYWORDS.items()}
)
# The library's own would leave ours for its validators wherever a part of the schema says "$schema".
_Validator.evolve = attrs.evolve
