"""Writes answers of the Gemini family, whole and in pieces (contract section 10)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .exchange import json_bytes
from .stream import Frame

PICTURE_TOKENS = 1290
_RATINGS = ({"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True},)
_UNSAFE = ("SAFETY", "IMAGE_SAFETY")
_EMPTY = (*_UNSAFE, "MALFORMED_FUNCTION_CALL")

Telling = Literal["each", "last", "never"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the prompt counts for in tokens."""

    text: int
    files: int
    cached: int

    @property
    def tokens(self) -> int:
        return self.text + self.files


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire, in this order; thoughts that are not shown are only counted."""

    finish: str
    thoughts: tuple[str, ...] = ()
    thought_tokens: int = 0
    text: tuple[str, ...] = ()
    calls: tuple[dict[str, Any], ...] = ()
    call_tokens: int = 0
    picture: str = ""
    signature: str = ""
    block_reason: str = ""
    message: str = ""

    @property
    def spoken_tokens(self) -> int:
        """What takes time: everything but the picture."""
        return self.thought_tokens + len(self.text) + self.call_tokens

    @property
    def tokens(self) -> int:
        return len(self.text) + self.call_tokens + (PICTURE_TOKENS if self.picture else 0)


@dataclass(frozen=True, slots=True)
class Wire:
    """What every object of one answer repeats; `telling` says which of them hold the usage."""

    id: str
    model: str
    prompt: Prompt
    telling: Telling = "each"

    def whole(self, reply: Reply) -> dict[str, Any]:
        """The answer to a request without stream, and the only frame of a blocked prompt."""
        usage = {} if self.telling == "never" else {"usageMetadata": self._told(reply)}
        if reply.block_reason:
            feedback = {"blockReason": reply.block_reason}
            return {"promptFeedback": feedback, **usage, **self.names()}
        parts = list(_parts(reply))
        content = {"content": {"role": "model", "parts": parts}} if parts else {}
        return {"candidates": [{**content, **_finish(reply)}], **usage, **self.names()}

    def pieces(self, reply: Reply) -> Iterator[Frame]:
        """One frame for each token, each call and the picture; the finish follows apart."""
        yield from self._tokens(reply.thoughts, b',"thought":true}', thoughts=True)
        seen = reply.thought_tokens
        yield from self._tokens(reply.text, b"}", before=seen)
        for place, call in enumerate(reply.calls, 1):
            yield self.part(call, self._running(seen, reply.call_tokens * place // len(reply.calls)))
        if reply.picture:
            yield self.part(_picture(reply), self._running(seen, len(reply.text) + PICTURE_TOKENS))

    def last(self, reply: Reply) -> Frame:
        """The frame with the finish reason: an empty text, or no content at all where none was made."""
        candidate = _finish(reply)
        if reply.finish not in _EMPTY:
            part = {"text": "", **({"thoughtSignature": reply.signature} if reply.signature else {})}
            candidate = {"content": {"role": "model", "parts": [part]}, **candidate}
        usage = {} if self.telling == "never" else {"usageMetadata": self._told(reply)}
        return Frame(json_bytes({"candidates": [candidate], **usage, **self.names()}))

    def part(self, part: dict[str, Any], usage: bytes = b"") -> Frame:
        before, after = self._around(usage)
        return Frame(before + json_bytes(part) + after, tokens=1)

    def names(self) -> dict[str, Any]:
        return {"modelVersion": self.model, "responseId": self.id}

    def _tokens(
        self, tokens: tuple[str, ...], after_text: bytes, *, before: int = 0, thoughts: bool = False
    ) -> Iterator[Frame]:
        """The object around the token is spelled by hand, for there can be very many of them."""
        for number, token in enumerate(tokens, 1):
            usage = self._running(number, 0) if thoughts else self._running(before, number)
            head, tail = self._around(usage)
            yield Frame(head + b'{"text":' + json_bytes(token) + after_text + tail, tokens=1)

    def _around(self, usage: bytes) -> tuple[bytes, bytes]:
        head = b'{"candidates":[{"content":{"role":"model","parts":['
        return head, b']},"index":0}],' + usage + json_bytes(self.names())[1:]

    def _running(self, thoughts: int, said: int) -> bytes:
        """The usage so far, with a comma behind it; empty where it is told at the end only."""
        if self.telling != "each":
            return b""
        usage = {"promptTokenCount": self.prompt.tokens}
        usage |= {"candidatesTokenCount": said} if said else {}
        usage |= {"thoughtsTokenCount": thoughts} if thoughts else {}
        usage["totalTokenCount"] = self.prompt.tokens + thoughts + said
        return b'"usageMetadata":' + json_bytes(usage) + b","

    def _told(self, reply: Reply) -> dict[str, Any]:
        prompt = self.prompt
        details = [{"modality": "TEXT", "tokenCount": prompt.text}]
        details += [{"modality": "IMAGE", "tokenCount": prompt.files}] if prompt.files else []
        told: dict[str, Any] = {"promptTokenCount": prompt.tokens, "promptTokensDetails": details}
        if prompt.cached:
            told["cachedContentTokenCount"] = prompt.cached
        if reply.tokens or not reply.block_reason:
            told["candidatesTokenCount"] = reply.tokens
        if reply.thought_tokens:
            told["thoughtsTokenCount"] = reply.thought_tokens
        if reply.picture:
            told["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": PICTURE_TOKENS}]
        return {**told, "totalTokenCount": prompt.tokens + reply.tokens + reply.thought_tokens}


def _parts(reply: Reply) -> Iterator[dict[str, Any]]:
    if reply.thoughts:
        yield {"text": "".join(reply.thoughts), "thought": True}
    if reply.text or reply.signature:
        text = {"text": "".join(reply.text)}
        yield {**text, "thoughtSignature": reply.signature} if reply.signature else text
    yield from reply.calls
    if reply.picture:
        yield _picture(reply)


def _picture(reply: Reply) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": reply.picture}}


def _finish(reply: Reply) -> dict[str, Any]:
    finish: dict[str, Any] = {"finishReason": reply.finish, "index": 0}
    finish |= {"finishMessage": reply.message} if reply.message else {}
    return {**finish, "safetyRatings": list(_RATINGS)} if reply.finish in _UNSAFE else finish
