"""Reading what all media routes take: models, sizes, lengths, and addresses that the demo never fetches."""

import base64
import re
from typing import Any

from playground.demo.exchange import Refused
from playground.demo.fields import is_whole, wrong

from . import faults

_ADDRESS = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_DATA = re.compile(r"data:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=\s]+", re.IGNORECASE)
_RATIO = re.compile(r"[1-9]\d?:[1-9]\d?")
_LONGEST_FILM_S = 15


def known_model(body: dict[str, Any], pattern: str, *, field: str = "model") -> str:
    """A model of the route's own, or one that is named after a fault; any other is 403 (contract 4.1)."""
    model = _text(body, field)
    if re.fullmatch(pattern, model, re.IGNORECASE) or faults.is_fault(model):
        return model
    raise Refused(
        403,
        "This key may not call the requested model",
        type="permission_error",
        code="model_not_available",
        param=field,
    )


def prompt(body: dict[str, Any], *, field: str = "prompt", where: str = "", longest: int = 5000) -> str:
    where = where or field
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise wrong(where, f"{where} is required and must be a string")
    if len(value) > longest:
        raise wrong(where, f"{where} must have at most {longest} characters")
    return value


def seconds(value: object, where: str, *, low: int = 1, usual: int = 5) -> int:
    """A length in seconds, as a number or as its digits."""
    if value is None:
        return usual
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d?", value):
        value = int(value)
    if not isinstance(value, int) or not is_whole(value, low, _LONGEST_FILM_S):
        raise wrong(where, f"{where} must be a whole number from {low} to {_LONGEST_FILM_S}")
    return value


def ratio(value: object, where: str, *, usual: str = "16:9") -> str:
    if value is None or value == "auto":
        return usual
    if not isinstance(value, str) or not _RATIO.fullmatch(value):
        raise wrong(where, f"{where} must be a ratio such as 16:9")
    return value


def pixels(value: object, where: str, *, sign: str, usual: tuple[int, int]) -> tuple[int, int]:
    """A size such as 1024x1024; `sign` stands between the two numbers."""
    if value is None or value == "auto":
        return usual
    match = (
        re.fullmatch(rf"(\d{{2,4}}){re.escape(sign)}(\d{{2,4}})", value) if isinstance(value, str) else None
    )
    if match is None or not (64 <= int(match[1]) <= 4096 and 64 <= int(match[2]) <= 4096):
        raise wrong(where, f"{where} must be a size such as 1024{sign}1024")
    return int(match[1]), int(match[2])


def many(value: object, where: str, *, most: int) -> int:
    if value is None:
        return 1
    if not isinstance(value, int) or not is_whole(value, 1, most):
        raise wrong(where, f"{where} must be a whole number from 1 to {most}")
    return value


def seed(body: dict[str, Any], where: str = "seed") -> str:
    value = body.get("seed")
    if value is not None and not is_whole(value, 0, 2**31 - 1):
        raise wrong(where, f"{where} must be a whole number from 0 to {2**31 - 1}")
    return str(value or "")


def is_address(value: object) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def is_data_url(value: object) -> bool:
    return isinstance(value, str) and _DATA.fullmatch(value) is not None


def is_bare_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and len(base64.b64decode(value, validate=True)) > 0
    except ValueError:
        return False


def section(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside the body; a missing one is empty."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise wrong(name, f"{name} must be an object")
    return value


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise wrong(field, f"{field} is required and must be a string")
    return value
