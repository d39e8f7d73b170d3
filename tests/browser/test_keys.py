"""The keys page: a key is tried at once, replaced and revoked, and its secret never comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser
SECRET = "demo-key"
WRONG = "sk-wrong-0123456789abcdef"


def listen(desk: Desk) -> list[str]:
    """Headers and bodies of all that the pages of the settings get from here on."""
    got: list[str] = []

    def keep(route: Route) -> None:
        response = route.fetch(max_redirects=0)
        got.append(f"{response.headers}\n{response.text()}")
        route.fulfill(response=response)

    desk.page.route("**/settings/**", keep)
    return got


def add(desk: Desk, secret: str, label: str, *, address: int = 0) -> None:
    desk.page.locator("#id_secret").fill(secret)
    desk.page.locator("#id_label").fill(label)
    desk.page.locator("#id_base_url").select_option(index=address)
    desk.page.get_by_role("button", name="Save and test").click()


def test_a_key_lives_from_its_first_test_to_its_end(desk: Desk, watch: Watch) -> None:
    got = listen(desk)
    desk.open("/settings/keys/")
    add(desk, WRONG, "Mine")
    row = desk.page.locator(".key-row", has_text="Mine")
    expect(row).to_contain_text("Refused by the gateway")
    expect(row).to_contain_text("…cdef")
    row.locator("summary", has_text="Change").click()
    row.locator("input[type=password]").fill(SECRET)
    row.get_by_role("button", name="Replace and test").click()
    expect(row).to_contain_text("Works")
    expect(row).to_contain_text("models")
    expect(row).to_contain_text("…-key")
    row.evaluate("row => (row.dataset.before = 1)")
    row.get_by_role("button", name="Test Mine").click()
    expect(row).not_to_have_attribute("data-before", "1")
    expect(row).to_contain_text("tested just now")
    row.locator("summary", has_text="Change").click()
    row.locator("summary", has_text="Revoke").click()
    row.get_by_role("button", name="Revoke “Mine”").click()
    expect(desk.page.locator("#keys")).to_contain_text("“Mine” is revoked and its secret wiped.")
    desk.page.reload()
    expect(desk.page.locator(".key-row", has_text="Mine")).to_have_count(0)
    told = "\n".join(got)
    assert "AnyInt Playground" in told
    assert WRONG not in told
    assert SECRET not in told


def test_a_key_that_works_is_added_with_the_number_of_its_models(desk: Desk) -> None:
    desk.open("/settings/keys/")
    add(desk, SECRET, "Second demo")
    row = desk.page.locator(".key-row", has_text="Second demo")
    expect(row).to_contain_text("Works")
    expect(row).to_contain_text("models")
    expect(desk.page.locator("#id_secret")).to_have_value("")


def test_an_empty_key_is_refused_at_its_field(desk: Desk, watch: Watch) -> None:
    watch.allow("422")
    desk.open("/settings/keys/")
    add(desk, "", "Nothing")
    expect(desk.page.locator("#id_secret_error")).to_be_visible()
    expect(desk.page.locator("#id_label")).to_have_value("Nothing")


def test_a_revoked_key_is_not_offered_and_the_chat_says_what_to_do(desk: Desk) -> None:
    desk.open("/settings/keys/")
    for label in ("Demo", "Own"):
        row = desk.page.locator(".key-row", has_text=label).first
        row.locator("summary", has_text="Change").click()
        row.locator("summary", has_text="Revoke").click()
        row.get_by_role("button", name=f"Revoke “{label}”").click()
        expect(desk.page.locator("#keys")).to_contain_text(f"“{label}” is revoked")
    desk.open()
    expect(desk.page.locator("#welcome")).to_contain_text("A gateway key comes first")
    expect(desk.page.locator("#welcome").get_by_role("link", name="Add a key")).to_be_visible()
