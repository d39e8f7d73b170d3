"""The studio as people use it: a picture, a film and a song from form to kept file, live, with a worker."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests._servers.browser import Watch
from tests.browser.desk import Desk, expect
from tests.browser.easel import LOOKS, beside, made, opened, png, ready, with_words

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser


def test_a_picture_comes_to_the_feed_and_stays(studio: Desk) -> None:
    page = opened(studio, "image", "kling.image")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse in fog")
    card = made(page)
    ready(card)
    picture = card.locator("img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.reload()
    expect(page.locator(".task-card img").first).to_be_visible()
    expect(page.locator(".task-card").first).to_contain_text("a lighthouse in fog")


def test_a_film_is_followed_and_can_be_played(studio: Desk) -> None:
    page = opened(studio, "video", "dashscope.video")
    page.get_by_label("Prompt", exact=True).fill("waves on a beach")
    card = made(page)
    ready(card)
    film = card.locator("video")
    assert film.evaluate(
        "film => new Promise((done, fail) => { film.onloadedmetadata = () => done(film.duration);"
        " film.onerror = () => fail(film.error.message); film.load() })"
    )


def test_a_song_is_heard_and_goes_on_to_lyrics_in_time(studio: Desk) -> None:
    page = opened(studio, "music", "suno.generate")
    page.locator("#f-prompt").fill("a slow song about rain")
    card = made(page)
    ready(card)
    expect(card.locator("audio")).to_have_count(2)
    card.get_by_role("link", name="Details").click()
    page.get_by_role("button", name="What next…").first.click()
    with_words(page)
    page.go_back()
    page.reload()
    expect(page.locator(".lyric").first).to_be_visible()


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(studio: Desk, watch: Watch) -> None:
    watch.allow("status of 422")
    page = opened(studio, "video", "kling.text2video")
    page.locator("#f-duration").fill("99")
    page.get_by_label("Prompt", exact=True).fill("a boat")
    page.locator("#generate").click()
    expect(page.locator("#error-f-duration")).to_contain_text("between 3 and 15")
    expect(page.locator("#f-duration")).to_have_value("99")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a boat")
    expect(page.locator(".task-card")).to_have_count(0)
    page.locator("#f-duration").fill("5")
    made(page)


def test_a_failure_says_whose_move_it_is_and_the_settings_can_be_used_again(
    studio: Desk,
) -> None:
    page = opened(studio, "image", "openai.images")
    page.get_by_label("Prompt", exact=True).fill("[demo:refused] a cat")
    page.locator("#f-model").fill("no-such-model-anywhere")
    card = made(page)
    expect(card.locator(".status[data-status=failed]")).to_be_visible()
    card.get_by_role("link", name="Reuse").click()
    page.wait_for_url(re.compile("reuse="))
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("[demo:refused] a cat")


def test_a_file_is_given_chosen_again_and_removed(studio: Desk) -> None:
    page = opened(studio, "video", "kling.image2video")
    page.locator("[name=file-image]").set_input_files(
        {"name": "boat.png", "mimeType": "image/png", "buffer": png()}
    )
    chip = page.locator("#refs-image .chip")
    expect(chip).to_contain_text("boat.png")
    page.get_by_role("button", name="Remove boat.png").click()
    expect(chip).to_have_count(0)
    page.get_by_role("button", name="From your files…").first.click()
    page.locator("#picker").get_by_role("button", name=re.compile("boat.png")).click()
    expect(chip).to_have_count(1)
    page.get_by_label("Prompt", exact=True).fill("it sails")
    ready(made(page))


def test_the_raw_request_follows_the_form(studio: Desk) -> None:
    page = opened(studio, "image", "kling.image")
    page.locator("#raw > summary").click()
    page.get_by_label("Prompt", exact=True).fill("a tall ship")
    expect(page.locator("#preview code")).to_contain_text('"prompt": "a tall ship"')
    page.locator("#extra").fill('{"odd": true}')
    expect(page.locator("#preview code")).to_contain_text('"odd": true')
    page.reload()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a tall ship")


def test_another_page_of_the_team_sees_the_news(studio: Desk) -> None:
    page = opened(studio, "image", "kling.image")
    other = beside(page)
    page.get_by_label("Prompt", exact=True).fill("a kite")
    ready(made(page))
    other.locator("#feed-news").click()
    expect(other.locator(".task-card")).to_contain_text("a kite")


def test_a_task_deleted_elsewhere_leaves_without_a_word(studio: Desk, watch: Watch) -> None:
    page = opened(studio, "image", "kling.image")
    page.get_by_label("Prompt", exact=True).fill("a kite")
    card = made(page)
    ready(card)
    watch.allow("status of 404")
    other = opened(Desk(page.context.new_page(), studio.url), "image", "kling.image")
    held: list[Route] = []
    other.route("**/card", lambda route: held.append(route))  # a builtin takes no mark
    with other.expect_request("**/card"):
        card.get_by_role("button", name="Favourite").click()
    page.goto(f"{studio.url}/studio/tasks/")
    page.get_by_label("Choose a kite").check()
    page.get_by_role("button", name="Delete…").click()
    page.locator("#tasks-ask").get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Deleted")
    held[0].continue_()
    expect(other.locator(".task-card")).to_have_count(0)
    expect(other.locator("#toasts .toast")).to_have_count(0)


def test_without_script_the_form_leads_to_the_task(somebody: Callable[..., Desk], worker: None) -> None:
    page = somebody(java_script_enabled=False).open("/studio/image/?operation=kling.image").page
    page.get_by_label("Prompt", exact=True).fill("a plain boat")
    page.locator("#generate").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("a plain boat")


@pytest.mark.parametrize("look", LOOKS)
def test_the_studio_is_accessible(
    somebody: Callable[..., Desk], worker: None, look: dict[str, Any], axe: Callable[..., None]
) -> None:
    desk = somebody(**look)
    page = opened(desk, "image", "kling.image")
    axe(page)
    page.get_by_label("Prompt", exact=True).fill("a red door")
    page.locator(".studio-more > summary").click()
    page.locator("#raw > summary").click()
    expect(page.locator("#preview code")).to_be_visible()
    card = made(page)
    ready(card)
    axe(page)
    card.get_by_role("link", name="Details").click()
    expect(page.locator(".timeline li").first).to_be_visible()
    axe(page)
    page.locator("summary", has_text="Answer").first.click()
    axe(page)


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[3]])
def test_songs_files_and_errors_are_accessible(
    somebody: Callable[..., Desk], worker: None, look: dict[str, Any], axe: Callable[..., None], watch: Watch
) -> None:
    watch.allow("status of 422")
    page = opened(somebody(**look), "music", "suno.generate")
    page.locator("#f-prompt").fill("a song about a harbour")
    card = made(page)
    ready(card)
    axe(page)
    card.get_by_role("link", name="Details").click()
    page.get_by_role("button", name="What next…").first.click()
    axe(page)
    with_words(page)
    page.go_back()
    page.reload()
    expect(page.locator(".lyric").first).to_be_visible()
    axe(page)
    page.goto(page.url.partition("/studio/")[0] + "/studio/video/?operation=kling.image2video")
    page.locator("#generate").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    page.get_by_role("button", name="From your files…").first.click()
    expect(page.locator("#picker")).to_be_visible()
    axe(page)
