"""A team's prompts: their versions, who may do what with them, and what is said about them."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Role, Team, User
from playground.library.guard import REFUSAL, GuardError, Unchanging
from playground.library.pending import Draft as Draft
from playground.library.pending import Waiting as Waiting

_SHELF = ("team", "folder", "owner", "reach", "id")


class Level(models.IntegerChoices):
    """What somebody may do with a prompt; each includes the ones before."""

    VIEW = 10, "View"
    RUN = 20, "Run"
    EDIT = 30, "Edit"
    OWN = 40, "Own"


class Reach(models.TextChoices):
    PRIVATE = "private", "Private"
    TEAM = "team", "Team"


class Folder(models.Model):
    """A place for prompts; `parent` is None at the top."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="prompt_folders")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint("team", "parent", Lower("name"), name="one_folder_a_name"),
            models.UniqueConstraint(
                "team", Lower("name"), condition=Q(parent=None), name="one_folder_a_name_at_the_top"
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="folder_is_not_in_itself"),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="prompt_tags")
    name = models.CharField(max_length=50)

    class Meta:
        constraints = [models.UniqueConstraint("team", Lower("name"), name="one_tag_a_name")]

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """One prompt. `head` is its newest version. `slug` is its name in links and in code.

    `text` is searched besides title, slug and about: the words of the head and all notes, kept by
    `versions`; the last column, since SQLite reads past it. `team_may` counts while `reach` is the team.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="prompts")
    slug = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    about = models.TextField(blank=True)
    kind = models.CharField(max_length=10)
    folder = models.ForeignKey(
        Folder, null=True, blank=True, on_delete=models.SET_NULL, related_name="prompts"
    )
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="prompts")
    head = models.ForeignKey(
        "PromptVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reach = models.CharField(max_length=10, choices=Reach.choices, default=Reach.PRIVATE)
    team_may = models.PositiveSmallIntegerField(choices=Level.choices[:3], default=Level.EDIT)
    forked_from = models.ForeignKey(
        "PromptVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="forks"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="prompts")
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "slug"], name="one_prompt_a_slug"),
            models.CheckConstraint(condition=Q(reach__in=Reach.values), name="prompt_reach_is_known"),
            models.CheckConstraint(condition=Q(team_may__in=(10, 20, 30)), name="prompt_team_may_is_known"),
        ]
        indexes = [
            models.Index(F("team"), F("updated_at").desc(), F("id").desc(), name="prompt_recent"),
            models.Index(F("team"), F("created_at").desc(), F("id").desc(), name="prompt_new"),
            models.Index(F("team"), Lower("title"), F("id"), name="prompt_by_title"),
            # Holds all that counting by folder and telling whose they are has to read.
            models.Index(*_SHELF, condition=Q(archived_at=None), name="prompt_shelf"),
        ]

    def __str__(self) -> str:
        return self.title

    @classmethod
    def visible_to(cls, user: User) -> Q:
        """The rule of `accounts.access`: its own, the team's, and what is shared with the person."""
        return Q(owner=user) | Q(reach=Reach.TEAM) | Q(pk__in=Share.reaching(user).values("prompt"))

    def changeable_by(self, user: User, role: int) -> bool:
        from playground.library import rights  # rights reads these models

        return rights.may(user, self).level >= Level.EDIT


class _HasPrompt(Protocol):
    @property
    def prompt(self) -> Prompt: ...


class OfPrompt:
    """What belongs to a prompt is seen and changed by who sees and may edit the prompt."""

    team_path = "prompt__team"

    @classmethod
    def visible_to(cls, user: User) -> Q:
        return Q(prompt__in=Prompt.objects.filter(Prompt.visible_to(user)).values("pk"))

    def changeable_by(self: _HasPrompt, user: User, role: int) -> bool:
        return self.prompt.changeable_by(user, role)


class PromptVersions(Unchanging["PromptVersion"]):
    """Reads and inserts."""


class PromptVersion(OfPrompt, models.Model):
    """What a prompt says, once and for all; the shape of `body` is told in `kinds`.

    `digest` is the SHA-256 of the body as canonical JSON. `author_name` names the author of an imported
    version, who need not have an account here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="prompt_versions")
    author_name = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=500, blank=True)
    body = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PromptVersions.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "number"], name="one_prompt_version_a_number"),
            models.CheckConstraint(condition=Q(number__gte=1), name="prompt_version_begins_at_one"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise GuardError(REFUSAL)
        super().save(*args, **options)

    @property
    def written_by(self) -> str:
        """The author's name as it is shown; empty when nobody knows."""
        return str(self.author) if self.author else self.author_name


