"""Two people changed the same version: what can be brought together without asking is, the rest is named.

Piece by piece (the system text, each message, each variable, each setting, each value): what only one of
them changed is taken from that one; where both did, the second one's stands in the form, and both are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
# A piece without a value: it was not there, or is not any more.
GONE: Any = object()


@dataclass(frozen=True, slots=True)
class Merged:
    """`taken` names the pieces that came from theirs, `clashing` those that both changed."""

    body: Body
    taken: tuple[str, ...]
    clashing: tuple[str, ...]


def merge(base: Body, theirs: Body, mine: Body) -> Merged:
    """What the second one's form goes on with."""
    three = [_pieces(each, _same_length(base, theirs, mine)) for each in (base, theirs, mine)]
    _, first, second = three
    merged: dict[tuple[str, ...], Any] = {}
    taken, clashing = [], []
    for place in [*first, *(place for place in second if place not in first)]:
        was, their, my = (each.get(place, GONE) for each in three)
        if my == was and their != was:
            merged[place] = their
            taken.append(_name(place))
        else:
            merged[place] = my
            if their not in (was, my):
                clashing.append(_name(place))
    return Merged(_body(merged), tuple(taken), tuple(clashing))


def _same_length(*bodies: Body) -> bool:
    return len({len(body.get("messages") or []) for body in bodies}) == 1


def _pieces(body: Body, by_message: bool) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, value in body.items():
        if name in ("settings", "values") and isinstance(value, Mapping):
            for inner, told in value.items():
                if inner == "params" and isinstance(told, Mapping):
                    found |= {(name, inner, key): row for key, row in told.items()}
                else:
                    found[(name, inner)] = told
        elif name == "messages" and by_message:
            found |= {(name, str(at)): row for at, row in enumerate(value)}
        elif name == "variables":
            found |= {(name, str(row.get("name"))): row for row in value}
        else:
            found[(name,)] = value
    return found


def _body(pieces: Mapping[tuple[str, ...], Any]) -> Body:
    body: Body = {}
    for place, value in pieces.items():
        if value is GONE:
            continue
        if len(place) == 1:
            body[place[0]] = value
        elif place[0] in ("messages", "variables"):
            body.setdefault(place[0], []).append(value)
        else:
            holder = body.setdefault(place[0], {})
            for name in place[1:-1]:
                holder = holder.setdefault(name, {})
            holder[place[-1]] = value
    return body


def _name(place: tuple[str, ...]) -> str:
    """A piece in words: "the system text", "text 2", "the variable tone"."""
    words: dict[str, Callable[[str], str]] = {
        "messages": lambda at: f"text {int(at) + 1}",
        "variables": lambda name: f"the variable {name}",
        "values": lambda name: f"the field {name}",
        "settings": lambda name: "the system text" if name == "system" else f"the setting {name}",
    }
    if len(place) == 1:
        return {"messages": "the texts"}.get(place[0], place[0])
    return words[place[0]](place[-1])
