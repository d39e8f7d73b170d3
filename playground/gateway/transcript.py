"""The only fold: events to parts. What is saved, shown and sent back is read from here."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.gateway.events import (
    Cited,
    Event,
    Failed,
    Finished,
    MediaReceived,
    Opened,
    PartClosed,
    PartDelta,
    PartOpened,
    Usage,
    UsageReported,
)


@dataclass(slots=True)
class TranscriptPart:
    """One part so far. `kind` is that of `PartOpened`, or "media" (then `name` is its media type)."""

    kind: str
    name: str = ""
    call_id: str = ""
    closed: bool = False
    pieces: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        # Joined when it is read, not at every delta: appending stays cheap however long the answer is.
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


class Transcript:
    """An answer as far as it came."""

    def __init__(self) -> None:
        self.parts: list[TranscriptPart] = []
        self.citations: list[Cited] = []
        self.usage = Usage()
        self.response_id = ""
        self.model = ""
        self.finished: Finished | None = None
        self.failure: Failed | None = None
        self._by_number: dict[int, TranscriptPart] = {}

    def apply(self, event: Event) -> None:
        """Take in one event; a part's events come after its opening, as decoders promise."""
        match event:
            case PartDelta():
                self._by_number[event.part].pieces.append(event.text)
            case PartOpened():
                self._add(event.part, TranscriptPart(event.kind, event.name, event.call_id))
            case PartClosed():
                self._by_number[event.part].closed = True
            case MediaReceived():
                part = TranscriptPart("media", event.media_type, closed=True, pieces=[event.data_b64])
                self._add(event.part, part)
            case Cited():
                self.citations.append(event)
            case Opened():
                self.response_id, self.model = event.response_id, event.model
            case UsageReported():
                self.usage = self.usage.replaced_by(event.usage)
            case Finished():
                self.finished = event
            case Failed():
                self.failure = event

    @property
    def ended(self) -> bool:
        return self.finished is not None or self.failure is not None

    @property
    def reason(self) -> str:
        """Why it finished; "" while it has not, or when it failed."""
        return self.finished.reason if self.finished else ""

    @property
    def raw_reason(self) -> str:
        return self.finished.raw_reason if self.finished else ""

    @property
    def native(self) -> str:
        return self.finished.native if self.finished else ""

    @property
    def text(self) -> str:
        """What the model said to the reader, for search and titles; thinking and calls are not in it."""
        return "\n\n".join(part.text for part in self.parts if part.kind in ("text", "refusal"))

    def parts_json(self) -> list[dict[str, str]]:
        """The parts as a turn keeps them: `kind` and `text`, with `name` and `call_id` if there are any."""
        return [
            {"kind": part.kind, "text": part.text}
            | ({"name": part.name} if part.name else {})
            | ({"call_id": part.call_id} if part.call_id else {})
            for part in self.parts
        ]

    def _add(self, number: int, part: TranscriptPart) -> None:
        self._by_number[number] = part
        self.parts.append(part)
