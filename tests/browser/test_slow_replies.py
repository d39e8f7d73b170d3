"""Replies that come late: what the page learnt or the person did meanwhile stays."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.test_prompts import written
from tests.browser.test_tools import add_tool, call, open_tab
from tests.browser.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Route

pytestmark = pytest.mark.browser
STREAM, LIST = re.compile(r"/chat/live(\?.*)?$"), re.compile(r"/chat/list(\?.*)?$")
ASK, RENAME, TURN = re.compile(r"/ask$"), re.compile(r"/rename$"), re.compile(r"/chat/turn/[^/]+/?$")
SOURCES = """
    window.sources = [];
    window.EventSource = class extends window.EventSource {
      constructor(...given) { super(...given); window.sources.push(this); }
    };
"""


def hold(desk: Desk, pattern: re.Pattern[str]) -> list[Route]:
    """What the page asks for there gets no reply until the test lets it go."""
    held: list[Route] = []
    desk.page.route(pattern, lambda route: held.append(route))  # a builtin takes no mark
    return held


def test_a_question_asked_before_the_stream_of_another_tab_began_is_shown_there(
    desk: Desk, upstream: Upstream
) -> None:
    upstream.answer("First answer.")
    desk.ask_anew("First question", "own-model", key="Own")
    desk.answered()
    other = Desk(desk.page.context.new_page(), desk.url)
    streams = hold(other, STREAM)
    with other.page.expect_request(STREAM):
        other.page.goto(desk.page.url)
    other.ready()
    desk.page.bring_to_front()
    answer = desk.ask("Second question")
    upstream.say("Half of the second")
    expect(answer).to_contain_text("Half of the second")
    expect(other.questions).to_have_count(1)
    streams[0].continue_()
    other.page.unroute(STREAM)
    expect(other.questions).to_have_count(2)
    expect(other.live).to_contain_text("Half of the second")
    upstream.finish()
    expect(other.answered()).to_contain_text("Half of the second")


def test_a_late_reply_to_a_question_takes_no_typed_result_away(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("First answer.")
    desk.ask_anew("First question", "own-model", key="Own")
    desk.answered()
    open_tab(desk, "tools")
    add_tool(desk, "Clock")
    asked = hold(desk, ASK)
    desk.page.locator("#message").fill("What time is it?")
    with desk.page.expect_request(ASK):
        desk.page.locator("#send").click()
    late = asked[0].fetch()
    expect(desk.live).to_be_visible()
    call(upstream, ("current_time", "{}"))
    field = desk.answered().locator("form.give textarea")
    field.fill("half past")
    asked[0].fulfill(response=late)
    # Emptied when the reply has been dealt with.
    expect(desk.page.locator("#message")).to_have_value("")
    expect(field).to_have_value("half past")


def begun(desk: Desk, upstream: Upstream, words: str) -> Locator:
    """An answer that has these words so far, on a page whose streams are at hand."""
    desk.page.add_init_script(SOURCES)
    answer = desk.ask_anew("Tell me", "own-model", key="Own")
    upstream.say(words)
    expect(answer).to_contain_text(words)
    return answer


def heard(desk: Desk, event: str, data: dict[str, object]) -> None:
    """As if the page's stream had told of it."""
    desk.page.evaluate(
        "([event, data]) => window.sources.at(-1).dispatchEvent(new MessageEvent(event, { data }))",
        [event, json.dumps(data)],
    )


def painted(desk: Desk) -> None:
    """What was told is put on the page with the next picture of it."""
    desk.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def test_what_is_written_while_an_answer_is_taken_for_over_is_not_lost(
    desk: Desk, upstream: Upstream
) -> None:
    begun(desk, upstream, "One moment.")
    looks = hold(desk, TURN)
    with desk.page.expect_request(TURN):
        heard(desk, "ready", {"runs": [], "draining": False})
    desk.page.evaluate(
        "() => window.sources.at(-1).addEventListener('run', () => { document.body.dataset.told = '' })"
    )
    call(upstream, ("current_time", "{}"), ends=False)
    expect(desk.page.locator("body[data-told]")).to_be_attached()
    painted(desk)
    looks[0].continue_()
    desk.page.unroute(TURN)
    expect(desk.live.locator(".part-tool")).to_be_visible()
    upstream.finish("tool_calls")
    expect(desk.answered()).to_contain_text("One moment.")
    expect(desk.answered().locator(".part-tool")).to_have_count(1)


