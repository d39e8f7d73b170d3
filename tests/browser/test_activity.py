"""The chip that counts what runs: right again after a page had no stream, whatever it missed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from playground import processes
from tests._servers.site import Site
from tests.browser.desk import Desk, expect
from tests.browser.easel import made, opened
from tests.browser.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Response, Route

pytestmark = pytest.mark.browser
CHIP, STREAM = re.compile(r"/activity(\?.*)?$"), re.compile(r"/chat/live(\?.*)?$")


def chip(desk: Desk) -> Locator:
    return desk.page.locator("#activity")


def second_tab(desk: Desk) -> Desk:
    return Desk(desk.page.context.new_page(), desk.url)


def rest(desk: Desk) -> None:
    """What the browser tells a page that it puts aside: the page lets its stream go."""
    desk.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")


def come_back(desk: Desk) -> None:
    desk.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")


def hold(desk: Desk, pattern: re.Pattern[str]) -> list[Route]:
    """The requests that wait from now on, until the test lets them go."""
    held: list[Route] = []
    desk.page.route(pattern, lambda route: held.append(route))
    return held


def without_runs(response: Response) -> bool:
    return bool(CHIP.search(response.url)) and "running" not in response.text()


def test_a_run_that_ended_while_a_page_had_no_stream_leaves_the_chip(desk: Desk, upstream: Upstream) -> None:
    desk.ask_anew("Hello", "own-model", key="Own")
    other = second_tab(desk)
    # The chip asks now and then by itself: it is the stream that has to tell it.
    other.page.add_init_script("window.setInterval = () => 0")
    other.open().ready()
    expect(chip(other)).to_contain_text("1 running")
    with other.page.expect_event("requestfailed", lambda request: STREAM.search(request.url)):
        rest(other)
    upstream.answer("Done.")
    desk.answered()
    expect(chip(desk)).to_be_empty()
    come_back(other)
    expect(chip(other)).to_be_empty()


def test_a_run_that_began_while_a_page_had_no_stream_comes_to_the_chip(
    desk: Desk, upstream: Upstream
) -> None:
    other = second_tab(desk)
    streams = hold(other, STREAM)
    other.open().ready()
    desk.ask_anew("Hello", "own-model", key="Own")
    expect(chip(desk)).to_contain_text("1 running")
    expect(chip(other)).to_be_empty()
    streams.pop().continue_()
    expect(chip(other)).to_contain_text("1 running")
    upstream.request()


def test_a_page_that_was_put_aside_comes_back_with_the_chats_of_now(desk: Desk, upstream: Upstream) -> None:
    other = second_tab(desk).open().ready()
    rest(other)
    upstream.answer("Done.")
    desk.ask_anew("About lighthouses", "own-model", key="Own")
    desk.answered()
    come_back(other)
    expect(other.page.locator("#conversations")).to_contain_text("About lighthouses")


def test_a_chip_that_was_told_too_early_asks_again(desk: Desk, upstream: Upstream) -> None:
    desk.ask_anew("Hello", "own-model", key="Own")
    expect(chip(desk)).to_contain_text("1 running")
    told_early = chip(desk).inner_html()
    other = second_tab(desk)
    held: list[Route] = []
    other.page.route(CHIP, lambda route: route.continue_() if held else held.append(route))
    with other.page.expect_request(CHIP):
        other.page.goto(desk.page.url)
    expect(other.ready().live).to_be_visible()
    upstream.answer("Done.")
    desk.answered()
    # The run is over, the second page knows, and its chip still waits for its first answer.
    other.answered()
    expect(chip(other)).to_be_empty()
    with other.page.expect_response(without_runs):
        held[0].fulfill(body=told_early, content_type="text/html")
    expect(chip(other)).to_be_empty()


# Tasks

KLING = "/studio/video/?operation=kling.text2video"
SONG = "/studio/music/?operation=suno.generate"


@pytest.fixture
def call_worker(place: Site) -> Iterator[Callable[[], None]]:
    """Until it is called tasks are under way, and wait."""

    def call() -> None:
        place.commands["worker"] = processes.embedded_worker()
        place.start("worker")

    yield call
    if "worker" in place.running:
        place.running.pop("worker").end()


def begin(desk: Desk, prompt: str) -> None:
    page = opened(desk, "video", "kling.text2video")
    page.get_by_label("Prompt", exact=True).fill(prompt)
    made(page)


def test_a_task_is_in_the_list_of_what_runs_on_every_page_and_its_end_is_told(
    desk: Desk, call_worker: Callable[[], None]
) -> None:
    begin(desk, "a boat in the fog")
    expect(chip(desk)).to_contain_text("1 running")
    expect(desk.page).to_have_title(re.compile(r"^1 running · Video"))
    other = second_tab(desk).open().ready()
    expect(chip(other)).to_contain_text("1 running")
    expect(other.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("favicon-busy"))
    chip(other).get_by_role("button").click()
    entry = other.page.locator("#activity-menu .menu-item")
    expect(entry).to_contain_text("a boat in the fog")
    call_worker()
    notice = other.page.locator(".toast", has_text="Video ready: a boat in the fog")
    # It leaves after seconds, unless a pointer is on it.
    notice.hover()
    expect(notice).to_be_visible()
    expect(chip(other)).to_be_empty()
    expect(other.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile(r"favicon\.(?!busy)"))
    expect(other.page).to_have_title(re.compile("^(?!.*running)"))
    # Where its card is, the card tells.
    expect(desk.page.locator(".task-card .status")).to_contain_text("Ready")
    expect(chip(desk)).to_be_empty()
    expect(desk.page.locator(".toast")).to_have_count(0)
    notice.get_by_role("link", name="Open").click()
    expect(other.page.locator(".task-title")).to_contain_text("a boat in the fog")


def test_an_end_is_told_on_the_next_page_too_when_it_came_between_two(
    desk: Desk, call_worker: Callable[[], None]
) -> None:
    begin(desk, "a house on the hill")
    expect(chip(desk)).to_contain_text("1 running")
    watcher = second_tab(desk)
    watcher.open(KLING)
    # A page of the settings has no stream: it is told when it is opened.
    desk.page.goto("about:blank")
    call_worker()
    expect(watcher.page.locator(".task-card .status")).to_contain_text("Ready")
    desk.open("/settings/appearance/")
    expect(desk.page.locator(".toast")).to_contain_text("Video ready: a house on the hill")


def test_the_open_list_stays_open_while_it_changes(desk: Desk, upstream: Upstream) -> None:
    begin(desk, "a tree at night")
    chip(desk).get_by_role("button").click()
    menu = desk.page.locator("#activity-menu")
    expect(menu).to_be_visible()
    other = second_tab(desk)
    other.ask_anew("Hello", "own-model", key="Own")
    expect(menu.locator(".menu-item")).to_have_count(2)
    expect(menu).to_be_visible()
    upstream.request()
    upstream.answer("Done.")


@pytest.mark.parametrize("path", ["/chat/", KLING, SONG, "/studio/image/"])
def test_a_page_has_one_stream_and_hears_of_everything_on_it(
    desk: Desk, upstream: Upstream, path: str
) -> None:
    looking = second_tab(desk)
    asked: list[str] = []
    looking.page.on("request", lambda request: asked.append(request.url))
    looking.open(path)
    expect(looking.page.locator("[data-ready]")).to_be_visible()
    begin(desk, "a boat at noon")
    expect(chip(looking)).to_contain_text("1 running")
    desk.ask_anew("Hello", "own-model", key="Own")
    expect(chip(looking)).to_contain_text("2 running")
    assert len([url for url in asked if "/live" in url]) == 1
    open_streams = (
        "performance.getEntriesByType('resource').filter(each => each.name.includes('/live')).length"
    )
    assert looking.page.evaluate(open_streams) <= 1
    upstream.request()
    upstream.answer("Done.")


def test_a_studio_page_that_was_put_aside_lets_its_stream_go_and_comes_back_right(desk: Desk) -> None:
    looking = second_tab(desk)
    looking.open("/studio/music/")
    expect(looking.page.locator("#studio[data-ready]")).to_be_visible()
    with looking.page.expect_event("requestfailed", lambda request: STREAM.search(request.url)):
        rest(looking)
    begin(desk, "a boat at dusk")
    expect(chip(desk)).to_contain_text("1 running")
    expect(chip(looking)).to_be_empty()
    come_back(looking)
    expect(chip(looking)).to_contain_text("1 running")


def test_the_palette_finds_a_task_by_its_title(desk: Desk) -> None:
    begin(desk, "a zeppelin over the bay")
    desk.open("/settings/appearance/")
    desk.page.keyboard.press("Control+k")
    desk.page.keyboard.type("zeppelin")
    found = desk.page.get_by_role("group", name="Tasks").get_by_role("option")
    expect(found).to_contain_text("a zeppelin over the bay")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".task-title")).to_contain_text("a zeppelin over the bay")


def test_a_studio_page_lets_its_stream_go_while_it_is_hidden(desk: Desk) -> None:
    page = desk.page
    page.clock.install()
    page.add_init_script(
        "let hidden = false; Object.defineProperty(document, 'hidden', {get: () => hidden});"
        "window.hide = (now) => { hidden = now; document.dispatchEvent(new Event('visibilitychange')) }"
    )
    with page.expect_event("response", lambda response: STREAM.search(response.url)):
        desk.open("/studio/music/")
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: STREAM.search(request.url)):
        page.evaluate("hide(true)")
        page.clock.run_for(11_000)
    with page.expect_request(STREAM):
        page.evaluate("hide(false)")


def test_a_stream_that_begins_before_the_page_is_whole_still_tells_the_chip(desk: Desk) -> None:
    begin(desk, "a boat in the rain")
    looking = second_tab(desk)
    page = looking.page
    late = hold(looking, re.compile(r"/js/media/tasks\.[^/]*js$"))
    page.add_init_script(
        "document.addEventListener('playground:ready', () => (document.documentElement.dataset.begun = ''))"
    )
    page.goto(f"{looking.url}/studio/tasks/", wait_until="commit")
    expect(page.locator("html[data-begun]")).to_be_attached()
    late.pop().continue_()
    expect(chip(looking)).to_contain_text("1 running")
