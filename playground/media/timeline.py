"""A task's timeline as it is shown: equal looks folded into one line with their number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from playground.media.models import MediaTask, TaskEvent


@dataclass(frozen=True, slots=True)
class Line:
    """`count` looks said the same from `at` on; the last of them was before `until` (None: not known)."""

    kind: str
    label: str
    at: datetime
    text: str
    raw: str
    count: int = 1
    until: datetime | None = None


def lines(task: MediaTask, events: Iterable[TaskEvent] | None = None) -> list[Line]:
    """Oldest first. Two queries at most."""
    rows = list(task.events.order_by("id") if events is None else events)
    shown = []
    for number, row in enumerate(rows):
        count, until = 1, None
        if row.poll is not None:
            later = next((other for other in rows[number + 1 :] if other.poll is not None), None)
            after = task.polls + 1 if later is None or later.poll is None else later.poll
            count = max(1, after - row.poll)
            until = (task.polled_at if later is None else later.at) if count > 1 else None
        shown.append(Line(row.kind, TaskEvent.Kind(row.kind).label, row.at, row.text, row.raw, count, until))
    return shown
