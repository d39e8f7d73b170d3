"""Who may do what: the only way a view gets an object.

The rule is default-deny. A model is reachable only when it names its team (a `team` field, or a class
attribute `team_path` such as "conversation__team"); what a person cannot see does not exist for them
(404), what they see but may not do is refused (403). Superusers pass through the same door.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest

from accounts.acts import Act
from accounts.models import Membership, Role, Team, User

Row = TypeVar("Row", bound=Model)


class Request(HttpRequest):
    """What a view of a signed-in person receives: for annotations only, see `middleware`."""

    user: User
    team: Team
    role: Role


def get(model: type[Row], request: HttpRequest, pk: Any, *, need: Role = Role.VIEWER) -> Row:
    """The row, if the person at the other end may have it; Http404 or PermissionDenied if not."""
    return check(model, _user(request), pk, need=need)


def check(model: type[Row], user: User, pk: Any, *, need: Role = Role.VIEWER) -> Row:
    """The same without a request; used by streams, which outlive theirs."""
    rows = model._default_manager.annotate(_access_role=_role_in(model, user))
    try:
        row = rows.filter(_seen_by(model, user), pk=pk, _access_role__isnull=False).first()
    except (ValidationError, ValueError, TypeError):
        row = None  # no such id can exist
    if row is None:
        raise Http404
    role: int = vars(row).pop("_access_role")
    if role < need:
        raise PermissionDenied(_refusal(need))
    changeable = getattr(row, "changeable_by", None)
    if need >= Role.MEMBER and changeable is not None and not changeable(user, role):
        raise PermissionDenied("Only its owner may change this.")
    return row


def visible(model: type[Row], request: HttpRequest) -> QuerySet[Row]:
    """The rows of the team in use that the person may see."""
    user, team = _user(request), getattr(request, "team", None)
    if not team:
        return model._default_manager.none()
    return model._default_manager.filter(_seen_by(model, user), **{_team_path(model): team.pk})


def need(request: HttpRequest, role: Role) -> None:
    """For making things in the team in use."""
    _user(request)
    if not getattr(request, "role", 0) >= role:
        raise PermissionDenied(_refusal(role))


def allow(request: HttpRequest, act: Act) -> None:
    """The same by the table of `acts`."""
    need(request, act.role)


def role_of(user: User, team: Team) -> int:
    """The person's role in the team, 0 for none."""
    rows = Membership.objects.filter(team=team, user=user, user__is_active=True)
    return rows.values_list("role", flat=True).first() or 0


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


def _seen_by(model: type[Model], user: User) -> Q:
    rule = getattr(model, "visible_to", None)
    return rule(user) if rule is not None else Q()


def _role_in(model: type[Model], user: User) -> Subquery:
    own = Membership.objects.filter(team=OuterRef(_team_path(model)), user=user, user__is_active=True)
    return Subquery(own.values("role")[:1])


def _team_path(model: type[Model]) -> str:
    path: str | None = getattr(model, "team_path", None)
    if path is None:
        try:
            model._meta.get_field("team")
        except FieldDoesNotExist:
            raise TypeError(f"{model.__name__} names no team, so nobody may have it") from None
        path = "team"
    return path


def _refusal(role: Role) -> str:
    return f"This needs the role {role.label.lower()} in the team."
