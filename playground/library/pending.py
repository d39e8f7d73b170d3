"""What a person has begun in the library: text that is not saved yet, and runs that wait for a free place."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Team, User


class Draft(models.Model):
    """What somebody typed in the editor of a prompt and has not saved; without a prompt it is of a new one
    of the kind. Nobody else ever sees it.

    `fields` is the form as it would be sent: [[name, value], …], `base` among them, the number of the
    version it began with.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    prompt = models.ForeignKey(
        "library.Prompt", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=10)
    fields = models.JSONField(default=list)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "prompt"], name="one_draft_a_prompt"),
            models.UniqueConstraint(
                fields=["user", "team", "kind"], condition=Q(prompt=None), name="one_draft_of_a_new_prompt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} draft of {self.user_id}"


class Waiting(models.Model):
    """A run of an example that begins when the person has a place free; see `waiting`. Gone once it began.

    `name` and `values` are the example's when it was asked for. `why` says why it could not begin; "" while
    it waits. `key` is no reference: without the key that was chosen it must not begin with another one.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey("library.PromptVersion", on_delete=models.CASCADE, related_name="+")
    key = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=100)
    values = models.JSONField(default=dict)
    why = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "version", "name"], name="one_wait_an_example"),
        ]

    def __str__(self) -> str:
        return self.name
