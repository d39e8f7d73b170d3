"""Who else gets a prompt: its reach, shares with people and roles, another owner; all of it is audited."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import access, audit
from accounts.models import Role, User
from playground.library import rights
from playground.library.models import Level, Prompt, Reach, Share


def reach(prompt: Prompt, user: User, reach: str, team_may: int) -> None:
    """Who sees it at all (Reach), and what the team may do (Level view, run or edit). Needs own; ValueError
    for anything else.
    """
    rights.need(user, prompt, Level.OWN)
    if reach not in Reach.values or team_may not in (Level.VIEW, Level.RUN, Level.EDIT):
        raise ValueError("There is no such reach.")
    if reach == Reach.PRIVATE and prompt.owner_id is None:
        # Otherwise nobody would see it any more.
        raise ValueError("A prompt without an owner cannot be private: make somebody its owner first.")
    with transaction.atomic():
        Prompt.objects.filter(pk=prompt.pk).update(reach=reach, team_may=team_may)
        audit.record(user, prompt.team, "prompt.reach", prompt.slug, reach=reach, team_may=int(team_may))
    prompt.reach, prompt.team_may = reach, team_may


def share(
    prompt: Prompt, user: User, may: int, *, person: User | None = None, role: Role | None = None
) -> Share:
    """Give a member of the team, or everybody from a role up, this level. Needs own. ValueError with a
    sentence when the person is not in the team.
    """
    rights.need(user, prompt, Level.OWN)
    if may not in Level.values or (person is None) == (role is None):
        raise ValueError("Choose a person or a role, and what they may do.")
    if person is not None and not access.role_of(person, prompt.team):
        raise ValueError("Prompts are shared within the team only.")
    with transaction.atomic():
        given, _ = Share.objects.update_or_create(
            prompt=prompt, user=person, role=role, defaults={"may": may}
        )
        audit.record(
            user, prompt.team, "prompt.share", prompt.slug, to=_name(given), may=Level(may).label.lower()
        )
    return given


def unshare(share: Share, user: User) -> None:
    """Needs own; whom it is shared with may give it back."""
    if share.user_id != user.pk:
        rights.need(user, share.prompt, Level.OWN)
    with transaction.atomic():
        audit.record(user, share.prompt.team, "prompt.unshare", share.prompt.slug, to=_name(share))
        share.delete()


def hand_over(prompt: Prompt, user: User, person: User) -> None:
    """Make a member of the team its owner. Needs own; ValueError with a sentence."""
    rights.need(user, prompt, Level.OWN)
    if access.role_of(person, prompt.team) < Role.MEMBER:
        raise ValueError("The owner must be a member of the team, and more than a viewer.")
    with transaction.atomic():
        # Only from whom it was seen to be: two hand-overs at once must not both be told of.
        if not Prompt.objects.filter(pk=prompt.pk, owner=prompt.owner_id).update(owner=person):
            raise PermissionDenied("It has another owner by now.")
        audit.record(user, prompt.team, "prompt.hand_over", prompt.slug, to=str(person))
    prompt.owner = person


def _name(share: Share) -> str:
    return str(share.user) if share.user else f"role {Role(share.role or 0).label.lower()}"
