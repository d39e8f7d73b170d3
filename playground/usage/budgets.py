"""Budgets of team keys and people: what is left, and what is set aside for runs that are under way.

A run sets aside what it may use before it is sent, while the rows of its budgets are locked: however many are
sent at once, together they stay within. What it really used is known at its end, and takes that place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from accounts import audit
from accounts.models import GatewayKey, Team, User
from playground.usage import prices, reading
from playground.usage.models import NANO, Budget, Reservation
from playground.usage.prices import Used
from playground.usage.reading import Facet, Scope, Window

# Set aside for an answer whose length was left open.
USUAL_OUTPUT = 4096
OUT_OF_SIGHT = timedelta(minutes=1)
COUNTED = ("input", "output", "nano", "unpriced_tokens")


class OverBudget(Exception):
    """There is no room; the text is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Left:
    """How a budget stands. `used`, `set_aside` and the limit are in its measure."""

    budget: Budget
    used: int
    set_aside: int
    resets_at: datetime
    unpriced_tokens: int = 0
    currency: str = prices.DEFAULT_CURRENCY

    @property
    def left(self) -> int:
        return max(0, self.budget.limit - self.used - self.set_aside)

    @property
    def percent(self) -> int:
        spent = self.used + self.set_aside
        return 100 if not self.budget.limit else min(100, spent * 100 // self.budget.limit)

    @property
    def state(self) -> str:
        if self.used + self.set_aside >= self.budget.limit:
            return "spent"
        return "low" if self.percent >= self.budget.warn_percent else "good"

    @property
    def whose(self) -> str:
        if self.budget.key is not None:
            return f"The team key “{self.budget.key.label}”"
        return str(self.budget.person)

    def amount(self, figure: int) -> str:
        return amount(self.budget.measure, figure, self.currency)

    @property
    def left_words(self) -> str:
        return self.amount(self.left)

    @property
    def used_words(self) -> str:
        return self.amount(self.used)

    @property
    def set_aside_words(self) -> str:
        return self.amount(self.set_aside)

    @property
    def limit_words(self) -> str:
        return self.amount(self.budget.limit)

    @property
    def when(self) -> str:
        return "today" if self.budget.period == Budget.Period.DAY else "this month"


def amount(measure: str, figure: int, currency: str) -> str:
    """So many tokens, or so much money, in words."""
    if measure == Budget.Measure.TOKENS:
        return f"{figure:,} tokens"
    return f"{figure / NANO:,.2f} {currency}"


def of(team_id: UUID, user_id: UUID | None, keys: Iterable[UUID]) -> QuerySet[Budget]:
    """The budgets that a run of this person with one of these team keys counts against."""
    whose = Q(key__in=list(keys))
    if user_id is not None:
        whose |= Q(person=user_id)
    return Budget.objects.filter(whose, team=team_id)


def team_keys(*keys: GatewayKey | None) -> list[UUID]:
    """Those that a team's budgets know of: nobody sets one for somebody's own key."""
    return [key.pk for key in keys if key is not None and key.shared]


def left_for(team_id: UUID, user_id: UUID | None, keys: Iterable[UUID], now: datetime) -> list[Left]:
    """What is left before something is sent, the scarcest first; nothing where no budget asks."""
    rows = of(team_id, user_id, keys).select_related("key", "person")
    return sorted(standing(rows, now), key=lambda left: (-left.percent, left.budget.period))


def standing(rows: Iterable[Budget], now: datetime, *, but: str = "") -> list[Left]:
    """How these budgets of one team stand, in the same number of queries however many they are.

    `but`: a subject whose own share is not counted.
    """
    rows = list(rows)
    if not rows:
        return []
    team_id = rows[0].team_id
    # First what is set aside: a run that ends in between is counted twice then, never left out.
    apart = {side: _set_aside(team_id, *side, now, but) for side in _sides(rows)}
    used = {side: _used(team_id, *side, rows, now) for side in _sides(rows)}
    currency = prices.currency(team_id)
    out = []
    for row in rows:
        money = row.measure == Budget.Measure.MONEY
        told = used[_side(row)].get(_holder(row).hex, dict.fromkeys(COUNTED, 0))
        spent = told["nano"] if money else told["input"] + told["output"]
        kept = apart[_side(row)].get(_holder(row), (0, 0))[money]
        unpriced = told["unpriced_tokens"] if money else 0
        resets_at = window_of(row.period, now)[1]
        out.append(Left(row, max(0, spent), kept, resets_at, max(0, unpriced), currency))
    return out


def _side(row: Budget) -> tuple[str, str]:
    return ("key" if row.key_id else "person", row.period)


def _sides(rows: Iterable[Budget]) -> list[tuple[str, str]]:
    return sorted({_side(row) for row in rows})


def _holder(row: Budget) -> UUID:
    holder = row.key_id or row.person_id
    assert holder is not None, "a budget is of a key or a person"
    return holder


def _used(
    team_id: UUID, whose: str, period: str, rows: Iterable[Budget], now: datetime
) -> dict[str, dict[str, int]]:
    first, resets_at = window_of(period, now)
    facet = Facet.KEY if whose == "key" else Facet.PERSON
    window = Window(reading.slot_at(first), reading.slot_at(resets_at))
    places = sorted({("", _holder(row).hex) for row in rows if _side(row) == (whose, period)})
    told = reading.sums(Scope(team_id), facet, window, COUNTED, by=("value",), only=places)
    return {row["value"]: {name: row[name] for name in COUNTED} for row in told}


def _set_aside(
    team_id: UUID, whose: str, period: str, now: datetime, but: str
) -> dict[UUID, tuple[int, int]]:
    """(tokens, money) by holder. What is still open counts whenever it began: it will be used now."""
    first = window_of(period, now)[0]
    rows = Reservation.objects.filter(Q(kept_at=None) | Q(kept_at__gte=first), team=team_id)
    rows = rows.exclude(subject=but)
    told = rows.exclude(**{whose: None}).values_list(whose).annotate(tokens=Sum("tokens"), nano=Sum("nano"))
    return {holder: (tokens or 0, nano or 0) for holder, tokens, nano in told}


def window_of(period: str, now: datetime) -> tuple[datetime, datetime]:
    """The beginning and the end of the day or month, by UTC: the same moment for everybody in the team."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == Budget.Period.DAY:
        return day, day + timedelta(days=1)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def reserve(
    open_budgets: Sequence[Budget], *, subject: str, run: Wanted, estimate: Used, now: datetime
) -> None:
    """Set aside what the run may use, or raise OverBudget. Inside the caller's transaction.

    For a run that asks another model now this takes the place of what it had set aside.
    """
    if not open_budgets:
        return
    asked = [row.pk for row in open_budgets]
    # Of two at once the second waits here, and then sees what the first has set aside.
    locked = Budget.objects.select_for_update(no_key=True, of=("self",)).select_related("key", "person")
    rows = list(locked.filter(pk__in=asked).order_by("pk"))
    nano = prices.nano(prices.in_force(run.team_id, run.family, run.model, now), estimate)
    tokens = (estimate.input or 0) + (estimate.output or 0)
    for left in standing(rows, now, but=subject):
        wanted = nano if left.budget.measure == Budget.Measure.MONEY else tokens
        if left.left == 0 or (wanted or 0) > left.left:
            raise OverBudget(refusal(left, wanted))
    Reservation.objects.update_or_create(
        subject=subject,
        defaults={
            "team_id": run.team_id, "key_id": run.key_id, "person_id": run.user_id, "tokens": tokens,
            "nano": nano, "at": now, "kept_at": None,
        },
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent."""

    team_id: UUID
    user_id: UUID | None
    key_id: UUID | None
    family: str
    model: str


def refusal(left: Left, wanted: int | None) -> str:
    spent = f"{left.used_words} of {left.limit_words} {left.when}"
    more = f", and {left.set_aside_words} are set aside for what is under way" if left.set_aside else ""
    has = "have used" if left.budget.key is None else "has used"
    whose = "You" if left.budget.key is None else left.whose
    need = "" if left.left == 0 or wanted is None else f" This may need {left.amount(wanted)}."
    other = " Choose another key, or ask an admin." if left.budget.key else " An admin can change it."
    resets = timezone.localtime(left.resets_at)
    again = f" It begins anew on {resets:%-d %b, %H:%M} {resets.tzname()}."
    return f"The budget is used up: {whose} {has} {spent}{more}.{need}{again}{other}"


def settle(subject: str, *, told: bool, now: datetime) -> None:
    """The end of a run. What was used is in its record when it was told; else what was set aside stays."""
    rows = Reservation.objects.filter(subject=subject)
    if told:
        rows.delete()
    else:
        rows.filter(kept_at=None).update(kept_at=now)


def free(subject: str) -> None:
    """It was never sent."""
    Reservation.objects.filter(subject=subject, kept_at=None).delete()


def out_of_sight(prefix: str, now: datetime) -> list[str]:
    """The ids behind `prefix` that hold something set aside for a while: they may be gone."""
    rows = Reservation.objects.filter(subject__startswith=prefix, kept_at=None, at__lt=now - OUT_OF_SIGHT)
    return [subject.removeprefix(prefix) for subject in rows.values_list("subject", flat=True)]


def put(
    team: Team,
    user: User,
    *,
    key: GatewayKey | None,
    person: User | None,
    period: str,
    measure: str,
    limit: int,
    warn_percent: int,
    ip: str | None = None,
) -> Budget:
    """Make the budget, or change the one of the same period and measure."""
    with transaction.atomic():
        budget, _ = Budget.objects.update_or_create(
            team=team,
            key=key,
            person=person,
            period=period,
            measure=measure,
            defaults={"limit": limit, "warn_percent": warn_percent, "made_by": user},
        )
        said = amount(measure, limit, prices.currency(team.pk))
        target = key.label if key else str(person)
        audit.record(
            user, team, "budget.set", target, ip, limit=said, period=period, warns_at=f"{warn_percent} %"
        )
    return budget


def remove(budget: Budget, user: User, ip: str | None = None) -> None:
    with transaction.atomic():
        target = budget.key.label if budget.key else str(budget.person)
        audit.record(
            user, budget.team, "budget.remove", target, ip, period=budget.period, measure=budget.measure
        )
        budget.delete()
