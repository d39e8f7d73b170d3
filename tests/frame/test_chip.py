"""The chip that counts what runs, and the palette that finds chats and tasks: one answer for all apps."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from playground.chat.models import Run
from playground.live.activity import MOST
from playground.media.models import MediaTask
from tests._servers.goods import make_goods

pytestmark = pytest.mark.django_db
Make = Callable[..., MediaTask]


@pytest.fixture
def make(owner: User, team: Team) -> Make:
    def task(title: str = "a boat", status: str = "new", **more: Any) -> MediaTask:
        fields = {
            "team": team,
            "user": owner,
            "operation": "suno.generate",
            "family": "suno",
            "medium": "music",
        }
        if status == "waiting":
            fields |= {"upstream_id": uuid.uuid4().hex, "due_at": timezone.now()}
        elif status not in ("new", "submitting", "collecting"):
            fields |= {"ended_at": timezone.now()}
        return MediaTask.objects.create(**(fields | {"title": title, "status": status} | more))

    return task


@pytest.fixture
def page(sign_in: Callable[[User], Client], owner: User) -> Client:
    return sign_in(owner)


def chip(page: Client, *was: MediaTask) -> str:
    query = {"was": ",".join(str(task.pk) for task in was)} if was else {}
    return page.get(reverse("activity"), query).content.decode()


def test_nothing_is_shown_while_nothing_runs(page: Client, make: Make) -> None:
    make(status="succeeded")
    assert chip(page).strip() == ""


def test_chats_and_tasks_are_counted_together_and_lead_to_their_pages(
    page: Client, make: Make, owner: User, team: Team
) -> None:
    has = make_goods(owner, team, "About boats")
    Run.objects.filter(pk=has.run.pk).update(status="running", ended_at=None)
    task = make("a song of boats", "waiting", stage="TEXT_SUCCESS")
    shown = chip(page)
    assert 'aria-label="2 running"' in shown
    assert reverse("chat:show", args=[has.talk.pk]) in shown
    assert reverse("media:task", args=[task.pk]) in shown
    assert "a song of boats" in shown
    assert "TEXT_SUCCESS" in shown


def test_tasks_of_mates_are_shown_and_their_ends_are_not_announced(
    page: Client, make: Make, mate: User
) -> None:
    own, others = make("mine", "waiting"), make("theirs", "waiting", user=mate)
    shown = chip(page)
    assert 'aria-label="2 running"' in shown
    assert f'data-notable="{own.pk}"' in shown
    assert f'data-notable="{others.pk}"' not in shown
    done = make("done by a mate", "succeeded", user=mate)
    assert str(done.pk) not in chip(page, done)


def test_paused_and_unwatched_tasks_do_not_run(page: Client, make: Make) -> None:
    make("paused", "waiting", held_at=timezone.now())
    make("unwatched", "waiting", watching=False)
    assert chip(page).strip() == ""


def test_chats_of_others_and_tasks_of_other_teams_are_not_shown(
    page: Client, make: Make, stranger: User, team: Team
) -> None:
    Run.objects.filter(pk=make_goods(stranger, team, "Not yours").run.pk).update(
        status="running", ended_at=None
    )
    make("not yours either", "waiting", user=stranger, team=stranger.personal_team)
    assert chip(page).strip() == ""


def test_of_very_many_the_newest_are_listed_and_the_count_says_there_are_more(
    page: Client, make: Make
) -> None:
    for number in range(MOST + 1):
        make(f"song {number}", "waiting" if number % 2 else "new")
    shown = chip(page)
    assert f'aria-label="{MOST}+ running"' in shown
    assert shown.count('class="menu-item"') == MOST
    assert "song 0<" not in shown


@pytest.mark.parametrize(
    ("medium", "status", "words", "level"),
    [
        ("music", "succeeded", "Song ready", "success"),
        ("video", "succeeded", "Video ready", "success"),
        ("image", "failed", "Picture: failed", "warning"),
        ("video", "expired", "Video: no end was told", "warning"),
    ],
)
def test_what_ran_before_is_told_how_it_ended(
    page: Client, make: Make, medium: str, status: str, words: str, level: str
) -> None:
    task = make("sea", status, medium=medium)
    shown = chip(page, task)
    assert f'data-ended="{task.pk}" data-words="{words}" data-title="sea"' in shown
    assert f'data-level="{level}"' in shown
    assert str(task.pk) not in chip(page)


def test_what_was_taken_back_or_still_runs_is_not_told_as_ended(page: Client, make: Make) -> None:
    assert "data-ended" not in chip(page, make(status="cancelled"), make(status="waiting"))


def test_what_is_no_id_is_passed_over(page: Client, make: Make) -> None:
    task = make(status="succeeded")
    answer = page.get(reverse("activity"), {"was": f"nonsense,,{task.pk}"})
    assert f'data-ended="{task.pk}"' in answer.content.decode()


def test_the_palette_finds_chats_and_tasks(page: Client, make: Make, owner: User, team: Team) -> None:
    make_goods(owner, team, "Lighthouses of the north")
    task = make("a lighthouse in fog", "succeeded")
    found = page.get(reverse("find"), {"q": "lighthouse"}).content.decode()
    assert 'aria-label="Conversations"' in found
    assert "Lighthouses of the north" in found
    assert f'aria-label="Tasks"><a class="menu-item" href="{reverse("media:task", args=[task.pk])}"' in found
    assert page.get(reverse("find"), {"q": " "}).content.strip() == b""


def test_the_palette_leads_to_the_studio(page: Client) -> None:
    shown = page.get(reverse("appearance")).content.decode()
    for tab in ("image", "video", "music", "audio"):
        assert f'role="option" href="{reverse("media:studio", args=[tab])}"' in shown
    for name in ("media:tasks", "media:guide"):
        assert shown.count(f'role="option" href="{reverse(name)}"') == 1


@pytest.mark.parametrize(
    ("url", "says"), [("https://play.example.com", "ends after a day"), ("", "nobody outside")]
)
def test_the_help_says_how_this_site_is_set(page: Client, settings: Any, url: str, says: str) -> None:
    settings.PUBLIC_URL = url
    shown = page.get(reverse("media:guide")).content.decode()
    assert says in shown
    assert ("Suno can also call" in shown) is bool(url)
