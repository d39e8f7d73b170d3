"""Open pages hear of every change of their team's tasks, once, and of nobody else's."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from playground.media import watch
from playground.media.models import MediaTask
from playground.media.rates import Rates
from playground.media.watch import Changed, Watch
from tests.media.conftest import own_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(owner: User, team: Team) -> Callable[..., MediaTask]:
    def task(**more: Any) -> MediaTask:
        fields = {"team": team, "user": owner, "operation": "o", "family": "f", "medium": "video"}
        return MediaTask.objects.create(**(fields | more))

    return task


def touch(task: MediaTask) -> None:
    task.version += 1
    MediaTask.objects.filter(pk=task.pk).update(version=task.version, changed_at=timezone.now())


@pytest.fixture
def watching(team: Team) -> Iterator[tuple[Watch, list[Changed], set[uuid.UUID]]]:
    told: list[Changed] = []
    teams = {team.pk}
    with own_thread() as in_thread:
        yield Watch(teams=lambda: teams, tell=told.append, in_thread=in_thread), told, teams


def test_a_change_is_told_once(make: Callable[..., MediaTask], watching: Any) -> None:
    watch_, told, _ = watching
    task = make()
    asyncio.run(watch_.look())
    told.clear()
    assert asyncio.run(watch_.look()) == 0
    touch(task)
    assert asyncio.run(watch_.look()) == 1
    assert asyncio.run(watch_.look()) == 0
    assert [row.as_feed() for row in told] == [
        {"kind": "task", "task": str(task.pk), "version": 1, "status": "new", "moving": True}
    ]


def test_a_change_that_was_committed_late_is_not_missed(
    make: Callable[..., MediaTask], watching: Any
) -> None:
    watch_, told, _ = watching
    early, late = make(), make()
    asyncio.run(watch_.look())
    touch(late)
    asyncio.run(watch_.look())
    told.clear()
    MediaTask.objects.filter(pk=early.pk).update(version=1, changed_at=timezone.now() - watch.BACK / 2)
    asyncio.run(watch_.look())
    assert [row.task for row in told] == [early.pk]


def test_only_watched_teams_are_told_of(
    make: Callable[..., MediaTask], watching: Any, stranger: User, team: Team
) -> None:
    watch_, told, teams = watching
    make(team=stranger.personal_team, user=stranger)
    asyncio.run(watch_.look())
    assert told == []
    teams.clear()
    make()
    assert asyncio.run(watch_.look()) == 0


def test_a_family_with_a_limit_gives_one_slot_after_the_other() -> None:
    rates = Rates({"suno": 2})
    taken = [rates.take("key", "suno", 100.0) for _ in range(8)]
    assert taken[:5] == [(True, 0.0), (True, 0.5), (True, 1.0), (True, 1.5), (True, 2.0)]
    assert [got for got, _ in taken[5:]] == [False] * 3
    waits = [wait for _, wait in taken[5:]]
    assert waits == sorted(waits)
    assert rates.take("another key", "suno", 100.0) == (True, 0.0)
    assert rates.take("key", "kling", 100.0) == (True, 0.0)
    assert rates.take("key", "suno", 200.0) == (True, 0.0)
