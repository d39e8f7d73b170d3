"""A task route as an admin declares it in the browser, from the empty form to a film that was made by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from playground import processes
from tests._servers.browser import Watch
from tests._servers.site import Site
from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param(
        {"width": width, "height": height, "color_scheme": scheme, "reduced_motion": "reduce"},
        id=f"{scheme}-{width}",
    )
    for width, height in ((1440, 900), (390, 844))
    for scheme in ("light", "dark")
]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
REFUSED = "status of 422"
# The demo's DashScope videos, as somebody would declare them who knows nothing of the built-in form.
TYPED = {
    "label": "Harbour films",
    "key": "harbour-films",
    "family": "harbour",
    "fields.0.name": "model",
    "fields.0.label": "Model",
    "fields.0.default": "demo-video",
    "fields.1.name": "input.prompt",
    "fields.1.label": "What is seen",
    "create.path": "/dashscope/v1/services/aigc/video-generation/video-synthesis",
    "query.path": "/dashscope/v1/tasks/{id}",
    "id": "output.task_id",
    "status": "output.task_status",
    "outputs.0.path": "output.video_url",
    "error.message": "output.message",
    "pace.first_s": "1",
    "pace.ceiling_s": "2",
}


@pytest.fixture(scope="module")
def worker(place: Site) -> Iterator[None]:
    place.commands["worker"] = processes.embedded_worker()
    place.start("worker")
    yield
    place.running.pop("worker").end()


def fill(page: Page) -> None:
    for name, text in TYPED.items():
        page.locator(f'[name="{name}"]').fill(text)
    page.locator('[name="medium"]').select_option("video")
    page.locator('[name="outputs.0.kind"]').select_option("video")
    for number in (0, 1):
        page.locator(f'[name="fields.{number}.required"]').check()


def save(page: Page) -> None:
    page.locator(".form-foot").get_by_role("button", name="Save").click()


def test_a_declared_route_makes_a_film(desk: Desk, worker: None, watch: Watch) -> None:
    watch.allow(REFUSED)
    page = desk.open("/settings/routes/").page
    page.get_by_role("link", name="Declare a route").click()
    fill(page)
    page.locator('[name="create.path"]').fill("https://elsewhere.example/x")
    save(page)
    expect(page.get_by_text("must begin with one slash")).to_be_visible()
    page.locator('[name="create.path"]').fill(TYPED["create.path"])
    page.get_by_label("Answer to the create call").fill('{"output": {"task_id": "t-5"}}')
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#trial-result")).to_contain_text("t-5")
    save(page)
    expect(page.locator(".route-row")).to_contain_text("Harbour films")
    page = desk.open("/studio/video/").page
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    page.locator("#operation").select_option(label="Harbour films")
    page.wait_for_url(re.compile("operation="))
    expect(page.locator("#studio[data-ready]")).to_be_visible()
    page.get_by_label("What is seen").fill("boats in a harbour")
    key = next(text for text in page.locator("#key option").all_inner_texts() if text.startswith("Demo"))
    page.locator("#key").select_option(label=key)
    page.locator("#generate").click()
    card = page.locator(".task-card").first
    expect(card).to_contain_text("boats in a harbour")
    expect(card.locator(".status")).to_contain_text("Ready")
    expect(card.locator("video")).to_have_count(1)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_routes_are_accessible(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Callable[..., None], watch: Watch
) -> None:
    watch.allow(REFUSED)
    page = somebody(**look).open("/settings/routes/").page
    axe(page)
    page.goto(page.url + "new/")
    fill(page)
    page.locator('[name="id"]').fill("a..b")
    page.locator('[name="outputs.0.path"]').fill("a b")
    save(page)
    expect(page.get_by_role("alert")).to_be_visible()
    axe(page)
    page.locator('[name="id"]').fill("output.task_id")
    page.locator('[name="outputs.0.path"]').fill("output.video_url")
    page.get_by_label("Answer to the query").fill('{"output": {"task_status": "RUNNING"}}')
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#trial-result")).to_be_visible()
    axe(page)
    save(page)
    expect(page.locator(".route-row")).to_be_visible()
    axe(page)
    assert page.evaluate(OVERFLOW) <= 0


def test_nothing_leaves_the_form_at_200_percent(somebody: Callable[..., Desk]) -> None:
    page = somebody(width=195, height=422, device_scale_factor=2).open("/settings/routes/new/").page
    assert page.evaluate(OVERFLOW) <= 0
