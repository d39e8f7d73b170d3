"""What is done with many tasks at once, and who may do it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from playground.media.models import MediaTask
from playground.ops.models import UsageRecord
from tests.media.conftest import fresh
from tests.media.shelf import HTMX, LIST, Make, SignIn, keep, maker

DO = f"{LIST}do"


@pytest.fixture
def make(owner: User, team: Team) -> Make:
    return maker(owner, team)


def act(client: Client, name: str, *tasks: MediaTask, **more: Any) -> Any:
    headers = more.pop("headers", None)
    return client.post(DO, {"act": name, "task": [str(task.pk) for task in tasks]} | more, headers=headers)


def messages(client: Client) -> str:
    text = client.get(LIST).content.decode()
    return " ".join(re.findall(r'<div class="toast" data-level.*?<p>(.*?)</p>', text, re.DOTALL))


def test_the_chosen_ones_are_kept_in_mind_and_let_go(sign_in: SignIn, owner: User, make: Make) -> None:
    client, one, two, three = sign_in(owner), make("one"), make("two"), make("three")
    act(client, "favourite", one, two)
    assert [fresh(task).favourite for task in (one, two, three)] == [True, True, False]
    act(client, "unfavourite", two, three)
    assert [fresh(task).favourite for task in (one, two, three)] == [True, False, False]


def test_an_act_leads_back_to_the_same_page(sign_in: SignIn, owner: User, make: Make) -> None:
    client, task = sign_in(owner), make("a boat")
    response = act(client, "favourite", task, back="q=boat&view=gallery")
    assert response.headers["Location"] == f"{LIST}?q=boat&view=gallery"
    elsewhere = act(client, "favourite", task, back="//evil.example/\r\nX: y")
    assert elsewhere.headers["Location"].startswith(f"{LIST}?")


def test_with_script_the_list_comes_back_with_a_word(sign_in: SignIn, owner: User, make: Make) -> None:
    client, task = sign_in(owner), make("a boat")
    make("a song")
    response = act(client, "favourite", task, back="q=boat", headers=HTMX)
    text = response.content.decode()
    assert 'id="tasks"' in text
    assert "a song" not in text
    assert "Kept in mind: 1 task." in text


def test_a_star_changes_one_line(sign_in: SignIn, owner: User, make: Make) -> None:
    client, task = sign_in(owner), make("a boat")
    response = client.post(DO, {"star": task.pk, "back": ""}, headers=HTMX)
    assert response.content.decode().lstrip().startswith("<tr")
    assert 'aria-pressed="true"' in response.content.decode()
    assert fresh(task).favourite
    client.post(DO, {"star": task.pk})
    assert not fresh(task).favourite


def test_nothing_is_done_with_nothing(sign_in: SignIn, owner: User, make: Make) -> None:
    client = sign_in(owner)
    for name in ("favourite", "delete", "zip"):
        assert client.post(DO, {"act": name, "task": ["no-id"]}).status_code == 302
    assert "Choose tasks first." in messages(client)
    assert act(client, "explode", make("a boat")).status_code == 400


def test_deleting_asks_first_and_says_what_is_lost(sign_in: SignIn, owner: User, make: Make) -> None:
    client = sign_in(owner)
    kept, live = make("a kept boat", favourite=True), make("a boat on its way", status="collecting")
    keep(kept, b"x" * 2_000_000)
    text = re.sub(r"\s+", " ", act(client, "delete", kept, live).content.decode())
    for words in ("Delete 2 tasks?", "1 kept output (2.0 MB)", "a kept boat", "1 is still under way"):
        assert words in text
    assert "1 of them is a favourite" in text
    assert MediaTask.objects.count() == 2


def test_with_script_the_question_comes_into_the_dialog(sign_in: SignIn, owner: User, make: Make) -> None:
    response = act(sign_in(owner), "delete", make("a boat"), headers=HTMX)
    assert response.headers["HX-Retarget"] == "#tasks-ask"
    assert response.content.decode().lstrip().startswith("<form")


def test_confirmed_they_are_gone_with_their_files(
    sign_in: SignIn,
    owner: User,
    team: Team,
    make: Make,
    storage: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:
    client = sign_in(owner)
    gone, other = make("gone"), make("stays")
    files = [Path(keep(task).file.path) for task in (gone, other)]
    UsageRecord.objects.create(
        team=team, subject=f"task:{gone.pk}", family="kling", model="m", outcome="succeeded", latency_ms=1
    )
    with django_capture_on_commit_callbacks(execute=True):
        response = act(client, "delete", gone, sure="1", back="view=gallery")
    assert response.headers["Location"] == f"{LIST}?view=gallery"
    assert [task.title for task in MediaTask.objects.all()] == ["stays"]
    assert [file.exists() for file in files] == [False, True]
    assert UsageRecord.objects.count() == 1
    assert "Deleted, with all files: 1 task." in messages(client)


def test_those_of_others_stay_unless_an_admin_asks(
    sign_in: SignIn, owner: User, mate: User, make: Make
) -> None:
    own, foreign = make("of the mate", user=mate), make("of the owner")
    client = sign_in(mate)
    text = re.sub(r"\s+", " ", act(client, "delete", own, foreign).content.decode())
    assert "Delete 1 task?" in text
    assert "1 of others stays" in text
    act(client, "delete", own, foreign, sure="1")
    assert [task.title for task in MediaTask.objects.all()] == ["of the owner"]
    assert "1 of others stayed" in messages(client)
    act(client, "delete", foreign, sure="1")
    assert "none of these is yours" in messages(client)
    act(client, "favourite", foreign)
    assert not fresh(foreign).favourite
    assert client.post(DO, {"star": foreign.pk}).status_code == 403
    another = make("of the mate", user=mate)
    act(sign_in(owner), "delete", another, sure="1")
    assert not MediaTask.objects.filter(pk=another.pk).exists()


@pytest.mark.parametrize("name", ["favourite", "unfavourite", "delete"])
def test_a_viewer_changes_nothing(sign_in: SignIn, viewer: User, make: Make, name: str) -> None:
    task = make("a boat", user=viewer)
    assert act(sign_in(viewer), name, task, sure="1").status_code == 403
    assert MediaTask.objects.filter(pk=task.pk, favourite=False).exists()


def test_a_stranger_chooses_in_vain(sign_in: SignIn, stranger: User, make: Make) -> None:
    task = make("a boat")
    keep(task)
    client = sign_in(stranger)
    for name in ("favourite", "delete", "zip"):
        response = act(client, name, task, sure="1")
        assert (response.status_code, response.headers["Location"]) == (302, LIST)
    assert client.post(DO, {"star": task.pk}).status_code == 404
    assert not fresh(task).favourite


def test_a_team_of_mine_that_is_not_in_use_is_left_alone(sign_in: SignIn, owner: User, make: Make) -> None:
    """What is chosen was on the page, and the page shows one team."""
    elsewhere = make("private", team=owner.personal_team)
    act(sign_in(owner), "delete", elsewhere, sure="1")
    assert MediaTask.objects.filter(pk=elsewhere.pk).exists()
