"""Usage at the screen: a run is counted, priced and held back by a budget; in every look, and accessible."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect
from tests.browser.test_axe import LOOKS

pytestmark = pytest.mark.browser
Somebody = Callable[..., Desk]
Axe = Callable[..., None]


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    value: dict[str, Any] = request.param
    return value


def test_a_run_is_counted_priced_and_held_back_by_a_budget(somebody: Somebody, watch: Watch) -> None:
    watch.allow("status of 422")
    desk = somebody()
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    page = desk.open("/usage/").page
    expect(page.locator(".usage-totals")).to_contain_text("Runs")
    expect(page.locator(".usage-groups tbody tr")).to_contain_text(["demo-chat"])
    expect(page.locator("#chart-runs .spot")).to_have_count(1)
    page.locator("#usage-table summary").click()
    expect(page.locator("#usage-table tbody tr")).to_have_count(1)

    # A choice shows at once, and the days come with "From … to …" alone.
    expect(page.locator("#usage-since")).to_be_hidden()
    page.locator("#usage-by").select_option("key")
    page.wait_for_url(re.compile("by=key"))
    expect(page.locator(".usage-groups tbody tr")).to_contain_text(["Demo"])
    page.locator("#usage-range").select_option("custom")
    expect(page.locator("#usage-since")).to_be_visible()

    desk.open("/usage/").page.get_by_role("link", name=re.compile("Set price")).click()
    page.locator("#id_since").fill("2026-01-01")
    page.locator("#id_input").fill("1000")
    page.get_by_role("button", name="Save the price").click()
    expect(page.locator(".has-error")).to_contain_text("Give input and output both")
    page.locator("#id_output").fill("1000")
    page.get_by_role("button", name="Save the price").click()
    expect(page.locator("#price-history")).to_contain_text("In force")

    desk.open("/usage/budgets/")
    page.locator("#id_limit").fill("1")
    # The day of the run may be over by now.
    page.locator("#id_period").select_option("month")
    page.get_by_role("button", name="Save the budget").click()
    expect(page.locator("#budgets")).to_contain_text("Used up")
    desk.open().ready()
    expect(page.locator(".budget-left")).to_contain_text("Budget used up")
    desk.choose("demo-chat")
    page.locator("#message").fill("Once more")
    page.locator("#send").click()
    expect(page.locator("#composer")).to_contain_text("The budget is used up: You have used")
    expect(page.locator("#message")).to_have_value("Once more")


def test_every_page_is_accessible_in_every_look(somebody: Somebody, look: dict[str, Any], axe: Axe) -> None:
    desk = somebody(**look)
    desk.open("/usage/")
    expect(desk.page.locator(".empty")).to_be_visible()
    axe(desk.page)
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    desk.open("/usage/budgets/")
    desk.page.locator("#id_limit").fill("100000")
    desk.page.get_by_role("button", name="Save the budget").click()
    expect(desk.page.locator("#budgets")).to_be_visible()
    axe(desk.page)
    desk.open("/usage/")
    desk.page.locator("#usage-table summary").click()
    axe(desk.page)
    for path in ("/usage/prices/", "/usage/prices/model/?family=openai_chat&model=demo-chat"):
        desk.open(path)
        axe(desk.page)
    desk.open().ready()
    expect(desk.page.locator(".budget-left")).to_contain_text("left today")
    axe(desk.page)


def test_nothing_is_wider_than_a_small_phone(somebody: Somebody) -> None:
    desk = somebody(width=320, height=640)
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    for path in ("/usage/?by=model", "/usage/prices/", "/usage/budgets/"):
        desk.open(path)
        wide = desk.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, path
