"""The studio as a person uses it, and how its pages are looked at."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

LOOKS = [
    pytest.param(
        {"width": width, "height": height, "color_scheme": scheme, "reduced_motion": "reduce"},
        id=f"{scheme}-{width}",
    )
    for width, height in ((1440, 900), (390, 844))
    for scheme in ("light", "dark")
]


def opened(desk: Desk, tab: str, operation: str) -> Page:
    page = desk.open(f"/studio/{tab}/?operation={operation}").page
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    page.locator("#key").select_option(index=0)
    key = next(text for text in page.locator("#key option").all_inner_texts() if text.startswith("Demo"))
    page.locator("#key").select_option(label=key)
    return page


def made(page: Page) -> Locator:
    # A page that a link led to may be half there: its cards are not counted, its form not sent by htmx.
    page.wait_for_load_state()
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    before = page.locator(".task-card").count()
    page.locator("#generate").click()
    expect(page.locator(".task-card")).to_have_count(before + 1)
    return page.locator(".task-card").first


def ready(card: Locator) -> None:
    expect(card.locator(".status")).to_contain_text("Ready")


def with_words(page: Page) -> None:
    """Lyrics in time of the song whose details are shown, from its menu to the kept task."""
    page.locator(".menu:popover-open").get_by_role("link", name="Lyrics in time").click()
    expect(page.locator("#f-audioId")).not_to_have_value("")
    ready(made(page))


def beside(page: Page) -> Page:
    """A second page of the same person, with the same address; it hears of every change from now on."""
    other = page.context.new_page()
    other.add_init_script(
        "addEventListener('playground:ready', () => document.documentElement.dataset.hears = '', true)"
    )
    other.goto(page.url)
    expect(other.locator("html[data-hears] #studio[data-ready]")).to_be_visible()
    return other


def png() -> bytes:
    file = BytesIO()
    Image.new("RGB", (320, 320), (40, 90, 150)).save(file, "PNG")
    return file.getvalue()
