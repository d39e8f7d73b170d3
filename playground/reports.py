"""Reports of crashes, on the debug page and in e-mails: without keys, whatever DEBUG says."""

from __future__ import annotations

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from playground.gateway.redaction import redact


class AlwaysHiding(SafeExceptionReporterFilter):
    """Django hides what is marked as sensitive only while DEBUG is off."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True


class Reporter(ExceptionReporter):
    """The second net: keys that were used, in any spelling, and what looks like one."""

    # Plain text goes back: it ends in a response or an e-mail, never in a template.
    def get_traceback_html(self) -> str:  # type: ignore[override]
        return redact(super().get_traceback_html())

    def get_traceback_text(self) -> str:  # type: ignore[override]
        return redact(super().get_traceback_text())
