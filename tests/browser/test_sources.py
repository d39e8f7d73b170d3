"""The sources of an answer on the page: the same while it is written and after a reload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.easel import LOOKS
from tests.browser.test_families import speak

pytestmark = pytest.mark.browser
QUESTION = "Explain tides and cite your sources"


def asked(desk: Desk, family: str) -> Desk:
    desk.open().ready()
    desk.choose("demo-chat")
    speak(desk, family)
    if desk.page.locator("#inspector:modal").count():
        desk.page.keyboard.press("Escape")
        expect(desk.page.locator("#inspector:modal")).to_have_count(0)
    desk.ask(QUESTION, "demo-chat")
    desk.answered()
    return desk


@pytest.mark.parametrize("family", ["openai_responses", "anthropic"])
def test_sources_stand_below_the_answer_live_and_after_a_reload(desk: Desk, family: str) -> None:
    page = asked(desk, family).page
    links = page.locator(".part-sources li > a")
    expect(links).to_have_count(2)
    live = page.locator(".part-sources").inner_html()
    assert links.first.get_attribute("rel") == "noopener noreferrer nofollow"
    expect(page.locator(".part-sources li").first).to_contain_text("handbook.example.com")
    assert page.locator(".answer .turn-body > :last-child").get_attribute("data-kind") == "sources"
    page.reload()
    expect(links).to_have_count(2)
    assert page.locator(".part-sources").inner_html() == live


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[3]])
def test_sources_with_their_quotes_are_accessible(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Callable[..., None]
) -> None:
    page = asked(somebody(**look), "anthropic").page
    quoted = page.locator(".sources blockquote").first
    expect(quoted).to_be_hidden()
    page.locator(".sources summary").first.click()
    expect(quoted).to_be_visible()
    axe(page)
