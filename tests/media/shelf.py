"""Tasks as they stand after a while, made without a gateway: for the Tasks list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from playground.media.models import Asset, MediaTask, Status

LIST = "/studio/tasks/"
HTMX = {"HX-Request": "true", "HX-Target": "tasks"}
Make = Callable[..., MediaTask]
SignIn = Callable[[User], Client]


def maker(user: User, team: Team) -> Make:
    """`make("a boat", **fields)`: one ready video a second after the other."""
    began = timezone.now() - timedelta(hours=1)
    made: list[MediaTask] = []

    def make(title: str = "a boat", **more: Any) -> MediaTask:
        at = began + timedelta(seconds=len(made))
        fields: dict[str, Any] = {"team": team, "user": user, "operation": "kling.text2video"}
        fields |= {"family": "kling", "medium": "video", "model": "kling-v3", "title": title, "text": title}
        fields |= {"status": Status.SUCCEEDED, "created_at": at, "submitted_at": at}
        fields |= {"ended_at": at + timedelta(seconds=75)} | more
        if fields["status"] in ("new", "submitting", "waiting", "collecting"):
            fields["ended_at"] = None
        made.append(MediaTask.objects.create(**fields))
        return made[-1]

    return make


def keep(task: MediaTask, data: bytes = b"pixels", **more: Any) -> Asset:
    """An output of it with a file that is kept."""
    number = task.assets.count()
    fields: dict[str, Any] = {"kind": "video", "media_type": "video/mp4", "key": f"{number}"} | more
    row = Asset(task=task, ordinal=number, status=Asset.Status.KEPT, kept_at=timezone.now(), **fields)
    row.size, row.sha256 = len(data), hashlib.sha256(data).hexdigest()
    row.file.save(f"{row.pk.hex}.mp4", ContentFile(data), save=False)
    row.save()
    return row
