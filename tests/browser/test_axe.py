"""Every page and its main states are accessible, light and dark, on the desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests._servers.cast import PASSWORD, VIEWER, address
from tests._servers.site import Site
from tests.browser.desk import Desk, expect
from tests.browser.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param(
        {"width": width, "height": height, "color_scheme": scheme, "reduced_motion": "reduce"},
        id=f"{scheme}-{width}",
    )
    for width, height in ((1440, 900), (390, 844))
    for scheme in ("light", "dark")
]
EVERYTHING = """## A heading

Words with `code`, **bold** and a [link](https://example.com).

- [x] a task
- a point

| a | b |
|---|--:|
| 1 | 2 |

> quoted

```python
def f(x: int) -> str:
    return "text"  # a remark
```
"""
Axe = Callable[..., None]


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    value: dict[str, Any] = request.param
    return value


def test_the_pages_before_the_door(
    place: Site, open_page: Callable[..., Page], look: dict[str, Any], axe: Axe, watch: Watch
) -> None:
    watch.allow("status of 4(04|10)")
    page = open_page(**look)
    for path, heading in (
        ("/account/login/", "Sign in"),
        ("/account/signup/", "Make an account"),
        ("/account/password/reset/", "Forgotten your password?"),
        ("/enter/nothing/", "This link is not known here"),
        ("/join/nothing/", "There is no such invitation"),
    ):
        page.goto(place.url + path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        axe(page)
    page.goto(place.url + "/account/login/")
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[role=alert], .error").first).to_be_visible()
    axe(page)


def test_the_chat_empty_streaming_done_and_failed(
    somebody: Callable[..., Desk], upstream: Upstream, look: dict[str, Any], axe: Axe
) -> None:
    desk = somebody(**look)
    desk.open().ready()
    axe(desk.page)
    desk.choose("own-model", "Own")
    upstream.say(EVERYTHING + "\nAnd now")
    desk.ask("# Show me\n\n- everything")
    expect(desk.live.locator(".tail")).to_have_text("And now")
    axe(desk.page)
    upstream.finish("length")
    desk.answered()
    desk.answered().get_by_label("Regenerate the answer").click()
    upstream.answer("#### Deep\n\nIt has ended.")
    expect(desk.answered()).to_contain_text("It has ended.")
    desk.page.locator("#scroll").hover()
    axe(desk.page)
    desk.ask("And now an error", "demo-error-402")
    desk.answered().locator(".failure summary").click()
    axe(desk.page)
    desk.ask("Think", "demo-reasoning")
    desk.answered().locator(".part-thinking summary").click()
    desk.answered().get_by_label("Details of this answer").click()
    expect(desk.page.locator("#details")).to_contain_text("Model that answered")
    axe(desk.page)


def test_the_dialogs_and_menus(somebody: Callable[..., Desk], look: dict[str, Any], axe: Axe) -> None:
    desk = somebody(**look)
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    desk.page.locator("#scroll").hover()
    for keys, opened in (("Control+k", "#palette"), ("?", "#shortcuts")):
        desk.page.locator("#scroll").focus()
        desk.page.keyboard.press(keys)
        expect(desk.page.locator(opened)).to_be_visible()
        axe(desk.page)
        desk.page.keyboard.press("Escape")
        expect(desk.page.locator(opened)).to_be_hidden()
    desk.page.locator(".model-button").click()
    expect(desk.page.locator("#model-options [role=option]").first).to_be_visible()
    axe(desk.page)
    desk.page.keyboard.press("Escape")
    desk.questions.last.hover()
    desk.page.keyboard.press("Alt+ArrowUp")
    expect(desk.page.locator("[data-edit-form] textarea")).to_be_focused()
    axe(desk.page)
    desk.page.keyboard.press("Escape")
    if look["width"] < 760:
        desk.page.locator("[data-sheet=chat-list]").click()
        expect(desk.page.locator("#chat-list")).to_be_visible()
        axe(desk.page)


def test_settings_and_error_pages(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Axe, watch: Watch
) -> None:
    watch.allow("status of 404")
    desk = somebody(**look)
    desk.open("/settings/keys/")
    desk.page.locator("summary", has_text="Change").first.click()
    axe(desk.page)
    for path in ("/settings/appearance/", "/settings/account/", "/settings/password/set/", "/nothing/here/"):
        desk.open(path)
        expect(desk.page.get_by_role("heading", level=1)).to_be_visible()
        axe(desk.page)


def test_a_viewer_is_told_what_they_may_not_do(
    site: Any, open_page: Callable[..., Page], axe: Axe, watch: Watch
) -> None:
    watch.allow("status of 403")
    place = site("embedded")
    page = open_page()
    page.goto(place.url + "/account/signup/")
    expect(page.get_by_role("heading", level=1)).to_have_text("New accounts are by invitation")
    axe(page)
    page.goto(place.url + "/account/login/")
    page.get_by_label("Email").fill(address(VIEWER))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Switch team").click()
    page.locator("#team-menu").get_by_role("button", name="Research").click()
    page.goto(place.url + "/settings/keys/")
    expect(page.locator("main")).to_contain_text("Your role in this team is viewer")
    axe(page)
    page.evaluate(
        """() => {
            const form = document.querySelector('.theme-form').cloneNode(true);
            form.action = '/settings/keys/';
            document.body.append(form);
            HTMLFormElement.prototype.submit.call(form);
        }"""
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")
    axe(page)
