"""Settings → Teams and Roles: making, naming, leaving, handing over and deleting a team."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access, acts, audit, belongings, teams
from accounts.access import Request
from accounts.middleware import CHOSEN
from accounts.models import Membership, Role
from accounts.team_forms import DeleteForm, NameForm, PersonForm


@require_http_methods(["GET", "POST"])
def overview(request: Request) -> HttpResponse:
    """The team in use, all teams of the person, and the form that makes one."""
    if request.method != "POST":
        return _overview(request, NameForm(auto_id="new-%s"))
    form = NameForm(request.POST, auto_id="new-%s")
    if not form.is_valid():
        return _overview(request, form, status=422)
    team = teams.make(form.cleaned_data["name"], by=request.user, ip=audit.ip_of(request))
    request.session[CHOSEN] = str(team.pk)
    messages.success(request, f"{team} is made. Invite people into it.")
    return redirect("members")


@require_POST
def rename(request: Request) -> HttpResponse:
    access.allow(request, acts.RENAME)
    form = NameForm(request.POST)
    if not form.is_valid():
        return _overview(request, NameForm(auto_id="new-%s"), naming=form, status=422)
    teams.rename(request.team, form.cleaned_data["name"], by=request.user, ip=audit.ip_of(request))
    messages.success(request, "Renamed.")
    return redirect("teams")


@require_POST
def hand_over(request: Request) -> HttpResponse:
    access.allow(request, acts.HAND_OVER)
    form = PersonForm(request.team, request.user, request.POST)
    if not form.is_valid():
        messages.warning(request, "Choose somebody who is in the team.")
        return redirect("teams")
    heir = form.cleaned_data["user"]
    teams.hand_over(request.team, heir, by=request.user, ip=audit.ip_of(request))
    messages.success(request, f"{heir} is the owner of {request.team} now. You are an admin.")
    return redirect("teams")


@require_http_methods(["GET", "POST"])
def delete(request: Request) -> HttpResponse:
    access.allow(request, acts.DELETE)
    team = request.team
    form = DeleteForm(team, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            teams.delete(team, by=request.user, ip=audit.ip_of(request))
        except teams.Personal as refusal:
            messages.warning(request, str(refusal))
            return redirect("teams")
        request.session.pop(CHOSEN, None)
        messages.success(request, f"{form.cleaned_data['name']} is deleted.")
        return redirect("teams")
    context = {"form": form, "things": belongings.in_team(team)}
    return render(request, "accounts/team_delete.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def leave(request: Request) -> HttpResponse:
    """Shows what will happen to what the person has in the team, then does it."""
    team, user = request.team, request.user
    heirs = PersonForm(team, user, request.POST or None, label="Who takes over what you shared")
    problem = _why_not_leave(request)
    if request.method == "POST" and not problem and heirs.is_valid():
        name = team.name
        try:
            teams.remove(team, user, by=user, heir=heirs.cleaned_data["user"], ip=audit.ip_of(request))
        except teams.LastOwner as refusal:
            problem = str(refusal)
        else:
            request.session.pop(CHOSEN, None)
            messages.success(request, f"You have left {name}.")
            return redirect("teams")
    owner = access.visible(Membership, request).exclude(user=user).order_by("-role").first()
    things = belongings.of(user, team, owner.user) if owner else []
    context = {"form": heirs, "things": things, "problem": problem, "alone": owner is None}
    status = 409 if problem and request.method == "POST" else 200
    return render(request, "accounts/team_leave.html", context, status=status)


@require_GET
def roles(request: Request) -> HttpResponse:
    """The matrix of `acts`, the person's own role marked."""
    context = {
        "groups": {
            name: [(act, [(role, role >= act.role) for role in Role]) for act in group]
            for name, group in acts.groups().items()
        },
        "roles": [(role, role.label, acts.ABOUT[role]) for role in Role],
        "own": Role(int(request.role)),
    }
    return render(request, "accounts/roles.html", context)


def _why_not_leave(request: Request) -> str:
    if request.team.personal_of_id is not None:
        return "This is your personal team: it goes with your account."
    return teams.LAST_OWNER if teams.is_last_owner(request.team, request.user) else ""


def _overview(
    request: Request, form: NameForm, *, naming: NameForm | None = None, status: int = 200
) -> HttpResponse:
    rows = request.user.membership_set.select_related("team").order_by("team__personal_of", "team__name")
    context = {
        "form": form,
        "naming": naming or NameForm(initial={"name": request.team.name}),
        "memberships": rows,
        "personal": request.team.personal_of_id is not None,
        "may_rename": request.role >= acts.RENAME.role,
        "may_delete": request.role >= acts.DELETE.role,
        "heirs": PersonForm(request.team, request.user, label="New owner"),
    }
    return render(request, "accounts/teams.html", context, status=status)
