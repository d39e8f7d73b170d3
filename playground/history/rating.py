"""What people think of a run, a task or a check: good or bad, a note, and tags to find it by.

One rating each, the team's: whoever sees it and is a member may change it, and it says who did last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Team, User
from playground.history.models import NAMES, Entry, Rating, Tagging

MOST_TAGS, LONGEST_TAG, LONGEST_NOTE = 12, 40, 1000


def rate(
    entry: Entry, user: User, *, value: int | None, note: str = "", tags: Iterable[str] = ()
) -> Rating | None:
    """Say it; nothing said takes the rating away. None for none."""
    names, note = tags_of(tags), note.replace("\0", "").strip()[:LONGEST_NOTE]
    rows = Rating.objects.filter(kind=entry.kind, subject=entry.subject)
    assert entry.team is not None
    with transaction.atomic():
        # Two at once: the second waits, and its word counts.
        Entry.objects.select_for_update().filter(pk=entry.pk).first()
        Entry.objects.filter(pk=entry.pk).update(rating=value)
        if value is None and not note and not names:
            rows.delete()
            return None
        told = {"team": entry.team, "value": value, "note": note, "by": user, "at": timezone.now()}
        rating, _ = Rating.objects.update_or_create(kind=entry.kind, subject=entry.subject, defaults=told)
        rating.tags.exclude(name__in=names).delete()
        Tagging.objects.bulk_create(
            [Tagging(team=entry.team, rating=rating, name=name) for name in names],
            ignore_conflicts=True,
        )
    return rating


def tags_of(words: Iterable[str]) -> list[str]:
    """Tags as they are kept: short, in lower case, each once."""
    clean = (" ".join(word.replace("\0", "").lower().split())[:LONGEST_TAG].strip() for word in words)
    return list(dict.fromkeys(word for word in clean if word))[:MOST_TAGS]


def of(entries: Sequence[Entry]) -> dict[int, Rating]:
    """The ratings of these lines by their ids, with tags and who said so: two queries."""
    by_name = {(entry.kind, entry.subject): entry.pk for entry in entries}
    rows = Rating.objects.filter(subject__in=[entry.subject for entry in entries])
    rows = rows.select_related("by").prefetch_related("tags")
    found: dict[int, Rating] = {}
    for row in rows:
        if (pk := by_name.get((row.kind, row.subject))) is not None:
            found[pk] = row
    return found


def by_name(subjects: Collection[str]) -> dict[str, int]:
    """What the library asks for: 1 or -1 by "run:<id>" or "task:<id>"."""
    wanted = {name for name in subjects if ":" in name}
    kinds = {word: kind for kind, word in NAMES.items()}
    rows = Rating.objects.filter(subject__in=[name.split(":", 1)[1] for name in wanted], value__isnull=False)
    found = {
        (kind, str(subject)): value for kind, subject, value in rows.values_list("kind", "subject", "value")
    }
    told = {}
    for name in wanted:
        word, subject = name.split(":", 1)
        if (value := found.get((kinds.get(word, ""), subject))) is not None:
            told[name] = value
    return told


def tags(team: Team, most: int = 100) -> list[str]:
    """The tags in use in a team."""
    rows: Any = Tagging.objects.filter(team=team).order_by("name").values_list("name", flat=True)
    return list(rows.distinct()[:most])
