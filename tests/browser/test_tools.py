"""Tools and schemas on the page: calls answered by hand and by themselves, what fits and what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.test_axe import LOOKS
from tests.browser.upstream import Upstream

pytestmark = pytest.mark.browser
BOTH = "Call both: the weather in Paris, and a search for lighthouses."


def add_tool(desk: Desk, example: str) -> None:
    before = desk.page.locator("#toolbox .tool").count()
    desk.page.locator("#toolbox").get_by_role("button", name="Add a tool").click()
    desk.page.locator("#tool-examples").get_by_role("button", name=example, exact=True).click()
    expect(desk.page.locator("#toolbox .tool")).to_have_count(before + 1)


def open_tab(desk: Desk, name: str) -> None:
    if not desk.page.locator("#inspector").is_visible():
        desk.page.locator("#inspector-toggle").click()
    desk.page.locator(f"#tab-{name}").click()


def call(upstream: Upstream, *calls: tuple[str, str], ends: bool = True) -> None:
    """The upstream calls tools: (name, arguments) each."""
    for at, (name, arguments) in enumerate(calls):
        function = {"name": name, "arguments": arguments}
        row = {"index": at, "id": f"call-{at}", "type": "function", "function": function}
        upstream._send({"delta": {"tool_calls": [row]}, "index": 0})
    if ends:
        upstream.finish("tool_calls")


def test_a_tool_that_arrives_takes_the_focus_only_from_who_asked_for_it(desk: Desk) -> None:
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Weather")
    expect(desk.page.locator("[name=tool-name]")).to_be_focused()
    held: list[Any] = []
    desk.page.route("**/tools", lambda route: held.append(route))
    desk.page.evaluate(
        "() => { window.settled = new Promise((done) => document.body.addEventListener('htmx:afterSettle',"
        " ({ detail }) => detail.elt.id === 'toolbox' && done())) }"
    )
    with desk.page.expect_request("**/tools"):
        desk.page.locator("#toolbox").get_by_role("button", name="Add a tool").click()
        desk.page.locator("#tool-examples").get_by_role("button", name="Search", exact=True).click()
    desk.page.locator("#message").press_sequentially("Half a ques")
    held[0].continue_()
    expect(desk.page.locator("#toolbox .tool")).to_have_count(2)
    desk.page.evaluate("() => window.settled")
    desk.page.keyboard.type("tion")
    expect(desk.page.locator("#message")).to_have_value("Half a question")
    expect(desk.page.locator("[name=tool-name]").last).to_have_value("search")


def test_two_parallel_calls_are_answered_by_hand_and_then_otherwise(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Weather")
    add_tool(desk, "Search")
    desk.ask(BOTH, "own-model", key="Own")
    call(upstream, ("get_weather", '{"city":"Paris"}'), ("search", '{"query": "light'))
    asked = upstream.request()
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["get_weather", "search"]
    answer = desk.answered()
    expect(answer.locator(".part-tool")).to_have_count(2)
    expect(answer.locator(".part-tool").first.locator(".part-call")).to_have_text("call-0")
    expect(answer.locator(".part-tool").last).to_contain_text("Not valid JSON.")
    form = answer.locator("form.give")
    expect(form.locator("textarea").first).to_have_value(re.compile("celsius"))
    form.locator("textarea").first.fill("12 degrees")
    form.get_by_label("This is an error").last.check()
    form.get_by_role("button", name="Run on").click()
    sent = upstream.request()["messages"][-2:]
    assert [row["content"] for row in sent][0] == "12 degrees"
    assert {row["tool_call_id"] for row in sent} == {"call-0", "call-1"}
    upstream.answer("It is cold there.")
    expect(desk.answered()).to_contain_text("It is cold there.")
    expect(desk.page.locator("form.give")).to_have_count(0)
    results = desk.page.locator("article.results")
    expect(results).to_contain_text("12 degrees")
    expect(results.locator("[data-failed]")).to_have_count(1)

    results.get_by_label("Give other results").click()
    results.locator("form.give textarea").first.fill("35 degrees")
    results.get_by_role("button", name="Run on").click()
    upstream.answer("It is hot there.")
    expect(desk.answered()).to_contain_text("It is hot there.")
    expect(results.locator(".branches")).to_contain_text("2/2")
    results.get_by_label("Earlier version").click()
    expect(desk.answered()).to_contain_text("It is cold there.")
    desk.page.reload()
    expect(desk.page.locator("article.results")).to_contain_text("12 degrees")


def test_what_is_typed_for_a_call_stays_while_other_tabs_are_at_work(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Clock")
    desk.ask("What time is it?", "own-model", key="Own")
    call(upstream, ("current_time", "{}"))
    field = desk.answered().locator("form.give textarea")
    field.fill("half past")
    desk.page.evaluate("document.dispatchEvent(new CustomEvent('chat:turns'))")
    other = Desk(desk.page.context.new_page(), desk.url)
    other.page.goto(desk.page.url)
    expect(other.answered().locator("form.give")).to_be_visible()
    other.page.locator("#title [name=title]").fill("Another title")
    other.page.locator("#title [name=title]").press("Enter")
    expect(field).to_have_value("half past")
    other.answered().get_by_role("button", name="Run on").click()
    upstream.answer("It is noon.")
    expect(desk.answered()).to_contain_text("It is noon.")
    expect(desk.page.locator("form.give")).to_have_count(0)


def test_saved_results_let_the_model_run_on_by_itself(desk: Desk) -> None:
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Weather")
    desk.page.get_by_label("Answer calls with the saved results").check()
    desk.page.locator("#message").fill("What is the weather in Paris and in Lisbon?")
    desk.choose("demo-chat")
    desk.page.locator("#send").click()
    expect(desk.answers).to_have_count(2)
    expect(desk.page.locator("article.results")).to_contain_text("saved result")
    expect(desk.answered().locator(".part-text")).to_be_visible()
    expect(desk.page.locator("form.give")).to_have_count(0)
    desk.page.reload()
    expect(desk.answers).to_have_count(2)


def test_a_bad_tool_is_said_at_its_field_while_typing_and_names_are_followed(desk: Desk) -> None:
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Search")
    name = desk.page.locator("[name=tool-name]")
    name.fill("web search")
    expect(desk.page.locator("#error-tool-0-name")).to_contain_text("A tool needs a name")
    name.fill("web_search")
    expect(desk.page.locator("#error-tool-0-name")).to_be_hidden()
    expect(desk.page.locator("#tool-choice-names option")).to_have_text(["web_search"])
    desk.page.locator("#tool-choice").select_option("web_search")
    name.fill("find")
    expect(desk.page.locator("#tool-choice")).to_have_value("find")
    name.press("Enter")
    expect(desk.page.locator("#complaint")).to_be_hidden()
    desk.page.locator("[name=tool-parameters]").fill("{oops")
    expect(desk.page.locator("#error-tool-0-parameters")).to_contain_text("valid JSON")


def test_a_tool_set_is_saved_loaded_after_asking_and_deleted(desk: Desk) -> None:
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Weather")
    sets = desk.page.get_by_text("Tool sets…")
    sets.click()
    desk.page.get_by_label("Save the tools of this chat as").fill("Desk")
    desk.page.locator("#asking").get_by_role("button", name="Save").click()
    expect(desk.page.locator("#asking")).to_be_hidden()
    expect(desk.page.locator(".toast")).to_contain_text("Saved 1 tool as “Desk”.")
    add_tool(desk, "Clock")
    sets.click()
    desk.page.get_by_role("button", name="Load Desk").click()
    question = desk.page.locator("#confirming")
    expect(question).to_contain_text("Put “Desk” in the place of the tools that are there?")
    expect(question.get_by_role("button", name="Leave it")).to_be_focused()
    question.get_by_role("button", name="Leave it").click()
    expect(question).to_be_hidden()
    expect(desk.page.locator("#toolbox .tool")).to_have_count(2)
    desk.page.get_by_role("button", name="Load Desk").click()
    question.get_by_role("button", name="Replace them").click()
    expect(desk.page.locator("#toolbox .tool")).to_have_count(1)
    expect(desk.page.locator("#asking")).to_be_hidden()
    sets.click()
    desk.page.get_by_role("button", name="Delete Desk").click()
    question.get_by_role("button", name="Delete it").click()
    expect(desk.page.locator("#asking")).to_contain_text("Nobody has kept a set yet")


def test_json_is_counted_then_shown_whole_and_fits(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    open_tab(desk, "schema")
    desk.page.get_by_text("From a sample").click()
    desk.page.get_by_label("JSON as the answer should look").fill('{"title": "Tides", "pages": 12}')
    desk.page.get_by_role("button", name="Make the schema").click()
    expect(desk.page.get_by_label("Ask for JSON that fits a schema")).to_be_checked()
    answer = desk.ask("A book, please.", "own-model", key="Own")
    asked = upstream.request()
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["title", "pages"]
    upstream.say('{"title": "Moon", ')
    expect(answer).to_contain_text("Writing JSON… 18 characters")
    expect(answer).not_to_contain_text("Moon")
    desk.page.reload()
    expect(desk.live).to_contain_text("Writing JSON… 18 characters")
    expect(desk.live).not_to_contain_text("Moon")
    upstream.answer('"pages": 3}')
    done = desk.answered()
    expect(done.locator("figure.code")).to_contain_text('"title": "Moon"')
    expect(done.locator(".verdict")).to_contain_text("Fits the schema answer")
    expect(done.locator(".part-count")).to_be_hidden()


def test_what_does_not_fit_is_listed_and_repaired(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    open_tab(desk, "schema")
    desk.page.get_by_label("Ask for JSON that fits a schema").check()
    text = desk.page.locator("#schema-text")
    text.fill('{"properties": {"n": {"type": ')
    expect(desk.page.locator("#error-schema")).to_contain_text("valid JSON")
    text.fill(json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}))
    expect(desk.page.locator("#error-schema")).to_be_hidden()
    upstream.answer('{"n": "three"}')
    desk.ask("A number.", "own-model", key="Own")
    verdict = desk.answered().locator(".verdict")
    expect(verdict).to_contain_text("Does not fit the schema")
    expect(verdict.locator(".pointer")).to_have_text("/n")
    upstream.answer('{"n": 3}')
    verdict.get_by_role("button", name="Repair").click()
    expect(desk.questions.last).to_contain_text("/n: 'three' is not of type 'integer'")
    expect(desk.answered().locator(".verdict")).to_contain_text("Fits the schema")


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    value: dict[str, Any] = request.param
    return value


def test_tools_calls_results_and_verdicts_are_accessible(
    somebody: Callable[..., Desk], upstream: Upstream, look: dict[str, Any], axe: Callable[..., None]
) -> None:
    desk = somebody(**look)
    desk.open().ready()
    open_tab(desk, "tools")
    add_tool(desk, "Weather")
    desk.page.get_by_text("Tool sets…").click()
    expect(desk.page.locator("#asking")).to_be_visible()
    axe(desk.page)
    desk.page.keyboard.press("Escape")
    desk.page.locator("#tab-schema").click()
    axe(desk.page)
    desk.page.get_by_label("Ask for JSON that fits a schema").check()
    desk.page.locator("#schema-text").fill('{"type": "array"}')
    if look["width"] < 760:
        desk.page.locator("#inspector-close").click()
    desk.ask("Weather?", "own-model", key="Own")
    call(upstream, ("get_weather", "{oops"))
    form = desk.answered().locator("form.give")
    expect(form).to_be_visible()
    axe(desk.page)
    form.get_by_label("This is an error").check()
    form.get_by_role("button", name="Run on").click()
    upstream.answer('{"n": 3}')
    expect(desk.answered().locator(".verdict")).to_contain_text("Does not fit")
    axe(desk.page)
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
