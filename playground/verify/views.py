"""The page Verify: checks of a key, runs of them, and what is kept of those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access
from accounts.models import GatewayKey, Role
from playground.gateway.wire import FAMILIES
from playground.verify import changes, export, retention, runs, screen, setups
from playground.verify.models import CheckResult, CheckRun
from playground.verify.screen import Request
from playground.verify.table import BY_NAME, CHECKS, Check, named

LONGEST_ID = 255
MODEL_FIELDS = (*FAMILIES, setups.FALLBACK, setups.THINKING)


@require_GET
def index(request: Request) -> HttpResponse:
    """Every check with what was found last, and past runs. `?key=<id>` is about another key."""
    keys = screen.keys_for(request.user, request.team)
    key = _chosen_key(keys, request.GET.get("key", ""))
    setup = setups.of(key) if key else None
    context: dict[str, Any] = {
        "streams": True,
        "keys": keys,
        "key": key,
        "setup": setup,
        "may": screen.may_work(request),
        "notices": screen.notices(request),
        "certificates": screen.certificates(request, key),
        "live": access.visible(CheckRun, request).filter(key=key, state__in=CheckRun.LIVE).first()
        if key
        else None,
    }
    if key is not None:
        chosen = setups.chosen(key, setup)
        context |= {
            "may_switch": _may_switch(request, key),
            "groups": screen.groups(screen.overview(request.user, key)),
            "choices": screen.choices(chosen),
            "options": screen.options(key),
        }
    else:
        context["groups"] = screen.groups(screen.Row(check) for check in CHECKS)
    return render(request, "verify/index.html", context)


@require_POST
def start(request: Request) -> HttpResponse:
    """Begin a run of all checks, the free ones, those that were ticked, or one. Paid ones are asked first."""
    access.need(request, Role.MEMBER)
    key = _key(request, request.POST.get("key", ""))
    chosen = _models(request.POST) or setups.chosen(key)
    _keep(request, key, chosen)
    return _begin(request, key, _wanted(request.POST), chosen, request.POST.get("paid", ""))


def _begin(
    request: Request, key: GatewayKey, checks: list[Check], chosen: Mapping[str, str], answer: str = ""
) -> HttpResponse:
    """`answer` to the question about paid checks: "yes", "without", or "" when it was not asked yet."""
    paid = [check for check in checks if check.cost == "paid"]
    if answer == "without":
        checks = [check for check in checks if check.cost != "paid"]
    elif paid and answer != "yes":
        models = [(name, model) for name, model in chosen.items() if name in MODEL_FIELDS]
        return render(
            request, "verify/paid.html", {"key": key, "paid": paid, "checks": checks, "models": models}
        )
    try:
        begun = runs.begin(request.user, request.team, key, checks, chosen)
    except runs.Refused as error:
        messages.error(request, str(error))
        return redirect(_home(key))
    return redirect("verify:run", pk=begun.pk)


@require_POST
def setup(request: Request) -> HttpResponse:
    """Keep the models to ask, and whether the key is checked every week."""
    access.need(request, Role.MEMBER)
    key = _key(request, request.POST.get("key", ""))
    kept, asked = setups.of(key), request.POST.get("weekly")
    before = kept.weekly
    weekly = before if asked is None else asked == "on"
    if weekly != before and not _may_switch(request, key):
        raise PermissionDenied("Weekly checks of a team key are switched by admins of the team.")
    setups.keep(key, request.user, _models(request.POST) or kept.chosen, weekly=weekly, now=timezone.now())
    messages.success(request, _saved(key, weekly) if weekly != before else "The models are saved.")
    return redirect(_home(key))


def _may_switch(request: Request, key: GatewayKey) -> bool:
    return bool(request.role >= (Role.ADMIN if key.shared else Role.MEMBER))


def _saved(key: GatewayKey, weekly: bool) -> str:
    when = "every week from now on" if weekly else "only when somebody asks for it"
    return f"“{key.label}” is checked {when}."


@require_GET
def run(request: Request, pk: UUID) -> HttpResponse:
    """One run: its rows while it goes on, its certificate when it is over."""
    return render(request, "verify/run.html", _about(request, pk))


@require_GET
def rows(request: Request, pk: UUID) -> HttpResponse:
    """The part of the page that changes while the run goes on."""
    return render(request, "verify/_run.html", _about(request, pk))


@require_GET
def evidence(request: Request, pk: UUID, name: str) -> HttpResponse:
    """What was sent and what came, without any key."""
    found = access.get(CheckRun, request, pk)
    result = found.results.filter(name=name).first()
    if result is None or name not in BY_NAME:
        raise Http404
    context = {"run": found, "row": screen.Row(BY_NAME[name], result), "result": result}
    whole = request.headers.get("HX-Request") != "true"
    return render(request, "verify/evidence.html" if whole else "verify/_evidence.html", context)


@require_GET
def as_json(request: Request, pk: UUID) -> HttpResponse:
    found = access.get(CheckRun, request, pk)
    answer = JsonResponse(export.as_json(found), json_dumps_params={"indent": 2})
    answer.headers["Content-Disposition"] = f'attachment; filename="verify-{found.created_at:%Y-%m-%d}.json"'
    return answer


@require_POST
def stop(request: Request, pk: UUID) -> HttpResponse:
    found = access.get(CheckRun, request, pk, need=Role.MEMBER)
    if not runs.stop(found, timezone.now()):
        messages.info(request, "This run was over already, or is being stopped.")
    return redirect("verify:run", pk=pk)


@require_POST
def again(request: Request, pk: UUID) -> HttpResponse:
    """The same checks with the same key once more, or those that failed (`only=failed`), or one (`name`)."""
    found = access.get(CheckRun, request, pk)
    if access.role_of(request.user, found.team) < Role.MEMBER:
        raise PermissionDenied("This needs the role member in the team.")
    results = found.results.all()
    if request.POST.get("only") == "failed":
        results = results.filter(state=CheckResult.State.FAILED)
    names = request.POST.getlist("name") or list(results.values_list("name", flat=True))
    key = _key(request, str(found.key_id or ""))
    return _begin(request, key, named(names), found.chosen)


@require_POST
def share(request: Request, pk: UUID) -> HttpResponse:
    """Let the team see a run with an own key, or keep it to oneself again."""
    found = access.get(CheckRun, request, pk, need=Role.MEMBER)
    shared = request.POST.get("shared") == "yes"
    CheckRun.objects.filter(pk=pk).update(shared=shared)
    words = "The team sees this certificate now." if shared else f"Only {found.user} sees it now."
    messages.success(request, words)
    return redirect("verify:run", pk=pk)


@require_POST
def pin(request: Request, pk: UUID) -> HttpResponse:
    """Keep a certificate for good, or take the pin out."""
    found = access.get(CheckRun, request, pk, need=Role.MEMBER)
    words = "It is kept for good." if retention.pin(found) else "The pin is taken out."
    messages.success(request, words)
    return redirect("verify:run", pk=pk)


@require_POST
def delete(request: Request, pk: UUID) -> HttpResponse:
    found = access.get(CheckRun, request, pk, need=Role.MEMBER)
    if found.live:
        messages.error(request, "It still runs: stop it first.")
        return redirect("verify:run", pk=pk)
    found.delete()
    messages.success(request, "The certificate is deleted.")
    return redirect("verify:index")


@require_POST
def seen(request: Request, pk: UUID) -> HttpResponse:
    """The notice of a weekly check was read."""
    found = access.get(CheckRun, request, pk, need=Role.MEMBER)
    CheckRun.objects.filter(pk=found.pk).update(notice=False)
    return redirect("verify:run", pk=pk)


def _about(request: Request, pk: UUID) -> dict[str, Any]:
    found = access.get(CheckRun, request, pk)
    shown = screen.rows_of(found)
    last = screen.before(found, request.user)
    role = access.role_of(request.user, found.team)
    mine = role >= Role.MEMBER and found.changeable_by(request.user, role)
    return {
        "streams": True,
        "run": found,
        "groups": screen.groups(shown),
        "certificate": screen.certificate(found, shown),
        "changes": changes.of(found),
        "last": last,
        "mine": mine,
        "kept": retention.KEPT,
        "may": role >= Role.MEMBER,
        "failed": any(row.look == "failed" for row in shown),
    }


def _home(key: GatewayKey) -> str:
    return f"{reverse('verify:index')}?key={key.pk}"


def _key(request: Request, pk: str) -> GatewayKey:
    """A key the person may use now. One that is somebody else's or revoked is not there."""
    key = next((key for key in screen.keys_for(request.user, request.team) if str(key.pk) == pk), None)
    if key is None:
        raise Http404("This key is not yours to use, or is gone.")
    return key


