"""Where allauth meets our people: who may sign up, and what a new account gets."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import audit, invitations
from accounts.middleware import CHOSEN
from accounts.models import Team, User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGN_UP == "invitation":
            return invitations.remembered(request) is not None
        return bool(settings.SIGN_UP == "open")

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        """A new account gets its personal team, and the team it was invited to."""
        invitation = invitations.remembered(request)
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            Team.make_personal(user)
            joined = invitation is not None and invitations.accept(
                invitation, user, timezone.now(), audit.ip_of(request)
            )
            if settings.SIGN_UP == "invitation" and not joined:
                # Somebody used or revoked it while the form was being filled in: nothing is made.
                raise ImmediateHttpResponse(redirect("join"))
        if joined and invitation is not None:
            invitations.forget(request)
            if invitation.team_id is not None:
                request.session[CHOSEN] = str(invitation.team_id)
        return user

    def is_safe_url(self, url: Any) -> bool:
        """Only this very site: allauth would follow to every host the site is known by."""
        host = {self.request.get_host()}
        return url_has_allowed_host_and_scheme(url, host, require_https=self.request.is_secure())

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")
