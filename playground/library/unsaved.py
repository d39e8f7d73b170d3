"""What was typed in the editor and is not saved: kept for the person alone, until they save or throw it away.

There is one draft of each prompt, and one of a new prompt of each kind in each team.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Team, User
from playground.gateway.assembly import storable
from playground.library import forms_body, variables, versions
from playground.library.kinds import Body
from playground.library.models import Draft, Prompt, PromptVersion
from playground.library.screen import as_number

LONGEST, MOST_FIELDS = 2_500_000, 1_500
# What says who sends, and which button: no part of what was typed.
APART = ("csrfmiddlewaretoken", "act")
# When the page sent it: "<when the page began>:<ms since then>".
SENT_AT = "sent-at"
AROUND = ("title", "about", "note")


def of(user: User, team: Team, prompt: Prompt | None, kind: str) -> Draft | None:
    """The person's draft of the prompt, or of a new one of the kind."""
    return Draft.objects.filter(**_place(user, team, prompt, kind)).first()


def keep(user: User, team: Team, prompt: Prompt | None, kind: str, typed: QueryDict) -> None:
    """Keep the form as it was sent, in the place of what was kept, unless the same page sent that later. What
    says no more than the library has already is none. Raises ValueError with a sentence.
    """
    fields = [[storable(name), storable(value)] for name, value in _pairs(typed)]
    if len(fields) > MOST_FIELDS or sum(len(name) + len(value) for name, value in fields) > LONGEST:
        raise ValueError("This is too much to be kept as a draft. Save it, or make it shorter.")
    place = _place(user, team, prompt, kind)
    kept = {"team": team, "kind": kind, "fields": fields, "updated_at": timezone.now()}
    says = _differs(prompt, typed) if prompt else _says_something(kind, typed)
    with transaction.atomic():
        drafts, made = Draft.objects.select_for_update(), False
        if says:
            _, made = drafts.get_or_create(**place, defaults=kept)
        there = None if made else drafts.filter(**place).first()
        if there is None or _is_older(typed, there):
            return
        if says:
            Draft.objects.filter(pk=there.pk).update(**kept)
        else:
            there.delete()


def forget(user: User, team: Team, prompt: Prompt | None, kind: str) -> None:
    Draft.objects.filter(**_place(user, team, prompt, kind)).delete()


def typed_in(draft: Draft) -> QueryDict:
    """The draft, as the editor would send it."""
    data = QueryDict(mutable=True)
    for name, value in draft.fields:
        data.appendlist(name, value)
    return data


def _is_older(typed: QueryDict, there: Draft) -> bool:
    """Whether the page that sent what is kept had sent this before: requests may overtake each other."""
    page, at = _sent_at(typed)
    kept_page, kept_at = _sent_at(typed_in(there))
    return page == kept_page and at < kept_at


def _sent_at(typed: QueryDict) -> tuple[str, float]:
    page, _, at = typed.get(SENT_AT, "").partition(":")
    try:
        return page, float(at)
    except ValueError:
        return "", 0.0


def _place(user: User, team: Team, prompt: Prompt | None, kind: str) -> dict[str, Any]:
    if prompt is not None:
        return {"user": user, "prompt": prompt}
    return {"user": user, "prompt": None, "team": team, "kind": kind}


def _pairs(typed: QueryDict) -> list[tuple[str, str]]:
    return [(name, value) for name, values in typed.lists() if name not in APART for value in values]


def _ready(kind: str, typed: QueryDict, base: Body) -> Body:
    body = forms_body.pruned(forms_body.read(kind, typed, base).body)
    return forms_body.with_variables(body, variables.find(body))


def _differs(prompt: Prompt, typed: QueryDict) -> bool:
    """Whether saving would make a version. A draft that was overtaken by its own saving does not."""
    head = prompt.head
    base = prompt.versions.filter(number=as_number(typed.get("base"))).first()
    if head is None or base is None:
        raise ValueError("This page is out of date. Load it again before you go on.")
    body = _ready(prompt.kind, typed, base.body)
    if base.pk == head.pk or _says(base, body):
        return _noted(typed) or not _says(base, body)
    return not _says(head, body)


def _says(version: PromptVersion, body: Body) -> bool:
    try:
        return versions.digest_of(versions.kept(body)) == version.digest
    except ValueError:
        # Half a number somewhere: no version says such a thing.
        return False


def _noted(typed: QueryDict) -> bool:
    return any(typed.get(name, "").strip() for name in AROUND)


def _says_something(kind: str, typed: QueryDict) -> bool:
    """Of a new prompt: whether anything was typed in the form that the page gave."""
    begun = forms_body.empty(kind)
    return _noted(typed) or _ready(kind, typed, begun) != forms_body.pruned(begun)
