"""The roll-ups: exact whatever is written, changed and taken out, on both databases."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from accounts.models import Team, User
from playground.ops.models import UsageRecord
from playground.usage import facts, prices, rollups
from playground.usage.models import NOBODY, Fact, Rollup, StaleDay
from playground.usage.prices import Figures
from tests._servers import cast
from tests.usage.records import NOON, all_rollups, fold_all, rebuild, used

Facet = Rollup.Facet


def total(team: Team, **about: object) -> Rollup:
    return Rollup.objects.get(team_id=team.pk, span=1, person=NOBODY, facet=Facet.ALL, **about)


def test_a_record_is_a_fact_at_once_and_a_sum_after_the_fold(database: str, team: Team, owner: User) -> None:
    used(team, owner, cache_read_tokens=400)
    assert Fact.objects.get().sign == 1
    fold_all()
    row = total(team)
    assert (row.runs, row.good, row.bad) == (1, 1, 0)
    assert (row.input, row.input_told, row.output, row.cache_read) == (1000, 1, 100, 400)
    assert (row.reasoning, row.reasoning_told) == (0, 0)
    assert row.ms_1000 == 1
    assert row.slot == int(NOON.timestamp()) // 3600


def test_what_was_not_told_is_counted_as_not_told(database: str, team: Team, owner: User) -> None:
    used(team, owner)
    used(team, owner, input_tokens=None, output_tokens=None, outcome="interrupted")
    fold_all()
    row = total(team)
    assert (row.runs, row.input, row.input_told, row.bad) == (2, 1000, 1, 1)


def test_a_record_is_seen_from_every_side_of_the_team_and_of_its_person(
    database: str, team: Team, owner: User
) -> None:
    prompt = uuid.uuid4()
    used(team, owner, prompt=prompt)
    fold_all()
    sides = set(Rollup.objects.filter(span=24).values_list("person", "facet", "family", "value"))
    both = {
        (Facet.ALL, "", ""),
        (Facet.FAMILY, "openai_chat", ""),
        (Facet.MODEL, "openai_chat", "m-1"),
        (Facet.KEY, "", ""),
        (Facet.PROMPT, "", prompt.hex),
    }
    people = {(NOBODY, Facet.PERSON, "", owner.pk.hex)}
    assert sides == {(person, *side) for person in (NOBODY, owner.pk) for side in both} | people


def test_a_task_that_ended_twice_counts_once(database: str, team: Team, owner: User) -> None:
    record = used(team, owner, outcome="failed", subject="task:1")
    fold_all()
    UsageRecord.objects.filter(pk=record.pk).update(outcome="succeeded", at=NOON + timedelta(hours=3))
    fold_all()
    row = total(team)
    assert (row.runs, row.good, row.bad) == (1, 1, 0)
    assert row.slot == int(NOON.timestamp()) // 3600 + 3


def test_a_price_is_charged_from_its_beginning(database: str, team: Team, owner: User) -> None:
    said = Figures(input=Decimal(2), output=Decimal(10), cache_read=Decimal("0.5"))
    prices.enter(team, owner, "openai_chat", "m-1", NOON, said)
    used(team, owner, at=NOON - timedelta(seconds=1))
    used(team, owner, cache_read_tokens=400)
    fold_all()
    row = total(team)
    # 600 at 2, 400 at 0.5 and 100 at 10 a million.
    assert (row.priced, Decimal(row.nano) / 10**9) == (1, Decimal("0.0024"))
    assert row.unpriced_tokens == 1100


def test_a_price_with_a_past_date_makes_the_costs_of_its_days_stale_until_they_are_reckoned_anew(
    database: str, team: Team, owner: User
) -> None:
    used(team, owner)
    used(team, owner, at=NOON - timedelta(days=2))
    fold_all()
    prices.enter(team, owner, "openai_chat", "m-1", NOON, Figures(input=Decimal(1), output=Decimal(1)))
    assert StaleDay.objects.count() == 1
    assert rollups.catch_up()
    assert not StaleDay.objects.exists()
    costs = dict(Rollup.objects.filter(span=24, person=NOBODY, facet=Facet.ALL).values_list("slot", "nano"))
    assert sorted(costs.values()) == [0, 1_100_000]


@pytest.mark.parametrize("seed", range(4))
def test_what_was_folded_in_steps_is_what_a_rebuild_makes(
    database: str, team: Team, owner: User, mate: User, seed: int
) -> None:
    """Random acts: records made, changed and taken out, prices set back, folds in between."""
    dice = random.Random(seed)
    rows: list[UsageRecord] = []
    for _ in range(60):
        act = dice.random()
        if act < 0.6 or not rows:
            rows.append(_random_record(dice, team, [owner, mate, None]))
        elif act < 0.7:
            row = dice.choice(rows)
            UsageRecord.objects.filter(pk=row.pk).update(
                outcome=dice.choice(["finished", "failed"]), latency_ms=dice.choice([None, 10, 10**6])
            )
        elif act < 0.78:
            rows.pop(dice.randrange(len(rows))).delete()
        elif act < 0.86:
            _random_price(dice, team, owner)
        else:
            rollups.fold(dice.randint(1, 9))
    fold_all()
    assert rollups.catch_up(60)
    incremental = all_rollups()
    assert incremental
    rebuild(team)
    assert all_rollups() == incremental
    counted = sum(row[8] for row in incremental if row[1:4] == (NOBODY, Facet.ALL, 24))
    assert counted == UsageRecord.objects.count()


def _random_record(dice: random.Random, team: Team, people: list[User | None]) -> UsageRecord:
    media = dice.random() < 0.25
    count = {name: dice.choice([None, 0, 7, 5000]) for name in ("cache_read_tokens", "reasoning_tokens")}
    return used(
        team,
        dice.choice(people),
        family="suno" if media else "openai_chat",
        model=dice.choice(["m-1", "m-2"]),
        outcome=dice.choice(["finished", "failed", "stopped", "interrupted"]),
        at=NOON - timedelta(minutes=dice.randrange(5000)),
        unit="song" if media else "",
        units_milli=dice.choice([None, 1000, 2500]) if media else None,
        input_tokens=None if media else dice.choice([None, 0, 123, 10_000, 2_000_000_000]),
        output_tokens=None if media else dice.choice([None, 1, 4096]),
        prompt=dice.choice([None, uuid.UUID(int=5)]),
        latency_ms=dice.choice([None, 0, 250, 251, 7_000_000]),
        **count,
    )


def _random_price(dice: random.Random, team: Team, owner: User) -> None:
    since = NOON - timedelta(minutes=dice.randrange(5000))
    model = dice.choice(["m-1", "m-2"])
    figure = Decimal(dice.randrange(10**7)) / 10**6
    if dice.random() < 0.3:
        prices.enter(team, owner, "suno", model, since, Figures(unit="song", per_unit=figure))
    else:
        prices.enter(team, owner, "openai_chat", model, since, Figures(input=figure, output=figure * 4))


def test_sql_and_python_reckon_the_same_cost(database: str, team: Team, owner: User) -> None:
    dice = random.Random(7)
    for _ in range(6):
        _random_price(dice, team, owner)
    told = prices.of_team(team.pk)
    for _ in range(60):
        record = _random_record(dice, team, [owner])
        cost = told.cost(
            record.family,
            record.model,
            record.at,
            prices.Used(
                record.input_tokens,
                record.output_tokens,
                record.cache_read_tokens,
                record.cache_write_tokens,
                None if record.units_milli is None else Decimal(record.units_milli) / 1000,
                record.unit,
            ),
        )
        fold_all()
        row = Rollup.objects.get(facet=Facet.ALL, span=1, person=NOBODY, runs__gt=0)
        assert (Decimal(row.nano) / 10**9 if row.priced else None) == cost
        record.delete()
        fold_all()
        assert not Rollup.objects.exists()


def test_the_records_of_a_deleted_team_leave_the_sums(database: str, stranger: User) -> None:
    lone = Team.objects.create(name="Lone", slug="lone")
    used(lone, stranger)
    fold_all()
    lone.delete()
    fold_all()
    assert not Rollup.objects.filter(team_id=lone.pk).exists()


def test_the_triggers_are_there_after_all_migrations(database: str) -> None:
    """A later migration of UsageRecord that forgets them loses what is used from then on."""
    from django.db import connection

    table = "pg_trigger WHERE tgname" if database == "postgresql" else "sqlite_master WHERE name"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table} IN {facts.TRIGGERS}")
        assert cursor.fetchone()[0] == 3


@pytest.mark.django_db(transaction=True)
def test_an_emptied_database_has_used_nothing() -> None:
    owner = cast.make_user(cast.OWNER)
    used(owner.personal_team, owner)
    call_command("flush", interactive=False, verbosity=0)
    assert not Fact.objects.exists()
    assert not Rollup.objects.exists()
