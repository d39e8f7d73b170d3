"""What every page about a prompt shows around its own matter, and how a view gets the prompt at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import Http404
from django.urls import reverse

from accounts import access
from accounts.access import Request as Signed
from accounts.models import Role
from playground.library import discussion, kinds, labels, listing, rights, versions
from playground.library.models import Favourite, Folder, Level, Prompt, PromptVersion
from playground.library.rights import Standing

MOST_VERSIONS = 100
ICONS = {
    "chat": "message-square",
    "image": "image",
    "video": "play",
    "song": "activity",
    "audio": "file-text",
}
WORDS = {"chat": "Chat", "image": "Image", "video": "Video", "song": "Song", "audio": "Audio & text"}
TABS = (
    ("prompt", "Prompt"),
    ("settings", "Settings"),
    ("runs", "Runs"),
    ("use", "Use"),
    ("discussion", "Discussion"),
    ("access", "Access"),
)


class Request(Signed):
    """What the views here receive, for annotations."""

    htmx: Any


@dataclass(frozen=True, slots=True)
class KindWord:
    """A kind as it is shown, whether an app registered it or not."""

    key: str
    label: str
    icon: str


def kind_word(key: str) -> KindWord:
    kind = kinds.get(key)
    if kind is not None:
        return KindWord(key, kind.label, kind.icon)
    return KindWord(key, WORDS.get(key, key.capitalize()), ICONS.get(key, "file-text"))


def kind_words() -> list[KindWord]:
    return [kind_word(key) for key in kinds.KEYS]


def prompt_of(request: Request, pk: UUID | str, level: Level = Level.VIEW) -> tuple[Prompt, Standing]:
    """The prompt and what the person may do with it; 404 when they may not see it, 403 for more than that."""
    prompt = access.get(Prompt, request, pk)
    if prompt.team_id == request.team.pk:
        prompt.team = request.team
    return prompt, rights.need(request.user, prompt, level)


def version_of(prompt: Prompt, number: str | int | None) -> PromptVersion:
    """The version of that number; without one the newest."""
    rows = PromptVersion.objects.filter(prompt=prompt).select_related("author")
    if number in (None, ""):
        found = rows.order_by("-number").first()
    else:
        found = rows.filter(number=as_number(number)).first()
    if found is None:
        raise Http404
    found.prompt = prompt
    return found


def as_number(text: str | int | None) -> int:
    """A version's number from an address; 0 for what is none."""
    try:
        number = int(text or 0)
    except ValueError:
        return 0
    return number if 0 < number < 2**31 else 0


def around(
    request: Request, prompt: Prompt, standing: Standing, tab: str, version: PromptVersion
) -> dict[str, Any]:
    """The head, the timeline and the tabs."""
    timeline = versions.timeline(prompt)
    whole = "all" in request.GET
    shown = timeline if whole else timeline[:MOST_VERSIONS]
    latest = timeline[0].number if timeline else 0
    return {
        "prompt": prompt,
        "version": version,
        "is_latest": version.number == latest,
        "latest": latest,
        "timeline": shown,
        "older_versions": len(timeline) - len(shown),
        "numbers": [each.number for each in timeline],
        "labels_here": next((list(each.labels.all()) for each in timeline if each.pk == version.pk), []),
        "tab": tab,
        "tabs": _tabs(prompt, version, latest),
        "kind": kind_word(prompt.kind),
        "standing": standing,
        "level_word": Level(standing.level).label.lower(),
        "may_run": standing.level >= Level.RUN,
        "may_edit": standing.level >= Level.EDIT,
        "may_own": standing.level >= Level.OWN,
        "may_make": request.role >= Role.MEMBER,
        "favourite": Favourite.objects.filter(user=request.user, prompt=prompt).exists(),
        "unread": discussion.unread(prompt, request.user),
        "open_url": open_url(prompt, version),
        "label_names": labels.names(prompt.team),
    }


def _tabs(prompt: Prompt, version: PromptVersion, latest: int) -> list[tuple[str, str, str]]:
    """Name, word and address; an older version stays the one looked at from tab to tab."""
    query = "" if version.number == latest else f"?version={version.number}"
    return [(name, word, reverse(f"library:{name}", args=[prompt.pk]) + query) for name, word in TABS]


def open_url(prompt: Prompt, version: PromptVersion) -> str:
    """The chat or the studio with this version in its form; "" when its app is not there."""
    kind = kinds.get(prompt.kind)
    return kind.open_url(version) if kind else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder as a form offers it: with the names of those above."""

    pk: UUID
    path: str
    key: str
    """The id as an address has it."""


def places(request: Request, known: Sequence[tuple[Folder, int]] | None = None) -> list[Place]:
    """Every folder of the team, in the order of the tree; `known` is what `listing.folders` gave."""
    found: list[Place] = []
    above: list[str] = []
    for folder, depth in listing.folders(request.team) if known is None else known:
        del above[depth:]
        above.append(folder.name)
        found.append(Place(folder.pk, " / ".join(above), str(folder.pk)))
    return found


def folder_of(request: Request, pk: str) -> Folder | None:
    """The team's folder of this id; None for none."""
    if not pk:
        return None
    return access.get(Folder, request, pk)


def comments_by_version(prompt: Prompt) -> dict[int, int]:
    """How much is said about each version, by its number."""
    rows = PromptVersion.objects.filter(prompt=prompt, comments__change=None)
    return dict(rows.annotate(said=Count("comments")).filter(said__gt=0).values_list("number", "said"))
