"""Gemini: `…:generateContent` and `…:streamGenerateContent` (contract section 10), what comes back."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from playground.gateway import assembly, errors, exact
from playground.gateway.assembly import word
from playground.gateway.events import Event, FinishReason, Usage
from playground.gateway.sse import Frame
from playground.gateway.wire import reading
from playground.gateway.wire.family import Family, UsageWords
from playground.gateway.wire.gemini_body import encode
from playground.gateway.wire.gemini_params import PARAMS
from playground.gateway.wire.reading import added, inner, is_bare_error, tokens

# The answer was blocked: contract section 17, "SAFETY and the other block values".
_BLOCKS = (
    "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT "
    "IMAGE_RECITATION MODEL_ARMOR ESCALATION"
)
# Everything else, such as NO_IMAGE, LANGUAGE, OTHER or a word of next year, is "other".
_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(_BLOCKS.split(), "refused"),
}
# Contract section 10 calls these a tool or protocol fault: the model gave no answer that can be used, and
# what there is of it cannot be sent back, so the answer ended badly.
_FAULTS: dict[str, str] = {
    "MALFORMED_FUNCTION_CALL": "protocol",
    "UNEXPECTED_TOOL_CALL": "protocol",
    "TOO_MANY_TOOL_CALLS": "protocol",
    "MALFORMED_RESPONSE": "protocol",
    # The fault is in the history that was sent.
    "MISSING_THOUGHT_SIGNATURE": "invalid_request",
}
_UNTOLD = ("", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED")

# The fields of a part: shown as a part of ours, not shown but known, and said about either.
_SHOWN = frozenset({"text", "functionCall", "inlineData"})
_KNOWN = frozenset({"executableCode", "codeExecutionResult", "fileData", "toolCall", "toolResponse"})
_BESIDE = frozenset({"thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"})

_ANSWER = frozenset({"candidates", "promptFeedback", "usageMetadata"})
_COUNTS = ("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
# To tell them with every object would cost more than the text it brings.
_COUNTS_EVERY = 16


class Decoder(assembly.Decoder):
    """Response objects to events: in a stream each brings new parts, a whole answer is one of them.

    Nothing ends a stream but its end: a call can come after the reason STOP, and so can usage.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reason = ""
        self._comment = ""
        self._blocked = ""
        self._whole = False
        self._received: list[dict[str, Any]] = []
        self._called = 0
        self._ids: dict[str, tuple[str, str]] = {}
        self._counts: dict[str, int] = {}
        # The first counts are told at once.
        self._untold = _COUNTS_EVERY - 1

    def broke(self, error: errors.GatewayError) -> list[Event]:
        """After the reason nothing is missed, as no other end is to come."""
        return self.end() if self._reason else super().broke(error)

    def fail(self, kind: str, message: str = "", code: str = "") -> None:
        self._tell_counts()
        super().fail(kind, message, code)

    def _read(self, frame: Frame) -> None:
        if frame.data == "[DONE]":
            # Not Gemini's, but relays add it.
            self._conclude()
            return
        try:
            answer = exact.loads(frame.data)
        except (ValueError, RecursionError):
            self._unreadable(frame)
            return
        if frame.event == "error" and not (isinstance(answer, dict) and answer.get("error")):
            self.fail_with(errors.from_error_object(answer))
        else:
            self._take_each(answer)

    def _unreadable(self, frame: Frame) -> None:
        if frame.event == "error":
            self.fail_with(errors.from_error_object(frame.data))
        elif frame.cut or self._reason:
            # Half a frame is what a cut leaves, and after the reason nothing is missed: `end` judges.
            self.ignored += 1
        else:
            self.fail("protocol", "The gateway sent a part of the answer that is not JSON.", "bad_json")

    def take_whole(self, answer: Any) -> None:
        """A whole answer is complete by its framing; a list is a stream's objects, as without alt=sse."""
        if not isinstance(answer, list) and not (_is_error(answer) or _holds_answer(answer)):
            self.fail("protocol", "The gateway's answer holds no candidate.", "no_candidates")
            return
        self._whole = not isinstance(answer, list)
        self._take_each(answer)
        if not self.ended:
            self._conclude()

    def _take_each(self, answer: Any) -> None:
        for each in answer if isinstance(answer, list) else (answer,):
            if self.ended or not isinstance(each, dict):
                self.ignored += 1
            else:
                self._take(each)

    def _take(self, answer: dict[str, Any]) -> None:
        candidates = answer.get("candidates")
        if (candidates is None or "error" in answer) and _is_error(answer):
            self.fail_with(errors.from_error_object(answer))
            return
        self.meet(answer.get("responseId"), answer.get("modelVersion"))
        if isinstance(candidates, list):
            for candidate in candidates:
                self._candidate(candidate)
        elif candidates is not None:
            self.ignored += 1
        if "promptFeedback" in answer:
            self._blocked = _told(inner(answer, "promptFeedback"), "blockReason") or self._blocked
        if (usage := answer.get("usageMetadata")) is not None:
            self._count(usage)

    def _conclude(self) -> None:
        self._tell_counts()
        reason = self._reason
        if reason in _FAULTS:
            message = errors.plain(f"The model's answer ended with {reason}. {self._comment}")
            self.fail(_FAULTS[reason], message, reason)
        elif reason or self._whole and not self._blocked:
            self.finish(_REASONS.get(reason, "other"), reason, _native(self._received))
        elif self._blocked:
            self.finish("filtered", self._blocked, _native(self._received))
        else:
            self.fail("interrupted", "The stream ended before the answer was complete.", "no_finish_reason")

    def _candidate(self, candidate: Any) -> None:
        """Only the first answer is read, whatever number of them was asked for."""
        if not isinstance(candidate, dict) or candidate.get("index") not in (0, None):
            self.ignored += 1
            return
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else content
        if isinstance(parts, list):
            for part in parts:
                self._part(part)
        elif parts is not None:
            self.ignored += 1
        if "groundingMetadata" in candidate:
            self._ground(inner(candidate, "groundingMetadata").get("groundingChunks"))
        if reason := _told(candidate, "finishReason"):
            self._reason = reason
            self._comment = word(candidate.get("finishMessage"))

    def _ground(self, told: Any) -> None:
        for row in told if isinstance(told, list) else ():
            page = inner(row, "web")
            self.cite(page.get("uri"), page.get("title"))

    def _part(self, part: Any) -> None:
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            self._received.append(part)
            self.say("thinking" if part.get("thought") is True else "text", text)
            if len(part) == 1:
                # Most parts are text and nothing else.
                return
        elif isinstance(part, dict) and any(value is not None for value in part.values()):
            self._received.append(part)
        else:
            self.ignored += 1
            return
        for name, value in part.items():
            if name not in _BESIDE and value is not None:
                self._field(name, value, part)

    def _field(self, name: str, value: Any, part: dict[str, Any]) -> None:
        if name == "functionCall" and isinstance(value, dict):
            self._call(value)
        elif name == "inlineData" and isinstance(value, dict):
            self._media(value, drafted=part.get("thought") is True)
        elif name in _KNOWN:
            self.fall_silent()
        elif name != "text" or not isinstance(value, str):
            self.ignored += 1

    def _call(self, call: dict[str, Any]) -> None:
        """A call comes whole. One id for two calls is taken for a mistake of a relay, not for one call."""
        name, call_id, source = word(call.get("name")), word(call.get("id")), _source(call.get("args"))
        if call_id and self._ids.get(call_id) == (name, source):
            # Said twice: an answer with two results for it would be refused.
            self._received.pop()
            self.ignored += 1
            return
        if call_id in self._ids:
            call_id = ""
        if call_id:
            self._ids[call_id] = (name, source)
        self.call_tool(self._called, call_id, name, source)
        self.end_call(self._called)
        self._called += 1

    def _media(self, blob: dict[str, Any], *, drafted: bool) -> None:
        data = blob.get("data")
        if drafted:
            # A picture tried out while thinking is not the answer.
            self.fall_silent()
        elif isinstance(data, str) and data.isascii() and data and "\0" not in data:
            self.show(word(blob.get("mimeType")), data)
        else:
            self.ignored += 1

    def _count(self, usage: Any) -> None:
        """The counts repeat with every object; the newest of each holds, and one left out stays."""
        if not isinstance(usage, dict):
            self.ignored += 1
            return
        for name in _COUNTS:
            if (count := tokens(usage.get(name))) is not None:
                self._counts[name] = count
        self._untold += 1
        if self._reason or self._untold >= _COUNTS_EVERY:
            self._tell_counts()

    def _tell_counts(self) -> None:
        if not self._untold:
            return
        self._untold = 0
        prompt, cached, answer, thoughts = map(self._counts.get, _COUNTS)
        self.report(
            Usage(
                input_tokens=prompt,
                output_tokens=added(answer, thoughts),
                cache_read_tokens=cached,
                reasoning_tokens=thoughts,
            )
        )


