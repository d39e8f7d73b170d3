"""Finding a team's tasks, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from playground.media import listing
from playground.media.listing import Filters
from playground.media.models import MediaTask

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def make(owner: User, team: Team) -> Any:
    began = timezone.now()
    made: list[MediaTask] = []

    def task(title: str, **more: Any) -> MediaTask:
        fields = {"team": team, "user": owner, "operation": "kling.text2video", "family": "kling"}
        fields |= {"medium": "video", "title": title, "text": title}
        at = began + timedelta(seconds=len(made))
        made.append(MediaTask.objects.create(created_at=at, **(fields | more)))
        return made[-1]

    return task


def titles(page: listing.Page) -> list[str]:
    return [task.title for task in page.tasks]


def test_pages_follow_each_other_without_a_gap_or_a_double(make: Any, team: Team) -> None:
    for number in range(7):
        make(f"boat {number}")
    for words in ("", "boat"):
        seen, mark = [], ""
        for _ in range(3):
            page = listing.page(team, Filters(words=words), mark, limit=3)
            seen += titles(page)
            mark = page.next_mark
        assert seen == [f"boat {number}" for number in reversed(range(7))]
        assert mark == ""


def test_words_are_found_whole_and_the_last_one_as_a_beginning(make: Any, team: Team) -> None:
    make("A lighthouse, in fog")
    make("The light of a house")
    assert titles(listing.page(team, Filters(words="light"))) == [
        "The light of a house",
        "A lighthouse, in fog",
    ]
    assert titles(listing.page(team, Filters(words="fog lighth"))) == ["A lighthouse, in fog"]
    assert titles(listing.page(team, Filters(words="light house"))) == ["The light of a house"]
    assert titles(listing.page(team, Filters(words='"*:& OR'))) == []


def test_scripts_without_spaces_are_found_as_they_stand(make: Any, team: Team) -> None:
    make("雾中的灯塔")
    assert titles(listing.page(team, Filters(words="灯塔"))) == ["雾中的灯塔"]


def test_filters_narrow_a_search(make: Any, team: Team, mate: User) -> None:
    make("boat", medium="image", operation="kling.image")
    make("boat", family="dashscope")
    make("boat", user=mate)
    make("boat", favourite=True)
    assert len(listing.page(team, Filters(words="boat")).tasks) == 4
    for filters in (
        Filters(words="boat", medium="image"),
        Filters(words="boat", family="dashscope"),
        Filters(words="boat", user=mate.pk),
        Filters(words="boat", favourite=True),
        Filters(words="boat", operation="kling.image"),
    ):
        assert len(listing.page(team, filters).tasks) == 1
        assert len(listing.page(team, replace(filters, words="")).tasks) == 1


def test_another_teams_tasks_are_never_found(make: Any, team: Team, stranger: User) -> None:
    make("boat", team=stranger.personal_team)
    assert titles(listing.page(team, Filters(words="boat"))) == []
    assert titles(listing.page(team, Filters())) == []


def test_a_mark_is_good_for_its_own_team_and_filters_only(make: Any, team: Team, stranger: User) -> None:
    for number in range(3):
        make(f"boat {number}")
    mark = listing.page(team, Filters(), limit=1).next_mark
    assert titles(listing.page(team, Filters(), mark, limit=1)) == ["boat 1"]
    assert titles(listing.page(team, Filters(status="new"), mark, limit=1)) == ["boat 2"]
    assert titles(listing.page(team, Filters(), mark + "x", limit=1)) == ["boat 2"]


def test_a_changed_or_deleted_task_is_found_by_what_it_says_now(make: Any, team: Team) -> None:
    task = make("boat")
    MediaTask.objects.filter(pk=task.pk).update(title="ship", text="ship")
    assert titles(listing.page(team, Filters(words="boat"))) == []
    assert titles(listing.page(team, Filters(words="ship"))) == ["ship"]
    MediaTask.objects.filter(pk=task.pk).delete()
    assert titles(listing.page(team, Filters(words="ship"))) == []
