"""What the Suno routes ask for beyond single fields: what needs what, and lengths by model (contract 13.2).

A refusal is a GatewayError("invalid_request") whose code is the field's name: a form shows it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from playground.gateway.errors import GatewayError
from playground.gateway.media import suno_fields
from playground.gateway.params import ParamSpec

Check = Callable[[Mapping[str, Any]], None]
SIMPLE_PROMPT = 500
# (prompt, style) in characters
_ON_V4 = (3000, 200)
_LATER = (5000, 1000)


def cleaned(fields: tuple[ParamSpec, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are sent. A switch that must be sent is off when nobody touched it."""
    specs = {spec.name: spec for spec in fields}
    body: dict[str, Any] = {spec.name: False for spec in fields if spec.required and spec.kind == "bool"}
    for name, value in values.items():
        try:
            body[name] = specs[name].clean(value) if name in specs else value
        except ValueError as error:
            raise refusal(name, str(error)) from None
    return body


def refusal(field: str, sentence: str) -> GatewayError:
    return GatewayError("invalid_request", sentence, code=field)


def told(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    return bool(value.strip()) if isinstance(value, str) else value is not None


def need(body: Mapping[str, Any], name: str, sentence: str) -> None:
    if not told(body, name):
        raise refusal(name, sentence)


def require(fields: tuple[ParamSpec, ...], body: Mapping[str, Any]) -> None:
    for spec in fields:
        if spec.required:
            need(body, spec.name, f"{spec.label} is needed.")


def by_mode(body: Mapping[str, Any]) -> None:
    """Custom mode needs style and title, and lyrics unless instrumental; otherwise a short description."""
    if body.get("customMode") is True:
        need(body, "style", "Custom mode needs a style.")
        need(body, "title", "Custom mode needs a title.")
        if body.get("instrumental") is not True:
            need(body, "prompt", "Custom mode needs lyrics in the prompt, unless the song is instrumental.")
        by_model(body)
        return
    need(body, "prompt", "Prompt is needed: say what the song is to be.")
    _at_most(body, "prompt", SIMPLE_PROMPT, "Without custom mode the prompt")


def by_own_parameters(body: Mapping[str, Any]) -> None:
    if body.get("defaultParamFlag") is True:
        if body.get("instrumental") is not True:
            need(body, "prompt", "Own parameters need a prompt.")
        need(body, "style", "Own parameters need a style.")
        need(body, "title", "Own parameters need a title.")
        need(body, "continueAt", "Own parameters need the point to continue at.")
    by_model(body)


def by_model(body: Mapping[str, Any]) -> None:
    model = body.get("model")
    prompt, style = _ON_V4 if model == "V4" else _LATER
    _at_most(body, "prompt", prompt, f"On {model} the prompt")
    _at_most(body, "style", style, f"On {model} the style")
    _at_most(body, "title", suno_fields.LONGEST_TITLE, "The title")


def by_section(body: Mapping[str, Any]) -> None:
    """The part of a track that is replaced: 6 to 60 s."""
    length = _length(body, "infillStartS", "infillEndS")
    if length is not None and not 6 <= length <= 60:
        raise refusal("infillEndS", "The section must be 6 to 60 seconds long.")


def by_voice(body: Mapping[str, Any]) -> None:
    """The part of a track a persona is made from: 10 to 30 s; upstream takes 0 to 30 when nothing is said."""
    length = _length({"vocalStart": 0, "vocalEnd": 30} | dict(body), "vocalStart", "vocalEnd")
    if length is not None and not 10 <= length <= 30:
        raise refusal("vocalEnd", "The part with the voice must be 10 to 30 seconds long.")


def _at_most(body: Mapping[str, Any], name: str, longest: int, what: str) -> None:
    value = body.get(name)
    if isinstance(value, str) and len(value) > longest:
        raise refusal(name, f"{what} must be at most {longest} characters long.")


def _length(body: Mapping[str, Any], start: str, end: str) -> float | None:
    """Between two points in seconds, to the millisecond; None when one of them is no number."""
    ends = [body.get(start), body.get(end)]
    if not all(_is_number(value) for value in ends):
        return None
    return round(float(ends[1]) - float(ends[0]), 3)  # type: ignore[arg-type]  # both were found to be numbers


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