def decode_whole(whole: bytes) -> list[Event]:
    """A non-streamed answer as the same events. Never raises.

    Of a list that breaks off, as a stream without alt=sse may, what came whole is kept.
    """
    decoder = Decoder()
    return reading.decode_whole(whole, decoder, decoder.take_whole, reading.begun_list)


def unshown(native: str) -> tuple[str, ...]:
    """The kinds of the parts that are kept for the model but not shown, each once."""
    try:
        parts = json.loads(native or "[]")
    except (ValueError, RecursionError):
        return ()
    rows = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    found = [name for part in rows for name in part if name not in _SHOWN | _BESIDE]
    found += ["inlineData" for part in rows if "inlineData" in part and part.get("thought") is True]
    return tuple(dict.fromkeys(found))


def _told(holder: dict[str, Any], name: str) -> str:
    reason = word(holder.get(name))
    return "" if reason in _UNTOLD else reason


def _is_error(answer: Any) -> bool:
    if not isinstance(answer, dict):
        return False
    return bool(answer.get("error")) or (not answer.keys() & _ANSWER and is_bare_error(answer))


def _holds_answer(answer: Any) -> bool:
    feedback = inner(answer, "promptFeedback")
    return isinstance(answer, dict) and bool(answer.get("candidates") or _told(feedback, "blockReason"))


