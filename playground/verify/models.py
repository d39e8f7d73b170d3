"""Runs of the integration checklist against a key, what each check found, and how a key is to be checked."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import GatewayKey, Role, Team, User


class CheckRun(models.Model):
    """One run of checks against one key; ended, it is the certificate of that moment.

    The row is the truth: `owner` is the process that works on it, and only while `lease_until` has not
    passed. `chosen`: the models the checks ask, {family: id, "fallback": id}. `changes`: what stands
    otherwise than when it was last checked with this key: [{"name", "was", "now", "since"}]. `notice`: the
    changes are news that somebody should look at. `pinned_at`: somebody keeps it for good (see `retention`).
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"
        INTERRUPTED = "interrupted", "Interrupted"

    class Begun(models.TextChoices):
        PERSON = "person", "by hand"
        SCHEDULE = "schedule", "weekly"
        COMMAND = "command", "by manage.py verify"

    LIVE = (State.QUEUED, State.RUNNING)
    TOLD = (State.PASSED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="check_runs")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="check_runs")
    key = models.ForeignKey(GatewayKey, null=True, on_delete=models.SET_NULL, related_name="check_runs")
    key_label = models.CharField(max_length=80)
    base_url = models.CharField(max_length=200)
    begun_by = models.CharField(max_length=10, choices=Begun.choices, default=Begun.PERSON)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    shared = models.BooleanField(default=False)
    chosen = models.JSONField(default=dict, blank=True)
    changes = models.JSONField(default=list, blank=True)
    notice = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(F("team"), F("created_at").desc(), name="check_run_by_team"),
            models.Index(F("key"), F("created_at").desc(), name="check_run_by_key"),
            models.Index(F("changed_at"), name="check_run_changes"),
            models.Index(
                F("created_at"), condition=Q(state__in=["queued", "running"]), name="check_run_live"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], ended_at=None)
                | (~Q(state__in=["queued", "running"]) & Q(ended_at__isnull=False)),
                name="check_run_ended_when_not_live",
            ),
        ]

    def __str__(self) -> str:
        return f"Check of {self.key_label}, {self.created_at:%-d %b %Y}"

    @staticmethod
    def visible_to(user: User) -> Q:
        return Q(user=user) | Q(shared=True)

    def changeable_by(self, user: User, role: int) -> bool:
        return self.user_id == user.pk or (self.shared and role >= Role.ADMIN)

    @property
    def live(self) -> bool:
        return self.state in self.LIVE

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from the start to the end, None while live or when it never started."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds() * 1000)


class CheckResult(models.Model):
    """What one check of a run found. `at` is when it began; times and counts are None when not told.

    `capability`: what of the model it measures: chat, stream, usage, tokens, tools, schema, images, thinking,
    or the operation of a media task; "" when it is about something else. `evidence`: [{"title", "text"}]
    without any key. `drill`: the fault was the demo gateway's, not that of the key's own.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"
        IMPOSSIBLE = "impossible", "Not possible here"

    LIVE = (State.WAITING, State.RUNNING)
    TOLD = (State.PASSED, State.FAILED)

    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="results")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    family = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=255, blank=True)
    capability = models.CharField(max_length=40, blank=True)
    cost = models.CharField(max_length=10, blank=True)
    drill = models.BooleanField(default=False)
    at = models.DateTimeField(null=True, blank=True)
    first_ms = models.PositiveIntegerField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_kind = models.CharField(max_length=30, blank=True)
    said = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    evidence = models.JSONField(default=list, blank=True)
    task = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_result_a_check")]
        indexes = [
            models.Index(F("model"), F("capability"), F("at").desc(), name="check_result_by_model"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"


class Setup(models.Model):
    """How a key is checked: the models to ask, and whether every week. `user`: in whose name that is done."""

    key = models.OneToOneField(GatewayKey, on_delete=models.CASCADE, related_name="check_setup")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    chosen = models.JSONField(default=dict, blank=True)
    weekly = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"Checks of {self.key}"

    def model_for(self, what: str) -> str:
        """The id chosen for a family or "fallback", "" for none."""
        told: dict[str, Any] = self.chosen
        return str(told.get(what) or "")