def test_a_late_word_of_the_end_takes_nothing_from_an_answer_that_is_over(
    desk: Desk, upstream: Upstream
) -> None:
    answer = begun(desk, upstream, "Half of it")
    run, turn = (answer.get_attribute(f"data-{name}") for name in ("run", "turn"))
    desk.page.evaluate("() => window.sources.at(-1).close()")
    other = Desk(desk.page.context.new_page(), desk.url)
    other.page.goto(desk.page.url)
    upstream.answer(", and the rest.")
    digest = other.answered().get_attribute("data-digest")
    heard(desk, "feed", {"kind": "ended", "run": run})
    expect(desk.answered()).to_contain_text("Half of it, and the rest.")
    heard(desk, "run", {"run": run, "turn": turn, "seq": 99, "ops": [["end", "finished", digest]]})
    painted(desk)
    expect(desk.answered()).to_contain_text("Half of it, and the rest.")


def test_an_answer_of_which_only_the_end_was_told_is_shown_whole(desk: Desk, upstream: Upstream) -> None:
    desk.ask_anew("Call something", "own-model", key="Own")
    other = Desk(desk.page.context.new_page(), desk.url)
    other.page.add_init_script(SOURCES)
    hold(other, STREAM)
    with other.page.expect_request(STREAM):
        other.page.goto(desk.page.url)
    expect(other.ready().live).to_be_visible()
    upstream.say("Two calls.")
    call(upstream, ("current_time", "{}"), ("search", "{}"))
    expect(desk.answered().locator(".part-tool")).to_have_count(2)
    run, turn = (other.live.get_attribute(f"data-{name}") for name in ("run", "turn"))
    rest = [["open", 2, "tool_call", "search", "call-1"], ["close", 2], ["end", "finished", "digest"]]
    heard(other, "run", {"run": run, "turn": turn, "seq": 7, "ops": rest})
    expect(other.answered().locator(".part-tool")).to_have_count(2)
    expect(other.answered()).to_contain_text("Two calls.")


def test_a_late_list_takes_no_open_menu_away(desk: Desk, upstream: Upstream) -> None:
    upstream.answer("First answer.")
    desk.ask_anew("About lighthouses", "own-model", key="Own")
    desk.answered()
    desk.page.mouse.move(700, 300)
    row = desk.page.locator(".conversation", has_text="About lighthouses")
    expect(row).to_be_visible()
    lists = hold(desk, LIST)
    upstream.answer("Second answer.")
    with desk.page.expect_request(LIST):
        desk.ask("More")
        desk.answered()
    row.hover()
    row.get_by_role("button", name=re.compile("More about")).click()
    with desk.page.expect_event("requestfinished", lambda request: LIST.search(request.url)):
        lists[-1].continue_()
    desk.page.unroute(LIST)
    # The reply has been dealt with when what it asked for next is.
    desk.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    desk.page.get_by_role("button", name="Pin", exact=True).click()
    expect(desk.page.locator("#conversations .group").first).to_contain_text("Pinned")


def test_what_a_row_was_asked_for_comes_though_the_list_was_drawn_anew(
    desk: Desk, upstream: Upstream
) -> None:
    upstream.answer("First answer.")
    desk.ask_anew("About lighthouses", "own-model", key="Own")
    desk.answered()
    row = desk.page.locator(".conversation", has_text="About lighthouses")
    asked = hold(desk, RENAME)
    row.hover()
    row.get_by_role("button", name=re.compile("More about")).click()
    with desk.page.expect_request(RENAME):
        desk.page.get_by_role("link", name="Rename…").click()
    desk.page.locator("#message").click()
    row.evaluate("row => { row.dataset.old = '' }")
    desk.page.evaluate("() => { document.dispatchEvent(new CustomEvent('chat:list')) }")
    expect(desk.page.locator(".conversation[data-old]")).to_have_count(0)
    asked[0].continue_()
    desk.page.unroute(RENAME)
    dialog = desk.page.get_by_role("dialog", name="Chat", exact=True)
    dialog.get_by_label("Title").fill("Beacons")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog).to_be_hidden()
    expect(row).to_have_count(0)
    assert desk.page.locator("body > div[hidden]").count() == 0


def test_a_list_that_came_anew_can_be_used_at_once(desk: Desk) -> None:
    for title in ("Boats", "Kites"):
        written(desk, title)
    page = desk.open("/prompts/").page
    page.locator("#prompts-all").check()
    page.locator("#prompts [name=tag]").fill("mail")
    page.evaluate(
        """() => new MutationObserver((seen, observer) => {
            observer.disconnect();
            window.stayed = true;
            document.querySelector('[aria-label="Choose Kites"]').click();
            document.querySelector('[aria-label="Preview Boats"]').click();
        }).observe(document.getElementById("library"), { childList: true })"""
    )
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#preview")).to_contain_text("Boats")
    expect(page.locator("#prompts-count")).to_have_text("1 chosen")
    expect(page.get_by_label("Choose Kites")).not_to_be_checked()
    assert page.evaluate("() => window.stayed"), "The link was followed as if there were no script."
