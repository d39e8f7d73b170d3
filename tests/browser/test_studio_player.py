"""The player of songs: it goes on beside everything else, has a queue, two takes, and lyrics in time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.desk import Desk, box, expect
from tests.browser.easel import LOOKS, made, opened, ready, with_words

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
AT = "[...document.querySelectorAll('#player audio')].find(each => each.currentTime > 0)?.currentTime ?? 0"


def songs(desk: Desk, *prompts: str) -> Page:
    page = opened(desk, "music", "suno.generate")
    for prompt in prompts:
        page.locator("#f-prompt").fill(prompt)
        ready(made(page))
    return page


def hear(page: Page, at: float) -> None:
    """Until the song has come so far."""
    page.wait_for_function(f"at => ({AT}) > at", arg=at)


def playing(page: Page, asset: str | None) -> None:
    assert asset
    expect(page.locator(f"#player[data-playing][data-asset='{asset}']")).to_be_visible()


def rest(page: Page) -> None:
    """A song that plays may be over before the next look at it."""
    page.locator("#player audio").evaluate_all("all => all.forEach(audio => audio.pause())")
    expect(page.locator("#player:not([data-playing])")).to_be_visible()


def test_a_song_goes_on_while_other_cards_are_opened(studio: Desk) -> None:
    page = songs(studio, "a song of the sea", "a song of the hills")
    track = page.locator(".track").first
    track.get_by_role("button", name="Play").click()
    playing(page, track.get_attribute("data-asset"))
    hear(page, 0.2)
    page.get_by_role("link", name="a song of the sea").first.click()
    expect(page.locator("#detail .task-title")).to_have_text("a song of the sea")
    at = page.evaluate(AT)
    hear(page, at + 0.2)
    playing(page, track.get_attribute("data-asset"))


def test_keys_play_pause_and_seek(studio: Desk) -> None:
    page = songs(studio, "a song of the key")
    page.locator(".track").first.get_by_role("button", name="Play").click()
    hear(page, 0.1)
    page.locator(".studio-feed").focus()
    page.keyboard.press("ArrowRight")
    hear(page, 5)
    page.keyboard.press(" ")
    expect(page.locator("#player-play")).to_have_accessible_name("Play")
    at = page.evaluate(AT)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"at => ({AT}) < at - 4", arg=at)
    page.locator("#f-prompt").fill("a ")
    page.locator("#f-prompt").press(" ")
    expect(page.locator("#player-play")).to_have_accessible_name("Play")


def test_the_waveform_seeks(studio: Desk) -> None:
    page = songs(studio, "a song of waves")
    wave = page.locator(".track [data-wave]").first
    wave.click(position={"x": box(wave)["width"] / 2, "y": 10})
    hear(page, 10)
    rest(page)
    page.locator("#player-at").fill("3")
    expect(page.locator("#player-at")).to_have_attribute("aria-valuetext", re.compile("^0:03 of 0:"))


def test_two_takes_are_heard_at_the_same_place(studio: Desk) -> None:
    page = songs(studio, "a song in two takes")
    first, second = page.locator(".track").all()
    first.get_by_role("button", name="Play").click()
    hear(page, 0.1)
    page.locator(".studio-feed").focus()
    page.keyboard.press("ArrowRight")
    hear(page, 5)
    page.locator("#player-takes").get_by_role("button", name="B").click()
    playing(page, second.get_attribute("data-asset"))
    page.wait_for_function("document.getElementById('player-b').currentTime > 4.9")
    assert page.locator("#player-a").evaluate("audio => audio.paused")
    page.keyboard.press("b")
    playing(page, first.get_attribute("data-asset"))


def test_the_queue_is_added_to_walked_through_and_shortened(studio: Desk) -> None:
    page = songs(studio, "a song for a queue")
    first, second = page.locator(".track").all()
    first.get_by_role("button", name="Play").click()
    playing(page, first.get_attribute("data-asset"))
    rest(page)
    second.get_by_role("button", name="to the queue").click()
    page.get_by_role("button", name="Queue", exact=True).click()
    rows = page.locator("#player-list li")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Next").click()
    playing(page, second.get_attribute("data-asset"))
    page.get_by_role("button", name="Previous").click()
    playing(page, first.get_attribute("data-asset"))
    rows.nth(1).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Close the player").click()
    expect(page.locator("#player")).to_be_hidden()


def test_after_another_page_the_song_waits_where_it_was(studio: Desk) -> None:
    page = songs(studio, "a song that waits")
    page.locator(".track").first.get_by_role("button", name="Play").click()
    hear(page, 0.1)
    page.locator(".studio-feed").focus()
    page.keyboard.press("ArrowRight")
    hear(page, 5)
    page.get_by_role("link", name="Image", exact=True).click()
    expect(page.locator("#studio[data-medium=image][data-ready]")).to_be_visible()
    expect(page.locator("#player-title")).to_contain_text("a song that waits")
    hear(page, 4.9)
    expect(page.locator("#player-play")).to_have_accessible_name("Play")


def with_lyrics(desk: Desk) -> Page:
    page = songs(desk, "a song with words")
    card = page.locator(".task-card").first
    card.get_by_role("link", name="Details").click()
    page.get_by_role("button", name="What next…").first.click()
    with_words(page)
    page.locator(".track").first.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Lyrics", exact=True).click()
    return page


def test_the_words_follow_the_song(studio: Desk) -> None:
    page = with_lyrics(studio)
    words = page.locator("#player-words .lyric")
    words.nth(6).click()
    expect(page.locator("#player-words .lyric[aria-current]")).not_to_have_count(0)
    expect(page.locator("#player-line")).not_to_be_empty()
    start = float(words.nth(6).get_attribute("data-start") or 0)
    hear(page, start - 0.01)


@pytest.mark.parametrize("look", LOOKS)
def test_the_player_is_accessible(
    somebody: Callable[..., Desk], worker: None, look: dict[str, Any], axe: Callable[..., None]
) -> None:
    page = with_lyrics(somebody(**look))
    expect(page.locator("#player-words .lyric").first).to_be_visible()
    page.get_by_role("button", name="Queue", exact=True).click()
    page.locator("#player-play").click()
    axe(page)
