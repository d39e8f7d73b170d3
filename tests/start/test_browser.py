"""The tests' own browser: it tells what goes wrong on a page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests._servers.browser import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
GOOD = '<!doctype html><html lang="en"><title>A page</title><main><h1>Hello</h1></main></html>'
BAD = (
    '<!doctype html><html lang="en"><title>A page</title><main><h1>Hello</h1><img src="data:,"></main></html>'
)
STRICT = GOOD.replace(
    "<main>", "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"><main>"
)


def test_a_good_page_passes(page: Page, axe: Callable[..., None]) -> None:
    page.set_content(GOOD)
    axe(page)


def test_a_page_that_is_not_accessible_fails(page: Page, axe: Callable[..., None]) -> None:
    page.set_content(BAD)
    with pytest.raises(AssertionError, match="image-alt"):
        axe(page)


def test_console_and_script_errors_are_noticed(page: Page, watch: Watch) -> None:
    page.evaluate("console.error('first')")
    page.evaluate(
        "new Promise(done => { setTimeout(done, 1); setTimeout(() => { throw Error('second') }, 0) })"
    )
    with pytest.raises(AssertionError, match=r"first[\s\S]*second"):
        watch.check()
    watch.allow("first|second")


def test_a_foreign_request_is_noticed(page: Page, watch: Watch) -> None:
    page.route("**/*", lambda route: route.fulfill(body=""))
    page.goto("http://example.invalid/")
    with pytest.raises(AssertionError, match="foreign request: http://example.invalid/"):
        watch.check()
    watch.allow("foreign request")


def test_a_breach_of_the_content_policy_is_noticed(page: Page, watch: Watch, demo: str) -> None:
    page.route("**/*", lambda route: route.fulfill(content_type="text/html", body=STRICT))
    page.goto(demo)
    with page.expect_console_message():
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))")
    page.wait_for_function("() => true")
    with pytest.raises(AssertionError, match="content policy: script-src"):
        watch.check()
    watch.allow("content policy|console")


async def test_asynchronous_tests_run_beside_the_browser() -> None:
    await asyncio.sleep(0)
