"""Looking at what was made: details beside the feed, pictures closely, two takes, films by frames; keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, box, expect
from tests.browser.easel import LOOKS, made, opened, ready

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def pictures(desk: Desk, *prompts: str) -> Page:
    page = opened(desk, "image", "kling.image")
    for prompt in prompts:
        page.get_by_label("Prompt", exact=True).fill(prompt)
        ready(made(page))
    return page


@pytest.mark.parametrize("tab", ["image", "video", "music", "audio"])
def test_the_first_form_of_a_medium_works_as_it_stands(studio: Desk, tab: str) -> None:
    page = studio.open(f"/studio/{tab}/").page
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    page.locator("#key").select_option(label=studio.option("Demo"))
    if page.locator("#model-field").count():
        expect(page.locator("#model-field input")).to_have_value(re.compile("^demo-"))
    for field in page.locator("#studio-form textarea:not(#extra)").all()[:1]:
        field.fill("a slow boat")
    ready(made(page))


def test_a_model_is_chosen_from_the_list_of_the_key(studio: Desk) -> None:
    page = opened(studio, "image", "gemini.image")
    expect(page.locator("#model-field input")).to_have_value("demo-image")
    page.get_by_role("button", name="Choose…").click()
    page.locator("#model-search").fill("demo-chat-mini")
    page.locator("#model-options").get_by_role("button", name="demo-chat-mini", exact=True).click()
    expect(page.locator("#model-field input")).to_have_value("demo-chat-mini")
    expect(page.locator("#model-picker")).to_be_hidden()


def test_details_stand_beside_the_feed_and_in_the_address(studio: Desk) -> None:
    page = pictures(studio, "a red kite", "a blue kite")
    page.get_by_role("link", name="a red kite").first.click()
    title = page.locator("#detail .task-title")
    expect(title).to_have_text("a red kite")
    expect(page.locator(".task-card[aria-current=true]")).to_contain_text("a red kite")
    page.reload()
    expect(title).to_have_text("a red kite")
    page.get_by_role("link", name="a blue kite").first.click()
    expect(title).to_have_text("a blue kite")
    page.go_back()
    expect(title).to_have_text("a red kite")
    page.get_by_role("link", name="Close the details").click()
    expect(page.locator("#detail")).to_be_empty()
    assert "task=" not in page.url


def test_what_is_done_in_the_details_shows_on_the_card_too(studio: Desk) -> None:
    page = pictures(studio, "a green kite")
    page.get_by_role("link", name="a green kite").first.click()
    page.locator("#detail").get_by_role("button", name="Favourite").click()
    for place in ("#detail", "#feed"):
        star = page.locator(place).get_by_role("button", name="Favourite")
        expect(star).to_have_attribute("aria-pressed", "true")


def test_on_a_phone_the_details_have_their_own_page(somebody: Callable[..., Desk], worker: None) -> None:
    page = pictures(somebody(width=390, height=844), "a small kite")
    page.get_by_role("link", name="a small kite").first.click()
    page.wait_for_url(re.compile(r"/studio/task/"))


def test_a_picture_is_seen_at_its_own_size_and_moved_by_keyboard(studio: Desk) -> None:
    page = pictures(studio, "a wide harbour")
    page.get_by_role("link", name="a wide harbour").first.click()
    page.set_viewport_size({"width": 1200, "height": 420})
    page.locator("#detail [data-zoom]").first.click()
    pane = page.locator("#zoom-pane")
    expect(pane).to_be_focused()
    expect(page.locator("#zoom-image")).to_be_visible()
    page.get_by_role("button", name="100 %").click()
    natural = page.locator("#zoom-image").evaluate("image => image.naturalWidth")
    assert box(page.locator("#zoom-image"))["width"] == pytest.approx(natural, abs=1)
    before = pane.evaluate("pane => pane.scrollTop")
    pane.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("before => document.getElementById('zoom-pane').scrollTop > before", arg=before)
    page.keyboard.press("Escape")
    expect(page.locator("#zoom")).to_be_hidden()


def test_two_takes_stand_side_by_side_with_what_differs(studio: Desk) -> None:
    page = pictures(studio, "a red door", "a green door")
    page.get_by_role("link", name="a green door").first.click()
    page.locator("#detail .task-actions").get_by_role("link", name="Compare…").click()
    page.get_by_role("link", name="a red door").click()
    expect(page.locator(".compare-side img")).to_have_count(2)
    row = page.locator("tr[data-differs]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("a green door")
    expect(row).to_contain_text("a red door")
    over = page.locator(".split-over")
    before = over.evaluate("image => getComputedStyle(image).clipPath")
    page.locator("#split-at").fill("20")
    assert over.evaluate("image => getComputedStyle(image).clipPath") != before


def test_a_film_goes_frame_by_frame(studio: Desk) -> None:
    page = opened(studio, "video", "dashscope.video")
    page.get_by_label("Prompt", exact=True).fill("a ferry")
    ready(made(page))
    page.get_by_role("link", name="a ferry").first.click()
    film = page.locator("#detail video")
    film.evaluate(
        "film => film.readyState || new Promise(done => { film.onloadedmetadata = done; film.load() })"
    )
    page.get_by_role("button", name="One frame on").click()
    at = film.evaluate("film => film.currentTime")
    assert 0 < at < 0.2
    page.locator("#detail").focus()
    page.keyboard.press(".")
    page.wait_for_function("at => document.querySelector('#detail video').currentTime > at", arg=at)
    page.keyboard.press(",")
    page.wait_for_function("at => document.querySelector('#detail video').currentTime <= at + 0.001", arg=at)
    page.locator("#detail [data-speed]").select_option("0.5")
    assert film.evaluate("film => film.playbackRate") == 0.5


def test_keys_make_move_and_reuse(studio: Desk) -> None:
    page = pictures(studio, "a first swan")
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("a second swan")
    prompt.press("Control+Enter")
    expect(page.locator(".task-card")).to_have_count(2)
    ready(page.locator(".task-card").first)
    page.locator(".studio-feed").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="a first swan").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="a second swan").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail .task-title")).to_have_text("a second swan")
    page.keyboard.press("r")
    page.wait_for_url(re.compile("reuse="))
    expect(prompt).to_have_value("a second swan")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_contain_text("Reuse the card's settings")


@pytest.mark.parametrize("look", LOOKS)
def test_looking_closely_is_accessible(
    somebody: Callable[..., Desk], worker: None, look: dict[str, Any], axe: Callable[..., None], watch: Watch
) -> None:
    page = pictures(somebody(**look), "a red roof", "a grey roof")
    page.get_by_role("link", name="a grey roof").first.click()
    page.locator("[data-zoom]").first.click()
    expect(page.locator("#zoom")).to_be_visible()
    axe(page)
    page.keyboard.press("Escape")
    axe(page)
    page.locator(".task-actions").get_by_role("link", name="Compare…").click()
    axe(page)
    page.get_by_role("link", name="a red roof").click()
    expect(page.locator("#split")).to_be_visible()
    axe(page)
    page.goto(page.url.partition("/studio/")[0] + "/studio/image/?operation=gemini.image")
    page.get_by_role("button", name="Choose…").click()
    expect(page.locator("#model-options button").first).to_be_visible()
    axe(page)
