"""The model picker with three thousand rows, many of them with hostile names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.cast import OWNER, address
from tests._servers.processes import PYTHON, Process, clean_env, until
from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser


@pytest.fixture
def large_demo() -> Iterator[str]:
    """A demo gateway that lists 3,000 models."""
    env = clean_env(DEMO_PORT="0", DEMO_SPEED="1000", DEMO_MODELS="3000")
    process = Process([PYTHON, "-m", "playground.demo"], env=env)
    yield process.wait_for(r"(http://\S+) key:").group(1)
    process.end()


@pytest.fixture
def desk(site: Any, large_demo: str, open_page: Callable[..., Page]) -> Desk:
    """The owner, with a key that sees them all."""
    place = site("embedded", worker=True, GATEWAY_URLS=large_demo)
    desk = Desk(open_page(), place.url)
    desk.page.goto(place.login_link(address(OWNER)))
    desk.open("/settings/keys/")
    desk.page.locator("#id_secret").fill("demo-key")
    desk.page.locator("#id_label").fill("Large")
    desk.page.get_by_role("button", name="Save and test").click()
    expect(desk.page.locator("#keys")).to_contain_text("Works")
    # What does not fit into the test of a key is fetched by the worker.
    until(lambda: "3,000 models" in (desk.page.reload() and desk.page.locator("#keys").inner_text()))
    return desk


def test_three_thousand_models_are_searched_by_name_and_id(desk: Desk, axe: Any) -> None:
    desk.open().ready()
    desk.page.locator("#key").select_option(label=desk.option("Large"))
    desk.page.locator(".model-button").click()
    options = desk.page.locator("#model-options [role=option]")
    expect(desk.page.locator("#model-options")).to_contain_text("more: keep typing.")
    assert options.count() < 300
    axe(desk.page)
    search = desk.page.locator("#model-search")
    expect(search).to_be_focused()
    search.fill("script alert")
    expect(options.first).to_contain_text("<script>alert(")
    search.fill("demo-many-02990")
    expect(options).to_have_count(1)
    search.press("Enter")
    expect(desk.page.locator("#model-picker")).to_be_hidden()
    expect(desk.page.locator("#model-name")).to_have_text("demo-many-02990")
    expect(desk.page.locator("#model")).to_have_value("demo-many-02990")
    desk.ask("Hello")
    expect(desk.answered().locator(".turn-model")).to_have_text("demo-many-02990")


def test_the_arrows_walk_through_the_list_and_an_unknown_id_may_be_typed(desk: Desk) -> None:
    desk.open().ready()
    desk.page.locator("#key").select_option(label=desk.option("Large"))
    desk.page.locator(".model-button").click()
    options = desk.page.locator("#model-options [role=option]")
    expect(options.first).to_be_visible()
    desk.page.keyboard.press("ArrowDown")
    expect(options.first).to_be_focused()
    desk.page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_be_focused()
    desk.page.locator("#model-search").fill("brand/new-model")
    expect(options.first).to_contain_text("as typed")
    options.first.click()
    expect(desk.page.locator("#model")).to_have_value("brand/new-model")


def test_a_list_that_comes_late_keeps_the_focus(desk: Desk) -> None:
    desk.open().ready()
    desk.page.locator("#key").select_option(label=desk.option("Large"))
    desk.page.locator(".model-button").click()
    options = desk.page.locator("#model-options [role=option]")
    expect(options.first).to_be_visible()
    held: list[Route] = []
    desk.page.route("**/models/options?**", lambda route: held.append(route), times=1)  # as in test_studio
    with desk.page.expect_request("**/models/options?**"):
        desk.page.locator("#model-search").fill("script alert")
    desk.page.keyboard.press("ArrowDown")
    expect(options.first).to_be_focused()
    held[0].continue_()
    expect(options.first).to_contain_text("<script>alert(")
    expect(options.first).to_be_focused()
    desk.page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_be_focused()
