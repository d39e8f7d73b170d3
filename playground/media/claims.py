"""Who works on what: rows are claimed in batches, with a lease by the database's clock.

A lease that nobody renews runs out, and then somebody else claims the row: that is all that happens
when a worker dies. Every function is one short transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from playground.media import catalogue, clock, ledger
from playground.media.models import Asset, MediaTask, Status, TaskEvent

Row = TypeVar("Row", MediaTask, Asset)
# A row and the name of the claim that holds it.
Lease = tuple[uuid.UUID, str]
# A row that was looked at in the future: the clock went back.
AHEAD_S, FAR_S = 30.0, 90.0
LOST = "The worker was stopped while this was sent. The gateway may have started it, and charged for it."


def claim_new(owner: str, limit: int) -> list[MediaTask]:
    """Tasks to be sent, now `submitting` and ours. Committed before the call, so that none is sent twice."""
    rows = MediaTask.objects.filter(status=Status.NEW).order_by("created_at")
    return _claim(rows, owner, limit, status=Status.SUBMITTING, version=F("version") + 1, changed_at=Now())


def claim_due(owner: str, limit: int) -> list[MediaTask]:
    """Tasks to be looked at, the longest due first."""
    return _claim(_due(MediaTask.objects.all()), owner, limit)


def claim_assets(owner: str, limit: int) -> list[Asset]:
    """Files to be fetched."""
    return _claim(_due(Asset.objects.all()), owner, limit, status=Asset.Status.FETCHING)


def next_due() -> float | None:
    """Seconds until something is due, 0 when it is; None: nothing at all."""
    now = clock.now()
    if MediaTask.objects.filter(status=Status.NEW).exists():
        return 0.0
    due = [
        rows.order_by("due_at").values_list("due_at", flat=True).first()
        for rows in (_unheld(MediaTask.objects.all()), _unheld(Asset.objects.all()))
    ]
    earliest = min((at for at in due if at is not None), default=None)
    return None if earliest is None else max(0.0, (earliest - now).total_seconds())


def renew(tasks: Collection[Lease], assets: Collection[Lease]) -> None:
    """Keep what is being worked on."""
    if tasks:
        _renew(_held(MediaTask.objects.all(), tasks))
    if assets:
        _renew(_held(Asset.objects.all(), assets))


def _renew(rows: QuerySet[Row]) -> None:
    """But for rows that are being written just now: to wait for those could deadlock."""
    with transaction.atomic():
        pks = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        model: type[Row] = rows.model
        model._default_manager.filter(pk__in=pks).update(lease_until=clock.after(settings.TASK_LEASE_S))


def _held(rows: QuerySet[Row], leases: Collection[Lease]) -> QuerySet[Row]:
    """An owner's name is made anew for each claim, so the two lists cannot meet wrongly."""
    return rows.filter(pk__in=[pk for pk, _ in leases], lease_owner__in={owner for _, owner in leases})


def defer(waits: Iterable[tuple[Lease, float]]) -> None:
    """Give rows back with a later due time, because more may not be asked at the moment."""
    with transaction.atomic():
        for (pk, owner), seconds in sorted(waits):
            MediaTask.objects.filter(pk=pk, lease_owner=owner).update(
                due_at=clock.after(seconds), lease_until=None, lease_owner=""
            )


def sweep() -> list[uuid.UUID]:
    """Tasks whose sender is gone: nobody knows whether the gateway took them. Never sent again by itself."""
    gone = MediaTask.objects.filter(status=Status.SUBMITTING).filter(_free())
    return [task.pk for task in gone.only("pk", "version", "operation")[:500] if _unconfirm(task)]


def _unconfirm(task: MediaTask) -> bool:
    operation = catalogue.find(task.operation)
    findable = operation is not None and operation.carries_own_id and operation.query is not None
    still = MediaTask.objects.filter(pk=task.pk, version=task.version, status=Status.SUBMITTING)
    with transaction.atomic():
        won = still.filter(_free()).update(
            status=Status.UNCONFIRMED,
            version=F("version") + 1,
            ended_at=Now(),
            changed_at=Now(),
            error_kind="interrupted",
            error_code=ledger.LOST,
            error_message=LOST,
            # Where the route carries an id of ours, that is looked for.
            due_at=Now() if findable else None,
            lease_until=None,
            lease_owner="",
        )
        if won:
            TaskEvent.objects.create(task_id=task.pk, kind=TaskEvent.Kind.ENDED, text="unconfirmed")
    return won == 1


def mend() -> int:
    """After the clock went back: what was looked at in the future would not be looked at for long."""
    far, ahead = clock.after(FAR_S), clock.after(AHEAD_S)
    tasks = MediaTask.objects.filter(due_at__gt=far, polled_at__gt=ahead)
    files = Asset.objects.filter(due_at__gt=far, created_at__gt=ahead)
    return _due_now(tasks, polled_at=Now()) + _due_now(files, created_at=Now())


def _due_now(rows: QuerySet[Row], **fields: object) -> int:
    with transaction.atomic():
        pks = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        model: type[Row] = rows.model
        done: int = model._default_manager.filter(pk__in=pks).update(due_at=Now(), **fields)
        return done


def resume_held() -> int:
    """Look again at tasks whose key was changed, or passed a test, since they were paused."""
    changed = Q(key__rotated_at__gt=F("held_at"))
    changed |= Q(key__test_passed=True, key__tested_at__gt=F("held_at"))
    held = MediaTask.objects.filter(changed, held_at__isnull=False, key__revoked_at=None)
    done = 0
    for task in held[:1000]:
        done += resume(task, clock.now())
    return done


def resume(task: MediaTask, now: datetime) -> bool:
    """Take a paused task up again; the pause does not count against its deadline."""
    assert task.held_at is not None
    left = (task.expires_at - task.held_at) if task.expires_at else timedelta(hours=1)
    rows = MediaTask.objects.filter(pk=task.pk, version=task.version, held_at__isnull=False)
    with transaction.atomic():
        won = rows.update(
            held_at=None,
            held_reason="",
            due_at=now,
            polled_at=now,
            expires_at=now + max(left, timedelta(minutes=1)),
            version=F("version") + 1,
            changed_at=Now(),
        )
        if won:
            TaskEvent.objects.create(task_id=task.pk, kind=TaskEvent.Kind.RESUMED)
    return won == 1


def _free() -> Q:
    """No lease, one that ran out, or one so far ahead that a clock must have gone back since."""
    over = Q(lease_until=None) | Q(lease_until__lt=Now())
    return over | Q(lease_until__gt=clock.after(settings.TASK_LEASE_S + 600))


def _unheld(rows: QuerySet[Row]) -> QuerySet[Row]:
    return rows.filter(_free(), due_at__isnull=False)


def _due(rows: QuerySet[Row]) -> QuerySet[Row]:
    return _unheld(rows).filter(due_at__lte=Now()).order_by("due_at")


def _claim(rows: QuerySet[Row], owner: str, limit: int, **fields: object) -> list[Row]:
    """On PostgreSQL two claimers skip each other's rows; on SQLite a transaction has the only pen."""
    if limit <= 0 or not rows.exists():
        return []
    model: type[Row] = rows.model
    with transaction.atomic():
        locked = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit]
        pks = list(locked)
        mine = model._default_manager.filter(pk__in=pks)
        mine.update(lease_owner=owner, lease_until=clock.after(settings.TASK_LEASE_S), **fields)
        return list(mine)
