"""What Suno's answers mean: a task taken, a refusal inside a 200, a state (contract 4.3 and 13.3)."""

from __future__ import annotations

import re
from typing import Any

from playground.gateway import errors
from playground.gateway.assembly import word
from playground.gateway.errors import GatewayError
from playground.gateway.media import answers
from playground.gateway.media.dialect import is_id
from playground.gateway.media.observation import Observation, Output, State, Submitted
from playground.gateway.media.states import failure_kind, normal, state_of
from playground.gateway.media.suno_outputs import field, identity, is_finished, outputs_in, tracks_in
from playground.gateway.waits import parsed_body

_OK = 200
_NOT_FOUND = 404
# Business codes. 429 is no rate limit here, and 405 no wrong method.
_KINDS = {
    400: "invalid_request",
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    405: "rate_limited",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "quota",
    430: "rate_limited",
    451: "invalid_request",
    455: "upstream_unavailable",
}
# What these say as the status of an answer is what they say as a code; the others are anybody's.
_OWN_STATUSES = frozenset({405, 430, 451, 455})
# About the task rather than about the question: generation failed; failed and refunded.
_TASK_FAILED = frozenset({501, 531})
_STATES: dict[str, State] = {
    "0": "pending",
    "1": "succeeded",
    "2": "failed",
    "3": "failed",
    "text_success": "running",
    "first_success": "running",
    "create_task_failed": "failed",
    "sensitive_word_error": "failed",
    "callback_exception": "running",
}
_STAGES = {
    "text_success": "Lyrics ready",
    "first_success": "First track ready",
    "callback_exception": "Its callback was not delivered",
}
_NO_WORDS = "This track has no sung words that could be put in time."


def read_task(body: bytes, *, adopts: frozenset[int] = frozenset()) -> Submitted:
    """The answer of a route that makes a task. `adopts`: codes that name a task which exists already."""
    answer = answers.parsed(body)
    task_id, code = _task_id(answer), code_of(answer)
    if task_id and code in adopts:
        return Submitted(task_id, errors.request_id({}, answer), str(code), adopted=True)
    _refuse(answer)
    return _submitted(answer)


def read_refused(error: GatewayError, *, adopts: frozenset[int] = frozenset()) -> Submitted | GatewayError:
    """An answer with another status than 2xx: the body says the same as under 200 (contract 4.3)."""
    answer = parsed_body(error.answer)
    code = code_of(answer)
    told = error.status if code in (None, _OK) else code
    task_id = _task_id(answer)
    if task_id and told in adopts:
        return Submitted(task_id, error.request_id, str(told), adopted=True)
    known = told if code == told or told in _OWN_STATUSES else None
    kind = _KINDS.get(known) if known is not None else None
    # A wait is told for a rate limit; nothing comes of waiting for a quota.
    if kind is None or (kind == "quota" and error.retry_after_s is not None):
        return error
    return error.of_kind(kind, code=str(known))


def read_result(body: bytes) -> Submitted | Observation:
    """The answer of a route that gives its result at once, or after all only the id of a task."""
    answer = answers.parsed(body)
    _refuse(answer)
    seen = _observation(answer)
    if seen.state == "failed":
        return seen
    if any(output.final for output in seen.outputs):
        return _ended(seen)
    if isinstance(field(_data(answer), "alignedWords"), list):
        return Observation(
            "failed", error_kind="invalid_request", error_message=_NO_WORDS, error_code="no_output"
        )
    return _submitted(answer)


def read_state(body: bytes) -> Observation:
    """The answer of any query. Raises GatewayError when it says nothing about the task.

    No record of the task is "unknown" without a raw state, whichever way it is told.
    """
    answer = answers.parsed(body)
    if (code := code_of(answer)) in _TASK_FAILED:
        return _failed(answer, str(code), "upstream_unavailable")
    if code == _NOT_FOUND:
        return _no_record(answer)
    _refuse(answer)
    seen = _observation(answer)
    if seen.raw_state or seen.outputs:
        return seen
    if "data" in answer and not answer["data"]:
        return _no_record(answer)
    raise answers.unreadable(answer, "The gateway did not say how the task stands.", "no_state")


def _no_record(answer: dict[str, Any]) -> Observation:
    message = _message(answer) if code_of(answer) == _NOT_FOUND else ""
    return Observation(
        "unknown",
        error_kind="not_found",
        error_message=errors.plain(message) or "The gateway has no record of this task.",
        error_code=str(code_of(answer) or ""),
        request_id=errors.request_id({}, answer),
    )


def code_of(answer: Any) -> int | None:
    """The business code; None when there is none."""
    told = answer.get("code") if isinstance(answer, dict) else None
    code = answers.number(told)
    return int(code) if code is not None and code.is_integer() else None


