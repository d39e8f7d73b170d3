"""The answers that are being written for a person, for the chip in the rail."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import User
from playground.chat.models import Run
from playground.live.activity import MOST, Doing, Group


def running(user: User) -> Group:
    """The person's own, in any team."""
    rows = Run.objects.filter(user=user, status__in=Run.LIVE).select_related("conversation")
    return Group.of("Answers", [_doing(run) for run in rows.order_by("-created_at")[: MOST + 1]])


def _doing(run: Run) -> Doing:
    word = "Waiting" if run.status == Run.Status.QUEUED else "Writing"
    url = reverse("chat:show", args=[run.conversation_id])
    return Doing(
        run.pk, str(run.conversation), f"{word}, {run.answered_by}", "message-square", url, run.created_at
    )
