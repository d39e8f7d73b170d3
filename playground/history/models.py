"""The ledger of everything a team ran, the words in it, and what people made of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import GatewayKey, Role, Team, User

# Whose a scope is that the whole team reads.
EVERYBODY = uuid.UUID(int=0)


class Kind(models.TextChoices):
    CHAT = "chat", "Chat"
    MEDIA = "media", "Task"
    CHECK = "check", "Check"


class State(models.TextChoices):
    """What the states of runs, tasks and checks come to."""

    LIVE = "live", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"
    UNCLEAR = "unclear", "Unclear"


def _followed(to: type[models.Model]) -> Any:
    """A reference that triggers keep in step, so that neither Django nor the database has to."""
    return models.ForeignKey(to, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False,
                             related_name="+")  # fmt: skip


class Scope(models.Model):
    """Who may read an entry: `reader`, or with EVERYBODY the whole team. A person reads two of a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    reader = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "reader"], name="one_scope_a_reader")]

    def __str__(self) -> str:
        return f"{self.reader} in {self.team_id}"


class Entry(models.Model):
    """One run, task or check, as the list shows it. Kept by triggers (see `triggers`): nothing else writes
    it, but for `rating` and `hidden`.

    The ids follow the order of making. `place` is a run's conversation. `tokens`: in and out together, None
    when the gateway told neither. `hidden`: the removal that it waits for.
    """

    kind = models.CharField(max_length=5, choices=Kind.choices)
    subject = models.UUIDField()
    place = models.UUIDField(null=True)
    scope = models.BigIntegerField()
    team = _followed(Team)
    user = _followed(User)
    key = _followed(GatewayKey)
    family = models.CharField(max_length=30)
    model = models.CharField(max_length=255)
    medium = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=State.choices)
    status = models.CharField(max_length=12)
    error_kind = models.CharField(max_length=30)
    prompt = models.UUIDField(null=True)
    prompt_version = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    first_token_ms = models.BigIntegerField(null=True)
    tokens = models.BigIntegerField(null=True)
    rating = models.SmallIntegerField(null=True)
    hidden = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="one_entry_a_subject")]
        indexes = [
            models.Index(fields=["scope", "id"], name="ledger_recent"),
            models.Index(fields=["scope", "created_at"], name="ledger_by_time"),
            models.Index(fields=["scope", "kind", "id"], name="ledger_by_kind"),
            models.Index(fields=["scope", "state", "id"], name="ledger_by_state"),
            models.Index(fields=["scope", "family", "id"], name="ledger_by_family"),
            models.Index(fields=["scope", "model", "id"], name="ledger_by_model"),
            models.Index(fields=["scope", "user", "id"], name="ledger_by_user"),
            models.Index(fields=["scope", "key", "id"], name="ledger_by_key"),
            models.Index(fields=["scope", "tokens"], name="ledger_by_tokens"),
            models.Index(
                fields=["scope", "prompt", "id"], condition=Q(prompt__isnull=False), name="ledger_by_prompt"
            ),
            models.Index(
                fields=["scope", "error_kind", "id"], condition=~Q(error_kind=""), name="ledger_by_error"
            ),
            models.Index(
                fields=["scope", "rating", "id"], condition=Q(rating__isnull=False), name="ledger_by_rating"
            ),
            models.Index(fields=["place"], condition=Q(place__isnull=False), name="ledger_by_place"),
            models.Index(fields=["hidden"], condition=Q(hidden__isnull=False), name="ledger_hidden"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @staticmethod
    def visible_to(user: User) -> Q:
        """What somebody finds in the list, and what its owner lets the team read by its address."""
        scopes = Scope.objects.filter(reader__in=(EVERYBODY, user.pk))
        by_address = Q(subject__in=Share.objects.values("subject"))
        return Q(hidden=None) & (Q(scope__in=scopes.values("pk")) | by_address)

    @property
    def name(self) -> str:
        """As usage records and prompts name it: "run:<id>", "task:<id>", "check:<id>"."""
        return f"{NAMES[self.kind]}:{self.subject}"


NAMES: dict[str, str] = {Kind.CHAT: "run", Kind.MEDIA: "task", Kind.CHECK: "check"}


class Doc(models.Model):
    """What of an entry is searched: what was asked, what came back, and the filters as words (`marks`)."""

    entry = models.OneToOneField(
        Entry, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="doc"
    )
    scope = models.BigIntegerField()
    asked = models.TextField()
    said = models.TextField()
    marks = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["scope", "entry"], name="ledger_doc_recent")]

    def __str__(self) -> str:
        return self.asked[:60]


class Todo(models.Model):
    """What a rebuild has still to take up, in the order of making."""

    kind = models.CharField(max_length=5)
    subject = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Rebuild(models.Model):
    """A rebuild of the ledger that is under way: `left` of `total` are to be taken up, the newest first."""

    total = models.BigIntegerField()
    left = models.BigIntegerField()
    began_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.left} of {self.total}"


class Rating(models.Model):
    """What the team thinks of one run, task or check; `by` said so last. Goes with what it is about."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    subject = models.UUIDField()
    value = models.SmallIntegerField(null=True)
    note = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="one_rating_a_subject"),
            models.CheckConstraint(
                condition=Q(value__in=(-1, 1)) | Q(value=None), name="rating_is_up_or_down"
            ),
        ]

    def __str__(self) -> str:
        return {1: "good", -1: "bad"}.get(self.value or 0, "not rated")


class Tagging(models.Model):
    """A word somebody put on one run, task or check. `entry` is its line in the ledger."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    rating = models.ForeignKey(Rating, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rating", "name"], name="one_tag_a_rating")]
        indexes = [models.Index(fields=["team", "name"], name="tagging_by_name")]

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """A run of a private chat, or a check of one's own, that its owner lets the team read by its address."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    subject = models.UUIDField()
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="one_share_a_subject")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class View(models.Model):
    """Filters under a name: a person's own, or with `shared` the team's. `query` is as in the address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    shared = models.BooleanField(default=False)
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("team", "owner", Lower("name"), name="one_history_view_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def visible_to(user: User) -> Q:
        return Q(owner=user) | Q(shared=True)

    def changeable_by(self, user: User, role: int) -> bool:
        return self.owner_id == user.pk or (self.shared and role >= Role.ADMIN)


class Default(models.Model):
    """The view somebody's History opens with in a team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    view = models.ForeignKey(View, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_default_view_a_person")]

    def __str__(self) -> str:
        return f"{self.view_id} of {self.user_id}"


class Removal(models.Model):
    """Something somebody deleted in History: hidden at once, gone at `due_at` unless it is undone before.

    `chats`, `tasks` and `checks` are ids of what goes; `entries` is how many lines that hides.
    """

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    ip = models.GenericIPAddressField(null=True, blank=True)
    chats = models.JSONField(default=list)
    tasks = models.JSONField(default=list)
    checks = models.JSONField(default=list)
    entries = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(F("due_at"), name="removal_due")]

    def __str__(self) -> str:
        return f"{self.entries} entries by {self.user_id}"

    @staticmethod
    def visible_to(user: User) -> Q:
        return Q(user=user)