def _source(args: Any) -> str:
    """The arguments as JSON source text, with the numbers spelled as they came."""
    if not isinstance(args, dict):
        return reading.arguments(args)
    try:
        return exact.dumps(args) if args else ""
    except (ValueError, RecursionError):
        return ""


def _native(parts: list[dict[str, Any]]) -> str:
    """The parts as they came, none merged: a signature holds for the part it stands on and no other."""
    try:
        runs = [_text_of(list(run), flat=flat) for flat, run in groupby(parts, _is_flat)]
    except (ValueError, RecursionError):
        return ""
    return f"[{','.join(runs)}]" if runs else ""


def _is_flat(part: dict[str, Any]) -> bool:
    return all(isinstance(value, (str, bool)) for value in part.values())


def _text_of(parts: list[dict[str, Any]], *, flat: bool) -> str:
    """Where no number has a spelling to keep, the quick writer does: an answer has thousands of parts."""
    text = json.dumps(parts, separators=(",", ":")) if flat else exact.dumps(parts, ascii_only=True)
    return text[1:-1]


FAMILY = Family(
    key="gemini",
    label="Gemini",
    encode=encode,
    decoder=Decoder,
    decode_whole=decode_whole,
    params=PARAMS,
    usage=UsageWords(
        fresh="the rest of promptTokenCount",
        cache_read="cachedContentTokenCount",
        answer="candidatesTokenCount",
        reasoning="thoughtsTokenCount",
    ),
    models="openai_chat",
    unshown=unshown,
    takes_files=True,
    takes_answer_images=True,
    wants_argument_objects=True,
    makes_images=True,
)
