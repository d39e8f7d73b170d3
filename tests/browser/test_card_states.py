"""Every state of a card: accessible in each look; and what comes into a card moves nothing on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.processes import PYTHON, run
from tests._servers.site import Site
from tests.browser.desk import Desk, box, expect
from tests.browser.easel import LOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
TEXTS = "audio/?operation=openai.transcription"
WATCH_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            for (const { node } of entry.sources) {
                const there = node?.nodeType === 1 ? node : node?.parentElement;
                // Notices and the rail's count of what runs come and go by themselves.
                if (!there?.closest('.studio-feed')) continue;
                window.shifts.push(`${entry.value}: ${there.outerHTML.slice(0, 150)}`);
            }
        }
    }).observe({ type: 'layout-shift' });
}"""
# Two frames: what was laid out before is told by then.
SHIFTS = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
    setTimeout(() => done(window.shifts), 0))))"""
SHIFT_ON_PURPOSE = "() => document.querySelector('.studio-feed .feed-filter').style.marginBlockEnd = '80px'"


def states(place: Site, desk: Desk, *act: str) -> dict[str, str]:
    cookies = desk.page.context.cookies()
    session = next(cookie["value"] for cookie in cookies if "session" in cookie["name"])
    made: dict[str, str] = json.loads(
        run([PYTHON, "-m", "tests.browser.states", session, *act], env=place.env)
    )
    return made


def opened(desk: Desk, tab: str) -> Page:
    page = desk.open(f"/studio/{tab}").page
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    return page


@pytest.mark.parametrize("look", LOOKS)
def test_every_state_of_a_card_is_accessible(
    somebody: Callable[..., Desk], place: Site, look: dict[str, Any], axe: Callable[..., None]
) -> None:
    desk = somebody(**look)
    made = states(place, desk)
    shown = set()
    for tab in ("image/", "video/", "music/", TEXTS):
        page = opened(desk, tab)
        shown |= {card.get_attribute("data-task") for card in page.locator(".task-card").all()}
        axe(page)
    assert set(made.values()) <= shown
    desk.open(f"/studio/task/{made['collecting']}/")
    axe(desk.page)


def test_four_pictures_come_into_their_places_and_nothing_moves(
    somebody: Callable[..., Desk], place: Site
) -> None:
    desk = somebody(width=1440, height=2400)
    four = states(place, desk)["four"]
    page = opened(desk, "image/")
    card = page.locator(f"#task-{four}")
    expect(card.locator(".output-box")).to_have_count(4)
    before = box(card)
    page.evaluate(WATCH_SHIFTS)
    states(place, desk, "finish")
    expect(card.locator("img")).to_have_count(4)
    expect(card.locator(".status")).to_contain_text("Ready")
    for picture in card.locator("img").all():
        picture.evaluate("image => image.decode()")
    assert page.evaluate(SHIFTS) == []
    assert box(card) == before
    page.evaluate(SHIFT_ON_PURPOSE)
    assert page.evaluate(SHIFTS) != []


def test_what_a_picture_model_writes_is_shown_as_in_a_chat_and_a_transcript_as_it_came(
    desk: Desk, place: Site
) -> None:
    made = states(place, desk)
    said = opened(desk, "image/").locator(f"#task-{made['done image']} .output-text")
    expect(said.locator("strong")).to_have_text("red")
    expect(said.locator("li")).to_have_count(2)
    expect(said).not_to_contain_text("**")
    heard = opened(desk, TEXTS).locator(f"#task-{made['done text']} .output-text")
    expect(heard).to_have_text("What was **said**.")


def test_half_a_song_and_half_a_film_say_so(desk: Desk, place: Site) -> None:
    made = states(place, desk)
    song = opened(desk, "music/").locator(f"#task-{made['song so far']}")
    expect(song.locator(".output[data-kind=audio]")).to_contain_text("so far")
    whole = desk.page.locator(f"#task-{made['done music']} .output[data-kind=audio]").first
    expect(whole).not_to_contain_text("so far")
    film = opened(desk, "video/").locator(f"#task-{made['failed with a half']} .output")
    expect(film).to_contain_text("so far")
    expect(film.locator("video")).to_have_count(1)


def test_a_file_that_is_too_large_is_told_before_it_travels(desk: Desk) -> None:
    page = desk.open("/studio/audio/?operation=openai.transcription").page
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    field = page.locator("[data-upload]").first
    help_text = page.locator(f"#help-file-{field.get_attribute('data-upload')}")
    expect(help_text).to_contain_text(re.compile(r"At most \d+ MB"))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    field.evaluate(
        """field => {
            field.dataset.bytes = 1000;
            const given = new DataTransfer();
            given.items.add(new File([new Uint8Array(1001)], 'song.mp3', {type: 'audio/mpeg'}));
            field.files = given.files;
            field.dispatchEvent(new Event('change', {bubbles: true}));
        }"""
    )
    error = page.locator(f"#error-file-{field.get_attribute('data-upload')}")
    expect(error).to_contain_text("song.mp3 is too big")
    assert not [url for url in sent if "/upload" in url or "/give" in url]
