"""Families on the chat page: switching, parameters, extra fields, the preview, losses, token counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect
from tests.browser.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param(
        {"width": width, "height": height, "color_scheme": scheme, "reduced_motion": "reduce"},
        id=f"{scheme}-{width}",
    )
    for width, height in ((1440, 900), (390, 844))
    for scheme in ("light", "dark")
]


def tab(desk: Desk, name: str) -> Locator:
    """The panel of the inspector's tab, opened."""
    if not desk.page.locator("#inspector").is_visible():
        desk.page.locator("#inspector-toggle").click()
    desk.page.locator(f"#tab-{name}").click()
    return desk.page.locator(f"#{name}")


def speak(desk: Desk, family: str) -> None:
    """Choose a family in the settings, and wait until its parameters are there."""
    tab(desk, "settings")
    desk.page.locator("#family").select_option(family)
    expect(desk.page.locator("#family-part")).to_have_attribute("data-family", family)


def saved(desk: Desk) -> Any:
    return desk.page.expect_response(re.compile("/settings$"))


def test_another_family_brings_its_parameters_and_takes_along_what_means_the_same(desk: Desk) -> None:
    desk.open().ready()
    desk.choose("demo-chat")
    desk.page.locator("[name=on-temperature]").check()
    desk.page.locator("[name=p-temperature]").fill("0.3")
    speak(desk, "gemini")
    expect(desk.page.locator("[name='p-generationConfig.temperature']")).to_have_value("0.3")
    expect(desk.page.locator("[name='on-generationConfig.temperature']")).to_be_checked()
    expect(desk.page.locator("#model-button .family")).to_have_text("Gemini")
    # The slider is the script's, also in what came later.
    expect(desk.page.locator("[data-slides='p-generationConfig.temperature']")).to_be_visible()
    desk.ask("Hello")
    expect(desk.answered().locator(".turn-head .family")).to_have_text("Gemini")
    desk.page.reload()
    expect(desk.ready().page.locator("#family")).to_have_value("gemini")


def test_the_family_is_picked_with_the_model(desk: Desk) -> None:
    desk.open().ready()
    desk.choose("demo-chat")
    desk.page.locator("#model-button").click()
    families = desk.page.locator("#model-families")
    expect(families).to_contain_text("Responses beta")
    families.get_by_text("Anthropic").click()
    expect(desk.page.locator("#model-options .family").first).to_have_text("Anthropic")
    with saved(desk):
        desk.page.locator("#model-options [data-model=demo-chat-mini]").click()
    expect(desk.page.locator("#family-part")).to_have_attribute("data-family", "anthropic")
    expect(desk.page.locator("#model-name")).to_have_text("demo-chat-mini")
    expect(desk.page.locator("#family")).to_have_value("anthropic")
    desk.ask("Hello")
    head = desk.answered().locator(".turn-head")
    expect(head).to_contain_text("Anthropic")
    expect(head).to_contain_text("demo-chat-mini")


def test_extra_fields_say_what_is_wrong_and_go_up_merged(
    desk: Desk, upstream: Upstream, watch: Watch
) -> None:
    watch.allow("status of 422")
    desk.open().ready()
    desk.choose("own-model", "Own")
    extra = desk.page.locator("#extra")
    extra.fill('{"logit_bias": ')
    expect(desk.page.locator("#error-extra")).to_contain_text("must be valid JSON")
    desk.page.locator("#message").fill("Hello")
    desk.page.locator("#send").click()
    expect(desk.page.locator("#complaint")).to_contain_text("must be valid JSON")
    expect(desk.page.locator("#message")).to_have_value("Hello")
    extra.fill('{"logit_bias": {"5": 1}}')
    expect(desk.page.locator("#error-extra")).to_be_hidden()
    upstream.answer("An answer.")
    desk.ask("Hello")
    assert upstream.request()["logit_bias"] == {"5": 1}
    desk.answered()


def test_the_request_is_shown_as_it_would_be_sent_and_follows_the_settings(desk: Desk) -> None:
    desk.open().ready()
    desk.choose("demo-chat")
    desk.page.locator("#message").fill("Show me the wire")
    request = tab(desk, "request")
    expect(request.locator("figure.code")).to_contain_text("Show me the wire")
    expect(request).to_contain_text("/openai/v1/chat/completions")
    expect(request).to_contain_text("Bearer ••••")
    assert "demo-key" not in request.inner_text()
    # What is changed while it is open shows at once.
    desk.page.locator("#model-button").click()
    desk.page.locator("#model-families").get_by_text("Anthropic").click()
    desk.page.locator("#model-options [data-model=demo-chat]").click()
    expect(request).to_contain_text("/anthropic/v1/messages")
    expect(request).to_contain_text("x-api-key: ••••")
    expect(request.locator("figure.code")).to_contain_text('"max_tokens": 4096')
    request.get_by_role("button", name="Count exactly").click()
    expect(request.locator("#counted")).to_contain_text("counted by the gateway")
    desk.page.locator("#message").fill("Show me more")
    request.get_by_role("button", name="Refresh").click()
    expect(request.locator("figure.code")).to_contain_text("Show me more")


