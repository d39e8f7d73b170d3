"""The Tasks list as a person uses it: filters, choosing many, news, keys; and how it looks."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.easel import LOOKS, made, opened, ready

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


def make(desk: Desk, *prompts: str) -> Page:
    page = opened(desk, "image", "kling.image")
    for prompt in prompts:
        page.get_by_label("Prompt", exact=True).fill(prompt)
        ready(made(page))
    return page


def listed(desk: Desk, query: str = "") -> Page:
    page = desk.open(f"/studio/tasks/{query}").page
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    return page


def rows(page: Page) -> Locator:
    return page.locator("#tasks [data-row]")


def test_words_narrow_while_they_are_typed_and_stay_in_the_address(studio: Desk) -> None:
    make(studio, "a red kite", "a blue boat")
    page = listed(studio)
    expect(rows(page)).to_have_text(["a blue boat", "a red kite"])
    page.locator("#tasks-words").press_sequentially("kite")
    expect(rows(page)).to_have_text(["a red kite"])
    expect(page.locator("#tasks mark")).to_have_text("kite")
    expect(page.locator("#tasks-words")).to_be_focused()
    assert "q=kite" in page.url
    page.reload()
    expect(rows(page)).to_have_text(["a red kite"])
    page.get_by_label("State").select_option("failed")
    expect(page.locator("#tasks")).to_contain_text("No task fits")
    page.get_by_role("link", name="Clear the filters").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("link", name="Gallery").click()
    expect(page.locator(".tasks-tile img")).to_have_count(2)
    page.get_by_label("Kind").select_option("image")
    expect(page.locator(".tasks-tile")).to_have_count(2)
    listed(studio)
    expect(page.locator(".tasks-tile")).to_have_count(2)


def test_many_are_kept_in_mind_downloaded_and_deleted(studio: Desk) -> None:
    make(studio, "a red kite", "a blue boat", "a green hill")
    page = listed(studio)
    buttons = page.locator("[data-needs-chosen]")
    assert not any(button.is_enabled() for button in buttons.all())
    for name in ("a red kite", "a green hill"):
        page.get_by_label(f"Choose {name}").check()
    expect(page.locator("#tasks-count")).to_have_text("2 chosen")
    page.get_by_role("button", name="Favourite", exact=True).click()
    expect(page.locator("#tasks [aria-pressed=true]")).to_have_count(2)
    expect(page.locator("#tasks-count")).to_have_text("2 chosen")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert archive.testzip() is None
    tasks = json.loads(archive.read("manifest.json"))["tasks"]
    assert [task["prompt"] for task in tasks] == ["a green hill", "a red kite"]
    page.get_by_role("button", name="Delete…").click()
    dialog = page.locator("#tasks-ask")
    expect(dialog).to_contain_text("Delete 2 tasks?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(rows(page)).to_have_text(["a blue boat"])
    expect(page.locator("#toasts")).to_contain_text("Deleted, with all files: 2 tasks.")


def test_keys_go_from_task_to_task_and_choose(studio: Desk) -> None:
    make(studio, "a red kite", "a blue boat")
    page = listed(studio)
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="a red kite")).to_be_focused()
    expect(page.get_by_label("Choose a red kite")).to_be_checked()
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="a blue boat")).to_be_focused()
    page.locator("#tasks-words").focus()
    page.keyboard.type("jx")
    expect(page.locator("#tasks-words")).to_have_value("jx")
    listed(studio).locator("#tasks-all").check()
    expect(page.locator("#tasks-count")).to_have_text("2 chosen")


def test_new_ones_wait_and_lines_follow_their_tasks(studio: Desk) -> None:
    make(studio, "a red kite")
    page = listed(studio)
    page.get_by_label("Choose a red kite").check()
    other = Desk(page.context.new_page(), studio.url)
    beside = opened(other, "image", "kling.image")
    beside.get_by_label("Prompt", exact=True).fill("a blue boat")
    card = made(beside)
    news = page.get_by_role("link", name="1 new")
    expect(news).to_be_visible()
    expect(rows(page)).to_have_text(["a red kite"])
    expect(page.get_by_label("Choose a red kite")).to_be_checked()
    news.click()
    expect(rows(page)).to_have_text(["a blue boat", "a red kite"])
    expect(page.get_by_label("Choose a red kite")).to_be_checked()
    expect(news).to_be_hidden()
    ready(card)
    expect(page.locator("tr", has_text="a blue boat").locator(".status")).to_have_text("Ready")


def test_without_script_it_works_all_the_same(studio: Desk, somebody: Callable[..., Desk]) -> None:
    make(studio, "a red kite", "a blue boat")
    state = studio.page.context.storage_state()
    # It would go on asking for the card of what is deleted below.
    studio.page.close()
    plain = somebody(java_script_enabled=False)
    plain.page.context.clear_cookies()
    plain.page.context.add_cookies(state["cookies"])  # type: ignore[arg-type]  # what came out goes in
    page = plain.page
    page.goto(f"{plain.url}/studio/tasks/")
    page.locator("#tasks-words").fill("kite")
    page.get_by_role("button", name="Show").click()
    expect(rows(page)).to_have_text(["a red kite"])
    page.get_by_label("Favourite: a red kite").click()
    expect(page.get_by_label("Favourite: a red kite")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("q=kite"))
    page.get_by_label("Choose a red kite").check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#tasks")).to_contain_text("No task fits")


@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_right_to_everybody(
    worker: None, somebody: Callable[..., Desk], axe: Callable[..., None], look: dict[str, Any]
) -> None:
    desk = somebody(**look)
    page = listed(desk)
    expect(page.locator("#tasks")).to_contain_text("Nothing made yet")
    axe(page)
    make(desk, "a red kite over a long quiet harbour in the last light of a day")
    for query in ("?view=table&q=harbour", "?view=gallery"):
        listed(desk, query)
        expect(rows(page)).to_have_count(1)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        axe(page)
    page.locator("[name=task]").check()
    page.locator("[value=delete]").click()
    expect(page.locator("#tasks-ask")).to_be_visible()
    axe(page)
