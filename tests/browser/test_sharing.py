"""Two members of one team: a chat is shared, read along, gone on from in a copy, and private again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests._servers.cast import MATE, OWNER, PASSWORD, address
from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def member(open_page: Callable[..., Page], url: str, name: str) -> Desk:
    """Signed in by password, in the shared team."""
    page = open_page(reduced_motion="reduce")
    page.goto(url + "/account/login/")
    page.get_by_label("Email").fill(address(name))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Switch team").click()
    page.locator("#team-menu").get_by_role("button", name="Research").click()
    return Desk(page, url)


def test_a_chat_is_shared_read_copied_and_private_again(
    site: Any, open_page: Callable[..., Page], watch: Watch, axe: Callable[..., None]
) -> None:
    watch.allow("status of 404")
    place = site("embedded")
    owner, mate = (member(open_page, place.url, name) for name in (OWNER, MATE))
    owner.ask_anew("Tell me about lighthouses.", "demo-chat")
    owner.answered()
    address_of = owner.page.url

    mate.page.goto(address_of)
    expect(mate.page.get_by_role("heading", level=1)).to_have_text("There is nothing here")

    owner.page.get_by_label("More about Tell me about lighthouses.").click()
    owner.page.get_by_role("link", name="Share with the team…").click()
    dialog = owner.page.locator("#asking")
    expect(dialog).to_contain_text("Everybody in the team will be able to read")
    axe(owner.page)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(owner.page.locator("#title")).to_contain_text("Shared")

    mate.page.goto(address_of)
    mate.ready()
    expect(mate.questions.first).to_contain_text("Tell me about lighthouses.")
    expect(mate.page.locator("#composer")).to_have_count(0)
    axe(mate.page)
    mate.page.get_by_role("button", name="Continue as a copy").click()
    mate.ready()
    expect(mate.page.locator("#message")).to_be_visible()
    expect(mate.questions.first).to_contain_text("Tell me about lighthouses.")
    assert mate.page.url != address_of

    owner.page.get_by_label("More about Tell me about lighthouses.").click()
    owner.page.get_by_role("link", name="Shared with the team…").click()
    axe(owner.page)
    dialog.get_by_role("button", name="Stop sharing").click()
    expect(owner.page.locator("#title")).not_to_contain_text("Shared")
    copy = mate.page.url
    mate.page.goto(address_of)
    expect(mate.page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    mate.page.goto(copy)
    expect(mate.questions.first).to_contain_text("Tell me about lighthouses.")
