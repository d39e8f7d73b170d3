"""Who may do what with a prompt, and why: the one place that says so.

Levels: view < run < edit < own (`Level`). The owner of a prompt owns it; admins and owners of the team own
what the team sees; everybody else gets the best of what the team may do (`team_may`, when `reach` is the
team) and of the shares with them or their role. Viewers of a team only look, whatever they are given.
A private prompt of somebody else does not exist for whom it is not shared with (404), admins included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404

from accounts.models import Membership, Role, Team, User
from playground.library.models import Level, Prompt, Reach, Share

VERBS = {Level.VIEW: "see", Level.RUN: "run", Level.EDIT: "edit", Level.OWN: "decide about"}


@dataclass(frozen=True, slots=True)
class Standing:
    """`level` 0 is nothing at all. `why` is a sentence for the page; `role` that in the prompt's team."""

    level: int
    why: str
    role: int

    @property
    def name(self) -> str:
        return Level(self.level).label if self.level else "Nothing"


NOTHING = Standing(0, "It is private, and not shared.", 0)


def may(user: User | None, prompt: Prompt) -> Standing:
    """What the person may do with the prompt; None stands for a team token, which is nobody."""
    if user is None:
        return _token(prompt)
    held = _role(prompt.team_id, user)
    return _judge(user.pk, held, prompt, list(prompt.shares.all()) if held else [])


def standings(user: User, prompts: Iterable[Prompt], role: int | None = None) -> dict[UUID, Standing]:
    """The same for many prompts of one team, in two queries; one when the person's role there is known."""
    wanted = list(prompts)
    if not wanted:
        return {}
    role = _role(wanted[0].team_id, user) if role is None else role
    shares: dict[UUID, list[Share]] = defaultdict(list)
    for share in Share.objects.filter(prompt__in=[prompt.pk for prompt in wanted]):
        shares[share.prompt_id].append(share)
    return {prompt.pk: _judge(user.pk, role, prompt, shares[prompt.pk]) for prompt in wanted}


def need(user: User | None, prompt: Prompt, level: Level) -> Standing:
    """Http404 when they may not see it, PermissionDenied with a sentence when they may not do this."""
    standing = may(user, prompt)
    if not standing.level:
        raise Http404
    if standing.level < level:
        raise PermissionDenied(f"You may not {VERBS[level]} this prompt. {standing.why}")
    return standing


def visible(team: Team, user: User | None, role: int | None = None) -> QuerySet[Prompt]:
    """The prompts of the team that the person sees; for a team token those the whole team sees. `role` is
    the person's in the team where the caller knows it already; nobody has 0.
    """
    rows = Prompt.objects.filter(team=team)
    if user is None:
        return rows.filter(reach=Reach.TEAM)
    role = _role(team.pk, user) if role is None else role
    if not role:
        return rows.none()
    # The rule of `Prompt.visible_to`. Within one team the role is a number, and no share needs four joins.
    shared = Share.objects.filter(Q(user=user) | Q(role__lte=role)).values("prompt")
    return rows.filter(Q(owner=user) | Q(reach=Reach.TEAM) | Q(pk__in=shared))


@dataclass(frozen=True, slots=True)
class Person:
    """A line of the Access tab: somebody of the team, what they may do and why."""

    user: User
    standing: Standing


def everybody(prompt: Prompt) -> list[Person]:
    """Who of the team may do what, best level first; those who may nothing are left out."""
    shares = list(prompt.shares.all())
    members = Membership.objects.filter(team=prompt.team_id, user__is_active=True).select_related("user")
    people = [Person(one.user, _judge(one.user_id, one.role, prompt, shares)) for one in members]
    found = [person for person in people if person.standing.level]
    return sorted(found, key=lambda person: (-person.standing.level, str(person.user).lower()))


def _role(team: UUID, user: User) -> int:
    rows = Membership.objects.filter(team=team, user=user, user__is_active=True)
    return rows.values_list("role", flat=True).first() or 0


def _judge(user_id: UUID, role: int, prompt: Prompt, shares: Sequence[Share]) -> Standing:
    if not role:
        return NOTHING
    found = _grounds(user_id, role, prompt, shares)
    level, why = max(found, key=lambda ground: ground[0], default=(0, NOTHING.why))
    if role < Role.MEMBER and level > Level.VIEW:
        return Standing(Level.VIEW, "Viewers of the team only look.", role)
    return Standing(level, why, role)


def _grounds(user_id: UUID, role: int, prompt: Prompt, shares: Sequence[Share]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    if prompt.owner_id == user_id:
        found.append((Level.OWN, "Owner of the prompt."))
    if prompt.reach == Reach.TEAM:
        words = f"Everybody in the team may {VERBS[Level(prompt.team_may)]} it."
        found.append((prompt.team_may, words))
        if role >= Role.ADMIN:
            found.append((Level.OWN, "Admins of the team decide about what the team sees."))
    for share in shares:
        if share.user_id == user_id:
            found.append((share.may, "Shared by name."))
        elif share.role is not None and share.role <= role:
            found.append((share.may, f"Shared with the role {Role(share.role).label.lower()} and above."))
    return found


def _token(prompt: Prompt) -> Standing:
    if prompt.reach != Reach.TEAM:
        return NOTHING
    return Standing(min(prompt.team_may, Level.RUN), "A team token does what the whole team may.", 0)
