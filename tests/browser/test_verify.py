"""Verify as a person uses it: runs that are followed live, stopped and asked for again, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.easel import LOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Axe = Callable[..., None]


def opened(desk: Desk) -> Page:
    """The page of the demo key."""
    page = desk.open("/verify/").page
    expect(page.locator("#verify[data-ready]")).to_be_visible()
    demo = next(text for text in page.locator("#verify-key option").all_inner_texts() if "Demo" in text)
    with page.expect_navigation():
        page.locator("#verify-key").select_option(label=demo)
    expect(page.locator("#verify[data-ready]")).to_be_visible()
    return page


def begun(page: Page, button: str) -> Page:
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(re.compile(r"/verify/[0-9a-f-]{36}/"))
    return page


def over(page: Page) -> Page:
    expect(page.locator("#check-run[data-live=no]")).to_be_visible()
    return page


def row(page: Page, name: str) -> Any:
    return page.locator(f"#check-{name.replace('.', '-')}")


def test_rows_turn_while_one_looks_and_the_end_is_said(studio: Desk) -> None:
    page = begun(opened(studio), "Only the free ones")
    over(page)
    expect(row(page, "key").locator(".status")).to_have_text("Passed")
    expect(row(page, "callback.reach").locator(".status")).to_have_text("Not possible here")
    expect(page.locator("#check-sum")).to_contain_text("Nothing failed")
    expect(page.locator("#check-diff")).to_contain_text("no earlier run")
    expect(page.get_by_role("button", name="Run again", exact=True)).to_be_visible()


def test_a_run_goes_on_without_its_page_and_is_stopped_from_it(studio: Desk) -> None:
    page = opened(studio)
    page.locator(".verify-models > summary").click()
    page.get_by_label("Anthropic", exact=True).fill("demo-hang")
    row(page, "key").get_by_role("checkbox").check()
    row(page, "reply.anthropic").get_by_role("checkbox").check()
    begun(page, "The chosen ones")
    expect(row(page, "key").locator(".status")).to_have_text("Passed")
    expect(row(page, "reply.anthropic").locator(".status")).to_have_text("Running")
    address = page.url
    page.goto(studio.url + "/verify/")
    note = page.locator("#live-note")
    expect(note).to_contain_text("This key is being checked right now.")
    expect(page.locator("#activity")).to_contain_text("1 running")
    page.goto(address)
    expect(page.locator("#verify[data-ready]")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    over(page)
    expect(page.locator("#check-sum .status")).to_have_text("Stopped")
    expect(row(page, "reply.anthropic")).to_contain_text("Stopped in the middle; nothing was found out.")


def test_the_list_says_when_a_run_of_the_key_is_over(studio: Desk) -> None:
    page = opened(studio)
    page.locator(".verify-models > summary").click()
    page.get_by_label("Gemini", exact=True).fill("demo-hang")
    begun(page, "Run: Gemini: a minimal request")
    run = page.url
    other = studio.page.context.new_page()
    other.goto(run.split("/verify/")[0] + "/verify/")
    expect(other.locator("#verify[data-ready]")).to_be_visible()
    expect(other.get_by_role("button", name="Run all")).to_be_disabled()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(other.locator("#over-note")).to_contain_text("The run is over.")
    expect(other.get_by_role("button", name="Run all")).to_be_enabled()


def test_paid_checks_are_asked_first_and_evidence_opens_in_its_row(studio: Desk) -> None:
    page = opened(studio)
    for name in ("reply.openai_chat", "task.suno"):
        row(page, name).get_by_role("checkbox").check()
    page.get_by_role("button", name="The chosen ones").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("These checks are charged")
    expect(page.locator("main")).to_contain_text("The words of a song.")
    begun(page, "Run the rest only")
    over(page)
    expect(page.locator("li.verify-row")).to_have_count(1)
    shown = row(page, "reply.openai_chat")
    expect(shown).to_contain_text("It replied “AnyInt OK”.")
    shown.locator("summary").click()
    expect(shown.locator(".evidence")).to_contain_text("Authorization: [hidden]")


def test_everything_works_without_script(somebody: Callable[..., Desk], worker: None) -> None:
    plain = somebody(java_script_enabled=False)
    page = plain.open("/verify/").page
    page.get_by_role("button", name="Run: The key is stored safely").click()
    page.wait_for_url(re.compile(r"/verify/[0-9a-f-]{36}/"))

    for _ in range(600):
        if page.reload() and page.locator("#check-run[data-live=no]").count():
            break
    expect(row(page, "key").locator(".status")).to_have_text("Passed")
    row(page, "key").locator("summary").click()
    page.get_by_role("link", name="Open what was sent and what came").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The key is stored safely")


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible(
    somebody: Callable[..., Desk], worker: None, look: dict[str, Any], axe: Axe
) -> None:
    desk = somebody(**look)
    page = opened(desk)
    axe(page)
    row(page, "task.kling").get_by_role("checkbox").check()
    page.get_by_role("button", name="The chosen ones").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("These checks are charged")
    axe(page)
    opened(desk)
    page.locator(".verify-models > summary").click()
    page.get_by_label("Gemini", exact=True).fill("demo-error-503")
    for name in ("key", "reply.gemini", "hosts", "error.cut"):
        row(page, name).get_by_role("checkbox").check()
    over(begun(page, "The chosen ones"))
    row(page, "reply.gemini").locator("summary").click()
    expect(row(page, "reply.gemini").locator(".evidence")).to_be_visible()
    axe(page)
    opened(desk)
    axe(page)
    desk.open("/verify/note")
    expect(page.get_by_role("heading", level=1)).to_have_text("Integration note")
    axe(page)


def test_a_narrow_screen_needs_no_scrolling_sideways(somebody: Callable[..., Desk], worker: None) -> None:
    desk = somebody(width=320, height=700)
    page = opened(desk)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    over(begun(page, "Only the free ones"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    desk.open("/verify/note")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
