"""What the keys can see, and what was used."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import GatewayKey, Team, User


class ModelEntry(models.Model):
    """A model id one key was shown. A vanished id stays, marked gone (contract section 5).

    `new_at`: when it came to a list that was known whole before; None for what was there from the start.
    `changed_at`: when the list last said something else of it. `ModelChange` tells what.
    """

    key = models.ForeignKey(GatewayKey, on_delete=models.CASCADE, related_name="models")
    family = models.CharField(max_length=30)
    model_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    gone_at = models.DateTimeField(null=True, blank=True)
    new_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "family", "model_id"], name="one_entry_a_model"),
        ]
        indexes = [models.Index(fields=["model_id", "key"], name="entry_by_model")]

    def __str__(self) -> str:
        return self.model_id


class ModelList(models.Model):
    """How one list of models of a key stands: when it was asked for last, and when it last came.

    `whole_at`: when it first came to its end; what comes later is new. Of the last try: `error_kind` ("" for
    none), `sentence` for the person, `request_id`. `count` is of the last list that came.
    """

    key = models.ForeignKey(GatewayKey, on_delete=models.CASCADE, related_name="model_lists")
    family = models.CharField(max_length=30)
    asked_at = models.DateTimeField()
    came_at = models.DateTimeField(null=True, blank=True)
    whole_at = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0)
    error_kind = models.CharField(max_length=30, blank=True)
    sentence = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "family"], name="one_list_a_family")]

    def __str__(self) -> str:
        return f"{self.family} of {self.key_id}"


class ModelChange(models.Model):
    """Something a list of models said that it had not said before. `what`: {field: [before, now]}."""

    class Kind(models.TextChoices):
        NEW = "new", "New"
        CHANGED = "changed", "Changed"
        GONE = "gone", "Gone"
        BACK = "back", "Back"

    key = models.ForeignKey(GatewayKey, on_delete=models.CASCADE, related_name="+", db_index=False)
    family = models.CharField(max_length=30)
    model_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    what = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(F("key"), F("at").desc(), name="change_by_key"),
            models.Index(F("model_id"), F("key"), F("at").desc(), name="change_by_model"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.kind}"


class Measured(models.Model):
    """What a model was last seen to do, and last seen to fail at, in a family. No row: unknown.

    `user`: whose chats or checks told; None: what the whole team may know of. `works_in` and `fails_in` are
    ids of runs, tasks or check runs, as `source` says; they may be deleted since.
    """

    class Source(models.TextChoices):
        RUN = "run", "Chat"
        TASK = "task", "Task"
        CHECK = "check", "Check"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=5, choices=Source.choices)
    family = models.CharField(max_length=30)
    model = models.CharField(max_length=255)
    capability = models.CharField(max_length=40)
    works_at = models.DateTimeField(null=True)
    works_in = models.UUIDField(null=True)
    fails_at = models.DateTimeField(null=True)
    fails_in = models.UUIDField(null=True)
    fails_why = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "model", "family", "capability", "source", "user"],
                condition=Q(user__isnull=False),
                name="one_measure_a_person",
            ),
            models.UniqueConstraint(
                fields=["team", "model", "family", "capability", "source"],
                condition=Q(user=None),
                name="one_measure_of_the_team",
            ),
        ]
        indexes = [models.Index(fields=["team", "model"], name="measured_by_model")]

    def __str__(self) -> str:
        return f"{self.model} {self.capability}"


class UsageRecord(models.Model):
    """What one run or task used; survives deleted history. None: the gateway did not tell."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.ForeignKey(GatewayKey, null=True, on_delete=models.SET_NULL, related_name="+")
    subject = models.CharField(max_length=60, unique=True)
    family = models.CharField(max_length=30)
    model = models.CharField(max_length=255)
    outcome = models.CharField(max_length=20)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cache_read_tokens = models.PositiveIntegerField(null=True)
    cache_write_tokens = models.PositiveIntegerField(null=True)
    reasoning_tokens = models.PositiveIntegerField(null=True)
    # Of media: so many thousandths of `unit`, which is empty for what is counted in tokens.
    unit = models.CharField(max_length=12, blank=True, default="")
    units_milli = models.PositiveBigIntegerField(null=True)
    # The prompt it was a run of; a plain id, as the record outlives the prompt.
    prompt = models.UUIDField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(F("team"), F("at"), name="usage_by_team"),
            models.Index(F("team"), F("user"), F("at"), name="usage_by_user"),
            # Holds all that the page of a model counts by.
            models.Index(
                F("team"), F("model"), F("at").desc(), F("user"), F("outcome"), name="usage_by_model"
            ),
        ]

    def __str__(self) -> str:
        return self.subject
