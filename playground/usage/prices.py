"""What runs and tasks cost by the prices a team entered. A cost that cannot be told is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from playground.usage.models import MICRO, NANO, Currency, Price, Rollup, StaleDay

DEFAULT_CURRENCY = "USD"
# Beyond these a figure is a mistake of whoever told it, and the sums would leave what a database adds up.
MOST_MICRO = 10**11
MOST_COUNTED = 40_000_000
HOUR, DAY = 3600, 86400


@dataclass(frozen=True, slots=True)
class Used:
    """What one run or task used; None: not told. `input` includes what came from or went to the cache."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    units: Decimal | int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """A cost; `known` is False where nobody entered a price, or the gateway told too little."""

    amount: Decimal | None
    currency: str

    @property
    def known(self) -> bool:
        return self.amount is not None

    def __str__(self) -> str:
        if self.amount is None:
            return "unknown"
        figure = f"{self.amount:.6f}".rstrip("0")
        whole, _, part = figure.partition(".")
        return f"{whole}.{part.ljust(2, '0')} {self.currency}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a price as people write them: per million tokens, or per unit."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    unit: str = ""
    per_unit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices of a team in memory, for lists: one query however many rows."""

    rows: dict[tuple[str, str], list[Price]] = field(default_factory=dict)

    def at(self, family: str, model: str, when: datetime) -> Price | None:
        """The price in force then."""
        for row in self.rows.get((family, model), ()):
            if row.since <= when and (row.until is None or when < row.until):
                return row
        return None

    def cost(self, family: str, model: str, when: datetime, used: Used) -> Decimal | None:
        return _money(nano(self.at(family, model, when), used))


def cost(
    team_id: UUID,
    family: str,
    model: str,
    at: datetime,
    *,
    input: int | None = None,
    output: int | None = None,
    cache_read: int | None = None,
    cache_write: int | None = None,
    units: Decimal | int | None = None,
    unit: str = "",
) -> Decimal | None:
    """What this cost in the team's currency, by the price in force at the time; None is unknown."""
    used = Used(input, output, cache_read, cache_write, units, unit)
    return _money(nano(in_force(team_id, family, model, at), used))


def in_force(team_id: UUID, family: str, model: str, at: datetime) -> Price | None:
    live = Price.objects.filter(team=team_id, family=family, model=model, replaced_at=None, since__lte=at)
    return live.filter(Q(until=None) | Q(until__gt=at)).first()


def of_team(team_id: UUID) -> Prices:
    rows: dict[tuple[str, str], list[Price]] = {}
    for row in Price.objects.filter(team=team_id, replaced_at=None).order_by("since"):
        rows.setdefault((row.family, row.model), []).append(row)
    return Prices(rows)


def currency(team_id: UUID) -> str:
    return Currency.objects.filter(team=team_id).values_list("code", flat=True).first() or DEFAULT_CURRENCY


def nano(price: Price | None, used: Used) -> int | None:
    """The cost in thousand-millionths; `facts.COST` says the same in SQL.

    What the gateway did not tell of the cache is charged as input.
    """
    if price is None:
        return None
    if used.unit:
        if price.unit != used.unit or price.unit_micro is None or used.units is None:
            return None
        milli = int(used.units * 1000)
        return None if milli > MOST_COUNTED else milli * price.unit_micro
    if price.input_micro is None or price.output_micro is None or used.input is None or used.output is None:
        return None
    if max(used.input, used.output) > MOST_COUNTED:
        return None
    read, written = used.cache_read or 0, used.cache_write or 0
    if read + written > used.input:
        # Contradicts itself: nothing can be told from it.
        return None
    pico = (
        (used.input - read - written) * price.input_micro
        + read * _or(price.cache_read_micro, price.input_micro)
        + written * _or(price.cache_write_micro, price.input_micro)
        + used.output * price.output_micro
    )
    return (pico + 500) // 1000


def _or(figure: int | None, other: int) -> int:
    return other if figure is None else figure


def _money(figure: int | None) -> Decimal | None:
    return None if figure is None else Decimal(figure) / NANO


