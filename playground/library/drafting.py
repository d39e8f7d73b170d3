"""Prompts of the team as drafts, for writing them into a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from accounts.models import Team, User
from playground.library import rights
from playground.library.exchange import Draft, DraftVersion
from playground.library.models import Folder, Label, Prompt, PromptVersion

BATCH = 200
_Paths = dict[UUID | None, tuple[str, ...]]


def drafts_of(team: Team, user: User, chosen: Collection[UUID] | None = None) -> Iterator[Draft]:
    """Those the person sees, by slug: the chosen, or all that are not archived. Read in batches."""
    rows = rights.visible(team, user).defer("text").prefetch_related("tags").order_by("slug")
    rows = rows.filter(archived_at=None) if chosen is None else rows.filter(pk__in=chosen)
    paths, after = _paths(team), ""
    while found := list(rows.filter(slug__gt=after)[:BATCH]):
        versions = _versions(found)
        yield from (_draft(prompt, paths, versions[prompt.pk]) for prompt in found if versions[prompt.pk])
        after = found[-1].slug


def _draft(prompt: Prompt, paths: _Paths, versions: list[DraftVersion]) -> Draft:
    return Draft(
        slug=prompt.slug,
        title=prompt.title,
        about=prompt.about,
        kind=prompt.kind,
        tags=tuple(sorted(tag.name for tag in prompt.tags.all())),
        folder=paths.get(prompt.folder_id, ()),
        versions=tuple(versions),
    )


def _versions(found: Iterable[Prompt]) -> dict[UUID, list[DraftVersion]]:
    told: dict[UUID, list[DraftVersion]] = {prompt.pk: [] for prompt in found}
    named: dict[UUID, list[str]] = {}
    pointed = Label.objects.filter(prompt__in=list(told)).order_by("name").values_list("version", "name")
    for version_id, name in pointed:
        named.setdefault(version_id, []).append(name)
    rows = PromptVersion.objects.filter(prompt__in=list(told)).select_related("author")
    for row in rows.order_by("prompt", "number").iterator(chunk_size=500):
        version = DraftVersion(
            body=row.body,
            note=row.note,
            labels=tuple(named.get(row.pk, ())),
            author=row.written_by,
            created_at=row.created_at,
        )
        told[row.prompt_id].append(version)
    return told


def _paths(team: Team) -> _Paths:
    """The names from the top to each folder."""
    folders = {folder.pk: folder for folder in Folder.objects.filter(team=team)}
    paths: _Paths = {}
    for folder in folders.values():
        path, above = [folder.name], folder.parent_id
        while above in folders and len(path) < len(folders):
            path.append(folders[above].name)
            above = folders[above].parent_id
        paths[folder.pk] = tuple(reversed(path))
    return paths
