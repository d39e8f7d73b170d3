"""What every viewer of a run sees: the fold of its ops, kept where the run is driven or watched.

An op is a small list, as it goes to the page:
["open", part, kind, name, call_id] · ["text", part, delta] · ["block", part, html, tail] ·
["close", part] · ["status", status, note] · ["first", ms] · ["end", status, digest].
The source text of a part is the sum of its text deltas; finished blocks carry their HTML besides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Op = list[Any]


@dataclass(slots=True)
class PartView:
    kind: str
    name: str
    call_id: str
    source: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    closed: bool = False


@dataclass(slots=True)
class RunView:
    """A run in flight; `seq` counts the batches of ops applied, without a gap."""

    run: str
    turn: str
    seq: int = 0
    status: str = "queued"
    note: str = ""
    digest: str = ""
    first_ms: int | None = None
    parts: list[PartView] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.status not in ("queued", "running")

    def apply(self, seq: int, ops: list[Op]) -> bool:
        """Apply the next batch. False: batches are missing before it and nothing was applied."""
        if seq <= self.seq:
            return True
        if seq != self.seq + 1:
            return False
        self.seq = seq
        for op in ops:
            self._apply(op)
        return True

    def _apply(self, op: Op) -> None:
        name = op[0]
        if name == "text":
            part = self.parts[op[1]]
            part.source.append(op[2])
            part.tail.append(op[2])
        elif name == "block":
            part = self.parts[op[1]]
            part.blocks.append(op[2])
            part.tail = [op[3]] if op[3] else []
        elif name == "open":
            self.parts.append(PartView(kind=op[2], name=op[3], call_id=op[4]))
        elif name == "close":
            self.parts[op[1]].closed = True
        elif name == "status":
            self.status, self.note = op[1], op[2]
        elif name == "first":
            self.first_ms = op[1]
        elif name == "end":
            self.status, self.digest, self.note = op[1], op[2], ""

    def snapshot(self) -> dict[str, Any]:
        """Everything so far, as the page's `snapshot` frame holds it."""
        return {
            "run": self.run,
            "turn": self.turn,
            "seq": self.seq,
            "status": self.status,
            "note": self.note,
            "first_ms": self.first_ms,
            "parts": [
                {
                    "kind": part.kind,
                    "name": part.name,
                    "call_id": part.call_id,
                    "blocks": part.blocks,
                    "tail": "".join(part.tail),
                    "closed": part.closed,
                }
                for part in self.parts
            ],
        }

    def stored_parts(self) -> list[dict[str, Any]]:
        """The parts as a turn stores them (see `chat.models.Turn`)."""
        rows: list[dict[str, Any]] = []
        for part in self.parts:
            row: dict[str, Any] = {"kind": part.kind, "text": "".join(part.source)}
            if part.kind == "tool_call":
                row |= {"name": part.name, "call_id": part.call_id}
            rows.append(row)
        return rows
