"""Forms about teams, their people, their tokens and their log."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from accounts import tokens
from accounts.audit import VERBS
from accounts.models import Membership, Role, Team, User

# What lies beyond is no day in every zone.
DAYS = (MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(9998, 12, 31)))
LASTS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked"))
KINDS = {
    "key": "Keys",
    "member": "Members",
    "role": "Roles",
    "invitation": "Invitations",
    "team": "The team",
    "token": "API tokens",
    "chat": "Chats",
    "task": "Tasks",
    "prompt": "Prompts",
    "label": "Labels",
    "change": "Change requests",
    "link": "Sign-in links",
    "route": "Task routes",
    "audit": "Exports of this log",
}


class NameForm(forms.Form):
    """A team's name."""

    name = forms.CharField(max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def clean_name(self) -> str:
        return plain(self.cleaned_data["name"]) or _refuse("Give the team a name.")


class DeleteForm(forms.Form):
    """The name typed again, so that no click alone ends a team."""

    name = forms.CharField(
        label="Name of the team", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, team: Team, data: Any = None) -> None:
        super().__init__(data)
        self.team = team

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.strip() != self.team.name:
            raise ValidationError("This is not the team's name. Nothing was deleted.")
        return name


class PersonForm(forms.Form):
    """One of the other people of a team."""

    user = forms.ModelChoiceField(User.objects.none(), empty_label=None, label="Person")

    def __init__(self, team: Team, without: User, data: Any = None, *, label: str = "Person") -> None:
        super().__init__(data)
        people = User.objects.filter(membership__team=team, is_active=True).exclude(pk=without.pk)
        self.fields["user"].queryset = people.order_by("name", "email")  # type: ignore[attr-defined] # a ModelChoiceField's
        self.fields["user"].label = label


class RoleForm(forms.Form):
    """A role out of those the person may deal out."""

    role = forms.TypedChoiceField(label="Role", coerce=lambda value: Role(int(value)))

    def __init__(self, roles: list[Role], data: Any = None, *, initial: int = 0, auto_id: str = "id_%s"):
        super().__init__(data, initial={"role": initial or Role.MEMBER}, auto_id=auto_id)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined] # a ChoiceField's


class InviteForm(RoleForm):
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="The invitation works for this address only.",
    )
    field_order = ("email", "role")

    def __init__(self, team: Team, roles: list[Role], data: Any = None) -> None:
        super().__init__(roles, data)
        self.team = team

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        if Membership.objects.filter(team=self.team, user__email=email).exists():
            raise ValidationError("This person is in the team already.")
        return email


class TokenForm(forms.Form):
    """A new API token."""

    label = forms.CharField(
        label="Name",
        max_length=60,
        help_text="What will use it, for example “deploy script”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    whose = forms.ChoiceField(label="Whose", widget=forms.RadioSelect, initial="mine")
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=list(tokens.SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=["prompts:read"],
        error_messages={"required": "Choose what the token may do."},
    )
    lasts = forms.ChoiceField(label="Good for", choices=LASTS, initial="90", required=False)

    def __init__(self, data: Any = None, *, may_make_team: bool) -> None:
        super().__init__(data)
        whose = [("mine", "Mine: does what I may do, and ends when I leave the team")]
        if may_make_team:
            whose.append(("team", "The team's: sees what the whole team sees, and stays when I leave"))
        self.fields["whose"].choices = whose  # type: ignore[attr-defined] # a ChoiceField's

    def clean_label(self) -> str:
        return plain(self.cleaned_data["label"]) or _refuse("Give the token a name.")

    def expires_at(self, now: datetime) -> datetime | None:
        days: str = self.cleaned_data["lasts"]
        return now + timedelta(days=int(days)) if days else None


class AuditForm(forms.Form):
    """What to see of the log. Everything is optional, and stands in the address."""

    who = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Anybody", label="Who")
    what = forms.ChoiceField(required=False, label="What")
    words = forms.CharField(
        required=False, max_length=100, label="Object", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    since = forms.DateField(
        required=False,
        label="From",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=DAYS,
    )
    until = forms.DateField(
        required=False,
        label="To",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=DAYS,
    )

    def __init__(self, team: Team, data: Any = None) -> None:
        super().__init__(data)
        self.fields["who"].queryset = actors(team)  # type: ignore[attr-defined] # a ModelChoiceField's
        self.fields["what"].choices = [("", "Anything"), *_verbs()]  # type: ignore[attr-defined] # a ChoiceField's

    def span(self) -> tuple[datetime | None, datetime | None]:
        """From the first day's beginning to the last day's end, in the zone of who looks."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        zone = timezone.get_current_timezone()
        start = datetime.combine(since, time.min, zone) if since else None
        end = datetime.combine(until + timedelta(days=1), time.min, zone) if until else None
        return start, end


def actors(team: Team) -> Any:
    """Everybody in the team, and who did something in it and left."""
    members = Membership.objects.filter(team=team).values("user")
    did = team.auditevent_set.exclude(actor=None).order_by().values("actor").distinct()
    return (User.objects.filter(pk__in=members) | User.objects.filter(pk__in=did)).order_by("name", "email")


def plain(text: str) -> str:
    """Without control characters, and without spaces that only look like a name."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _verbs() -> list[tuple[str, list[tuple[str, str]]]]:
    """Grouped by kind; a whole kind can be chosen too."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for verb, words in VERBS.items():
        groups.setdefault(verb.partition(".")[0], []).append((verb, words.rstrip(":")))
    return [
        (title := KINDS.get(kind, kind.capitalize()), [(f"{kind}.", f"{title}: everything"), *verbs])
        for kind, verbs in groups.items()
    ]


def _refuse(sentence: str) -> str:
    raise ValidationError(sentence)
