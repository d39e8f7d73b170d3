"""The editor of a prompt on a slow server: whatever is pressed or typed before an answer is there counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect
from tests.browser.test_prompts import written

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request, Route

pytestmark = pytest.mark.browser

EDITOR = re.compile(r"/edit/$|/prompts/new/(\?.*)?$")
DRAFT = re.compile(r"/draft/?$")


def editor(desk: Desk) -> Page:
    page = written(desk, "Greeting")
    page.get_by_role("link", name="Edit").click()
    expect(text(page)).to_have_value("Say hello to {{name}}")
    page.wait_for_load_state()
    return page


def text(page: Page, number: int = 1) -> Locator:
    return page.get_by_label(f"Text {number}", exact=True)


def save(page: Page) -> Locator:
    return page.locator(".editor-foot").get_by_role("button", name=re.compile("Save"))


def family(page: Page, name: str) -> None:
    """Chosen in the form; the server draws it anew."""
    page.get_by_label("Family").select_option(name)


def through(route: Route) -> None:
    route.continue_()


def refused(route: Route) -> None:
    route.fulfill(status=503, body="")


@contextmanager
def held(page: Page, place: re.Pattern[str], then: Callable[[Route], None] = through) -> Iterator[None]:
    """What the block makes the page post to the place reaches the server when the block is over."""
    waiting: list[Route] = []
    over = False

    def hold(route: Route) -> None:
        if over or route.request.method != "POST":
            route.fallback()
        else:
            waiting.append(route)

    page.route(place, hold)
    with page.expect_request(lambda asked: posted(asked, place)):
        yield
    over = True
    for route in waiting:
        then(route)


def posted(asked: Request, place: re.Pattern[str]) -> bool:
    return asked.method == "POST" and place.search(asked.url) is not None


def saved_with(page: Page, model_family: str) -> None:
    """The page of the new version, and the family that its form says."""
    expect(page.locator(".version-line")).to_have_count(2)
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Family")).to_have_value(model_family)
    expect(page.locator("#draft-left")).to_have_count(0)


def test_a_save_that_is_pressed_while_the_form_is_drawn_anew_is_made(desk: Desk) -> None:
    page = editor(desk)
    with held(page, EDITOR):
        family(page, "anthropic")
        save(page).click()
        expect(save(page)).to_have_attribute("aria-busy", "true")
    saved_with(page, "anthropic")


def test_a_save_that_is_pressed_while_a_choice_waits_for_a_draft_is_made(desk: Desk) -> None:
    page = editor(desk)
    with held(page, DRAFT):
        with page.expect_request(DRAFT):
            text(page).fill("Say it warmly to {{name}}")
        family(page, "anthropic")
        save(page).click()
        page.locator("#system").focus()
    saved_with(page, "anthropic")
    expect(text(page)).to_have_value("Say it warmly to {{name}}")


def test_enter_saves_while_the_form_is_drawn_anew(desk: Desk) -> None:
    page = editor(desk)
    with held(page, EDITOR):
        family(page, "anthropic")
        page.locator("#note").fill("Another family")
        page.locator("#note").press("Enter")
    expect(page.locator(".version-line[data-current]")).to_contain_text("Another family")
    saved_with(page, "anthropic")


def test_a_button_that_is_held_down_when_the_form_comes_anew_is_pressed(desk: Desk) -> None:
    page = editor(desk)
    with held(page, EDITOR):
        family(page, "anthropic")
        save(page).hover()
        page.mouse.down()
    # The answer was there, and the form is asked for once more.
    with page.expect_request(EDITOR):
        pass
    page.mouse.up()
    saved_with(page, "anthropic")


def test_what_is_typed_while_the_form_is_drawn_anew_stays_where_it_is_typed(desk: Desk) -> None:
    page = desk.open("/prompts/new/?kind=chat").page
    page.get_by_label("Title").fill("Greeting")
    text(page).fill("Say")
    with held(page, EDITOR):
        family(page, "anthropic")
        text(page).focus()
        page.keyboard.press("End")
        page.keyboard.type(" hello")
    expect(page.locator("[name=params-of]")).to_have_value("anthropic")
    expect(text(page)).to_be_focused()
    page.keyboard.type(" again")
    expect(text(page)).to_have_value("Say hello again")
    save(page).click()
    expect(page.get_by_role("heading", name="Greeting", level=1)).to_be_visible()
    expect(page.locator("#main")).to_contain_text("Say hello again")


def test_all_that_is_pressed_is_done_in_its_turn(desk: Desk) -> None:
    page = editor(desk)
    add = page.get_by_role("button", name="Add a text")
    with held(page, EDITOR):
        family(page, "anthropic")
        add.click()
        add.click()
        # Which row is meant could not be told any more once another is gone.
        expect(page.get_by_role("button", name="Remove text 1")).to_be_disabled()
    expect(text(page, 3)).to_be_visible()
    expect(page.locator("[name=params-of]")).to_have_value("anthropic")
    text(page, 2).fill("The second")
    text(page, 3).fill("The third")
    with held(page, EDITOR):
        page.get_by_role("button", name="Remove text 2").dblclick()
    expect(text(page, 3)).to_have_count(0)
    save(page).click()
    expect(page.locator(".version-line")).to_have_count(2)
    expect(page.locator("#main")).to_contain_text("The third")


def test_a_row_that_waits_for_a_draft_is_added_and_nothing_is_saved(desk: Desk) -> None:
    page = editor(desk)
    with held(page, DRAFT):
        with page.expect_request(DRAFT):
            text(page).fill("Say it warmly to {{name}}")
        page.get_by_role("button", name="Add a text").click()
        page.locator("#system").focus()
    expect(text(page, 2)).to_be_visible()
    expect(text(page)).to_have_value("Say it warmly to {{name}}")


def test_what_is_typed_behind_a_save_is_a_draft_over_it(desk: Desk) -> None:
    page = editor(desk)
    text(page).fill("Say it warmly")
    with held(page, EDITOR):
        save(page).click()
        text(page).focus()
        page.keyboard.press("End")
        page.keyboard.type(" and twice")
    expect(page.locator(".version-line")).to_have_count(2)
    place = page.url + "edit/"
    # The draft goes with a page that is left, unanswered.
    for _ in range(60):
        page.goto(place)
        if page.locator("#draft-left").count():
            break
    expect(page.locator("#draft-left")).to_contain_text("saved version 2 meanwhile")
    expect(text(page)).to_have_value("Say it warmly and twice")


def test_a_refused_save_takes_nothing_that_was_typed_behind_it(desk: Desk, watch: Watch) -> None:
    watch.allow("status of 422")
    page = desk.open("/prompts/new/?kind=chat").page
    text(page).fill("Say")
    with held(page, EDITOR):
        save(page).click()
        text(page).focus()
        page.keyboard.press("End")
        page.keyboard.type(" hello")
    expect(page.locator("#toasts")).to_contain_text("Not saved, and you went on writing.")
    expect(text(page)).to_have_value("Say hello")
    save(page).click()
    expect(page.locator("#title-error")).to_contain_text("Give it a title.")
    expect(text(page)).to_have_value("Say hello")


def test_two_presses_of_save_make_one_prompt(desk: Desk) -> None:
    page = desk.open("/prompts/new/?kind=chat").page
    page.get_by_label("Title").fill("Greeting")
    text(page).fill("Say hello")
    with held(page, EDITOR):
        page.locator("#note").press("Enter")
        page.locator("#note").press("Enter")
    expect(page.get_by_role("heading", name="Greeting", level=1)).to_be_visible()
    page.goto(desk.url + "/prompts/")
    expect(page.locator("#prompts [data-row]")).to_have_count(1)


def test_a_failed_choice_does_not_hold_up_the_save(desk: Desk, watch: Watch) -> None:
    watch.allow("status of 503|Status Error Code 503")
    page = editor(desk)
    with held(page, EDITOR, refused):
        family(page, "anthropic")
        save(page).click()
    saved_with(page, "anthropic")
