"""A page that is told of an answer's end alone shows what the server has of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser


def test_an_end_without_its_beginning_leaves_no_empty_answer(desk: Desk) -> None:
    answer = desk.ask_anew("Tell me about lighthouses.", "demo-stall-after-30")
    expect(answer.locator(".turn-body")).to_contain_text("There are a few sides to")
    held: list[Route] = []
    desk.page.route("**/chat/live*", lambda route: held.append(route))  # a builtin takes no mark
    # The beginning is only in the stream: the answer's box is empty without it.
    desk.page.route("**/chat/*/", lambda route: empty(route))
    desk.page.reload()
    box = desk.page.locator("article.answer[data-live]")
    expect(box).to_have_count(1)
    run, turn = box.get_attribute("data-run"), box.get_attribute("data-turn")
    csrf = desk.page.locator("body").get_attribute("data-csrf")
    headers = {"X-CSRFToken": str(csrf), "HX-Request": "true"}
    desk.page.request.post(f"{desk.url}/chat/run/{run}/stop", headers=headers)
    ended = ""
    while "data-digest" not in ended or "data-live" in ended:
        ended = desk.page.request.get(f"{desk.url}/chat/turn/{turn}", headers=headers).text()
    digest = re.search(r'data-digest="([^"]+)"', ended)
    assert digest
    told = [("ready", {"runs": [run], "draining": False})]
    told += [("run", {"run": run, "turn": turn, "seq": 3, "ops": [["end", "stopped", digest[1]]]})]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in told)
    held[0].fulfill(content_type="text/event-stream", body=body)
    shown = desk.page.locator(f"#turn-{turn}")
    expect(shown.locator(".turn-actions")).to_be_visible()
    expect(shown.locator(".turn-body")).to_contain_text("There are a few sides to")


def empty(route: Route) -> None:
    """The page as it was before the first save."""
    answer = route.fetch()
    cut = re.sub(r'(<div class="turn-body prose">).*?(</div>\s*<footer)', r"\1\2", answer.text(), flags=re.S)
    route.fulfill(response=answer, body=re.sub(r'data-digest="[^"]*"', 'data-digest="none"', cut))
