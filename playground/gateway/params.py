"""Parameters as data: one row each for the inspector's form, its checks and its help."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from playground.gateway.assembly import storable

ParamKind = Literal["int", "float", "bool", "choice", "text", "list", "json"]
LONGEST_TEXT = 20_000
_YES = ("1", "true", "on", "yes")
_NO = ("0", "false", "off", "no", "")


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One request field. `default` is only what a form shows: a parameter that is off is not sent.

    `name` is the field of the body; a dot goes one object deeper. A `required` one cannot be off.
    `alike` is one word for what several families name differently: its value goes along when the family
    changes. `maximum` of a list is its number of entries, of a text its number of characters. `source`
    says who documents it.
    """

    name: str
    kind: ParamKind
    label: str
    help: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    source: str = ""
    required: bool = False
    alike: str = ""

    def clean(self, raw: Any) -> Any:
        """The value to send, from a form field or from JSON. Raises ValueError with a sentence to show."""
        return _CLEANERS[self.kind](self, raw)

    def _number(self, raw: Any, wanted: str) -> float:
        if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
            raise ValueError(f"{self.label} must be {wanted}.")
        try:
            value = float(raw)
        except (ValueError, OverflowError):
            raise ValueError(f"{self.label} must be {wanted}.") from None
        if not math.isfinite(value):
            raise ValueError(f"{self.label} must be {wanted}.")
        return value

    def _within(self, value: float) -> None:
        low, high = self.minimum, self.maximum
        too_low, too_high = low is not None and value < low, high is not None and value > high
        if not too_low and not too_high:
            return
        if low is None or high is None:
            raise ValueError(
                f"{self.label} must be at {f'most {high:g}' if low is None else f'least {low:g}'}."
            )
        raise ValueError(f"{self.label} must be between {_shown(low)} and {_shown(high)}.")

    def _float(self, raw: Any) -> float:
        value = self._number(raw, "a number, such as 0.7")
        self._within(value)
        return value

    def _int(self, raw: Any) -> int:
        wanted = "a whole number"
        value = self._number(raw, wanted)
        if value != int(value):
            raise ValueError(f"{self.label} must be {wanted}.")
        # Not through float when it came as digits: that would round a long seed.
        exact = raw if isinstance(raw, int) else _exact_int(raw, int(value))
        self._within(exact)
        return exact

    def _bool(self, raw: Any) -> bool:
        if isinstance(raw, bool):
            return raw
        text = str(raw).strip().lower()
        if text not in _YES + _NO:
            raise ValueError(f"{self.label} must be on or off.")
        return text in _YES

    def _choice(self, raw: Any) -> str:
        if isinstance(raw, str) and raw in self.choices:
            return raw
        raise ValueError(f"{self.label} must be one of: {', '.join(self.choices)}.")

    def _text(self, raw: Any) -> str:
        if not isinstance(raw, str) or not raw.strip():
            raise ValueError(f"{self.label} is empty. Fill it in, or switch it off.")
        if len(raw) > (self.maximum or LONGEST_TEXT):
            raise ValueError(
                f"{self.label} must be at most {self.maximum or LONGEST_TEXT:g} characters long."
            )
        return storable(raw)

    def _list(self, raw: Any) -> list[str]:
        """From a list, or from a text with one entry a line, where \\n and \\t stand for the characters."""
        rows = [_unescaped(row) for row in raw.splitlines()] if isinstance(raw, str) else raw
        if not isinstance(rows, (list, tuple)) or not all(isinstance(row, str) for row in rows):
            raise ValueError(f"{self.label} must be a list with one entry a line.")
        entries = [storable(row) for row in rows if row]
        if not entries:
            raise ValueError(f"{self.label} is empty. Fill it in, or switch it off.")
        if self.maximum is not None and len(entries) > self.maximum:
            raise ValueError(f"{self.label} takes at most {self.maximum:g} entries.")
        if sum(map(len, entries)) > LONGEST_TEXT:
            raise ValueError(f"{self.label} must be at most {LONGEST_TEXT} characters long in all.")
        return entries

    def _json(self, raw: Any) -> Any:
        if not isinstance(raw, str):
            return raw
        try:
            return json.loads(raw, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise ValueError(f"{self.label} must be valid JSON.") from None


def _exact_int(raw: Any, rounded: int) -> int:
    try:
        return int(raw)
    except ValueError:
        return rounded


def _shown(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _unescaped(row: str) -> str:
    return row.replace("\\n", "\n").replace("\\t", "\t")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_CLEANERS = {
    "int": ParamSpec._int,
    "float": ParamSpec._float,
    "bool": ParamSpec._bool,
    "choice": ParamSpec._choice,
    "text": ParamSpec._text,
    "list": ParamSpec._list,
    "json": ParamSpec._json,
}
