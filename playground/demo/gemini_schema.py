"""The schemas of the Gemini family, an OpenAPI dialect, as JSON schemas."""

from typing import Any

_DEEPEST = 60
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")


def as_json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Types in small letters, and counts, which the family may write as strings, as numbers."""
    return {key: _value(key, part, 0) for key, part in schema.items()}


def _value(key: str, value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return None
    if key == "type" and isinstance(value, str):
        return value.lower()
    if key in _COUNTS and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if key in ("enum", "default", "example"):
        return value
    if key == "properties" and isinstance(value, dict):
        # Names of the caller's own stand here; none of them is a keyword.
        return {name: _value("", part, depth + 1) for name, part in value.items()}
    if isinstance(value, dict):
        return {name: _value(name, part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_value("", part, depth + 1) for part in value]
    return value
