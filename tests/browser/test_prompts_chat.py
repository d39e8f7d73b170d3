"""A chat or a form becomes a prompt, and the prompt comes back into the message or the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect
from tests.browser.easel import LOOKS, made, opened

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser


def keep(desk: Desk, title: str, text: str) -> None:
    """Save the chat's first message, with this text in its place."""
    desk.questions.first.hover()
    desk.questions.first.get_by_label("Save the chat so far as a prompt").click()
    dialog = desk.page.locator("#asking")
    dialog.get_by_label("Title").fill(title)
    dialog.get_by_label("You", exact=True).fill(text)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(desk.page.locator(".toast")).to_contain_text(f"Saved as “{title}”, version 1.")


def slash(desk: Desk) -> Locator:
    """Type a slash at the beginning of the message's line; gives the dialog."""
    desk.page.locator("#message").press_sequentially("/")
    dialog = desk.page.locator("#prompts")
    expect(dialog.get_by_role("option").first).to_be_visible()
    return dialog


def test_a_kept_prompt_comes_back_by_a_slash_and_its_run_is_recorded(desk: Desk, watch: Watch) -> None:
    page = desk.page
    watch.allow("422.*/chat/prompt/")
    desk.ask_anew("Tell me about foxes.", "demo-chat")
    desk.answered()
    keep(desk, "Explain an animal", "Tell me about {{animal}}.")

    desk.open().ready()
    page.locator("#message").fill("In two sentences.\n")
    dialog = slash(desk)
    # Letters narrow the list, an arrow goes into it, Enter chooses.
    page.keyboard.type("animal")
    expect(dialog.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("option").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("animal")).to_be_focused()

    # What is missing is said at its field, and nothing is lost by it.
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("This is needed.")).to_be_visible()
    expect(dialog.get_by_label("animal")).to_be_focused()
    page.keyboard.type("owls")
    page.keyboard.press("Enter")
    message = page.locator("#message")
    expect(message).to_have_value("In two sentences.\nTell me about owls.")
    expect(page.locator("#composer-prompt")).to_contain_text("Explain an animal")

    desk.ready()
    page.locator("#send").click()
    desk.answered()
    expect(page.locator("#composer-prompt")).to_be_empty()


def test_a_slash_is_only_a_slash_where_no_line_begins_or_the_list_is_closed(desk: Desk) -> None:
    page = desk.page
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    keep(desk, "Greeting", "Hello {{name}}")
    message = page.locator("#message")
    message.click()
    message.press_sequentially("and/or")
    expect(message).to_have_value("and/or")
    expect(page.locator("#prompts")).to_be_hidden()
    message.fill("")
    dialog = slash(desk)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(message).to_be_focused()
    expect(message).to_have_value("/")


def test_a_prompt_can_be_taken_out_of_the_message_again(desk: Desk) -> None:
    page = desk.page
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    keep(desk, "Greeting", "Good day")
    page.locator("#prompts-open").click()
    dialog = page.locator("#prompts")
    dialog.get_by_role("option", name="Greeting").click()
    dialog.get_by_role("button", name="Insert").click()
    chip = page.locator("#composer-prompt")
    expect(chip).to_contain_text("Greeting version 1")
    desk.ready()
    page.get_by_label("Send it as a text of my own").click()
    expect(chip).to_be_empty()
    expect(page.locator("#saved")).to_be_visible()
    page.reload()
    desk.ready()
    expect(page.locator("#message")).to_have_value("Good day")
    expect(chip).to_be_empty()


def test_a_form_of_the_studio_becomes_a_prompt_and_the_prompt_a_form(studio: Desk) -> None:
    page = opened(studio, "image", "kling.image")
    prompt = page.locator("#f-prompt")
    prompt.fill("a lighthouse in fog")
    page.get_by_role("button", name="Save as prompt").click()
    dialog = page.locator("#asking")
    dialog.get_by_label("Title").fill("Weather")
    dialog.get_by_label("Prompt", exact=True).fill("a lighthouse in {{weather}}")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".toast")).to_contain_text("Saved as “Weather”, version 1.")
    expect(prompt).to_have_value("a lighthouse in fog")

    page.goto(studio.url + "/prompts/?kind=image")
    page.get_by_role("link", name="Weather").first.click()
    page.locator("#prompt").get_by_label("More", exact=True).click()
    page.get_by_role("link", name="Open in the studio").click()
    page.get_by_label("weather").fill("snow")
    page.get_by_role("button", name="Open in the studio").click()
    expect(prompt).to_have_value("a lighthouse in snow")
    expect(page.locator("#form-prompt")).to_contain_text("Weather version 1")
    card = made(page)
    expect(card).to_contain_text("a lighthouse in snow")


@pytest.mark.parametrize("look", LOOKS)
def test_the_dialogs_are_accessible_in_every_state(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Callable[..., None], watch: Watch
) -> None:
    watch.allow("422.*/chat/prompt/")
    desk = somebody(**look)
    page, dialog = desk.page, desk.page.locator("#prompts")
    desk.ask_anew("Hello", "demo-chat")
    desk.answered()
    page.locator("#prompts-open").click()
    expect(dialog).to_contain_text("has no chat prompt yet")
    axe(page)
    page.keyboard.press("Escape")
    desk.questions.first.get_by_label("Save the chat so far as a prompt").click()
    expect(page.locator("#asking").get_by_label("Title")).to_be_focused()
    axe(page)
    page.keyboard.press("Escape")
    keep(desk, "Greeting", "Hello {{name}}, {{greeting}}")
    page.locator("#prompts-open").click()
    dialog.get_by_role("option").first.click()
    expect(dialog.get_by_label("name")).to_be_focused()
    dialog.get_by_role("button", name="Insert").click()
    expect(dialog.get_by_text("This is needed.").first).to_be_visible()
    axe(page)
    for name in ("name", "greeting"):
        dialog.get_by_label(name).fill("you")
    dialog.get_by_role("button", name="Insert").click()
    expect(page.locator("#composer-prompt")).to_contain_text("Greeting")
    axe(page)
