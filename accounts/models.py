"""Who uses the playground: people, their teams, their gateway keys, and what they did."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify


class Role(models.IntegerChoices):
    VIEWER = 10, "Viewer"
    MEMBER = 20, "Member"
    ADMIN = 30, "Admin"
    OWNER = 40, "Owner"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Make a person and their personal team."""
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            Team.make_personal(user)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractBaseUser, PermissionsMixin):
    """A person; signs in with an e-mail address, always kept in lower case."""

    class Theme(models.TextChoices):
        SYSTEM = "system", "Follow the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    tz = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    shortcuts = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Team(models.Model):
    """Everything belongs to a team; `personal_of` marks the one every account has for itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=120, unique=True)
    personal_of = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="personal_team"
    )
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name

    def locked(self) -> Team:
        """As it is now, until the transaction ends: of two who act on a team at once one waits, and is judged
        by what the other did.
        """
        return Team.objects.select_for_update().get(pk=self.pk)

    @classmethod
    def make_personal(cls, user: User) -> Team:
        stem = slugify(user.name or user.email.split("@")[0]) or "personal"
        team = cls.objects.create(
            name=user.name or user.email.split("@")[0],
            slug=f"{stem[:80]}-{user.pk.hex[:8]}",
            personal_of=user,
        )
        Membership.objects.create(team=team, user=user, role=Role.OWNER)
        return team


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_person"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Invitation(models.Model):
    """A single-use way into a team, bound to an e-mail address. Only the token's hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE)
    email = models.EmailField()
    role = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.MEMBER)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "team",
                Lower("email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_an_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.team or 'the playground'}"


class SignInLink(models.Model):
    """A one-time link that signs a person in; made on the machine itself (`manage.py link`, `make run`)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link for {self.user}"


class GatewayKey(models.Model):
    """A gateway key. The secret is sealed for this row (see `vault`), or read from the environment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="keys")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="keys")
    shared = models.BooleanField(default=False)
    label = models.CharField(max_length=60)
    base_url = models.CharField(max_length=200)
    sealed = models.BinaryField(default=bytes, blank=True)
    vault_key_id = models.CharField(max_length=16, blank=True, db_index=True)
    from_env = models.CharField(max_length=64, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    rotated_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_result = models.CharField(max_length=300, blank=True)
    test_passed = models.BooleanField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # What follows limits a team key; see `keys`. Empty lists mean "all".
    needs_role = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.MEMBER)
    allowed_models = models.JSONField(default=list, blank=True)
    allowed_families = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "team", "label"],
                condition=Q(revoked_at=None, shared=False),
                name="one_live_key_a_label",
            ),
            # Not the owner's own list: a team key changes hands when its owner leaves.
            models.UniqueConstraint(
                fields=["team", "label"],
                condition=Q(revoked_at=None, shared=True),
                name="one_live_team_key_a_label",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} (…{self.last4})"

    @staticmethod
    def visible_to(user: User) -> Q:
        return Q(owner=user) | Q(shared=True)

    def changeable_by(self, user: User, role: int) -> bool:
        return role >= Role.ADMIN if self.shared else self.owner_id == user.pk


class ApiToken(models.Model):
    """How a program gets in. `user` is the person it acts for; a team token has none, see `tokens`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tokens")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens")
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    label = models.CharField(max_length=60)
    name = models.CharField(max_length=16, unique=True)
    token_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.label} (apt_{self.name[:4]}…)"

    @staticmethod
    def visible_to(user: User) -> Q:
        return Q(user=user) | Q(user=None)

    def changeable_by(self, user: User, role: int) -> bool:
        return role >= Role.ADMIN if self.user_id is None else self.user_id == user.pk


class AuditError(Exception):
    """Somebody tried to change what was recorded."""


class AuditEvents(models.QuerySet["AuditEvent"]):
    """Reads and inserts; the rest is refused here as on the row, and a change by the database as well."""

    def update(self, **fields: Any) -> int:
        raise AuditError("an audit event is never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditError("an audit event is never deleted")

    def bulk_update(self, *rows: Any, **options: Any) -> int:
        raise AuditError("an audit event is never changed")


class AuditEvent(models.Model):
    """Who did what to which object; rows are only ever inserted, see `audit`."""

    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    verb = models.CharField(max_length=40)
    target = models.CharField(max_length=100, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)
    detail = models.JSONField(default=dict, blank=True)

    objects = AuditEvents.as_manager()

    class Meta:
        indexes = [
            models.Index(F("team"), F("at").desc(), name="audit_by_team"),
            models.Index(F("team"), F("actor"), F("at").desc(), name="audit_by_actor"),
            models.Index(F("team"), F("verb"), F("at").desc(), name="audit_by_verb"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise AuditError("an audit event is never changed")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise AuditError("an audit event is never deleted")
