"""Labels point at versions. A protected one moves only by who has the role, or by a review (`reviews`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import access, audit
from accounts.models import Role, Team, User
from playground.library import rights
from playground.library.finding import LATEST
from playground.library.models import Label, LabelRule, Level, Prompt, PromptVersion

PRODUCTION, STAGING = SUGGESTED = ("production", "staging")
MOST_NAMES = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class NeedsRole:
    """Only people of this role in the team, or above, move this label."""

    role: Role


@dataclass(frozen=True, slots=True)
class NeedsReview:
    """Open a change request for it: `reviews.open`."""

    name: str


def point(prompt: Prompt, name: str, version: PromptVersion, user: User) -> Label | NeedsRole | NeedsReview:
    """Make the label name this version of this prompt. Needs edit; ValueError with a sentence for a name
    that is no label ("latest" among them) or a version of another prompt.
    """
    standing = rights.need(user, prompt, Level.EDIT)
    check(prompt, name, version)
    label = prompt.labels.filter(name=name).first()
    if label is not None and label.version_id == version.pk:
        return label
    return _bar(prompt.team_id, name, standing.role) or _move(prompt, name, version, user)


def remove(label: Label, user: User) -> None | NeedsRole | NeedsReview:
    """Take it away, under the same rule; None when done. ValueError when it moved meanwhile."""
    prompt = label.prompt
    standing = rights.need(user, prompt, Level.EDIT)
    if barred := _bar(prompt.team_id, label.name, standing.role):
        return barred
    with transaction.atomic():
        if not Label.objects.filter(pk=label.pk, version=label.version_id).delete()[0]:
            raise ValueError(f"“{label.name}” moved meanwhile.")
        audit.record(user, prompt.team, "label.remove", prompt.slug, label=label.name)
    return None


def rule_of(prompt: Prompt, name: str) -> LabelRule | None:
    return LabelRule.objects.filter(team=prompt.team_id, name=name).first()


def rules(team: Team) -> list[LabelRule]:
    return list(LabelRule.objects.filter(team=team).order_by("name"))


def protect(team: Team, name: str, user: User, *, needs_role: Role | None, needs_review: bool) -> None:
    """Set a team's rule for a label; neither takes the rule away. Needs the role admin (PermissionDenied)."""
    if access.role_of(user, team) < Role.ADMIN:
        raise PermissionDenied("This needs the role admin in the team.")
    if sentence := complaint(name):
        raise ValueError(sentence)
    with transaction.atomic():
        if needs_role is None and not needs_review:
            LabelRule.objects.filter(team=team, name=name).delete()
        else:
            rule = {"needs_role": needs_role, "needs_review": needs_review}
            LabelRule.objects.update_or_create(team=team, name=name, defaults=rule)
        role = Role(needs_role).label.lower() if needs_role else ""
        audit.record(user, team, "label.protect", name, needs_role=role, needs_review=needs_review)


def names(team: Team) -> list[str]:
    """The labels in use in the team, and the suggested ones: one look into the index for each."""
    step = (
        "(SELECT label.name FROM library_label label"
        " JOIN library_prompt prompt ON prompt.id = label.prompt_id WHERE prompt.team_id = %s"
        " AND label.name > {} ORDER BY label.name LIMIT 1)"
    )
    sql = (
        f"WITH RECURSIVE known(name) AS (SELECT {step.format('%s')}"  # noqa: S608 - constants of this function
        f" UNION ALL SELECT {step.format('known.name')} FROM known WHERE known.name IS NOT NULL)"
        " SELECT name FROM known WHERE name IS NOT NULL LIMIT %s"
    )
    pk = team.pk if connection.vendor == "postgresql" else team.pk.hex
    with connection.cursor() as cursor:
        cursor.execute(sql, [pk, "", pk, MOST_NAMES])
        used = [row[0] for row in cursor.fetchall()]
    ruled = LabelRule.objects.filter(team=team).values_list("name", flat=True)
    return [*SUGGESTED, *sorted({*used, *ruled} - set(SUGGESTED))]


def complaint(name: str) -> str:
    """Why this is no name for a label; "" when it is one."""
    if name == LATEST:
        return "“latest” always names the newest version: choose another name."
    if name.isdigit():
        return "A label of digits alone would look like a version's number."
    if not _NAME.match(name):
        return "A label is made of a to z, digits, points, - and _, and has at most 40 of them."
    return ""


def check(prompt: Prompt, name: str, version: PromptVersion) -> None:
    """ValueError unless the name may label this version of this prompt."""
    if sentence := complaint(name):
        raise ValueError(sentence)
    if version.prompt_id != prompt.pk:
        raise ValueError("This version is of another prompt.")


def move_from(
    prompt: Prompt, name: str, base: PromptVersion | None, version: PromptVersion, user: User
) -> bool:
    """Move it if it still points at `base` (None: if there is none yet), whatever the rules say: the way of
    a review. Called within its transaction.
    """
    if base is None:
        return _make(prompt, name, version, user) is not None
    rows = Label.objects.filter(prompt=prompt, name=name, version=base)
    return rows.update(version=version, moved_by=user, moved_at=timezone.now()) == 1


def _bar(team_id: UUID, name: str, role: int) -> NeedsRole | NeedsReview | None:
    rule = LabelRule.objects.filter(team=team_id, name=name).first()
    if rule is None:
        return None
    if rule.needs_review:
        return NeedsReview(name)
    return NeedsRole(Role(rule.needs_role)) if rule.needs_role and role < rule.needs_role else None


def _move(prompt: Prompt, name: str, version: PromptVersion, user: User) -> Label:
    """Who comes last wins; neither of two fails."""
    with transaction.atomic():
        rows = Label.objects.filter(prompt=prompt, name=name)
        moved = rows.update(version=version, moved_by=user, moved_at=timezone.now())
        if not moved and _make(prompt, name, version, user) is None:
            rows.update(version=version, moved_by=user, moved_at=timezone.now())
        audit.record(user, prompt.team, "label.point", prompt.slug, label=name, version=version.number)
        return rows.select_related("version").get()


def _make(prompt: Prompt, name: str, version: PromptVersion, user: User) -> Label | None:
    """None when there is one by now."""
    try:
        with transaction.atomic():
            return Label.objects.create(prompt=prompt, name=name, version=version, moved_by=user)
    except IntegrityError:
        return None
