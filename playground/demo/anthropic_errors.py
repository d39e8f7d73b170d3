"""Refusals as the Anthropic family writes them (contract 4.2)."""

from typing import Any

from .exchange import Refused

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

STREAM_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


class AnthropicRefused(Refused):
    """A refusal whose body has the family's shape."""

    def __init__(self, refused: Refused, *, request_id: str) -> None:
        super().__init__(refused.status, refused.message, headers=refused.headers)
        self.request_id = request_id

    def body(self) -> dict[str, Any]:
        usual = "api_error" if self.status >= 500 else "invalid_request_error"
        error = {"type": _TYPES.get(self.status, usual), "message": self.message}
        return {"type": "error", "error": error, "request_id": self.request_id}


def wrong(field: str, message: str) -> Refused:
    """400 in the family's words: the path of the field, then what is wrong with it."""
    return Refused(400, f"{field}: {message}")
