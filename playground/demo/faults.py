"""Every error and transport fault that can be asked for by model name; docs/demo-gateway.md lists them."""

import re
from dataclasses import dataclass

from .exchange import Refused

_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one model; `after` is the N of a numbered kind."""

    model_id: str
    kind: str
    title: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class HttpError:
    """One row of the error table: the answer of demo-error-<name>."""

    name: str
    status: int
    title: str
    message: str
    type: str
    code: str | None
    headers: tuple[tuple[str, str], ...] = ()

    def refusal(self) -> Refused:
        return Refused(self.status, self.message, type=self.type, code=self.code, headers=self.headers)


ERRORS = (
    HttpError("400", 400, "bad request", "messages is required", "invalid_request_error", "invalid_request"),
    HttpError(
        "401", 401, "key refused", "Invalid or missing API key", "authentication_error", "invalid_api_key"
    ),
    HttpError(
        "402",
        402,
        "balance used up",
        "Balance is not sufficient for this request",
        "billing_error",
        "insufficient_quota",
    ),
    HttpError(
        "403",
        403,
        "model not allowed",
        "This key may not call the requested model",
        "permission_error",
        "model_not_available",
    ),
    HttpError("404", 404, "no such route", "No such route", "not_found_error", "not_found"),
    HttpError("408", 408, "upstream timeout", "The request took too long", "timeout_error", "timeout"),
    HttpError("409", 409, "conflict", "The resource is locked, try again", "conflict_error", "conflict"),
    HttpError(
        "413", 413, "too large", "The request is too large", "invalid_request_error", "request_too_large"
    ),
    HttpError(
        "422",
        422,
        "cannot be processed",
        "The request cannot be processed",
        "invalid_request_error",
        "unprocessable",
    ),
    HttpError(
        "429",
        429,
        "rate limit, wait 7 s",
        "Rate limit exceeded",
        "rate_limit_error",
        "rate_limit_exceeded",
        (("retry-after", "7"),),
    ),
    HttpError(
        "429-quota",
        429,
        "quota used up",
        "You exceeded your current quota, please check your plan and billing details",
        "insufficient_quota",
        "insufficient_quota",
    ),
    HttpError("500", 500, "server error", "The server had an error", "server_error", "internal_error"),
    HttpError("502", 502, "upstream refused", "Upstream access forbidden", "upstream_error", None),
    HttpError(
        "503",
        503,
        "upstream unavailable",
        "The upstream provider is temporarily unavailable",
        "service_unavailable",
        "upstream_unavailable",
    ),
    HttpError("504", 504, "gateway timeout", "The upstream provider timed out", "timeout_error", "timeout"),
    HttpError("529", 529, "overloaded", "The provider is overloaded", "overloaded_error", "overloaded"),
)
_ERRORS_BY_NAME = {error.name: error for error in ERRORS}
UNAVAILABLE = _ERRORS_BY_NAME["503"]

HTML_502 = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr><center>demo-proxy</center></body></html>"
)

# Kinds without a number, in the order of the list: (name, what it does).
_ANSWERS = (
    ("content-filter", "Fault: stopped by a content filter"),
    ("refusal", "Fault: the model refuses"),
    ("pause", "Ending: pauses half-way where the family can (Anthropic)"),
    ("bad-arguments", "Fault: tool arguments that are not JSON"),
)
_NETWORK = (
    ("hang", "Fault: never answers, not even headers"),
    ("redirect", "Fault: redirects (302) to another host"),
)
_WIRE = (
    ("malformed", "Fault: one chunk is not JSON"),
    ("huge-frame", "Fault: one frame of 8 MiB"),
    ("json-instead", "Fault: a JSON answer to a stream request"),
    ("no-done", "Fault: no [DONE] at the end"),
    ("no-usage", "Fault: never tells usage"),
    ("usage-last-choice", "Fault: usage on the last choice"),
    ("split-utf8", "Fault: bytes cut inside characters, CR and CRLF line ends"),
    ("null-fields", "Fault: null fields everywhere"),
)
_TEXT = (
    ("nul", "Odd text: NUL and lone surrogates"),
    ("hostile-markdown", "Odd text: hostile Markdown and HTML"),
)
_OTHER = (
    ("flaky", "Fault: 503 first, then fine"),
    ("echo-key", "Fault: 401 that repeats the key it was sent"),
    ("slow", "Slow: one token a second"),
)
_NUMBERED = {
    "cut-after": "Fault: socket closed after {n} tokens",
    "reset-after": "Fault: connection reset after {n} tokens",
    "stall-after": "Fault: silent for ever after {n} tokens",
    "error-after": "Fault: error inside the stream after {n} tokens",
    "long": "Long: {n} tokens at reading speed",
    "fast": "Long: {n} tokens as fast as possible",
}
ENDINGS = frozenset({"cut-after", "reset-after", "stall-after", "error-after"})


def _plain(kinds: tuple[tuple[str, str], ...]) -> tuple[Fault, ...]:
    return tuple(Fault(f"demo-{kind}", kind, title) for kind, title in kinds)


def _numbered(kind: str, number: int) -> Fault:
    return Fault(f"demo-{kind}-{number}", kind, _NUMBERED[kind].format(n=number), number)


def _error(error: HttpError) -> Fault:
    title = f"Error {error.status}: {error.title}"
    return Fault(f"demo-error-{error.name}", f"error-{error.name}", title)


_HTML_ERROR = Fault("demo-error-502-html", "error-502-html", "Error 502: an HTML page instead of JSON")

# The order of the model list: HTTP errors, endings the model chose, streams that break, the network,
# disorder on the wire, odd text, speed and memory.
CATALOGUE: tuple[Fault, ...] = (
    *(_error(error) for error in ERRORS if error.status <= 502),
    _HTML_ERROR,
    *(_error(error) for error in ERRORS if error.status > 502),
    *_plain(_ANSWERS),
    *(_numbered(kind, 20) for kind in ("cut-after", "reset-after", "stall-after", "error-after")),
    *_plain(_NETWORK),
    *_plain(_WIRE),
    *_plain(_TEXT),
    *_plain(_OTHER),
    _numbered("long", 2000),
    _numbered("fast", 2000),
)


def read_fault(model_id: str) -> Fault | None:
    """The fault of a numbered model id that is not listed, such as demo-stall-after-3."""
    match = re.fullmatch(r"demo-([a-z]+(?:-after)?)-([0-9]{1,6})", model_id)
    if match is None or match[1] not in _NUMBERED or int(match[2]) > _LONGEST:
        return None
    return _numbered(match[1], int(match[2]))


def http_error(fault: Fault) -> HttpError | None:
    """The row of the error table, for models that answer with nothing but an HTTP error."""
    return _ERRORS_BY_NAME.get(fault.kind.removeprefix("error-"))
