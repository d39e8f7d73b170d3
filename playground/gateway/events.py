"""The nine events every family is decoded into, and the usage they report.

Parts are numbered in arrival order. Each opens once and closes once; exactly one ending
(`Finished` or `Failed`) comes, always last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PartKind = Literal["text", "thinking", "refusal", "tool_call"]
FinishReason = Literal["stop", "length", "tool_calls", "refused", "filtered", "paused", "other"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; None means "not told", never 0. `input_tokens` includes what came from a cache."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    def replaced_by(self, newer: Usage) -> Usage:
        """Each report is a snapshot: a newer value replaces, nothing is added."""
        # Field by field: a loop over fields() costs three times as much, and some families tell it often.
        return Usage(
            self.input_tokens if newer.input_tokens is None else newer.input_tokens,
            self.output_tokens if newer.output_tokens is None else newer.output_tokens,
            self.cache_read_tokens if newer.cache_read_tokens is None else newer.cache_read_tokens,
            self.cache_write_tokens if newer.cache_write_tokens is None else newer.cache_write_tokens,
            self.reasoning_tokens if newer.reasoning_tokens is None else newer.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """The gateway accepted the request; `model` is the one that answers, if told."""

    response_id: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class PartOpened:
    part: int
    kind: PartKind
    name: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class PartDelta:
    """More text of a part; never empty. For a tool call: JSON source text as it came."""

    part: int
    text: str


@dataclass(frozen=True, slots=True)
class PartClosed:
    part: int


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """A whole inline file (Gemini image output), base64 as it came."""

    part: int
    media_type: str
    data_b64: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A source that the answer rests on, each told once with each of its quotes.

    `url` begins with http:// or https://; it is "" where nothing that can be followed was told, and
    then `title` says what was.
    """

    url: str
    title: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete. `native` is its content to replay to the same family and model: the ASCII
    text of a JSON array, "" where the family needs none.
    """

    reason: FinishReason
    raw_reason: str = ""
    native: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ended badly; what came before stays valid. `kind` is a key of `errors.KINDS`."""

    kind: str
    message: str = ""
    code: str = ""


Event = (
    Opened | PartOpened | PartDelta | PartClosed | MediaReceived | Cited | UsageReported | Finished | Failed
)
