"""Where prompts stand: folders and tags of a team."""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from accounts import access
from accounts.models import Role, Team, User
from playground.gateway.assembly import storable
from playground.library import rights
from playground.library.models import Folder, Level, Prompt, Tag

DEEPEST, MOST_TAGS = 8, 30


def file_under(prompt: Prompt, user: User, folder: Folder | None, tags: Collection[str]) -> None:
    """Put it into a folder of its team (None: the top), with exactly these tags. Needs edit; ValueError."""
    rights.need(user, prompt, Level.EDIT)
    check_folder(prompt.team, folder)
    with transaction.atomic():
        Prompt.objects.filter(pk=prompt.pk).update(folder=folder)
        prompt.tags.set(tags_named(prompt.team, tags))
    prompt.folder = folder


def make_folder(team: Team, user: User, name: str, parent: Folder | None = None) -> Folder:
    """The folder of this name there, made when there is none. Needs the role member; ValueError with a
    sentence for no name, or too deep.
    """
    _need_member(team, user)
    name = _line(name, 100)
    if not name:
        raise ValueError("A folder needs a name.")
    check_folder(team, parent)
    if parent and len(_path(parent)) >= DEEPEST:
        raise ValueError(f"Folders go at most {DEEPEST} deep.")
    there = Folder.objects.filter(team=team, parent=parent, name__iexact=name)
    if found := there.first():
        return found
    try:
        with transaction.atomic():
            return Folder.objects.create(team=team, parent=parent, name=name)
    except IntegrityError:
        return there.get()


def rename_folder(folder: Folder, user: User, name: str) -> None:
    """ValueError with a sentence when it has no name, or that of another one there."""
    _need_member(folder.team, user)
    if not (name := _line(name, 100)):
        raise ValueError("A folder needs a name.")
    try:
        with transaction.atomic():
            Folder.objects.filter(pk=folder.pk).update(name=name)
    except IntegrityError:
        raise ValueError(f"There is a folder “{name}” here already.") from None


def remove_folder(folder: Folder, user: User) -> None:
    """What stands in it, folders too, moves to where it stood. ValueError when names meet there."""
    _need_member(folder.team, user)
    try:
        with transaction.atomic():
            folder.prompts.update(folder=folder.parent)
            folder.children.update(parent=folder.parent)
            folder.delete()
    except IntegrityError:
        raise ValueError("A folder in it has the name of one beside it: rename one of them first.") from None


def tags_named(team: Team, names: Collection[str]) -> list[Tag]:
    """The team's tags of these names, made when there are none; case does not tell them apart."""
    wanted = list({name.lower(): name for name in (_line(name, 50) for name in names) if name}.values())
    if len(wanted) > MOST_TAGS:
        raise ValueError(f"A prompt has at most {MOST_TAGS} tags.")
    found = _tags(team, wanted)
    missing = [Tag(team=team, name=name) for name in wanted if name.lower() not in found]
    if missing:
        # Whoever makes the same one at the same time is not in the way.
        Tag.objects.bulk_create(missing, ignore_conflicts=True)
        found = _tags(team, wanted)
    return [found[name.lower()] for name in wanted if name.lower() in found]


def check_folder(team: Team, folder: Folder | None) -> None:
    if folder is not None and folder.team_id != team.pk:
        raise ValueError("This folder is not the team's.")


def _tags(team: Team, names: Collection[str]) -> dict[str, Tag]:
    rows = Tag.objects.filter(team=team).annotate(lower=Lower("name"))
    return {tag.name.lower(): tag for tag in rows.filter(lower__in=[name.lower() for name in names])}


def _path(folder: Folder) -> list[Folder]:
    found = [folder]
    while found[-1].parent is not None and len(found) <= DEEPEST:
        found.append(found[-1].parent)
    return found


def _need_member(team: Team, user: User) -> None:
    if access.role_of(user, team) < Role.MEMBER:
        raise PermissionDenied("This needs the role member in the team.")


def _line(text: str, longest: int) -> str:
    return " ".join(storable(text).split())[:longest].strip()
