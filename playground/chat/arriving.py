"""A part of an answer while it arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playground.chat.render import PartStream


@dataclass(slots=True)
class OpenPart:
    """A part of the decoder's and where it stands in the answer. `late`: text not rendered yet."""

    index: int
    kind: str
    stream: PartStream
    began: float
    pending: int = 0
    late: list[str] = field(default_factory=list)
    closed: bool = False
    ms: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def rest(self, late: str) -> list[str]:
        """The last blocks, with the text that was not rendered yet."""
        return [*self.stream.feed(late), *self.stream.close()]
