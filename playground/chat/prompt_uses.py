"""The runs of prompts in chats, as the library lists them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db.models import Max, QuerySet
from django.urls import reverse

from accounts.models import User
from playground.chat.models import Run
from playground.library.kinds import Use
from playground.library.models import Prompt, PromptVersion

SUBJECT = "run:"
EXCERPT = 240


class ChatUses:
    """What `playground.library.kinds.Uses` asks for."""

    def runs_of(
        self,
        prompt: Prompt,
        user: User,
        *,
        version: PromptVersion | None = None,
        limit: int = 50,
        before: datetime | None = None,
    ) -> list[Use]:
        rows = _seen(prompt.team_id, user)
        rows = rows.filter(prompt_version=version) if version else rows.filter(prompt_version__prompt=prompt)
        if before is not None:
            rows = rows.filter(created_at__lt=before)
        return [_use(run) for run in rows.order_by("-created_at")[:limit]]

    def subjects(self, team_id: uuid.UUID, subjects: Collection[str], user: User) -> list[Use]:
        wanted = [pk for subject in subjects if (pk := _run_named(subject)) is not None]
        rows = _seen(team_id, user).filter(pk__in=wanted, prompt_version__isnull=False) if wanted else ()
        return [_use(run) for run in rows]

    def last_at(self, prompts: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
        rows = Run.objects.filter(prompt_version__prompt__in=prompts).order_by()
        return dict(rows.values_list("prompt_version__prompt").annotate(at=Max("created_at")))


def _seen(team_id: uuid.UUID, user: User) -> QuerySet[Run]:
    rows = Run.objects.filter(Run.visible_to(user), team_id=team_id)
    return rows.select_related("user", "answer", "prompt_version")


def _run_named(subject: str) -> uuid.UUID | None:
    if not subject.startswith(SUBJECT):
        return None
    try:
        return uuid.UUID(subject.removeprefix(SUBJECT))
    except ValueError:
        return None


def _use(run: Run) -> Use:
    told = [count for count in (run.input_tokens, run.output_tokens) if count is not None]
    text = run.answer.text if run.answer else ""
    version = run.prompt_version
    return Use(
        subject=f"{SUBJECT}{run.pk}",
        at=run.created_at,
        user=run.user,
        number=version.number if version else 0,
        values=run.variables or {},
        state=run.status,
        url=reverse("chat:show", args=[run.conversation_id])
        + (f"#turn-{run.answer_id}" if run.answer_id else ""),
        tokens=sum(told) if told else None,
        latency_ms=run.duration_ms,
        excerpt=" ".join((text or run.error_message).split())[:EXCERPT],
        answer=text,
        ended=not run.live,
    )
