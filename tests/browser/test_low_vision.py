"""The frame at 200 % zoom, which is half the width in twice the pixels, and with the system's own colours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect

pytestmark = pytest.mark.browser
PAGES = [
    "/chat/",
    "/settings/keys/",
    "/settings/appearance/",
    "/settings/account/",
    "/no-such-page/",
]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(("width", "height"), [(720, 450), (195, 422)])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_leaves_the_page_at_200_percent(
    somebody: Callable[..., Desk], watch: Watch, path: str, width: int, height: int
) -> None:
    watch.allow("status of 404")
    desk = somebody(width=width, height=height, device_scale_factor=2).open(path)
    assert desk.page.evaluate(OVERFLOW) <= 0


def test_with_forced_colours_the_place_one_is_at_is_marked(somebody: Callable[..., Desk]) -> None:
    page = somebody(forced_colors="active").open("/settings/keys/").page
    for navigation in ("Main", "Settings"):
        links = page.get_by_role("navigation", name=navigation, exact=True).get_by_role("link")
        here = links.and_(page.locator("[aria-current]"))
        expect(here).to_have_css("outline-style", "solid")
        expect(links.and_(page.locator(":not([aria-current])")).first).to_have_css("outline-style", "none")


def test_with_forced_colours_only_the_chosen_tab_is_underlined(somebody: Callable[..., Desk]) -> None:
    page = somebody(forced_colors="active").open("/chat/").ready().page
    tabs = page.get_by_role("tablist").first.get_by_role("tab")
    colours = tabs.evaluate_all("all => all.map((tab) => getComputedStyle(tab).borderBlockEndColor)")
    assert len(colours) > 1
    assert colours[0] not in colours[1:]
