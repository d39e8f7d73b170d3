"""The forms of prices and budgets: figures as people write them."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.templatetags.frame import FAMILIES
from playground.usage.models import MICRO, NANO, UNITS, Budget, Price
from playground.usage.prices import MOST_MICRO, Figures, figures

MOST_PRICE = Decimal(MOST_MICRO) / MICRO
MOST_MONEY, MOST_TOKENS = 1_000_000_000, 10**15
PRICE_FIELDS = ("input", "output", "cache_read", "cache_write")


def _figure(label: str, help: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label, help_text=help, required=False, min_value=0, max_value=MOST_PRICE, decimal_places=6
    )


class PriceForm(forms.Form):
    """A price from a day on: per million tokens, or per unit. Nothing filled in means unknown."""

    since = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), help_text="Its first day, in your time."
    )
    input = _figure("Input")
    output = _figure("Output", "Reasoning is part of it.")
    cache_read = _figure("Read from the cache", "Empty: as input.")
    cache_write = _figure("Written to the cache", "Empty: as input.")
    per_unit = _figure("Price of one")
    unit = forms.ChoiceField(
        label="Of", required=False, choices=[("", "no unit"), *((name, name) for name in UNITS)]
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        tokens = [name for name in PRICE_FIELDS if data.get(name) is not None]
        if tokens and ("input" not in tokens or "output" not in tokens):
            missing = "output" if "input" in tokens else "input"
            self.add_error(missing, "Give input and output both: without one of them no cost is known.")
        if (data.get("per_unit") is not None) != bool(data.get("unit")):
            self.add_error("per_unit", "A price of a unit needs both the figure and what it is of.")
        if tokens and data.get("per_unit") is not None:
            self.add_error(None, "A model costs by tokens or by units, not both.")
        return data

    @property
    def begins_at(self) -> datetime:
        day = self.cleaned_data["since"]
        return datetime.combine(day, time(), timezone.get_current_timezone())

    @property
    def said(self) -> Figures:
        names = (*PRICE_FIELDS, "unit", "per_unit")
        return Figures(**{name: self.cleaned_data[name] for name in names})


def price_form(price: Price | None, now: datetime) -> PriceForm:
    """The form as it opens: from today, with the figures in force."""
    initial: dict[str, Any] = {"since": timezone.localtime(now).date()}
    if price is not None:
        told = figures(price)
        initial |= {name: _plain(getattr(told, name)) for name in (*PRICE_FIELDS, "per_unit")}
        initial["unit"] = told.unit
    return PriceForm(initial=initial)


def _plain(figure: Decimal | None) -> str:
    return "" if figure is None else f"{figure:f}"


class ModelForm(forms.Form):
    """Which model a price is for, by its exact id."""

    family = forms.ChoiceField(label="Family", choices=list(FAMILIES.items()))
    model = forms.CharField(label="Model", max_length=255, help_text="Its id, exactly as runs name it.")


class CurrencyForm(forms.Form):
    code = forms.RegexField(
        r"^[A-Za-z]{3}$",
        label="Currency of all prices",
        max_length=3,
        error_messages={"invalid": "A currency has three letters: USD, EUR, CNY."},
        help_text="Figures stay as they are when this changes.",
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].upper()
        return code


class BudgetForm(forms.Form):
    """Whose budget it is, of how much. `holder`: "key:<id>" or "person:<id>"."""

    holder = forms.ChoiceField(label="For")
    measure = forms.ChoiceField(label="Counted in", choices=Budget.Measure.choices)
    limit = forms.DecimalField(label="At most", min_value=0, decimal_places=2, max_digits=17)
    period = forms.ChoiceField(label="In", choices=[("day", "a day"), ("month", "a calendar month")])
    warn_percent = forms.IntegerField(
        label="Warn at (%)", min_value=1, max_value=100, initial=80, help_text="Of the budget."
    )

    def __init__(self, team: Team, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.keys = list(GatewayKey.objects.filter(team=team, shared=True, revoked_at=None).order_by("label"))
        self.people = list(team.members.filter(is_active=True).order_by("name", "email"))
        keys = [(f"key:{key.pk}", f"{key.label} (…{key.last4})") for key in self.keys]
        people = [(f"person:{user.pk}", str(user)) for user in self.people]
        groups = [("Team keys", keys), ("People", people)]
        self.fields["holder"].choices = [group for group in groups if group[1]]  # type: ignore[attr-defined] # a ChoiceField

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        limit, measure = data.get("limit"), data.get("measure")
        if limit is not None and measure == Budget.Measure.TOKENS:
            if limit != int(limit):
                self.add_error("limit", "Tokens are whole.")
            elif limit > MOST_TOKENS:
                self.add_error("limit", f"At most {MOST_TOKENS:,} tokens.")
        elif limit is not None and limit > MOST_MONEY:
            self.add_error("limit", f"At most {MOST_MONEY:,}.")
        return data

    @property
    def holder_row(self) -> tuple[GatewayKey | None, User | None]:
        kind, _, pk = self.cleaned_data["holder"].partition(":")
        key = next((key for key in self.keys if kind == "key" and str(key.pk) == pk), None)
        person = next((user for user in self.people if kind == "person" and str(user.pk) == pk), None)
        return key, person

    @property
    def whole_limit(self) -> int:
        """In tokens, or thousand-millionths of the currency."""
        limit: Decimal = self.cleaned_data["limit"]
        return int(limit * NANO) if self.cleaned_data["measure"] == Budget.Measure.MONEY else int(limit)
