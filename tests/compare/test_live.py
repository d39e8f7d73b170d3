"""A comparison on a real site: what presses, processes and one stream do to several answers at once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests._servers.counted import mark
from tests._servers.processes import until
from tests.chat.talk import Asked, key_named
from tests.chat.test_durability import text_of
from tests.live.page import Page

HTMX = {"HX-Request": "true"}
LANES = re.compile(
    r'<article class="turn answer lane" id="turn-(?P<turn>[0-9a-f-]{36})"[^>]*data-lane="(?P<number>\d)"'
    r'[^>]*data-run="(?P<run>[0-9a-f-]{36})"(?P<live> data-live)?'
)
# Models that bring so many tokens and then nothing, and the end of what they bring of `QUESTION`.
STALLED = {"demo-stall-after-30": "In practice", "demo-stall-after-20": "to the particu"}
QUESTION = "Tell me about lighthouses."


@dataclass(slots=True)
class Answer:
    turn: str
    run: str
    live: bool


@dataclass(slots=True)
class Comparison:
    visitor: httpx.Client
    pk: str

    def post(self, act: str, **data: Any) -> httpx.Response:
        response = self.visitor.post(f"/compare/{self.pk}/{act}", data=data, headers=HTMX)
        response.raise_for_status()
        return response

    def answers(self) -> list[Answer]:
        """The last answer of each lane."""
        response = self.visitor.get(f"/compare/{self.pk}/thread", headers=HTMX)
        last = {found["number"]: found for found in LANES.finditer(response.raise_for_status().text)}
        return [Answer(last[at]["turn"], last[at]["run"], bool(last[at]["live"])) for at in sorted(last)]

    def said(self, answer: Answer) -> str:
        """An answer as it stands in the database."""
        response = self.visitor.get(f"/compare/turn/{answer.turn}", headers=HTMX)
        return text_of(response.raise_for_status().text)

    def watch(self) -> Any:
        first = self.answers()[0]
        return Asked(self.visitor, self.pk, first.run, first.turn).watch()


def sent(visitor: httpx.Client, *models: str) -> dict[str, Any]:
    """What the form sends."""
    rows: dict[str, Any] = {"lane-model": list(models), "lane-family": ["openai_chat"] * len(models)}
    rows |= {f"lane-{name}": [""] * len(models) for name in ("temperature", "max_tokens")}
    return rows | {"turn_id": str(uuid.uuid4()), "text": QUESTION, "key": key_named(visitor), "system": ""}


def begin(visitor: httpx.Client, *models: str) -> Comparison:
    made = Comparison(visitor, str(uuid.uuid4()))
    made.post("ask", **sent(visitor, *models))
    return made


def have_all_tokens(runs: dict[str, str]) -> Callable[[Page], bool]:
    """`runs` by the end of the text that each ever brings."""
    return lambda page: all(
        run in page.views and text_of(page.shown(run)).endswith(end) for end, run in runs.items()
    )


def by_end(answers: list[Answer]) -> dict[str, str]:
    return dict(zip(STALLED.values(), (answer.run for answer in answers), strict=True))


def test_every_lane_is_told_over_the_one_stream_of_the_page(site: Any, signed_in: Any, mode: str) -> None:
    made = begin(signed_in(site(mode)), *STALLED)
    runs = by_end(made.answers())
    with made.watch() as read:
        page = read(have_all_tokens(runs))
        assert sorted(page.ready["runs"]) == sorted(runs.values())
        made.post("stop")
        page = read(lambda page: page.ended.keys() >= set(runs.values()))
        assert set(page.ended.values()) == {"stopped"}
        # What is asked next comes over the same connection.
        made.post("ask", text=QUESTION, turn_id=str(uuid.uuid4()))
        more = {answer.run for answer in made.answers()}
        assert more.isdisjoint(runs.values())
        read(lambda page: page.views.keys() >= more and all(page.shown(run) for run in more))
        made.post("stop")
        read(lambda page: page.ended.keys() >= more)


def test_sigkill_keeps_every_text_and_again_asks_the_interrupted_alone(
    site: Any, signed_in: Any, mode: str, demo: str
) -> None:
    place = site(mode)
    done = "demo-fast-21"
    made = begin(signed_in(place), *STALLED, done)
    with made.watch() as read:
        read(have_all_tokens(by_end(made.answers()[:2])))
    until(lambda: not made.answers()[2].live)
    kept = made.said(made.answers()[2])
    if mode == "embedded":
        # Without Redis the last second may be missing: wait for the save that holds everything.
        until(lambda: all(end in made.said(each) for end, each in ends(made.answers())))
    place.restart("web")
    until(lambda: not any(answer.live for answer in made.answers()))
    before, since = made.answers(), mark(demo)
    for end, answer in ends(before):
        assert end in made.said(answer)
        assert "The server was interrupted." in made.said(answer)
    assert made.said(before[2]) == kept
    assert "interrupted" not in kept

    made.post("again")
    after = made.answers()
    assert [answer.live for answer in after] == [True, True, False]
    assert after[2] == before[2]
    with made.watch() as read:
        read(have_all_tokens(by_end(after[:2])))
    made.post("stop")
    until(lambda: not any(answer.live for answer in made.answers()))
    assert {model: since.calls(model) for model in (*STALLED, done)} == {
        **dict.fromkeys(STALLED, 1),
        done: 0,
    }


def ends(answers: list[Answer]) -> list[tuple[str, Answer]]:
    return list(zip(STALLED.values(), answers[:2], strict=True))


def test_pressing_send_many_times_asks_each_model_once(
    site: Any, signed_in: Any, mode: str, demo: str
) -> None:
    visitor = signed_in(site(mode))
    models = ("demo-fast-22", "demo-fast-23")
    made = Comparison(visitor, str(uuid.uuid4()))
    first, since = sent(visitor, *models), mark(demo)
    for number, data in enumerate((first, {"turn_id": str(uuid.uuid4()), "text": "Again?"}), 1):
        with ThreadPoolExecutor(5) as pool:
            pressed = list(pool.map(lambda _, data=data: made.post("ask", **data).status_code, range(10)))
        assert set(pressed) == {200}
        until(lambda: not any(answer.live for answer in made.answers()))
        assert [since.calls(model) for model in models] == [number] * len(models)
        assert len(made.answers()) == len(models)
