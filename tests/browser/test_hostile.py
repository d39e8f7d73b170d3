"""Hostile output and names are text: no dialog, no breach of the policy, no foreign request (see `Watch`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk, expect
from tests.browser.upstream import Upstream
from tests.chat.hostile import PAYLOADS

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

pytestmark = pytest.mark.browser


def refuse_dialogs(desk: Desk) -> list[str]:
    seen: list[str] = []

    def note(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    desk.page.on("dialog", note)
    return seen


def test_the_hostile_model_of_the_demo_does_nothing(desk: Desk) -> None:
    dialogs = refuse_dialogs(desk)
    desk.ask_anew("<img src=x onerror=alert(1)> **hello**", "demo-hostile-markdown")
    done = desk.answered()
    expect(done).to_contain_text('<script>alert("script")</script>')
    desk.page.reload()
    expect(desk.ready().answered()).to_contain_text("Nothing below may run")
    assert (
        desk.page.locator(".turn :is(script, img, iframe, form, style, input, svg:not(.icon))").count() == 0
    )
    assert desk.page.locator(".turn-body [hx-get], .turn-body [onclick], .turn-body [style]").count() == 0
    assert dialogs == []


def test_two_hundred_payloads_in_one_answer_do_nothing(desk: Desk, upstream: Upstream) -> None:
    dialogs = refuse_dialogs(desk)
    desk.ask_anew("Write to me.", "own-model", key="Own")
    for number in range(0, len(PAYLOADS), 10):
        upstream.say("\n\n".join([*PAYLOADS[number : number + 10], ""]))
    upstream.say("\n\n```\n```\n\nThe very end.")
    upstream.finish()
    expect(desk.answered()).to_contain_text("The very end.")
    assert desk.page.locator(".turn-body :is(script, img, iframe, form, style, input, object)").count() == 0
    assert dialogs == []


def test_a_hostile_title_is_text_everywhere(desk: Desk) -> None:
    dialogs = refuse_dialogs(desk)
    name = "<img src=x onerror=alert(1)>\"'{{ 7|add:7 }}"
    desk.ask_anew(name, "demo-chat")
    desk.answered()
    expect(desk.page.locator("#conversations")).to_contain_text(name)
    desk.page.reload()
    expect(desk.ready().page.locator("#title [name=title]")).to_have_value(name)
    desk.page.keyboard.press("Control+k")
    desk.page.locator("#palette-words").fill("onerror")
    expect(desk.page.locator("#palette-found [role=option]")).to_contain_text(name)
    assert dialogs == []


def test_odd_signs_neither_break_the_page_nor_get_lost(desk: Desk) -> None:
    desk.ask_anew("Odd \ufffd text", "demo-nul")
    expect(desk.answered()).to_contain_text("The text after them has to be kept.")


def test_every_script_of_the_world_arrives_whole(desk: Desk) -> None:
    desk.ask_anew("Hello", "demo-split-utf8")
    expect(desk.answered()).to_contain_text("你好，世界！这是演示网关。")
    expect(desk.answered()).to_contain_text("Ende 🏁")
