"""The two spellings of the Gemini family: mimeType is documented, mime_type is read just as well."""

import re
from typing import Any

_DEEPEST = 100
# What stands below these is the caller's own.
_FREE = (
    *("args", "response", "parametersJsonSchema", "responseJsonSchema", "partMetadata", "labels"),
    *("default", "example", "enum"),
)
_NAMED_BY_CALLER = ("properties", "defs")


def in_camel_case(body: dict[str, Any]) -> dict[str, Any]:
    """The request with every field of the family in its documented spelling; null is as good as absent."""
    return _fields(body, 0)


def _fields(fields: dict[str, Any], depth: int) -> dict[str, Any]:
    spelled = {}
    for key, value in fields.items():
        if value is None:
            continue
        name = re.sub(r"(?<=[a-z])_([a-z])", lambda match: match[1].upper(), key)
        free = name in _FREE or depth > _DEEPEST
        spelled[name] = value if free else _value(name, value, depth + 1)
    return spelled


def _value(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [_value(name, one, depth + 1) if depth <= _DEEPEST else one for one in value]
    if not isinstance(value, dict):
        return value
    if name in _NAMED_BY_CALLER:
        return {
            own: _value("", part, depth + 1) if depth <= _DEEPEST else part for own, part in value.items()
        }
    return _fields(value, depth)
