"""The page in a real browser: what it loads, when it can be used, and what streaming costs it."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.load import Watch, ask, open_page
from benchmarks.relaying import play
from benchmarks.rows import Figure, Plan, middle, row
from benchmarks.stage import Person, Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]

# Notes every long task; costs nothing while there is none.
LONG_TASKS = """
window.bench = {enter: 0, first: 0, text: 0, long: []};
new PerformanceObserver(list => bench.long.push(...list.getEntries().map(entry => entry.duration)))
  .observe({type: 'longtask', buffered: true});
"""
# Notes when Enter was pressed and when an answer's text was first on screen. It looks at every frame,
# which is work of its own, so the row that counts work goes without.
MOMENTS = """
addEventListener('keydown', event => {
  if (event.key === 'Enter') { bench.enter = performance.now(); bench.first = 0; }
}, true);
const live = () => [...document.querySelectorAll('article.answer[data-live] .blocks')]
  .some(blocks => blocks.textContent.trim());
(function frame() {
  if (bench.enter && !bench.first && live()) bench.first = performance.now();
  if (!bench.text && document.querySelector('article.answer .blocks')?.textContent.trim())
    bench.text = performance.now();
  requestAnimationFrame(frame);
})();
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise RuntimeError("no Chromium on PATH")
    with sync_playwright() as driver:
        flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
        browser = driver.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def signed_in(stage: Stage, browser: Browser, person: Person, *, notes: str = MOMENTS) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    where = f"http://localhost:{stage.port}"
    context.add_cookies([{"name": stage.cookies["session"], "value": person.session, "url": where}])
    context.add_init_script(LONG_TASKS + notes)
    return context


def address(stage: Stage, person: Person) -> str:
    return f"http://localhost:{stage.port}/chat/{person.conversation}/"


async def answered(stage: Stage, person: Person, model: str) -> Watch:
    """One answer from begin to end; the conversation keeps the model as its choice."""
    watch = await open_page(stage, person)
    await ask(stage, person, model)
    await asyncio.wait_for(watch.ended.wait(), 600)
    watch.close()
    return watch


@row("cold")
def cold(stage: Stage, plan: Plan) -> list[Figure]:
    person = stage.people[0]
    with stage.serve(), chromium() as browser:
        play(answered(stage, person, "bench-20-200"))
        runs = [_load(stage, browser, person) for _ in range(plan.some(5, 2))]
    count, size = middle([run[0] for run in runs]), middle([run[1] for run in runs])
    usable = middle([run[2] for run in runs])
    said = f"{count:.0f} / {size / 1000:.0f} KB / {usable:.2f} s"
    good = count <= 20 and size <= 200_000 and usable <= 0.8
    name = "chat page, cold: requests / compressed bytes / input usable"
    return [Figure(name, said, "20 / 200 KB / 0.8 s", good)]


def _load(stage: Stage, browser: Browser, person: Person) -> tuple[float, float, float]:
    context = signed_in(stage, browser, person)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    asked, sizes = list[str](), list[float]()
    wire.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address(stage, person), wait_until="load")
    # Modules run before DOMContentLoaded is over, so from then on the composer does all it can.
    timing: dict[str, float] = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    assert page.is_enabled("#message")
    page.wait_for_timeout(1000)
    context.close()
    # An image inside a style sheet is told of as a request and never leaves the browser.
    sent = [url for url in asked if not url.startswith("data:")]
    return len(sent), sum(sizes), timing["domContentLoadedEventEnd"] / 1000


@row("enter")
def enter(stage: Stage, plan: Plan) -> list[Figure]:
    person = stage.people[1]
    with stage.serve(), chromium() as browser:
        play(answered(stage, person, "bench-d100-20-50"))
        page = signed_in(stage, browser, person).new_page()
        page.goto(address(stage, person))
        took = [_ask_once(page) for _ in range(plan.some(15, 5))]
    stage.renew()
    name = "Enter to first visible token when upstream takes 100 ms, p50"
    p50 = middle(took)
    return [Figure(name, f"{p50:.0f} ms (worst {max(took):.0f})", "180 ms", p50 <= 180)]


