"""Models side by side: who may ask for them, what stands where, what is best, and the form of marks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.catalogue import measuring
from playground.catalogue.contrast import Row
from playground.catalogue.models import ModelLabel
from playground.chat.models import Conversation
from playground.library import prompts
from playground.usage import prices
from playground.usage.prices import Figures
from playground.verify.models import Setup
from tests.catalogue.conftest import MakeRun, entry

SignIn = Callable[[User], Client]
PLACE, LIST = reverse("catalogue:compare"), reverse("catalogue:models")


def ask(client: Client, *models: str, status: int = 200, **more: str) -> Any:
    response = client.get(f"{PLACE}?{urlencode({'model': models, **more}, doseq=True)}")
    assert response.status_code == status
    return response


def row(response: Any, label: str) -> Row:
    (found,) = [row for group in response.context["groups"] for row in group.rows if row.label == label]
    assert isinstance(found, Row)
    return found


def best(found: Row) -> list[bool]:
    return [cell.best for cell in found.cells]


def values(response: Any, label: str) -> list[Any]:
    return [cell.value for cell in row(response, label).cells]


def test_models_stand_in_the_order_of_the_address_each_once(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    for name in ("a", "b", "c"):
        entry(own, name)
    client = sign_in(owner)
    response = ask(client, "c", "a", "c", "b")
    assert [column.model for column, _ in response.context["columns"]] == ["c", "a", "b"]
    without = [query for _, query in response.context["columns"]]
    assert without == ["model=a&model=b", "model=c&model=b", "model=c&model=a"]
    html = response.content.decode()
    assert 'aria-label="Try c in a chat"' in html
    assert f'href="{reverse("catalogue:model")}?id=c"' in html
    # Of two the one that stays is kept in the form that asks for another.
    last = ask(client, "c", "a").context["columns"][0][1]
    assert client.get(f"{PLACE}?{last}").context["marked"] == ("a",)


@pytest.mark.parametrize(
    ("marked", "sentence"),
    [(["m-0"], "mark a second model"), ([f"m-{n}" for n in range(5)], "At most 4 models")],
)
def test_too_few_or_too_many_come_back_marked_with_a_sentence(
    sign_in: SignIn, owner: User, own: GatewayKey, marked: list[str], sentence: str
) -> None:
    for number in range(6):
        entry(own, f"m-{number}")
    html = ask(sign_in(owner), *marked, status=422).content.decode()
    assert sentence in html
    for model in marked:
        assert f'value="{model}" checked' in html
    assert 'value="m-5">' in html


def test_another_model_is_looked_for_with_those_marked_kept(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    for name in ("first", "second", "third"):
        entry(own, name)
    client = sign_in(owner)
    link = f"{PLACE}?model=first&amp;find=1"
    assert link in client.get(reverse("catalogue:model"), {"id": "first"}).content.decode()
    response = ask(client, "first", find="1", q="sec")
    assert response.context["marked"] == ("first",)
    assert [found.model for found in response.context["others"]] == ["second"]


def test_what_a_person_may_not_know_of_is_left_out_by_name(
    sign_in: SignIn, owner: User, mate: User, own: GatewayKey, shared: GatewayKey
) -> None:
    entry(own, "private-model", name="Private Name")
    for name in ("a", "b"):
        entry(shared, name)
    client = sign_in(mate)
    for nothing in ("private-model", "nobodys-model"):
        response = ask(client, "a", nothing, "b")
        assert [column.model for column, _ in response.context["columns"]] == ["a", "b"]
        html = response.content.decode()
        assert "Nothing is known to you of" in html
        assert nothing in html
        assert "Private Name" not in html
    html = ask(client, "a", "private-model", status=422).content.decode()
    assert "Too few are left" in html
    assert "Private Name" not in html
    # An id that cannot be one is not even named.
    assert ask(client, "a", "b", "x" * 300).context["unknown"] == []


@pytest.mark.usefixtures("database")
def test_the_best_is_marked_where_one_known_value_is_worse(
    sign_in: SignIn, owner: User, team: Team, own: GatewayKey, make_run: MakeRun
) -> None:
    for name in ("quick", "slow", "idle"):
        entry(own, name)
    told = {"latency_ms": 2000, "params": {"stream": True}}
    make_run(owner, "quick", first_token_ms=200, output_tokens=180, **told)
    make_run(owner, "quick", first_token_ms=200, output_tokens=180, **told)
    make_run(owner, "slow", first_token_ms=900, output_tokens=110, **told)
    make_run(owner, "slow", status="failed", error_kind="upstream_unavailable", http_status=502)
    prices.enter(
        team, owner, "openai_chat", "slow", timezone.now(), Figures(input=Decimal("0.5"), output=Decimal(2))
    )
    prices.enter(
        team, owner, "openai_chat", "quick", timezone.now(), Figures(input=Decimal(3), output=Decimal(2))
    )
    measuring.look(timezone.now())
    response = ask(sign_in(owner), "quick", "slow", "idle")
    first = row(response, "Time to first token")
    assert [(cell.value, cell.count) for cell in first.cells] == [(200, 2), (900, 1), (None, 0)]
    assert best(first) == [True, False, False]
    assert values(response, "Tokens a second") == [100, 100, None]
    assert best(row(response, "Tokens a second")) == [False, False, False]
    success = row(response, "Ended well")
    assert [(cell.value, cell.count) for cell in success.cells] == [(100, 2), (50, 2), (None, 0)]
    assert best(success) == [True, False, False]
    assert best(row(response, "Input, a million tokens")) == [False, True, False]
    assert best(row(response, "Output, a million tokens")) == [False, False, False]
    # Seen to fail last, of one that works still: the other was never tried, and is not ranked.
    assert best(row(response, "Chat")) == [True, False, False]
    assert response.content.decode().count("</use></svg> Best") == 4


def test_a_capability_says_when_and_leads_to_the_chat_only_for_who_may_read_it(
    sign_in: SignIn, owner: User, mate: User, team: Team, shared: GatewayKey, make_run: MakeRun
) -> None:
    for name in ("a", "b"):
        entry(shared, name)
    run = make_run(mate, "a", params={"stream": True})
    measuring.look(timezone.now())
    link = reverse("chat:show", args=[run.conversation_id])
    assert link in ask(sign_in(mate), "a", "b").content.decode()
    response = ask(sign_in(owner), "a", "b")
    assert link not in response.content.decode()
    works, unknown = (cell.value for cell in row(response, "Stream").cells)
    assert [(line.family, line.standing, line.works.at) for line in works] == [
        ("openai_chat", "works", run.ended_at)
    ]
    assert [line.standing for line in unknown] == ["unknown"]


def test_equal_rows_are_hidden_by_the_address(sign_in: SignIn, owner: User, own: GatewayKey) -> None:
    now = timezone.now()
    entry(own, "a", first_seen=now, last_seen=now)
    entry(own, "b", first_seen=now, last_seen=now, new_at=now)
    client = sign_in(owner)
    response = ask(client, "a", "b")
    equal = response.context["equal"]
    assert f"Hide {equal} equal rows" in response.content.decode()
    hidden = client.get(f"{PLACE}?{response.context['toggled']}")
    labels = [row.label for group in hidden.context["groups"] for row in group.rows]
    assert labels == ["State"]
    everything = [row for group in response.context["groups"] for row in group.rows]
    assert len(everything) - equal == 1
    assert "Show every row" in hidden.content.decode()


def test_states_labels_and_dependents_are_those_of_the_model(
    sign_in: SignIn, owner: User, team: Team, own: GatewayKey, shared: GatewayKey
) -> None:
    now = timezone.now()
    entry(own, "left", gone_at=now - timedelta(days=40))
    entry(own, "fresh", new_at=now - timedelta(days=1), changed_at=now)
    entry(shared, "fresh", family="anthropic")
    ModelLabel.objects.create(team=team, model="left", kind="use", value="drafts")
    response = ask(sign_in(owner), "left", "fresh")
    assert values(response, "State") == [
        (False, [("gone", now - timedelta(days=40))]),
        (True, [("new", now - timedelta(days=1)), ("changed", now)]),
    ]
    assert [labels.uses for labels in values(response, "Labels")] == [("drafts",), ()]
    assert [len(shown) for shown in values(response, "Keys and lists")] == [1, 2]
    assert values(response, "Families of its lists")[0] == []


@pytest.mark.usefixtures("database")
def test_dependents_are_counted_as_the_page_of_the_model_lists_them(
    sign_in: SignIn, owner: User, mate: User, team: Team, shared: GatewayKey
) -> None:
    for name in ("a", "b"):
        entry(shared, name)

    def prompt(title: str, **settings: Any) -> None:
        body = {"messages": [{"role": "user", "text": "x"}], "settings": settings}
        prompts.create(team, owner, kind="chat", title=title, body=body)

    prompt("Both", model="a", fallback={"on": True, "model": "b", "ask": True})
    prompt("Own", model="a")
    prompt("Off", model="other", fallback={"on": False, "model": "b", "ask": True})
    Conversation.objects.create(owner=owner, team=team, title="Private chat", settings={"model": "b"})
    Setup.objects.create(key=shared, team=team, chosen={"openai_chat": "a", "gemini": "a"})
    kinds = ("Prompts", "Keys checked with it", "Chats")
    response = ask(sign_in(owner), "a", "b")
    assert [values(response, kind) for kind in kinds] == [[2, 1], [1, 0], [0, 1]]
    response = ask(sign_in(mate), "a", "b")
    assert [values(response, kind) for kind in kinds] == [[0, 0], [1, 0], [0, 0]]


def test_an_unknown_price_is_entered_by_admins_and_only_told_to_others(
    sign_in: SignIn, owner: User, mate: User, team: Team, shared: GatewayKey
) -> None:
    for name in ("a", "b"):
        entry(shared, name)
    past = timezone.now() - timedelta(days=1)
    prices.enter(team, owner, "suno", "b", past, Figures(unit="song", per_unit=Decimal("0.1")))
    response = ask(sign_in(owner), "a", "b")
    html = response.content.decode()
    asked, known = values(response, "A song")
    assert (asked.figures, known.figures) == ([], [("Suno", Decimal("0.1"))])
    assert asked.url.replace("&", "&amp;") in html
    assert sign_in(owner).get(asked.url).status_code == 200
    assert known.url == ""
    html = ask(sign_in(mate), "a", "b").content.decode()
    assert "Set the price" not in html
    assert "unknown" in html


@pytest.mark.usefixtures("database")
def test_four_models_take_the_queries_of_two(
    sign_in: SignIn,
    owner: User,
    mate: User,
    team: Team,
    own: GatewayKey,
    shared: GatewayKey,
    make_run: MakeRun,
) -> None:
    names = ("a", "b", "c", "d")
    for name in names:
        for key in (own, shared):
            entry(key, name)
        make_run(owner, name, first_token_ms=100, params={"stream": True})
        ModelLabel.objects.create(team=team, model=name, kind="use", value="drafts")
        prices.enter(team, owner, "openai_chat", name, timezone.now(), Figures(input=Decimal(1)))
    measuring.look(timezone.now())
    client = sign_in(owner)

    def queries(*models: str) -> int:
        with CaptureQueriesContext(connection) as told:
            ask(client, *models)
        return len(told)

    few = queries("a", "b")
    assert queries(*names) == few
    for number in range(3):
        key = GatewayKey.objects.create(owner=owner, team=team, label=f"K{number}", shared=True)
        entry(key, "a")
    assert queries(*names) == few


def test_a_viewer_compares_and_tries_nothing(sign_in: SignIn, viewer: User, shared: GatewayKey) -> None:
    for name in ("a", "b"):
        entry(shared, name)
    html = ask(sign_in(viewer), "a", "b").content.decode()
    assert "in a chat" not in html
    assert "Ask them side by side" not in html
    assert "Remove a" in html


def test_those_that_stand_side_by_side_can_be_asked_side_by_side(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    for name, family in (("a & b", "openai_chat"), ("claude", "anthropic"), ("other", "openai_chat")):
        entry(own, name, family=family)
    client = sign_in(owner)
    html = ask(client, "claude", "a & b", "nobodys-model").content.decode()
    (place,) = re.findall(r'href="([^"]+)"><svg[^>]*>.*?</svg> Ask them side by side</a>', html)
    assert place.startswith(f"{reverse('compare:new')}?")
    form = client.get(place.replace("&amp;", "&")).content.decode()
    assert re.findall(r'name="lane-model" value="([^"]+)"', form) == ["claude", "a &amp; b"]
    assert re.findall(r'<option value="(\w+)" selected', form)[:2] == ["anthropic", "openai_chat"]


def test_a_hostile_name_is_text_in_the_comparison(sign_in: SignIn, owner: User, own: GatewayKey) -> None:
    names = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    for name in names:
        entry(own, name)
    client = sign_in(owner)
    for html in (
        ask(client, *names),
        ask(client, names[0], status=422),
        ask(client, "<script>alert", status=422),
    ):
        assert "<script>alert" not in html.content.decode()
        assert "<img src=x" not in html.content.decode()


def test_marks_stay_when_the_list_is_narrowed_and_are_shown_wherever_they_stand(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    entry(own, "here")
    entry(own, "there")
    client = sign_in(owner)
    html = client.get(LIST).content.decode()
    assert html.count('class="model-mark"') == 2
    assert "checked" not in html.split('id="models"')[1]
    headers = {"HX-Request": "true", "HX-Target": "models"}
    response = client.get(f"{LIST}?view=cards&key={own.pk}&model=there&model=missing", headers=headers)
    html = response.content.decode()
    assert 'value="there" form="models-compare" aria-label="Compare there" checked' in html
    assert response.context["marked_elsewhere"] == ["missing"]
    assert response.headers["HX-Push-Url"].endswith("&model=there&model=missing")
    # htmx adds the marks as they stand then; the plain link has those that stood when the page was made.
    _, plain, asked_for = response.context["views"][0]
    assert ("model=there" in plain, "model=" in asked_for) == (True, False)
