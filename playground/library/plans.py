"""What importing drafts would do to a team's prompts, and doing it: nothing that is there is overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import access, audit
from accounts.models import Role, Team, User
from playground.library import labels, prompts, rights, shelves, versions
from playground.library.exchange import Draft, DraftVersion
from playground.library.models import Folder, Label, Level, Prompt, PromptVersion

NEW, SAME, CONFLICT, REFUSED = "new", "same", "conflict", "refused"
SKIP, VERSION, COPY = CHOICES = ("skip", "version", "copy")


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one draft. `choices` are open where the name is taken; `added` is how many versions
    the one that is there would get; `complaints` say why it is refused.
    """

    place: int
    draft: Draft
    outcome: str
    there: Prompt | None = None
    choices: tuple[str, ...] = ()
    added: int = 0
    complaints: tuple[str, ...] = ()


@dataclass(slots=True)
class Done:
    """What was made; `remarks` tell what was left as it was."""

    made: list[Prompt] = field(default_factory=list)
    extended: list[Prompt] = field(default_factory=list)
    skipped: int = 0
    remarks: list[str] = field(default_factory=list)


def plan(team: Team, user: User, drafts: Sequence[Draft]) -> list[Line]:
    """What `apply` would do. A name that a hidden prompt has counts as free: it gets a number."""
    slugs = [prompts.slug_of(draft.slug or draft.title) for draft in drafts]
    seen = rights.visible(team, user).filter(slug__in=slugs).select_related("head")
    there = {prompt.slug: prompt for prompt in seen}
    standings = rights.standings(user, there.values())
    known = _digests(there.values())
    lines = []
    for place, (draft, slug) in enumerate(zip(drafts, slugs, strict=True)):
        prompt = there.get(slug)
        if wrong := _complaints(team, user, draft, slug):
            lines.append(Line(place, draft, REFUSED, prompt, complaints=wrong))
        elif prompt is None:
            lines.append(Line(place, draft, NEW))
        else:
            may_edit = standings[prompt.pk].level >= Level.EDIT
            lines.append(_met(place, draft, prompt, known[prompt.pk], may_edit))
    return lines


def apply(
    team: Team, user: User, drafts: Sequence[Draft], chosen: Mapping[int, str], *, shared: bool
) -> Done:
    """All or nothing. `chosen` says by place what to do where the name is taken; without it that is left
    alone. Needs the role member; raises versions.Invalid when meanwhile something no longer fits.
    """
    done = Done()
    if access.role_of(user, team) < Role.MEMBER:
        raise PermissionDenied("This needs the role member in the team.")
    with transaction.atomic():
        for line in plan(team, user, drafts):
            choice = chosen.get(line.place, SKIP) if line.outcome == CONFLICT else line.outcome
            if choice == NEW or (choice == COPY and COPY in line.choices):
                _make(team, user, line.draft, done, shared=shared)
            elif choice == VERSION and VERSION in line.choices and line.there is not None:
                _extend(line.there, user, line.draft, done)
            else:
                done.skipped += 1
        made, extended = len(done.made), len(done.extended)
        audit.record(user, team, "prompt.import", team.name, made=made, extended=extended)
    return done


def _met(place: int, draft: Draft, prompt: Prompt, known: set[str], may_edit: bool) -> Line:
    fresh = sum(_digest(version) not in known for version in draft.versions)
    if not fresh and draft.kind == prompt.kind:
        return Line(place, draft, SAME, prompt)
    extends = may_edit and draft.kind == prompt.kind
    return Line(place, draft, CONFLICT, prompt, CHOICES if extends else (SKIP, COPY), fresh)


def _complaints(team: Team, user: User, draft: Draft, slug: str) -> tuple[str, ...]:
    found = []
    if len(draft.tags) > shelves.MOST_TAGS or len(draft.folder) > shelves.DEEPEST:
        found.append(
            f"A prompt has at most {shelves.MOST_TAGS} tags, and stands {shelves.DEEPEST} folders deep."
        )
    for number, version in enumerate(draft.versions, 1):
        wrong = versions.complaints(draft.kind, version.body, team, slug, user)
        found += [f"Version {number}: {_where(one.path)}{one.sentence}" for one in wrong[:3]]
    for name in {name for version in draft.versions for name in version.labels}:
        if sentence := labels.complaint(name):
            found.append(sentence)
    return tuple(found[:5])


def _where(path: str) -> str:
    return f"{path}: " if path else ""


def _digests(found: Iterable[Prompt]) -> dict[UUID, set[str]]:
    known: dict[UUID, set[str]] = {prompt.pk: set() for prompt in found}
    rows = PromptVersion.objects.filter(prompt__in=list(known)).values_list("prompt", "digest")
    for pk, digest in rows:
        known[pk].add(digest)
    return known


def _digest(version: DraftVersion) -> str:
    return versions.digest_of(versions.kept(version.body))


def _make(team: Team, user: User, draft: Draft, done: Done, *, shared: bool) -> None:
    prompt = prompts.create(
        team,
        user,
        kind=draft.kind,
        title=draft.title,
        body=None,
        about=draft.about,
        slug=draft.slug,
        folder=_folder(team, user, draft.folder),
        tags=draft.tags,
        shared=shared,
    )
    for version in draft.versions:
        _label(prompt, version, _adopt(prompt, user, version), user, done)
    done.made.append(prompt)


def _extend(prompt: Prompt, user: User, draft: Draft, done: Done) -> None:
    rights.need(user, prompt, Level.EDIT)
    known = _digests([prompt])[prompt.pk]
    for version in draft.versions:
        if _digest(version) not in known:
            _label(prompt, version, _adopt(prompt, user, version), user, done)
    done.extended.append(prompt)


def _adopt(prompt: Prompt, user: User, version: DraftVersion) -> PromptVersion:
    """Somebody else's name is kept as a name; without one the version is the importer's."""
    own = version.author in ("", str(user))
    at = version.created_at or timezone.now()
    return versions.adopt(
        prompt, version.body, version.note, author=user if own else None, author_name=version.author, at=at
    )


def _label(prompt: Prompt, draft: DraftVersion, version: PromptVersion, user: User, done: Done) -> None:
    """A label that is there goes on pointing where it did, and a protected one is not set by a file."""
    for name in draft.labels:
        if Label.objects.filter(prompt=prompt, name=name).exists():
            done.remarks.append(f"“{prompt.title}”: the label {name} stays where it was.")
        elif not isinstance(labels.point(prompt, name, version, user), Label):
            done.remarks.append(f"“{prompt.title}”: the label {name} is protected and was not set.")


def _folder(team: Team, user: User, path: Sequence[str]) -> Folder | None:
    folder = None
    for name in path:
        if name.strip():
            folder = shelves.make_folder(team, user, name, folder)
    return folder
