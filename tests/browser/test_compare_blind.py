"""A comparison whose models are hidden until one is chosen, and two answers word by word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.test_axe import LOOKS
from tests.browser.test_compare import FITS, QUESTION, Bench

pytestmark = pytest.mark.browser
MODELS = ("demo-chat", "demo-chat-mini")


def begin(bench: Bench) -> None:
    bench.desk.open("/compare/")
    bench.fill(*MODELS)
    bench.page.get_by_label("Hide which model is which").check()
    bench.page.reload()
    expect(bench.page.get_by_label("Hide which model is which")).to_be_checked()
    bench.page.get_by_role("button", name="Ask all").click()
    bench.desk.ready()
    for number in (1, 2):
        expect(bench.over(number).locator(".turn-model")).to_have_text(f"Model {number}")


@pytest.mark.parametrize("look", LOOKS)
def test_the_models_show_when_one_is_chosen_and_their_answers_word_by_word(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Callable[..., None]
) -> None:
    bench = Bench(somebody(**look))
    begin(bench)
    expect(bench.page.locator("#figures thead .num")).to_have_text(["Model 1", "Model 2"])
    assert not any(model in bench.page.locator("#main").inner_html() for model in MODELS)
    axe(bench.page)
    bench.lane(2).get_by_label("Model 2 answered best").click()
    expect(bench.lane(2).locator(".turn-head .badge.good")).to_have_text("Best")
    names = bench.desk.ready().page.locator("article.lane .turn-model").all_inner_texts()
    assert sorted(names) == sorted(MODELS)
    bench.page.get_by_role("link", name="Word by word").click()
    expect(bench.page.get_by_role("heading", level=1)).to_have_text("Word by word")
    expect(bench.page.locator(".diff ins, .diff .added").first).to_be_visible()
    assert bench.page.evaluate(FITS)
    axe(bench.page)
    bench.page.get_by_label("From").select_option(label=names[1])
    bench.page.get_by_role("button", name="Show").click()
    expect(bench.page.get_by_label("to", exact=True).locator("option:checked")).to_have_text(names[0])


def test_the_models_can_be_shown_at_once(desk: Desk) -> None:
    bench = Bench(desk)
    begin(bench)
    bench.page.get_by_role("button", name="Show the models").click()
    expect(bench.lane(1).locator(".family")).to_be_visible()
    expect(bench.page.get_by_role("button", name="Show the models")).to_have_count(0)
    expect(bench.desk.questions).to_contain_text(QUESTION)
