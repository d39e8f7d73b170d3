"""What the families' decoders share: counts, odd arguments, bare errors, answers that come as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from playground.gateway import errors, exact
from playground.gateway.assembly import Decoder, storable
from playground.gateway.events import Event
from playground.gateway.sse import FrameDecoder

_LIST_OF_OBJECTS = re.compile(r"\s*\[(?=\s*\{)")
_NEXT_OBJECT = re.compile(r"[\s,]*(?=\{)")


def tokens(value: Any) -> int | None:
    """A count that a database column holds; anything else is "not told"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def first_told(*values: Any) -> int | None:
    """The first of the values that is a count."""
    return next((count for value in values if (count := tokens(value)) is not None), None)


def added(*values: int | None) -> int | None:
    """The sum of the counts that were told; None when none was, or when the sum is too large to keep."""
    told = [value for value in values if value is not None]
    return tokens(sum(told)) if told else None


def inner(holder: Any, name: str) -> dict[str, Any]:
    """The object `name` of an object, {} when either is not there."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def index_of(holder: Mapping[str, Any], name: str = "index") -> int | None:
    value = holder.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def arguments(value: Any) -> str:
    """JSON source text of a call's arguments; an object where a text belongs is written out."""
    if isinstance(value, str):
        return value
    if value is None or value == {}:
        return ""
    try:
        return storable(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return ""


def is_bare_error(body: Mapping[str, Any]) -> bool:
    """Contract 4.2: `code` with `message` or `msg`, or `detail`, or an object that calls itself an error."""
    told = any(isinstance(body.get(name), str) for name in ("message", "msg"))
    return body.get("type") == "error" or bool(told and body.get("code")) or bool(body.get("detail"))


def decode_whole(
    body: bytes,
    decoder: Decoder,
    take: Callable[[Any], None],
    mend: Callable[[str], Any] = lambda text: None,
) -> list[Event]:
    """The events of an answer that came as a whole; `take` gets its JSON and says all there is to say.

    Some relays stream although it was not asked for: that is read too. `mend` makes of a text that is
    no JSON what can be taken, or None. Never raises.
    """
    try:
        answer = _loads(body)
    except (ValueError, RecursionError):
        answer = mend(body.decode("utf-8-sig", "replace"))
        if answer is None:
            return _decode_stream(body, decoder)
    take(answer)
    return decoder.end()


def begun_list(text: str) -> list[Any] | None:
    """The objects of a JSON list that came whole before it broke off; None if the text is no such list."""
    begun = _LIST_OF_OBJECTS.match(text)
    if begun is None:
        return None
    found: list[Any] = []
    at = begun.end()
    try:
        while (here := _NEXT_OBJECT.match(text, at)) is not None:
            value, at = exact.loads_at(text, here.end())
            found.append(value)
    except (ValueError, RecursionError):
        pass
    return found


def _loads(body: bytes) -> Any:
    try:
        return exact.loads(body.decode())
    except ValueError:
        # A byte order mark, another encoding, NaN: readable all the same.
        return json.loads(body)


def _decode_stream(body: bytes, decoder: Decoder) -> list[Event]:
    frames = FrameDecoder()
    try:
        found = frames.feed(body) + frames.flush()
    except errors.GatewayError as error:
        decoder.fail_with(error)
        return decoder.end()
    if not found:
        text = errors.plain(body[:8000].decode("utf-8", "replace"))
        decoder.fail("protocol", text or "The gateway's answer is empty.", "not_json")
        return decoder.end()
    return [event for frame in found for event in decoder.feed(frame)] + decoder.end()
