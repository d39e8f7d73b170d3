"""Usage → Budgets: what team keys and people may use, how it stands, and for admins the form."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, acts, audit
from accounts.access import Request
from accounts.models import Role
from playground.usage import budgets, prices
from playground.usage.forms import BudgetForm
from playground.usage.models import Budget


@require_http_methods(["GET", "POST"])
def page(request: Request) -> HttpResponse:
    access.allow(request, acts.LOOK)
    may = request.role >= Role.ADMIN
    form = BudgetForm(request.team, initial={"holder": request.GET.get("for", "")}) if may else None
    if request.method == "POST":
        access.allow(request, acts.BUDGETS)
        form = BudgetForm(request.team, request.POST)
        if form.is_valid():
            _put(request, form)
            return redirect("usage:budgets")
    rows = access.visible(Budget, request).select_related("key", "person").distinct()
    context = {
        "tab": "budgets",
        "rows": budgets.standing(rows.order_by("key__label", "person__email", "period"), timezone.now()),
        "form": form,
        "currency": prices.currency(request.team.pk),
        "may": may,
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "usage/budgets.html", context, status=status)


def _put(request: Request, form: BudgetForm) -> None:
    key, person = form.holder_row
    budgets.put(
        request.team,
        request.user,
        key=key,
        person=person,
        period=form.cleaned_data["period"],
        measure=form.cleaned_data["measure"],
        limit=form.whole_limit,
        warn_percent=form.cleaned_data["warn_percent"],
        ip=audit.ip_of(request),
    )
    messages.success(request, f"The budget of {key.label if key else person} is kept.")


@require_POST
def remove(request: Request, pk: UUID) -> HttpResponse:
    row = access.get(Budget, request, pk, need=acts.BUDGETS.role)
    budgets.remove(row, request.user, audit.ip_of(request))
    messages.success(request, "The budget is removed.")
    return redirect("usage:budgets")
