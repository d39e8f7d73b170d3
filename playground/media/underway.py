"""The tasks of a team that are under way, for the chip in the rail, and how those of a page ended."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.urls import reverse

from accounts.models import Team, User
from playground.live.activity import MOST, Doing, Ended, Group
from playground.media.cards import Card, state_of
from playground.media.models import ENDED, LIVE, MediaTask, Status

ICONS = {"image": "image", "video": "play", "music": "activity", "speech": "activity", "text": "file-text"}
NOUNS = {"image": "Picture", "video": "Video", "music": "Song", "speech": "Sound", "text": "Text"}


def running(user: User, team: Team) -> Group:
    """Whoever's they are: those that are moved on here, not the paused ones, nor those nobody watches."""
    found: list[MediaTask] = []
    for status in LIVE:
        # One at a time: each is read from its index in order, however many tasks are under way.
        rows = MediaTask.objects.filter(team=team, status=status, watching=True, held_at=None)
        found += rows.order_by("-created_at", "-id")[: MOST + 1]
    found.sort(key=lambda task: task.created_at, reverse=True)
    return Group.of("Tasks", [_doing(task, user) for task in found[: MOST + 1]])


def _doing(task: MediaTask, user: User) -> Doing:
    own = task.user_id == user.pk
    word, icon = state_of(task, []).word, ICONS.get(task.medium, "sparkles")
    return Doing(task.pk, _title(task), word, icon, _url(task), task.created_at, notable=own)


def ended(user: User, team: Team, pks: Iterable[UUID]) -> list[Ended]:
    """Those of the person's own tasks that are over; what somebody took back is no news."""
    rows = MediaTask.objects.filter(pk__in=list(pks)[:MOST], user=user, team=team, status__in=ENDED)
    return [_ended(task) for task in rows.exclude(status=Status.CANCELLED).order_by("ended_at")]


def _ended(task: MediaTask) -> Ended:
    noun = NOUNS.get(task.medium, "Task")
    if task.status == Status.SUCCEEDED:
        return Ended(task.pk, f"{noun} ready", _title(task), _url(task), "success")
    word = state_of(task, []).word
    return Ended(task.pk, f"{noun}: {word[0].lower()}{word[1:]}", _title(task), _url(task), "warning")


def _title(task: MediaTask) -> str:
    return Card.of(task, [], may=False).title


def _url(task: MediaTask) -> str:
    return reverse("media:task", args=[task.pk])
