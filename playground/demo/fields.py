"""Reading request bodies: JSON, and the checks that all families make of their fields."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .exchange import Refused


def parse(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(400, "The request body is not valid JSON", code="invalid_json") from None
    if not isinstance(body, dict):
        raise Refused(400, "The request body must be a JSON object", code="invalid_json")
    return body


def model_id(body: dict[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise wrong("model", "model is required and must be a string")
    return model


def check_numbers(body: dict[str, Any], ranges: Mapping[str, tuple[float, float]]) -> None:
    for name, (low, high) in ranges.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise wrong(name, f"{name} must be a number from {low:g} to {high:g}")


def check_booleans(body: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if body.get(name) is not None and not isinstance(body[name], bool):
            raise wrong(name, f"{name} must be true or false")


def check_strings(body: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if body.get(name) is not None and not isinstance(body[name], str):
            raise wrong(name, f"{name} must be a string")


def check_choice(body: dict[str, Any], name: str, options: tuple[str, ...], where: str = "") -> None:
    # A tuple, not a set: what a caller sends in its place may have no hash.
    if body.get(name) is not None and body[name] not in options:
        raise wrong(where or name, f"{where or name} must be one of: {', '.join(options)}")


def is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def wrong(field: str, message: str) -> Refused:
    return Refused(400, message, param=field)