def _refuse(answer: Any) -> None:
    """Raises what an answer with status 200 refuses."""
    if not isinstance(answer, dict):
        raise GatewayError("protocol", "The gateway's answer is not an object.", code="no_object")
    code, told = code_of(answer), answer.get("code")
    # The gateway in between has words of its own where Suno has numbers.
    is_word = code is None and isinstance(told, str) and told.strip().lower() not in answers.OK_CODES
    if answer.get("error") or is_word:
        raise errors.from_error_object(answer)
    if code is not None and code != _OK:
        raise GatewayError(
            _kind(code), _message(answer), code=str(code), request_id=errors.request_id({}, answer)
        )


def _kind(code: int) -> str:
    return _KINDS.get(code) or ("upstream_unavailable" if 500 <= code < 600 else "unknown")


def _message(answer: dict[str, Any]) -> str:
    told = (answer.get(name) for name in ("msg", "message"))
    return next((text for text in told if isinstance(text, str) and text), "")


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    """The inner object; its fields may also stand flat beside the code."""
    data = answer.get("data")
    if isinstance(data, dict):
        return data
    return {} if "data" in answer else answer


def _task_id(answer: Any) -> str:
    holders = [answer, answer.get("data")] if isinstance(answer, dict) else []
    told = (field(holder, "taskId") for holder in reversed(holders))
    return next((text for value in told if is_id(text := identity(value))), "")


def _submitted(answer: dict[str, Any]) -> Submitted:
    task_id = _task_id(answer)
    if not task_id:
        raise answers.unreadable(answer, "The gateway did not say which task it made.", "no_id")
    return Submitted(task_id, errors.request_id({}, answer), _raw_state(_data(answer))[1])


def _raw_state(data: dict[str, Any]) -> tuple[State, str]:
    """The state and its word: `successFlag` goes before `status`, a known word before an unknown one."""
    raw = ""
    for told in (field(data, "successFlag"), field(data, "status")):
        spelled = _spelled(told)
        state = "failed" if _key(spelled).endswith("_failed") else state_of(_key(spelled), _STATES)
        if state != "unknown":
            return state, spelled
        raw = raw or spelled
    return "unknown", raw


def _spelled(told: Any) -> str:
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    return answers.word(int(told) if isinstance(told, bool) else told)


def _key(spelled: str) -> str:
    """The word alone: values with a text after it were seen, such as `SUCCESS-…`."""
    return normal(re.split(r"[^\w\s]", spelled)[0])


def _observation(answer: dict[str, Any]) -> Observation:
    data = _data(answer)
    state, raw = _raw_state(data)
    if state == "failed":
        return _failed(answer, raw, _failure(data, raw))
    outputs, tracks = outputs_in(data), tracks_in(data)
    finished = sum(map(is_finished, tracks))
    if _key(raw) == "callback_exception" and _is_whole(outputs) and finished == len(tracks):
        # Only the delivery failed. One finished track of two may mean that the other is still being made.
        state = "succeeded"
    return Observation(
        state,
        raw,
        stage=_STAGES.get(_key(raw), "") if state == "running" else "",
        progress=finished / len(tracks) if finished and state == "running" else None,
        outputs=outputs,
        request_id=errors.request_id({}, answer),
        usage=_usage(data),
    )


def _is_whole(outputs: tuple[Output, ...]) -> bool:
    return bool(outputs) and all(output.final for output in outputs)


def _ended(seen: Observation) -> Observation:
    return Observation(
        "succeeded", seen.raw_state, outputs=seen.outputs, request_id=seen.request_id, usage=seen.usage
    )


def _failed(answer: dict[str, Any], raw: str, kind: str) -> Observation:
    data = _data(answer)
    message = field(data, "errorMessage")
    code = answers.word(field(data, "errorCode"))
    told = code_of(answer)
    return Observation(
        "failed",
        raw,
        outputs=outputs_in(data),
        error_kind=kind,
        error_message=errors.plain(
            message if isinstance(message, str) else _message(answer) if told != _OK else ""
        ),
        error_code=code or (str(told) if told not in (None, _OK) else word(raw)),
        request_id=errors.request_id({}, answer),
        usage=_usage(data),
    )


def _failure(data: dict[str, Any], raw: str) -> str:
    """The kind of error of a failed task, by its word, its code, then its sentence."""
    if _key(raw) == "sensitive_word_error":
        return "content_policy"
    code = answers.number(field(data, "errorCode"))
    if code == 413:
        # About a finished job this is no length: the upload matches an existing work.
        return "content_policy"
    if code is not None and code != _OK and code.is_integer():
        return _kind(int(code))
    message = field(data, "errorMessage")
    told = failure_kind("", message if isinstance(message, str) else "")
    return "upstream_unavailable" if told == "unknown" and _key(raw).startswith("generate_") else told


def _usage(data: dict[str, Any]) -> dict[str, Any]:
    credits_used = answers.number(field(data, "creditsConsumed"))
    return {} if credits_used is None else {"credits": credits_used}
