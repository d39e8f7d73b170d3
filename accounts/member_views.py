"""Settings → Members: who is in the team, and the invitations into it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, acts, audit, belongings, invitations, teams
from accounts.access import Request
from accounts.models import Invitation, Membership, Role, Team
from accounts.team_forms import InviteForm, PersonForm, RoleForm

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody in the team; `form` is there for who may give them another role."""

    membership: Membership
    form: RoleForm | None
    you: bool


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation, with its link for this one page."""

    invitation: Invitation
    link: str = field(repr=False)
    mailed: bool


@never_cache
@sensitive_variables("token", "link")
@require_http_methods(["GET", "POST"])
def members(request: Request) -> HttpResponse:
    """The list; what is posted is an invitation, whose link is shown this one time."""
    if request.method != "POST":
        return _page(request, _invite_form(request))
    access.allow(request, acts.MEMBERS)
    form = InviteForm(request.team, teams.grantable(request.role), request.POST)
    if request.team.personal_of_id is not None:
        form.add_error(None, "This is your personal team. Make a team to work with others.")
    if not form.is_valid():
        return _page(request, form, status=422)
    invitation, token = invitations.invite(
        form.cleaned_data["email"],
        team=request.team,
        role=form.cleaned_data["role"],
        by=request.user,
        now=timezone.now(),
        ip=audit.ip_of(request),
    )
    return _invited(request, invitation, token)


@require_POST
def change_role(request: Request, pk: UUID) -> HttpResponse:
    membership = _member(request, pk)
    access.allow(request, acts.ROLES)
    form = RoleForm(list(Role), request.POST)
    if not form.is_valid():
        messages.warning(request, "Choose one of the roles.")
        return redirect("members")
    role, user = form.cleaned_data["role"], membership.user
    try:
        teams.change_role(request.team, user, role, by=request.user, ip=audit.ip_of(request))
    except teams.LastOwner as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"{user} is {_article(role)} now.")
    return redirect("members")


@require_http_methods(["GET", "POST"])
def remove(request: Request, pk: UUID) -> HttpResponse:
    """Shows what the person has in the team and who takes it over, then removes them."""
    membership = _member(request, pk)
    access.allow(request, acts.ROLES)
    user, team = membership.user, request.team
    if user == request.user:
        return redirect("team-leave")
    form = PersonForm(team, user, request.POST or None, label="Who takes over what was shared")
    form.initial["user"] = request.user.pk
    problem = ""
    if request.method == "POST" and form.is_valid():
        heir = form.cleaned_data["user"]
        try:
            teams.remove(team, user, by=request.user, heir=heir, ip=audit.ip_of(request))
        except teams.LastOwner as refusal:
            problem = str(refusal)
        else:
            messages.success(request, f"{user} is no longer in {team}.")
            return redirect("members")
    things = belongings.of(user, team, request.user)
    context = {"person": user, "form": form, "things": things, "problem": problem}
    return render(request, "accounts/member_remove.html", context, status=409 if problem else 200)


@require_POST
def revoke_invitation(request: Request, pk: UUID) -> HttpResponse:
    invitation = access.get(Invitation, request, pk, need=acts.MEMBERS.role)
    if invitations.revoke(invitation, by=request.user, now=timezone.now(), ip=audit.ip_of(request)):
        messages.success(request, f"The invitation of {invitation.email} is taken back.")
    else:
        messages.warning(request, "This invitation was no longer open.")
    return redirect("members")


@never_cache
@sensitive_variables("token")
@require_POST
def renew_invitation(request: Request, pk: UUID) -> HttpResponse:
    """A new link in place of the old one, which dies: nobody can read a link again."""
    invitation = access.get(Invitation, request, pk, need=acts.MEMBERS.role)
    team, now, ip = invitation.team, timezone.now(), audit.ip_of(request)
    if team is None or invitations.state(invitation, now) in _OVER:
        raise Http404
    fresh, token = invitations.invite(
        invitation.email, team=team, role=Role(invitation.role), by=request.user, now=now, ip=ip
    )
    return _invited(request, fresh, token)


_OVER = (invitations.State.ACCEPTED, invitations.State.REVOKED)


def _member(request: Request, pk: UUID) -> Membership:
    """By the person's id, in the team in use."""
    rows = access.visible(Membership, request).select_related("user")
    membership = rows.filter(user=pk).first()
    if membership is None:
        raise Http404
    return membership


def _invite_form(request: Request) -> InviteForm:
    return InviteForm(request.team, teams.grantable(request.role))


@sensitive_variables("token", "link")
def _invited(request: Request, invitation: Invitation, token: str) -> HttpResponse:
    link = invitations.address(token)
    mailed = settings.SENDS_MAIL and _mail(invitation, link)
    return _page(request, _invite_form(request), invited=Invited(invitation, link, mailed))


@sensitive_variables("link")
def _mail(invitation: Invitation, link: str) -> bool:
    context = {"invitation": invitation, "link": link}
    text = render_to_string("accounts/invitation.txt", context)
    # A team's name is anybody's choice: it must not add a header.
    subject = " ".join(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}Join {_plain(invitation.team)}".split())
    try:
        return EmailMessage(subject, text, to=[invitation.email]).send() == 1
    except (SMTPException, OSError) as error:
        logger.warning("an invitation could not be mailed: %s", type(error).__name__)
        return False


def _plain(team: Team | None) -> str:
    return team.name if team else "the playground"


def _page(
    request: Request, form: InviteForm, *, status: int = 200, invited: Invited | None = None
) -> HttpResponse:
    now = timezone.now()
    may = request.role >= acts.MEMBERS.role
    rows = access.visible(Membership, request).select_related("user").order_by("-role", "created_at", "pk")
    opened = access.visible(Invitation, request).filter(accepted_at=None, revoked_at=None)
    context = {
        "rows": [_row(request, membership) for membership in rows],
        # Addresses of people who are not in yet are for those who may invite.
        "invitations": list(opened.select_related("invited_by").order_by("-created_at")) if may else [],
        "now": now,
        "form": form,
        "may": may,
        "personal": request.team.personal_of_id is not None,
        "invited": invited,
        "sends_mail": settings.SENDS_MAIL,
        "takes_new": settings.SIGN_UP != "closed",
    }
    return render(request, "accounts/members.html", context, status=status)


def _row(request: Request, membership: Membership) -> Row:
    roles = teams.grantable(request.role)
    form = None
    if membership.role in roles and request.team.personal_of_id is None:
        form = RoleForm(roles, initial=membership.role, auto_id=f"role-{membership.pk}-%s")
    return Row(membership, form, membership.user_id == request.user.pk)


def _article(role: Role) -> str:
    label = role.label.lower()
    return f"an {label}" if label[0] in "aeiou" else f"a {label}"
