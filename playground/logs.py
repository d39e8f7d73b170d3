"""Log lines that name the request and hide every secret."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

from playground.gateway.redaction import redact

request_id: ContextVar[str] = ContextVar("request_id", default="")


class Redact(logging.Filter):
    """Marks the record with the request; the formatters below redact the whole line, traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class Lines(logging.Formatter):
    """For a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        number = getattr(record, "request_id", "")
        return redact(super().format(record)) + (f" [{number}]" if number else "")


class Json(logging.Formatter):
    """For a log collector: one object a line, so a line break in a message starts no new record."""

    def format(self, record: logging.LogRecord) -> str:
        row = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "request_id": getattr(record, "request_id", ""),
        }
        if record.exc_info:
            row["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(row, ensure_ascii=False)
