"""The doorbell: what the gateway posts when something may be ready.

A callback never carries a result. Its body is kept once, for the timeline, and the task is looked at
with the key. So a forged, late, double or early one changes nothing that it should not.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from playground.media import catalogue, ledger, signing
from playground.media.followups import reopened
from playground.media.models import Callback, MediaTask, Status, TaskEvent

LARGEST = 256 * 1024
# A sender that makes bodies up without an end fills no table.
MOST_BODIES = 50


@csrf_exempt
@login_not_required
@require_POST
def callback(request: HttpRequest, task: str, token: str) -> HttpResponse:
    """200 for a task of ours with its token, whatever the body; the same 404 for everything else."""
    pk = _id(task)
    if pk is None or not signing.is_callback_token(pk, token):
        raise Http404
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return HttpResponse(status=413)
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return HttpResponse(status=413)
    if not receive(pk, body):
        raise Http404
    return HttpResponse("ok", content_type="text/plain")


def receive(task_id: uuid.UUID, body: bytes) -> bool:
    """Note a callback and ring for a look; the same body again does neither. False: no such task."""
    task = MediaTask.objects.filter(pk=task_id).first()
    if task is None:
        return False
    stage, upstream_id = _hint(task, body)
    with transaction.atomic():
        if _store(task, body):
            text = stage[:100] or "of an unknown shape"
            TaskEvent.objects.create(task=task, kind=TaskEvent.Kind.CALLBACK, text=text)
            _ring(task, upstream_id)
    return True


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(hex=text)
    except ValueError:
        return None


def _hint(task: MediaTask, body: bytes) -> tuple[str, str]:
    operation = catalogue.find(task.operation)
    if operation is None or operation.callback_hint is None:
        return "", ""
    return operation.callback_hint(body)


def _store(task: MediaTask, body: bytes) -> bool:
    digest = hashlib.sha256(body).hexdigest()
    there = Callback.objects.filter(task=task)
    if there.filter(digest=digest).update(deliveries=F("deliveries") + 1):
        return False
    if there.count() >= MOST_BODIES:
        return False
    try:
        with transaction.atomic():
            Callback.objects.create(task=task, digest=digest, body=ledger.readable(body))
    except IntegrityError:
        return False
    return True


def _ring(task: MediaTask, upstream_id: str) -> None:
    """Look now. A task that was given up, or of unknown fate, is looked at again: somebody knows of it."""
    rows = MediaTask.objects.filter(pk=task.pk)
    # An answer that is on its way was asked for before: without a lease it is dropped.
    moved = {"version": F("version") + 1, "changed_at": Now(), "lease_until": None, "lease_owner": ""}
    if rows.filter(status=Status.WAITING, watching=True, held_at=None).update(due_at=Now(), **moved):
        return
    if task.status == Status.EXPIRED and task.upstream_id:
        rows.filter(status=Status.EXPIRED).update(**reopened(task), **moved)
    elif task.status == Status.UNCONFIRMED and upstream_id:
        _found(task, upstream_id, moved)


def _found(task: MediaTask, upstream_id: str, moved: Mapping[str, Any]) -> None:
    """The address is known to the gateway alone, so it did take the task; what it made of it is asked."""
    cleared = {"error_kind": "", "error_code": "", "error_message": ""}
    try:
        with transaction.atomic():
            MediaTask.objects.filter(pk=task.pk, status=Status.UNCONFIRMED).update(
                upstream_id=upstream_id[:200], **cleared, **reopened(task), **moved
            )
    except IntegrityError:
        return  # another task has this id; then it is not this one's
