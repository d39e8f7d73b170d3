"""What was learned about tasks, written down: each change is a conditional update that says if it won.

Only the holder of a row's lease writes. Whoever changes a task otherwise takes the lease away, so that an
answer that was asked for before is dropped. All functions block; the poller calls them on threads of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import GatewayKey
from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Output
from playground.gateway.redaction import redact
from playground.media import clock, measures, spending
from playground.media.machine import UNCAPTURED, Change, TaskState, filled
from playground.media.models import ENDED, Asset, MediaTask, Status, TaskEvent
from playground.ops.models import UsageRecord

MOST_RAW = 16 * 1024
LONGEST_URL = 8000
# The code of a task whose sender is gone.
LOST = "lost"
TAKEN = "The gateway named a task that is here already."


@dataclass(frozen=True, slots=True)
class Result:
    """What one look at a task brought: the change, the answer, and everything it tells of outputs.

    `asked_at` is the time the change was reckoned from, and so what is kept as the time of the look: were it
    that of the writing, a clock that jumps in between would eat the task's deadline unseen.
    """

    task: MediaTask
    asked_at: datetime
    change: Change
    raw: bytes = b""
    outputs: tuple[Output, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    kind: str = TaskEvent.Kind.POLL

    @property
    def quiet(self) -> bool:
        change = self.change
        loud = change.news or change.line or change.ended or change.fresh or self.about
        return not loud and "expires_at" not in change.fields


def state_of(task: MediaTask, known: frozenset[str]) -> TaskState:
    return TaskState(
        status=task.status,
        wait_s=task.wait_s,
        polls=task.polls,
        misses=task.misses,
        progress=task.progress,
        seen=task.seen,
        expires_at=task.expires_at,
        polled_at=task.polled_at,
        error_code=task.error_code,
        stage=task.stage,
        raw_status=task.raw_status,
        known=known,
        told=tuple(_output(told) for told in task.outputs),
    )


def _output(told: dict[str, Any]) -> Output:
    """What `_told` wrote."""
    kind, url, text = told.get("kind", "data"), told.get("url", ""), told.get("text", "")
    return Output(
        told.get("key", ""),
        kind,
        url=url,
        text=text,
        final=told.get("final", True),
        meta=told.get("meta", {}),
    )


def known_outputs(tasks: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[str]]:
    """The outputs that have a row, by task."""
    found: dict[uuid.UUID, set[str]] = {}
    for task, key in Asset.objects.filter(task__in=list(tasks)).values_list("task_id", "key"):
        found.setdefault(task, set()).add(key)
    return {task: frozenset(keys) for task, keys in found.items()}


def settle(results: Sequence[Result]) -> list[uuid.UUID]:
    """Write what was learned, and give the rows back. Returns the tasks whose change won and was news."""
    results = sorted(results, key=lambda result: result.task.pk)
    now = clock.now()
    won: list[uuid.UUID] = []
    with transaction.atomic():
        if not all(result.quiet for result in results):
            # All at once and in one order, as `hold` does: two orders would deadlock on PostgreSQL.
            rows = MediaTask.objects.filter(pk__in=[result.task.pk for result in results])
            list(rows.select_for_update().order_by("pk").values_list("pk"))
        _write_quiet([result for result in results if result.quiet], now)
        for result in results:
            if not result.quiet and _write(result, now):
                won.append(result.task.pk)
    return won


def _write_quiet(results: list[Result], now: datetime) -> None:
    """Nothing new but the time of the next look: one prepared statement for all."""
    stamp, adapt = connection.ops.adapt_datetimefield_value, _uuid_adapter()
    rows = []
    for result in results:
        change, task = result.change, result.task
        due_at = None if change.due_s is None else now + timedelta(seconds=change.due_s)
        fields = change.fields
        rows.append(
            (
                stamp(due_at),
                fields.get("wait_s", task.wait_s),
                fields.get("polls", task.polls),
                fields.get("misses", task.misses),
                stamp(result.asked_at),
                *(adapt(task.pk), task.lease_owner),
            )
        )
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE media_mediatask SET due_at = %s, lease_until = NULL, lease_owner = '', wait_s = %s,"
                " polls = %s, misses = %s, polled_at = %s"
                " WHERE id = %s AND lease_owner = %s",
                rows,
            )


def _uuid_adapter() -> Any:
    return str if connection.vendor == "postgresql" else lambda pk: pk.hex


def _write(result: Result, now: datetime) -> bool:
    task, change = result.task, result.change
    fields = dict(change.fields) | result.about
    fields["due_at"] = None if change.due_s is None else now + timedelta(seconds=change.due_s)
    fields = {name: _fit(value) for name, value in fields.items()}
    if result.outputs:
        fields["outputs"] = [_told(out) for out in result.outputs]
        if task.first_output_at is None and any(filled(out) for out in result.outputs):
            fields["first_output_at"] = now
    mine = MediaTask.objects.filter(pk=task.pk, status=task.status, lease_owner=task.lease_owner)
    if result.kind == TaskEvent.Kind.SENT:
        mine |= _thought_lost(task)
        fields = {"ended_at": None, "error_kind": "", "error_code": "", "error_message": ""} | fields
    try:
        with transaction.atomic():
            won = mine.update(
                **fields,
                version=F("version") + 1,
                polled_at=result.asked_at,
                changed_at=Now(),
                lease_until=None,
                lease_owner="",
            )
    except IntegrityError:
        return _write_taken(mine, now)
    if won != 1:
        return False
    _note(result, fields, now)
    _keep_outputs(task, result.outputs, change.fresh, now)
    if fields.get("status") == Status.COLLECTING:
        conclude(task.pk, now)
    elif change.ended:
        record_end(task, fields["status"], now)
    return True


def _thought_lost(task: MediaTask) -> QuerySet[MediaTask]:
    """Its lease ran out while it was sent: a clock jumped, or the process stood still. Here is its answer."""
    lost = MediaTask.objects.filter(pk=task.pk, status=Status.UNCONFIRMED, error_code=LOST)
    return lost.filter(lease_owner="", upstream_id="")


def _write_taken(mine: Any, now: datetime) -> bool:
    """Another task has this upstream id: an adopted one that is here already."""
    about = {"error_kind": "conflict", "error_code": "taken", "error_message": TAKEN}
    won: int = mine.update(
        status=Status.FAILED,
        ended_at=now,
        changed_at=Now(),
        version=F("version") + 1,
        lease_until=None,
        lease_owner="",
        **about,
    )
    return won == 1


def _note(result: Result, fields: dict[str, Any], now: datetime) -> None:
    change, task = result.change, result.task
    rows = []
    if change.line or result.kind != TaskEvent.Kind.POLL:
        rows.append(
            TaskEvent(
                task=task,
                kind=result.kind,
                at=now,
                text=storable(change.line[:500]),
                poll=fields.get("polls") if result.kind == TaskEvent.Kind.POLL else None,
                raw=readable(result.raw),
            )
        )
    if change.ended:
        rows.append(TaskEvent(task=task, kind=TaskEvent.Kind.ENDED, at=now, text=fields["status"]))
    TaskEvent.objects.bulk_create(rows)


def readable(raw: bytes) -> str:
    """An answer as it may be kept and shown: without keys and what no database takes, not too long."""
    text = raw[: MOST_RAW * 4].decode("utf-8", "replace").replace("\0", "\ufffd")
    if len(text) > MOST_RAW:
        text = text[: MOST_RAW - 1] + "…"
    return redact(text)


def _told(out: Output) -> dict[str, Any]:
    return {
        "key": out.key,
        "kind": out.kind,
        "url": "" if out.needs_key else out.url[:LONGEST_URL],
        "text": storable(out.text[:20_000]),
        "final": out.final,
        "meta": _fit(dict(out.meta)),
    }


def _fit(value: Any) -> Any:
    """The value without what no database takes, at any depth."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(name)): _fit(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_fit(inner) for inner in value]
    return value


