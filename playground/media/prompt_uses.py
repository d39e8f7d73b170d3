"""The tasks of prompts, as the library lists them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Max, Prefetch, QuerySet
from django.urls import reverse

from accounts import access
from accounts.models import Team, User
from playground.library.kinds import Use
from playground.library.models import Prompt, PromptVersion
from playground.media.models import Asset, MediaTask

SUBJECT = "task:"
EXCERPT = 240


class MediaUses:
    """What `playground.library.kinds.Uses` asks for. A team's tasks are everybody's in it to see."""

    def runs_of(
        self,
        prompt: Prompt,
        user: User,
        *,
        version: PromptVersion | None = None,
        limit: int = 50,
        before: datetime | None = None,
    ) -> list[Use]:
        rows = MediaTask.objects.filter(team=prompt.team_id)
        rows = rows.filter(prompt_version=version) if version else rows.filter(prompt_version__prompt=prompt)
        if before is not None:
            rows = rows.filter(created_at__lt=before)
        return _uses(rows.order_by("-created_at")[:limit])

    def subjects(self, team_id: uuid.UUID, subjects: Collection[str], user: User) -> list[Use]:
        wanted = [pk for subject in subjects if (pk := _task_named(subject)) is not None]
        team = Team.objects.filter(pk=team_id).first() if wanted else None
        if team is None or not access.role_of(user, team):
            return []
        return _uses(MediaTask.objects.filter(team=team, pk__in=wanted, prompt_version__isnull=False))

    def last_at(self, prompts: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
        rows = MediaTask.objects.filter(prompt_version__prompt__in=prompts).order_by()
        return dict(rows.values_list("prompt_version__prompt").annotate(at=Max("created_at")))


def _task_named(subject: str) -> uuid.UUID | None:
    if not subject.startswith(SUBJECT):
        return None
    try:
        return uuid.UUID(subject.removeprefix(SUBJECT))
    except ValueError:
        return None


def _uses(rows: QuerySet[MediaTask]) -> list[Use]:
    kept = Asset.objects.filter(status=Asset.Status.KEPT).order_by("kind", "ordinal")
    found = rows.select_related("user", "prompt_version").prefetch_related(Prefetch("assets", queryset=kept))
    return [_use(task, task.assets.all()) for task in found]


def _use(task: MediaTask, assets: Iterable[Asset]) -> Use:
    there = list(assets)
    picture = next((asset for asset in there if asset.thumbnail), None)
    text = "\n\n".join(asset.text for asset in there if asset.kind == "text" and asset.text)
    ended, began = task.ended_at, task.submitted_at
    version = task.prompt_version
    return Use(
        subject=f"{SUBJECT}{task.pk}",
        at=task.created_at,
        user=task.user,
        number=version.number if version else 0,
        values=task.variables or {},
        state=task.status,
        url=reverse("media:task", args=[task.pk]),
        latency_ms=round((ended - began).total_seconds() * 1000) if ended and began else None,
        excerpt=" ".join((text or task.error_message or task.title).split())[:EXCERPT],
        answer=text,
        thumbnail=reverse("media:thumbnail", args=[picture.pk]) if picture else "",
        ended=not task.live,
    )
