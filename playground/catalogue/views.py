"""The page Models: the catalogue, what changed, one model, its labels, and asking for the lists anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access, acts, audit
from accounts import keys as use
from accounts.models import GatewayKey
from playground.catalogue import (
    comparing,
    contrast,
    dependents,
    detail,
    figures,
    labels,
    listing,
    lists,
    pricing,
    sieve,
    trying,
)
from playground.catalogue.labels import FAMILY_CHOICES, MODALITIES, Labels
from playground.chat.listing import Request
from playground.gateway.assembly import storable
from playground.gateway.wire import FAMILIES
from playground.ops import catalog
from playground.ops.measured import CAPABILITIES, counted
from playground.ops.models import ModelChange

CHANGES = 60


@require_GET
def models(request: Request) -> HttpResponse:
    """The catalogue; htmx gets the list alone."""
    keys, now = _keys(request), timezone.now()
    asked = sieve.read(request.GET, {key.pk for key in keys})
    seen = counted(request.team, request.user, request.role)
    page = listing.page(request.team, keys, seen, asked, now)
    context: dict[str, Any] = {"asked": asked, "page": page, "keys": keys, "now": now}
    context["views"] = [(view, *_asked(asked, view=view)) for view in sieve.VIEWS]
    context["following"] = _asked(asked, after=page.next) if page.next else ()
    context["earlier"] = _asked(asked, before=page.previous) if page.previous else ()
    here = {row.model for row in page.rows}
    context["marked_elsewhere"] = [model for model in asked.marked if model not in here]
    if request.htmx and request.htmx.target == "models":
        response = render(request, "catalogue/_models.html", context)
        way = "HX-Replace-Url" if request.htmx.trigger_name == "q" else "HX-Push-Url"
        query = asked.query(after=asked.after, before=asked.before)
        response.headers[way] = f"{reverse('catalogue:models')}{f'?{query}' if query else ''}"
        return response
    return render(request, "catalogue/models.html", context | _around(request, keys))


def _asked(asked: sieve.Sieve, **changes: str) -> tuple[str, str]:
    """For a link: the address, and what htmx asks for; it adds the marks as they are then."""
    return asked.query(**changes), asked.query(**changes, marked=())


def _around(request: Request, keys: list[GatewayKey]) -> dict[str, Any]:
    """What stands beside the list: the choices of the filters, and how the lists of the keys stand."""
    states = lists.of(keys, request.team, request.user, request.role, timezone.now())
    return {
        "states": sieve.STATES.items(),
        "families": FAMILY_CHOICES.items(),
        "modalities": MODALITIES.items(),
        "capabilities": CAPABILITIES.values(),
        "standings": sieve.STANDINGS.items(),
        "uses": labels.uses_of(request.team.pk),
        "states_of_keys": states,
        "troubles": lists.troubles(states),
    }


def _keys(request: Request) -> list[GatewayKey]:
    """The live keys the person knows of: their own, then the team's, the demo's last."""
    rows = access.visible(GatewayKey, request).filter(revoked_at=None).select_related("owner")
    return sorted(rows, key=lambda key: (key.is_demo, key.shared, key.label.lower(), str(key.pk)))


@require_GET
def changes(request: Request) -> HttpResponse:
    """What the lists of the person's keys said that they had not said before, the latest first."""
    keys = _keys(request)
    rows = ModelChange.objects.filter(key__in=[key.pk for key in keys]).select_related("key")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) <= 18:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: CHANGES + 1])
    context = {
        "changes": found[:CHANGES],
        "lists": detail.LIST_WORDS,
        "older": found[CHANGES - 1].pk if len(found) > CHANGES else None,
        "begins": not before,
    }
    return render(request, "catalogue/changes.html", context)


