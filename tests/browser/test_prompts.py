"""The prompt library as people use it: written, tried, edited by two at once, reviewed, and looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests._servers.processes import PATIENCE_S
from tests.browser.desk import Desk, expect
from tests.browser.easel import LOOKS
from tests.browser.test_team import email_of, invite, join, make_team

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
Somebody = Callable[..., Desk]


def written(desk: Desk, title: str, text: str = "Say hello to {{name}}", **fields: str) -> Page:
    """A chat prompt, made with its form; the page shows it."""
    page = desk.open("/prompts/new/?kind=chat").page
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text 1", exact=True).fill(text)
    for label, value in fields.items():
        page.locator(f"#{label}").fill(value)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    return page


def edited(page: Page, text: str, note: str = "") -> None:
    """The text in the editor that is open, and saved."""
    page.get_by_label("Text 1", exact=True).fill(text)
    page.locator("#note").fill(note)
    page.get_by_role("button", name=re.compile("Save")).last.click()


def rows(page: Page) -> Locator:
    return page.locator("#prompts [data-row]")


def test_two_members_write_at_once_review_label_and_talk(somebody: Somebody, watch: Watch) -> None:
    watch.allow("status of 422")
    host, guest = somebody(), somebody()
    name = email_of(guest)
    make_team(host, "Writers")
    join(guest, invite(host, name, "Member"), "Writers")
    page = written(host, "Greeting")
    place = page.url

    # Both begin with version 1; the second sees both texts, and merges.
    page.get_by_role("link", name="Edit").click()
    other = guest.page
    other.goto(place + "edit/")
    edited(other, "Say a warm hello to {{name}}", "Warmer")
    expect(other.locator(".version-line[data-current]")).to_contain_text("Warmer")
    page.locator("#system").fill("Be brief.")
    edited(page, "Say a short hello to {{name}}", "Shorter")
    race = page.locator(".race")
    expect(race).to_contain_text("saved version 2 meanwhile")
    expect(race.locator("del")).to_have_text("warm")
    expect(race.locator("ins", has_text="short")).to_have_count(1)
    edited(page, "Say a short and warm hello to {{name}}", "Both")
    expect(page.locator(".version-line[data-current]")).to_contain_text("Both")
    expect(page.locator(".version-line")).to_have_count(3)

    # The label is protected: the guest asks, the host approves, and it moves.
    page.goto(host.url + "/prompts/labels/")
    page.locator(".rule-row", has_text="production").get_by_label("Review").check()
    page.locator(".rule-row", has_text="production").get_by_role("button", name="Save").click()
    expect(page.locator(".rule-row", has_text="production")).to_contain_text("Needs a review")
    other.goto(place)
    other.get_by_label("Label", exact=True).fill("production")
    other.get_by_role("button", name="Point it here").click()
    other.get_by_role("button", name="Open the request").click()
    expect(other.locator("#main")).to_contain_text("somebody else has to approve")
    page.goto(other.url)
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".change-head")).to_contain_text("Merged")
    expect(page.locator(".version-line", has_text="Both")).to_contain_text("production")

    # What is said reaches the other, once.
    page.goto(place + "discussion/")
    page.get_by_role("button", name=f"@{name.split('@')[0]}").click()
    page.locator("#say").press_sequentially("look at this")
    page.get_by_role("button", name="Say it").click()
    expect(page.locator(".comment")).to_contain_text("look at this")
    other.goto(guest.url + "/prompts/")
    expect(other.locator("#main")).to_contain_text("You are mentioned in Greeting")
    with other.expect_response(re.compile("/prompts/seen")):
        other.goto(place + "discussion/")
    other.goto(guest.url + "/prompts/")
    expect(other.locator(".notice")).to_have_count(0)


def test_words_narrow_while_they_are_typed_and_the_preview_opens_beside(desk: Desk) -> None:
    written(desk, "Boats", "Tell of boats")
    written(desk, "Kites", "Tell of kites")
    page = desk.open("/prompts/").page
    expect(rows(page)).to_have_text(["Kites", "Boats"])
    page.locator("#prompts-words").press_sequentially("boat")
    expect(rows(page)).to_have_text(["Boats"])
    expect(page.locator("#prompts-words")).to_be_focused()
    expect(page).to_have_url(re.compile(r"q=boat(&|$)"))
    page.get_by_label("Preview Boats").click()
    expect(page.locator("#preview")).to_contain_text("Tell of boats")
    expect(page).to_have_url(re.compile("prompt="))
    page.get_by_label("Close the preview").click()
    expect(page.locator("#preview")).to_be_hidden()
    page.get_by_label("Kind").select_option("image")
    expect(page.locator("#prompts")).to_contain_text("No prompt fits")


def test_many_are_filed_tagged_and_deleted(desk: Desk) -> None:
    for title in ("Boats", "Kites"):
        written(desk, title)
    page = desk.open("/prompts/").page
    page.get_by_role("button", name="New folder").click()
    page.locator("#folder-new [name=name]").fill("Sea")
    page.get_by_role("button", name="Make the folder").click()
    expect(page.locator("#prompts")).to_contain_text("No prompt fits")
    page.get_by_role("link", name="All prompts").click()
    expect(page.locator("#prompts-count")).to_be_visible()
    assert not any(button.is_enabled() for button in page.locator("[data-needs-chosen]").all())
    page.locator("#prompts-all").check()
    expect(page.locator("#prompts-count")).to_have_text("2 chosen")
    page.get_by_label("Folder to move to").select_option(label="Sea")
    page.get_by_role("button", name="Move").click()
    expect(page.locator("#toasts")).to_contain_text("Moved: 2 prompts.")
    expect(page.locator("#prompts-count")).to_have_text("2 chosen")
    page.locator("#prompts [name=tag]").fill("mail")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".row-tags .badge", has_text="mail")).to_have_count(2)
    page.get_by_label("Choose Kites").uncheck()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.locator("#prompts-ask")
    expect(dialog).to_contain_text("Delete 1 prompt?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(rows(page)).to_have_text(["Kites"])


def test_keys_go_from_prompt_to_prompt(desk: Desk) -> None:
    for title in ("Boats", "Kites"):
        written(desk, title)
    page = desk.open("/prompts/").page
    expect(page.locator("#prompts-count")).to_be_visible()
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="Boats", exact=True)).to_be_focused()
    expect(page.get_by_label("Choose Boats")).to_be_checked()
    page.keyboard.press("p")
    expect(page.locator("#preview")).to_contain_text("Boats")


def test_rows_of_the_form_follow_what_is_typed_and_nothing_is_lost(desk: Desk, watch: Watch) -> None:
    watch.allow("status of 422")
    page = desk.open("/prompts/new/").page
    page.get_by_label("Text 1", exact=True).fill("Write in {{tone}}")
    page.get_by_role("button", name="Find them in the texts").click()
    expect(page.get_by_label("Name", exact=True).first).to_have_value("tone")
    page.get_by_label("Type", exact=True).select_option("choice")
    page.get_by_label("Choices, one a line").fill("warm\ncold")
    page.get_by_role("button", name="Add a text").click()
    expect(page.get_by_label("Text 2", exact=True)).to_be_visible()
    page.get_by_label("Family").select_option("anthropic")
    expect(page.locator("[name=params-of]")).to_have_value("anthropic")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#title-error")).to_contain_text("Give it a title.")
    expect(page.get_by_label("Choices, one a line")).to_have_value("warm\ncold")
    page.get_by_label("Title").fill("Toned")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Toned", level=1)).to_be_visible()
    expect(page.locator("#main")).to_contain_text("warm, cold")


def test_what_was_typed_is_there_again_in_any_tab_until_it_is_saved(desk: Desk) -> None:
    page = written(desk, "Boats")
    page.get_by_role("link", name="Edit").click()
    text = page.get_by_label("Text 1", exact=True)
    text.fill("Nearly lost")
    expect(page.locator("#editor[data-kept]")).to_have_count(1)
    page.reload()
    expect(text).to_have_value("Nearly lost")
    expect(page.locator("#draft-left")).to_contain_text("It is not saved yet.")
    # A row that the server put in is kept as well, and so is what was typed a moment before the page is left.
    page.get_by_role("button", name="Add a text").click()
    expect(page.get_by_label("Text 2", exact=True)).to_be_visible()
    page.get_by_label("Text 2", exact=True).fill("Hardly typed")
    place = page.url
    page.goto(desk.url + "/prompts/")
    other = page.context.new_page()
    opened_with(other, place, "Hardly typed")
    expect(other.get_by_label("Text 1", exact=True)).to_have_value("Nearly lost")
    other.get_by_role("button", name=re.compile("Save")).last.click()
    expect(other.locator(".version-line")).to_have_count(2)
    other.get_by_role("link", name="Edit").click()
    expect(other.get_by_label("Text 2", exact=True)).to_have_value("Hardly typed")
    expect(other.locator("#draft-left")).to_have_count(0)


def opened_with(page: Page, place: str, words: str) -> None:
    """The editor, once it has these words: the last of them went with a page that was left, unanswered."""
    second = page.get_by_label("Text 2", exact=True)
    for _ in range(60):
        page.goto(place)
        if second.count() and second.input_value() == words:
            break
    expect(second).to_have_value(words)


def test_a_draft_of_a_new_prompt_survives_a_failed_save_and_is_thrown_away_at_will(
    desk: Desk, watch: Watch
) -> None:
    watch.allow("status of 422")
    watch.allow("status of 503")
    page = desk.open("/prompts/new/?kind=chat").page
    kept = page.locator("#editor[data-kept]")
    page.get_by_label("Text 1", exact=True).fill("A thought")
    expect(kept).to_have_count(1)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#title-error")).to_be_visible()
    # While the server cannot keep it the page says so, and tries again by itself.
    page.route("**/prompts/new/draft", lambda route: route.fulfill(status=503, body=""))
    page.get_by_label("Text 1", exact=True).fill("A second thought")
    expect(page.locator("[data-kept-word]")).to_contain_text("could not be kept")
    page.unroute("**/prompts/new/draft")
    expect(kept).to_have_count(1)
    page.goto(desk.url + "/prompts/new/?kind=chat")
    expect(page.get_by_label("Text 1", exact=True)).to_have_value("A second thought")
    page.get_by_role("button", name="Throw it away").click()
    expect(page.locator("#draft-left")).to_have_count(0)
    expect(page.get_by_label("Text 1", exact=True)).to_have_value("")


def test_a_prompt_is_tried_where_it_stands_and_its_run_is_listed(desk: Desk) -> None:
    page = written(desk, "Greeting")
    page.get_by_role("link", name="Edit").click()
    page.locator("#model").fill("demo-chat")
    page.get_by_label("Family").select_option("openai_chat")
    expect(page.locator("[name=params-of]")).to_have_value("openai_chat")
    page.get_by_role("button", name=re.compile("Save")).last.click()
    page.get_by_role("link", name="Try").click()
    page.get_by_label("name", exact=True).fill("Ana")
    key = page.get_by_label("Key", exact=True)
    key.select_option(label=next(text for text in key.locator("option").all_inner_texts() if "Demo" in text))
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#trial .answer-text")).to_be_visible()
    page.get_by_text("Keep these values as an example").click()
    page.get_by_label("Name of the example").fill("Ana")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("#examples + *, .list-row").first).to_be_visible()
    expect(page.locator(".uses-table tbody tr")).to_have_count(1)
    expect(page.locator(".answers-table")).to_contain_text("Ana")


KEEP = """async ([place, names]) => {
  for (const name of names) {
    const body = new FormData(document.querySelector("[name=v-sent]").form);
    const told = { act: "keep", example: name, "v-name": name };
    for (const field in told) body.set(field, told[field]);
    await fetch(place, { method: "POST", body });
  }
}"""


def test_more_examples_than_places_are_all_run_by_themselves(desk: Desk) -> None:
    page = written(desk, "Greeting", model="demo-chat")
    names = [f"Person {number}" for number in range(18)]
    page.get_by_role("link", name="Try").click()
    expect(page.get_by_label("name", exact=True)).to_be_visible()
    page.evaluate(KEEP, [page.url, names])
    page.goto(page.url.replace("/try/", "/runs/"))
    page.get_by_label("Key to run with").select_option(index=0)
    page.get_by_role("button", name="Run all with version 1").click()
    table = page.locator(".answers-table")
    expect(table.get_by_text("Not run")).to_have_count(0)
    # Places become free, what waits begins, and the table shows it without being asked.
    expect(table.locator("tbody td:last-child .status[data-status=finished]")).to_have_count(
        18, timeout=PATIENCE_S * 1000
    )
    expect(page.locator("#answers-wait")).to_have_count(0)


def test_without_script_it_works_all_the_same(somebody: Somebody) -> None:
    desk = somebody(java_script_enabled=False)
    page = written(desk, "Boats", "Tell of {{thing}}")
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Add a text").click()
    expect(page.get_by_label("Text 2", exact=True)).to_be_visible()
    edited(page, "Tell a lot of {{thing}}", "More")
    expect(page.locator(".version-line")).to_have_count(2)
    page.get_by_label("Show what changed").click()
    expect(page.locator("ins")).to_have_text(re.compile("a lot"))
    desk.open("/prompts/")
    page.locator("#prompts-words").fill("boats")
    page.get_by_role("button", name="Show").click()
    expect(rows(page)).to_have_text(["Boats"])
    page.get_by_label("Favourite: Boats").click()
    expect(page.get_by_label("Favourite: Boats")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Choose Boats").check()
    page.get_by_role("button", name="Archive").click()
    expect(rows(page)).to_have_count(0)


def test_a_file_is_imported_and_exported_on_a_phone(
    somebody: Somebody, axe: Callable[..., None], watch: Watch
) -> None:
    watch.allow("status of 422")
    desk = somebody(width=390, height=844)
    page = written(desk, "Greeting", "Ours {{name}}")

    # What is broken is told with its line, and nothing is lost.
    desk.open("/prompts/import/")
    page.locator("#import-file").set_input_files(_file("x.csv", "title,prompt\nA,B\nC\n"))
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("alert")).to_contain_text("line 3")
    fits(page, axe)

    # The dry run asks about the name that is taken; nothing is there before it is confirmed.
    rows_given = "slug,title,prompt\ngreeting,Greeting,Theirs {{name}}\nfarewell,Farewell,Bye {{name}}\n"
    page.locator("#import-file").set_input_files(_file("x.csv", rows_given))
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("1 new, 0 as they are here already, 1 whose name is taken")
    asked = page.get_by_role("group", name="has this name and says something else")
    expect(asked.get_by_label("Leave it alone")).to_be_checked()
    fits(page, axe)
    asked.get_by_label("Add 1 version to it").check()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Imported: 1 new prompt, new versions of 1.")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("link", name="Greeting", exact=True).click()
    expect(page.locator("#main")).to_contain_text("Theirs")

    desk.open("/prompts/export/")
    fits(page, axe)
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").click()
    told = json.loads(begun.value.path().read_text())
    texts = {
        each["slug"]: [one["body"]["messages"][0]["text"] for one in each["versions"]]
        for each in told["prompts"]
    }
    assert texts == {"farewell": ["Bye {{name}}"], "greeting": ["Ours {{name}}", "Theirs {{name}}"]}


def _file(name: str, text: str) -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def fits(page: Page, axe: Callable[..., None]) -> None:
    """Nothing stands out of the screen, and everybody can use it."""
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), page.url
    axe(page)


@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_right_to_everybody(
    somebody: Somebody, axe: Callable[..., None], look: dict[str, Any]
) -> None:
    desk = somebody(**look)
    page = desk.open("/prompts/").page
    expect(page.locator("#prompts")).to_contain_text("No prompt yet")
    axe(page)
    written(desk, "A title of some length over which a narrow table breaks its lines", system="Be kind.")
    place = page.url
    page.goto(place + "edit/")
    edited(page, "Say goodbye to {{name}}", "A note")
    expect(page.locator(".version-line")).to_have_count(2)
    tabs = ("", "settings/", "runs/", "use/", "discussion/", "access/", "edit/", "compare/", "try/")
    for tab in (*tabs, "compare/?view=inline", "?version=1", "ask/?version=2", "delete/"):
        page.goto(place + tab)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), tab
        axe(page)
    page.goto(place + "access/")
    page.get_by_role("button", name="Share").click()
    expect(page.locator("#share-dialog")).to_be_visible()
    axe(page)
    for path in ("/prompts/new/", "/prompts/new/?kind=image", "/prompts/labels/", "/prompts/"):
        desk.open(path)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
        axe(page)
    page.locator("[data-preview]").click()
    expect(page.locator("#preview")).to_contain_text("Say goodbye")
    axe(page)