def _keep_outputs(
    task: MediaTask, outputs: tuple[Output, ...], fresh: tuple[Output, ...], now: datetime
) -> None:
    if fresh:
        counts = _counts(task)
        rows = []
        for out in fresh:
            ordinal = counts.get(out.kind, 0)
            counts[out.kind] = ordinal + 1
            rows.append(_row(task, out, ordinal, now))
        Asset.objects.bulk_create(rows, ignore_conflicts=True)
    keys = {out.key for out in fresh}
    for out in outputs:
        # A link that was renewed: the old one may be dead.
        if out.final and out.url and out.key not in keys:
            lacking = Asset.objects.filter(task=task, key=out.key).exclude(status=Asset.Status.KEPT)
            lacking.exclude(source_url=out.url).update(source_url=out.url, source_expires_at=_until(out, now))


def _counts(task: MediaTask) -> dict[str, int]:
    rows = Asset.objects.filter(task=task).values_list("kind").annotate(count=Count("id"))
    return dict(rows.values_list("kind", "count"))


def _row(task: MediaTask, out: Output, ordinal: int, now: datetime) -> Asset:
    row = Asset(
        pk=asset_id(task.pk, out.key),
        task=task,
        ordinal=ordinal,
        kind=out.kind,
        key=out.key[:200],
        source_url=out.url[:LONGEST_URL],
        needs_key=out.needs_key,
        source_expires_at=_until(out, now),
        media_type=out.media_type[:100],
        meta=_fit(dict(out.meta)),
        created_at=now,
    )
    if out.text:
        row.text, row.status, row.kept_at = storable(out.text), Asset.Status.KEPT, now
        row.size = len(row.text.encode("utf-8", "replace"))
    else:
        row.due_at = now
    return row


