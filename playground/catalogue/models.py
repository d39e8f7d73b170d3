"""What a team says of its models, and how far the ledgers were read for what models were seen to do."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Team, User


class ModelLabel(models.Model):
    """Something the team says of a model, apart from what any gateway said: its family, what goes in and
    comes out of it, what it is used for. Kept for an id, whichever keys see it.
    """

    class Kind(models.TextChoices):
        FAMILY = "family", "Family"
        MODALITY = "modality", "Modality"
        USE = "use", "Use"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    model = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=40)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "model", "kind", "value"], name="one_model_label"),
        ]
        indexes = [models.Index(fields=["team", "kind", "value", "model"], name="model_label_by_value")]

    def __str__(self) -> str:
        return f"{self.model}: {self.value}"


class Mark(models.Model):
    """How far one ledger was read: the next look begins after `before`, and the last one came to `upto`."""

    ledger = models.CharField(primary_key=True, max_length=10)
    upto = models.BigIntegerField(default=0)
    before = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.ledger} {self.upto}"
