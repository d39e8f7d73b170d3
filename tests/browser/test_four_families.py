"""Each family in the browser, against the demo gateway, in both modes, streamed and not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from playground.gateway.wire import FAMILIES
from tests.browser.desk import Desk, expect, text_of
from tests.browser.test_families import speak
from tests.browser.test_tools import add_tool, open_tab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def seat(site: Any, signed_in: Any, mode: str, open_page: Callable[..., Page]) -> Desk:
    """The owner at a site of either mode."""
    place = site(mode)
    visitor = signed_in(place)
    page = open_page()
    cookies = [{"name": name, "value": value, "url": place.url} for name, value in visitor.cookies.items()]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]  # a dict literal is no TypedDict
    return Desk(page, place.url)


def picture() -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (23, 17), "teal").save(file, "PNG")
    return {"name": "teal.png", "mimeType": "image/png", "buffer": file.getvalue()}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_person_asks_shows_a_picture_answers_two_calls_and_gets_json(
    seat: Desk, family: str, streamed: bool
) -> None:
    desk = seat.open().ready()
    desk.choose("demo-chat")
    speak(desk, family)
    desk.page.locator("[name=stream]").set_checked(streamed)

    desk.ask("Tell me about lighthouses.", "demo-chat")
    assert "lighthouse" in text_of(desk.answered()).lower()

    desk.page.locator("#files").set_input_files([picture()])
    expect(desk.page.locator(".composer-image [name=image]")).to_have_count(1)
    desk.ask("What is this?")
    assert "23 × 17" in text_of(desk.answered())

    open_tab(desk, "tools")
    add_tool(desk, "Weather")
    add_tool(desk, "Search")
    desk.ask("Call both: the weather in Paris, and a search for lighthouses.")
    form = desk.answered().locator("form.give")
    expect(form.locator("textarea")).to_have_count(2)
    form.locator("textarea").first.fill('{"sky": "violet hail"}')
    form.locator("textarea").last.fill('{"found": 4711}')
    form.get_by_role("button", name="Run on").click()
    expect(desk.page.locator("article.results")).to_contain_text("violet hail")
    expect(desk.page.locator("form.give")).to_have_count(0)
    said = text_of(desk.answered())
    assert "violet hail" in said
    assert "4711" in said
    open_tab(desk, "tools")
    desk.page.locator("[name=tools-on]").uncheck()

    open_tab(desk, "schema")
    desk.page.locator("[name=schema-on]").check()
    desk.page.locator("#schema-text").fill(
        '{"type": "object", "properties": {"height_m": {"type": "number"}}, "required": ["height_m"],'
        ' "additionalProperties": false}'
    )
    desk.ask("How high is it?")
    expect(desk.answered().locator(".verdict")).to_contain_text("Fits the schema")
    expect(desk.answered().locator("figure.code")).to_contain_text("height_m")
