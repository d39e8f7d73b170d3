"""What the keys can see, and what was used."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.utils import timezone

from accounts.models import GatewayKey, Team, User


class ModelEntry(models.Model):
    """A model id one key was shown. A vanished id stays, marked gone (contract section 5)."""

    key = models.ForeignKey(GatewayKey, on_delete=models.CASCADE, related_name="models")
    family = models.CharField(max_length=30)
    model_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "family", "model_id"], name="one_entry_a_model"),
        ]

    def __str__(self) -> str:
        return self.model_id


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
    latency_ms = models.PositiveIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(F("team"), F("at"), name="usage_by_team")]

    def __str__(self) -> str:
        return self.subject
