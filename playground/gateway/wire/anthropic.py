"""Anthropic messages: `POST /anthropic/v1/messages` (contract section 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playground.gateway import assembly, errors, exact
from playground.gateway.assembly import word
from playground.gateway.events import Event, FinishReason, PartKind, Usage
from playground.gateway.sse import Frame
from playground.gateway.wire import anthropic_blocks, anthropic_body, reading
from playground.gateway.wire.anthropic_blocks import SHOWN, Block
from playground.gateway.wire.anthropic_params import PARAMS
from playground.gateway.wire.family import Counting, Family, UsageWords
from playground.gateway.wire.reading import added, index_of, inner, is_bare_error, tokens

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refused",
    "pause_turn": "paused",
}
_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Decoder(assembly.Decoder):
    """Named events to ours, and a whole message to the same ones. `message_stop` is the end.

    Each block is a part of its own; blocks are gathered as they came, to be replayed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reason = ""
        self._complete = False
        self._blocks: list[Block] = []
        self._at: dict[int | None, Block] = {}
        self._voice: Block | None = None
        self._counts: dict[str, int] = {}

    def _read(self, frame: Frame) -> None:
        try:
            told = exact.loads(frame.data)
        except (ValueError, RecursionError):
            self._unreadable(frame)
            return
        if isinstance(told, dict):
            # Most frames are a delta.
            if told.get("type") == "content_block_delta" and isinstance(delta := told.get("delta"), dict):
                self._more(index_of(told), delta)
            else:
                self._take(told, frame.event)
        elif frame.event == "error":
            self.fail_with(errors.from_error_object(told))
        else:
            self.ignored += 1

    def _unreadable(self, frame: Frame) -> None:
        if frame.event == "error":
            self.fail_with(errors.from_error_object(frame.data))
        elif frame.data.strip() in ("", "[DONE]") or frame.event == "ping":
            # What relays of other families leave; only `message_stop` says that the answer is whole.
            return
        elif frame.cut or self._reason:
            # Half a frame is what a cut leaves, and after the reason nothing is missed: `end` judges.
            self.ignored += 1
        else:
            self.fail("protocol", "The gateway sent a part of the answer that is not JSON.", "bad_json")

    def _take(self, told: dict[str, Any], named: str) -> None:
        kind = word(told.get("type")) or named
        read = _EVENTS.get(kind)
        if named == "error" or told.get("error") or (read is None and is_bare_error(told)):
            self.fail_with(errors.from_error_object(told))
        elif read is not None:
            read(self, told)
        else:
            self.ignored += kind != "ping"

    def take_whole(self, answer: Any) -> None:
        """A whole answer is complete by its framing, even if it gives no reason for stopping."""
        content = answer.get("content") if isinstance(answer, dict) else None
        if isinstance(answer, dict) and (answer.get("error") or (not content and is_bare_error(answer))):
            self.fail_with(errors.from_error_object(answer))
            return
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        if not isinstance(content, list):
            self.fail("protocol", "The gateway's answer holds no message.", "no_content")
            return
        self.meet(answer.get("id"), answer.get("model"))
        for block in content:
            if isinstance(block, dict):
                self._settle_block(self._add_block(None, block))
            else:
                self.ignored += 1
        self._at.clear()
        self._stopping(answer)
        self._count(answer.get("usage"))
        self._stop(answer)

    def _conclude(self) -> None:
        if not self._complete:
            self.fail("interrupted", "The stream ended before the answer was complete.", "no_message_stop")
            return
        for index in list(self._at):
            self._settle_block(self._at.pop(index))
        reason = _REASONS.get(self._reason, "other")
        self.finish(reason, self._reason, anthropic_blocks.native(self._blocks, cut=reason == "length"))

    # The events of the wire

    def _start(self, told: dict[str, Any]) -> None:
        message = inner(told, "message")
        self.meet(message.get("id"), message.get("model"))
        self.ignored += bool(message.get("content"))
        self._count(message.get("usage"))

    def _begin_block(self, told: dict[str, Any]) -> None:
        start, index = told.get("content_block"), index_of(told)
        if not isinstance(start, dict):
            self.ignored += 1
            return
        if (unstopped := self._at.pop(index, None)) is not None:
            self._settle_block(unstopped)
        self._add_block(index, start)

    def _add_block(self, index: int | None, start: dict[str, Any]) -> Block:
        block = Block(start, len(self._blocks))
        for citation in start["citations"] if isinstance(start.get("citations"), list) else ():
            self._cite(citation)
        self._blocks.append(block)
        self._at[index] = block
        match block.kind:
            case "text":
                self._speak(block, "text", block.text("text"))
            case "thinking":
                self._speak(block, "thinking", block.text("thinking"))
            case "tool_use":
                self.call_tool(block.number, word(start.get("id")), word(start.get("name")), block.given)
            case "redacted_thinking":
                self.hint("thinking", "redacted")
            case _:
                self.ignored += 1
        return block

    def _more(self, index: int | None, delta: dict[str, Any]) -> None:
        block = self._at.get(index)
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                self._said(index, "text", text)
            case {"type": "thinking_delta", "thinking": str(text)}:
                self._said(index, "thinking", text)
            case {"type": "input_json_delta", "partial_json": str(piece)} if block is not None:
                self._argued(block, piece)
            case {"type": "signature_delta", "signature": str(signature)} if block is not None:
                block.signature = signature
            case {"type": "citations_delta", "citation": citation} if block is not None:
                block.citations.append(citation)
                self._cite(citation)
            case _:
                self.ignored += 1

    def _cite(self, citation: Any) -> None:
        if isinstance(citation, dict):
            # Of a search the caller made, `source` is what he called the page: often its address.
            address, title = citation.get("url") or citation.get("source"), citation.get("title")
            self.cite(address, title or citation.get("document_title"), citation.get("cited_text"))

    def _end_block(self, told: dict[str, Any]) -> None:
        block = self._at.pop(index_of(told), None)
        if block is None:
            self.ignored += 1
        else:
            self._settle_block(block)

    def _change(self, told: dict[str, Any]) -> None:
        delta = told.get("delta")
        if isinstance(delta, dict):
            self._stopping(delta)
        else:
            self.ignored += 1
        self._count(told.get("usage"))

    def _stop(self, told: dict[str, Any]) -> None:
        self._complete = True
        self._conclude()

    # Blocks

    def _said(self, index: int | None, kind: PartKind, text: str) -> None:
        """A block that never began, or began as another kind of speech, begins here."""
        block = self._at.get(index)
        if block is None or (block.kind != kind and block.kind in ("text", "thinking")):
            self._begin_block({"index": index, "content_block": {"type": kind, kind: ""}})
            block = self._at[index]
        if block.kind == kind:
            self._speak(block, kind, text)
        elif block.kind in SHOWN:
            self.ignored += 1
            return
        block.pieces.setdefault(kind, []).append(text)

    def _speak(self, block: Block, kind: PartKind, text: str) -> None:
        if self._voice is not block:
            self.fall_silent()
            self._voice = block
        self.say(kind, text)

    def _argued(self, block: Block, piece: str) -> None:
        """Arguments that came whole at the start are not taken again."""
        if block.kind in ("text", "thinking", "redacted_thinking") or block.given:
            self.ignored += bool(piece)
            return
        block.arguments.append(piece)
        if piece and block.kind == "tool_use":
            self.call_tool(block.number, "", "", piece)

    def _settle_block(self, block: Block) -> None:
        if block.kind == "tool_use":
            self.end_call(block.number)
        elif block is self._voice:
            self.fall_silent()
        if block.kind == "thinking" and block.signed and not block.text("thinking"):
            # Thought through, but shown to nobody.
            self.hint("thinking", "redacted")

    # The rest

    def _stopping(self, told: dict[str, Any]) -> None:
        self._reason = word(told.get("stop_reason")) or self._reason
        explanation = inner(told, "stop_details").get("explanation")
        if isinstance(explanation, str):
            self.say("refusal", explanation)

    def _count(self, usage: Any) -> None:
        """Counts are cumulative and may be corrected later: the newest that is told replaces."""
        if not isinstance(usage, dict):
            self.ignored += usage is not None
            return
        lifetimes = inner(usage, "cache_creation")
        by_lifetime = added(*(tokens(count) for count in lifetimes.values()))
        told = {name: tokens(usage.get(name)) for name in _COUNTS}
        if told["cache_creation_input_tokens"] is None:
            told["cache_creation_input_tokens"] = by_lifetime
        self._counts |= {name: count for name, count in told.items() if count is not None}
        known = "input_tokens" in self._counts
        self.report(
            Usage(
                input_tokens=added(*self._counts.values()) if known else None,
                output_tokens=tokens(usage.get("output_tokens")),
                cache_read_tokens=self._counts.get("cache_read_input_tokens"),
                cache_write_tokens=self._counts.get("cache_creation_input_tokens"),
                reasoning_tokens=tokens(inner(usage, "output_tokens_details").get("thinking_tokens")),
            )
        )


