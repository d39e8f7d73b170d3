"""What an observation makes of a task. Pure: no database, no clock, no randomness of its own.

State only moves forward, by `LEGAL`. A failed look at a task is a miss, never a failed task; what the
gateway says after the deadline is still believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.operation import Pace

LEGAL: dict[str, frozenset[str]] = {
    "new": frozenset({"submitting", "failed", "cancelled"}),
    "submitting": frozenset({"waiting", "collecting", "succeeded", "failed", "unconfirmed"}),
    "waiting": frozenset({"collecting", "succeeded", "failed", "cancelled", "expired"}),
    "collecting": frozenset({"succeeded", "failed"}),
    # Late news is news: a look that somebody asked for, or a callback, opens these again.
    "expired": frozenset({"waiting", "collecting", "succeeded", "failed", "cancelled"}),
    "unconfirmed": frozenset({"waiting", "collecting", "succeeded", "failed", "cancelled"}),
    # Only a file that could not be fetched is fetched again; `may` asks for its code.
    "failed": frozenset({"collecting"}),
    "succeeded": frozenset(),
    "cancelled": frozenset(),
}
UNCAPTURED = "not_kept"
PARTIAL = ":partial"
GROWTH, JITTER = 1.5, 0.1
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.2, 3600.0
# "Succeeded" without an output is not ready: it gets this long to become so (contract 14, rule 2).
NO_OUTPUT_S = 180.0
AWAY_S = 120.0
# The request never left, or was answered with a clear no. Anything else may have been taken and charged.
_UNSENT = frozenset(
    {"bad_key", "bad_address", "connect", "connect_timeout", "pool_timeout", "local_protocol"}
)
_UNCLEAR_STATUSES = frozenset({408, 500, 502, 504})
_UNCLEAR_KINDS = frozenset({"timeout", "network", "interrupted", "protocol"})


@dataclass(frozen=True, slots=True)
class TaskState:
    """What of a task the machine looks at. `seen` is the mark of the last observation, `told` its outputs,
    `known` the keys of the outputs that are kept or being fetched.
    """

    status: str
    wait_s: float = 0
    polls: int = 0
    misses: int = 0
    progress: float | None = None
    seen: str = ""
    expires_at: datetime | None = None
    polled_at: datetime | None = None
    error_code: str = ""
    stage: str = ""
    raw_status: str = ""
    known: frozenset[str] = frozenset()
    told: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What to write. `fields` are columns; `due_s` seconds until the next look, None for no next look.

    `fresh`: final outputs that were not known before. `news`: whether a page could show the difference.
    `line`: the text of a timeline line, "" for none.
    """

    fields: dict[str, Any]
    due_s: float | None
    fresh: tuple[Output, ...] = ()
    news: bool = True
    line: str = ""
    ended: bool = False


NOTHING = Change({}, None, news=False)


def may(before: str, after: str, error_code: str = "") -> bool:
    """Whether a task may go from one status to the other."""
    if before == "failed":
        return after == "collecting" and error_code == UNCAPTURED
    return after in LEGAL[before]


def advance(task: TaskState, seen: Observation, now: datetime, pace: Pace, rng: Random) -> Change:
    """The change an answer of the gateway makes; `now` is the database's time."""
    fresh = tuple(out for out in seen.outputs if out.final and out.key not in task.known and filled(out))
    fields: dict[str, Any] = {
        "raw_status": seen.raw_state[:100],
        "stage": (seen.stage or task.stage)[:100],
        "progress": _forward(task.progress, seen.progress),
        "polls": task.polls + 1,
        "misses": 0,
    }
    mark = mark_of(seen)
    news = mark != task.seen or fields["progress"] != task.progress
    fields["seen"] = mark
    line = _line(seen) if mark != task.seen else ""
    kept = bool(fresh or any(not key.endswith(PARTIAL) for key in task.known))
    if task.status == "collecting":
        # Asked again for links that are alive.
        return Change({"polls": task.polls + 1}, None, fresh, line="asked for new links")
    if seen.state == "succeeded" and kept:
        return _to(task, "collecting", fields, fresh, line)
    if seen.state in ("failed", "cancelled"):
        return _ended_badly(task, seen, fields, fresh, line, now)
    expires_at = _deadline(task, fields, now)
    if seen.state == "succeeded":
        soon = now + timedelta(seconds=NO_OUTPUT_S)
        fields["expires_at"] = expires_at = min(expires_at or soon, soon)
    if expires_at is not None and now >= expires_at:
        unfinished = _partial(task, seen.outputs or task.told)
        return _late(task, fields, (*fresh, *unfinished), line, now, empty=seen.state == "succeeded")
    return _again(task, fields, fresh, pace, rng, news=news, line=line)


def answered(task: TaskState, seen: Observation, now: datetime, pace: Pace, rng: Random) -> Change:
    """The change a route makes that answers a create call with the result itself."""
    if seen.state == "cancelled":
        seen = replace(seen, state="failed", error_kind=seen.error_kind or "unknown")
    elif seen.state != "failed" and any(filled(out) for out in seen.outputs if out.final):
        seen = replace(seen, state="succeeded")
    elif seen.state != "failed":
        told = seen.error_message or "The gateway answered, but sent no result."
        seen = replace(
            seen, state="failed", error_kind="protocol", error_code="no_output", error_message=told
        )
    return replace(advance(task, seen, now, pace, rng), due_s=None)


def found(task: TaskState, seen: Observation, now: datetime, pace: Pace, rng: Random) -> Change:
    """The change when a task of unknown fate was looked for by our own id. Not there: nothing."""
    if seen.state == "unknown":
        return NOTHING
    expires_at = now + timedelta(seconds=pace.deadline_s)
    change = advance(replace(task, status="waiting", expires_at=expires_at), seen, now, pace, rng)
    reopened = {"status": "waiting", "ended_at": None, "expires_at": expires_at}
    cleared = {"error_kind": "", "error_code": "", "error_message": ""}
    return replace(change, fields=reopened | cleared | change.fields)


