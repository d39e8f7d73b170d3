"""What every family's decoder is built on: part numbers, tool-call identity, exactly one ending.

A family subclasses `Decoder` and turns each JSON object into calls of `say`, `call_tool`, `report`,
`finish` and `fail`. It never raises on what the wire brings: what it does not know it counts in `ignored`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from playground.gateway import errors
from playground.gateway.events import (
    Cited,
    Event,
    Failed,
    Finished,
    FinishReason,
    MediaReceived,
    Opened,
    PartClosed,
    PartDelta,
    PartKind,
    PartOpened,
    Usage,
    UsageReported,
)
from playground.gateway.sse import Frame

# Enough for any id or name; the database columns they end in are no wider.
LONGEST_WORD = 200
LONGEST_URL = 2000
LONGEST_QUOTE = 2000
MOST_CITED = 100
_WEB = re.compile(r"https?://[^\s\0-\x20\x7f-\x9f\ud800-\udfff]+", re.IGNORECASE)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text as PostgreSQL takes it: NUL shown as U+2400, surrogate pairs joined, lone ones as U+FFFD."""
    if not _UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "\u2400")


def word(value: Any) -> str:
    """A short string of the wire (an id, a name, a reason), storable; "" for anything else."""
    return storable(value[:LONGEST_WORD]) if isinstance(value, str) else ""


@dataclass(slots=True, eq=False)
class _Call:
    """A tool call being put together. Its part opens when its name is known.

    `told`: upstream gave an id, which may come after the part was opened with one of ours.
    """

    number: int
    call_id: str = ""
    told: bool = False
    name: str = ""
    part: int = -1
    held: list[str] = field(default_factory=list)
    filled: bool = False
    chunk: int = -1