def _ask_once(page: Page) -> float:
    page.fill("#message", "Tell me about harbours")
    page.press("#message", "Enter")
    page.wait_for_function("bench.first > bench.enter", timeout=20_000)
    took: float = page.evaluate("bench.first - bench.enter")
    page.wait_for_function("!document.querySelector('article.answer[data-live]')", timeout=20_000)
    page.wait_for_timeout(300)
    return took


@row("browser")
def browser_cost(stage: Stage, plan: Plan) -> list[Figure]:
    jobs = [
        ("2,000 tokens at 50 tokens/s", "bench-2000-50", 1.5),
        ("20,000 tokens at 1,000/s", "bench-20000-1000", 2.5),
    ]
    if plan.quick:
        jobs = [
            ("500 tokens at 50 tokens/s", "bench-500-50", 1.5),
            ("5,000 tokens at 1,000/s", "bench-5000-1000", 2.5),
        ]
    with stage.serve(), chromium() as browser:
        figures = [_stream(stage, browser, stage.people[at + 2], *job) for at, job in enumerate(jobs)]
    stage.renew()
    return figures


def _stream(stage: Stage, browser: Browser, person: Person, what: str, model: str, bar_s: float) -> Figure:
    context = signed_in(stage, browser, person, notes="")
    page = context.new_page()
    page.goto(address(stage, person))
    page.wait_for_timeout(1500)
    wire = context.new_cdp_session(page)
    wire.send("Performance.enable")
    before, earlier = _main_thread_s(wire), page.evaluate("bench.long.length")
    # Another viewer of the same answer counts the bytes; it is asked from there too.
    sent = play(answered(stage, person, model)).received
    page.wait_for_function(
        "document.querySelector('article.answer') && !document.querySelector('article.answer[data-live]')",
        timeout=60_000,
    )
    page.wait_for_timeout(1000)
    spent = _main_thread_s(wire) - before
    long: list[float] = page.evaluate(f"bench.long.slice({earlier})")
    context.close()
    text = len(stage.seed("answers", person.conversation)[0]["text"].encode())
    said = f"{spent:.1f} s, {len(long)} long tasks" + (f" (longest {max(long):.0f} ms)" if long else "")
    said += f", {sent / text:.1f} bytes sent per byte of text"
    bar = f"{bar_s} s, no task over 50 ms, 6 bytes a byte"
    good = spent <= bar_s and not long and sent / text <= 6
    return Figure(f"browser main thread, Markdown answer of {what}", said, bar, good)


def _main_thread_s(wire: CDPSession) -> float:
    metrics: list[dict[str, Any]] = wire.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


@row("reload")
def reload(stage: Stage, plan: Plan) -> list[Figure]:
    person = stage.people[4]
    with stage.serve(), chromium() as browser:
        page = signed_in(stage, browser, person).new_page()
        play(_asked(stage, person))
        page.goto(address(stage, person))
        time.sleep(2)
        asked = stage.upstream_stats()["asked"]
        later, shown = [], 0
        for _ in range(plan.some(5, 3)):
            page.reload(wait_until="load")
            page.wait_for_function("bench.text > 0", timeout=10_000)
            paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
            later.append(page.evaluate(f"bench.text - ({paint})"))
            shown = page.evaluate("document.querySelector('article.answer .blocks').textContent.length")
        again = stage.upstream_stats()["asked"] - asked
    stage.renew()
    worst = max(later)
    said = f"{max(0.0, worst):.0f} ms after the first paint ({shown:,} characters), {again} upstream calls"
    name = "reload in mid-stream: text back"
    # One frame is what a frame callback may be late.
    return [Figure(name, said, "at first paint, no second call", worst <= 17 and again == 0)]


async def _asked(stage: Stage, person: Person) -> None:
    await ask(stage, person, "bench-1200-20")
    await asyncio.sleep(3)
