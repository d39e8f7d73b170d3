"""The studio on a slow line: answers that come late, or while somebody does something else already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from playground.gateway.media.registry import OPERATIONS
from tests.browser.desk import Desk, expect
from tests.browser.easel import beside, made, opened, ready, with_words

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

pytestmark = pytest.mark.browser
CARD = re.compile(r"/card$")
WHOLE = re.compile(r"/card\?whole=1$")


def held(page: Page, address: str | re.Pattern[str]) -> list[Route]:
    """The first request for this address waits for the test; the list is empty until it is sent."""
    routes: list[Route] = []
    page.route(address, lambda route: routes.append(route), times=1)  # a builtin takes no mark
    return routes


def drawn(desk: Desk, *prompts: str) -> Page:
    page = opened(desk, "image", "kling.image")
    for prompt in prompts:
        page.get_by_label("Prompt", exact=True).fill(prompt)
        ready(made(page))
    return page


def card_of(page: Page, prompt: str) -> Locator:
    return page.locator("#feed .task-card").filter(has_text=prompt)


def star(card: Locator, *, pressed: bool | None = None) -> Locator:
    state = {} if pressed is None else {"pressed": pressed}
    return card.get_by_role("button", name="Favourite", **state)


def away(page: Page) -> None:
    """The page goes where nothing is told of changes, as one does that is left and kept for a way back."""
    page.evaluate("() => dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")


def back(page: Page) -> None:
    page.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")


def test_the_key_chosen_last_says_the_model(studio: Desk) -> None:
    page = opened(studio, "image", "gemini.image")
    expect(page.locator("#model-field input")).to_have_value("demo-image")
    routes = held(page, "**/studio/model")
    with page.expect_request("**/studio/model"):
        page.locator("#key").select_option(label=studio.option("Demo"))
    page.locator("#key").select_option(label=studio.option("Own"))
    routes[0].continue_()
    expect(page.locator("#model-field input")).to_have_value(OPERATIONS["gemini.image"].models[0])


def test_the_focus_and_what_was_opened_meanwhile_stay(studio: Desk) -> None:
    page = drawn(studio, "a red kite")
    other = beside(page)
    other.get_by_role("link", name="a red kite").first.click()
    whole = other.locator("#detail .task-whole")
    routes = held(other, WHOLE)
    with other.expect_request(WHOLE):
        star(card_of(page, "a red kite")).click()
    answer = whole.locator("details").filter(has=other.locator("summary", has_text="Answer")).first
    answer.locator("> summary").click()
    whole.get_by_role("link", name="Reuse settings").focus()
    routes[0].continue_()
    expect(star(whole, pressed=True)).to_be_visible()
    expect(whole.get_by_role("link", name="Reuse settings")).to_be_focused()
    expect(answer).to_have_attribute("open", "")


def test_a_film_begun_meanwhile_plays_on_until_it_rests(studio: Desk) -> None:
    page = opened(studio, "video", "dashscope.video")
    page.get_by_label("Prompt", exact=True).fill("a ferry")
    ready(made(page))
    other = beside(page)
    routes = held(other, CARD)
    with other.expect_request(CARD):
        star(card_of(page, "a ferry")).click()
    film = other.locator("#feed video").element_handle()
    film.evaluate("film => { film.loop = film.muted = true; return film.play() }")
    other.evaluate(
        "() => addEventListener('htmx:afterRequest', ({ detail }) => {"
        " if (/card$/.test(detail.pathInfo.requestPath)) document.documentElement.dataset.answered = '' })"
    )
    routes[0].continue_()
    expect(other.locator("html[data-answered]")).to_be_visible()
    assert film.evaluate("film => film.isConnected && !film.paused")
    film.evaluate("film => film.pause()")
    expect(star(card_of(other, "a ferry"), pressed=True)).to_be_visible()


def test_cards_do_not_wait_for_one_another(studio: Desk) -> None:
    prompts = ("a red kite", "a blue boat", "a green hill")
    page = drawn(studio, *prompts)
    other = beside(page)
    routes = held(other, CARD)
    with other.expect_request(CARD):
        star(card_of(page, prompts[0])).click()
    for prompt in prompts[1:]:
        star(card_of(page, prompt)).click()
    for prompt in prompts[1:]:
        expect(star(card_of(other, prompt), pressed=True)).to_be_visible()
    routes[0].continue_()
    expect(star(card_of(other, prompts[0]), pressed=True)).to_be_visible()


def test_a_task_that_is_over_before_the_form_is_answered_shows_how_it_ended(studio: Desk) -> None:
    page = opened(studio, "image", "kling.image")
    page.evaluate(
        "() => addEventListener('playground:feed', ({ detail }) => {"
        " document.documentElement.dataset.told = detail.status }, true)"
    )
    routes = held(page, "**/studio/make")
    page.get_by_label("Prompt", exact=True).fill("a red kite")
    with page.expect_request("**/studio/make"):
        page.locator("#generate").click()
    late = routes[0].fetch()
    expect(page.locator("html[data-told=succeeded]")).to_be_visible()
    routes[0].fulfill(response=late)
    ready(card_of(page, "a red kite"))


def test_a_change_during_the_answer_is_asked_for_too(studio: Desk) -> None:
    page = drawn(studio, "a red kite")
    other = beside(page)
    routes = held(other, CARD)
    with other.expect_request(CARD):
        star(card_of(page, "a red kite")).click()
    other.evaluate(
        "() => addEventListener('playground:feed',"
        " () => document.documentElement.dataset.told = '', {once: true, capture: true})"
    )
    older = routes[0].fetch()
    star(card_of(page, "a red kite"), pressed=True).click()
    expect(other.locator("html[data-told]")).to_be_visible()
    with other.expect_request(CARD):
        routes[0].fulfill(response=older)
    expect(star(card_of(other, "a red kite"), pressed=False)).to_be_visible()


def test_what_was_made_while_nobody_listened_is_news(studio: Desk) -> None:
    page = opened(studio, "image", "kling.image")
    other = beside(page)
    away(other)
    page.get_by_label("Prompt", exact=True).fill("a kite of the night")
    ready(made(page))
    back(other)
    other.locator("#feed-news").click()
    expect(other.locator(".task-card")).to_contain_text("a kite of the night")


def test_words_come_to_a_song_that_is_in_the_player(studio: Desk) -> None:
    page = opened(studio, "music", "suno.generate")
    page.locator("#f-prompt").fill("a song without words")
    card = made(page)
    ready(card)
    track = card.locator(".track").first
    track.get_by_role("button", name="Play").click()
    expect(page.locator("#player")).to_be_visible()
    card.get_by_role("link", name="Details").click()
    page.get_by_role("button", name="What next…").first.click()
    with_words(page)
    page.get_by_role("button", name="Lyrics", exact=True).click()
    expect(page.locator("#player-words .lyric").first).to_be_visible()


@pytest.mark.parametrize(
    ("words", "steps", "focused"), [("demo", 1, "#model-option-1"), ("demo-chat-mini", 3, "#model-search")]
)
def test_a_list_of_models_that_comes_late_keeps_the_focus(
    studio: Desk, words: str, steps: int, focused: str
) -> None:
    page = opened(studio, "image", "gemini.image")
    page.get_by_role("button", name="Choose…").click()
    options = page.locator("#model-options [data-model]")
    expect(options.filter(has_text="gemini").first).to_be_visible()
    routes = held(page, "**/studio/models?**")
    with page.expect_request("**/studio/models?**"):
        page.locator("#model-search").fill(words)
    for _ in range(steps):
        page.keyboard.press("ArrowDown")
    expect(options.nth(steps - 1)).to_be_focused()
    routes[0].continue_()
    expect(options.filter(has_text="gemini")).to_have_count(0)
    expect(page.locator(focused)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(options.nth(1 if steps == 1 else 0)).to_be_focused()