class Decoder(ABC):
    """Frames in, events out. After the ending nothing more comes, whatever is fed."""

    def __init__(self) -> None:
        self.ignored = 0
        self.ended = False
        self.tools_called = False
        self._refused = False
        self._out: list[Event] = []
        self._opened = False
        self._response_id = ""
        self._model = ""
        self._usage = Usage()
        self._parts = 0
        self._open: dict[int, str] = {}
        self._spoken = -1
        self._spoken_kind: PartKind | None = None
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[int, _Call] = {}
        self._chunk = 0
        self._cited: set[tuple[str, str]] = set()

    def feed(self, frame: Frame) -> list[Event]:
        """The events one frame brings."""
        if self.ended:
            self.ignored += frame.data != "[DONE]"
            return []
        self._chunk += 1
        self._read(frame)
        events, self._out = self._out, []
        return events

    def end(self) -> list[Event]:
        """The stream is over: the ending, unless it came already."""
        if not self.ended:
            self._conclude()
        events, self._out = self._out, []
        return events

    def broke(self, error: errors.GatewayError) -> list[Event]:
        """The connection failed: what was held back, every part closed, and the failure."""
        if not self.ended:
            self.fail_with(error)
        events, self._out = self._out, []
        return events

    @abstractmethod
    def _read(self, frame: Frame) -> None:
        """Understand one frame."""

    @abstractmethod
    def _conclude(self) -> None:
        """Call `finish` or `fail`: nothing more will come."""

    # What a family calls

    def meet(self, response_id: Any, model: Any) -> None:
        """Who answers; told on once, when the model is known or the first part or the end comes."""
        self._response_id = self._response_id or word(response_id)
        self._model = self._model or word(model)
        if self._model:
            self._tell_opened()

    def say(self, kind: PartKind, text: str) -> None:
        """More of what the model says; a change of kind begins a new part."""
        if not text:
            return
        if kind != self._spoken_kind:
            self._refused = self._refused or kind == "refusal"
            self.fall_silent()
            self._spoken, self._spoken_kind = self._begin(kind), kind
        self._append(self._spoken, text)

    def fall_silent(self) -> None:
        """What was being said is over: whatever is said next is a new part."""
        if self._spoken_kind is not None:
            self._close(self._spoken)
            self._spoken_kind = None

    def hint(self, kind: PartKind, name: str) -> None:
        """A part without text of its own, such as reasoning that only the provider can read."""
        self.fall_silent()
        self._close(self._begin(kind, name))

    def show(self, media_type: str, data_b64: str) -> None:
        """A whole inline file."""
        self.fall_silent()
        self._out.append(MediaReceived(self._number(), media_type, data_b64))

    def call_tool(self, index: int | None, call_id: str, name: str, arguments: str) -> None:
        """One entry of a list of tool calls: the start of a call, more of one, or all of it."""
        call = self._call_of(index, call_id, name)
        call.chunk = self._chunk
        if call_id:
            call.told = True
            call.call_id = call.call_id or call_id
            self._by_id.setdefault(call_id, call)
        call.name = call.name or name
        if call.part < 0:
            call.held.append(arguments)
            if call.name:
                self._begin_call(call)
        else:
            self._argue(call, arguments)

    def end_call(self, index: int) -> None:
        """The family says that a call is whole: its part closes now, not at the end of the stream."""
        call = self._by_index.get(index)
        if call is not None:
            self._settle_call(call)
            if call.part in self._open:
                self._close(call.part)

    def cite(self, url: Any, title: Any, quote: Any = None) -> None:
        """A source; an address that is none on the web is kept as words, so that nobody can follow it."""
        address = url if isinstance(url, str) and len(url) <= LONGEST_URL and _WEB.fullmatch(url) else ""
        name = word(title) or ("" if address else word(url).strip())
        quoted = storable(quote[:LONGEST_QUOTE]).strip() if isinstance(quote, str) else ""
        source = (address or name, quoted)
        if source[0] and source not in self._cited and len(self._cited) < MOST_CITED:
            self._cited.add(source)
            self._tell_opened()
            self._out.append(Cited(address, name, quoted))

    def report(self, usage: Usage) -> None:
        """A snapshot of the counts; told on only when it says something new."""
        merged = self._usage.replaced_by(usage)
        if merged != self._usage:
            self._usage = merged
            self._out.append(UsageReported(merged))

    def finish(self, reason: FinishReason, raw_reason: str = "", native: str = "") -> None:
        """The answer is complete. Whoever called a tool and then merely stopped, stopped for the tool;
        whoever refused and then stopped, refused.
        """
        self._tell_opened()
        self._close_all()
        if self.tools_called and reason in ("stop", "other"):
            reason = "tool_calls"
        elif self._refused and reason == "stop":
            reason = "refused"
        self.ended = True
        self._out.append(Finished(reason, raw_reason[:100], native))

    def fail(self, kind: str, message: str = "", code: str = "") -> None:
        """The answer ended badly; what came stays."""
        self._close_all()
        self.ended = True
        self._out.append(Failed(kind, storable(message), storable(code)))

    def fail_with(self, error: errors.GatewayError) -> None:
        self.fail(error.kind, error.message, error.code)

    # Parts

    def _number(self) -> int:
        self._tell_opened()
        self._parts += 1
        return self._parts - 1

    def _tell_opened(self) -> None:
        if not self._opened:
            self._opened = True
            self._out.append(Opened(self._response_id, self._model))

    def _begin(self, kind: PartKind, name: str = "", call_id: str = "") -> int:
        part = self._number()
        self._open[part] = ""
        self._out.append(PartOpened(part, kind, name, call_id))
        return part

    def _append(self, part: int, text: str) -> None:
        """A surrogate pair may be cut in two by the wire: its first half waits for the second."""
        if self._open[part] or _UNSTORABLE.search(text):
            text = self._open[part] + text
            half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
            self._open[part] = half
            text = storable(text[:-1] if half else text)
        if text:
            self._out.append(PartDelta(part, text))

    def _close(self, part: int) -> None:
        if self._open.pop(part):
            self._out.append(PartDelta(part, "\ufffd"))
        self._out.append(PartClosed(part))

    def _close_all(self) -> None:
        for call in self._calls:
            self._settle_call(call)
        self._spoken_kind = None
        for part in sorted(self._open):
            self._close(part)

    # Tool calls: index and id are aliases of a call in order of arrival, never a slot.

    def _call_of(self, index: int | None, call_id: str, name: str) -> _Call:
        call = self._known_call(index, call_id, name)
        if call is None:
            call = _Call(len(self._calls))
            self._calls.append(call)
            self.tools_called = True
            self.fall_silent()
        if index is not None:
            self._by_index[index] = call
        return call

    def _known_call(self, index: int | None, call_id: str, name: str) -> _Call | None:
        """A known id wins; then the index; with neither, the last call. A new id or name is a new call."""
        if call_id and call_id in self._by_id:
            return self._by_id[call_id]
        call = self._by_index.get(index) if index is not None else self._calls[-1] if self._calls else None
        if call is None or (call_id and call.told) or (name and call.name and name != call.name):
            return None
        # Twins in one list, told apart by no id: each entry with a name is a call.
        twin = not call_id and name and call.chunk == self._chunk
        return None if twin else call

    def _begin_call(self, call: _Call) -> None:
        if not call.call_id:
            # Unlike that of any other answer, as some providers demand of the history they are sent.
            answer = "".join(c for c in self._response_id if c.isascii() and c.isalnum())[-24:]
            call.call_id = f"own_{answer}_{call.number}"
        call.part = self._begin("tool_call", call.name, call.call_id)
        held, call.held = "".join(call.held), []
        self._argue(call, held)

    def _argue(self, call: _Call, arguments: str) -> None:
        # A call that was closed takes no more; its text was rendered.
        if arguments and call.part in self._open:
            call.filled = call.filled or not arguments.isspace()
            self._append(call.part, arguments)

    def _settle_call(self, call: _Call) -> None:
        """The end of the stream is the end of a call: a held one opens, an empty one has no arguments."""
        if call.part < 0 and not any(call.held) and not call.call_id:
            self.ignored += 1
            return
        if call.part < 0:
            self._begin_call(call)
        if not call.filled and call.part in self._open:
            self._append(call.part, "{}")
