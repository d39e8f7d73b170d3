"""One request about one task, and what its answer makes of it. No row is written here.

A create call is sent once; what cannot be known afterwards is *unconfirmed*. A query may fail as often
as it likes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from django.conf import settings

from playground.gateway import retry
from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Submitted
from playground.gateway.media.operation import Operation
from playground.gateway.request import WireRequest
from playground.gateway.transport import AsyncTransport
from playground.media import ledger, machine
from playground.media.jobs import NO_ROUTE, Job
from playground.media.ledger import Result
from playground.media.models import Status, TaskEvent

log = logging.getLogger(__name__)
# Pictures as base64 inside JSON; a sound comes as it is.
LARGEST_CREATED = 128 * 1024 * 1024
LARGEST_STATE = 8 * 1024 * 1024
REFUSED_KEY = frozenset({"auth", "permission"})
UNCLEAR = "It is not known whether the gateway took this. It may have started it, and charged for it."
# Looks for a task of unknown fate by our own id: a provider may take a moment to know it.
LOOKUPS, LOOKUP_S = 3, 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """The key was refused, or cannot be used: every task of it rests."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    content_type: str
    request_id: str


async def create(job: Job, wire: WireRequest, transport: AsyncTransport, rng: Random) -> Result:
    """Send a create request, and read what came of it."""
    operation = job.operation
    assert operation is not None
    try:
        answer = await _sent(job, wire, transport, rng)
    except GatewayError as error:
        return _refused(job, operation, error, rng)
    try:
        told = operation.read_created(answer.body, answer.content_type)
    except GatewayError as error:
        return not_created(job, error, answer.body)
    except Exception:
        # The codec never raises anything else; if it does, the answer still was an answer.
        log.exception("the answer to task %s could not be read", job.task.pk)
        unreadable = GatewayError("protocol", "The gateway's answer could not be read.")
        return not_created(job, unreadable, answer.body)
    if isinstance(told, Submitted):
        return _taken(job, operation, told, answer, rng)
    change = machine.answered(job.state, told, job.now, operation.pace, rng)
    about = {"submitted_at": job.now, "request_id": (told.request_id or answer.request_id)[:200]}
    about["usage"] = dict(told.usage)
    return Result(job.task, job.now, change, _shown(answer), told.outputs, about, TaskEvent.Kind.SENT)


def _refused(job: Job, operation: Operation, error: GatewayError, rng: Random) -> Result:
    """A no; or the name of a task that is there already, which is then taken up (contract 4.3)."""
    told = _meant(operation, error)
    if isinstance(told, GatewayError):
        return not_created(job, told, told.answer)
    answer = _Answer(error.answer, "application/json", error.request_id)
    return _taken(job, operation, told, answer, rng)


def _meant(operation: Operation, error: GatewayError) -> Submitted | GatewayError:
    return error if operation.read_refused is None else operation.read_refused(error)


