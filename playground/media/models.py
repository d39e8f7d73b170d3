"""Media tasks, what happened to them, what they made, what people gave them, and routes of a team's own."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import GatewayKey, Role, Team, User
from playground.library.models import PromptVersion


class Status(models.TextChoices):
    NEW = "new", "Waiting to be sent"
    SUBMITTING = "submitting", "Being sent"
    WAITING = "waiting", "Being made"
    COLLECTING = "collecting", "Files being fetched"
    SUCCEEDED = "succeeded", "Ready"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Unknown"
    CANCELLED = "cancelled", "Cancelled"
    UNCONFIRMED = "unconfirmed", "Unconfirmed"


LIVE = (Status.NEW, Status.SUBMITTING, Status.WAITING, Status.COLLECTING)
ENDED = tuple(status for status in Status if status not in LIVE)


class MediaTask(models.Model):
    """One thing asked of a media route. The row is written before the call and is the truth after it.

    `inputs`: {"values": {field: value}, "extra": {…}, "files": {field: [{"upload": id} | {"asset": id} |
    {"url": address}]}}. `outputs`: what the gateway has told of so far, finished or not: [{"key", "kind",
    "url", "text", "final", "meta"}]. `due_at`: when to look next, by the database's clock; nothing looks
    without it. `held_at`: polling rests because of the key; `held_reason` says why. `watching` is off after
    *stop watching*. `prompt_version` is what was asked for, with the values in `variables`; None for what was
    typed freely. Every change that a page could show raises `version`. Who holds the lease writes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="media_tasks")
    key = models.ForeignKey(GatewayKey, null=True, on_delete=models.SET_NULL, related_name="media_tasks")
    operation = models.CharField(max_length=80)
    family = models.CharField(max_length=30)
    medium = models.CharField(max_length=10)
    model = models.CharField(max_length=255, blank=True)
    inputs = models.JSONField(default=dict)
    form_id = models.UUIDField(default=uuid.uuid4)
    # Its index is the one below, which knows the order too. Both may be null, so that SQLite need not make
    # the table anew for them.
    prompt_version = models.ForeignKey(
        PromptVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    variables = models.JSONField(null=True, blank=True)
    source = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    source_output = models.CharField(max_length=200, blank=True)
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.NEW)
    version = models.PositiveIntegerField(default=0)
    watching = models.BooleanField(default=True)
    held_at = models.DateTimeField(null=True, blank=True)
    held_reason = models.CharField(max_length=300, blank=True)

    upstream_id = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    raw_status = models.CharField(max_length=100, blank=True)
    stage = models.CharField(max_length=100, blank=True)
    progress = models.FloatField(null=True, blank=True)
    outputs = models.JSONField(default=list, blank=True)
    usage = models.JSONField(default=dict, blank=True)

    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=40, blank=True)
    wait_s = models.FloatField(default=0)
    polls = models.PositiveIntegerField(default=0)
    misses = models.PositiveIntegerField(default=0)
    polled_at = models.DateTimeField(null=True, blank=True)
    seen = models.CharField(max_length=16, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    error_kind = models.CharField(max_length=30, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)

    title = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    favourite = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    first_output_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "form_id"], name="one_task_a_form"),
            models.UniqueConstraint(
                fields=["key", "operation", "upstream_id"],
                condition=~Q(upstream_id=""),
                name="one_task_an_upstream_id",
            ),
            models.CheckConstraint(
                condition=Q(status__in=LIVE, ended_at=None)
                | (~Q(status__in=LIVE) & Q(ended_at__isnull=False)),
                name="task_ended_when_not_live",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.WAITING)
                | (
                    ~Q(upstream_id="")
                    & (Q(due_at__isnull=False) | Q(held_at__isnull=False) | Q(watching=False))
                ),
                name="task_waiting_has_an_id_and_is_due",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="task_due"),
            models.Index(fields=["created_at"], condition=Q(status=Status.NEW), name="task_new"),
            # Not on the lease: PostgreSQL then writes a claim without a line in every index.
            models.Index(fields=["created_at"], condition=Q(status=Status.SUBMITTING), name="task_sent"),
            models.Index(fields=["held_at"], condition=Q(held_at__isnull=False), name="task_held"),
            models.Index(fields=["team", "changed_at"], name="task_changes"),
            models.Index(F("team"), F("created_at").desc(), F("id").desc(), name="task_by_team"),
            # What stands behind the order is judged in the index, without a look at each row.
            *(
                models.Index(
                    F("team"),
                    F(name),
                    F("created_at").desc(),
                    F("id").desc(),
                    *beside,
                    name=f"task_by_{name}",
                )
                for name, beside in (
                    ("medium", ()),
                    ("status", ("family", "medium", "user", "model")),
                    ("user", ("status", "family", "medium", "model")),
                    ("family", ()),
                    ("model", ()),
                )
            ),
            models.Index(
                F("prompt_version"),
                F("created_at").desc(),
                condition=Q(prompt_version__isnull=False),
                name="task_by_prompt",
            ),
            models.Index(
                F("team"),
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(favourite=True),
                name="task_favourites",
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.operation} {self.status}"

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def own_id(self) -> str:
        """The id of ours that goes along where a route carries one."""
        return self.pk.hex

    @property
    def settled(self) -> bool:
        """Whether the gateway will tell nothing more."""
        return self.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    def changeable_by(self, user: User, role: int) -> bool:
        return self.user_id == user.pk or role >= Role.ADMIN


