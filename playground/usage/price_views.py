"""Usage → Prices: what models cost the team, from when on, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, acts, audit
from accounts.access import Request
from accounts.models import Role
from playground.usage import prices, reading, report
from playground.usage.forms import CurrencyForm, ModelForm, PriceForm, price_form
from playground.usage.models import Price
from playground.usage.prices import Figures
from playground.usage.reading import Scope
from playground.usage.report import Unpriced

LOOKED_BACK = 90


@dataclass(frozen=True, slots=True)
class Row:
    """A price as lists show it."""

    price: Price
    said: Figures
    now: bool
    """Whether it is in force at this moment."""


def rows_of(found: list[Price]) -> list[Row]:
    now = timezone.now()
    return [
        Row(
            price,
            prices.figures(price),
            price.replaced_at is None and price.since <= now and (price.until is None or now < price.until),
        )
        for price in found
    ]


@require_http_methods(["GET", "POST"])
def prices_page(request: Request) -> HttpResponse:
    """The prices that hold, models without one, and the currency; a POST changes that."""
    access.allow(request, acts.LOOK)
    form = CurrencyForm(initial={"code": prices.currency(request.team.pk)})
    status = 200
    if request.method == "POST":
        access.allow(request, acts.PRICES)
        form = CurrencyForm(request.POST)
        if form.is_valid():
            prices.set_currency(request.team, request.user, form.cleaned_data["code"], audit.ip_of(request))
            messages.success(request, f"Prices are in {form.cleaned_data['code']} from now on.")
            return redirect("usage:prices")
        status = 422
    live = access.visible(Price, request).filter(replaced_at=None).order_by("family", "model", "-since")
    context = {
        "tab": "prices",
        "rows": rows_of(list(live[:2000])),
        "unpriced": _unpriced(request),
        "currency": prices.currency(request.team.pk),
        "currency_form": form,
        "model_form": ModelForm(),
        "may": request.role >= Role.ADMIN,
    }
    return render(request, "usage/prices.html", context, status=status)


def _unpriced(request: Request) -> list[Unpriced]:
    """Of the last ninety days."""
    end = reading.slot_at(timezone.now()) + 1
    window = reading.Window(end - LOOKED_BACK * 24, end)
    scope = Scope(request.team.pk, None if request.role >= Role.ADMIN else request.user.pk)
    return report.unpriced(scope, window)


@require_http_methods(["GET", "POST"])
def price(request: Request) -> HttpResponse:
    """One model's prices, `?family=&model=`: the history, and for admins the form."""
    access.allow(request, acts.LOOK)
    which = ModelForm(request.GET)
    if not which.is_valid():
        messages.error(request, "Name a model by its family and its exact id.")
        return redirect("usage:prices")
    family, model = which.cleaned_data["family"], which.cleaned_data["model"]
    held = access.visible(Price, request).filter(family=family, model=model)
    now = timezone.now()
    form, status = price_form(prices.in_force(request.team.pk, family, model, now), now), 200
    if request.method == "POST":
        access.allow(request, acts.PRICES)
        form = PriceForm(request.POST)
        if form.is_valid():
            since, ip = form.begins_at, audit.ip_of(request)
            prices.enter(request.team, request.user, family, model, since, form.said, ip)
            messages.success(request, f"The price of {model} is kept from {since:%-d %b %Y} on.")
            return redirect(_back(request, family, model))
        status = 422
    context = {
        "tab": "prices",
        "family": family,
        "model": model,
        "form": form,
        "rows": rows_of(list(held.select_related("made_by").order_by("-since", "-made_at")[:500])),
        "currency": prices.currency(request.team.pk),
        "may": request.role >= Role.ADMIN,
        "next": request.GET.get("next", ""),
    }
    return render(request, "usage/price.html", context, status=status)


@require_POST
def take_back(request: Request, pk: UUID) -> HttpResponse:
    row = access.get(Price, request, pk, need=acts.PRICES.role)
    prices.take_back(row, request.user, audit.ip_of(request))
    messages.success(request, "The price is taken back. It stays in the history.")
    return redirect(address(row.family, row.model))


def address(family: str, model: str) -> str:
    return f"{reverse('usage:price')}?{urlencode({'family': family, 'model': model})}"


def _back(request: Request, family: str, model: str) -> str:
    """To the page that sent the person here, when it is one of ours."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if ours and wanted.startswith("/") else address(family, model)