def test_the_code_follows_the_settings_and_the_response_shows_what_came(desk: Desk) -> None:
    desk.open().ready()
    desk.ask("Show me the wire", "demo-chat")
    desk.answered().get_by_label("Details of this answer").click()
    expect(desk.page.get_by_role("tab", name="Response")).to_have_attribute("aria-selected", "true")
    expect(desk.page.locator("#details")).to_contain_text("Model that answered")
    desk.page.locator("#message").fill("Once more")
    code = tab(desk, "code")
    expect(code.locator("figure.code")).to_have_count(3)
    expect(code.locator("figure.code").first).to_contain_text("Authorization: Bearer $ANYINT_API_KEY")
    expect(code.locator("figure.code").nth(1)).to_contain_text("Once more")
    desk.page.locator("#model-button").click()
    desk.page.locator("#model-families").get_by_text("Anthropic").click()
    desk.page.locator("#model-options [data-model=demo-chat]").click()
    expect(code.locator("figure.code").first).to_contain_text("x-api-key: $ANYINT_API_KEY")


def test_tokens_are_estimated_while_one_types_and_counted_on_a_click(desk: Desk) -> None:
    desk.open().ready()
    chip = desk.page.locator("#tokens-told")
    expect(chip).to_be_empty()
    desk.choose("demo-chat")
    speak(desk, "anthropic")
    desk.page.locator("#message").fill("word " * 400)
    expect(chip).to_have_text(re.compile("≈ 50\\d tokens"))
    chip.get_by_role("button").click()
    expect(chip).to_have_text(re.compile("^[\\d,]+ tokens"))
    desk.page.locator("#message").fill("word")
    expect(chip).to_contain_text("≈")
    # Where nobody counts, the chip leads to how it was estimated.
    speak(desk, "openai_chat")
    expect(chip.get_by_label("Show the request")).to_be_visible()
    chip.get_by_role("button").click()
    expect(desk.page.locator("#request")).to_contain_text("Estimated from the length of the text")


def test_what_another_family_cannot_read_is_named_before_it_is_sent(desk: Desk) -> None:
    desk.open().ready()
    desk.choose("demo-reasoning")
    speak(desk, "anthropic")
    desk.page.locator(".params-more summary").click()
    desk.page.locator("[name='on-thinking.type']").check()
    desk.ask("Think about lighthouses")
    expect(desk.answered().locator(".part-thinking")).to_have_count(1)
    losses = desk.page.locator("#losses")
    expect(losses).to_be_hidden()
    speak(desk, "gemini")
    expect(losses).to_contain_text("The reasoning of the answer stays behind: only Anthropic, demo-reasoning")
    desk.page.reload()
    expect(desk.ready().page.locator("#losses")).to_contain_text("stays behind")
    desk.ask("Go on")
    desk.answered().get_by_label("Details of this answer").click()
    expect(desk.page.locator("#details")).to_contain_text("Not sent")
    expect(desk.page.locator("#details")).to_contain_text("promptTokenCount")
    speak(desk, "anthropic")
    expect(losses).to_be_hidden()


def test_a_message_is_marked_for_the_cache_where_the_family_has_marks(desk: Desk) -> None:
    desk.open().ready()
    desk.choose("demo-chat")
    desk.ask("Remember this")
    desk.answered()
    mark = desk.questions.last.get_by_label("Cache the prompt up to here")
    expect(mark).to_be_hidden()
    speak(desk, "anthropic")
    desk.questions.last.hover()
    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "true")
    with saved(desk):
        desk.page.locator("[name=cache-system]").check()
    desk.page.locator("#system").fill("You are brief.")
    expect(tab(desk, "request").locator("figure.code")).to_contain_text("cache_control")


def test_a_video_goes_by_its_address_where_the_family_takes_files(desk: Desk) -> None:
    desk.open().ready()
    desk.choose("demo-chat")
    desk.page.locator(".composer-bar [popovertarget=attach-menu]").click()
    expect(desk.page.locator("#attach-menu")).not_to_contain_text("video", use_inner_text=True)
    desk.page.locator("#attach-address").fill("https://example.com/film.mp4")
    desk.page.locator("#attach-add").click()
    expect(desk.page.locator("#losses")).to_contain_text("OpenAI chat takes images only.")
    speak(desk, "gemini")
    expect(desk.page.locator("#losses")).to_be_hidden()
    desk.ask("What happens in it?")
    expect(desk.questions.last.locator(".chip")).to_contain_text("video/mp4")
    expect(desk.answered()).to_contain_text("example.com/film.mp4")


@pytest.mark.parametrize("look", LOOKS)
def test_all_of_it_is_accessible(
    somebody: Callable[..., Desk], look: dict[str, Any], axe: Callable[..., None]
) -> None:
    desk = somebody(**look)
    desk.open().ready()
    desk.choose("demo-reasoning")
    speak(desk, "anthropic")
    desk.page.locator(".params-more summary").click()
    desk.page.locator("[name='on-thinking.type']").check()
    desk.page.locator("#extra").fill("[")
    expect(desk.page.locator("#error-extra")).to_be_visible()
    axe(desk.page)
    desk.page.locator("#extra").fill("")
    expect(desk.page.locator("#error-extra")).to_be_hidden()
    if look["width"] < 760:
        desk.page.locator("#inspector-close").click()
    desk.ask("Think")
    desk.answered()
    speak(desk, "openai_responses")
    expect(desk.page.locator("#losses")).to_contain_text("stays behind")
    axe(desk.page)
    expect(tab(desk, "request").locator("figure.code")).to_be_visible()
    axe(desk.page)
    if look["width"] < 760:
        desk.page.locator("#inspector-close").click()
    desk.page.locator("#model-button").click()
    expect(desk.page.locator("#model-options .family").first).to_have_text("Responses")
    axe(desk.page)
