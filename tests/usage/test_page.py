"""The page Usage: what it says, to whom, in how many queries, and its CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, GatewayKey, Role, Team, User
from playground.library import prompts
from playground.usage import budgets, prices
from playground.usage.figures import percentile
from playground.usage.models import StaleDay
from playground.usage.prices import Figures
from tests.usage.records import fold_all, used

SignIn = Callable[[User], Client]


def told(client: Client, query: str = "") -> str:
    response = client.get(f"/usage/{query}")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def now_used(team: Team, user: User | None, **about: object) -> None:
    used(team, user, **{"at": timezone.now(), **about})


def test_without_a_run_the_page_says_so(sign_in: SignIn, owner: User) -> None:
    assert "Nothing was used in these days" in told(sign_in(owner))


@pytest.mark.parametrize("folded", [False, True])
def test_totals_say_at_least_where_something_was_not_told(
    sign_in: SignIn, team: Team, owner: User, folded: bool
) -> None:
    now_used(team, owner, cache_read_tokens=250)
    now_used(team, owner, input_tokens=None, output_tokens=None, outcome="failed")
    if folded:
        fold_all()
    page = told(sign_in(owner))
    assert "<dt>Input</dt><dd>≥ 1,000</dd>" in page
    assert "1 runs did not tell" in page
    assert "<dt>Success</dt><dd>50.0 %</dd>" in page
    assert "<dt>Cached share</dt><dd>≥ 25.0 %</dd>" in page
    assert "<dt>Spend</dt><dd>unknown</dd>" in page
    assert "reasoning unknown" in page


def test_what_is_cached_is_unknown_where_nothing_was_told_of_it(
    sign_in: SignIn, team: Team, owner: User
) -> None:
    now_used(team, owner)
    assert "<dt>Cached share</dt><dd>unknown</dd>" in told(sign_in(owner))


def test_media_is_counted_in_its_unit(sign_in: SignIn, team: Team, owner: User) -> None:
    media = {"family": "kling", "input_tokens": None, "output_tokens": None, "unit": "image"}
    now_used(team, owner, units_milli=3000, **media)
    now_used(team, owner, units_milli=None, outcome="failed", **media)
    page = told(sign_in(owner))
    assert "<span>≥ 3 images</span>" in page
    assert "runs did not tell" not in page


def test_members_see_their_own_and_admins_the_team(
    sign_in: SignIn, team: Team, owner: User, mate: User
) -> None:
    now_used(team, owner)
    now_used(team, mate, model="m-mate")
    now_used(team, mate, model="m-mate")
    fold_all()
    assert "<dt>Runs</dt><dd>3</dd>" in told(sign_in(owner))
    assert "<dt>Runs</dt><dd>1</dd>" in told(sign_in(owner), "?whose=me")
    mates = told(sign_in(mate), "?whose=team&by=person")
    assert "<dt>Runs</dt><dd>2</dd>" in mates
    assert str(owner.email) not in mates


def test_another_teams_figures_are_not_in_it(
    sign_in: SignIn, team: Team, owner: User, stranger: User
) -> None:
    now_used(stranger.personal_team, stranger, model="secret-model")
    fold_all()
    assert "secret-model" not in told(sign_in(owner))


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("query", ["?range=7", "?range=7&grain=hour", "?range=30&whose=me", "?range=90"])
def test_charts_and_table_hold_every_run_whatever_the_zone(
    sign_in: SignIn, team: Team, owner: User, tz: str, query: str
) -> None:
    User.objects.filter(pk=owner.pk).update(tz=tz)
    for hours in range(0, 100, 7):
        now_used(team, owner, at=timezone.now() - timedelta(hours=hours))
    fold_all()
    now_used(team, owner)
    page = told(sign_in(owner), query)
    assert "<dt>Runs</dt><dd>16</dd>" in page
    table = page[page.index('id="usage-table"') : page.index("</table>")]
    counts = re.findall(r'</a></th><td class="num">(\d+)</td>', table)
    assert sum(map(int, counts)) == 16
    group = page[page.index("usage-groups") :]
    assert '</th><td class="num">16</td>' in group.replace(" </th>", "</th>")


def test_a_row_leads_to_history_with_its_filters(
    sign_in: SignIn, team: Team, owner: User, key: GatewayKey
) -> None:
    now_used(team, owner, key=key)
    client = sign_in(owner)
    day = timezone.now().date().isoformat()
    assert "/history/?family=openai_chat&amp;model=m-1&amp;since=" in told(client)
    assert f"/history/?since={day}&amp;until={day}" in told(client, "?range=7")
    assert f"/history/?key={key.pk}&amp;since=" in told(client, "?by=key")
    assert f"/history/?owner={owner.pk}&amp;since=" in told(client, "?by=person")


def test_a_prompt_that_is_not_ones_own_to_see_keeps_its_title(
    sign_in: SignIn, team: Team, owner: User, mate: User
) -> None:
    body = {"messages": [{"role": "user", "text": "x"}]}
    hidden = prompts.create(team, mate, kind="chat", title="Hidden plan", body=body)
    open_one = prompts.create(team, mate, kind="chat", title="Open plan", body=body, shared=True)
    for prompt in (hidden, open_one):
        now_used(team, mate, prompt=prompt.pk)
    page = told(sign_in(owner), "?by=prompt")
    assert "Open plan" in page
    assert "Hidden plan" not in page
    assert "A prompt you cannot see" in page


def test_models_without_a_price_are_listed_for_admins_to_set(
    sign_in: SignIn, team: Team, owner: User, mate: User
) -> None:
    now_used(team, mate, model="m/new?")
    set_it = '/usage/prices/model/?family=openai_chat&amp;model=m%2Fnew%3F"'
    assert set_it in told(sign_in(owner))
    assert "Without a price" in told(sign_in(mate))
    assert set_it not in told(sign_in(mate))
    figures = Figures(Decimal(2), Decimal(4))
    prices.enter(team, owner, "openai_chat", "m/new?", timezone.now() - timedelta(days=1), figures)
    page = told(sign_in(owner))
    assert "Without a price" not in page
    assert "<dd>0.0024 <span" in page


def test_costs_that_are_being_reckoned_anew_are_announced(sign_in: SignIn, team: Team, owner: User) -> None:
    now_used(team, owner)
    StaleDay.objects.create(team_id=team.pk, day=20000)
    assert "the costs of 1 day are being reckoned anew" in told(sign_in(owner))


def test_a_budget_that_is_low_is_noticed(sign_in: SignIn, team: Team, owner: User, mate: User) -> None:
    budgets.put(
        team, owner, key=None, person=mate, period="day", measure="tokens", limit=1200, warn_percent=80
    )
    now_used(team, mate)
    assert "near the budget: 1,100 tokens of 1,200 tokens today, 100 tokens left" in told(sign_in(mate))
    assert "near the budget" in told(sign_in(owner))
    team.membership_set.filter(user=owner).update(role=Role.MEMBER)
    assert "near the budget" not in told(sign_in(owner))


@pytest.mark.parametrize("by", ["model", "key", "person", "prompt", "family"])
def test_more_of_everything_takes_no_more_queries(
    database: str, sign_in: SignIn, team: Team, owner: User, mate: User, by: str
) -> None:
    client = sign_in(owner)

    def spent() -> int:
        with CaptureQueriesContext(connection) as caught:
            told(client, f"?by={by}&range=90")
        return len(caught)

    def more(number: int) -> None:
        own = GatewayKey.objects.create(
            team=team, owner=mate, shared=True, label=f"K{number}", base_url="http://x"
        )
        now_used(team, mate, model=f"m-{number}", family="gemini", key=own, prompt=own.pk)
        about = {"period": "day", "measure": "tokens", "limit": 1, "warn_percent": 1}
        budgets.put(team, owner, key=own, person=None, **about)

    budgets.put(team, owner, key=None, person=owner, period="day", measure="tokens", limit=1, warn_percent=1)
    more(0)
    fold_all()
    told(client)
    before = spent()
    for number in range(1, 12):
        more(number)
    fold_all()
    now_used(team, owner)
    assert spent() == before


@pytest.mark.parametrize(("by", "reads"), [("model", 3), ("prompt", 4)])
def test_the_sums_are_read_once_for_each_part_of_the_page(
    sign_in: SignIn, team: Team, owner: User, by: str, reads: int
) -> None:
    client = sign_in(owner)
    now_used(team, owner)
    told(client)
    with CaptureQueriesContext(connection) as caught:
        page = told(client, f"?by={by}")
    assert sum("usage_rollup" in query["sql"] for query in caught.captured_queries) == reads
    assert len(caught) <= 13
    assert "Without a price" in page


async def rows(client: AsyncClient, **asked: str) -> list[dict[str, str]]:
    answer = await client.post("/usage/export/", {"range": "7"} | asked)
    assert answer.status_code == 200
    pieces = [piece async for piece in answer.streaming_content]  # type: ignore[attr-defined] # a streaming response
    return list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))


async def signed_in(user: User, team: Team) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(user)
    await client.post("/settings/team/", {"team": str(team.pk)})
    return client


@pytest.mark.django_db(transaction=True)
async def test_the_csv_holds_what_the_page_shows_and_runs_nothing(
    team: Team, owner: User, mate: User
) -> None:
    make = sync_to_async(now_used)
    await make(team, owner, model="=HYPERLINK(1)", cache_read_tokens=None)
    await make(team, owner, input_tokens=None, output_tokens=None, outcome="failed")
    await make(team, mate, model="m-2")
    found = {row["name"]: row for row in await rows(await signed_in(owner, team))}
    assert set(found) == {"'=HYPERLINK(1)", "m-1", "m-2"}
    harmless = found["'=HYPERLINK(1)"]
    assert (harmless["input tokens"], harmless["cache read tokens"], harmless["cost"]) == ("1000", "", "")
    assert (found["m-1"]["runs"], found["m-1"]["failed"], found["m-1"]["input tokens"]) == ("1", "1", "")
    event = await AuditEvent.objects.aget(verb="usage.export")
    assert event.detail["whose"] == "team"
    # A member's is their own, whatever is asked for.
    mates = await rows(await signed_in(mate, team), whose="team")
    assert [row["name"] for row in mates] == ["m-2"]


def test_a_percentile_lies_within_its_step() -> None:
    counts = [0] * 12
    assert percentile(counts, 0.5) is None
    counts[2] = 10
    assert percentile(counts, 0.5) == 750
    counts[11] = 90
    assert percentile(counts, 0.95) == 600_000
