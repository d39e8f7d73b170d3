"""Finding a version by what people and programs call it: slug, label, number."""

from __future__ import annotations

from accounts.models import Team, User
from playground.library import rights
from playground.library.models import OldSlug, Prompt, PromptVersion

LATEST = "latest"


class Missing(LookupError):
    """There is no such prompt, version or label (`what`), or not for this person."""

    def __init__(self, what: str, sentence: str) -> None:
        super().__init__(sentence)
        self.what = what


def plain(text: str) -> str:
    """PostgreSQL takes no NUL, not even to look for."""
    return text.replace("\0", "")


def prompt_named(team: Team, slug: str, user: User | None) -> Prompt:
    """The prompt of this slug, today's or an old one, that the person (None: a team token) sees; Missing."""
    seen = rights.visible(team, user).select_related("team").defer("text")
    prompt = seen.filter(slug=slug).first()
    if prompt is None:
        old = OldSlug.objects.filter(team=team, slug=slug).values("prompt")
        prompt = seen.filter(pk__in=old).first()
    if prompt is None:
        raise Missing("prompt", f"There is no prompt “{slug}” here.")
    return prompt


def resolve(
    team: Team, slug: str, label: str | None = None, number: int | None = None, user: User | None = None
) -> PromptVersion:
    """The version a label or a number names; the newest without either, and for the label "latest".
    Raises Missing. `user` None is a team token: it finds what the whole team sees.
    """
    prompt = prompt_named(team, slug, user)
    rows = PromptVersion.objects.filter(prompt=prompt).select_related("author")
    if number is not None:
        # A number beyond what the column holds is no version either.
        found = rows.filter(number=number).first() if 0 < number < 2**31 else None
        missing = Missing("version", f"“{slug}” has no version {number}.")
    elif label and label != LATEST:
        found = rows.filter(labels__name=label, labels__prompt=prompt).first()
        missing = Missing("label", f"“{slug}” has no label “{label}”.")
    else:
        found = rows.order_by("-number").first()
        missing = Missing("version", f"“{slug}” has no versions.")
    if found is None:
        raise missing
    found.prompt = prompt
    return found
