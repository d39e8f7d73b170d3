"""History as a person uses it: what ran is found, rated, exported, deleted and brought back; its looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param({"width": width, "height": height, "color_scheme": scheme}, id=f"{scheme}-{width}")
    for width, height in ((1440, 900), (390, 844), (320, 640))
    for scheme in ("light", "dark")
]


def asked(desk: Desk, *questions: str) -> None:
    for question in questions:
        desk.ask_anew(question, "demo-chat-mini")
        desk.answered()


def listed(desk: Desk, query: str = "") -> Page:
    page = desk.open(f"/history/{query}").page
    expect(page.locator("#history-page[data-ready]")).to_be_visible()
    return page


def titles(page: Page) -> Locator:
    return page.locator("#history [data-row]")


def test_what_was_asked_is_found_rated_and_exported(desk: Desk) -> None:
    asked(desk, "Where does the heron sleep?", "What does an otter eat?")
    page = listed(desk)
    expect(titles(page)).to_have_text(["What does an otter eat?", "Where does the heron sleep?"])
    page.locator("#history-words").press_sequentially("heron")
    expect(titles(page)).to_have_text(["Where does the heron sleep?"])
    expect(page.locator("#history mark").first).to_have_text("heron")
    assert "q=heron" in page.url
    page.get_by_role("button", name="Good", exact=True).click()
    expect(page.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Choose Where does").check()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    told = json.loads(Path(download.value.path()).read_text())
    assert [(row["asked"], row["rating"]) for row in told] == [("Where does the heron sleep?", 1)]
    titles(page).first.click()
    expect(page.get_by_role("heading", name="Asked")).to_be_visible()
    page.get_by_role("link", name="Open in the chat").click()
    desk.ready()
    expect(desk.questions.last).to_contain_text("heron")


def test_what_is_deleted_leaves_at_once_and_comes_back(desk: Desk) -> None:
    asked(desk, "Where does the heron sleep?")
    page = listed(desk)
    page.get_by_label("Choose Where does").check()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 chat, whole")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#history")).to_contain_text("Nothing has run yet")
    page.get_by_role("button", name="Undo").click()
    expect(titles(page)).to_have_text(["Where does the heron sleep?"])


def test_an_answer_is_rated_where_it_stands(desk: Desk) -> None:
    asked(desk, "Where does the heron sleep?")
    page = desk.page
    page.get_by_role("link", name="Rate this answer").click()
    rating = page.locator(".rating")
    rating.get_by_label("Bad").check()
    rating.get_by_label("Note").fill("too short")
    rating.get_by_role("button", name="Save").click()
    expect(page.locator(".rating")).to_contain_text("Saved")
    page = listed(desk, "?rating=down")
    expect(titles(page)).to_have_count(1)


def test_what_ran_meanwhile_waits_behind_a_word(desk: Desk, somebody: Callable[..., Desk]) -> None:
    asked(desk, "Where does the heron sleep?")
    page = listed(desk)
    expect(titles(page)).to_have_count(1)
    other = Desk(page.context.new_page(), desk.url)
    asked(other, "What does an otter eat?")
    page.bring_to_front()
    expect(page.locator("#history-news")).to_contain_text("1 new")
    expect(titles(page)).to_have_count(1)
    page.locator("#history-news a").click()
    expect(titles(page)).to_have_count(2)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_accessible_and_fits(
    look: dict[str, Any], somebody: Callable[..., Desk], axe: Callable[..., None]
) -> None:
    desk = somebody(**look)
    page = listed(desk)
    axe(page)
    asked(desk, "Where does the heron sleep?")
    for query in ("?show=table", "?show=gallery", "?q=heron", "?q=nothing"):
        page = listed(desk, query)
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page = listed(desk, "?show=table")
    page.get_by_label("Choose Where does").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Keep", exact=True).click()
    titles(page).first.click()
    expect(page.get_by_role("heading", name="Asked")).to_be_visible()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Copy for outside").click()
    expect(page.get_by_role("heading", name="What it will say")).to_be_visible()
    axe(page)


def test_on_a_phone_the_rest_of_the_places_are_in_the_sheet(somebody: Callable[..., Desk]) -> None:
    desk = somebody(width=320, height=640)
    page = listed(desk)
    expect(page.locator(".rail-nav").get_by_role("link", name="Usage")).to_be_hidden()
    page.get_by_role("button", name="More").click()
    page.locator("#account-menu").get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", level=1, name="Usage")).to_be_visible()


def test_it_all_works_without_script(somebody: Callable[..., Desk]) -> None:
    desk = somebody()
    asked(desk, "Where does the heron sleep?")
    context = desk.page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr] # launched here
    context.add_cookies(desk.page.context.cookies())  # type: ignore[arg-type] # as it gave them
    page = context.new_page()
    page.goto(f"{desk.url}/history/?q=heron")
    expect(titles(page)).to_have_count(1)
    page.get_by_label("Choose Where does").check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(titles(page)).to_have_count(1)
    context.close()
