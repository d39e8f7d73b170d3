"""What went wrong is told at its place: what happened, whose move it is, a retry only where it can help."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from playground.gateway.errors import KINDS
from tests.browser.desk import Desk, expect
from tests.browser.upstream import Upstream

pytestmark = pytest.mark.browser
PROMPT = "A question nobody else may read"

# model, kind of error, HTTP status in the details
ERRORS = [
    ("demo-error-400", "invalid_request", "400"),
    ("demo-error-401", "auth", "401"),
    ("demo-error-402", "quota", "402"),
    ("demo-error-403", "permission", "403"),
    ("demo-error-413", "too_large", "413"),
    ("demo-error-429-quota", "quota", "429"),
    ("demo-error-503", "upstream_unavailable", "503"),
    ("demo-error-502-html", "upstream_unavailable", "502"),
    ("demo-redirect", "protocol", "302"),
    ("demo-json-nonsense", "permission", "403"),
]


@pytest.mark.parametrize(("model", "kind", "status"), ERRORS)
def test_an_error_is_told_in_words_at_its_place(
    somebody: Callable[..., Desk], model: str, kind: str, status: str
) -> None:
    desk = somebody(permissions=["clipboard-read", "clipboard-write"])
    desk.ask_anew(PROMPT, model)
    failure = desk.answered().locator(".failure")
    about = KINDS[kind]
    expect(failure.locator(".failure-title")).to_contain_text(about.title)
    expect(failure).to_contain_text(about.sentence)
    expect(failure.get_by_role("button", name="Try again")).to_have_count(int(about.retryable))
    expect(failure.get_by_role("link", name="Open my keys")).to_have_count(int(about.who == "key owner"))
    failure.get_by_role("button", name="Copy details").click()
    expect(failure.get_by_role("button", name="Copy details")).to_have_count(1)
    details = desk.page.evaluate("navigator.clipboard.readText()")
    assert f"status: {status}" in details
    assert f"kind: {kind}" in details
    assert "request id: " in details
    assert PROMPT not in details
    assert "demo-key" not in details


def test_a_rate_limit_counts_down_until_a_retry_is_of_use(desk: Desk) -> None:
    # The page's day goes by as the test says: a slow machine sees the same seconds.
    day = desk.page.clock
    day.set_fixed_time(datetime.now(UTC))
    desk.ask_anew(PROMPT, "demo-error-429")
    failure = desk.answered().locator(".failure")
    expect(failure).to_contain_text("Too many requests")
    wait = failure.locator(".failure-wait")
    until = datetime.fromisoformat(wait.get_attribute("data-until") or "")
    day.set_fixed_time(until - timedelta(seconds=6.5))
    expect(wait).to_have_text("You can try again in 7 s.")
    day.set_fixed_time(until - timedelta(seconds=0.5))
    expect(wait).to_have_text("You can try again in 1 s.")
    retry = failure.get_by_role("button", name="Try again")
    expect(retry).to_be_disabled()
    day.set_fixed_time(until + timedelta(seconds=0.5))
    expect(wait).to_have_text("You can try again now.")
    desk.choose("demo-chat")
    retry.click()
    expect(desk.answered().locator(".turn-facts")).to_contain_text("Finished")
    expect(desk.answered().locator(".branches")).to_contain_text("2/2")


def test_what_came_before_the_break_is_kept_and_can_be_continued(desk: Desk) -> None:
    desk.ask_anew("Tell me about lighthouses.", "demo-cut-after-20")
    cut = desk.answered()
    expect(cut.locator(".failure")).to_contain_text("The answer broke off")
    expect(cut.locator(".turn-body")).to_have_text(re.compile(r"\w"))
    begun = cut.locator(".turn-body").inner_text().strip()[:30]
    desk.choose("demo-chat")
    cut.get_by_role("button", name="Continue").click()
    expect(desk.answered().locator(".turn-facts")).to_contain_text("Finished")
    expect(desk.answered().locator(".turn-body")).to_contain_text(begun)


def test_a_gateway_that_repeats_the_key_shows_it_to_nobody(desk: Desk) -> None:
    desk.ask_anew(PROMPT, "demo-echo-key")
    failure = desk.answered().locator(".failure")
    failure.locator("summary").click()
    expect(failure.locator(".failure-said")).to_be_visible()
    assert "demo-key" not in desk.page.content()


def test_a_lost_connection_says_so_and_the_answer_is_there_when_it_comes_back(
    desk: Desk, upstream: Upstream, watch: object
) -> None:
    # The chip, the list of chats and others may ask just then.
    watch.allow("ERR_INTERNET_DISCONNECTED|htmx:sendError")  # type: ignore[attr-defined]  # the fixture's Watch
    answer = desk.ask_anew("Write to me.", "own-model", key="Own")
    upstream.say("First words.\n\nMore ")
    expect(answer).to_contain_text("First words.")
    desk.page.context.set_offline(True)
    desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    upstream.say("while nobody listened.")
    desk.page.context.set_offline(False)
    expect(answer).to_contain_text("while nobody listened.")
    upstream.finish()
    expect(desk.answered()).to_contain_text("More while nobody listened.")