@require_POST
def refresh(request: Request, pk: UUID) -> HttpResponse:
    """Ask the gateway for the lists of a key now."""
    key = access.get(GatewayKey, request, pk)
    if key.revoked_at is not None:
        raise Http404
    role = access.role_of(request.user, key.team)
    access.need(request, acts.WORK.role)
    if refusal := use.refusal(key, request.user, timezone.now()):
        raise PermissionDenied(refusal)
    outcome = catalog.refresh(key, catalog.shared_transport(), timezone.now())
    key.refresh_from_db()
    told = f"“{key.label}”: {outcome.sentence}"
    if not request.htmx:
        (messages.success if outcome.ok else messages.warning)(request, told)
        return redirect("catalogue:models")
    (row,) = lists.of([key], key.team, request.user, role, timezone.now())
    response = render(request, "catalogue/_key.html", {"row": row, "asked_now": True})
    # The list itself is asked for again by the page.
    toast = {"text": told, "level": "success" if outcome.ok else "warning"}
    response.headers["HX-Trigger"] = json.dumps({"toast": toast, "models-refreshed": ""})
    return response


@require_GET
def model(request: Request) -> HttpResponse:
    """One model, by `id`."""
    return _model(request, _id(request.GET.get("id", "")))


@require_GET
def compare(request: Request) -> HttpResponse:
    """Two to four models side by side, by their ids in `model`; too few or too many are asked for anew."""
    marked, keys = sieve.marked(request.GET), _keys(request)
    finding = "find" in request.GET
    if len(marked) > comparing.MOST:
        refusal = (
            f"{len(marked)} are marked. At most {comparing.MOST} models stand side by side: unmark some."
        )
        return _choose(request, keys, marked, refusal=refusal)
    if len(marked) < comparing.FEWEST or finding:
        refusal = "" if finding or not marked else "One alone is no comparison: mark a second model."
        return _choose(request, keys, marked, refusal=refusal)
    seen, now = counted(request.team, request.user, request.role), timezone.now()
    columns = comparing.columns(request.team, request.user, request.role, keys, seen, marked, now)
    known = [column.model for column in columns]
    unknown = [model for model in marked if model not in known]
    if len(known) < comparing.FEWEST:
        return _choose(request, keys, tuple(known), unknown=unknown, refusal="Too few are left to compare.")
    differing = request.GET.get("rows") == "differ"
    groups = contrast.groups(columns, request.team, now, request.get_full_path())
    context = {
        "columns": [(column, _compared(known, differing, without=column.model)) for column in columns],
        "groups": contrast.differing(groups) if differing else groups,
        "equal": sum(row.equal for group in groups for row in group.rows),
        "differing": differing,
        "toggled": _compared(known, not differing),
        "adding": _compared(known, False) + "&find=1" if len(known) < comparing.MOST else "",
        "asking": urlencode({"model": known}, doseq=True),
        "unknown": unknown,
        "everybody": columns[0].figures.everybody,
        "now": now,
        "may_work": request.role >= acts.WORK.role,
        "may_price": request.role >= acts.PRICES.role,
    }
    return render(request, "catalogue/compare.html", context)


def _compared(models: Sequence[str], differing: bool, *, without: str = "") -> str:
    """The query of a comparison; of one model alone it is the form."""
    kept = [model for model in models if model != without]
    told: dict[str, Any] = {"model": kept} | ({"rows": "differ"} if differing else {})
    return urlencode(told | ({"find": 1} if len(kept) < comparing.FEWEST else {}), doseq=True)


def _choose(
    request: Request,
    keys: list[GatewayKey],
    marked: Sequence[str],
    *,
    refusal: str = "",
    unknown: Sequence[str] = (),
) -> HttpResponse:
    """The form that marks models, with those already marked."""
    seen, words = counted(request.team, request.user, request.role), sieve.read(request.GET, ()).words
    page = listing.page(request.team, keys, seen, sieve.Sieve(words=words, state="any"), timezone.now())
    others = [row for row in page.rows if row.model not in marked]
    context = {
        "marked": marked,
        "refusal": refusal,
        "unknown": unknown,
        "words": words,
        "others": others[: comparing.OFFERED],
        "more": page.total > comparing.OFFERED,
        "most": comparing.MOST,
    }
    status = 422 if refusal or unknown else 200
    return render(request, "catalogue/choose.html", context, status=status)


