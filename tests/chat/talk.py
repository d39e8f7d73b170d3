"""Asking on a real site, over HTTP, as the page does."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.live.page import Page


@dataclass(slots=True)
class Asked:
    """A question that was sent, and where to find what came of it."""

    visitor: httpx.Client
    conversation: str
    run: str
    turn: str

    def html(self) -> str:
        """The answer's fragment as it is now, rendered from the database."""
        response = self.visitor.get(f"/chat/turn/{self.turn}", headers={"HX-Request": "true"})
        response.raise_for_status()
        return response.text

    def stop(self) -> None:
        self.visitor.post(f"/chat/run/{self.run}/stop", headers={"HX-Request": "true"}).raise_for_status()

    def act(self, name: str) -> Asked:
        """regenerate, go-on: gives the new answer."""
        response = self.visitor.post(f"/chat/turn/{self.turn}/{name}", headers={"HX-Request": "true"})
        response.raise_for_status()
        return _asked(self.visitor, self.conversation, response.text)

    @contextmanager
    def watch(self, client: httpx.Client | None = None) -> Iterator[Callable[[Callable[[Page], bool]], Page]]:
        """Opens the page's stream; the value reads on until a condition on the page holds."""
        url = f"/chat/live?conversation={self.conversation}"
        with (client or self.visitor).stream("GET", url) as response:
            assert response.headers["content-type"] == "text/event-stream"
            page, chunks = Page(), response.iter_raw()

            def until(condition: Callable[[Page], bool]) -> Page:
                while not condition(page):
                    page.read(next(chunks))
                    live = page.ready is None or self.run in page.ready["runs"] or self.run in page.views
                    assert live, "the run had ended before the page connected"
                return page

            yield until


def ask(visitor: httpx.Client, model: str, text: str = "Tell me about lighthouses.", **more: Any) -> Asked:
    conversation = str(uuid.uuid4())
    key = re.search(r'<option value="([0-9a-f-]{36})"', visitor.get("/chat/").text)
    assert key, "no key to choose"
    data = {"turn_id": str(uuid.uuid4()), "text": text, "model": model, "key": key[1], "stream": "on"}
    data |= {"family": "openai_chat"}
    response = visitor.post(f"/chat/{conversation}/ask", data=data | more, headers={"HX-Request": "true"})
    assert response.status_code == 200, response.text
    return _asked(visitor, conversation, response.text)


def _asked(visitor: httpx.Client, conversation: str, html: str) -> Asked:
    found = re.findall(r'data-turn="([0-9a-f-]{36})"[^>]*data-run="([0-9a-f-]{36})"', html)
    assert found, html
    turn, run = found[-1]
    return Asked(visitor, conversation, run, turn)
