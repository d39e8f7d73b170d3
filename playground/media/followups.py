"""What people do with a task that is there: look now, stop looking, retry, fetch again, delete.

Each function says whether it changed anything. Nothing here cancels what the gateway makes: no route of
it can (contract 14, rule 8).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts import audit, keys
from accounts.models import GatewayKey, Team, User
from playground.media import assets, catalogue, claims, clock, orders
from playground.media.machine import UNCAPTURED
from playground.media.models import Asset, MediaTask, Status, TaskEvent
from playground.ops import catalog


def stop_watching(task: MediaTask, user: User) -> bool:
    """Look no more. The gateway goes on making it, and may charge for it."""
    return _act(task, user, "stopped watching", Q(status=Status.WAITING), watching=False, due_at=None)


def cancel(task: MediaTask, user: User) -> bool:
    """Take back what was not sent yet."""
    return _act(task, user, "took it back", Q(status=Status.NEW), status=Status.CANCELLED, ended_at=Now())


def check_now(task: MediaTask, user: User) -> bool:
    """Look at once, also at a task that was given up, lost, or not watched."""
    if task.status == Status.COLLECTING:
        waiting = Asset.objects.filter(task=task, status=Asset.Status.WAITING)
        return waiting.update(due_at=Now()) > 0
    if task.status == Status.UNCONFIRMED:
        return look_for(task, user)
    if task.status not in (Status.WAITING, Status.EXPIRED) or not task.upstream_id:
        return False
    return _act(task, user, "asked to look now", Q(status=task.status), **reopened(task))


def reopened(task: MediaTask) -> dict[str, Any]:
    """The columns of a task that is looked at from now on, with its whole time before it."""
    operation = catalogue.find(task.operation)
    deadline = timedelta(seconds=operation.pace.deadline_s if operation else 600)
    now = clock.now()
    fields = {"watching": True, "held_at": None, "held_reason": "", "due_at": now, "polled_at": now}
    fields |= {"status": Status.WAITING, "ended_at": None}
    if task.status != Status.WAITING or not task.watching or task.expires_at is None:
        fields["expires_at"] = now + deadline
    return fields


def look_for(task: MediaTask, user: User) -> bool:
    """Look for a task of unknown fate by the id of ours that went along, where one did."""
    operation = catalogue.find(task.operation)
    if operation is None or not operation.carries_own_id:
        return False
    unknown = Q(status=Status.UNCONFIRMED)
    return _act(task, user, "asked to look for it", unknown, due_at=Now(), polls=0)


def adopt(task: MediaTask, user: User, upstream_id: str) -> bool:
    """Take a task of unknown fate up again under the id that somebody found for it."""
    fields = reopened(task) | {"error_kind": "", "error_code": "", "error_message": ""}
    try:
        with transaction.atomic():
            text, unknown = f"named its id: {upstream_id}", Q(status=Status.UNCONFIRMED)
            return _act(task, user, text, unknown, upstream_id=upstream_id[:200], **fields)
    except IntegrityError:
        return False


def retry_as_new(task: MediaTask, user: User, team: Team, form_id: uuid.UUID) -> MediaTask:
    """The same once more, linked to its parent. It is made, and charged, anew. Raises orders.Refused."""
    order = orders.Order(
        operation=task.operation,
        key_id=task.key_id or "",
        form_id=form_id,
        values=task.inputs.get("values", {}),
        files=task.inputs.get("files", {}),
        extra=task.inputs.get("extra", {}),
        source=task.source,
        source_output=task.source_output,
        retry_of=task,
        prompt_version=task.prompt_version,
        variables=task.variables,
    )
    return orders.place(order, user, team)


def fetch_again(task: MediaTask, user: User) -> bool:
    """Try the files anew that were given up."""
    lost = Asset.objects.filter(task=task, status=Asset.Status.FAILED)
    with transaction.atomic():
        if not lost.update(status=Asset.Status.WAITING, attempts=0, due_at=Now(), error=""):
            return False
        failed = MediaTask.objects.filter(pk=task.pk, status=Status.FAILED, error_code=UNCAPTURED)
        cleared = {"error_kind": "", "error_code": "", "error_message": "", "ended_at": None}
        failed.update(status=Status.COLLECTING, **cleared)
        # The links may have died meanwhile: ask for new ones.
        MediaTask.objects.filter(pk=task.pk, status=Status.COLLECTING).exclude(upstream_id="").update(
            due_at=Now()
        )
        _note(task, user, "asked for the files again")
    return True


def restore_key(task: MediaTask, user: User, key: GatewayKey | None = None) -> bool:
    """Look again with the key as it is now, or with another one the person may use."""
    if key is not None:
        if key.pk not in {usable.pk for usable in catalog.usable_keys(user, task.team)}:
            return False
        if keys.refusal(key, user, clock.now(), family=task.family, model=task.model):
            return False
        try:
            with transaction.atomic():
                MediaTask.objects.filter(pk=task.pk, version=task.version).update(key=key)
        except IntegrityError:
            return False
    return task.held_at is not None and claims.resume(task, clock.now())


def set_favourite(task: MediaTask, *, favourite: bool) -> bool:
    rows = MediaTask.objects.filter(pk=task.pk).exclude(favourite=favourite)
    return rows.update(favourite=favourite, version=F("version") + 1, changed_at=Now()) == 1


def delete(tasks: Iterable[MediaTask], user: User, ip: str | None = None) -> int:
    """Delete tasks with everything that was made of them; files go once the rows are gone."""
    there = list(tasks)
    pks = [task.pk for task in there]
    rows = list(Asset.objects.filter(task__in=pks))
    with transaction.atomic():
        for task in there:
            audit.record(user, task.team, "task.delete", str(task), ip, task=str(task.pk))
        gone, _ = MediaTask.objects.filter(pk__in=pks).delete()
        transaction.on_commit(lambda: assets.delete_files(rows))
    return len(pks) if gone else 0


def _act(task: MediaTask, user: User, text: str, condition: Q, **fields: Any) -> bool:
    """A conditional change, noted. The lease goes, so that what is being asked meanwhile is dropped."""
    with transaction.atomic():
        won = MediaTask.objects.filter(condition, pk=task.pk).update(
            **fields, lease_until=None, lease_owner=""
        )
        if won:
            _note(task, user, text)
    return won == 1


def _note(task: MediaTask, user: User, text: str) -> None:
    MediaTask.objects.filter(pk=task.pk).update(version=F("version") + 1, changed_at=Now())
    TaskEvent.objects.create(task=task, kind=TaskEvent.Kind.ACT, text=f"{user} {text}"[:500])
