"""Keeping what stands in a chat or a form of the studio as a prompt: a new one, or a version of the one it
came from.
"""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import QueryDict

from accounts.models import Team, User
from playground.library import prompts, rights, versions
from playground.library.kinds import Body
from playground.library.models import Level, Prompt, PromptVersion

NEW, VERSION = "new", "version"
TITLE = "Give the prompt a title."


class KeepForm(forms.Form):
    """What is asked of somebody who keeps a prompt; `behind` is the prompt that it came from, if they may
    change that.
    """

    into = forms.ChoiceField(label="Keep it as", widget=forms.RadioSelect, required=False)
    base = forms.IntegerField(widget=forms.HiddenInput, required=False)
    title = forms.CharField(
        max_length=200, required=False, label="Title", widget=forms.TextInput({"autofocus": True})
    )
    note = forms.CharField(
        max_length=500, required=False, label="Note", help_text="What is new, for the list of versions."
    )
    shared = forms.BooleanField(required=False, label="The team may see, run and change it")

    def __init__(
        self, data: QueryDict | None = None, *, title: str = "", team: Team, behind: Prompt | None = None
    ) -> None:
        latest = behind.head.number if behind is not None and behind.head is not None else 0
        initial = {"title": title[:200], "base": latest, "into": VERSION if behind else NEW, "shared": True}
        super().__init__(data, initial=initial)
        self.behind = behind
        choices = [(VERSION, f"A new version of “{behind}”, after version {latest}")] if behind else []
        self.fields["into"] = forms.ChoiceField(
            label="Keep it as",
            choices=[*choices, (NEW, "A new prompt")],
            widget=forms.RadioSelect if behind else forms.HiddenInput,
            required=False,
        )
        # Nobody but its owner is in a personal team.
        if team.personal_of_id:
            del self.fields["shared"]

    @property
    def new(self) -> bool:
        return self.behind is None or self.cleaned_data.get("into") != VERSION

    def clean_title(self) -> str:
        title = " ".join(self.cleaned_data["title"].split())
        if not title and self.new:
            raise forms.ValidationError(TITLE)
        return title


def behind(version: PromptVersion | None, user: User) -> Prompt | None:
    """The prompt of a version, for somebody who may save another version of it."""
    if version is None or rights.may(user, version.prompt).level < Level.EDIT:
        return None
    return version.prompt


def seen(version: PromptVersion | None, user: User) -> PromptVersion | None:
    """The version, if the person may see its prompt: a run or a fork may be shared with who may not."""
    return version if version is not None and rights.may(user, version.prompt).level else None


def keep(form: KeepForm, team: Team, user: User, kind: str, body: Body) -> PromptVersion | None:
    """The saved version; None when that is refused, and the form says why."""
    if not form.is_valid():
        return None
    try:
        return _kept(form, team, user, kind, body)
    except versions.Invalid as invalid:
        for complaint in invalid.complaints[:5]:
            form.add_error(None, complaint.sentence)
    except PermissionDenied as error:
        form.add_error(None, str(error))
    return None


def _kept(form: KeepForm, team: Team, user: User, kind: str, body: Body) -> PromptVersion | None:
    told = form.cleaned_data
    if form.new or form.behind is None:
        made = prompts.create(
            team,
            user,
            kind=kind,
            title=told["title"],
            body=body,
            note=told["note"],
            shared=told.get("shared", False),
        )
        return versions.resolve(team, made.slug, user=user)
    saved = versions.save(form.behind, body, told["note"], user, told["base"] or 0)
    if isinstance(saved, PromptVersion):
        return saved
    who = saved.theirs.written_by or "Somebody"
    form.add_error(
        None,
        f"{who} saved version {saved.theirs.number} meanwhile; nothing of it is lost. Look at it first. "
        "If you save again, yours comes after it.",
    )
    if isinstance(form.data, QueryDict):
        form.data = form.data.copy()
        form.data["base"] = str(saved.theirs.number)
    return None
