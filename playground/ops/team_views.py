"""Settings → Team keys: seen by everybody in the team, read by nobody, kept by its admins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, acts, audit
from accounts import keys as use
from accounts.access import Request
from accounts.models import GatewayKey, Role
from playground.ops import keys as kept
from playground.ops.catalog import Outcome, shared_transport
from playground.ops.forms import (
    DetailsForm,
    LimitsForm,
    RotateForm,
    TeamAddForm,
    details_form,
    last_day,
    limits_form,
    rotate_form,
)
from playground.templatetags.frame import FAMILIES


@dataclass(frozen=True, slots=True)
class Row:
    """A team key as the page shows it; the forms are there for admins."""

    key: GatewayKey
    role: Role
    families: list[str]
    problem: str
    expired: bool
    refusal: str
    details: DetailsForm | None = None
    limits: LimitsForm | None = None
    rotation: RotateForm | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.key.base_url).netloc

    @property
    def last_day(self) -> date | None:
        return last_day(self.key)

    @property
    def opened(self) -> bool:
        return any(form is not None and form.errors for form in (self.details, self.limits, self.rotation))


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("secret")
def keys(request: Request) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    access.allow(request, acts.TEAM_KEYS)
    form = TeamAddForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    fields = {name: form.cleaned_data[name] for name in ("label", "base_url", "secret")}
    try:
        key = kept.add(request.user, request.team, **fields, limits=form.limits(), ip=audit.ip_of(request))
    except kept.LabelTaken:
        form.label_taken()
        return _page(request, form=form, status=422)
    _tell(request, _test(request, key), f"“{key.label}” is saved")
    return redirect("team-keys")


@require_POST
def test(request: Request, pk: UUID) -> HttpResponse:
    key = _key(request, pk)
    _tell(request, _test(request, key), f"“{key.label}” is tested")
    return redirect("team-keys")


@require_POST
def change(request: Request, pk: UUID) -> HttpResponse:
    key = _key(request, pk)
    form = details_form(key, request.POST)
    if not form.is_valid():
        return _page(request, shown=_row(request, key, details=form), status=422)
    try:
        moved = kept.change(_key(request, pk), request.user, **form.cleaned_data, ip=audit.ip_of(request))
    except kept.LabelTaken:
        form.add_error("label", "The team has a key of this name already.")
        return _page(request, shown=_row(request, key, details=form), status=422)
    key = _key(request, pk)
    messages.success(request, f"“{key.label}” is changed.")
    if moved:
        _tell(request, _test(request, key), f"“{key.label}” is tested")
    return redirect("team-keys")


@require_POST
def limit(request: Request, pk: UUID) -> HttpResponse:
    key = _key(request, pk)
    form = limits_form(key, request.POST)
    if not form.is_valid():
        return _page(request, shown=_row(request, key, limits=form), status=422)
    if not kept.limit(key, request.user, form.limits(), ip=audit.ip_of(request)):
        raise Http404
    messages.success(request, f"The limits of “{key.label}” hold from now on.")
    return redirect("team-keys")


@require_POST
@sensitive_post_parameters("secret")
def rotate(request: Request, pk: UUID) -> HttpResponse:
    key = _key(request, pk)
    form = rotate_form(key, request.POST)
    if not form.is_valid():
        return _page(request, shown=_row(request, key, rotation=form), status=422)
    secret = form.cleaned_data["secret"]
    if not kept.rotate(key, request.user, secret, timezone.now(), ip=audit.ip_of(request)):
        raise Http404
    _tell(request, _test(request, key), f"“{key.label}” holds the new key")
    return redirect("team-keys")


@require_POST
def revoke(request: Request, pk: UUID) -> HttpResponse:
    key = _key(request, pk)
    kept.revoke(key, request.user, timezone.now(), ip=audit.ip_of(request))
    messages.success(request, f"“{key.label}” is revoked and its secret wiped.")
    return redirect("team-keys")


def _key(request: Request, pk: UUID) -> GatewayKey:
    """A live team key, for who may change it. A person's own is not on this page."""
    key = access.get(GatewayKey, request, pk)
    if not key.shared or key.revoked_at is not None:
        raise Http404
    return access.get(GatewayKey, request, pk, need=acts.TEAM_KEYS.role)


def _test(request: Request, key: GatewayKey) -> Outcome:
    return kept.test(key, request.user, shared_transport(), timezone.now(), ip=audit.ip_of(request))


def _tell(request: Request, outcome: Outcome, done: str) -> None:
    if outcome.ok:
        messages.success(request, f"{done} and works: {outcome.sentence}")
    elif outcome.refused:
        messages.warning(request, f"{done}, but refused by the gateway: {outcome.sentence}")
    else:
        messages.warning(request, f"{done}, but could not be tried: {outcome.sentence}")


def _page(
    request: Request, *, form: TeamAddForm | None = None, shown: Row | None = None, status: int = 200
) -> HttpResponse:
    rows = [_row(request, key) for key in kept.of_team(request.team)]
    if shown is not None:
        rows = [shown if row.key.pk == shown.key.pk else row for row in rows]
    context = {
        "rows": rows,
        "form": form or TeamAddForm(initial={"label": "Team key"}),
        "may": request.role >= acts.TEAM_KEYS.role,
    }
    return render(request, "ops/team_keys.html", context, status=status)


def _row(
    request: Request,
    key: GatewayKey,
    *,
    details: DetailsForm | None = None,
    limits: LimitsForm | None = None,
    rotation: RotateForm | None = None,
) -> Row:
    now = timezone.now()
    expired = use.expired(key, now)
    row = Row(
        key,
        Role(key.needs_role),
        [FAMILIES.get(family, family) for family in key.allowed_families],
        "" if expired else kept.problem(key),
        expired,
        use.refusal(key, request.user, now),
    )
    if request.role < acts.TEAM_KEYS.role:
        return row
    forms = details or details_form(key), limits or limits_form(key), rotation or rotate_form(key)
    return replace(row, details=forms[0], limits=forms[1], rotation=forms[2])
