"""The Tasks list as a page: what it shows, what narrows it, and how its pages follow each other."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from playground.media import search, shelf
from playground.media.models import Asset, MediaTask
from tests.media.shelf import HTMX, LIST, Make, SignIn, keep, maker

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def make(owner: User, team: Team) -> Make:
    return maker(owner, team)


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


def titles(client: Client, query: str = "", **headers: Any) -> list[str]:
    return titles_in(client.get(f"{LIST}?{query}", **headers).content.decode())


def titles_in(text: str) -> list[str]:
    links = re.findall(r"data-row><bdi>(.*?)</bdi>", text, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", link).strip() for link in links]


def link(text: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text)
    return found[1].replace("&amp;", "&") if found else ""


def test_a_task_is_told_in_a_line(page: Client, make: Make) -> None:
    task = make("a slow boat")
    keep(task)
    keep(task)
    text = page.get(LIST).content.decode()
    for word in ("a slow boat", "Kling", "kling-v3", "Ready", "Me", "1 min 15 s", "2 videos"):
        assert word in text
    assert f"/studio/task/{task.pk}/" in text


@pytest.mark.parametrize(
    ("query", "odd"),
    [
        ("medium=image", {"medium": "image"}),
        ("status=failed", {"status": "failed"}),
        ("family=suno", {"family": "suno"}),
        ("model=other-1", {"model": "other-1"}),
        ("favourite=1", {"favourite": True}),
    ],
)
def test_each_filter_narrows(page: Client, make: Make, query: str, odd: dict[str, Any]) -> None:
    make("a boat")
    make("the odd one", **odd)
    assert titles(page) == ["the odd one", "a boat"]
    assert titles(page, query) == ["the odd one"]
    assert titles(page, query + "&q=odd") == ["the odd one"]
    assert titles(page, query + "&q=boat") == []


def test_the_owner_narrows_and_a_mate_is_named(page: Client, make: Make, mate: User) -> None:
    make("mine")
    make("of the mate", user=mate)
    assert titles(page, f"who={mate.pk}") == ["of the mate"]
    assert str(mate) in page.get(LIST).content.decode()


def test_somebody_who_left_can_still_be_looked_for(page: Client, make: Make, mate: User, team: Team) -> None:
    make("of the mate", user=mate)
    team.members.remove(mate)
    text = page.get(f"{LIST}?who={mate.pk}").content.decode()
    assert titles_in(text) == ["of the mate"]
    assert "Somebody who left" in text


def test_days_are_those_of_the_person_and_both_count(page: Client, owner: User, make: Make) -> None:
    User.objects.filter(pk=owner.pk).update(tz="Pacific/Auckland")
    # 13:00 UTC is the next day there.
    make("late", created_at=datetime(2026, 3, 1, 13, tzinfo=UTC))
    make("early", created_at=datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert titles(page, "from=2026-03-02&to=2026-03-02") == ["late"]
    assert titles(page, "to=2026-03-01") == ["early"]
    assert titles(page, "from=2026-03-01&to=2026-03-02") == ["late", "early"]


@pytest.mark.parametrize(
    "query",
    [
        "medium=smell",
        "status=dead",
        "who=nobody",
        "from=2026-02-30",
        "to=soon",
        "to=9999-12-31",
        "from=0001-01-01",
        "view=wall",
        "mark=forged",
        "q=%00",
    ],
)
def test_what_makes_no_sense_does_not_narrow(page: Client, make: Make, query: str) -> None:
    make("a boat")
    assert titles(page, query) == ["a boat"]


def test_what_is_looked_for_is_marked_and_stays_text(page: Client, make: Make) -> None:
    make("a <b>boat</b> in boats")
    text = page.get(f"{LIST}?q=boat").content.decode()
    assert "a &lt;b&gt;<mark>boat</mark>&lt;/b&gt; in <mark>boat</mark>s" in text
    assert "<b>boat" not in text


def test_words_outside_the_title_are_shown_with_what_stands_around(page: Client, make: Make) -> None:
    make("a boat", text="a boat " + "on the long quiet water " * 20 + "near a lighthouse at night")
    text = page.get(f"{LIST}?q=lighthouse").content.decode()
    assert "near a <mark>lighthouse</mark> at night" in text
    assert "… " in text


def test_there_and_back_through_the_pages(page: Client, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "PAGE", 3)
    for number in range(8):
        make(f"boat {number}")
    for words in ("", "q=boat"):
        seen, address = [], f"{LIST}?{words}"
        texts = []
        while True:
            texts.append(page.get(address).content.decode())
            seen.append(titles_in(texts[-1]))
            if not (older := link(texts[-1], "next")):
                break
            address = LIST + older
        assert seen == [["boat 7", "boat 6", "boat 5"], ["boat 4", "boat 3", "boat 2"], ["boat 1", "boat 0"]]
        back = page.get(LIST + link(texts[-1], "prev")).content.decode()
        assert titles_in(back) == seen[1]
        newest = page.get(LIST + link(back, "prev")).content.decode()
        assert titles_in(newest) == seen[0]
        assert link(texts[0], "prev") == link(newest, "prev") == ""


def test_the_filters_go_along_from_page_to_page(
    page: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "PAGE", 1)
    for number in range(3):
        make(f"boat {number}", family="suno")
        make("other")
    first = page.get(f"{LIST}?family=suno&view=gallery").content.decode()
    second = page.get(LIST + link(first, "next")).content.decode()
    assert titles_in(second) == ["boat 1"]
    assert "tasks-gallery" in second


def test_new_ones_are_counted_and_only_those_that_fit(page: Client, make: Make) -> None:
    make("a boat")
    text = page.get(f"{LIST}?family=kling").content.decode()
    found = re.search(r'hx-get="(/studio/tasks/news[^"]+)"', text)
    assert found
    address = found[1].replace("&amp;", "&")
    assert "new" not in re.sub(r"<[^>]+>", "", page.get(address).content.decode())
    make("another boat")
    make("a song", family="suno")
    assert "1 new" in page.get(address).content.decode()
    for _ in range(100):
        make("many")
    assert "99+ new" in page.get(address).content.decode()


def test_the_first_task_of_all_is_news_too(page: Client, make: Make) -> None:
    found = re.search(r'hx-get="(/studio/tasks/news[^"]+)"', page.get(LIST).content.decode())
    assert found
    make("the first")
    assert "1 new" in page.get(found[1].replace("&amp;", "&")).content.decode()


def test_nothing_yet_leads_to_the_studio_and_nothing_found_to_everything(page: Client, make: Make) -> None:
    assert "Nothing made yet" in page.get(LIST).content.decode()
    make("a boat")
    text = page.get(f"{LIST}?q=zeppelin").content.decode()
    assert "No task fits" in text
    assert "Nothing made yet" not in text


def test_a_page_whose_tasks_are_gone_leads_to_the_newest(
    page: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "PAGE", 1)
    make("old")
    make("new")
    older = link(page.get(LIST).content.decode(), "next")
    MediaTask.objects.filter(title="old").delete()
    assert "Nothing older is left" in page.get(LIST + older).content.decode()


def test_where_not_all_could_be_judged_the_way_on_is_shown(
    page: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 3)
    monkeypatch.setattr(search, "COMMON", 1)
    make("boat", favourite=True)
    for _ in range(5):
        make("boat")
    texts = [page.get(f"{LIST}?q=boat&favourite=1").content.decode()]
    assert "Look further" in texts[0]
    while older := link(texts[-1], "next"):
        texts.append(page.get(LIST + older).content.decode())
    assert [title for text in texts for title in titles_in(text)] == ["boat"]
    assert "No task fits" not in "".join(texts)


def test_a_page_on_the_way_without_a_hit_leads_back(
    page: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 3)
    monkeypatch.setattr(search, "COMMON", 1)
    monkeypatch.setattr(shelf, "PAGE", 1)
    make("boat first", favourite=True)
    for _ in range(5):
        make("boat")
    make("boat last but one", favourite=True)
    make("boat last", favourite=True)
    newest = page.get(f"{LIST}?q=boat&favourite=1").content.decode()
    second = page.get(LIST + link(newest, "next")).content.decode()
    assert titles_in(second) == ["boat last but one"]
    nothing = page.get(LIST + link(second, "next")).content.decode()
    assert "Look further" in nothing
    back = page.get(LIST + link(nothing, "prev")).content.decode()
    assert titles_in(back) == ["boat last but one"]
    assert titles_in(page.get(LIST + link(back, "prev")).content.decode()) == ["boat last"]


def test_a_rare_model_behind_a_common_word_is_found_at_once(
    page: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 3)
    monkeypatch.setattr(search, "COMMON", 1)
    task = make("boat", model="Rare/1·🚤")
    for _ in range(5):
        make("boat", model="usual")
    text = page.get(f"{LIST}?q=boat&model=Rare/1·🚤").content.decode()
    assert titles_in(text) == ["boat"]
    MediaTask.objects.filter(pk=task.pk).update(model="usual")
    assert titles(page, "q=boat&model=Rare/1·🚤") == []


def test_a_search_up_to_a_day_judges_nothing_later(
    page: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 3)
    for day in range(1, 10):
        make(f"boat {day}", created_at=datetime(2026, 3, day, 12, tzinfo=UTC))
    assert titles(page, "q=boat&to=2026-03-02") == ["boat 2", "boat 1"]
    assert titles(page, "q=boat&to=2026-03-20")[:3] == ["boat 9", "boat 8", "boat 7"]


def test_htmx_gets_the_list_alone_and_a_clean_address(page: Client, make: Make) -> None:
    make("a boat")
    query = "q=boat&medium=&status=&family=&model=&who=&from=&to=&view=table"
    response = page.get(f"{LIST}?{query}", headers=HTMX)
    assert response.content.decode().lstrip().startswith('<div class="tasks" id="tasks">')
    assert response.headers["HX-Push-Url"] == "/studio/tasks/?q=boat&view=table"
    typing = page.get(f"{LIST}?{query}", headers=HTMX | {"HX-Trigger-Name": "q"})
    assert typing.headers["HX-Replace-Url"] == "/studio/tasks/?q=boat&view=table"


def test_table_or_gallery_is_remembered(page: Client, make: Make) -> None:
    keep(make("a boat"), kind="image", media_type="image/png")
    assert "<table" in page.get(LIST).content.decode()
    assert "tasks-gallery" in page.get(f"{LIST}?view=gallery").content.decode()
    assert "tasks-gallery" in page.get(LIST).content.decode()
    assert "<table" in page.get(f"{LIST}?view=table").content.decode()


@pytest.mark.parametrize("view", ["table", "gallery"])
def test_a_long_page_asks_no_more_than_a_short_one(page: Client, make: Make, mate: User, view: str) -> None:
    def asked(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert page.get(f"{LIST}?view={view}&{query}").status_code == 200
        return len(queries)

    keep(make("boat"))
    asked("")
    short = [asked(""), asked("q=boat")]
    for number in range(30):
        task = make(f"boat {number}", user=mate if number % 2 else None, model=f"m-{number}")
        for _ in range(3):
            keep(task)
    assert [asked(""), asked("q=boat")] == short


def test_a_line_alone_is_as_it_is_now(page: Client, make: Make) -> None:
    task = make("a boat", status="collecting")
    address = re.search(r'data-card-url="([^"]+)"', page.get(f"{LIST}?q=boat").content.decode())
    assert address
    MediaTask.objects.filter(pk=task.pk).update(status="succeeded", ended_at=timezone.now())
    text = page.get(address[1].replace("&amp;", "&")).content.decode()
    assert text.lstrip().startswith("<tr")
    assert "Ready" in text
    assert "<mark>boat</mark>" in text
    assert page.get(f"/studio/task/{uuid.uuid4()}/row").status_code == 404


def test_a_stranger_finds_nothing_of_it(sign_in: SignIn, stranger: User, make: Make) -> None:
    task = make("a secret boat")
    keep(task)
    client = sign_in(stranger)
    for query in ("", "q=secret", f"who={task.user_id}", "model=kling-v3"):
        text = client.get(f"{LIST}?{query}").content.decode()
        assert titles_in(text) == []
        assert "secret boat" not in text
    assert "kling-v3" not in client.get(LIST).content.decode()
    for part in ("row", "zip"):
        assert client.get(f"/studio/task/{task.pk}/{part}").status_code == 404


def test_a_viewer_looks_and_is_offered_downloads_only(sign_in: SignIn, viewer: User, make: Make) -> None:
    make("a boat")
    text = sign_in(viewer).get(LIST).content.decode()
    assert 'value="zip"' in text
    assert 'value="delete"' not in text
    assert 'name="star"' not in text


def test_what_is_under_way_says_how_far(page: Client, make: Make) -> None:
    make("a boat", status="collecting", progress=0.4)
    make("not kept", status="succeeded")
    Asset.objects.create(
        task=MediaTask.objects.get(title="not kept"),
        ordinal=0,
        kind="video",
        key="0",
        status="failed",
        error="gone",
    )
    text = page.get(LIST).content.decode()
    assert "Saving your copy" in text
    assert "Ready, copy failed" in text


def test_the_rail_and_the_palette_lead_here(page: Client) -> None:
    text = page.get(LIST).content.decode()
    entries = re.findall(r'class="rail-entry" href="([^"]+)"( aria-current="page")?', text)
    assert [href for href, here in entries if here] == [LIST]
    assert re.search(r'role="option" href="/studio/tasks/"', text)
    studio = page.get("/studio/video/").content.decode()
    assert re.search(r'href="/studio/" aria-current="page"', studio)
