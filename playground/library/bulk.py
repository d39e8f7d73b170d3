"""One thing done to many prompts: all that the person may, and the names of those they may not."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from playground.library import rights, shelves
from playground.library.models import Folder, Level, Prompt, Tag

MOST = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were done, and the titles of those the person may not do this to."""

    done: int
    refused: list[str]


def archive(team: Team, user: User, ids: Collection[uuid.UUID]) -> Outcome:
    allowed, refused = _allowed(team, user, ids, Level.EDIT)
    Prompt.objects.filter(pk__in=allowed, archived_at=None).update(archived_at=timezone.now())
    return Outcome(len(allowed), refused)


def unarchive(team: Team, user: User, ids: Collection[uuid.UUID]) -> Outcome:
    allowed, refused = _allowed(team, user, ids, Level.EDIT)
    Prompt.objects.filter(pk__in=allowed).update(archived_at=None)
    return Outcome(len(allowed), refused)


def move(team: Team, user: User, ids: Collection[uuid.UUID], folder: Folder | None) -> Outcome:
    """ValueError for a folder of another team."""
    shelves.check_folder(team, folder)
    allowed, refused = _allowed(team, user, ids, Level.EDIT)
    Prompt.objects.filter(pk__in=allowed).update(folder=folder)
    return Outcome(len(allowed), refused)


def tag(team: Team, user: User, ids: Collection[uuid.UUID], name: str) -> Outcome:
    """ValueError with a sentence for a tag without a name."""
    allowed, refused = _allowed(team, user, ids, Level.EDIT)
    made = shelves.tags_named(team, [name])
    if not made:
        raise ValueError("A tag needs a name.")
    through = Prompt.tags.through
    rows = [through(prompt_id=pk, tag_id=made[0].pk) for pk in allowed]
    through._default_manager.bulk_create(rows, ignore_conflicts=True)
    return Outcome(len(allowed), refused)


def untag(team: Team, user: User, ids: Collection[uuid.UUID], name: str) -> Outcome:
    allowed, refused = _allowed(team, user, ids, Level.EDIT)
    named = Tag.objects.filter(team=team, name__iexact=name)
    Prompt.tags.through._default_manager.filter(prompt__in=allowed, tag__in=named).delete()
    return Outcome(len(allowed), refused)


def delete(team: Team, user: User, ids: Collection[uuid.UUID]) -> Outcome:
    """Needs the level own for each."""
    allowed, refused = _allowed(team, user, ids, Level.OWN)
    with transaction.atomic():
        for prompt in Prompt.objects.filter(pk__in=allowed).only("slug"):
            audit.record(user, team, "prompt.delete", prompt.slug)
        Prompt.objects.filter(pk__in=allowed).delete()
    return Outcome(len(allowed), refused)


def _allowed(
    team: Team, user: User, ids: Collection[uuid.UUID], level: Level
) -> tuple[list[uuid.UUID], list[str]]:
    """What the person does not see is as if it were not there."""
    if len(ids) > MOST:
        raise ValueError(f"Choose at most {MOST:,} prompts at once.")
    seen = list(rights.visible(team, user).filter(pk__in=ids).defer("text").order_by("title"))
    standings = rights.standings(user, seen)
    allowed = [prompt.pk for prompt in seen if standings[prompt.pk].level >= level]
    return allowed, [prompt.title for prompt in seen if standings[prompt.pk].level < level]
