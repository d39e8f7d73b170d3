"""The doors: the sign-in page, one-time links and invitations."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from accounts import audit, invitations, links
from accounts.forms import SignInForm
from accounts.middleware import CHOSEN
from accounts.models import Invitation, User


class SignIn(LoginView):  # type: ignore[misc] # allauth ships no types
    """Offers to make an account only to those who may."""

    form_class = SignInForm

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        may_sign_up = get_adapter(self.request).is_open_for_signup(self.request)
        found: dict[str, Any] = super().get_context_data(may_sign_up=may_sign_up, **context)
        return found


@login_not_required
@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Looking uses nothing up, so a mail scanner or a preview cannot spend the link; the form does."""
    if request.method == "POST":
        state, user = links.consume(token, timezone.now())
        return _enter(request, user) if user else _dead_link(request, state)
    state, user = links.find(token, timezone.now())
    here = request.user if request.user.is_authenticated else None
    if state is links.State.USED and user is not None and here == user:
        return redirect("home")
    if state is not links.State.GOOD:
        return _dead_link(request, state)
    # Nobody is carried from one account into another without a click.
    at_once = here is None or here == user
    return render(request, "accounts/enter.html", {"person": user, "here": here, "at_once": at_once})


def _enter(request: HttpRequest, user: User) -> HttpResponse:
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    audit.record(user, user.personal_team, "link.use", user.email, audit.ip_of(request))
    return redirect("home")


def _dead_link(request: HttpRequest, state: links.State) -> HttpResponse:
    status = 404 if state is links.State.UNKNOWN else 410
    return render(request, "accounts/dead_link.html", {"state": state.value}, status=status)


@login_not_required
@never_cache
@sensitive_variables("token")
@require_GET
def join_by_link(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitations.by_token(token)
    state = invitations.state(invitation, timezone.now())
    if invitation is None or state is not invitations.State.OPEN:
        return _dead_invitation(request, state)
    invitations.remember(request, invitation)
    return redirect("join")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Shows the invitation the visitor came with; somebody signed in under its address accepts it here."""
    invitation = invitations.remembered(request)
    if invitation is None:
        return _without_invitation(request)
    user = request.user if request.user.is_authenticated else None
    theirs = user is not None and user.email == invitation.email
    if request.method == "POST" and user is not None and theirs:
        return _join(request, invitation, user)
    context = {"invitation": invitation, "theirs": theirs, "can_sign_up": settings.SIGN_UP != "closed"}
    status = 403 if request.method == "POST" or (user is not None and not theirs) else 200
    return render(request, "accounts/join.html", context, status=status)


def _without_invitation(request: HttpRequest) -> HttpResponse:
    """A new account comes here, its invitation accepted on the way; anybody else had none, or lost it."""
    if request.user.is_authenticated and invitations.SESSION_KEY not in request.session:
        return redirect("home")
    invitations.forget(request)
    return _dead_invitation(request, invitations.State.UNKNOWN)


def _join(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    if not invitations.accept(invitation, user, timezone.now(), audit.ip_of(request)):
        return _dead_invitation(request, invitations.State.ACCEPTED)
    invitations.forget(request)
    if invitation.team is not None:
        request.session[CHOSEN] = str(invitation.team.pk)
        messages.success(request, f"You are now in {invitation.team}.")
    return redirect("home")


def _dead_invitation(request: HttpRequest, state: invitations.State) -> HttpResponse:
    status = 404 if state is invitations.State.UNKNOWN else 410
    return render(request, "accounts/dead_invitation.html", {"state": state.value}, status=status)
