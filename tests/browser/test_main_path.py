"""From the one-time link to a finished answer, and what happens to it meanwhile: both modes, real servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.counted import mark
from tests.browser.desk import Desk, expect, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
STALLED = "demo-stall-after-30"


def has_come(desk: Desk) -> None:
    """All thirty tokens that the stalled model ever sends are on screen."""
    expect(desk.live.locator(".tail, .block").last).to_be_visible()
    desk.page.wait_for_function(
        "() => document.querySelector('article.answer[data-live] .turn-body')?.textContent.length > 60"
    )


def test_from_the_link_to_a_finished_answer(
    site: Any, mode: str, open_page: Callable[..., Page], axe: Any
) -> None:
    place = site(mode)
    desk = Desk(open_page(), place.url)
    desk.page.goto(place.login_link())
    desk.ready()
    desk.ask("Compare tea and coffee in a table.", "demo-chat")
    done = desk.answered()
    expect(done.locator(".table-scroll table")).to_be_visible()
    for fact in ("First token", "Pace", "In", "Out"):
        expect(done.locator(".turn-facts").get_by_text(fact, exact=True)).to_be_visible()
    expect(done.locator(".turn-facts")).to_contain_text("Finished")
    expect(desk.page).to_have_title("Compare tea and coffee in a table. · AnyInt Playground")
    axe(desk.page)


def test_a_reload_in_mid_stream_shows_the_text_at_once_and_asks_nobody(
    site: Any, mode: str, open_page: Callable[..., Page], demo: str
) -> None:
    place = site(mode)
    first = Desk(open_page(), place.url)
    first.page.goto(place.login_link())
    first.ready().ask("Tell me about lighthouses.", STALLED)
    has_come(first)
    shown, since = text_of(first.answers.last), mark(demo)
    # RUN_SAVE_S passes until the text is in the page itself; the stream brings it in any case.
    first.page.reload(wait_until="commit")
    expect(first.live.locator(".turn-body")).to_contain_text(shown[:40])
    second = Desk(first.page.context.new_page(), place.url)
    second.page.goto(first.page.url)
    expect(second.live.locator(".turn-body")).to_contain_text(shown[:40])
    second.page.bring_to_front()
    second.ready().page.locator("#stop").click()
    for desk in (second, first):
        expect(desk.answered()).to_contain_text("You stopped this.")
        assert text_of(desk.answers.last).startswith(shown[:40])
    assert since.calls(STALLED) == 0
