"""A run belongs to the server: what tabs, networks and processes do to it loses nothing. Real servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests._servers.counted import AUTH, mark
from tests._servers.processes import PATIENCE_S, until
from tests.chat.talk import Asked, ask, key_named
from tests.faults.upstream import running_upstream
from tests.live.page import Page

Site = Any
SLOW = "demo-stall-after-30"
LAST_WORDS = "In practice"  # the end of the demo's 30 tokens on what `ask` asks


def streams(demo: str) -> dict[str, int]:
    counts: dict[str, int] = httpx.get(f"{demo}/demo/streams", headers=AUTH).json()
    return counts


def has_all_tokens(run: str) -> Callable[[Page], bool]:
    """The stalled stream has brought what it ever will."""
    return lambda page: run in page.views and LAST_WORDS in text_of(page.shown(run))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_every_viewer_sees_the_same_and_a_reload_starts_no_second_call(
    site: Any, signed_in: Any, mode: str, demo: str
) -> None:
    place = site(mode)
    first, second = signed_in(place), signed_in(place)
    asked = ask(first, SLOW)
    with asked.watch() as read:
        shown = read(has_all_tokens(asked.run)).shown(asked.run)
    since = mark(demo)
    for visitor in (first, second, first):
        with asked.watch(visitor) as read:
            page = read(lambda page: page.ready is not None)
            assert page.shown(asked.run) == shown
            assert page.ready == {"runs": [asked.run], "draining": False}
        assert visitor.get(f"/chat/{asked.conversation}/").status_code == 200
    assert since.calls(SLOW) == 0
    asked.stop()


def test_a_stop_closes_the_socket_to_the_gateway_and_keeps_the_text(
    site: Any, signed_in: Any, mode: str, demo: str
) -> None:
    asked = ask(signed_in(site(mode)), SLOW)
    with asked.watch() as read:
        read(has_all_tokens(asked.run))
        left = streams(demo)["left"]
        asked.stop()
        page = read(lambda page: asked.run in page.ended)
    assert page.ended[asked.run] == "stopped"
    until(lambda: streams(demo)["left"] > left)
    assert "You stopped this" in text_of(asked.html())
    assert "lighthouse" in asked.html().lower()


def test_sigkill_in_mid_stream_keeps_the_text_and_offers_to_continue(
    site: Any, signed_in: Any, mode: str
) -> None:
    place = site(mode)
    visitor = signed_in(place)
    asked = ask(visitor, SLOW)
    with asked.watch() as read:
        shown = text_of(read(has_all_tokens(asked.run)).shown(asked.run))
    if mode == "embedded":
        # Without Redis the last second may be missing: wait for the save that holds everything.
        until(lambda: _words(shown) <= _words(text_of(asked.html())))
    place.restart("web")
    until(lambda: "data-live" not in asked.html())
    kept = text_of(asked.html())
    assert _words(shown) <= _words(kept)
    assert "interrupted" in kept.lower()
    assert f"/chat/turn/{asked.turn}/go-on" in asked.html()
    assert f"/chat/turn/{asked.turn}/regenerate" in asked.html()


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower()))


def test_sigterm_lets_a_running_answer_finish(site: Any, signed_in: Any, mode: str) -> None:
    with running_upstream({"held": []}) as upstream:
        place = site(mode, DRAIN_S=str(PATIENCE_S), GATEWAY_URLS=upstream.url)
        visitor = signed_in(place)
        visitor.get("/settings/keys/").raise_for_status()
        fields = {"label": "Held", "base_url": upstream.url, "secret": "sk-held-key"}
        visitor.post("/settings/keys/", data=fields).raise_for_status()
        asked = ask(visitor, "held", key=key_named(visitor, "Held"))
        with asked.watch() as read:
            read(lambda page: asked.run in page.views and "First words." in page.shown(asked.run))
            process = place.term("web")
            until(lambda: not visitor.get("/readyz").json()["accepting"])
            upstream.go_on.set()
            page = read(lambda page: page.drained)
    assert page.ended == {asked.run: "finished"}
    process.end()
    place.start("web")
    assert "First words. Last words." in text_of(asked.html())
    assert "data-live" not in asked.html()


def test_sigterm_marks_what_does_not_finish_in_time(site: Any, signed_in: Any, mode: str) -> None:
    place = site(mode, DRAIN_S="0.3")
    visitor = signed_in(place)
    asked = ask(visitor, SLOW)
    with asked.watch() as read:
        read(has_all_tokens(asked.run))
        process = place.term("web")
        page = read(lambda page: page.drained)
    assert page.ended == {asked.run: "interrupted"}
    process.end()
    place.start("web")
    assert "interrupted" in text_of(asked.html()).lower()


def test_a_run_without_a_viewer_ends_by_itself(site: Any, signed_in: Any, mode: str) -> None:
    asked = ask(signed_in(site(mode)), "demo-chat")
    until(lambda: "data-live" not in asked.html())
    assert "Finished (stop)" in text_of(asked.html())


def test_a_cut_answer_is_kept_and_continued_where_it_stopped(site: Any, signed_in: Any, mode: str) -> None:
    asked = ask(signed_in(site(mode)), "demo-cut-after-40")
    until(lambda: "data-live" not in asked.html())
    cut = text_of(asked.html())
    assert "broke off" in cut
    more = asked.act("go-on")
    until(lambda: "data-live" not in more.html())
    assert len(text_of(more.html())) > len(cut)
    assert "2/2" in text_of(more.html()).replace(" ", "")


def test_an_answer_that_never_ends_is_ended_and_kept(site: Any, signed_in: Any) -> None:
    asked = ask(signed_in(site("embedded", RUN_DEADLINE_S="10")), SLOW)
    until(lambda: "data-live" not in asked.html())
    assert LAST_WORDS in text_of(asked.html())
    assert "took longer" in text_of(asked.html())


def test_pressing_send_many_times_asks_once(site: Any, signed_in: Any, mode: str, demo: str) -> None:
    place = site(mode)
    visitor = signed_in(place)
    first = ask(visitor, "demo-chat-mini")
    until(lambda: "data-live" not in first.html())
    since = mark(demo)
    page = visitor.get(f"/chat/{first.conversation}/").text
    key = re.search(r'<option value="([0-9a-f-]{36})"', page)
    turn_id = re.search(r'name="turn_id"[^>]*value="([0-9a-f-]{36})"', page)
    assert key and turn_id
    data = {"turn_id": turn_id[1], "text": "Again?", "model": "demo-chat-mini", "key": key[1]}
    data |= {"family": "openai_chat", "stream": "on"}

    def send(_: int) -> int:
        return visitor.post(
            f"/chat/{first.conversation}/ask", data=data, headers={"HX-Request": "true"}
        ).status_code

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(send, range(10))) == {200}
    until(lambda: "data-live" not in visitor.get(f"/chat/{first.conversation}/thread").text)
    assert since.calls("demo-chat-mini") == 1


@pytest.mark.postgres
@pytest.mark.redis
def test_a_viewer_on_another_process_sees_it_live_and_can_stop_it(
    site: Any, signed_in: Any, demo: str
) -> None:
    place = site("production", webs=2)
    here, there = signed_in(place), signed_in(place, url=place.urls[1])
    asked = ask(here, SLOW)
    with asked.watch() as read:
        shown = read(has_all_tokens(asked.run)).shown(asked.run)
    with asked.watch(there) as read:
        page = read(lambda page: page.ready is not None)
        assert page.shown(asked.run) == shown
        other = Asked(there, asked.conversation, asked.run, asked.turn)
        other.stop()
        assert read(lambda page: asked.run in page.ended).ended == {asked.run: "stopped"}


@pytest.mark.postgres
@pytest.mark.redis
def test_another_process_ends_the_runs_of_a_killed_one(site: Any, signed_in: Any) -> None:
    place = site("production", webs=2)
    there = signed_in(place, url=place.urls[1])
    asked = ask(signed_in(place), SLOW)
    with asked.watch() as read:
        shown = text_of(read(has_all_tokens(asked.run)).shown(asked.run))
    other = Asked(there, asked.conversation, asked.run, asked.turn)
    with asked.watch(there) as read:
        place.kill("web")
        read(lambda page: any(feed.get("kind") == "ended" for feed in page.feeds))
    assert _words(shown) <= _words(text_of(other.html()))


@pytest.mark.postgres
@pytest.mark.redis
def test_a_lost_redis_delays_nothing_in_the_process_that_drives(site: Any, signed_in: Any) -> None:
    place = site("production", REDIS_URL="redis://127.0.0.1:1/0")
    asked = ask(signed_in(place), "demo-chat")
    until(lambda: "data-live" not in asked.html())
    assert "Finished (stop)" in text_of(asked.html())