def _chosen_key(keys: list[GatewayKey], pk: str) -> GatewayKey | None:
    if not pk:
        return keys[0] if keys else None
    key = next((key for key in keys if str(key.pk) == pk), None)
    if key is None:
        raise Http404("This key is not yours to use, or is gone.")
    return key


def _wanted(asked: QueryDict) -> list[Check]:
    if one := asked.get("one"):
        return named([one])
    match asked.get("scope"):
        case "all":
            return list(CHECKS)
        case "free":
            return [check for check in CHECKS if check.cost == "free"]
    return named(asked.getlist("name"))


def _models(asked: QueryDict) -> dict[str, str]:
    """The models as the form has them; a field that came empty and was left so chooses nothing, one that was
    emptied (`offered` names it) chooses no model.
    """
    offered, found = set(asked.getlist("offered")), {}
    for name in MODEL_FIELDS:
        model = asked.get(f"model-{name}", "").replace("\0", "").strip()
        if model or f"model-{name}" in offered:
            found[name] = model[:LONGEST_ID]
    return found


def _keep(request: Request, key: GatewayKey, chosen: Mapping[str, str]) -> None:
    """What was chosen for a run is what the next one begins with."""
    kept = setups.of(key)
    if dict(kept.chosen) != {name: model for name, model in chosen.items() if model}:
        setups.keep(key, request.user, chosen, weekly=kept.weekly, now=timezone.now())