def missed(task: TaskState, error: GatewayError, now: datetime, pace: Pace, rng: Random) -> Change:
    """A look that failed: a miss. The task goes on until its deadline."""
    told = f"{error.about.title}: {error.message}" if error.message else error.about.title
    mark = _digest("miss", error.kind, str(error.status), error.code)
    fields: dict[str, Any] = {"polls": task.polls + 1, "misses": task.misses + 1, "seen": mark}
    line = told[:500] if mark != task.seen else ""
    expires_at = _deadline(task, fields, now)
    if expires_at is not None and now >= expires_at:
        return _late(task, fields, _partial(task, task.told), line, now, empty=False)
    change = _again(task, fields, (), pace, rng, news=bool(line), line=line)
    if error.retry_after_s is None or change.due_s is None:
        return change
    told_s = min(max(error.retry_after_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)
    return Change(fields, told_s, news=change.news, line=line)


def refused(error: GatewayError) -> str:
    """What a failed create call means: "failed" when surely nothing was made, else "unconfirmed"."""
    if error.code in _UNSENT:
        return "failed"
    if error.status is None:
        # Without a status it is a break on the way, or a clear no inside an answer (contract 4.2).
        return "unconfirmed" if error.kind in _UNCLEAR_KINDS else "failed"
    if 200 <= error.status < 300 or error.status in _UNCLEAR_STATUSES:
        return "unconfirmed"
    return "failed"


def span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def first_wait(pace: Pace, rng: Random) -> float:
    return max(SHORTEST_WAIT_S, pace.first_s * _jitter(rng))


def filled(output: Output) -> bool:
    return bool(output.url or output.data_b64 or output.text)


def mark_of(seen: Observation) -> str:
    """Equal marks are one line of the timeline. Progress is not in it: it moves with every look."""
    outputs = " ".join(f"{out.key}:{out.final}" for out in seen.outputs)
    return _digest(seen.state, seen.raw_state, seen.stage, seen.error_code, seen.error_message, outputs)


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()[:16]


def _line(seen: Observation) -> str:
    word = seen.raw_state or seen.state
    return f"{word}: {seen.stage}"[:500] if seen.stage else word[:500]


def _forward(before: float | None, told: float | None) -> float | None:
    if before is None or told is None:
        return told if before is None else before
    return max(before, told)


def _to(task: TaskState, status: str, fields: dict[str, Any], fresh: tuple[Output, ...], line: str) -> Change:
    if not may(task.status, status, task.error_code):
        return NOTHING
    return Change(fields | {"status": status, "ended_at": None}, None, fresh, line=line)


def _ended_badly(
    task: TaskState,
    seen: Observation,
    fields: dict[str, Any],
    fresh: tuple[Output, ...],
    line: str,
    now: datetime,
) -> Change:
    if not may(task.status, seen.state):
        return NOTHING
    fields |= {
        "status": seen.state,
        "ended_at": now,
        "error_kind": (seen.error_kind or "unknown")[:30] if seen.state == "failed" else "",
        "error_code": seen.error_code[:100],
        "error_message": seen.error_message,
    }
    return Change(fields, None, fresh, line=line, ended=True)


def _late(
    task: TaskState,
    fields: dict[str, Any],
    fresh: tuple[Output, ...],
    line: str,
    now: datetime,
    *,
    empty: bool,
) -> Change:
    if empty and may(task.status, "failed"):
        about = {
            "status": "failed",
            "error_kind": "protocol",
            "error_code": "no_output",
            "error_message": "The gateway calls this done, but names no result.",
        }
        return Change(fields | about | {"ended_at": now}, None, fresh, line=line, ended=True)
    if task.status == "expired" or not may(task.status, "expired"):
        # Looked once more and still nothing: it stays what it is.
        return Change(fields, None, fresh, line=line)
    return Change(fields | {"status": "expired", "ended_at": now}, None, fresh, line=line, ended=True)


def _partial(task: TaskState, outputs: Iterable[Output]) -> tuple[Output, ...]:
    """What was told of and never finished: better half a song than none. A late end brings the whole one."""
    unfinished = (out for out in outputs if not out.final and filled(out))
    return tuple(
        replace(out, key=out.key + PARTIAL, meta={**out.meta, "partial": True})
        for out in unfinished
        if not task.known & {out.key, out.key + PARTIAL}
    )


def _deadline(task: TaskState, fields: dict[str, Any], now: datetime) -> datetime | None:
    """Time in which nobody looked, as no worker was there or a clock jumped, does not count."""
    if task.expires_at is None or task.polled_at is None:
        return task.expires_at
    gap = now - task.polled_at
    if abs(gap.total_seconds()) < AWAY_S + 3 * task.wait_s:
        return task.expires_at
    fields["expires_at"] = moved = task.expires_at + gap
    return moved


def _again(
    task: TaskState,
    fields: dict[str, Any],
    fresh: tuple[Output, ...],
    pace: Pace,
    rng: Random,
    *,
    news: bool,
    line: str,
) -> Change:
    base = min(max(task.wait_s, pace.first_s) * GROWTH, pace.ceiling_s) if task.wait_s else pace.first_s
    fields["wait_s"] = base
    wait_s = min(max(base * _jitter(rng), SHORTEST_WAIT_S), LONGEST_WAIT_S)
    return Change(fields, wait_s, fresh, news=news or bool(fresh), line=line)


def _jitter(rng: Random) -> float:
    return 1 + JITTER * (2 * rng.random() - 1)
