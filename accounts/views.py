"""A person's settings, and which team they look at."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Request
from accounts.forms import AccountForm, AppearanceForm, ThemeForm
from accounts.middleware import CHOSEN
from accounts.models import User


@require_GET
def settings(request: Request) -> HttpResponse:
    return redirect("keys")


@require_http_methods(["GET", "POST"])
def appearance(request: Request) -> HttpResponse:
    return _settings_form(request, AppearanceForm, "accounts/appearance.html")


@require_http_methods(["GET", "POST"])
def account(request: Request) -> HttpResponse:
    return _settings_form(request, AccountForm, "accounts/account.html")


@require_POST
def set_theme(request: Request) -> HttpResponse:
    """From the rail's menu: a script has changed the page already and wants no answer."""
    form = ThemeForm(request.POST, instance=request.user)
    if not form.is_valid():
        return HttpResponse("Choose system, light or dark.", status=422, content_type="text/plain")
    form.save()
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204)
    return redirect(back(request))


@require_POST
def switch_team(request: Request) -> HttpResponse:
    """Home, not back: the page one came from belongs to the other team."""
    try:
        team = request.user.teams.filter(pk=request.POST.get("team", "")).first()
    except ValidationError:
        team = None
    if team is None:
        raise Http404
    request.session[CHOSEN] = str(team.pk)
    return redirect("home")


def back(request: HttpRequest) -> str:
    """The page of ours the person came from; home when that cannot be told."""
    came_from = request.POST.get("next") or request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return came_from if safe else "/"


def _settings_form(
    request: Request, form_class: type[AppearanceForm] | type[AccountForm], template: str
) -> HttpResponse:
    # A form writes what it was given into its instance even when it refuses it, and the frame of the
    # page shows the person: so the form works on a copy.
    copy = User.objects.get(pk=request.user.pk)
    form = form_class(request.POST or None, instance=copy)
    if request.method != "POST":
        return render(request, template, {"form": form_class(instance=copy)})
    if not form.is_valid():
        return render(request, template, {"form": form}, status=422)
    form.save()
    messages.success(request, "Saved.")
    return redirect(request.path)
