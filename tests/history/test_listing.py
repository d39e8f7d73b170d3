"""Whatever is asked of the ledger, its pages hold exactly what fits and what the person may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Conversation, Run, Turn
from playground.history import listing, rating, searching, walking
from playground.history.filters import Filters
from playground.history.listing import Reader
from playground.history.models import Entry
from playground.library.models import Label, Prompt, PromptVersion, Reach
from playground.media.models import MediaTask, Status

pytestmark = pytest.mark.usefixtures("database")
WORDS = ("lamp", "boat", "river", "stone", "cloud", "Straße", "gpt-4")
MODELS = ("m-one", "m-two", "m-three")


@pytest.fixture
def crowd(owner: User, mate: User, team: Team, team_key: GatewayKey) -> Iterator[dict[Any, dict[str, Any]]]:
    """Runs and tasks of two people, one of whose chats are half shared; and what is known of each."""
    random, began = Random(3), timezone.now() - timedelta(days=2)
    prompt = Prompt.objects.create(team=team, slug="p", title="P", kind="chat", owner=owner, reach=Reach.TEAM)
    versions = [PromptVersion.objects.create(prompt=prompt, number=number, author=owner) for number in (1, 2)]
    Label.objects.create(prompt=prompt, name="production", version=versions[1])
    known = {}
    for number in range(120):
        person, at = random.choice((owner, mate)), began + timedelta(minutes=20 * number)
        text = " ".join(random.choices(WORDS, k=3))
        facts: dict[str, Any] = {
            "user": person, "text": text, "at": at, "model": random.choice(MODELS), "tokens": None,
            "version": None, "key": random.choice((None, team_key)),
        }  # fmt: skip
        if random.random() < 0.3:
            facts |= {"kind": "media", "family": "kling", "open": True}
            facts["status"] = random.choice((Status.SUCCEEDED, Status.FAILED))
            row: Any = MediaTask.objects.create(
                team=team, user=person, operation="kling.video", family="kling", medium="video",
                model=facts["model"], title=text, text=text, status=facts["status"], key=facts["key"],
                created_at=at, ended_at=at,
                error_kind="upstream" if facts["status"] == Status.FAILED else "",
            )  # fmt: skip
        else:
            facts |= {"kind": "chat", "family": "anthropic", "open": random.random() < 0.4}
            facts |= {
                "status": "finished",
                "tokens": random.choice((None, 10, 5000)),
                "version": random.choice([None, *versions]),
            }
            chat = Conversation.objects.create(team=team, owner=person, shared=facts["open"])
            asked = Turn.objects.create(conversation=chat, role="user", text=text)
            answer = Turn.objects.create(conversation=chat, role="assistant", parent=asked, text="")
            row = Run.objects.create(
                team=team, user=person, conversation=chat, asked=asked, answer=answer, family="anthropic",
                model=facts["model"], status="finished", created_at=at, ended_at=at, key=facts["key"],
                output_tokens=facts["tokens"], prompt_version=facts["version"],
            )  # fmt: skip
        known[row.pk] = facts
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    yield known


def fits(facts: dict[str, Any], filters: Filters, reader: User) -> bool:
    if not (facts["open"] or facts["user"] == reader):
        return False
    state = "failed" if facts["status"] == Status.FAILED else "done"
    exact = {
        "kind": facts["kind"], "state": state, "family": facts["family"], "model": facts["model"],
        "owner": facts["user"].pk, "key": facts["key"].pk if facts["key"] else None,
        "prompt": facts["version"].prompt_id if facts["version"] else None,
        "error": "upstream" if state == "failed" else "",
        "label": "production" if facts["version"] and facts["version"].number == 2 else "",
    }  # fmt: skip
    if any(getattr(filters, name) and getattr(filters, name) != value for name, value in exact.items()):
        return False
    tokens = facts["tokens"]
    if filters.tokens_min is not None and (tokens is None or tokens < filters.tokens_min):
        return False
    if filters.tokens_max is not None and (tokens is None or tokens > filters.tokens_max):
        return False
    if filters.since and facts["at"] < filters.since or filters.before and facts["at"] >= filters.before:
        return False
    said = re.findall(r"\w+", facts["text"].lower())
    *whole, last = re.findall(r"\w+", filters.words.lower()) or [""]
    return all(word in said for word in whole) and any(word.startswith(last) for word in said)


def some_filters(random: Random, people: list[User], key: GatewayKey, prompt: Any) -> Filters:
    now = timezone.now()
    choices: dict[str, list[Any]] = {
        "words": ["lamp", "boat ri", "s", "gpt-4", "nobody"], "kind": ["chat", "media"],
        "state": ["done", "failed", "live"], "family": ["kling", "anthropic"], "model": list(MODELS),
        "owner": [person.pk for person in people], "key": [key.pk], "prompt": [prompt],
        "label": ["production"], "error": ["upstream"], "tokens_min": [0, 4000], "tokens_max": [20],
        "since": [now - timedelta(hours=30)], "before": [now - timedelta(hours=20)],
    }  # fmt: skip
    names = random.sample(list(choices), random.choice((0, 1, 1, 2, 3)))
    return Filters(**{name: random.choice(choices[name]) for name in names})


def turned_over(reader: Reader, filters: Filters, limit: int) -> list[Any]:
    """Every page to the last, then back to the first: what stands on them."""
    seen, mark, last = [], "", None
    for _ in range(200):
        last = listing.page(reader, filters, mark, limit)
        seen += [entry.subject for entry in last.entries]
        if not (mark := last.next_mark):
            break
    back: list[Any] = [entry.subject for entry in last.entries] if last else []
    for _ in range(200):
        if last is None or last.newest:
            break
        last = listing.page(reader, filters, last.newer_mark, limit)
        back = [entry.subject for entry in last.entries if entry.subject not in back] + back
    assert sorted(back, key=str) == sorted(seen, key=str)
    return seen


@pytest.mark.parametrize("bounds", [(20_000, 2_000, 10_000), (15, 10, 12), (15, 1, 12)])
def test_pages_hold_all_that_fits_and_nothing_else(
    bounds: tuple[int, int, int], crowd: Any, owner: User, mate: User, team: Team, team_key: GatewayKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    scanned, few, matches = bounds
    monkeypatch.setattr(walking, "SCANNED", scanned)
    monkeypatch.setattr(walking, "FEW", few)
    monkeypatch.setattr(searching, "SCANNED", matches)
    monkeypatch.setattr(searching, "LOOKED", matches)
    monkeypatch.setattr(searching, "COMMON", 2)
    random, prompt = Random(sum(bounds)), Prompt.objects.get().pk
    newest = sorted(crowd, key=lambda pk: crowd[pk]["at"], reverse=True)
    for _ in range(40):
        person = random.choice((owner, mate))
        filters = some_filters(random, [owner, mate], team_key, prompt)
        ought = [pk for pk in newest if fits(crowd[pk], filters, person)]
        reader = Reader.of(person, team)
        assert turned_over(reader, filters, random.choice((4, 11, 200))) == ought, filters
        assert [pk for ids in listing.every(reader, filters, 7) for pk in ids] == list(
            Entry.objects.filter(subject__in=ought).order_by("-pk").values_list("pk", flat=True)
        )


def test_a_rating_and_a_tag_narrow(crowd: Any, owner: User, team: Team) -> None:
    reader = Reader.of(owner, team)
    first, second, *_ = listing.page(reader, Filters()).entries
    rating.rate(first, owner, value=1, tags=["keep", "again"])
    rating.rate(second, owner, value=-1, tags=["keep"])
    found = {
        name: [entry.pk for entry in listing.page(reader, filters).entries]
        for name, filters in {
            "up": Filters(rating=1), "down": Filters(rating=-1), "keep": Filters(tag="keep"),
            "again": Filters(tag="again"), "both": Filters(tag="keep", rating=-1), "none": Filters(tag="no"),
        }.items()
    }  # fmt: skip
    assert found == {"up": [first.pk], "down": [second.pk], "keep": [first.pk, second.pk],
                     "again": [first.pk], "both": [second.pk], "none": []}  # fmt: skip


def test_scripts_without_spaces_are_found_as_they_stand(owner: User, team: Team, answered: Any) -> None:
    run = answered(owner, "京都の天気は", "晴れ 100%")
    answered(owner, "大阪")
    reader = Reader.of(owner, team)
    assert [entry.subject for entry in listing.page(reader, Filters(words="天気")).entries] == [run.pk]
    assert listing.page(reader, Filters(words="都の大")).entries == []


def test_a_filter_as_the_index_writes_it_is_no_word_of_a_text(owner: User, team: Team, answered: Any) -> None:
    answered(owner, "hello")
    reader = Reader.of(owner, team)
    for words in ("zq", f"zqs{reader.scopes[0]}", "zqcchat", "openaichat"):
        assert listing.page(reader, Filters(words=words)).entries == []


def test_new_ones_are_counted_from_a_page(owner: User, team: Team, made: Any) -> None:
    reader = Reader.of(owner, team)
    made(owner)
    reader = Reader.of(owner, team)
    mark = listing.page(reader, Filters()).newer_mark
    assert listing.count_newer(reader, Filters(), mark, 9) == 0
    made(owner)
    made(owner)
    assert listing.count_newer(reader, Filters(), mark, 9) == 2
    assert listing.count_newer(reader, Filters(), "nonsense", 9) == 0


def test_a_mark_of_another_person_or_filter_begins_anew(
    crowd: Any, owner: User, mate: User, team: Team
) -> None:
    mark = listing.page(Reader.of(owner, team), Filters(), limit=5).next_mark
    assert not listing.page(Reader.of(owner, team), Filters(), mark, 5).newest
    assert listing.page(Reader.of(mate, team), Filters(), mark, 5).newest
    assert listing.page(Reader.of(owner, team), Filters(kind="chat"), mark, 5).newest


@pytest.mark.parametrize("filters", [Filters(), Filters(model="m-one", kind="chat"), Filters(words="lamp")])
def test_a_page_costs_as_many_queries_however_many_lines(
    filters: Filters, crowd: Any, owner: User, team: Team
) -> None:
    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            listing.page(Reader.of(owner, team), filters, limit=limit)
        return len(captured)

    assert max(queries(2), queries(20), queries(90)) <= 8
