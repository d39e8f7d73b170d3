"""Views that people keep: filters under a name, one's own or the team's, and the one to begin with."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Team, User
from playground.history import filters
from playground.history.models import Default, View

MOST = 100


class Refused(Exception):
    """It cannot be kept; the text is a sentence for the person."""


def of(user: User, team: Team) -> QuerySet[View]:
    """One's own and the team's, by name."""
    return (
        View.objects.filter(View.visible_to(user), team=team).select_related("owner").order_by("name", "pk")
    )


def keep(user: User, team: Team, name: str, query: str, *, shared: bool) -> View:
    """Keep these filters; a view of one's own with that name is changed to them."""
    name = " ".join(name.replace("\0", "").split())[:60]
    if not name:
        raise Refused("Give the view a name.")
    asked = filters.read(QueryDict(query[:4000]))
    if not asked.narrows:
        raise Refused("Nothing is filtered: there is nothing to keep.")
    if len(asked.query) > 2000:
        raise Refused("These filters are too long to keep.")
    about = {"query": asked.query, "shared": shared}
    own = View.objects.filter(team=team, owner=user, name__iexact=name)
    if (view := own.first()) is not None:
        View.objects.filter(pk=view.pk).update(**about)
        view.refresh_from_db()
        return view
    if View.objects.filter(team=team, owner=user).count() >= MOST:
        raise Refused(f"There are {MOST} views of yours already. Remove one first.")
    try:
        with transaction.atomic():
            return View.objects.create(team=team, owner=user, name=name, **about)
    except IntegrityError:
        raise Refused("Another page kept a view with this name just now. Try again.") from None


def begin_with(user: User, team: Team, view: View | None) -> None:
    """Let History open with this view; None: with everything."""
    if view is None:
        Default.objects.filter(user=user, team=team).delete()
    else:
        Default.objects.update_or_create(user=user, team=team, defaults={"view": view})


def first(user: User, team: Team) -> View | None:
    """The view to begin with, while the person may still see it."""
    row = Default.objects.filter(user=user, team=team).select_related("view").first()
    if row is None or not (row.view.shared or row.view.owner_id == user.pk):
        return None
    return row.view
