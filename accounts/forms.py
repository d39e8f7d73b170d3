"""What people fill in about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import available_timezones

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
    SignupForm,
)
from allauth.core import context
from django import forms
from django.conf import settings

from accounts import invitations
from accounts.models import User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm  # generic in the stubs alone


class WithoutPlaceholders:
    """For allauth's forms: their placeholders repeat the labels, and look like something typed."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignInForm(WithoutPlaceholders, LoginForm):  # type: ignore[misc] # allauth ships no types
    pass


class ChangeForm(WithoutPlaceholders, ChangePasswordForm):  # type: ignore[misc] # as above
    pass


class SetForm(WithoutPlaceholders, SetPasswordForm):  # type: ignore[misc] # as above
    pass


class ResetForm(WithoutPlaceholders, ResetPasswordForm):  # type: ignore[misc] # as above
    pass


class ResetKeyForm(WithoutPlaceholders, ResetPasswordKeyForm):  # type: ignore[misc] # as above
    pass


class SignUpForm(WithoutPlaceholders, SignupForm):  # type: ignore[misc] # as above
    """An invitation is for one address, so with one only that address may sign up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        invitation = invitations.remembered(context.request)
        if invitation is not None:
            self.fields["email"].initial = invitation.email

    def clean_email(self) -> str:
        invitation = invitations.remembered(context.request)
        email: str = self.cleaned_data["email"].lower()
        if settings.SIGN_UP == "invitation" and (invitation is None or email != invitation.email):
            raise forms.ValidationError(
                "Your invitation is for another address: use the one it was made for."
            )
        checked: str = super().clean_email()
        return checked


def time_zones() -> list[tuple[str, str]]:
    """Places, by name; the old abbreviations that look like time zones are left out."""
    names = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in sorted(names))]


class AppearanceForm(UserForm):
    tz = forms.ChoiceField(
        label="Time zone", help_text="Times on the site are shown in it.", choices=time_zones
    )
    shortcuts = forms.BooleanField(
        label="Keyboard shortcuts",
        required=False,
        help_text="Press ? to see them. Keys with Ctrl or Cmd too.",
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["theme", "tz", "shortcuts"]
        widgets: ClassVar[dict[str, forms.Widget]] = {"theme": forms.RadioSelect()}


class ThemeForm(UserForm):
    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["theme"]


class AccountForm(UserForm):
    name = forms.CharField(
        label="Name",
        max_length=100,
        required=False,
        help_text="How you appear to your teams. Without one, your e-mail address is shown.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name"]
