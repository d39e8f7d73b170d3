"""The runs of comparisons in History: a kind of their own, found with whatever else is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat import sharing
from playground.chat.models import Conversation, Run, Turn
from playground.compare import lanes
from playground.history import listing, rating, screen, searching, walking
from playground.history.filters import COMPARED, Filters
from playground.history.listing import Reader
from playground.history.models import Entry

pytestmark = pytest.mark.usefixtures("database")
LIST = reverse("history:list")
SignIn = Callable[[User], Client]
Compare = Callable[..., list[Run]]
WORDS = ("lamp", "boat", "river", "stone")


@pytest.fixture
def compare(talk: Any, answered: Any) -> Compare:
    """The ended runs of a comparison, one for each model; `said` goes for all."""

    def make(owner: User, *models: str, asked: str = "Where are we?", **about: Any) -> list[Run]:
        kept = lanes.begun_with([{"model": model} for model in models])
        chat = talk(owner, comparison=kept, shared=about.pop("shared", False))
        return [answered(owner, asked, chat=chat, model=model, **about) for model in models]

    return make


def subjects(reader: Reader, filters: Filters, limit: int = 200) -> list[Any]:
    """Of every page to the last."""
    found, mark = [], ""
    for _ in range(200):
        page = listing.page(reader, filters, mark, limit)
        found += [entry.subject for entry in page.entries]
        if not (mark := page.next_mark):
            return found
    raise AssertionError("the pages have no end")


@dataclass(frozen=True, slots=True)
class Known:
    """A line as it ought to be found."""

    run: Run
    compared: bool
    text: str
    model: str
    person: User
    tokens: int | None
    key: GatewayKey | None


@pytest.fixture
def crowd(
    owner: User, mate: User, team_key: GatewayKey, compare: Compare, answered: Any, talk: Any, made: Any
) -> list[Known]:
    """Comparisons, chats and tasks of two people, newest last, some of them shared."""
    random, known = Random(5), list[Known]()
    for number in range(40):
        person, text = random.choice((owner, mate)), " ".join(random.choices(WORDS, k=2))
        models = random.sample(("m-1", "m-2", "m-3"), random.choice((2, 3)))
        about = {
            "output_tokens": random.choice((10, 5000)),
            "key": random.choice((None, team_key)),
            "shared": random.random() < 0.5,
        }
        if number % 4 == 3:
            made(person, text)
        elif number % 2:
            runs = compare(person, *models, asked=text, input_tokens=0, **about)
            known += [facts(run, text, compared=True) for run in runs]
        else:
            chat = talk(person, shared=about.pop("shared"))
            run = answered(person, text, chat=chat, model=models[0], input_tokens=0, **about)
            known.append(facts(run, text, compared=False))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return known


def facts(run: Run, text: str, *, compared: bool) -> Known:
    assert run.user is not None
    return Known(run, compared, text, run.model, run.user, run.output_tokens, run.key)


def fits(known: Known, filters: Filters, reader: User) -> bool:
    exact = (
        (filters.model, known.model),
        (filters.owner, known.person.pk),
        (filters.key, known.key.pk if known.key else None),
    )
    if filters.kind == COMPARED and not known.compared:
        return False
    if not (known.run.conversation.shared or known.person == reader):
        return False
    if any(wanted and wanted != value for wanted, value in exact):
        return False
    if filters.tokens_min is not None and (known.tokens or 0) < filters.tokens_min:
        return False
    return all(word in known.text.split() for word in filters.words.split())


@pytest.mark.parametrize("bounds", [(20_000, 2_000), (15, 10), (15, 1)])
def test_every_page_holds_the_runs_of_comparisons_that_fit_and_nothing_else(
    bounds: tuple[int, int], crowd: list[Known], owner: User, mate: User, team: Team, team_key: GatewayKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(walking, "SCANNED", bounds[0])
    monkeypatch.setattr(walking, "FEW", bounds[1])
    monkeypatch.setattr(searching, "SCANNED", bounds[0])
    monkeypatch.setattr(searching, "LOOKED", bounds[0])
    narrower: list[dict[str, Any]] = [
        {}, {"words": "lamp"}, {"words": "boat river"}, {"model": "m-2"}, {"owner": mate.pk},
        {"key": team_key.pk}, {"tokens_min": 4000}, {"words": "stone", "model": "m-1"},
        {"model": "m-3", "key": team_key.pk, "tokens_min": 11}, {"words": "nobody"}, {"model": "m-9"},
    ]  # fmt: skip
    counts = []
    for more in narrower:
        filters = Filters(kind=COMPARED, **more)
        for person in (owner, mate):
            reader = Reader.of(person, team)
            ought = [known.run.pk for known in reversed(crowd) if fits(known, filters, person)]
            for limit in (3, 200):
                assert subjects(reader, filters, limit) == ought, (filters, limit)
            counts.append(len(ought))
    assert sum(count > 3 for count in counts) > 8


def test_a_chat_is_what_it_was_and_comparisons_are_chats_too(
    crowd: list[Known], owner: User, team: Team
) -> None:
    reader = Reader.of(owner, team)
    seen = [known for known in reversed(crowd) if fits(known, Filters(), owner)]
    assert {known.compared for known in seen} == {True, False}
    assert subjects(reader, Filters(kind="chat")) == [known.run.pk for known in seen]


def test_a_rating_and_a_tag_narrow_comparisons(
    owner: User, team: Team, compare: Compare, answered: Any
) -> None:
    first, second = compare(owner, "m-1", "m-2")
    chat = answered(owner)
    for run in (first, chat):
        rating.rate(Entry.objects.get(subject=run.pk), owner, value=1, tags=["keep"])
    rating.rate(Entry.objects.get(subject=second.pk), owner, value=-1)
    reader = Reader.of(owner, team)
    assert subjects(reader, Filters(kind=COMPARED, rating=1)) == [first.pk]
    assert subjects(reader, Filters(kind=COMPARED, rating=-1)) == [second.pk]
    assert subjects(reader, Filters(kind=COMPARED, tag="keep")) == [first.pk]


def test_comparisons_of_another_team_are_not_among_them(
    owner: User, team: Team, compare: Compare, talk: Any, answered: Any
) -> None:
    here = compare(owner, "m-1", "m-2")
    elsewhere = talk(owner, team=owner.personal_team, comparison=lanes.begun_with([{}, {}]))
    other = answered(owner, chat=elsewhere)
    wanted = Filters(kind=COMPARED)
    assert subjects(Reader.of(owner, team), wanted) == [run.pk for run in reversed(here)]
    assert subjects(Reader.of(owner, owner.personal_team), wanted) == [other.pk]


def titles(html: str) -> list[str]:
    return [title.strip() for title in re.findall(r"data-row><bdi>([^<]*)</bdi>", html)]


def lines(html: str) -> list[str]:
    """What stands under the title of each line, without its marks."""
    facts = re.findall(r'<p class="line-facts small">(.*?)</p>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in facts]


def test_the_list_calls_them_comparisons_and_can_be_narrowed_to_them(
    sign_in: SignIn, owner: User, compare: Compare, answered: Any, made: Any
) -> None:
    compare(owner, "m-1", "m-2", asked="which lamp is it")
    answered(owner, "a chat about a lamp", model="m-3")
    made(owner, "a boat")
    client = sign_in(owner)
    everything = client.get(LIST).content.decode()
    kinds = [line.split()[0] for line in lines(everything)]
    assert kinds[1:] == ["Chat", "Comparison", "Comparison"]
    assert kinds[0] != "Comparison"
    assert f'<option value="{COMPARED}">Comparison</option>' in everything
    narrowed = client.get(LIST, {"kind": COMPARED}).content.decode()
    assert titles(narrowed) == ["which lamp is it"] * 2
    assert f'<option value="{COMPARED}" selected>Comparison</option>' in narrowed
    assert [line.split()[-1] for line in lines(narrowed)] == ["m-2", "m-1"]
    assert titles(client.get(LIST, {"kind": "chat"}).content.decode()) == [
        "a chat about a lamp",
        "which lamp is it",
        "which lamp is it",
    ]
    found = client.get(LIST, {"kind": COMPARED, "q": "lamp"}).content.decode()
    assert found.count("<mark>lamp</mark>") == 2
    assert "chat about" not in found
    assert "Nothing fits" in client.get(LIST, {"kind": COMPARED, "q": "boat"}).content.decode()


def test_older_comparisons_are_on_the_next_page(
    sign_in: SignIn, owner: User, compare: Compare, answered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "PAGE", 3)
    for number in range(2):
        compare(owner, "m-1", "m-2", asked=f"question {number}")
        answered(owner, "a chat")
    client = sign_in(owner)
    first = client.get(LIST, {"kind": COMPARED})
    assert titles(first.content.decode()) == ["question 1", "question 1", "question 0"]
    assert "kind=compare" in first.context["older"]
    second = client.get(f"{LIST}?{first.context['older']}")
    assert titles(second.content.decode()) == ["question 0"]
    assert second.context["older"] == ""


def test_one_of_them_is_named_so_and_leads_to_the_comparison(
    sign_in: SignIn, owner: User, compare: Compare, answered: Any
) -> None:
    older, run = compare(owner, "m-1", "m-2")
    answered(owner)
    client = sign_in(owner)
    html = client.get(reverse("history:show", args=[run.pk]), {"kind": COMPARED}).content.decode()
    assert "<h1>Comparison with <bdi>m-2</bdi></h1>" in html
    assert re.search(r"</svg> Open the comparison</a>", html)
    place = re.findall(r'<a class="button primary" href="([^"]+)"', html)[0]
    assert place.endswith(f"#turn-{run.answer_id}")
    response = client.get(place.split("#")[0])
    assert response["Location"] == reverse("compare:show", args=[run.conversation_id])
    # Beside it stand others of comparisons alone.
    assert f'href="/history/{older.pk}/?kind=compare' in html
    assert 'rel="prev"' not in html


def test_one_of_a_chat_is_named_a_chat(sign_in: SignIn, owner: User, answered: Any) -> None:
    html = sign_in(owner).get(reverse("history:show", args=[answered(owner).pk])).content.decode()
    assert "<h1>Chat with" in html
    assert "Open in the chat</a>" in html


def test_a_private_one_is_its_owners_and_a_shared_one_the_teams(
    sign_in: SignIn, owner: User, mate: User, stranger: User, compare: Compare
) -> None:
    run, _ = compare(owner, "m-1", "m-2", asked="secret plans")

    def seen(person: User) -> int:
        return len(titles(sign_in(person).get(LIST, {"kind": COMPARED}).content.decode()))

    assert [seen(person) for person in (owner, mate, stranger)] == [2, 0, 0]
    sharing.set_shared(run.conversation, owner, shared=True)
    assert [seen(person) for person in (owner, mate, stranger)] == [2, 2, 0]


def test_an_export_of_all_that_is_narrowed_holds_them_alone(
    sign_in: SignIn, owner: User, compare: Compare, answered: Any
) -> None:
    runs, chat = compare(owner, "m-1", "m-2"), answered(owner, "a chat")
    sent: Any = sign_in(owner).post(
        reverse("history:do"), {"act": "export-json", "all": "1", "back": f"kind={COMPARED}"}
    )

    async def collect() -> bytes:
        return b"".join([part async for part in sent.streaming_content])

    text = async_to_sync(collect)().decode()
    assert len(json.loads(text)) == 2
    assert all(str(run.pk) in text for run in runs)
    assert str(chat.pk) not in text


def test_what_the_page_of_a_comparison_asks_is_in_the_list_at_once(
    sign_in: SignIn, owner: User, team_key: GatewayKey
) -> None:
    client = sign_in(owner)
    sent = {"lane-model": ["m-1", "m-2"], "text": "Why?", "key": str(team_key.pk)}
    pk = Conversation().pk
    assert client.post(reverse("compare:ask", args=[pk]), sent).status_code == 302
    html = client.get(LIST, {"kind": COMPARED, "state": "live"}).content.decode()
    assert titles(html) == ["Why?", "Why?"]
    assert Turn.objects.filter(conversation=pk, role="user").count() == 1


def test_the_list_costs_as_many_queries_with_one_comparison_as_with_ten(
    sign_in: SignIn, owner: User, compare: Compare
) -> None:
    client = sign_in(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as told:
            assert client.get(LIST, {"kind": COMPARED, "show": "table"}).status_code == 200
        return len(told)

    compare(owner, "m-1", "m-2")
    queries()
    few = queries()
    for _ in range(9):
        compare(owner, "m-1", "m-2")
    assert queries() == few
