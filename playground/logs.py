"""Log lines that name the request and hide every secret."""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

from playground.gateway.redaction import redact

_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")

request_id: ContextVar[str] = ContextVar("request_id", default="")


class Redact(logging.Filter):
    """Marks the record with the request; the formatters below redact the whole line, traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class Lines(logging.Formatter):
    """For a person at a terminal. One record is one line; what follows it, a traceback, is set in."""

    def format(self, record: logging.LogRecord) -> str:
        head, *below = redact(super().format(record)).split("\n")
        number = getattr(record, "request_id", "")
        first = head + (f" [{number}]" if number else "")
        return "\n".join([first, *(f"  {_visible(line)}" for line in below)])

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        return _visible(super().formatMessage(record))


def _visible(text: str) -> str:
    """Line breaks and terminal codes in words of others: a forged record would look like ours."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


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
        return json.dumps(row)
