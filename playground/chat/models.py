"""Conversations as trees of turns, and the runs that answer them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.library.models import PromptVersion


class Conversation(models.Model):
    """A tree of turns; the branch on screen is the path from the root to `leaf`.

    `settings` is what the inspector shows, see `settings_form`. `comparison`: several models are asked the
    same in it, each on a branch of its own, see `compare.lanes`; None in a chat.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=200, blank=True)
    titled_by_hand = models.BooleanField(default=False)
    shared = models.BooleanField(default=False)
    leaf = models.ForeignKey("Turn", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    forked_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    settings = models.JSONField(default=dict, blank=True)
    comparison = models.JSONField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(
                F("team"), F("updated_at").desc(), condition=Q(archived_at=None), name="conversation_recent"
            ),
            models.Index(
                F("team"),
                F("updated_at").desc(),
                condition=Q(comparison__isnull=False),
                name="conversation_compared",
            ),
        ]

    def __str__(self) -> str:
        return self.title or "New chat"

    @classmethod
    def visible_to(cls, user: User) -> Q:
        return Q(owner=user) | Q(shared=True)

    def seen_by(self, user_id: uuid.UUID) -> bool:
        """The rule of `visible_to`, for a row that was read already."""
        return self.owner_id == user_id or self.shared

    def changeable_by(self, user: User, role: int) -> bool:
        return self.owner_id == user.pk


class Turn(models.Model):
    """One message. Another child of the same parent is another branch; a turn's text never changes
    once somebody could have answered it (an edit makes a sibling).

    `parts` of a user turn: {"kind": "text", "text"} | {"kind": "image", "attachment": id, "alt"} |
    {"kind": "image", "url", "alt"} | {"kind": "file", "url", "media_type"}. Of an answer: {"kind":
    "text"|"thinking"|"refusal"|"tool_call"|"image", "text", "name"?, "call_id"?, "ms"?, "attachment"?}.
    Of the results of its calls: {"kind": "tool_result", "call_id", "name", "text", "failed"}.
    `native` is the content as the family and model in `native_for` sent it (JSON text), where a picture
    kept as a file stands as "attachment:<id>". `cached` marks the prompt up to here for the provider's cache.
    """

    class Role(models.TextChoices):
        USER = "user", "You"
        ASSISTANT = "assistant", "Model"
        TOOL = "tool", "Tool results"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    parts = models.JSONField(default=list)
    text = models.TextField(blank=True)
    native = models.JSONField(null=True, blank=True)
    native_for = models.CharField(max_length=300, blank=True)
    copied_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    edited = models.BooleanField(default=False)
    cached = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["conversation", "parent", "created_at"], name="turn_siblings")]
        constraints = [
            models.CheckConstraint(condition=~Q(parent=F("id")), name="turn_is_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class Attachment(models.Model):
    """A file a team keeps, once per content. `file` is relative to the media folder."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200, blank=True)
    file = models.FileField(upload_to="attachments/%Y/%m/", max_length=300)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "sha256"], name="one_attachment_a_content")]

    def __str__(self) -> str:
        return self.name or self.sha256[:12]


class Draft(models.Model):
    """What somebody typed and has not sent; a person's only draft without a conversation is of a new chat.

    `prompt` is where the text came from: {"version": id, "values": {name: value}}, or empty.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    text = models.TextField(blank=True)
    images = models.JSONField(default=list, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    prompt = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "conversation"], name="one_draft_a_conversation"),
            models.UniqueConstraint(
                fields=["user"], condition=Q(conversation=None), name="one_draft_of_a_new_chat"
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class ToolSet(models.Model):
    """Tools a team keeps under a name: [{"name", "description", "parameters" (JSON text), "mock"}]."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=80)
    tools = models.JSONField(default=list)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_tool_set_a_name")]

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One answer being made, or made. The row is the truth; `owner` is the process that drives it.

    Only the owner writes while the run is live, and only while `lease_until` has not passed. `losses`:
    sentences about what of the conversation was not sent. `verdict`: whether the answer fits the schema it
    was asked for: {"fits": bool, "errors": [{"pointer", "message"}], "unchecked": [pointer]}.
    `attempts`: {"model", "ms", "status", "error", "request_id"}, and with "fallback" the model asked next.
    `prompt_version` is what was asked, with the values in `variables`; None for what was typed freely.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"
        INTERRUPTED = "interrupted", "Interrupted"

    LIVE = (Status.QUEUED, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="runs")
    key = models.ForeignKey(GatewayKey, null=True, on_delete=models.SET_NULL, related_name="runs")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="runs")
    asked = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="runs")
    answer = models.OneToOneField(Turn, null=True, on_delete=models.SET_NULL, related_name="run")
    family = models.CharField(max_length=30)
    model = models.CharField(max_length=255)
    served_model = models.CharField(max_length=255, blank=True)
    params = models.JSONField(default=dict, blank=True)
    # Its index is the one below, which knows the order too.
    prompt_version = models.ForeignKey(
        PromptVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    variables = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=20, blank=True)
    raw_reason = models.CharField(max_length=100, blank=True)
    error_kind = models.CharField(max_length=30, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    retry_after_s = models.FloatField(null=True, blank=True)
    upstream_id = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    attempts = models.JSONField(default=list, blank=True)
    losses = models.JSONField(default=list, blank=True)
    verdict = models.JSONField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    cache_read_tokens = models.PositiveIntegerField(null=True, blank=True)
    cache_write_tokens = models.PositiveIntegerField(null=True, blank=True)
    reasoning_tokens = models.PositiveIntegerField(null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(status__in=["queued", "running"]), name="run_live_leases"
            ),
            models.Index(F("team"), F("created_at").desc(), name="run_by_team"),
            models.Index(
                F("prompt_version"),
                F("created_at").desc(),
                condition=Q(prompt_version__isnull=False),
                name="run_by_prompt",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], ended_at=None)
                | (~Q(status__in=["queued", "running"]) & Q(ended_at__isnull=False)),
                name="run_ended_when_not_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.status}"

    @classmethod
    def visible_to(cls, user: User) -> Q:
        return Q(conversation__owner=user) | Q(conversation__shared=True)

    @property
    def live(self) -> bool:
        return self.status in self.LIVE

    @property
    def fell_back(self) -> dict[str, Any] | None:
        """The attempt after which the fallback was asked in the place of `model`."""
        return next((attempt for attempt in self.attempts if attempt.get("fallback")), None)

    @property
    def answered_by(self) -> str:
        """The model that was asked last: `model`, or the fallback."""
        told = self.fell_back
        return str(told["fallback"]) if told else self.model

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from the start to the end, None while live or when it never started."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds() * 1000)
