"""What a person does with answers: watch, stop, regenerate, edit, continue; nothing jumps or is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk, box, expect, text_of
from tests.browser.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser
LONG = "".join(
    f"Paragraph {number} says a few words about lighthouses and the sea.\n\n" for number in range(60)
)


def test_words_show_as_they_come_and_the_finished_answer_keeps_their_place(
    desk: Desk, upstream: Upstream
) -> None:
    answer = desk.ask_anew("Write to me.", "own-model", key="Own")
    upstream.say("One paragraph.\n\nThe second ")
    expect(answer.locator(".tail")).to_have_text("The second")
    expect(answer.locator(".block").first).to_have_text("One paragraph.")
    expect(answer.locator("[data-note]")).to_have_text("Writing…")
    top = box(answer.locator(".block").first)
    upstream.say("one is **bold**.\n\n### A heading\n\n- a\n- b\n")
    upstream.finish()
    done = desk.answered()
    expect(done.locator("strong")).to_have_text("bold")
    assert box(done.locator(".block").first) == top
    assert done.locator(".turn-body :is(h1, h2, h3, h4, h5, h6)").evaluate("node => node.localName") == "h3"


def test_a_growing_answer_never_moves_what_is_above_it(desk: Desk, upstream: Upstream) -> None:
    answer = desk.ask_anew("Write to me.", "own-model", key="Own")
    upstream.say("First.\n\n```python\nx = 1\n")
    expect(answer.locator(".tail-code")).to_contain_text("x = 1")
    desk.page.evaluate(
        """() => {
            window.shifts = [];
            new PerformanceObserver(list => list.getEntries().forEach(entry => shifts.push(entry.value)))
                .observe({type: 'layout-shift'});
        }"""
    )
    upstream.say("y = 2\n```\n\nAfter the code, | a table |\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd.")
    expect(answer.locator("figure.code")).to_be_visible()
    expect(answer.locator("table")).to_be_visible()
    upstream.finish()
    desk.answered()
    assert sum(desk.page.evaluate("shifts")) < 0.02


def test_a_selection_survives_the_end_of_the_stream(desk: Desk, upstream: Upstream) -> None:
    answer = desk.ask_anew("Write to me.", "own-model", key="Own")
    upstream.say("Words to select.\n\nMore")
    expect(answer.locator(".block").first).to_have_text("Words to select.")
    answer.locator(".block").first.select_text()
    upstream.say(" of it.")
    upstream.finish()
    desk.answered()
    assert desk.page.evaluate("getSelection().toString()").strip() == "Words to select."


def test_stop_keeps_what_came_and_says_so(desk: Desk, upstream: Upstream) -> None:
    answer = desk.ask_anew("Write to me.", "own-model", key="Own")
    upstream.say("Half of a sen")
    expect(answer.locator(".tail")).to_have_text("Half of a sen")
    expect(desk.page.locator("#send")).to_be_hidden()
    desk.page.keyboard.press("Escape")
    done = desk.answered()
    expect(done).to_contain_text("You stopped this. What came until then is kept.")
    assert text_of(done) == "Half of a sen"
    expect(desk.page.locator("#send")).to_be_visible()


def test_an_answer_made_anew_is_a_version_beside_the_first(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("The first version.")
    desk.ask_anew("Write to me.", "own-model", key="Own")
    desk.answered().get_by_label("Regenerate the answer").click()
    upstream.answer("The second version.")
    expect(desk.answered()).to_contain_text("The second version.")
    expect(desk.answered().locator(".branches")).to_contain_text("2/2")
    desk.answered().get_by_label("Earlier version").click()
    expect(desk.answered()).to_contain_text("The first version.")
    desk.page.reload()
    expect(desk.answered()).to_contain_text("The first version.")
    desk.ready().answered().get_by_label("Later version").click()
    expect(desk.answered()).to_contain_text("The second version.")


def test_an_edited_question_asks_again_and_the_old_branch_stays(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("About the old question.")
    desk.ask_anew("The old question", "own-model", key="Own")
    desk.answered()
    desk.page.keyboard.press("Alt+ArrowUp")
    form = desk.page.locator("[data-edit-form]")
    expect(form.locator("textarea")).to_be_focused()
    form.locator("textarea").fill("The new question")
    form.get_by_role("button", name="Save and rerun").click()
    upstream.answer("About the new question.")
    expect(desk.answered()).to_contain_text("About the new question.")
    assert [request["messages"][-1]["content"] for request in (upstream.request(), upstream.request())] == [
        "The old question",
        "The new question",
    ]
    desk.questions.get_by_label("Earlier version").click()
    expect(desk.questions.last).to_contain_text("The old question")
    expect(desk.answered()).to_contain_text("About the old question.")


def test_saving_an_edit_asks_nobody_and_an_answer_can_be_edited_too(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("The answer as it came.")
    desk.ask_anew("The question", "own-model", key="Own")
    desk.answered().get_by_label("Edit the answer").click()
    form = desk.page.locator("[data-edit-form]")
    form.locator("textarea").fill("The answer as I like it.")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(desk.answers.last).to_contain_text("The answer as I like it.")
    expect(desk.answers.last.locator(".branches")).to_contain_text("2/2")
    upstream.request()
    assert upstream.asked.empty()


def test_a_cancelled_edit_leaves_everything_as_it_was(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("The answer.")
    desk.ask_anew("The question", "own-model", key="Own")
    desk.answered()
    desk.page.keyboard.press("Alt+ArrowUp")
    desk.page.locator("[data-edit-form] textarea").fill("Something else")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("[data-edit-form]")).to_have_count(0)
    expect(desk.questions.last).to_contain_text("The question")


def test_a_cut_answer_is_continued_where_it_ended(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("This sentence has no", reason="length")
    desk.ask_anew("The question", "own-model", key="Own")
    done = desk.answered()
    expect(done).to_contain_text("Cut at the token limit.")
    done.get_by_role("button", name="Continue").click()
    upstream.answer(" end until now.")
    expect(desk.answered()).to_contain_text("This sentence has no end until now.")
    expect(desk.answered().locator(".branches")).to_contain_text("2/2")


def test_a_second_question_keeps_the_thread_together(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("First answer.")
    desk.ask_anew("First question", "own-model", key="Own")
    desk.answered()
    upstream.answer("Second answer.")
    desk.ask("Second question")
    expect(desk.answered()).to_contain_text("Second answer.")
    upstream.request()
    said = [message["content"] for message in upstream.request()["messages"]]
    assert said == ["First question", "First answer.", "Second question"]


def at_rest(thing: Locator) -> Locator:
    """Blocks out of sight get their true heights late, and the box scrolls to make up for them."""
    handle = thing.element_handle()
    assert handle
    handle.wait_for_element_state("stable")
    return thing


def in_the_middle(answer: Locator) -> Locator:
    """The paragraph that is read there."""
    found = """box => [...box.querySelectorAll('.block')]
        .findIndex(block => block.getBoundingClientRect().bottom > innerHeight / 2)"""
    return answer.locator(".block").nth(at_rest(answer).evaluate(found))


def test_a_reader_who_scrolled_up_is_left_alone_and_offered_the_way_down(
    desk: Desk, upstream: Upstream
) -> None:
    answer = desk.ask_anew("Write to me.", "own-model", key="Own")
    upstream.say(LONG)
    expect(answer).to_contain_text("Paragraph 59")
    scroll = desk.page.locator("#scroll")
    expect(desk.page.locator("#jump")).to_be_hidden()
    scroll.hover()
    desk.page.mouse.wheel(0, -1500)
    expect(desk.page.locator("#jump")).to_be_visible()
    read = in_the_middle(answer)
    expect(read).to_be_in_viewport()
    before = box(at_rest(read))
    upstream.say("The last words of all.\n\nEnd")
    expect(answer).to_contain_text("The last words of all.")
    assert box(at_rest(read)) == before
    desk.page.locator("#jump").click()
    expect(desk.page.locator("#jump")).to_be_hidden()
    expect(answer.locator(".tail")).to_be_in_viewport()
    upstream.say(" of it")
    upstream.finish()
    expect(desk.answered().locator(".turn-actions")).to_be_in_viewport()


def test_another_tab_gets_a_question_that_was_asked_elsewhere(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("First answer.")
    desk.ask_anew("First question", "own-model", key="Own")
    desk.answered()
    other = Desk(desk.page.context.new_page(), desk.url)
    other.page.goto(desk.page.url)
    other.ready()
    other.page.wait_for_load_state("load")
    desk.page.bring_to_front()
    desk.ask("Second question")
    upstream.say("Half of the second")
    expect(other.live).to_contain_text("Half of the second")
    upstream.finish()
    expect(other.answered()).to_contain_text("Half of the second")


def test_reasoning_is_folded_and_told_apart(desk: Desk) -> None:
    desk.ask_anew("How do tides work?", "demo-reasoning")
    part = desk.answered().locator(".part-thinking")
    expect(part.locator("summary")).to_contain_text("Reasoning")
    expect(part.locator(".blocks")).to_be_hidden()
    part.locator("summary").click()
    expect(part.locator(".blocks")).to_be_visible()


def test_a_refusal_is_shown_as_one(desk: Desk) -> None:
    desk.ask_anew("Do something bad.", "demo-refusal")
    expect(desk.answered().locator(".part-refusal")).to_contain_text("The model refused")


def test_the_details_name_both_models_and_every_figure(desk: Desk) -> None:
    desk.ask_anew("Hello", "demo-chat-mini")
    done = desk.answered()
    expect(done.locator(".turn-head")).to_contain_text("answered by demo-chat-mini-anyint")
    done.get_by_label("Details of this answer").click()
    details = desk.page.locator("#details")
    expect(details).to_contain_text("Model asked")
    for fact in ("Time to first token", "Tokens per second", "read from cache", "reasoning"):
        expect(details).to_contain_text(fact)


def test_an_answer_is_copied_as_its_source(somebody: Callable[..., Desk], upstream: Upstream) -> None:
    desk = somebody(permissions=["clipboard-read", "clipboard-write"])
    upstream.answer("Some **bold** words.\n\n```python\nprint(1)\n```\n")
    desk.ask_anew("The question", "own-model", key="Own")
    done = desk.answered()
    done.get_by_label("Copy the answer").click()
    expect(desk.page.locator(".toast")).to_contain_text("Copied as Markdown.")
    assert desk.page.evaluate("navigator.clipboard.readText()").startswith("Some **bold** words.")
    # The word goes after a moment: not while the page's clock stands.
    desk.page.clock.install()
    desk.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    done.get_by_role("button", name="Copy", exact=True).click()
    expect(done.get_by_role("button", name="Copied")).to_be_visible()
    assert desk.page.evaluate("navigator.clipboard.readText()").strip() == "print(1)"