def asset_id(task: uuid.UUID, key: str) -> uuid.UUID:
    """Known before the row is there, so that bytes that came with an answer are on disk first."""
    return uuid.uuid5(task, key)


def _until(out: Output, now: datetime) -> datetime | None:
    return None if out.lives_s is None or not out.url else now + timedelta(seconds=out.lives_s)


def conclude(task_id: uuid.UUID, now: datetime) -> bool:
    """End a task whose files are all settled. Whoever calls this holds a lock on the task's row."""
    rows = Asset.objects.filter(task_id=task_id)
    if rows.filter(status__in=[Asset.Status.WAITING, Asset.Status.FETCHING]).exists():
        return False
    kept = rows.filter(status=Asset.Status.KEPT).exists()
    fields: dict[str, Any] = {"status": Status.SUCCEEDED, "progress": None}
    if not kept:
        error = rows.values_list("error", flat=True).first() or ""
        fields = {
            "status": Status.FAILED,
            "error_kind": "network",
            "error_code": UNCAPTURED,
            "error_message": f"It was made, but no file of it could be fetched. {error}".strip(),
        }
    collecting = MediaTask.objects.filter(pk=task_id, status=Status.COLLECTING)
    if not collecting.update(**fields, ended_at=now, version=F("version") + 1, changed_at=Now()):
        return False
    task = MediaTask.objects.get(pk=task_id)
    TaskEvent.objects.create(task=task, kind=TaskEvent.Kind.ENDED, at=now, text=task.status)
    record_end(task, task.status, now)
    return True


def record_end(task: MediaTask, status: str, now: datetime) -> None:
    """What was used, so far as it is known: of a task that ended twice the later end counts."""
    began = task.submitted_at or task.created_at
    milli = measures.made(task, status)
    UsageRecord.objects.update_or_create(
        subject=f"task:{task.pk}",
        defaults={
            "team_id": task.team_id,
            "user_id": task.user_id,
            "key_id": task.key_id,
            "family": task.family,
            "model": task.model,
            "outcome": status,
            "unit": measures.unit_of(task),
            "units_milli": milli,
            "prompt": task.prompt_version.prompt_id if task.prompt_version else None,
            "latency_ms": min(max(0, round((now - began).total_seconds() * 1000)), 2**31 - 1),
            "at": now,
        },
    )
    spending.settle(task, status, milli, now)
    minute_ago = now - timedelta(minutes=1)
    used = GatewayKey.objects.filter(pk=task.key_id or uuid.UUID(int=0)).filter(
        Q(last_used_at=None) | Q(last_used_at__lt=minute_ago)
    )
    used.update(last_used_at=now)


def hold(key_id: uuid.UUID | None, reason: str) -> int:
    """Stop asking with a key that is refused; every waiting task of it says why."""
    with transaction.atomic():
        rows = MediaTask.objects.filter(key_id=key_id, status=Status.WAITING, due_at__isnull=False)
        pks = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        MediaTask.objects.filter(pk__in=pks).update(
            due_at=None,
            held_at=Now(),
            held_reason=reason[:300],
            lease_until=None,
            lease_owner="",
            version=F("version") + 1,
            changed_at=Now(),
        )
        TaskEvent.objects.bulk_create(
            [TaskEvent(task_id=pk, kind=TaskEvent.Kind.HELD, text=reason[:500]) for pk in pks]
        )
    return len(pks)


def failure(error: GatewayError, status: str, now: datetime) -> dict[str, Any]:
    """The columns of an end that an error made."""
    assert status in ENDED
    return {
        "status": status,
        "ended_at": now,
        "error_kind": error.kind,
        "error_code": error.code[:100],
        "error_message": error.message or error.about.sentence,
        "http_status": error.status,
        "request_id": error.request_id[:200],
    }