_EVENTS: dict[str, Callable[[Decoder, dict[str, Any]], None]] = {
    "message_start": Decoder._start,
    "content_block_start": Decoder._begin_block,
    "content_block_stop": Decoder._end_block,
    "message_delta": Decoder._change,
    "message_stop": Decoder._stop,
    # A relay that cannot stream puts the whole message into one frame.
    "message": Decoder.take_whole,
}


def decode_whole(whole: bytes) -> list[Event]:
    """A non-streamed answer as the same events. Never raises."""
    decoder = Decoder()
    return reading.decode_whole(whole, decoder, decoder.take_whole)


FAMILY = Family(
    key="anthropic",
    label="Anthropic",
    encode=anthropic_body.encode,
    decoder=Decoder,
    decode_whole=decode_whole,
    params=PARAMS,
    usage=UsageWords(
        fresh="input_tokens",
        cache_read="cache_read_input_tokens",
        cache_write="cache_creation_input_tokens",
        answer="the rest of output_tokens",
        reasoning="output_tokens_details.thinking_tokens",
    ),
    models="anthropic",
    models_path="/anthropic/v1/models",
    auth="x-api-key",
    headers=anthropic_body.HEADERS,
    counting=Counting(anthropic_body.encode_count, anthropic_body.read_count),
    unshown=anthropic_blocks.unshown,
    wants_argument_objects=True,
    marks_cache=True,
)
