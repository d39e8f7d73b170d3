"""What can go wrong upstream: one exception, and how an answer becomes one.

Contract sections 3 (waits), 4.1 (statuses) and 4.2 (body shapes).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playground.gateway.kinds import KINDS, ErrorKind
from playground.gateway.redaction import redact
from playground.gateway.waits import parsed_body, wait_in, wait_s

__all__ = [
    "KINDS",
    "ErrorKind",
    "GatewayError",
    "from_error_object",
    "from_response",
    "plain",
    "request_id",
    "wait_s",
]

LONGEST_MESSAGE = 500
LONGEST_ANSWER = 16 * 1024


class GatewayError(Exception):
    """A failure upstream. `message`: upstream's own words, redacted, without tags, at most 500 characters.

    `answer`: the body of an answer other than 2xx, redacted. `location`: where a redirect leads.
    """

    def __init__(
        self,
        kind: str,
        message: str = "",
        *,
        code: str = "",
        status: int | None = None,
        request_id: str = "",
        retry_after_s: float | None = None,
        should_retry: bool | None = None,
        answer: bytes = b"",
        location: str = "",
    ) -> None:
        self.kind = kind if kind in KINDS else "unknown"
        self.message = plain(message)
        self.code = plain(code)[:80]
        self.status = status
        self.request_id = plain(request_id)[:128]
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry
        self.answer = answer
        self.location = location
        super().__init__(self.kind, self.message)

    def of_kind(self, kind: str, *, code: str = "") -> GatewayError:
        """The same failure, by somebody who knows better what it means."""
        return GatewayError(
            kind,
            self.message,
            code=code or self.code,
            status=self.status,
            request_id=self.request_id,
            retry_after_s=self.retry_after_s,
            should_retry=self.should_retry,
            answer=self.answer,
            location=self.location,
        )

    @property
    def about(self) -> ErrorKind:
        return KINDS[self.kind]

    def __str__(self) -> str:
        place = " ".join(str(x) for x in (self.status, self.code) if x)
        return f"{self.kind}{f' ({place})' if place else ''}: {self.message or self.about.title}"


_HIDDEN_ELEMENTS = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)")
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
# What may stand in a database and on one line of a page.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\s]+")


def plain(text: str) -> str:
    """Foreign text as one short line: no tags, no keys, no control characters."""
    text = text[:8000]
    if "<" in text:
        text = _TAG.sub(" ", _HIDDEN_ELEMENTS.sub(" ", text))
    # Redacted before it is cut, or half a key could stay at the end.
    text = redact(_UNFIT.sub(" ", text).strip())
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


@dataclass(frozen=True, slots=True)
class _Told:
    """What an error body says, whichever shape it has."""

    message: str = ""
    code: str = ""
    words: frozenset[str] = frozenset()


# The numbers are Kling's, the words without underscores are DashScope's (contract 4.3).
_WORDS: dict[str, str] = {
    word: kind
    for kind, words in {
        "auth": "authentication_error invalid_api_key unauthenticated unauthorized invalidapikey "
        "api_key_invalid 1000 1001 1002 1003 1004",
        "permission": "permission_error permission_denied model_not_available accessdenied forbidden "
        "accessdenied.unpurchased model.accessdenied workspace.accessdenied 1103 1304",
        "not_found": "not_found_error not_found model_not_found modelnotfound 1202 1203",
        "quota": "insufficient_quota billing_error quota_exceeded billing_hard_limit_reached arrearage "
        "insufficient_balance insufficient_credits budget_exceeded throttling.allocationquota "
        "allocationquota.freetieronly insufficient_user_quota prepaidbilloverdue postpaidbilloverdue "
        "1100 1101 1102",
        "content_policy": "content_policy_violation content_filter content_policy datainspectionfailed "
        "data_inspection_failed moderation_blocked content_filtered responsibleaipolicyviolation "
        "sensitive_words_detected prohibited_content image_content_policy_violation bio_policy "
        "misalignment_policy_violation invalidparameter.datainspection 1300 1301",
        "rate_limited": "rate_limit_error rate_limit_exceeded throttling throttling.ratequota "
        "resource_exhausted too_many_requests tokens_exceeded throttling.burstrate 1302 1303",
        "upstream_unavailable": "overloaded_error server_error api_error service_unavailable unavailable "
        "internal internal_error internal_server_error upstream_error upstream_unavailable server_overloaded "
        "internalerror internalerror.timeout internalerror.algo systemerror serviceunavailable "
        "5000 5001 5002",
        "timeout": "timeout_error deadline_exceeded timeout request_timeout vector_store_timeout "
        "requesttimeout",
        "too_large": "request_too_large",
        "conflict": "conflict conflict_error aborted",
        "invalid_request": "invalid_request_error invalid_request context_length_exceeded invalid_argument "
        "invalidparameter badrequest bad_request failed_precondition invalid_prompt invalid_image "
        "invalid_image_format invalid_base64_image invalid_image_url invalid_image_mode image_too_large "
        "image_too_small image_parse_error image_file_too_large image_file_not_found empty_image_file "
        "unsupported_image_media_type failed_to_download_image invalidurl 1200 1201",
    }.items()
    for word in words.split()
}
_BY_STATUS: dict[int, str] = {
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    429: "rate_limited",
    430: "rate_limited",
    451: "content_policy",
    504: "timeout",
}
# A status that means several things: the body's own words may say which of these it is.
_REFINED: dict[int, frozenset[str]] = {
    400: frozenset({"content_policy", "quota", "auth"}),
    403: frozenset({"content_policy", "quota"}),
    422: frozenset({"content_policy", "quota"}),
    429: frozenset({"quota", "permission"}),
}
_QUOTA_TEXT = re.compile(r"(?i)\b(quota|balance|credits?|billing|arrears?)\b")
_RATE_TEXT = re.compile(r"(?i)rate.?limit|rate.?quota|per (second|minute|hour|day)|too many requests")


def from_response(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> GatewayError:
    """An answer with a status other than 2xx as an error."""
    head = {name.lower(): value for name, value in headers.items()}
    parsed = parsed_body(body)
    told = _told(parsed) if parsed is not None else _Told(body[:64_000].decode("utf-8", "replace"))
    wait = wait_in(head, parsed, now)
    message = told.message
    moved = 300 <= status < 400
    if moved:
        message = f"The gateway answered with a redirect ({status}), which is never followed with a key."
    return GatewayError(
        _kind(status, told, wait),
        message,
        code=told.code,
        status=status,
        request_id=request_id(head, parsed),
        retry_after_s=wait,
        should_retry={"true": True, "false": False}.get(head.get("x-should-retry", "").strip().lower()),
        answer=_kept(body),
        location=head.get("location", "") if moved else "",
    )


def _kept(body: bytes) -> bytes:
    """The answer as it may be kept. Cut with room to spare: half a key at the end is none to `redact`."""
    return redact(body[: 4 * LONGEST_ANSWER].decode("utf-8", "replace")).encode()[:LONGEST_ANSWER]


def from_error_object(obj: Any) -> GatewayError:
    """An error inside a 200 answer or stream: the object with `error`, the error itself, or a bare string."""
    told = _told(obj)
    status = int(told.code) if re.fullmatch(r"[45]\d\d", told.code) else None
    wait = wait_in({}, obj, None)
    kind = _kind(status, told, wait) if status else _kind_by_words(told, wait)
    return GatewayError(
        kind, told.message, code=told.code, request_id=request_id({}, obj), retry_after_s=wait
    )


def _kind(status: int, told: _Told, wait: float | None) -> str:
    if 300 <= status < 400:
        return "protocol"
    refined = _REFINED.get(status, frozenset())
    for kind in (_WORDS.get(word, "") for word in sorted(told.words)):
        if kind in refined:
            return kind
    if status == 429 and wait is None and _speaks_of_quota(told.message):
        return "quota"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "upstream_unavailable"
    return "invalid_request" if status >= 400 else "unknown"


def _kind_by_words(told: _Told, wait: float | None) -> str:
    kinds = {_WORDS[word] for word in told.words if word in _WORDS}
    if kinds <= {"rate_limited"} and wait is None and _speaks_of_quota(told.message):
        return "quota"
    # `invalid_request_error` is the type beside many a sharper code.
    sharper = kinds - {"invalid_request"} or kinds
    return next((kind for kind in KINDS if kind in sharper), "unknown")


def _speaks_of_quota(message: str) -> bool:
    return bool(_QUOTA_TEXT.search(message)) and not _RATE_TEXT.search(message)


def _told(parsed: Any) -> _Told:
    """Contract 4.2, parser order: `error` object, `error` string, `code` and `message` or `msg`, `detail`."""
    if isinstance(parsed, str):
        return _Told(parsed)
    if not isinstance(parsed, dict):
        return _Told()
    error = parsed.get("error")
    if isinstance(error, str) and error:
        # An error name may stand beside its message: {"error": "insufficient_quota", "message": …}.
        return _Told(
            _word(parsed.get("message")) or error, _word(parsed.get("code")), frozenset({error.lower()})
        )
    inner = error if isinstance(error, dict) else parsed
    words = [_word(inner.get(name)) for name in ("code", "type", "status")] + _reasons(inner)
    named = [word for word in words if word and word.lower() not in ("none", "null", "error")]
    message = next((text for name in ("message", "msg", "detail") if (text := _text(inner.get(name)))), "")
    return _Told(message, named[0] if named else "", frozenset(word.lower() for word in named))


def _reasons(error: dict[str, Any]) -> list[str]:
    details = error.get("details")
    rows = details if isinstance(details, list) else []
    return [_word(row.get("reason")) for row in rows if isinstance(row, dict)]


def _word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return (
        value.strip()[:200]
        if isinstance(value, str)
        else format(value, "d")[:20]
        if abs(value) < 10**9
        else ""
    )


def _text(value: Any) -> str:
    """A message; a framework's `detail` can be a list of objects, which still says more than nothing."""
    if isinstance(value, str):
        return value
    if not isinstance(value, (list, dict)) or not value:
        return ""
    try:
        return json.dumps(value)[:2000]
    except RecursionError:
        return ""


def request_id(headers: Mapping[str, str], parsed: Any = None) -> str:
    """The id to quote to support, if any was told (contract section 3); header names in lower case."""
    for name in ("x-request-id", "request-id", "x-litellm-call-id"):
        if headers.get(name):
            return headers[name]
    return _word(parsed.get("request_id")) if isinstance(parsed, dict) else ""
