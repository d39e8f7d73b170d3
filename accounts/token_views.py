"""Settings → API tokens: made and shown once, listed without their secret, revoked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, acts, audit, tokens
from accounts.access import Request
from accounts.models import ApiToken
from accounts.team_forms import TokenForm


@never_cache
@sensitive_variables("text")
@require_http_methods(["GET", "POST"])
def listing(request: Request) -> HttpResponse:
    """The person's tokens and the team's; what is posted makes one, whose text is shown this one time."""
    may = request.role >= acts.TEAM_TOKENS.role
    if request.method != "POST":
        return _page(request, TokenForm(may_make_team=may))
    access.allow(request, acts.OWN_TOKENS)
    if request.POST.get("whose") == "team":
        access.allow(request, acts.TEAM_TOKENS)
    form = TokenForm(request.POST, may_make_team=may)
    if not form.is_valid():
        return _page(request, form, status=422)
    token, text = tokens.make(
        request.team,
        form.cleaned_data["label"],
        form.cleaned_data["scopes"],
        by=request.user,
        personal=form.cleaned_data["whose"] == "mine",
        expires_at=form.expires_at(timezone.now()),
        ip=audit.ip_of(request),
    )
    return _page(request, TokenForm(may_make_team=may), made=token, text=text)


@require_POST
def revoke(request: Request, pk: UUID) -> HttpResponse:
    """One's own in whatever role; the team's by its admins."""
    token = access.get(ApiToken, request, pk)
    if token.user_id is None:
        token = access.get(ApiToken, request, pk, need=acts.TEAM_TOKENS.role)
    if tokens.revoke(token, by=request.user, now=timezone.now(), ip=audit.ip_of(request)):
        messages.success(request, f"“{token.label}” is revoked. What still uses it is refused from now on.")
    return redirect("tokens")


@sensitive_variables("text")
def _page(
    request: Request, form: TokenForm, *, status: int = 200, made: ApiToken | None = None, text: str = ""
) -> HttpResponse:
    now = timezone.now()
    live = access.visible(ApiToken, request).filter(revoked_at=None).select_related("made_by")
    rows = [
        (token, [tokens.SCOPES.get(scope, scope) for scope in token.scopes], _ended(token, now))
        for token in live.order_by("user", "-created_at")
    ]
    context = {
        "form": form,
        "mine": [row for row in rows if row[0].user_id is not None],
        "teams": [row for row in rows if row[0].user_id is None],
        "may_team": request.role >= acts.TEAM_TOKENS.role,
        "made": made,
        "text": text,
    }
    return render(request, "accounts/tokens.html", context, status=status)


def _ended(token: ApiToken, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now
