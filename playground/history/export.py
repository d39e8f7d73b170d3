"""Lines of History as a file, written while it is sent: memory does not grow with how many there are.

Each batch is read on a thread of its own and let go; between two of them nothing is held but the place.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from accounts.audit_log import csv_rows
from playground.chat.markdown import fenced
from playground.gateway.redaction import redact
from playground.history import rows
from playground.history.listing import Reader, load
from playground.history.models import NAMES
from playground.history.rows import Line

COLUMNS = (
    "id", "kind", "state", "status", "error", "family", "model", "who", "key", "prompt", "prompt_version",
    "made_at", "ended_at", "duration_ms", "first_token_ms", "input_tokens", "output_tokens", "units", "cost",
    "rating", "note", "tags", "asked", "answered",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    """`part` writes so many lines; the first of the file are told that they are."""

    key: str
    label: str
    media_type: str
    head: str
    part: Callable[[Sequence[dict[str, Any]], bool], str]
    foot: str = ""


def told(line: Line) -> dict[str, Any]:
    """A line as programs read it. None is what nobody told."""
    entry, used = line.entry, line.used
    amount = line.cost.amount
    return {
        "id": f"{NAMES[entry.kind]}:{entry.subject}",
        "kind": entry.kind,
        "state": entry.state,
        "status": entry.status,
        "error": entry.error_kind or None,
        "family": entry.family or None,
        "model": entry.model or None,
        "who": entry.user.email if entry.user else None,
        "key": entry.key.label if entry.key else None,
        "prompt": str(entry.prompt) if entry.prompt else None,
        "prompt_version": str(entry.prompt_version) if entry.prompt_version else None,
        "made_at": entry.created_at.isoformat(),
        "ended_at": entry.ended_at.isoformat() if entry.ended_at else None,
        "duration_ms": entry.duration_ms,
        "first_token_ms": entry.first_token_ms,
        "input_tokens": used.input_tokens if used else None,
        "output_tokens": used.output_tokens if used else None,
        "units": line.units or None,
        "cost": f"{amount.normalize():f} {line.cost.currency}" if amount is not None else None,
        "rating": line.rating.value if line.rating else None,
        "note": line.rating.note or None if line.rating else None,
        "tags": sorted(tag.name for tag in line.rating.tags.all()) if line.rating else [],
        # A key that somebody pasted is not sent on.
        "asked": redact(entry.doc.asked),
        "answered": redact(entry.doc.said) or None,
    }


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _json_part(told: Sequence[dict[str, Any]], first: bool) -> str:
    return ("" if first else ",\n") + ",\n".join(_json(row) for row in told)


def _jsonl_part(told: Sequence[dict[str, Any]], first: bool) -> str:
    return "".join(f"{_json(row)}\n" for row in told)


def _csv_part(told: Sequence[dict[str, Any]], first: bool) -> str:
    return csv_rows([_cell(row[name]) for name in COLUMNS] for row in told).decode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _markdown_part(told: Sequence[dict[str, Any]], first: bool) -> str:
    return "".join(markdown(row) for row in told)


def markdown(row: dict[str, Any]) -> str:
    """One line as a piece of a document."""
    names = ("who", "model", "family", "key", "duration_ms", "input_tokens", "output_tokens", "units", "cost",
             "rating", "note", "tags", "error")  # fmt: skip
    facts = [f"- {name}: {_plain(_cell(row[name]))}\n" for name in names if row[name] not in (None, [])]
    parts = [f"## {row['made_at']} {row['id']} ({row['state']})\n\n", *facts]
    parts += [f"\n**Asked**\n\n{fenced(row['asked'])}\n" if row["asked"] else ""]
    parts += [f"\n**Answered**\n\n{fenced(row['answered'])}\n" if row["answered"] else ""]
    return "".join(parts) + "\n"


def _plain(text: str) -> str:
    return " ".join(text.split())


FORMATS = {
    made.key: made
    for made in (
        Format("md", "Markdown", "text/markdown; charset=utf-8", "# History\n\n", _markdown_part),
        Format("json", "JSON", "application/json", "[\n", _json_part, "\n]\n"),
        Format("jsonl", "JSON lines", "application/x-ndjson", "", _jsonl_part),
        Format("csv", "CSV", "text/csv; charset=utf-8", csv_rows([COLUMNS]).decode(), _csv_part),
    )
}


async def stream(reader: Reader, batches: Iterator[list[int]], to: Format) -> AsyncIterator[bytes]:
    """The file, a batch at a time."""
    if to.head:
        yield to.head.encode()
    first = True
    while (text := await sync_to_async(_next)(reader, batches, to, first)) is not None:
        if text:
            first = False
            yield text.encode("utf-8", "replace")
    if to.foot:
        yield to.foot.encode()


def _next(reader: Reader, batches: Iterator[list[int]], to: Format, first: bool) -> str | None:
    ids = next(batches, None)
    if ids is None:
        return None
    found = [told(line) for line in rows.lines(reader.team, load(ids))]
    return to.part(found, first) if found else ""
