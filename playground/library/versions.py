"""Versions: the one way a prompt's text is saved. What is found by label or number stands in `finding`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Team, User
from playground.gateway.assembly import storable
from playground.library import fill, kinds, rights, variables
from playground.library.finding import LATEST, Missing, prompt_named, resolve
from playground.library.kinds import Body, Complaint
from playground.library.models import Level, Prompt, PromptVersion

__all__ = [
    "LATEST", "Conflict", "Invalid", "Missing", "adopt", "complaints", "digest_of", "prompt_named",
    "resolve", "restore", "save", "timeline",
]  # fmt: skip

LONGEST_BODY, DEEPEST = 2_000_000, 60
DELETED = "This prompt was deleted meanwhile."
LONGEST_NOTE, SEARCHED_TEXT, SEARCHED_NOTES = 500, 40_000, 20_000


class Invalid(Exception):
    """The body cannot be saved; `complaints` says where and why."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("; ".join(complaint.sentence for complaint in complaints))
        self.complaints = list(complaints)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody saved first: `theirs` is the newest version now, `base` the one the editor began with (None
    when there is no version of that number).
    """

    theirs: PromptVersion
    base: PromptVersion | None


def save(prompt: Prompt, body: Body, note: str, user: User, base: int) -> PromptVersion | Conflict:
    """A new version, if `base` is still the newest number. A body equal to the newest version's makes none:
    that version is given back. Needs the level edit; raises PermissionDenied and Invalid.
    """
    rights.need(user, prompt, Level.EDIT)
    body = checked(prompt, body, user)
    newest = _newest(prompt)
    if newest is not None and newest.digest == digest_of(body):
        return newest
    if (newest.number if newest else 0) == base:
        version = PromptVersion(prompt=prompt, number=base + 1, author=user, note=line(note), body=body)
        if _insert(version):
            return version
        newest = _newest(prompt)
    if newest is None:
        raise Invalid([Complaint("", DELETED)])
    return Conflict(newest, prompt.versions.filter(number=base).select_related("author").first())


def adopt(
    prompt: Prompt, body: Body, note: str, *, author: User | None, author_name: str, at: datetime
) -> PromptVersion:
    """A version from a file, behind the newest, as it was there: time and author's name included. The caller
    has asked for the right; the body is checked. A prompt without versions may get its first so.
    """
    body = checked(prompt, body, author)
    while True:
        newest = _newest(prompt)
        version = PromptVersion(
            prompt=prompt,
            number=newest.number + 1 if newest else 1,
            author=author,
            author_name=storable(author_name)[:100],
            note=line(note),
            body=body,
            created_at=at,
        )
        if _insert(version):
            return version


def restore(version: PromptVersion, user: User, base: int) -> PromptVersion | Conflict:
    """Make what an old version says the newest, as a version of its own."""
    return save(version.prompt, version.body, f"As in version {version.number}", user, base)


def complaints(kind: str, body: Body, team: Team, slug: str, user: User | None) -> list[Complaint]:
    """What `save` would refuse: the shape, variables, size, cycles of insertions, and what the kind says."""
    try:
        size = len(canonical(body)) if isinstance(body, dict) and _depth_fits(body, DEEPEST) else -1
    except (TypeError, ValueError):
        size = -1
    if size < 0:
        return [Complaint("", "The text of a prompt must be one JSON object that is not too deep.")]
    if size > LONGEST_BODY:
        return [Complaint("", f"The prompt is larger than {LONGEST_BODY:,} bytes.")]
    found = [Complaint(path, sentence) for path, sentence in variables.complaints(body)]
    if cycle := fill.cycle(body, team, slug, user):
        found.append(Complaint("", cycle))
    known = kinds.get(kind)
    return found + (known.check(body) if known and not found else [])


def checked(prompt: Prompt, body: Body, user: User | None) -> Body:
    """The body as it is kept; raises Invalid."""
    if found := complaints(prompt.kind, body, prompt.team, prompt.slug, user):
        raise Invalid(found)
    clean: Body = kept(body)
    return clean


def timeline(prompt: Prompt) -> list[PromptVersion]:
    """All versions, the newest first, without bodies, with authors and labels: two queries."""
    rows = prompt.versions.select_related("author").defer("body").prefetch_related("labels")
    return list(rows.order_by("-number"))


def digest_of(body: Body) -> str:
    """SHA-256 of the body as canonical JSON: sorted keys, no spaces, UTF-8."""
    return hashlib.sha256(canonical(body)).hexdigest()


def canonical(body: Any) -> bytes:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def _insert(version: PromptVersion) -> bool:
    """False when another version has its number: the database says who was first."""
    version.digest = digest_of(version.body)
    prompt, now = version.prompt, timezone.now()
    try:
        with transaction.atomic():
            version.save(force_insert=True)
            text = _searched(prompt, version.body)
            rows = Prompt.objects.filter(pk=prompt.pk)
            if not rows.update(head=version, updated_at=now, text=text):
                raise Invalid([Complaint("", DELETED)])
    except IntegrityError:
        return False
    prompt.head, prompt.updated_at, prompt.text = version, now, text
    return True


def _newest(prompt: Prompt) -> PromptVersion | None:
    return prompt.versions.select_related("author").order_by("-number").first()


def _searched(prompt: Prompt, body: Body) -> str:
    said = " ".join(text for _, text in variables.texts(body))[:SEARCHED_TEXT]
    notes = prompt.versions.exclude(note="").order_by("-number").values_list("note", flat=True)
    return f"{said} {' '.join(notes[: SEARCHED_NOTES // LONGEST_NOTE])}".strip()


def line(text: str) -> str:
    """The text as a note is kept: one line, not too long."""
    return " ".join(storable(text).split())[:LONGEST_NOTE]


def kept(value: Any) -> Any:
    """A copy that every database takes: no NUL, no half characters."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(name)): kept(inner) for name, inner in value.items()}
    return [kept(inner) for inner in value] if isinstance(value, list | tuple) else value


def _depth_fits(value: Any, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return left > 0 and all(_depth_fits(one, left - 1) for one in inner)
