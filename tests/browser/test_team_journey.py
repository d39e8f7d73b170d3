"""Two members of one team and a prompt, from the invitation to a program that fetches it, in both modes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests._servers.browser import Watch
from tests._servers.processes import PATIENCE_S, PYTHON, run
from tests.browser.desk import Desk, expect
from tests.browser.test_prompts import edited, written
from tests.browser.test_team import email_of, invite, join, make_team

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
TITLE = "Greeting"


@pytest.fixture
def two(mode: str, site: Callable[..., Any], demo: str, open_page: Callable[..., Page]) -> list[Desk]:
    """Two people in browsers of their own; in production each is served by another process."""
    place = site(mode, webs=2 if mode == "production" else 1)
    people = json.loads(run([PYTHON, "-m", "tests.browser.people", "2", demo, demo], env=place.env))
    desks = []
    for person, url in zip(people, [place.urls[0], place.urls[-1]], strict=True):
        page = open_page()
        page.context.add_cookies([{"name": person["cookie"], "value": person["session"], "url": url}])
        desks.append(Desk(page, url))
    return desks


def test_two_members_take_a_prompt_from_an_invitation_to_a_program(two: list[Desk], watch: Watch) -> None:
    watch.allow("status of 4(04|22)")
    host, guest = two
    name = email_of(guest)
    make_team(host, "Writers")
    link = invite(host, name, "Member")
    join(guest, link.replace(host.url, guest.url), "Writers")
    page = written(host, TITLE)
    path = page.url.removeprefix(host.url)
    guest.open(path)

    shared_by_name(host, guest, path, name)
    edited_at_once(host, guest, path)
    reviewed(host, guest, path)
    tried(guest, path)
    fetched(guest)


def shared_by_name(host: Desk, guest: Desk, path: str, name: str) -> None:
    page = host.open(path + "access/").page
    page.get_by_role("button", name="Share").click()
    dialog = page.locator("#share-dialog")
    dialog.get_by_label("Its owner, and who is named below").check()
    dialog.get_by_role("button", name="Save").click()
    guest.open(path)
    expect(guest.page.get_by_role("heading", level=1)).not_to_have_text(TITLE)
    page.get_by_role("button", name="Share").click()
    person = dialog.locator("[name=with]").locator("option", has_text=name.split("@")[0].rsplit(".", 1)[1])
    dialog.locator("[name=with]").select_option(person.get_attribute("value"))
    dialog.locator("[name=may]").select_option(label="Edit")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(page.locator("#main")).to_contain_text("Shared by name.")
    guest.open(path)
    expect(guest.page.get_by_role("heading", level=1)).to_have_text(TITLE)


def edited_at_once(host: Desk, guest: Desk, path: str) -> None:
    for desk in (host, guest):
        desk.open(path + "edit/")
    edited(guest.page, "Say a warm hello to {{name}}", "Warmer")
    expect(guest.page.locator(".version-line[data-current]")).to_contain_text("Warmer")
    edited(host.page, "Say a short hello to {{name}}", "Shorter")
    expect(host.page.locator(".race")).to_contain_text("saved version 2 meanwhile")
    edited(host.page, "Say a short and warm hello to {{name}}", "Both")
    expect(host.page.locator(".version-line")).to_have_count(3)


def reviewed(host: Desk, guest: Desk, path: str) -> None:
    page = host.open("/prompts/labels/").page
    rule = page.locator(".rule-row", has_text="production")
    rule.get_by_label("Review").check()
    rule.get_by_role("button", name="Save").click()
    expect(rule).to_contain_text("Needs a review")
    other = guest.open(path).page
    other.get_by_label("Label", exact=True).fill("production")
    other.get_by_role("button", name="Point it here").click()
    other.get_by_role("button", name="Open the request").click()
    expect(other.locator("#main")).to_contain_text("somebody else has to approve")
    host.open(other.url.removeprefix(guest.url))
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".version-line", has_text="Both")).to_contain_text("production")


def tried(guest: Desk, path: str) -> None:
    """The team gave no key: the guest asks with one of their own."""
    page = guest.open("/settings/keys/").page
    page.locator("#id_secret").fill("demo-key")
    page.locator("#id_label").fill("Mine")
    page.get_by_role("button", name="Save and test").click()
    expect(page.locator(".key-row", has_text="Mine")).to_contain_text("Works")
    guest.open(path + "try/")
    page.get_by_label("name", exact=True).fill("Ana")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#trial .answer-text")).to_be_visible()
    guest.open(path + "runs/")
    expect(page.locator(".uses-table tbody tr")).to_have_count(1)


def fetched(guest: Desk) -> None:
    page = guest.open("/settings/tokens/").page
    page.locator("#id_label").fill("deploy script")
    page.get_by_role("button", name="Make the token").click()
    text = page.locator("#token-text")
    expect(text).to_have_value(re.compile("^apt_"))
    token = {"Authorization": f"Bearer {text.input_value()}"}
    address = f"{guest.url}/api/v1/prompts/greeting"
    with httpx.Client(params={"label": "production"}, timeout=PATIENCE_S) as program:
        told = program.get(address, headers=token)
        assert told.status_code == 200
        assert "Say a short and warm hello to {{name}}" in json.dumps(told.json())
        same = program.get(address, headers=token | {"If-None-Match": told.headers["etag"]})
        assert same.status_code == 304
    assert httpx.get(address, timeout=PATIENCE_S).status_code == 401
