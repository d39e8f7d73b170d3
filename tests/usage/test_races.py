"""Many at once, on each kind of database: budgets hold, and no figure is lost or counted twice."""

from __future__ import annotations

from tests._servers.apart import Run

BEGIN = """
import os
os.environ |= {"MAX_RUNS_PER_USER": "100", "DB_POOL": "60"}
import django, secrets, uuid
django.setup()
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from django.db import connection
from django.utils import timezone
from accounts.models import GatewayKey, Role, Team, User
from playground.chat import ledger, spending, turns
from playground.chat.models import Conversation, Run
from playground.gateway.events import Usage
from playground.ops.models import UsageRecord
from playground.usage import budgets, rollups
from playground.usage.models import Fact, Reservation, Rollup
slug = secrets.token_hex(8)
user = User.objects.create_user(f"one@{slug}.example")
team = user.personal_team
key = GatewayKey.objects.create(team=team, owner=user, shared=True, label="K", base_url="http://127.0.0.1:9")
def at_once(count, act):
    together = Barrier(count)
    def one(number):
        together.wait()
        try:
            return act(number)
        finally:
            connection.close()
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
"""


ASKS = """
settings = {"key": str(key.pk), "family": "openai_chat", "model": "m", "stream": True,
            "params": {"max_tokens": {"on": True, "value": 1000}}}
talks = [Conversation.objects.create(team=team, owner=user) for _ in range(50)]
# Room for five of a thousand tokens and their short question, not for six.
budgets.put(team, user, key=key, person=None, period="day", measure="tokens", limit=5500, warn_percent=80)
def ask(number):
    try:
        turns.ask(talks[number], user, turn_id=uuid.uuid4(), text="Hello", images=[], settings=settings)
    except turns.Refused as error:
        return "budget" if "The budget is used up" in str(error) else str(error)
    return "asked"
answers = at_once(50, ask)
print(answers.count("asked"), answers.count("budget"), Run.objects.count(), Reservation.objects.count())

# One ends with its count, one dies without a word, one is stopped before it began: two are free again.
now = timezone.now()
first, dead, stopped, *_ = Run.objects.filter(team=team).order_by("created_at")
claim = ledger.claim(first.pk, "me", now)
ledger.finish(claim, "me", ledger.Outcome("finished", [], Usage(10, 5, None, None, None)), now, print)
Run.objects.filter(pk=dead.pk).update(status="running", owner="gone", lease_until=now - timedelta(minutes=1))
ledger.sweep(now)
turns.stop(stopped, now)
print(Reservation.objects.filter(kept_at=None).count(), Reservation.objects.exclude(kept_at=None).count())
refused = [number for number, said in enumerate(answers) if said == "budget"]
print(*(ask(number) for number in refused[:3]))
"""


def test_of_fifty_who_ask_at_once_as_many_get_in_as_there_is_room_for(apart: Run) -> None:
    assert apart(ASKS) == "5 45 5 5\n2 1\nasked asked budget\n"


MIXED = """
from decimal import Decimal
from playground.gateway.request import ChatRequest, Message, TextPart
from playground.usage import prices
from playground.usage.models import NANO
from playground.verify import spending as checks
now = timezone.now()
for model, cost in (("first", 1), ("other", 5), ("checked", 2)):
    said = prices.Figures(input=Decimal(0), output=Decimal(1000 * cost))
    prices.enter(team, user, "openai_chat", model, now - timedelta(days=1), said)
settings = {"key": str(key.pk), "family": "openai_chat", "model": "first", "stream": True,
            "fallback": {"on": True, "model": "other", "ask": False},
            "params": {"max_tokens": {"on": True, "value": 1000}}}
talks = [Conversation.objects.create(team=team, owner=user) for _ in range(40)]
budget = budgets.put(team, user, key=key, person=None, period="day", measure="money", limit=40 * int(NANO),
                     warn_percent=80)
def ask(talk):
    turns.ask(talk, user, turn_id=uuid.uuid4(), text="Hello", images=[], settings=settings)
for talk in talks[:10]:
    ask(talk)
claims = [ledger.claim(run.pk, "me", now) for run in Run.objects.filter(team=team)]
handed = {"model": "first", "ms": 5, "status": 503, "error": "upstream_unavailable", "request_id": "",
          "fallback": "other", "workload": "chat"}
question = ChatRequest(model="checked", messages=(Message("user", (TextPart("Hello"),)),),
                       params={"max_tokens": 1000})
check = uuid.uuid4()
def one(kind, place):
    # Asks the fallback, for 4 more; or is a new run, for 1; or a check, for 2.
    try:
        if kind == 0:
            claims[place] = ledger.fall_back(claims[place], [handed], now)
        elif kind == 1:
            ask(talks[10 + place])
        else:
            checks.set_aside(checks.subject(check, place), user, key, "openai_chat", question)
    except (turns.Refused, budgets.OverBudget) as error:
        assert "The budget is used up" in str(error)
def cents():
    left, = budgets.standing([budget], timezone.now())
    return left.used // 10**7, left.set_aside // 10**7
at_once(30, lambda number: one(number % 3, number // 3))
used, apart = cents()
# Full, but for less than the next fallback would need; and nothing beyond.
print(used, 3600 < apart <= 4000, sum(claim.refusal.code == "over_budget" for claim in claims) > 0)

# Those end, with all they were let or as refused, while more are asked.
def end(claim):
    refused = claim.refusal.code == "over_budget"
    usage = Usage() if refused else Usage(input_tokens=0, output_tokens=1000)
    outcome = ledger.Outcome("failed" if refused else "finished", [], usage)
    ledger.finish(claim, "me", outcome, timezone.now(), print)
def more(number):
    if number < 10:
        end(claims[number])
    else:
        one(1 + number % 2, number)
at_once(30, more)
used, apart = cents()
print(used > 0, used + apart <= 4000)
"""


def test_runs_fallbacks_and_checks_at_once_never_get_beyond_their_budget(apart: Run) -> None:
    assert apart(MIXED) == "0 True True\nTrue True\n"


FOLDS = """
now = timezone.now()
def write(number):
    if number == 0:
        for _ in range(12):
            rollups.fold(7)
    elif number == 1:
        for _ in range(4):
            for day in rollups.days_of(team.pk):
                rollups.rebuild_day(team.pk, day)
    else:
        for at in range(20):
            row = UsageRecord.objects.create(
                team=team, user=user, subject=f"run:{uuid.uuid4()}", family="openai_chat", model="m",
                outcome="finished", input_tokens=10, output_tokens=1, at=now - timedelta(hours=at),
            )
            if at % 5 == 0:
                row.outcome = "failed"
                row.save()
at_once(8, write)
while rollups.fold():
    pass
rows = Rollup.objects.filter(team_id=team.pk, facet=0, person=uuid.UUID(int=0))
for span in (1, 24):
    told = rows.filter(span=span).values_list("runs", "bad", "input")
    print([sum(column) for column in zip(*told)])
print(Fact.objects.count())
"""


def test_folding_and_rebuilding_while_others_write_loses_nothing(apart: Run) -> None:
    assert apart(FOLDS) == "[120, 24, 1200]\n[120, 24, 1200]\n0\n"
