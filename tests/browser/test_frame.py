"""The frame and the list: palette, shortcuts, theme, phone sheets; rename, pin, search and delete."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests._servers.processes import until
from tests.browser.desk import Desk, expect
from tests.browser.upstream import Upstream

pytestmark = pytest.mark.browser


def with_chat(desk: Desk, upstream: Upstream, question: str = "About lighthouses") -> Desk:
    upstream.answer(f"An answer to {question}.")
    desk.ask_anew(question, "own-model", key="Own")
    desk.answered()
    return desk


def menu(desk: Desk, title: str) -> None:
    row = desk.page.locator(".conversation", has_text=title)
    row.hover()
    row.get_by_role("button", name=re.compile("More about")).click()


def test_a_chat_is_renamed_in_place_and_from_the_list(desk: Desk, upstream: Upstream) -> None:
    with_chat(desk, upstream)
    title = desk.page.get_by_label("Title of this chat")
    title.fill("Lights of the coast")
    title.press("Enter")
    desk.page.locator("#scroll").hover()
    expect(desk.page.locator("#conversations")).to_contain_text("Lights of the coast")
    menu(desk, "Lights of the coast")
    desk.page.get_by_role("link", name="Rename…").click()
    dialog = desk.page.get_by_role("dialog", name="Chat", exact=True)
    dialog.get_by_label("Title").fill("Beacons")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog).to_be_hidden()
    expect(title).to_have_value("Beacons")
    expect(desk.page).to_have_title("Beacons · AnyInt Playground")
    expect(desk.page.locator("#conversations")).to_contain_text("Beacons")


def test_a_pinned_chat_stands_above_the_others(desk: Desk, upstream: Upstream) -> None:
    with_chat(desk, upstream, "The first chat")
    with_chat(desk, upstream, "The second chat")
    menu(desk, "The first chat")
    desk.page.get_by_role("button", name="Pin", exact=True).click()
    expect(desk.page.locator("#conversations .group").first).to_contain_text("Pinned")
    expect(desk.page.locator(".conversation").first).to_contain_text("The first chat")


def test_deleting_asks_first_and_the_draft_page_follows(desk: Desk, upstream: Upstream) -> None:
    with_chat(desk, upstream, "To be deleted")
    menu(desk, "To be deleted")
    desk.page.get_by_role("link", name="Delete…").click()
    dialog = desk.page.get_by_role("dialog", name="Chat", exact=True)
    expect(dialog).to_contain_text("gone for good")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    menu(desk, "To be deleted")
    desk.page.get_by_role("link", name="Delete…").click()
    dialog.get_by_role("button", name="Delete").click()
    desk.page.wait_for_url(re.compile(r"/chat/$"))
    expect(desk.page.locator("#conversations")).not_to_contain_text("To be deleted")


def test_chats_are_found_by_title_and_by_text(desk: Desk, upstream: Upstream) -> None:
    with_chat(desk, upstream, "Harbours")
    with_chat(desk, upstream, "Mountains")
    search = desk.page.locator("#chat-search")
    search.fill("harbour")
    expect(desk.page.locator(".conversation")).to_have_count(1)
    search.fill("answer to Mountains")
    found = desk.page.locator(".conversation").filter(has=desk.page.locator("mark", has_text="Mountains"))
    expect(desk.page.locator(".conversation", has_text="Harbours")).to_have_count(0)
    found.locator("a").click()
    expect(desk.ready().page.locator("#title [name=title]")).to_have_value("Mountains")


def test_the_palette_goes_everywhere_by_keyboard(desk: Desk, upstream: Upstream) -> None:
    with_chat(desk, upstream, "Harbours at night")
    desk.page.keyboard.press("Control+k")
    words = desk.page.locator("#palette-words")
    expect(words).to_be_focused()
    words.fill("harb")
    expect(desk.page.locator("#palette-found [role=option]")).to_contain_text("Harbours at night")
    words.fill("appear")
    expect(desk.page.locator("#palette-list [role=option][aria-selected=true]")).to_contain_text("Appearance")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("heading", name="Appearance", level=1)).to_be_visible()
    desk.page.keyboard.press("Control+k")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#palette")).to_be_hidden()


def test_shortcuts_work_outside_fields_only_and_can_be_switched_off(desk: Desk) -> None:
    desk.open("/settings/appearance/")
    desk.page.locator("main").click(position={"x": 5, "y": 5})
    desk.page.keyboard.press("?")
    expect(desk.page.locator("#shortcuts")).to_be_visible()
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#shortcuts")).to_be_hidden()
    # The second key counts for a moment: the page's clock stands until it is pressed.
    desk.page.clock.install()
    desk.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    desk.page.keyboard.press("g")
    desk.page.keyboard.press("c")
    desk.page.clock.resume()
    desk.page.wait_for_url(re.compile(r"/chat/$"))
    message = desk.ready().page.locator("#message")
    message.focus()
    desk.page.keyboard.type("g s ? [ c")
    expect(message).to_have_value("g s ? [ c")
    expect(desk.page.locator("#shortcuts")).to_be_hidden()
    desk.page.keyboard.press("Control+.")
    expect(desk.page.locator("#inspector")).to_be_hidden()
    desk.open("/settings/appearance/")
    desk.page.locator("#id_shortcuts").uncheck()
    desk.page.get_by_role("button", name="Save").click()
    expect(desk.page.locator("html")).to_have_attribute("data-shortcuts", "off")
    desk.page.keyboard.press("Control+k")
    desk.page.keyboard.press("?")
    expect(desk.page.locator("dialog:modal")).to_have_count(0)


@pytest.mark.parametrize(("theme", "dark"), [("dark", True), ("light", False)])
def test_a_chosen_theme_is_there_at_the_first_paint(desk: Desk, theme: str, dark: bool) -> None:
    desk.page.emulate_media(color_scheme="light" if dark else "dark")
    desk.open().ready()
    desk.page.get_by_role("button", name="Theme").click()
    with desk.page.expect_response(re.compile("/settings/theme/")):
        desk.page.locator(f"#theme-menu [value={theme}]").click()
    expect(desk.page.locator("html")).to_have_css("color-scheme", theme)
    desk.page.context.clear_cookies(name="theme")
    # What the server sends names the theme: no script has to come first.
    html = desk.page.request.get(desk.url + "/settings/appearance/").text()
    assert f'data-theme="{theme}"' in html
    desk.open("/settings/appearance/")
    shade = desk.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    lightness = float(re.findall(r"[\d.]+", shade)[0])
    assert (lightness < 0.5) is dark


def test_the_rail_stays_folded_over_a_reload(desk: Desk) -> None:
    desk.open().ready()
    desk.page.locator("#rail-fold").click()
    expect(desk.page.locator("html")).to_have_attribute("data-rail", "slim")
    cookie_is_kept(desk, "rail", "slim")
    desk.page.reload()
    expect(desk.page.locator("html")).to_have_attribute("data-rail", "slim")


def cookie_is_kept(desk: Desk, name: str, value: str) -> None:
    """A script's cookie goes to the browser's store on its own way; a reload can overtake it there."""
    until(lambda: {"name": name, "value": value}.items() <= _cookie(desk, name).items())


def _cookie(desk: Desk, name: str) -> dict[str, Any]:
    return next((dict(each) for each in desk.page.context.cookies() if each["name"] == name), {})


def test_the_inspector_keeps_its_width_and_state(desk: Desk) -> None:
    desk.open().ready()
    grip = desk.page.locator("#inspector-grip")
    grip.focus()
    desk.page.keyboard.press("ArrowLeft")
    expect(desk.page.locator("#inspector")).to_have_css("width", "380px")
    cookie_is_kept(desk, "inspector", "auto-380")
    desk.page.reload()
    expect(desk.ready().page.locator("#inspector")).to_have_css("width", "380px")
    desk.page.locator("#inspector-close").click()
    cookie_is_kept(desk, "inspector", "closed-380")
    desk.page.reload()
    expect(desk.ready().page.locator("#inspector")).to_be_hidden()


def test_on_a_phone_list_and_inspector_are_sheets(somebody: Callable[..., Desk], upstream: Upstream) -> None:
    desk = somebody(width=390, height=844, has_touch=True, is_mobile=True)
    upstream.answer("An answer.")
    desk.open().ready()
    for name in ("#chat-list", "#inspector"):
        expect(desk.page.locator(name)).to_be_hidden()
    desk.choose("own-model", "Own")
    desk.page.locator("#message").fill("On the way")
    desk.page.locator("#send").tap()
    desk.answered()
    desk.page.locator("[data-sheet=chat-list]").tap()
    expect(desk.page.locator("#chat-list")).to_be_visible()
    expect(desk.page.locator("#conversations")).to_contain_text("On the way")
    desk.page.get_by_label("Close the list").tap()
    expect(desk.page.locator("#chat-list")).to_be_hidden()
    desk.page.locator("#inspector-toggle").tap()
    expect(desk.page.locator("#inspector").get_by_label("System prompt")).to_be_visible()
    desk.page.locator("#inspector-close").tap()
    expect(desk.page.locator("#inspector")).to_be_hidden()
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert desk.page.evaluate(wide) is False
    assert desk.page.locator("#message").evaluate("field => getComputedStyle(field).fontSize") == "16px"


@pytest.mark.parametrize("path", ["/chat/", "/settings/keys/", "/settings/appearance/", "/settings/account/"])
def test_a_narrow_window_never_scrolls_sideways(somebody: Callable[..., Desk], path: str) -> None:
    desk = somebody(width=320, height=640)
    desk.open(path)
    assert desk.page.evaluate("document.documentElement.scrollWidth > innerWidth") is False


def test_the_icon_of_the_tab_tells_that_something_runs(desk: Desk, upstream: Upstream) -> None:
    icon = desk.page.locator("link[rel=icon]")
    desk.ask_anew("Hello", "own-model", key="Own")
    expect(icon).to_have_attribute("href", re.compile("favicon-busy"))
    expect(desk.page.locator("#activity")).to_contain_text("1 running")
    upstream.answer("Done.")
    desk.answered()
    expect(icon).to_have_attribute("href", re.compile(r"favicon\.(?!busy)"))
    expect(desk.page.locator("#activity")).not_to_contain_text("running")