class TaskEvent(models.Model):
    """One line of a task's timeline. Equal polls are one line: `poll` is the number of its first, and the
    next line of a poll tells how many there were. `raw` is the answer, without keys, cut at 16 KiB.
    """

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        SENT = "sent", "Sent"
        POLL = "poll", "Looked"
        CALLBACK = "callback", "Callback"
        CAPTURED = "captured", "File kept"
        LOST = "lost", "File not kept"
        HELD = "held", "Paused"
        RESUMED = "resumed", "Resumed"
        ACT = "act", "Somebody's doing"
        ENDED = "ended", "Ended"

    task = models.ForeignKey(MediaTask, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=500, blank=True)
    poll = models.PositiveIntegerField(null=True, blank=True)
    raw = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="event_by_task")]

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"


class Asset(models.Model):
    """One output of a task, kept here. `key` is the codec's name for it, the same from poll to poll.

    `file` is in the default storage; `thumbnail` a small picture of an image or a video, `waveform` up to
    200 peaks from 0 to 1. Text and data stand in `text`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "To be fetched"
        FETCHING = "fetching", "Being fetched"
        KEPT = "kept", "Kept"
        FAILED = "failed", "Not kept"

    team_path = "task__team"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(MediaTask, on_delete=models.CASCADE, related_name="assets")
    ordinal = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=200)
    source_url = models.TextField(blank=True)
    needs_key = models.BooleanField(default=False)
    source_expires_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=40, blank=True)
    validator = models.CharField(max_length=300, blank=True)
    file = models.FileField(upload_to="assets/%Y/%m/", max_length=300, blank=True)
    thumbnail = models.FileField(upload_to="assets/%Y/%m/", max_length=300, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    waveform = models.JSONField(default=list, blank=True)
    text = models.TextField(blank=True)
    meta = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    kept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "key"], name="one_asset_an_output"),
            models.UniqueConstraint(fields=["task", "kind", "ordinal"], name="one_asset_a_place"),
            models.CheckConstraint(
                condition=~Q(status="kept") | (Q(kept_at__isnull=False) & (~Q(file="") | ~Q(text=""))),
                name="asset_kept_has_content",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="asset_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    def changeable_by(self, user: User, role: int) -> bool:
        return self.task.changeable_by(user, role)


class Callback(models.Model):
    """What was posted to a task's address, once for each body."""

    task = models.ForeignKey(MediaTask, on_delete=models.CASCADE, related_name="callbacks")
    digest = models.CharField(max_length=64)
    body = models.TextField()
    received_at = models.DateTimeField(default=timezone.now)
    deliveries = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "digest"], name="one_callback_a_body")]

    def __str__(self) -> str:
        return self.digest[:12]


class Upload(models.Model):
    """A file somebody gave for a form, once per team and content."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=10)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    name = models.CharField(max_length=200)
    file = models.FileField(upload_to="uploads/%Y/%m/", max_length=300)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "sha256"], name="one_upload_a_content")]

    def __str__(self) -> str:
        return self.name


class TaskRoute(models.Model):
    """A pair of create and query calls that a team's admins declared. What it says stands in its versions;
    `number` is the one in use. An archived one makes nothing new, and its tasks go on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="task_routes")
    key = models.SlugField(max_length=40)
    label = models.CharField(max_length=80)
    number = models.PositiveIntegerField(default=1)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "key"], name="one_route_a_key")]

    def __str__(self) -> str:
        return self.label


class RouteVersion(models.Model):
    """What a route said from one change to the next; never updated, as tasks go by the one they began with.

    `definition`: see `playground.gateway.media.custom`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    route = models.ForeignKey(TaskRoute, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    definition = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["route", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.route_id} {self.number}"