async def _sent(job: Job, wire: WireRequest, transport: AsyncTransport, rng: Random) -> _Answer:
    """Tried again only while no connection could be made: then nothing left this machine."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return await _exchange(job, wire, transport, settings.CREATE_TIMEOUT_S, LARGEST_CREATED)
        except GatewayError as error:
            unsent = error.code in ("connect", "connect_timeout", "pool_timeout")
            wait_s = retry.next_wait(error, attempt, rng) if unsent else None
            if wait_s is None:
                raise
        await asyncio.sleep(wait_s)


async def _exchange(
    job: Job, wire: WireRequest, transport: AsyncTransport, timeout_s: float, limit: int
) -> _Answer:
    try:
        async with (
            asyncio.timeout(timeout_s),
            transport.open(wire, job.access.base_url, job.secret()) as answer,
        ):
            return _Answer(await answer.read(limit), answer.content_type, answer.request_id)
    except TimeoutError:
        pass
    raise GatewayError("timeout", "The whole answer did not come in time.", code="total_timeout")


def not_created(job: Job, error: GatewayError, raw: bytes = b"") -> Result:
    """A create call that brought no task: refused, or nobody knows."""
    status = machine.refused(error)
    fields = ledger.failure(error, status, job.now)
    if status == Status.UNCONFIRMED:
        fields["error_message"] = f"{UNCLEAR} {error.message or error.about.sentence}".strip()
    findable = status == Status.UNCONFIRMED and _findable(job.operation)
    change = machine.Change(fields, 0.0 if findable else None, line=str(error)[:500], ended=True)
    return Result(job.task, job.now, change, raw, kind=TaskEvent.Kind.SENT)


def _findable(operation: Operation | None) -> bool:
    return operation is not None and operation.carries_own_id and operation.query is not None


def _taken(job: Job, operation: Operation, told: Submitted, answer: _Answer, rng: Random) -> Result:
    fields: dict[str, Any] = {
        "status": Status.WAITING,
        "upstream_id": told.upstream_id[:200],
        "request_id": (told.request_id or answer.request_id)[:200],
        "raw_status": told.raw_state[:100],
        "submitted_at": job.now,
        "expires_at": job.now + machine.span(operation.pace.deadline_s),
        "wait_s": operation.pace.first_s,
    }
    line = "the gateway had this task already" if told.adopted else "the gateway took the task"
    change = machine.Change(fields, machine.first_wait(operation.pace, rng), line=line)
    return Result(job.task, job.now, change, answer.body, kind=TaskEvent.Kind.SENT)


def _shown(answer: _Answer) -> bytes:
    """A sound or a picture is no line for the timeline."""
    words = answer.content_type in ("", "application/json") or answer.content_type.startswith("text/")
    return answer.body if words else f"{len(answer.body):,} bytes of {answer.content_type}".encode()


async def look(job: Job, transport: AsyncTransport, rng: Random) -> Result | Held:
    """Ask how a task stands."""
    operation = job.operation
    if operation is None or operation.query is None or operation.read_state is None:
        return Held(job, NO_ROUTE)
    if job.access.secret is None:
        return Held(job, job.access.problem)
    lost = job.task.status == Status.UNCONFIRMED
    upstream_id = job.task.upstream_id or job.task.own_id
    try:
        seen, raw = await _observed(job, operation, operation.query, upstream_id, transport)
        # Only where there is no record of it: a state that no table knows is the right task's all the same.
        if operation.fallback_query is not None and seen.state == "unknown" and not seen.raw_state:
            seen, raw = await _observed(job, operation, operation.fallback_query, upstream_id, transport)
    except GatewayError as error:
        if _is_about_key(error, operation) and not lost:
            return Held(job, f"{error.about.title}. {error.message}".strip())
        return _lookup_missed(job) if lost else _missed(job, operation, error, rng)
    except Exception:
        # The codec never raises anything else; if it does, this look is a miss, and the next may be none.
        log.exception("the state of task %s could not be read", job.task.pk)
        unreadable = GatewayError("protocol", "The gateway's answer could not be read.")
        return _lookup_missed(job) if lost else _missed(job, operation, unreadable, rng)
    return _seen(job, operation, seen, raw, rng)


def _is_about_key(error: GatewayError, operation: Operation) -> bool:
    """A path that somebody made up may be forbidden to every key: that must not pause the other tasks."""
    return error.kind in REFUSED_KEY and not (operation.declared and error.kind == "permission")


async def _observed(
    job: Job,
    operation: Operation,
    query: Callable[[str], WireRequest],
    upstream_id: str,
    transport: AsyncTransport,
) -> tuple[Observation, bytes]:
    assert operation.read_state is not None
    try:
        wire = query(upstream_id)
        answer = await _exchange(job, wire, transport, settings.QUERY_TIMEOUT_S, LARGEST_STATE)
    except GatewayError as error:
        if error.kind == "not_found" and operation.fallback_query not in (None, query):
            return Observation("unknown"), b""
        told = _meant(operation, error)
        raise (told if isinstance(told, GatewayError) else error) from None
    return operation.read_state(answer.body), answer.body


def _missed(job: Job, operation: Operation, error: GatewayError, rng: Random) -> Result:
    change = machine.missed(job.state, error, job.now, operation.pace, rng)
    return Result(job.task, job.now, change, error.answer)


def _lookup_missed(job: Job) -> Result:
    """It was not found by our own id: perhaps not yet."""
    polls = job.task.polls + 1
    due_s = LOOKUP_S if polls < LOOKUPS else None
    line = "looked for by our own id: not found" if due_s is None else ""
    change = machine.Change({"polls": polls}, due_s, news=due_s is None, line=line)
    return Result(job.task, job.now, change)


def _seen(job: Job, operation: Operation, seen: Observation, raw: bytes, rng: Random) -> Result:
    if job.task.status == Status.UNCONFIRMED:
        change = machine.found(job.state, seen, job.now, operation.pace, rng)
        if change is machine.NOTHING:
            return _lookup_missed(job)
        own = {"upstream_id": job.task.upstream_id or job.task.own_id}
        change = replace(change, fields=change.fields | own)
        return Result(job.task, job.now, change, raw, seen.outputs)
    change = machine.advance(job.state, seen, job.now, operation.pace, rng)
    about: dict[str, Any] = {"usage": dict(seen.usage)} if seen.usage and change.ended else {}
    return Result(job.task, job.now, change, raw, seen.outputs, about)
