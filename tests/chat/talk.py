"""Asking on a real site, over HTTP, as the page does."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests._servers.processes import PATIENCE_S
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
                deadline = time.monotonic() + PATIENCE_S
                while not condition(page):
                    assert time.monotonic() < deadline, f"it never came; ended: {page.ended}"
                    page.read(next(chunks))
                    live = page.ready is None or self.run in page.ready["runs"] or self.run in page.views
                    assert live, "the run had ended before the page connected"
                return page

            yield until


def ask(visitor: httpx.Client, model: str, text: str = "Tell me about lighthouses.", **more: Any) -> Asked:
    conversation = str(uuid.uuid4())
    data = {"turn_id": str(uuid.uuid4()), "text": text, "model": model, "stream": "on"}
    data |= {"family": "openai_chat", "key": more.get("key") or key_named(visitor)}
    sent = {name: value for name, value in (data | more).items() if value is not None}
    response = visitor.post(f"/chat/{conversation}/ask", data=sent, headers={"HX-Request": "true"})
    assert response.status_code == 200, response.text
    return _asked(visitor, conversation, response.text)


def key_named(visitor: httpx.Client, label: str = "") -> str:
    """The id of the key with this label, or of the first that can be chosen."""
    found = re.search(rf'<option value="([0-9a-f-]{{36}})"[^>]*>{label}', visitor.get("/chat/").text)
    assert found, f"no key {label} to choose"
    return found[1]


def _asked(visitor: httpx.Client, conversation: str, html: str) -> Asked:
    found = re.findall(r'data-turn="([0-9a-f-]{36})"[^>]*data-run="([0-9a-f-]{36})"', html)
    assert found, html
    turn, run = found[-1]
    return Asked(visitor, conversation, run, turn)
