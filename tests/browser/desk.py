"""The chat as a person uses it: what they see has a name here, and every wait is for something seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests._servers.processes import PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

PATIENCE_MS = PATIENCE_S * 1000


def expect(thing: Any, message: str | None = None) -> Any:
    """Playwright's, imported late: without it these tests are left out, not broken."""
    from playwright.sync_api import expect as check

    check.set_options(timeout=PATIENCE_MS)
    return check(thing, message)


@dataclass(slots=True)
class Desk:
    """A person at a page of the chat."""

    page: Page
    url: str

    def open(self, path: str = "/chat/") -> Desk:
        self.page.goto(self.url + path)
        return self

    def ready(self) -> Desk:
        expect(self.page.locator("#chat[data-ready]")).to_be_visible()
        return self

    def choose(self, model: str, key: str = "Demo") -> None:
        """The model by its id in the settings, the key by its name."""
        self.page.locator("#key").select_option(label=self.option(key))
        self.page.locator("#model").evaluate(
            "(field, id) => { field.value = id; field.dispatchEvent(new Event('input', {bubbles: true})) }",
            model,
        )

    def option(self, key: str) -> str:
        return next(
            text for text in self.page.locator("#key option").all_inner_texts() if text.startswith(key)
        )

    def ask(self, text: str, model: str = "", key: str = "Demo") -> Locator:
        """Ask on a page that is open; gives the answer that begins."""
        if model:
            self.choose(model, key)
        before = self.answers.count()
        self.page.locator("#message").fill(text)
        self.page.locator("#send").click()
        expect(self.answers).to_have_count(before + 1)
        return self.answers.last

    def ask_anew(self, text: str, model: str, key: str = "Demo") -> Locator:
        """The first question of a new chat, until its address is in the bar."""
        self.open().ready()
        answer = self.ask(text, model, key)
        self.page.wait_for_url(re.compile(r"/chat/[0-9a-f-]{36}/"))
        return answer

    @property
    def answers(self) -> Locator:
        return self.page.locator("article.answer")

    @property
    def questions(self) -> Locator:
        return self.page.locator("article.asked")

    def answered(self) -> Locator:
        """The last answer, once it is over."""
        over = self.page.locator("article.answer:last-child:not([data-live]):has(.turn-actions)")
        expect(over).to_be_visible()
        return over

    @property
    def live(self) -> Locator:
        return self.page.locator("article.answer[data-live]")


def box(thing: Locator) -> FloatRect:
    """Where it is. What is replaced in the moment of measuring has no place: it is measured again."""
    found = thing.bounding_box()
    while found is None:
        expect(thing).to_be_visible()
        found = thing.bounding_box()
    return found


def text_of(answer: Locator) -> str:
    return " ".join(answer.locator(".turn-body").inner_text().split())
