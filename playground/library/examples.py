"""Examples: named sets of values, kept to run every new version with the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import GatewayKey, User
from playground.library import kinds, rights, versions, waiting
from playground.library.kinds import Use
from playground.library.models import Example, Level, Prompt, PromptVersion, Waiting

MOST, LONGEST_VALUES, MOST_USES = 50, 500_000, 500


@dataclass(frozen=True, slots=True)
class Started:
    """Of *Run all*: addresses of the queued runs by example name, why others could not be, and the names of
    those that wait until a place is free.
    """

    urls: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cell:
    """Of one version: the newest use with exactly the example's values, and the person's run of it that
    waits; None: there is none.
    """

    use: Use | None
    waits: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An example, and what two versions made of it."""

    example: Example
    before: Cell
    after: Cell

    @property
    def old(self) -> Use | None:
        return self.before.use

    @property
    def new(self) -> Use | None:
        return self.after.use


def keep(prompt: Prompt, user: User, name: str, values: Mapping[str, Any]) -> Example:
    """Keep values under a name, in the place of what it held. Needs edit; ValueError with a sentence."""
    rights.need(user, prompt, Level.EDIT)
    name = versions.line(name)[:100]
    kept = versions.kept(dict(values))
    if not name:
        raise ValueError("An example needs a name.")
    if len(versions.canonical(kept)) > LONGEST_VALUES:
        raise ValueError("These values are too large to be kept.")
    rows = prompt.examples.filter(name__iexact=name)
    if rows.update(values=kept):
        return rows.get()
    if prompt.examples.count() >= MOST:
        raise ValueError(f"A prompt has at most {MOST} examples.")
    try:
        with transaction.atomic():
            return Example.objects.create(prompt=prompt, name=name, values=kept)
    except IntegrityError:
        rows.update(values=kept)
        return rows.get()


def remove(example: Example, user: User) -> None:
    """Also what waits to be run with it, whoever asked for that."""
    rights.need(user, example.prompt, Level.EDIT)
    waiting.forget(example)
    example.delete()


def of(prompt: Prompt) -> list[Example]:
    return list(prompt.examples.order_by("created_at", "id"))


def run_all(version: PromptVersion, user: User, key: GatewayKey | None = None) -> Started:
    """Queue one run of the version with each example; those that find no free place wait for one. Needs the
    level run.
    """
    rights.need(user, version.prompt, Level.RUN)
    kind = kinds.get(version.prompt.kind)
    started, later = Started(), []
    # Whoever waits already goes first.
    queueing = waiting.any_for(user, version.prompt.kind)
    for example in of(version.prompt):
        if kind is None or kind.run is None:
            started.errors[example.name] = "Prompts of this kind cannot be run from here."
            continue
        if queueing := queueing or not waiting.has_room(kind, user):
            later.append(example)
            continue
        try:
            started.urls[example.name] = kind.run(version, dict(example.values), user, key)
        except ValueError as error:
            started.errors[example.name] = str(error)
    waiting.add(version, user, key, later)
    started.waiting.extend(example.name for example in later)
    return started


def table(prompt: Prompt, user: User, old: PromptVersion, new: PromptVersion) -> list[Line]:
    """The answers of two versions to the same examples."""
    before, after = _newest(prompt, user, old), _newest(prompt, user, new)
    waits = {(row.version_id, versions.digest_of(row.values)): row for row in waiting.of(prompt, user)}
    return [
        Line(
            example,
            Cell(before.get(digest), waits.get((old.pk, digest))),
            Cell(after.get(digest), waits.get((new.pk, digest))),
        )
        for example in of(prompt)
        for digest in [versions.digest_of(example.values)]
    ]


def _newest(prompt: Prompt, user: User, version: PromptVersion) -> dict[str, Use]:
    """By the digest of the values: the newest use goes before older ones."""
    found: dict[str, Use] = {}
    for use in kinds.uses_of(prompt, user, version=version, limit=MOST_USES):
        found.setdefault(versions.digest_of(use.values), use)
    return found
