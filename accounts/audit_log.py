"""Reading the audit log: filters, pages by key, and the export."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet

from accounts.audit import VERBS
from accounts.models import AuditEvent, User

PAGE = 50
BATCH = 500
HEAD = ("when (UTC)", "who", "what", "object", "details", "address")
# A spreadsheet would run a cell that begins so.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ID = re.compile(r"[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to see. `what` is a verb, or a kind of verbs with its dot."""

    who: User | None = None
    what: str = ""
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def of(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        if self.who is not None:
            events = events.filter(actor=self.who)
        if self.what.endswith("."):
            events = events.filter(verb__in=[verb for verb in VERBS if verb.startswith(self.what)])
        elif self.what:
            events = events.filter(verb=self.what)
        if self.since is not None:
            events = events.filter(at__gte=self.since)
        if self.until is not None:
            events = events.filter(at__lt=self.until)
        for word in self.words.split()[:8]:
            events = events.filter(target__icontains=word)
        return events


def page(events: QuerySet[AuditEvent], before: str, size: int = PAGE) -> tuple[list[AuditEvent], str]:
    """The newest events older than the event `before`, and what to ask with for the page after them."""
    rows = list(_older(events, before)[: size + 1])
    return rows[:size], str(rows[size - 1].pk) if len(rows) > size else ""


async def lines(events: QuerySet[AuditEvent]) -> AsyncIterator[bytes]:
    """The events as CSV, newest first, a batch at a time: memory does not grow with the log."""
    yield csv_rows([HEAD])
    before = ""
    while True:
        rows, before = await sync_to_async(page)(events, before, BATCH)
        yield csv_rows(_cells(event) for event in rows)
        if not before:
            return


def _older(events: QuerySet[AuditEvent], before: str) -> QuerySet[AuditEvent]:
    events = events.select_related("actor").order_by("-at", "-pk")
    mark = events.filter(pk=int(before)).first() if _ID.match(before) else None
    if mark is None:
        return events
    return events.filter(Q(at__lt=mark.at) | Q(at=mark.at, pk__lt=mark.pk))


def _cells(event: AuditEvent) -> tuple[str, ...]:
    return (
        event.at.astimezone(UTC).isoformat(timespec="seconds"),
        event.actor.email if event.actor else "",
        event.verb,
        event.target,
        json.dumps(event.detail, ensure_ascii=False) if event.detail else "",
        event.ip or "",
    )


def csv_rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def harmless(cell: str) -> str:
    """An apostrophe before what a spreadsheet takes for a formula, behind spaces too."""
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip(" ").startswith(FORMULA) else cell
