"""A fallback model as a person sets it, sees it, and asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.cast import OWNER, address
from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_the_fallback_is_set_seen_in_the_header_and_asked_by_a_button(
    site: Any, open_page: Callable[..., Page], axe: Any
) -> None:
    place = site("embedded")
    desk = Desk(open_page(), place.url)
    page = desk.page
    page.goto(place.login_link(address(OWNER)))
    desk.open().ready()
    if page.locator("#inspector-toggle").get_attribute("aria-expanded") != "true":
        page.locator("#inspector-toggle").click()
    chip = page.locator("#fallback-chip")
    expect(chip).to_be_hidden()
    desk.choose("demo-error-503")
    page.locator("#fallback-part .switch").click()
    expect(page.locator("#error-fallback")).to_contain_text("Choose a fallback model")
    page.locator("#fallback").fill("demo-chat")
    expect(chip).to_contain_text("demo-chat")
    expect(page.locator("#error-fallback")).to_be_hidden()
    axe(page)
    page.locator("#message").fill("Tell me about lighthouses.")
    page.locator("#send").click()
    offer = page.get_by_role("button", name="Try with demo-chat")
    expect(offer).to_be_visible()
    axe(page)
    offer.click()
    expect(page.locator("article.answer:not([data-live])")).to_contain_text("From the fallback: demo-chat")
    expect(chip).to_contain_text("demo-chat")
    axe(page)
