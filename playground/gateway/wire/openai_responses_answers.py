"""What OpenAI Responses answers: the events of a stream, and the response object (contract section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from playground.gateway import assembly, errors, exact
from playground.gateway.assembly import storable, word
from playground.gateway.events import FinishReason, PartKind, Usage
from playground.gateway.sse import Frame
from playground.gateway.wire.reading import arguments, index_of, inner, is_bare_error, tokens


class _Way(NamedTuple):
    """How a stream tells one kind of text: in which items, as which part, under which slot and place, and
    in which field when it is whole.
    """

    item: str
    part: PartKind
    slot: str
    place: str
    field: str


_WAYS = {
    "output_text": _Way("message", "text", "text", "content_index", "text"),
    "refusal": _Way("message", "refusal", "refusal", "content_index", "refusal"),
    "reasoning_summary_text": _Way("reasoning", "thinking", "summary", "summary_index", "text"),
    "reasoning_text": _Way("reasoning", "thinking", "thought", "content_index", "text"),
    "function_call_arguments": _Way("function_call", "tool_call", "call", "", "arguments"),
    "custom_tool_call_input": _Way("custom_tool_call", "tool_call", "call", "", "input"),
}
_DELTAS = {f"response.{name}.delta": way for name, way in _WAYS.items()}
_DONES = {f"response.{name}.done": way for name, way in _WAYS.items()}
_CALLS = {way.item: way for way in _WAYS.values() if way.part == "tool_call"}
_TEXT, _REFUSAL, _SUMMARY, _THOUGHT = list(_WAYS.values())[:4]

_STATES = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
# Understood, and nothing to say: the text comes in events of its own.
_QUIET = frozenset(
    {
        "response.content_part.added",
        "response.content_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
    }
)
_CUTS: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "filtered"}

PARTED = frozenset({"message", "reasoning", "image_generation_call", *_CALLS})
"""The types of items that parts of ours stand for."""


@dataclass(slots=True, eq=False)
class _Said:
    """One text of an item so far, and its part once it has opened."""

    part: int = -1
    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Item:
    """An output item being put together; `number` counts them by arrival."""

    kind: str
    number: int
    ids: set[str | int]
    announced: bool = False
    called: str = ""
    call_id: str = ""
    shown: bool = False
    said: dict[tuple[str, int], _Said] = field(default_factory=dict)


class Decoder(assembly.Decoder):
    """`response.*` frames to events, and a whole response object to the same ones.

    The same text is told up to five times: in deltas, then whole when the text, its part, the item and
    the answer are done. What was said is not said again; what was missed is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[_Item] = []
        # By kind and item id, call id or output_index; under None the last of its kind. Some relays
        # change the ids from event to event, others call every item the first: one of the two holds.
        self._known: dict[tuple[str, str | int | None], _Item] = {}

    def _read(self, frame: Frame) -> None:
        if frame.data == "[DONE]":
            self._conclude()
            return
        try:
            chunk = exact.loads_leniently(frame.data)
        except (ValueError, RecursionError):
            self._unreadable(frame)
            return
        if not isinstance(chunk, dict):
            self._no_object(frame, chunk)
            return
        # The name of the event is a copy of the type, and may be missing or wrong.
        name = chunk.get("type")
        name = name if isinstance(name, str) else frame.event
        if (way := _DELTAS.get(name)) is not None:
            self._delta(chunk, way)
        elif (way := _DONES.get(name)) is not None:
            self._done(chunk, way)
        else:
            self._step(name, chunk, frame)

    def _unreadable(self, frame: Frame) -> None:
        if frame.event == "error":
            self.fail_with(errors.from_error_object(frame.data))
        elif frame.cut:
            # Half a frame is what a cut leaves: `end` judges.
            self.ignored += 1
        else:
            self.fail("protocol", "The gateway sent a part of the answer that is not JSON.", "bad_json")

    def _no_object(self, frame: Frame, chunk: Any) -> None:
        if frame.event == "error":
            self.fail_with(errors.from_error_object(chunk))
        else:
            self.ignored += 1

    def _step(self, name: str, chunk: dict[str, Any], frame: Frame) -> None:
        if name in _STATES:
            response = inner(chunk, "response")
            self.meet(response.get("id"), response.get("model"))
        elif name in ("response.output_item.added", "response.output_item.done"):
            self._item_step(chunk, done=name.endswith("done"))
        elif name in _ENDS:
            self._take(inner(chunk, "response"), name.removeprefix("response."), frame.data)
        elif name == "response.output_text.annotation.added":
            self._cite([chunk.get("annotation")])
        elif name.startswith("response.") and not chunk.get("error"):
            # A tool of the provider's at work, or what is not invented yet.
            self.ignored += name not in _QUIET
        elif name == "error" or chunk.get("error") or is_bare_error(chunk):
            self.fail_with(errors.from_error_object(chunk))
        elif chunk.get("object") == "response":
            self._take(chunk, "", frame.data)
        else:
            self.ignored += 1

    def take_whole(self, answer: Any, source: str) -> None:
        """A response object that came as a whole; `source` is its JSON text."""
        told = answer if isinstance(answer, dict) else {}
        if isinstance(told.get("output"), list) or told.get("object") == "response":
            self._take(told, "", source)
        elif told.get("error") or is_bare_error(told):
            self.fail_with(errors.from_error_object(told))
        else:
            self.fail("protocol", "The gateway's answer holds no output.", "no_output")

    def _conclude(self) -> None:
        self.fail("interrupted", "The stream ended before the answer was complete.", "no_terminal_event")

    # Texts

    def _delta(self, chunk: dict[str, Any], way: _Way) -> None:
        delta = chunk.get("delta")
        if isinstance(delta, str):
            item = self._find(way.item, chunk.get("item_id"), chunk.get("output_index"))
            self._more(item, way, index_of(chunk, way.place) or 0, delta)
        else:
            self.ignored += 1

    def _done(self, chunk: dict[str, Any], way: _Way) -> None:
        item = self._find(way.item, chunk.get("item_id"), chunk.get("output_index"))
        index = index_of(chunk, way.place) or 0
        if way.part == "tool_call":
            self._name_call(item, chunk)
        self._whole_text(item, way, index, chunk.get(way.field))
        self._hush(item.said.get((way.slot, index)))

    def _more(self, item: _Item, way: _Way, index: int, text: str) -> None:
        if not text:
            return
        said = item.said.get((way.slot, index))
        if said is None:
            said = item.said[way.slot, index] = _Said()
        said.pieces.append(text)
        if way.part == "tool_call":
            self.call_tool(item.number, "", "", text)
            return
        if said.part < 0:
            self._refused = self._refused or way.part == "refusal"
            said.part = self._begin(way.part)
        if said.part in self._open:
            self._append(said.part, text)
        else:
            # Its end was told already, and its text was rendered.
            self.ignored += 1

    def _whole_text(self, item: _Item, way: _Way, index: int, told: Any) -> None:
        """Say what is missing of a text. What contradicts the deltas comes too late to be shown."""
        full = arguments(told) if way.part == "tool_call" else told
        if not isinstance(full, str):
            self.ignored += 1
            return
        said = item.said.get((way.slot, index))
        so_far = _joined(said)
        if said:
            said.pieces[:] = [so_far]
        elif way is _THOUGHT and _joined(item.said.get((_SUMMARY.slot, index))) == full:
            # Some relays stream thoughts as a summary and tell them as content in the end.
            return
        if full.startswith(so_far):
            self._more(item, way, index, full[len(so_far) :])
        elif not so_far.startswith(full):
            self.ignored += 1

    def _hush(self, said: _Said | None) -> None:
        if said is not None and said.part in self._open:
            self._close(said.part)

    # Items

    def _find(self, kind: str, *keys: Any) -> _Item:
        """The item that is known by the first of the keys that says anything; else a new one."""
        known = self._known
        told = [key for key in keys if isinstance(key, (str, int)) and key != ""]
        for key in told or (None,):
            if (item := known.get((kind, key))) is not None:
                return item
        return self._new(kind, *told)

    def _new(self, kind: str, *keys: str | int) -> _Item:
        item = _Item(kind, len(self._items), {key for key in keys if isinstance(key, str)})
        self._items.append(item)
        for key in (None, *keys):
            self._known[kind, key] = item
        return item

    def _item_step(self, chunk: dict[str, Any], *, done: bool) -> None:
        told = chunk.get("item")
        if not isinstance(told, dict):
            self.ignored += 1
            return
        kind, ids, index = _kind(told), _ids(told), index_of(chunk, "output_index")
        keys = ids if index is None else [*ids, index]
        item = self._find(kind, *keys)
        if done:
            self._settle(item, told)
            return
        if item.announced and item.ids.isdisjoint(ids):
            item = self._new(kind, *keys)
        item.announced = True
        item.ids.update(ids)
        for key in ids:
            self._known[kind, key] = item
        # Only who is called: what the item holds is told again, in deltas or when it is done.
        if kind in _CALLS:
            self._name_call(item, told)

    def _name_call(self, item: _Item, told: dict[str, Any]) -> None:
        """Who is called and under which id, as soon as it is told; the first word counts."""
        call_id = "" if item.call_id else word(told.get("call_id"))
        name = "" if item.called else word(told.get("name"))
        if call_id or name:
            item.call_id, item.called = item.call_id or call_id, item.called or name
            self.call_tool(item.number, call_id, name, "")

    def _settle(self, item: _Item, told: dict[str, Any]) -> None:
        """All of an item, as its end tells it and the end of the answer once more."""
        if (way := _CALLS.get(item.kind)) is not None:
            self._name_call(item, told)
            self._whole_text(item, way, 0, told.get(way.field))
            if item.called and item.said:
                self.end_call(item.number)
        elif item.kind == "message":
            self._texts(item, _TEXT, told.get("content"))
        elif item.kind == "reasoning":
            self._texts(item, _SUMMARY, told.get("summary"))
            self._texts(item, _THOUGHT, told.get("content"))
            if told.get("encrypted_content") and not item.said and not item.shown:
                item.shown = True
                self.hint("thinking", "encrypted")
        elif item.kind == "image_generation_call":
            self._picture(item, told)
        else:
            self.ignored += 1

    def _texts(self, item: _Item, way: _Way, told: Any) -> None:
        blocks = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        for index, block in enumerate(blocks):
            refused = isinstance(block, dict) and isinstance(block.get("refusal"), str)
            said_as = _REFUSAL if refused else way
            full = block.get(said_as.field) if isinstance(block, dict) else block
            self._whole_text(item, said_as, index, full)
            self._cite(block.get("annotations") if isinstance(block, dict) else None)
            self._hush(item.said.get((said_as.slot, index)))
        for said in item.said.values():
            self._hush(said)

    def _cite(self, told: Any) -> None:
        for row in told if isinstance(told, list) else ():
            if isinstance(row, dict):
                self.cite(row.get("url"), row.get("title"))

    def _picture(self, item: _Item, told: dict[str, Any]) -> None:
        made, form = told.get("result"), told.get("output_format")
        if isinstance(made, str) and made and not item.shown:
            item.shown = True
            self.show(f"image/{form if form in ('jpeg', 'webp') else 'png'}", storable(made))

    # The end

    def _take(self, response: dict[str, Any], told: str, source: str) -> None:
        """The response object, which says everything once more. `told`: how the event says it ended."""
        self.meet(response.get("id"), response.get("model"))
        whole = self._settle_all(response.get("output"))
        if response.get("usage") is not None:
            self._count(response["usage"])
        status = word(response.get("status")) if told in ("", "completed") else told
        status = status or told
        if response.get("error"):
            self.fail_with(errors.from_error_object(response))
        elif status == "failed":
            self.fail("upstream_unavailable", "The provider failed and does not say why.", status)
        elif status == "incomplete":
            raw = word(inner(response, "incomplete_details").get("reason")) or status
            self.finish(_CUTS.get(raw, "other"), raw, _native(source, "message") if whole else "")
        elif status in ("completed", ""):
            native = _native(source) if whole else ""
            self.finish("stop" if status else "other", status, native)
        else:
            self.fail("interrupted", "The gateway answered before the model was done.", status)

    def _settle_all(self, output: Any) -> bool:
        """Whether everything that was said is in the output: an answer that lacks some is no history.

        Items whose ids are not known are those of their kind that are left, in their order.
        """
        told = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        found = [self._met(item) for item in told]
        taken = {item.number for item in found if item is not None}
        left: dict[str, list[_Item]] = {}
        for other in reversed(self._items):
            if other.number not in taken:
                left.setdefault(other.kind, []).append(other)
        for item, row in zip(found, told, strict=True):
            spare = left.get(_kind(row))
            self._settle(item or (spare.pop() if spare else self._new(_kind(row), *_ids(row))), row)
        return not any(other.said for kind in ("message", *_CALLS) for other in left.get(kind, ()))

    def _met(self, told: dict[str, Any]) -> _Item | None:
        kind = _kind(told)
        found = (self._known.get((kind, key)) for key in _ids(told))
        return next((item for item in found if item is not None), None)

    def _count(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            self.ignored += 1
            return
        read, written = inner(usage, "input_tokens_details"), inner(usage, "output_tokens_details")
        self.report(
            Usage(
                input_tokens=tokens(usage.get("input_tokens")),
                output_tokens=tokens(usage.get("output_tokens")),
                cache_read_tokens=tokens(read.get("cached_tokens")),
                cache_write_tokens=tokens(read.get("cache_write_tokens")),
                reasoning_tokens=tokens(written.get("reasoning_tokens")),
            )
        )


def _joined(said: _Said | None) -> str:
    return "".join(said.pieces) if said else ""


def _kind(told: dict[str, Any]) -> str:
    return word(told.get("type"))


def _ids(told: dict[str, Any]) -> list[str | int]:
    return [key for key in (told.get("id"), told.get("call_id")) if isinstance(key, str) and key]


def _native(source: str, *last: str) -> str:
    """The output items as they came, to be replayed; "" if the provider would not take them back.

    Reasoning needs what it led to behind it, and a call must be whole. `last`: the types an answer that
    was cut may end with. Read once more from `source`, in which numbers still have their spelling.
    """
    try:
        answer = exact.loads(source)
        output = answer.get("response", answer)["output"]
        kinds = [_kind(item) for item in output]
        if not kinds or kinds[-1] == "reasoning" or (last and kinds[-1] not in last):
            return ""
        return exact.dumps(output, ascii_only=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
