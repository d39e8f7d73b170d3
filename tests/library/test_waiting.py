"""Runs of examples that found no free place: they begin in order, once, and by themselves."""

from __future__ import annotations

import asyncio

import pytest
from django.db import OperationalError
from django.urls import reverse

from accounts.models import GatewayKey, Role
from playground.library import examples, kinds, waiting
from playground.library.models import Waiting
from tests._servers.processes import PATIENCE_S

NAMES = ("Ada", "Bea", "Cleo", "Dora", "Eve")


@pytest.fixture
def prompt(make, owner):
    made = make()
    for name in NAMES:
        examples.keep(made, owner, name, {"name": name})
    return made


def names() -> list[str]:
    return list(Waiting.objects.order_by("pk").values_list("name", flat=True))


def test_what_finds_no_place_waits_and_begins_in_order_as_places_become_free(database, prompt, runs, owner):
    runs.places = 2
    started = examples.run_all(prompt.head, owner)
    assert (list(started.urls), started.waiting, started.errors) == (
        ["Ada", "Bea"],
        ["Cleo", "Dora", "Eve"],
        {},
    )
    assert waiting.begin() == 0
    assert names() == ["Cleo", "Dora", "Eve"]
    runs.places = 4
    assert waiting.begin() == 2
    assert [values["name"] for values in runs.started] == ["Ada", "Bea", "Cleo", "Dora"]
    runs.places = 100
    assert waiting.begin() == 1
    assert waiting.begin() == 0
    assert [values["name"] for values in runs.started] == list(NAMES)
    assert not names()


def test_who_waits_already_goes_before_a_new_set_and_nothing_waits_twice(prompt, save, runs, owner):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    new = save(prompt)
    runs.places = 2
    assert examples.run_all(new, owner).waiting == list(NAMES)
    assert examples.run_all(new, owner).waiting == list(NAMES)
    assert names() == [*NAMES, *NAMES]
    assert waiting.begin() == 2
    assert [(row.version.number, row.name) for row in Waiting.objects.order_by("pk")][:4] == [
        (1, "Cleo"),
        (1, "Dora"),
        (1, "Eve"),
        (2, "Ada"),
    ]


def test_one_who_has_no_place_keeps_nobody_else_from_theirs(prompt, runs, owner, mate, monkeypatch):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    examples.run_all(prompt.head, mate)
    monkeypatch.setattr(runs, "room", lambda user: 0 if user == owner else 1)
    kind = kinds.get("chat")
    monkeypatch.setitem(
        kinds._kinds, "chat", type(kind)(*_parts(kind), run=runs.run, room=lambda user: user == mate)
    )
    assert waiting.begin() == len(NAMES)
    assert set(Waiting.objects.values_list("user", flat=True)) == {owner.pk}


def _parts(kind):
    return kind.key, kind.label, kind.icon, kind.check, kind.open_url, kind.parts


def test_what_cannot_begin_says_why_and_stays_until_it_is_dismissed(prompt, runs, owner):
    examples.keep(prompt, owner, "Nobody", {"name": "nobody"})
    runs.places = 0
    examples.run_all(prompt.head, owner)
    runs.places = 100
    assert waiting.begin() == len(NAMES)
    (left,) = waiting.of(prompt, owner)
    assert (left.name, left.why) == ("Nobody", "Nobody is not greeted.")
    assert waiting.begin() == 0
    # Asked for again, it waits again.
    runs.places = 0
    examples.run_all(prompt.head, owner)
    assert not Waiting.objects.exclude(why="").exists()
    assert waiting.stop(prompt, owner) == len(NAMES) + 1
    assert not names()


def test_a_fault_of_the_site_is_told_and_the_next_one_begins(prompt, runs, owner, monkeypatch):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    began = []

    def run(version, values, user, key):
        if values["name"] == "Ada":
            raise RuntimeError("broken")
        began.append(values["name"])
        return "/"

    kind = kinds.get("chat")
    monkeypatch.setitem(kinds._kinds, "chat", type(kind)(*_parts(kind), run=run))
    assert waiting.begin() == len(NAMES) - 1
    assert began == list(NAMES[1:])
    (left,) = waiting.of(prompt, owner)
    assert left.why == waiting.BROKEN


