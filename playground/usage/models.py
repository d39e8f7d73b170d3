"""Prices a team entered, budgets with what is set aside for runs under way, and the roll-ups of usage.

Money is kept in whole numbers, so that both databases add it up without an error: prices in millionths
(`_micro`), costs in thousand-millionths (`_nano`) of the team's currency.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import GatewayKey, Role, Team, User

MICRO, NANO = Decimal(10) ** 6, Decimal(10) ** 9
NOBODY = uuid.UUID(int=0)
UNITS = {"image": "images", "second": "seconds", "song": "songs", "character": "characters"}


class Currency(models.Model):
    """What a team's prices are in; without a row it is US dollars."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=3)

    def __str__(self) -> str:
        return self.code


class Price(models.Model):
    """What a model costs from `since` to `until`, per million tokens or per unit. A row is never changed:
    another with the same beginning takes its place, and it is kept with `replaced_at`. A row that names no
    figure says that the price is unknown from then on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    family = models.CharField(max_length=30)
    model = models.CharField(max_length=255)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    input_micro = models.PositiveBigIntegerField(null=True, blank=True)
    output_micro = models.PositiveBigIntegerField(null=True, blank=True)
    cache_read_micro = models.PositiveBigIntegerField(null=True, blank=True)
    cache_write_micro = models.PositiveBigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=12, blank=True)
    unit_micro = models.PositiveBigIntegerField(null=True, blank=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "family", "model", "since"],
                condition=Q(replaced_at=None),
                name="one_price_a_beginning",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.since:%Y-%m-%d}"

    def changeable_by(self, user: User, role: int) -> bool:
        return role >= Role.ADMIN

    @property
    def known(self) -> bool:
        return self.input_micro is not None or self.unit_micro is not None


class Budget(models.Model):
    """How much a team key, or a person in the team, may use in a day or a calendar month (UTC).

    `limit`: tokens, or thousand-millionths of the currency.
    """

    class Period(models.TextChoices):
        DAY = "day", "a day"
        MONTH = "month", "a month"

    class Measure(models.TextChoices):
        TOKENS = "tokens", "Tokens"
        MONEY = "money", "Money"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="budgets")
    key = models.ForeignKey(GatewayKey, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    period = models.CharField(max_length=5, choices=Period.choices)
    measure = models.CharField(max_length=6, choices=Measure.choices)
    limit = models.PositiveBigIntegerField()
    warn_percent = models.PositiveSmallIntegerField(default=80)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(key=None, person__isnull=False) | Q(key__isnull=False, person=None),
                name="budget_is_of_a_key_or_a_person",
            ),
            models.CheckConstraint(condition=Q(warn_percent__lte=100), name="budget_warns_before_its_end"),
            models.UniqueConstraint(fields=["team", "key", "period", "measure"], name="one_budget_a_key"),
            models.UniqueConstraint(
                fields=["team", "person", "period", "measure"], name="one_budget_a_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.period}"

    @classmethod
    def visible_to(cls, user: User) -> Q:
        own = Q(person=user) | Q(key__isnull=False)
        return own | Q(team__membership__user=user, team__membership__role__gte=Role.ADMIN)

    def changeable_by(self, user: User, role: int) -> bool:
        return role >= Role.ADMIN


class Reservation(models.Model):
    """What is set aside for one run or task until it is known what it used. Made only where a budget asks.

    `kept_at`: it ended and nothing was told, so that what was set aside counts as used.
    """

    subject = models.CharField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey(GatewayKey, null=True, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    tokens = models.PositiveBigIntegerField(default=0)
    nano = models.PositiveBigIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)
    kept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(F("team"), F("key"), F("at"), name="set_aside_by_key"),
            models.Index(F("team"), F("person"), F("at"), name="set_aside_by_person"),
        ]

    def __str__(self) -> str:
        return self.subject


class Fact(models.Model):
    """A usage record that is not in the roll-ups yet (`sign` 1), or one taken out again (-1).

    Written by triggers of the database in the very write of the record (see `facts`), and read together with
    the roll-ups; a tick folds it in. Ids are plain: it outlives what it names.
    """

    sign = models.SmallIntegerField()
    team_id = models.UUIDField()
    at = models.DateTimeField()
    user_id = models.UUIDField(null=True)
    key_id = models.UUIDField(null=True)
    prompt = models.UUIDField(null=True)
    family = models.CharField(max_length=30)
    model = models.CharField(max_length=255)
    outcome = models.CharField(max_length=20)
    unit = models.CharField(max_length=12)
    units_milli = models.PositiveBigIntegerField(null=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cache_read_tokens = models.PositiveIntegerField(null=True)
    cache_write_tokens = models.PositiveIntegerField(null=True)
    reasoning_tokens = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["team_id", "at"], name="fact_by_team")]

    def __str__(self) -> str:
        return f"{self.sign} {self.model}"


class Rollup(models.Model):
    """What was used in an hour or a day (UTC), seen from one side: in all, by family, model, key, prompt or
    person; of the whole team (`person` is `NOBODY`), or of one person.

    `slot`: hours since 1970. Sums beside how many runs told the figure: unknown is never 0.
    """

    class Facet(models.IntegerChoices):
        ALL = 0, "All"
        FAMILY = 1, "Family"
        MODEL = 2, "Model"
        KEY = 3, "Key"
        PROMPT = 4, "Prompt"
        PERSON = 5, "Person"

    team_id = models.UUIDField()
    span = models.PositiveSmallIntegerField()
    person = models.UUIDField(default=NOBODY)
    facet = models.PositiveSmallIntegerField(choices=Facet.choices)
    slot = models.PositiveIntegerField()
    family = models.CharField(max_length=30, blank=True)
    value = models.CharField(max_length=255, blank=True)
    unit = models.CharField(max_length=12, blank=True)
    runs = models.BigIntegerField(default=0)
    good = models.BigIntegerField(default=0)
    bad = models.BigIntegerField(default=0)
    input = models.BigIntegerField(default=0)
    input_told = models.BigIntegerField(default=0)
    output = models.BigIntegerField(default=0)
    output_told = models.BigIntegerField(default=0)
    cache_read = models.BigIntegerField(default=0)
    cache_read_told = models.BigIntegerField(default=0)
    cache_write = models.BigIntegerField(default=0)
    cache_write_told = models.BigIntegerField(default=0)
    reasoning = models.BigIntegerField(default=0)
    reasoning_told = models.BigIntegerField(default=0)
    units = models.BigIntegerField(default=0)
    units_told = models.BigIntegerField(default=0)
    nano = models.BigIntegerField(default=0)
    priced = models.BigIntegerField(default=0)
    unpriced_tokens = models.BigIntegerField(default=0)
    latency = models.BigIntegerField(default=0)
    # How many runs took at most so long, in milliseconds.
    ms_250 = models.BigIntegerField(default=0)
    ms_500 = models.BigIntegerField(default=0)
    ms_1000 = models.BigIntegerField(default=0)
    ms_2000 = models.BigIntegerField(default=0)
    ms_4000 = models.BigIntegerField(default=0)
    ms_8000 = models.BigIntegerField(default=0)
    ms_15000 = models.BigIntegerField(default=0)
    ms_30000 = models.BigIntegerField(default=0)
    ms_60000 = models.BigIntegerField(default=0)
    ms_180000 = models.BigIntegerField(default=0)
    ms_600000 = models.BigIntegerField(default=0)
    ms_more = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team_id", "person", "facet", "span", "slot", "family", "value", "unit"],
                name="one_rollup_a_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facet} {self.slot} {self.value}"


class StaleDay(models.Model):
    """A day whose costs are reckoned by a price that was changed since; worked off by the tick."""

    team_id = models.UUIDField()
    day = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team_id", "day"], name="one_mark_a_stale_day")]

    def __str__(self) -> str:
        return str(self.day)
