"""Settings → My keys."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, audit
from accounts.access import Request
from accounts.models import GatewayKey, Role
from playground.ops import keys as own_keys
from playground.ops.catalog import Outcome, shared_transport
from playground.ops.forms import AddForm, DetailsForm, RotateForm, details_form, rotate_form


@dataclass(frozen=True, slots=True)
class Row:
    """A key as the page shows it. `opened` names the part of the row that is unfolded."""

    key: GatewayKey
    problem: str
    details: DetailsForm
    rotation: RotateForm
    outcome: Outcome | None = None
    opened: bool = False

    @property
    def unreadable(self) -> bool:
        """Pasting the key again helps."""
        return bool(self.problem) and not self.key.from_env and self.key.base_url in settings.GATEWAY_URLS

    @property
    def host(self) -> str:
        return urlsplit(self.key.base_url).netloc


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("secret")
def keys(request: Request) -> HttpResponse:
    """The list, and the form that adds to it."""
    if request.method != "POST":
        return _page(request, _empty_form(request))
    access.need(request, Role.MEMBER)
    form = AddForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        key = own_keys.add(request.user, request.team, **form.cleaned_data, ip=audit.ip_of(request))
    except own_keys.LabelTaken:
        form.label_taken()
        return _page(request, form, status=422)
    _tell_saved(request, key, _test(request, key))
    return redirect("keys")


@require_POST
def test(request: Request, pk: UUID) -> HttpResponse:
    key = _own(request, pk)
    outcome = _test(request, key)
    _tell(request, outcome, f"“{key.label}” works: {outcome.sentence}", f"“{key.label}”: {outcome.sentence}")
    return _row(request, key, outcome=outcome)


@require_POST
def change(request: Request, pk: UUID) -> HttpResponse:
    key = _own(request, pk)
    form = details_form(key, request.POST)
    if not form.is_valid():
        return _row(request, key, details=form)
    try:
        moved = own_keys.change(_own(request, pk), request.user, **form.cleaned_data, ip=audit.ip_of(request))
    except own_keys.LabelTaken:
        form.add_error("label", "You have a key of this name already.")
        return _row(request, key, details=form)
    key = _own(request, pk)
    outcome = _test(request, key) if moved else None
    messages.success(request, f"“{key.label}” is changed.")
    return _row(request, key, outcome=outcome)


@require_POST
@sensitive_post_parameters("secret")
def rotate(request: Request, pk: UUID) -> HttpResponse:
    key = _own(request, pk)
    form = rotate_form(key, request.POST)
    if key.from_env:
        form.add_error("secret", f"This key comes from {key.from_env}: change it there and restart.")
    if not form.is_valid():
        return _row(request, key, rotation=form)
    secret, ip = form.cleaned_data["secret"], audit.ip_of(request)
    if not own_keys.rotate(key, request.user, secret, timezone.now(), ip=ip):
        raise Http404
    outcome = _test(request, key)
    _tell_saved(request, key, outcome)
    return _row(request, key, outcome=outcome)


@require_POST
def revoke(request: Request, pk: UUID) -> HttpResponse:
    key = _own(request, pk)
    own_keys.revoke(key, request.user, timezone.now(), ip=audit.ip_of(request))
    messages.success(request, f"“{key.label}” is revoked and its secret wiped.")
    if request.headers.get("HX-Request") == "true":
        return render(request, "ops/_key_revoked.html", {"key": key})
    return redirect("keys")


def _test(request: Request, key: GatewayKey) -> Outcome:
    return own_keys.test(key, request.user, shared_transport(), timezone.now(), ip=audit.ip_of(request))


def _own(request: Request, pk: UUID) -> GatewayKey:
    """A live key of the person's own: somebody else's, shared or not, is not on this page."""
    key = access.get(GatewayKey, request, pk)
    if key.owner_id != request.user.pk or key.shared or key.revoked_at is not None:
        raise Http404
    return access.get(GatewayKey, request, pk, need=Role.MEMBER)


def _empty_form(request: Request) -> AddForm:
    return AddForm(initial={"label": own_keys.free_label(request.user, request.team)})


def _page(request: Request, form: AddForm, *, shown: Row | None = None, status: int = 200) -> HttpResponse:
    rows = [_as_row(key) for key in own_keys.of(request.user, request.team)]
    if shown is not None:
        rows = [shown if row.key.pk == shown.key.pk else row for row in rows]
    context = {"rows": rows, "form": form, "may_add": request.role >= Role.MEMBER}
    return render(request, "ops/keys.html", context, status=status)


def _as_row(
    key: GatewayKey,
    *,
    details: DetailsForm | None = None,
    rotation: RotateForm | None = None,
    outcome: Outcome | None = None,
) -> Row:
    wrong = bool((details and details.errors) or (rotation and rotation.errors))
    forms = details or details_form(key), rotation or rotate_form(key)
    return Row(key, own_keys.problem(key), *forms, outcome=outcome, opened=wrong)


def _row(
    request: Request,
    key: GatewayKey,
    *,
    details: DetailsForm | None = None,
    rotation: RotateForm | None = None,
    outcome: Outcome | None = None,
) -> HttpResponse:
    """The one row for htmx; without script the page, with the form as it was typed if that was refused."""
    row = _as_row(key, details=details, rotation=rotation, outcome=outcome)
    status = 422 if row.opened else 200
    if request.headers.get("HX-Request") == "true":
        return render(request, "ops/_key_answer.html", {"row": row}, status=status)
    if row.opened:
        return _page(request, _empty_form(request), shown=row, status=status)
    return redirect("keys")


def _tell_saved(request: Request, key: GatewayKey, outcome: Outcome) -> None:
    if outcome.refused:
        failed = f"“{key.label}” is saved, but refused by the gateway: {outcome.sentence}"
    else:
        failed = f"“{key.label}” is saved, but could not be tested: {outcome.sentence}"
    _tell(request, outcome, f"“{key.label}” is saved and works: {outcome.sentence}", failed)


def _tell(request: Request, outcome: Outcome, good: str, bad: str) -> None:
    if outcome.ok:
        messages.success(request, good)
    else:
        messages.warning(request, bad)
