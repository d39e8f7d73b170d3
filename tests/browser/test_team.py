"""Two people and a team: made, joined by a link, given a key, and left, in two browsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect

pytestmark = pytest.mark.browser
Somebody = Callable[..., Desk]
SECRET = "demo-key"


def email_of(desk: Desk) -> str:
    desk.open("/settings/account/")
    text: str = desk.page.locator(".page-head strong").inner_text()
    return text


def make_team(desk: Desk, name: str) -> None:
    desk.open("/settings/teams/")
    desk.page.locator("#new-name").fill(name)
    desk.page.get_by_role("button", name="Make the team").click()
    expect(desk.page.get_by_role("heading", name="Members", level=1)).to_be_visible()


def invite(desk: Desk, email: str, role: str) -> str:
    desk.open("/settings/members/")
    desk.page.locator("#id_email").fill(email)
    desk.page.locator("#id_role").select_option(label=role)
    desk.page.get_by_role("button", name="Invite", exact=True).click()
    link = desk.page.locator("#invitation-link")
    expect(link).to_have_value(re.compile("/join/"))
    return link.input_value()


def join(desk: Desk, link: str, team: str) -> None:
    desk.page.goto(link)
    expect(desk.page.get_by_role("heading", name=f"Join {team}")).to_be_visible()
    desk.page.get_by_role("button", name="Join", exact=True).click()
    expect(desk.page.locator(".rail-team")).to_contain_text(team)


def member(desk: Desk, email: str) -> Any:
    return desk.page.locator("#members .member", has_text=email)


def test_two_people_share_a_team_from_its_making_to_a_farewell(somebody: Somebody, watch: Watch) -> None:
    watch.allow("status of 40[34]")
    host, guest = somebody(), somebody()
    guest_email = email_of(guest)
    make_team(host, "Research")
    join(guest, invite(host, guest_email, "Member"), "Research")

    # A key the guest uses and never reads.
    host.open("/settings/team-keys/")
    host.page.locator("#id_secret").fill(SECRET)
    host.page.locator("#id_label").fill("Production")
    host.page.locator("#id_base_url").select_option(index=0)
    host.page.get_by_role("button", name="Save and test").click()
    expect(host.page.locator(".key-row", has_text="Production")).to_contain_text("Works")
    guest.open("/settings/team-keys/")
    expect(guest.page.locator(".key-row", has_text="Production")).to_contain_text("Works")
    expect(guest.page.get_by_role("button", name="Test Production")).to_have_count(0)
    assert SECRET not in guest.page.content()
    guest.open("/chat/").ready()
    expect(guest.page.locator("#key option", has_text="Production")).to_have_count(1)

    # More rights at once, and then none.
    host.open("/settings/members/")
    row = member(host, guest_email)
    row.get_by_role("combobox").select_option(label="Admin")
    row.get_by_role("button", name="Save").click()
    expect(member(host, guest_email).get_by_role("combobox")).to_have_value("30")
    guest.open("/settings/audit/")
    expect(guest.page.locator("#events")).to_contain_text(f"changed the role of {guest_email}")
    member(host, guest_email).get_by_role("link", name="Remove").click()
    expect(host.page.get_by_role("heading", level=1)).to_contain_text("Remove")
    host.page.get_by_role("button", name="Remove").click()
    expect(member(host, guest_email)).to_have_count(0)
    guest.open("/settings/audit/")
    expect(guest.page.locator(".page-head")).to_contain_text("Who did what in Visitor")
    expect(guest.page.locator(".rail-team")).not_to_contain_text("Research")


def test_a_token_is_copied_once(somebody: Somebody, watch: Watch) -> None:
    desk = somebody()
    desk.open("/settings/tokens/")
    desk.page.locator("#id_label").fill("deploy script")
    desk.page.get_by_role("button", name="Make the token").click()
    text = desk.page.locator("#token-text")
    expect(text).to_have_value(re.compile(r"^apt_[0-9a-f]{16}_"))
    value = text.input_value()
    desk.open("/settings/tokens/")
    expect(desk.page.locator(".token")).to_contain_text("deploy script")
    assert value not in desk.page.content()
    desk.page.get_by_role("button", name="Revoke deploy script").click()
    expect(desk.page.locator(".token")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_team_are_accessible_and_fit(
    somebody: Somebody, axe: Callable[..., None], watch: Watch, width: int, scheme: str
) -> None:
    desk = somebody(width=width, height=900, color_scheme=scheme, reduced_motion="reduce")
    make_team(desk, "Research and a rather long name that goes on")
    invite(desk, "somebody.with.quite.a.long.address.indeed@example.com", "Admin")
    axe(desk.page)
    for path in ("teams", "teams/leave", "teams/delete", "members", "roles", "team-keys", "tokens", "audit"):
        desk.open(f"/settings/{path}/")
        expect(desk.page.locator("h1")).to_be_visible()
        axe(desk.page)
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert desk.page.evaluate(wider) <= 0, path