class Label(OfPrompt, models.Model):
    """A name that points at a version: `production`, `staging`, or a team's own; moved by `labels` alone."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=40)
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="labels")
    moved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "name"], name="one_label_a_name")]
        indexes = [models.Index(fields=["name", "prompt"], name="label_by_name")]

    def __str__(self) -> str:
        return self.name


class LabelRule(models.Model):
    """Who may move a label in a team: from a role up, or only through a change request."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="label_rules")
    name = models.CharField(max_length=40)
    needs_role = models.PositiveSmallIntegerField(choices=Role.choices, null=True, blank=True)
    needs_review = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_rule_a_label")]

    def __str__(self) -> str:
        return self.name


class Favourite(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="favourites")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "prompt"], name="one_favourite_a_person")]

    def __str__(self) -> str:
        return f"{self.prompt_id} of {self.user_id}"


class Share(OfPrompt, models.Model):
    """A prompt given to one person of the team, or to everybody from a role up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    role = models.PositiveSmallIntegerField(choices=Role.choices, null=True, blank=True)
    may = models.PositiveSmallIntegerField(choices=Level.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, role__isnull=False) | Q(user__isnull=False, role=None),
                name="share_is_with_a_person_or_a_role",
            ),
            models.CheckConstraint(condition=Q(may__in=Level.values), name="share_level_is_known"),
            models.UniqueConstraint(
                fields=["prompt", "user"], condition=Q(role=None), name="one_share_a_person"
            ),
            models.UniqueConstraint(
                fields=["prompt", "role"], condition=Q(user=None), name="one_share_a_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prompt_id} with {self.user_id or self.role}"

    @classmethod
    def reaching(cls, user: User) -> models.QuerySet[Share]:
        """The shares that give the person something; of any prompt, so that a query on many asks once."""
        theirs = Q(user=user) | Q(role__lte=F("prompt__team__membership__role"))
        member = {"prompt__team__membership__user": user, "prompt__team__membership__user__is_active": True}
        return cls.objects.filter(theirs, **member)


class OldSlug(models.Model):
    """A slug the prompt had before, so that links to it go on working."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    slug = models.CharField(max_length=80)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="old_slugs")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="one_prompt_an_old_slug")]

    def __str__(self) -> str:
        return self.slug


class ChangeRequest(OfPrompt, models.Model):
    """Asks that `label` be moved from `base` (None: it did not exist) to `version`; see `reviews`.

    `evidence` is a list of "run:<id>" and "task:<id>".
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        APPROVED = "approved", "Approved"
        MERGED = "merged", "Merged"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="changes")
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="changes")
    base = models.ForeignKey(PromptVersion, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(max_length=40)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    title = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    evidence = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(F("prompt"), F("created_at").desc(), name="change_by_prompt")]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "label", "version"],
                condition=Q(state__in=("open", "approved")),
                name="one_live_change_a_version",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def live(self) -> bool:
        return self.state in (self.State.OPEN, self.State.APPROVED)


class Approval(models.Model):
    change = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="approvals")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "user"], name="one_approval_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.change_id}"


class Comment(models.Model):
    """Something said about a version, or on a change request (then `change` is set)."""

    team_path = "version__prompt__team"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="comments")
    change = models.ForeignKey(
        ChangeRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="comments"
    )
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True)
    mentions = models.ManyToManyField(User, blank=True, related_name="prompt_mentions")

    class Meta:
        indexes = [models.Index(fields=["version", "created_at"], name="comment_by_version")]

    def __str__(self) -> str:
        return self.text[:60]

    @classmethod
    def visible_to(cls, user: User) -> Q:
        return Q(version__prompt__in=Prompt.objects.filter(Prompt.visible_to(user)).values("pk"))

    def changeable_by(self, user: User, role: int) -> bool:
        return self.author_id == user.pk


class Seen(models.Model):
    """When somebody last looked at a prompt's discussion."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "prompt"], name="one_look_a_person")]

    def __str__(self) -> str:
        return f"{self.prompt_id} by {self.user_id}"


class Example(OfPrompt, models.Model):
    """A named set of values to run a prompt with, again and again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="examples")
    name = models.CharField(max_length=100)
    values = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint("prompt", Lower("name"), name="one_example_a_name")]

    def __str__(self) -> str:
        return self.name
