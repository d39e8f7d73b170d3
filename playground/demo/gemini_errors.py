"""Refusals as the Gemini family writes them: a numeric code, a status word and details (contract 4.2)."""

from typing import Any

from .exchange import Refused

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_TYPES = "type.googleapis.com/google.rpc."
# The family's own spelling where the gateway's would sound wrong.
_MESSAGES = {"Invalid or missing API key": "API key not valid. Please pass a valid API key."}

STREAM_ERROR = {"error": {"code": 503, "message": "upstream connection reset", "status": "UNAVAILABLE"}}


class GeminiRefused(Refused):
    """A refusal whose body has the family's shape."""

    def __init__(self, refused: Refused) -> None:
        headers = tuple(header for header in refused.headers if header[0] != "retry-after")
        super().__init__(refused.status, _MESSAGES.get(refused.message, refused.message), headers=headers)
        self.details = _details(refused)

    def body(self) -> dict[str, Any]:
        word = _WORDS.get(self.status, "UNKNOWN")
        error: dict[str, Any] = {"code": self.status, "message": self.message, "status": word}
        return {"error": {**error, "details": self.details} if self.details else error}


def in_gemini_words(refused: Refused) -> GeminiRefused:
    """The same refusal; a wait stands in the body, not in a header."""
    return refused if isinstance(refused, GeminiRefused) else GeminiRefused(refused)


def _details(refused: Refused) -> list[dict[str, Any]]:
    wait = dict(refused.headers).get("retry-after")
    if wait is not None:
        return [{"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{wait}s"}]
    if refused.status == 429:
        violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "0"}
        return [{"@type": f"{_TYPES}QuotaFailure", "violations": [violation]}]
    return [_bad_request(refused.param, refused.message)] if refused.param else []


def _bad_request(field: str, message: str) -> dict[str, Any]:
    return {
        "@type": f"{_TYPES}BadRequest",
        "fieldViolations": [{"field": field, "description": message}],
    }