def test_a_run_that_was_refused_because_the_places_went_meanwhile_goes_on_waiting(
    prompt, runs, owner, monkeypatch
):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    free = iter((1, 0, 0))

    def run(version, values, user, key):
        raise ValueError("20 of your answers are being written.")

    kind = kinds.get("chat")
    monkeypatch.setitem(
        kinds._kinds, "chat", type(kind)(*_parts(kind), run=run, room=lambda user: next(free))
    )
    assert waiting.begin() == 0
    assert names() == list(NAMES)
    assert not Waiting.objects.exclude(why="").exists()


def test_a_right_or_a_key_that_is_gone_meanwhile_is_said(prompt, runs, team, owner, mate):
    key = GatewayKey.objects.create(owner=mate, team=team, label="Mine", base_url="http://127.0.0.1:9")
    runs.places = 0
    examples.run_all(prompt.head, mate, key)
    key.delete()
    runs.places = 1
    waiting.begin()
    assert {row.why for row in waiting.of(prompt, mate)} == {"This key is not yours to use, or is gone. "
                                                             "Choose another one."}  # fmt: skip
    examples.run_all(prompt.head, owner)
    runs.places = 0
    examples.run_all(prompt.head, mate)
    mate.membership_set.filter(team=team).update(role=Role.VIEWER)
    runs.places = 100
    waiting.begin()
    assert {row.why for row in waiting.of(prompt, mate)} == {waiting.GONE}
    assert not runs.started or all(values["name"] in NAMES for values in runs.started)


@pytest.mark.parametrize(
    ("fault", "told_whole"), [(OperationalError("away"), False), (RuntimeError("a defect"), True)]
)
async def test_the_watch_goes_on_after_a_fault_and_says_little_of_a_database_that_is_away(
    monkeypatch, caplog, fault, told_whole
):
    looks = asyncio.Queue[int]()
    loop = asyncio.get_running_loop()

    def look() -> None:
        loop.call_soon_threadsafe(looks.put_nowait, 1)
        raise fault

    monkeypatch.setattr(waiting, "LOOK_S", 0)
    monkeypatch.setattr(waiting, "begin", look)
    watching = asyncio.create_task(waiting.watch(object()))
    for _ in range(3):
        await asyncio.wait_for(looks.get(), PATIENCE_S)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    told = [record for record in caplog.records if record.name == waiting.__name__]
    assert told
    assert {record.exc_info is not None for record in told} == {told_whole}


def test_the_page_says_what_waits_and_lets_it_be_stopped(prompt, runs, owner, sign_in):
    runs.places = 3
    page, place = sign_in(owner), reverse("library:runs", args=[prompt.pk])
    act = reverse("library:examples", args=[prompt.pk])
    said = page.post(act, {"act": "run", "number": "1"}, follow=True).content.decode()
    assert "3 runs of version 1 began." in said
    assert "2 of version 1 wait for a free place." in said
    assert "2 runs of your examples wait for a free place, and begin by themselves." in said
    assert said.count("Waits for a free place") == 4  # in both columns: version 1 is the old and the new one
    # The table asks for itself anew, so that the page shows when they begin.
    assert "every 3s" in said
    page.post(act, {"act": "stop", "number": "1"})
    assert not names()
    assert "answers-wait" not in page.get(place).content.decode()


def test_what_waits_is_shown_to_nobody_else_and_stopped_by_nobody_else(
    prompt, runs, owner, mate, viewer, sign_in
):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    act = reverse("library:examples", args=[prompt.pk])
    for other in (mate, viewer):
        page = sign_in(other)
        assert "answers-wait" not in page.get(reverse("library:runs", args=[prompt.pk])).content.decode()
        assert page.post(act, {"act": "stop"}).status_code == 302
    assert len(names()) == len(NAMES)


def test_an_example_that_is_removed_waits_no_more(prompt, runs, owner):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    examples.remove(prompt.examples.get(name="Bea"), owner)
    assert names() == ["Ada", "Cleo", "Dora", "Eve"]


def test_a_failed_one_is_named_on_the_page(prompt, runs, owner, sign_in):
    runs.places = 0
    examples.run_all(prompt.head, owner)
    Waiting.objects.filter(name="Bea").update(why="The key <was> revoked.")
    Waiting.objects.exclude(name="Bea").delete()
    page = sign_in(owner).get(reverse("library:runs", args=[prompt.pk])).content.decode()
    assert "did not begin: The key &lt;was&gt; revoked." in page
    assert "every 3s" not in page
    assert "Dismiss" in page
