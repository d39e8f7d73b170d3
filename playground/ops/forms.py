"""Forms of the keys page. A secret is taken in and never written back into HTML."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.models import GatewayKey, Role
from accounts.team_forms import DAYS
from accounts.vault import Secret
from playground.ops.keys import Limits
from playground.templatetags.frame import FAMILIES

SHORTEST_KEY, LONGEST_KEY = 8, 512
MOST_PATTERNS = 50
TYPE_AGAIN = "Type the key again: it is not kept while something else is wrong."


def addresses() -> list[tuple[str, str]]:
    return [(url, url) for url in settings.GATEWAY_URLS]


class SecretField(forms.CharField):
    """A gateway key: printable ASCII without spaces. What is wrong with it is said without quoting it.

    Cleaned it is a `Secret`, which hides itself.
    """

    def __init__(self, **options: Any) -> None:
        attrs = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "class": "mono"}
        widget = forms.PasswordInput(render_value=False, attrs=attrs)
        super().__init__(widget=widget, **options)
        # Django's own check for NUL would answer before ours, in other words.
        self.validators = []

    @sensitive_variables()
    def clean(self, value: Any) -> Secret:
        secret: str = super().clean(value)
        if "\n" in secret or "\r" in secret:
            raise ValidationError("The key holds a line break. Paste the key alone, on one line.")
        if re.match(r"(?i)bearer\s", secret):
            raise ValidationError("Paste the key alone, without “Bearer”.")
        if re.search(r"\s", secret):
            raise ValidationError("The key holds a space or tab. Paste the key alone.")
        if not secret.isascii():
            raise ValidationError(
                "The key holds a character outside ASCII; keys have letters, digits and signs."
            )
        if not secret.isprintable():
            raise ValidationError("The key holds a control character. Copy it again and paste it alone.")
        if not SHORTEST_KEY <= len(secret) <= LONGEST_KEY:
            raise ValidationError(f"A key has {SHORTEST_KEY} to {LONGEST_KEY} characters.")
        return Secret(secret)


class AddressField(forms.ChoiceField):
    """One of the addresses the site allows, the first being the default."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=addresses,
            label="Gateway address",
            error_messages={"invalid_choice": "This site does not allow this gateway address."},
            **options,
        )


class DetailsForm(forms.Form):
    """What may be changed about a key without its secret."""

    label = forms.CharField(
        label="Name", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    base_url = AddressField()

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        shown = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in label)
        if not (shown := " ".join(shown.split())):
            raise ValidationError("Give the key a name.")
        return shown


class AddForm(DetailsForm):
    """A new key."""

    secret = SecretField(
        label="Key", help_text="Stored sealed. After saving only its last four characters are shown."
    )

    def clean(self) -> None:
        super().clean()
        if self.errors and "secret" not in self.errors:
            self.add_error("secret", TYPE_AGAIN)

    def label_taken(self) -> None:
        self.add_error("label", "You have a key of this name already.")
        self.add_error("secret", TYPE_AGAIN)


class LimitsForm(forms.Form):
    """What a team key may be used for."""

    needs_role = forms.TypedChoiceField(
        label="Who may use it",
        choices=[(Role.MEMBER, "Members, admins and owners"), (Role.ADMIN, "Admins and owners"),
                 (Role.OWNER, "Owners")],
        coerce=lambda value: Role(int(value)),
        initial=Role.MEMBER,
    )  # fmt: skip
    families = forms.MultipleChoiceField(
        label="Families",
        choices=list(FAMILIES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )
    models = forms.CharField(
        label="Models",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        help_text="One a line; * stands for anything, as in gpt-5*. Empty: all of them.",
    )
    last_day = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Nobody can use it after this day. Empty: it does not expire.",
        validators=DAYS,
    )

    def clean_models(self) -> tuple[str, ...]:
        lines = [line.strip() for line in self.cleaned_data["models"].splitlines()]
        patterns = tuple(dict.fromkeys(line for line in lines if line))
        if len(patterns) > MOST_PATTERNS:
            raise ValidationError(f"At most {MOST_PATTERNS} lines.")
        for pattern in patterns:
            if not pattern.isprintable() or re.search(r"\s", pattern):
                raise ValidationError(
                    f"“{pattern[:60]}” holds a space or control character; no model id does."
                )
        return patterns

    def limits(self) -> Limits:
        last: date | None = self.cleaned_data["last_day"]
        zone = timezone.get_current_timezone()
        ends = datetime.combine(last + timedelta(days=1), time.min, zone) if last else None
        cleaned = self.cleaned_data
        return Limits(cleaned["needs_role"], cleaned["models"], tuple(cleaned["families"]), ends)


class TeamAddForm(AddForm, LimitsForm):
    """A new team key."""

    def label_taken(self) -> None:
        self.add_error("label", "The team has a key of this name already.")
        self.add_error("secret", TYPE_AGAIN)


def last_day(key: GatewayKey) -> date | None:
    """The last whole day the key is good, in the zone of who looks."""
    return timezone.localtime(key.expires_at - timedelta(seconds=1)).date() if key.expires_at else None


def limits_form(key: GatewayKey, data: Any = None) -> LimitsForm:
    initial = {
        "needs_role": key.needs_role,
        "families": key.allowed_families,
        "models": "\n".join(key.allowed_models),
        "last_day": last_day(key),
    }
    return LimitsForm(data, initial=initial, auto_id=f"key-{key.pk}-%s")


class RotateForm(forms.Form):
    secret = SecretField(label="New key", help_text="Takes the old key's place at once.")


def details_form(key: GatewayKey, data: Any = None) -> DetailsForm:
    """Bound to the key's row: ids in the page are the row's own."""
    initial = {"label": key.label, "base_url": key.base_url}
    return DetailsForm(data, initial=initial, auto_id=f"key-{key.pk}-%s")


def rotate_form(key: GatewayKey, data: Any = None) -> RotateForm:
    return RotateForm(data, auto_id=f"key-{key.pk}-%s")
