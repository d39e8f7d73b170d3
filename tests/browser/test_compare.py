"""Compare as a person uses it: models side by side, what fails beside what does not, figures; its looks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, box, expect, text_of
from tests.browser.test_axe import LOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
QUESTION = "Tell me about lighthouses."
STALLED = "demo-stall-after-30"
REFUSED = "demo-error-402"
FITS = "document.documentElement.scrollWidth <= innerWidth"


@dataclass(slots=True)
class Bench:
    """Somebody at Compare."""

    desk: Desk

    @property
    def page(self) -> Page:
        return self.desk.page

    def fill(self, *models: str, text: str = QUESTION) -> None:
        """The form, with these models and no other ones."""
        self.page.locator("#key").select_option(label=self.desk.option("Demo"))
        self.page.get_by_label("Question").fill(text)
        more = self.page.locator(".lane-more:not([open]) > summary")
        if more.count():
            more.click()
        fields = self.page.get_by_label("Model id")
        for at in range(fields.count()):
            fields.nth(at).fill(models[at] if at < len(models) else "")

    def compare(self, *models: str, text: str = QUESTION) -> None:
        self.desk.open("/compare/")
        self.fill(*models, text=text)
        self.page.get_by_role("button", name="Ask all").click()
        self.page.wait_for_url(re.compile(r"/compare/[0-9a-f-]{36}/$"))
        self.desk.ready()

    def lane(self, number: int) -> Locator:
        """The last answer in a column."""
        return self.page.locator(f"article.lane[data-lane='{number}']").last

    def over(self, number: int) -> Locator:
        """The same, once it has ended."""
        expect(self.lane(number).locator(".turn-actions")).to_be_visible()
        expect(self.lane(number)).not_to_have_attribute("data-live", "")
        return self.lane(number)

    def row(self, name: str) -> Locator:
        """A row of the figures."""
        return self.page.locator("#figures tr").filter(has=self.page.get_by_role("rowheader", name=name))


@pytest.fixture
def bench(desk: Desk) -> Bench:
    return Bench(desk)


def test_three_models_write_side_by_side_and_are_stopped_together(bench: Bench) -> None:
    bench.desk.open("/chat/").ready()
    bench.page.locator(".rail-nav").get_by_role("link", name="Compare").click()
    expect(bench.page.get_by_role("heading", level=1)).to_have_text("Compare")
    bench.fill(STALLED, "demo-stall-after-25", "demo-stall-after-20")
    bench.page.get_by_role("button", name="Ask all").click()
    for number in (1, 2, 3):
        expect(bench.lane(number)).to_have_attribute("data-live", "")
        expect(bench.lane(number).locator(".turn-body")).to_contain_text("There are a few sides to")
    # At one moment: what is still written moves all of them.
    columns = bench.page.locator("article.lane").evaluate_all(
        "lanes => lanes.map((lane) => lane.getBoundingClientRect().toJSON())"
    )
    assert len({column["y"] for column in columns}) == 1
    for left, right in pairwise(columns):
        assert right["x"] == pytest.approx(left["x"] + left["width"], abs=1)
        assert right["width"] == pytest.approx(left["width"], abs=1)
    # They share the room there is: nothing lies beyond it, and nothing is left over.
    assert sum(column["width"] for column in columns) == pytest.approx(
        bench.page.locator("#scroll").evaluate("box => box.clientWidth"), abs=2
    )
    assert bench.page.locator("#scroll").evaluate("box => box.scrollWidth <= box.clientWidth")
    # As long as there is nothing to tell, no table says so in every cell.
    expect(bench.page.get_by_role("table")).to_be_hidden()
    bench.page.get_by_role("button", name="Stop all").click()
    for number in (1, 2, 3):
        expect(bench.over(number)).to_contain_text("This was stopped. What came until then is kept.")
    expect(bench.page.locator("#send")).to_be_visible()
    expect(bench.page.locator("#stop")).to_be_hidden()


def test_from_the_question_to_a_choice_that_a_reload_still_shows(bench: Bench) -> None:
    models = ("demo-chat", "demo-chat-mini", "demo-reasoning")
    bench.compare(*models)
    for number, model in enumerate(models, 1):
        expect(bench.over(number).locator(".turn-model")).to_have_text(model)
        expect(bench.lane(number).locator(".turn-body")).to_contain_text("lighthouses")
    expect(bench.page.locator("#figures thead .num")).to_have_text(models)
    expect(bench.row("Tokens out").locator("td")).to_have_text([re.compile(r"^\d+$")] * 3)
    expect(bench.page.locator("#figures td .badge").first).to_have_text("best")

    first = [text_of(bench.lane(number)) for number in (1, 2, 3)]
    message = bench.page.locator("#message")
    message.fill("And in a table?")
    message.press("Enter")
    expect(bench.desk.questions).to_have_count(2)
    expect(bench.desk.answers).to_have_count(6)
    expect(message).to_have_value("")
    for number in (1, 2, 3):
        expect(bench.over(number).locator("table")).to_be_visible()
        # Each answers below its own first answer, which stays.
        above = bench.page.locator(f"article.lane[data-lane='{number}']").first
        assert text_of(above) == first[number - 1]
        assert box(above)["x"] == box(bench.lane(number))["x"]
        assert box(above)["y"] < box(bench.lane(number))["y"]

    bench.lane(2).get_by_label("demo-chat-mini answered best").click()
    expect(bench.lane(2).locator(".turn-head .badge.good")).to_have_text("Best")
    expect(bench.page.locator(".turn-head .badge.good")).to_have_count(1)
    # The figures are asked for anew when a turn changes: what is compared is what they end with.
    shown = [text_of(bench.desk.answers.nth(at)) for at in range(6)]
    bench.page.reload()
    bench.desk.ready()
    assert [text_of(bench.desk.answers.nth(at)) for at in range(6)] == shown
    expect(bench.lane(2).get_by_label("demo-chat-mini answered best")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(bench.page.locator(".turn-head .badge.good")).to_have_count(1)
    expect(bench.row("Tokens out").locator("td")).to_have_text([re.compile(r"^\d+$")] * 3)

    bench.page.get_by_label("All comparisons").click()
    kept = bench.page.get_by_role("region", name="Comparisons")
    expect(kept.get_by_role("link")).to_contain_text(" · ".join(models))
    kept.get_by_role("link").click()
    expect(bench.desk.ready().answers).to_have_count(6)


def test_what_was_stopped_beside_a_finished_answer_is_asked_again_alone(bench: Bench) -> None:
    bench.compare("demo-chat", STALLED)
    done = bench.over(1)
    expect(bench.lane(2)).to_have_attribute("data-live", "")
    expect(bench.row("Tokens out").locator("td")).to_have_text([re.compile(r"^\d+$"), "not told"])
    kept = (done.get_attribute("data-run"), text_of(done))
    bench.page.get_by_role("button", name="Stop all").click()
    expect(bench.over(2)).to_contain_text("This was stopped.")
    expect(bench.lane(1)).not_to_contain_text("This was stopped.")
    stopped = bench.lane(2).get_attribute("data-run")

    expect(bench.page.locator("#figures")).to_contain_text("1 of 2 did not come to an end.")
    bench.page.get_by_role("button", name="Ask it again").click()
    expect(bench.lane(2)).to_have_attribute("data-live", "")
    expect(bench.lane(2)).not_to_have_attribute("data-run", str(stopped))
    expect(bench.desk.answers).to_have_count(2)
    expect(bench.lane(2).locator(".turn-body")).to_contain_text("There are a few sides to")
    assert (bench.lane(1).get_attribute("data-run"), text_of(bench.lane(1))) == kept
    expect(bench.page.get_by_role("button", name="Ask it again")).to_have_count(0)
    bench.page.locator("#message").press("Escape")
    expect(bench.over(2)).to_contain_text("This was stopped.")


def test_a_model_that_fails_holds_up_nobody(bench: Bench) -> None:
    bench.compare(REFUSED, "demo-chat")
    expect(bench.over(1).locator(".failure")).to_contain_text("Balance or quota used up")
    expect(bench.over(2)).to_contain_text("Finished (stop)")
    expect(bench.row("Tokens out").locator("td")).to_have_text(["not told", re.compile(r"^\d+$")])
    expect(bench.page.locator("#figures")).to_contain_text("1 of 2 did not come to an end.")
    bench.page.locator("#message").fill("And in a table?")
    bench.page.locator("#send").click()
    expect(bench.desk.answers).to_have_count(4)
    expect(bench.over(2).locator("table")).to_be_visible()
    expect(bench.over(1).locator(".failure")).to_contain_text("Balance or quota used up")


def test_what_is_typed_outlives_a_reload_until_it_is_asked(bench: Bench) -> None:
    bench.desk.open("/compare/")
    bench.fill("demo-chat", "demo-chat-mini", text="Half a question")
    bench.page.locator(".lane-own > summary").nth(1).click()
    bench.page.get_by_label("Temperature").nth(1).fill("0.5")
    bench.page.reload()
    expect(bench.page.get_by_label("Temperature").nth(0)).to_be_hidden()
    expect(bench.page.get_by_label("Temperature").nth(1)).to_be_visible()
    expect(bench.page.get_by_label("Temperature").nth(1)).to_have_value("0.5")
    expect(bench.page.get_by_label("Question")).to_have_value("Half a question")
    expect(bench.page.get_by_label("Model id").nth(1)).to_have_value("demo-chat-mini")
    bench.page.get_by_role("button", name="Ask all").click()
    bench.desk.ready()
    bench.over(1)
    bench.over(2)
    with bench.page.expect_request(re.compile("draft")) as kept:
        bench.page.locator("#message").fill("And in a ta")
    assert kept.value.response()
    bench.page.reload()
    expect(bench.desk.ready().page.locator("#message")).to_have_value("And in a ta")
    bench.desk.open("/compare/")
    expect(bench.page.get_by_label("Question")).to_have_value("")


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_one_swipes_from_column_to_column(somebody: Callable[..., Desk], width: int) -> None:
    bench = Bench(somebody(width=width, height=740, has_touch=True, is_mobile=True))
    bench.desk.open("/compare/")
    assert bench.page.evaluate(FITS)
    bench.compare("demo-chat", "demo-chat-mini", REFUSED)
    for number in (1, 2, 3):
        bench.over(number)
    expect(bench.row("Tokens out").locator("td").nth(1)).to_have_text(re.compile(r"^\d+$"))
    assert bench.page.evaluate(FITS)
    bench.page.locator("#scroll").evaluate("box => { box.scrollTop = 0; }")
    for number in (1, 2, 3):
        head = bench.lane(number).locator(".turn-head")
        expect(head).to_be_in_viewport(ratio=1)
        expect(bench.desk.questions.locator(".bubble")).to_be_in_viewport(ratio=1)
        # One at a time: of the next one no more than its edge is seen.
        assert box(bench.lane(number))["width"] >= 0.85 * width
        swipe(bench.page)
    expect(bench.lane(1).locator(".turn-head")).not_to_be_in_viewport()
    assert bench.page.evaluate("scrollX") == 0
    figures = bench.page.locator("#figures")
    bench.page.locator("#scroll").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    expect(figures.get_by_role("rowheader", name="Tokens out")).to_be_in_viewport(ratio=1)


def swipe(page: Page) -> None:
    """A finger that goes to the left over the answers."""
    wire, size = page.context.new_cdp_session(page), page.viewport_size
    assert size
    # With the times of a slow finger: what Chromium makes of a throw depends on the machine.
    began = time.time() - 2
    for step in range(9, 0, -1):
        points = [{"x": size["width"] * step / 10, "y": 300}]
        name = "touchStart" if step == 9 else "touchMove"
        told = {"type": name, "touchPoints": points, "timestamp": began + 0.1 * (9 - step)}
        wire.send("Input.dispatchTouchEvent", told)
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": [], "timestamp": began + 1.5})


def test_six_columns_are_scrolled_while_the_page_stays(bench: Bench) -> None:
    bench.compare(*["demo-chat-mini"] * 6)
    for number in range(1, 7):
        bench.over(number)
    assert bench.page.evaluate(FITS)
    scroll, question = bench.page.locator("#scroll"), bench.desk.questions.locator(".bubble")
    scroll.evaluate("box => { box.scrollTop = 0; }")
    assert min(box(bench.lane(number))["width"] for number in range(1, 7)) >= 360
    expect(bench.lane(6)).not_to_be_in_viewport()
    at = box(question)
    scroll.focus()
    bench.page.keyboard.press("ArrowRight")
    bench.page.wait_for_function("() => document.getElementById('scroll').scrollLeft > 0")
    scroll.evaluate("box => box.scrollTo({left: box.scrollWidth})")
    expect(bench.lane(6).locator(".turn-head")).to_be_in_viewport(ratio=1)
    # The question and the figures concern all of them: they stay where they are.
    assert box(question) == at
    figures = bench.page.locator("#figures")
    scroll.evaluate("box => { box.scrollTop = box.scrollHeight; }")
    expect(bench.lane(1)).not_to_be_in_viewport()
    expect(figures.get_by_role("rowheader", name="Cost")).to_be_in_viewport(ratio=1)


def test_everything_works_without_script(somebody: Callable[..., Desk]) -> None:
    bench = Bench(somebody(java_script_enabled=False))
    bench.desk.open("/compare/")
    bench.fill("demo-chat", REFUSED, "demo-chat-mini")
    bench.page.get_by_role("button", name="Ask all").click()
    # The page reloads itself while answers are being written.
    expect(bench.over(1)).to_contain_text("Finished (stop)")
    expect(bench.over(3)).to_contain_text("Finished (stop)")
    expect(bench.over(2).locator(".failure")).to_contain_text("Balance or quota used up")
    bench.page.get_by_label("demo-chat answered best").click()
    expect(bench.lane(1).locator(".turn-head .badge.good")).to_have_text("Best")
    bench.page.locator("#message").fill("And in a table?")
    bench.page.get_by_role("button", name="Ask all").click()
    expect(bench.desk.answers).to_have_count(6)
    expect(bench.over(1).locator("table")).to_be_visible()
    expect(bench.over(3).locator("table")).to_be_visible()
    expect(bench.page.locator("meta[http-equiv=refresh]")).to_have_count(0)


@pytest.mark.parametrize("look", LOOKS)
def test_the_form_and_a_comparison_are_accessible(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Callable[..., None], watch: Watch
) -> None:
    watch.allow("status of 422")
    bench = Bench(somebody(**look))
    bench.desk.open("/compare/")
    bench.page.locator(".lane-more > summary").click()
    bench.page.locator(".lane-own > summary").first.click()
    axe(bench.page)
    bench.fill("demo-chat", "demo-chat-mini")
    bench.page.get_by_label("Temperature").first.fill("warm")
    bench.page.get_by_role("button", name="Ask all").click()
    expect(bench.page.get_by_role("alert")).to_contain_text("demo-chat: ")
    axe(bench.page)
    bench.page.get_by_label("Temperature").first.fill("")
    bench.compare("demo-chat", REFUSED, STALLED)
    bench.over(1)
    bench.over(2)
    expect(bench.lane(3).locator(".turn-body")).to_contain_text("There are a few sides to")
    axe(bench.page)
    bench.page.locator("#stop").click()
    bench.over(3)
    bench.page.get_by_label("demo-chat answered best").click()
    expect(bench.lane(1).locator(".turn-head .badge.good")).to_be_visible()
    expect(bench.page.get_by_role("button", name="Ask those again")).to_be_visible()
    axe(bench.page)
    bench.desk.open("/compare/")
    expect(bench.page.get_by_role("region", name="Comparisons").get_by_role("link")).to_be_visible()
    axe(bench.page)
