"""A real Chromium, and pages that fail their test when anything on them goes wrong unseen."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests._servers.chromium import chromium
from tests._servers.processes import PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LISTEN = """
addEventListener('securitypolicyviolation', event =>
    window.noteViolation(`${event.violatedDirective} refused ${event.blockedURI} on ${location.pathname}`));
"""


ABANDONED = re.compile(r"^htmx:(sendAbort|afterRequest|afterOnLoad)\b")


@dataclass  # no slots: playwright keeps its wrappers of bound methods on their object
class Watch:
    """What went wrong on the pages of a test. `allow` names what the test provokes on purpose."""

    problems: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        self.allowed.append(pattern)

    def note(self, problem: str) -> None:
        self.problems.append(problem)

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.note(f"script error: {error.error}"))
        context.on("request", self._request)
        context.expose_function("noteViolation", lambda text: self.note(f"content policy: {text}"))
        context.add_init_script(LISTEN)

    def _console(self, message: ConsoleMessage) -> None:
        # htmx logs as errors what it gave up for something newer, or because the page was left.
        if message.type == "error" and not ABANDONED.search(message.text):
            self.note(f"console: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.hostname not in {"localhost", "127.0.0.1"}:
            self.note(f"foreign request: {request.url}")

    def check(self) -> None:
        left = [text for text in self.problems if not any(re.search(known, text) for known in self.allowed)]
        assert not left, "\n".join(left)


@pytest.fixture(scope="session")
def _playwright() -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    from playwright.sync_api import sync_playwright

    driver = sync_playwright().start()
    # Its event loop counts as running in this thread from here on, and no asynchronous test could
    # run beside it. So it is shown only while a browser test runs (see `_loop`).
    loop = asyncio.get_running_loop()
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    browser = driver.chromium.launch(executable_path=chromium(), args=flags)
    asyncio._set_running_loop(None)
    yield browser, loop
    asyncio._set_running_loop(loop)
    browser.close()
    driver.stop()
    asyncio._set_running_loop(None)


@pytest.fixture
def browser(_playwright: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The session's Chromium, usable while the test runs."""
    browser, loop = _playwright
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def open_page(browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """`open_page(width=1440, height=900, **context options)`: a page in a browser context of its own."""
    contexts = []

    def start(*, width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_S * 1000)
        watch.follow(context)
        return context.new_page()

    yield start
    for context in contexts:
        context.close()
    watch.check()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def axe() -> Callable[..., None]:
    """`axe(page)` fails on any accessibility violation of what the page shows now."""

    def check(page: Page, *, within: str | None = None) -> None:
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE.read_text())
        found = page.evaluate("where => axe.run(where || document, {resultTypes: ['violations']})", within)
        rows = [
            f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['target']} {node['html'][:200]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
        assert not rows, f"{page.url}\n" + "\n".join(rows)

    return check