def _model(
    request: Request, model_id: str, *, typed: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    team, user, now, keys = request.team, request.user, timezone.now(), _keys(request)
    seen = counted(team, user, request.role)
    shown = detail.shown(keys, user, model_id, now)
    said = labels.of(team.pk, [model_id]).get(model_id, labels.NONE)
    lines = detail.measured(seen, user, model_id)
    if not detail.exists(shown, said, lines):
        raise Http404
    families = detail.families_for(said, lines, shown)
    chosen = FAMILIES.get(request.GET.get("family", ""), families[0])
    key = next((row.key for row in shown if not row.refusal and not row.entry.gone_at), None)
    context = {
        "model_id": model_id,
        "name": next((row.entry.name for row in shown if row.entry.name), model_id),
        "shown": shown,
        "there": any(not row.entry.gone_at for row in shown),
        "said": said,
        "typed": typed,
        "label_families": FAMILY_CHOICES.items(),
        "modalities": MODALITIES.items(),
        "lines": lines,
        "figures": figures.of(team, user, request.role, model_id, now),
        "dependents": dependents.of(team, user, keys, model_id),
        "prices": pricing.of(
            request, model_id, detail.families_used(families, said, lines), address(model_id), now
        ),
        "changes": detail.changes(keys, model_id),
        "lists": detail.LIST_WORDS,
        "families": families,
        "code_family": chosen,
        "programs": detail.programs(chosen, model_id, key),
        "routes": detail.routes(model_id),
        "raw": json.dumps(detail.told_by_gateway(shown), indent=2, ensure_ascii=False, sort_keys=True),
        "key": key,
        "may_work": request.role >= acts.WORK.role,
        "may_label": request.role >= acts.MODELS.role,
    }
    return render(request, "catalogue/model.html", context, status=status)


@require_POST
def label(request: Request) -> HttpResponse:
    """The team's labels of a model, as the form has them."""
    access.allow(request, acts.MODELS)
    model_id = _id(request.POST.get("id", ""))
    _known(request, model_id)
    sent = request.POST
    families, modalities, uses = sent.getlist("family"), sent.getlist("modality"), sent.get("uses", "")
    try:
        wanted = labels.read(families, modalities, storable(uses[:1000]))
    except labels.TooMany as error:
        typed = {"families": families, "modalities": modalities, "uses": uses, "error": str(error)}
        return _model(request, model_id, typed=typed, status=422)
    now, ip = timezone.now(), audit.ip_of(request)
    if labels.put(request.team, request.user, model_id, wanted, now, ip):
        messages.success(request, "The labels are saved for the team.")
    else:
        messages.info(request, "Nothing was changed.")
    return redirect(f"{address(model_id)}#labels")


def _known(request: Request, model_id: str) -> None:
    """404 for an id that nothing is known of: labels would bring any word into the list otherwise."""
    keys = _keys(request)
    if not detail.shown(keys, request.user, model_id, timezone.now()):
        seen = counted(request.team, request.user, request.role)
        said = labels.of(request.team.pk, [model_id]).get(model_id, Labels())
        if not detail.exists([], said, detail.measured(seen, request.user, model_id)):
            raise Http404


@require_POST
def attempt(request: Request) -> HttpResponse:
    """Open a new chat with the model chosen."""
    access.allow(request, acts.WORK)
    model_id = _id(request.POST.get("id", ""))
    _known(request, model_id)
    family = FAMILIES.get(request.POST.get("family", ""))
    if family is None:
        raise Http404
    shown = detail.shown(_keys(request), request.user, model_id, timezone.now())
    fits = [row.key for row in shown if not row.refusal and not row.entry.gone_at and family in row.families]
    usable = [row.key for row in shown if not row.refusal]
    trying.begin(request, model_id, family, next(iter([*fits, *usable]), None))
    return redirect("chat:new")


def _id(text: str) -> str:
    if not sieve.fits(text):
        raise Http404
    return text


def address(model_id: str) -> str:
    """Where a model is looked at. Its id stands in the query: it may hold slashes, dots and anything else."""
    return f"{reverse('catalogue:model')}?{urlencode({'id': model_id})}"
