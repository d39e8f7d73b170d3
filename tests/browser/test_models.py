"""The page Models as a person uses it: asking for a list, narrowing it, labels, trying; and how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect
from tests.browser.test_axe import LOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
Axe = Callable[..., None]
COMPARED = "/models/compare/?model=demo-chat&model=demo-chat-mini"


def listed(desk: Desk) -> Page:
    """The page, once the demo's list came."""
    page = desk.open("/models/").page
    row = page.locator(".key-list", has_text="Demo")
    fold = page.locator(".key-lists > summary")
    if not row.is_visible():
        fold.click()
    row.get_by_role("button", name="Refresh now: the lists of Demo").click()
    expect(row).to_contain_text("Up to date")
    # The row is another one now; its button has the focus again, before anything else is typed.
    expect(row.get_by_role("button", name="Refresh now: the lists of Demo")).to_be_focused()
    expect(row).to_contain_text(re.compile(r"OpenAI list: \d+ models, came"))
    expect(names(page).first).to_be_visible()
    return page


def names(page: Page) -> Locator:
    return page.locator("#models .model-name > a")


def test_a_list_is_asked_for_and_narrowed_while_words_are_typed(desk: Desk) -> None:
    page = listed(desk)
    page.locator("#models-words").press_sequentially("Fault: silent")
    expect(names(page)).to_have_count(1)
    expect(page.locator("#models-words")).to_be_focused()
    assert "q=Fault" in page.url
    page.reload()
    expect(names(page)).to_have_count(1)
    page.get_by_label("Measured capability").select_option("tools")
    expect(page.locator("#models")).to_contain_text("No model fits")
    page.get_by_label("What was seen of the capability").select_option("unknown")
    expect(names(page)).to_have_count(1)
    page.get_by_role("link", name="Cards").click()
    expect(page.locator(".model-card")).to_have_count(1)
    assert "view=cards" in page.url
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.locator(".model-card").nth(5)).to_be_visible()


def test_a_model_is_labelled_found_by_the_label_and_tried(desk: Desk) -> None:
    page = listed(desk)
    page.locator("#models-words").fill("demo-chat-mini")
    expect(names(page)).to_have_count(1)
    names(page).first.click()
    expect(page.locator("h1")).to_contain_text("Demo Chat Mini")
    page.get_by_role("group", name="Modality").get_by_label("Text").check()
    page.get_by_label("Use", exact=True).fill("Drafts")
    page.get_by_role("button", name="Save the labels").click()
    expect(page.get_by_text("The labels are saved for the team.")).to_be_visible()
    expect(page.get_by_label("Use", exact=True)).to_have_value("drafts")
    desk.open("/models/?use=drafts")
    expect(names(page)).to_have_count(1)
    expect(page.locator(".model-labels").first).to_contain_text("Text")
    names(page).first.click()
    page.get_by_role("button", name="Try in a chat").click()
    desk.ready()
    expect(page.locator("#model")).to_have_value("demo-chat-mini")
    desk.ask("Hello")
    desk.answered()


def test_everything_works_without_script(somebody: Callable[..., Desk]) -> None:
    desk = somebody(java_script_enabled=False)
    page = desk.open("/models/").page
    if not page.get_by_role("button", name="Refresh now: the lists of Demo").is_visible():
        page.locator(".key-lists > summary").click()
    page.get_by_role("button", name="Refresh now: the lists of Demo").click()
    expect(names(page).first).to_be_visible()
    page.get_by_label("Search by id, name or use").fill("demo-vision")
    page.get_by_role("button", name="Show").click()
    expect(names(page)).to_have_count(1)
    names(page).first.click()
    page.get_by_label("Use", exact=True).fill("pictures")
    page.get_by_role("button", name="Save the labels").click()
    expect(page.get_by_label("Use", exact=True)).to_have_value("pictures")


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Axe, watch: Watch
) -> None:
    watch.allow("status of 422")
    desk = somebody(**look)
    page = listed(desk)
    axe(page)
    desk.open("/models/?view=cards&q=demo-chat")
    expect(page.locator(".model-card").first).to_be_visible()
    axe(page)
    desk.open("/models/?q=there-is-no-such-model")
    expect(page.locator("#models")).to_contain_text("No model fits")
    axe(page)
    desk.open("/models/changes/")
    expect(page.locator("h1")).to_have_text("What changed")
    axe(page)
    desk.open(COMPARED)
    expect(page.locator("h1")).to_contain_text("Compare")
    axe(page)
    desk.open("/models/model/?id=demo-chat")
    expect(page.locator("h1")).to_contain_text("Demo Chat")
    page.locator("#uses").fill(",".join(f"word {number}" for number in range(9)))
    axe(page)
    page.get_by_role("button", name="Save the labels").click()
    expect(page.locator("#uses-error")).to_contain_text("At most 8 words")
    axe(page)


def test_nothing_is_wider_than_the_smallest_screen(somebody: Callable[..., Desk]) -> None:
    desk = somebody(width=320, height=640)
    page = listed(desk)
    for path in (
        "/models/",
        "/models/?view=cards",
        "/models/changes/",
        COMPARED,
        "/models/model/?id=demo-chat",
    ):
        desk.open(path)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
