"""Writing: drafts, images, parameters; nothing typed is lost, and what is sent is what was set."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests._servers.processes import until
from tests.browser.desk import Desk, expect
from tests.browser.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def png(shade: int) -> bytes:
    """One grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head, pixel = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0), zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


PNG = png(1)
# What a browser does with a file that is pasted or dropped, without the system's clipboard.
GIVE_FILE = """([kind, name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type}));
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true, cancelable: true})
        : new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.getElementById('message').dispatchEvent(event);
}"""


def give(page: Page, kind: str, name: str = "dot.png", data: bytes = PNG, mime: str = "image/png") -> None:
    page.evaluate(GIVE_FILE, [kind, name, mime, base64.b64encode(data).decode()])


def _keeps_without(request: Any, name: str) -> bool:
    """The settings as they were a moment ago may still be on their way."""
    return "/settings" in request.url and name not in (request.post_data or name)


def test_a_draft_survives_a_reload_and_goes_when_it_is_sent(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    desk.choose("own-model", "Own")
    desk.page.locator("#message").fill("Half a thought")
    expect(desk.page.locator("#saved")).to_be_visible()
    desk.page.reload()
    expect(desk.ready().page.locator("#message")).to_have_value("Half a thought")
    upstream.answer("An answer.")
    desk.ask("Half a thought", "own-model", "Own")
    desk.answered()
    desk.open().ready()
    expect(desk.page.locator("#message")).to_have_value("")


def test_a_draft_that_was_just_typed_is_kept_when_the_page_is_left(desk: Desk) -> None:
    desk.open().ready()
    desk.page.locator("#message").fill("Typed and left at once")
    desk.page.goto(desk.url + "/settings/appearance/")
    # What a page sends as it goes may come in behind the request for the next one.
    until(lambda: desk.open().ready().page.locator("#message").input_value() == "Typed and left at once")


def test_a_refused_question_stays_in_its_field_with_the_reason(desk: Desk, watch: Watch) -> None:
    watch.allow("422")
    desk.open().ready()
    desk.choose("own-model", "Own")
    desk.page.locator("[name=on-temperature]").check()
    desk.page.locator("[name=p-temperature]").fill("9")
    desk.page.locator("#message").fill("My long thought")
    desk.page.locator("#send").click()
    expect(desk.page.locator("#complaint")).to_be_visible()
    expect(desk.page.locator("#error-temperature")).to_contain_text("between 0 and 2")
    expect(desk.page.locator("#message")).to_have_value("My long thought")
    expect(desk.answers).to_have_count(0)


def test_a_question_that_the_network_lost_stays_in_its_field(desk: Desk, watch: Watch) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    desk.open().ready()
    desk.choose("own-model", "Own")
    desk.page.context.set_offline(True)
    desk.page.locator("#message").fill("My long thought")
    desk.page.locator("#send").click()
    expect(desk.page.locator(".toast")).to_contain_text("could not be reached")
    expect(desk.page.locator("#message")).to_have_value("My long thought")
    desk.page.context.set_offline(False)


def test_nothing_is_sent_without_words(desk: Desk) -> None:
    desk.open().ready()
    desk.page.locator("#send").click()
    expect(desk.page.locator("#complaint")).to_contain_text("Write a message, or attach an image.")


def test_parameters_reach_the_gateway_as_set_and_those_that_are_off_do_not(
    desk: Desk, upstream: Upstream
) -> None:
    desk.open().ready()
    desk.page.locator("#system").fill("Answer briefly.")
    desk.page.locator("[name=on-temperature]").check()
    desk.page.locator(".params-more summary").click()
    desk.page.locator("[name=on-seed]").check()
    desk.page.locator("[name=p-temperature]").fill("0")
    desk.page.locator("[name=p-seed]").fill("7")
    upstream.answer("An answer.")
    desk.ask("Hello", "own-model", "Own")
    body = upstream.request()
    assert body["temperature"] == 0
    assert body["seed"] == 7
    assert body["stream"] is True
    assert body["messages"][0] == {"role": "system", "content": "Answer briefly."}
    assert not {"top_p", "max_tokens", "presence_penalty"} & set(body)
    desk.answered()
    with desk.page.expect_response(lambda kept: _keeps_without(kept.request, "on-temperature")):
        desk.page.locator("[name=on-temperature]").uncheck()
    desk.page.reload()
    expect(desk.ready().page.locator("[name=on-seed]")).to_be_checked()
    upstream.answer("Another answer.")
    desk.ask("Hello again")
    assert "temperature" not in upstream.request()


def test_what_was_set_a_moment_before_leaving_is_kept(desk: Desk) -> None:
    desk.open().ready()
    desk.ask("Hello", "demo-chat")
    desk.answered()
    desk.page.locator("#system").fill("Answer briefly.")
    desk.page.locator("[name=on-temperature]").check()
    desk.page.locator("[name=p-temperature]").fill("0.4")
    desk.page.locator("#message").fill("Half a thought")
    here = desk.page.url
    desk.page.goto(f"{desk.url}/settings/")
    desk.page.goto(here)
    desk.ready()
    expect(desk.page.locator("#system")).to_have_value("Answer briefly.")
    expect(desk.page.locator("[name=p-temperature]")).to_have_value("0.4")
    expect(desk.page.locator("#message")).to_have_value("Half a thought")


def test_an_answer_comes_whole_when_streaming_is_off(desk: Desk) -> None:
    desk.open().ready()
    desk.page.get_by_role("switch", name="Stream the answer").uncheck()
    desk.ask("Hello", "demo-chat")
    expect(desk.answered().locator(".turn-facts")).to_contain_text("Finished")


def test_an_image_is_attached_by_upload_paste_and_drop(
    desk: Desk, upstream: Upstream, tmp_path: Path
) -> None:
    file = tmp_path / "upload.png"
    file.write_bytes(PNG)
    desk.open().ready()
    images = desk.page.locator(".composer-image:not([data-uploading])")
    desk.page.locator("#files").set_input_files(file)
    expect(images).to_have_count(1)
    give(desk.page, "paste", "pasted.png", png(2))
    expect(images).to_have_count(2)
    give(desk.page, "drop", "dropped.png", png(3))
    expect(images).to_have_count(3)
    desk.page.get_by_label("Remove dropped.png").click()
    expect(images).to_have_count(2)
    images.first.locator(".alt").fill("A red dot")
    expect(desk.page.locator("#saved")).to_be_hidden()
    upstream.answer("Two dots.")
    desk.ask("What is this?", "own-model", "Own")
    desk.answered()
    [_, *sent] = sorted(
        upstream.request()["messages"][-1]["content"], key=lambda part: part["type"] != "text"
    )
    assert [part["image_url"]["url"][:22] for part in sent] == ["data:image/png;base64,"] * 2
    expect(desk.questions.last.locator("img")).to_have_count(2)
    expect(desk.questions.last.locator("img").first).to_have_attribute("alt", "A red dot")
    desk.questions.last.locator("[data-view-image]").first.click()
    expect(desk.page.locator("#image-view img")).to_be_visible()


def test_an_image_that_is_being_attached_is_not_left_behind(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    held: list[Any] = []
    desk.page.route("**/attach*.js", lambda route: held.append(route))
    with desk.page.expect_request("**/attach*.js"):
        give(desk.page, "paste", "pasted.png", png(2))
    desk.page.locator("#message").fill("What is this?")
    desk.page.locator("#send").click()
    expect(desk.page.locator("#complaint")).to_contain_text("still on its way")
    held[0].continue_()
    expect(desk.page.locator(".composer-image:not([data-uploading])")).to_have_count(1)
    upstream.answer("A dot.")
    desk.ask("What is this?", "own-model", "Own")
    desk.answered()
    assert len(upstream.request()["messages"][-1]["content"]) == 2


def test_an_image_by_address_is_sent_as_its_address_and_not_fetched(desk: Desk, upstream: Upstream) -> None:
    desk.open().ready()
    desk.page.get_by_label("Attach images", exact=True).first.click()
    desk.page.locator("#attach-address").fill("https://pictures.example.com/cat.png")
    desk.page.locator("#attach-add").click()
    expect(desk.page.locator(".composer-image:not([data-uploading])")).to_have_count(1)
    upstream.answer("A cat.")
    desk.ask("What is this?", "own-model", "Own")
    desk.answered()
    assert "https://pictures.example.com/cat.png" in json.dumps(upstream.request())


def test_an_image_survives_a_reload_in_the_draft(desk: Desk) -> None:
    desk.open().ready()
    with desk.page.expect_response(re.compile("/draft")):
        give(desk.page, "paste")
    desk.page.reload()
    expect(desk.ready().page.locator(".composer-image")).to_have_count(1)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("page.png", b"<!doctype html><script>alert(1)</script>", "it is an HTML page"),
        ("drawing.svg", b"<svg onload=alert(1)></svg>", "Not a PNG, JPEG, GIF or WebP image."),
        ("big.png", PNG + bytes(10 * 1024 * 1024), "Too large: at most 10 MB."),
    ],
    ids=["html", "svg", "too large"],
)
def test_what_is_no_good_image_is_refused_at_its_place(
    desk: Desk, watch: Watch, tmp_path: Path, name: str, data: bytes, sentence: str
) -> None:
    watch.allow("422|413")
    file = tmp_path / name
    file.write_bytes(data)
    desk.open().ready()
    desk.page.locator("#files").set_input_files(file)
    expect(desk.page.locator(".composer-image [role=alert]")).to_contain_text(sentence)
    expect(desk.page.locator("#images input[name=image]")).to_have_count(0)


def test_everything_works_without_script(somebody: Callable[..., Desk], upstream: Upstream) -> None:
    desk = somebody(java_script_enabled=False)
    desk.open()
    desk.page.locator("#key").select_option(index=1)
    desk.page.locator("#model").fill("own-model")
    desk.page.locator("#message").fill("Asked without script")
    upstream.answer("Answered **without** script.")
    desk.page.locator("#send").click()
    # The page reloads itself while the answer is being written.
    expect(desk.page.locator("article.answer strong")).to_have_text("without")
    desk.page.get_by_role("link", name="Edit the message").click()
    expect(desk.page.locator("textarea[name=text]").first).to_have_value("Asked without script")