def figures(price: Price) -> Figures:
    """The price as people write it."""
    return Figures(
        input=_plain(price.input_micro),
        output=_plain(price.output_micro),
        cache_read=_plain(price.cache_read_micro),
        cache_write=_plain(price.cache_write_micro),
        unit=price.unit,
        per_unit=_plain(price.unit_micro),
    )


def _plain(micro: int | None) -> Decimal | None:
    return None if micro is None else (Decimal(micro) / MICRO).normalize() + 0


def _micro(figure: Decimal | None) -> int | None:
    return None if figure is None else int(figure * MICRO)


def enter(
    team: Team, user: User, family: str, model: str, since: datetime, said: Figures, ip: str | None = None
) -> Price:
    """Keep a price from a time on. One with the same beginning is replaced, and stays in the history."""
    with transaction.atomic():
        # Two at once would leave two beginnings with one end.
        list(Team.objects.select_for_update(no_key=True).filter(pk=team.pk).values_list("pk"))
        rows = Price.objects.filter(team=team, family=family, model=model, replaced_at=None)
        rows.filter(since=since).update(replaced_at=timezone.now())
        price = Price.objects.create(
            team=team,
            family=family,
            model=model,
            since=since,
            input_micro=_micro(said.input),
            output_micro=_micro(said.output),
            cache_read_micro=_micro(said.cache_read),
            cache_write_micro=_micro(said.cache_write),
            unit=said.unit,
            unit_micro=_micro(said.per_unit),
            made_by=user,
        )
        _chain(team.pk, family, model)
        _mark(team.pk, family, model, since)
        told = {name: str(value) for name, value in _said(said).items()}
        audit.record(
            user, team, "price.set", model, ip, family=family, since=since.date().isoformat(), **told
        )
    price.refresh_from_db()
    return price


def take_back(price: Price, user: User, ip: str | None = None) -> None:
    """Forget a price: the one before it goes on instead. The row stays in the history."""
    with transaction.atomic():
        list(Team.objects.select_for_update(no_key=True).filter(pk=price.team_id).values_list("pk"))
        gone = Price.objects.filter(pk=price.pk, replaced_at=None).update(replaced_at=timezone.now())
        if gone:
            _chain(price.team_id, price.family, price.model)
            _mark(price.team_id, price.family, price.model, price.since)
            since = price.since.date().isoformat()
            audit.record(user, price.team, "price.remove", price.model, ip, family=price.family, since=since)


def set_currency(team: Team, user: User, code: str, ip: str | None = None) -> None:
    """Figures are not changed by it: they are read in another currency from now on."""
    with transaction.atomic():
        before = currency(team.pk)
        Currency.objects.update_or_create(team=team, defaults={"code": code})
        if before != code:
            audit.record(user, team, "price.currency", code, ip, before=before)


def _said(said: Figures) -> dict[str, object]:
    names = ("input", "output", "cache_read", "cache_write", "unit", "per_unit")
    return {name: value for name in names if (value := getattr(said, name)) not in (None, "")}


def _chain(team_id: UUID, family: str, model: str) -> None:
    """Each price holds until the next begins."""
    rows = list(
        Price.objects.filter(team=team_id, family=family, model=model, replaced_at=None).order_by("since")
    )
    for row, follower in zip(rows, [*rows[1:], None], strict=True):
        until = follower.since if follower else None
        if row.until != until:
            Price.objects.filter(pk=row.pk).update(until=until)


def _mark(team_id: UUID, family: str, model: str, since: datetime) -> None:
    """The days whose costs have to be reckoned anew."""
    first = int(since.timestamp()) // DAY * 24
    days = Rollup.objects.filter(
        team_id=team_id, facet=Rollup.Facet.MODEL, span=24, family=family, value=model, slot__gte=first
    )
    marks = [StaleDay(team_id=team_id, day=slot // 24) for slot in days.values_list("slot", flat=True)]
    StaleDay.objects.bulk_create(marks, ignore_conflicts=True)
