"""A prompt as a thing of its team: making, naming, copying and deleting it.

Every function asks `rights` first and raises PermissionDenied; those that matter to others are audited.
"""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import access, audit
from accounts.models import Role, Team, User
from playground.gateway.assembly import storable
from playground.library import rights, shelves, versions
from playground.library.kinds import Body
from playground.library.models import Favourite, Folder, Level, OldSlug, Prompt, PromptVersion, Reach

LONGEST_SLUG, LONGEST_TITLE, LONGEST_ABOUT = 80, 200, 5_000


def create(
    team: Team,
    user: User,
    *,
    kind: str,
    title: str,
    body: Body | None,
    note: str = "",
    about: str = "",
    slug: str = "",
    folder: Folder | None = None,
    tags: Collection[str] = (),
    shared: bool = False,
    forked_from: PromptVersion | None = None,
) -> Prompt:
    """A new prompt with its version 1; without a body it has none, and `versions.adopt` must give it some. A
    free slug is made of `slug` or the title. Needs the role member; raises versions.Invalid.
    """
    if access.role_of(user, team) < Role.MEMBER:
        raise PermissionDenied("This needs the role member in the team.")
    shelves.check_folder(team, folder)
    with transaction.atomic():
        prompt = _insert(
            Prompt(
                team=team,
                owner=user,
                kind=kind,
                title=_line(title) or "Untitled prompt",
                about=storable(about).strip()[:LONGEST_ABOUT],
                folder=folder,
                reach=Reach.TEAM if shared else Reach.PRIVATE,
                forked_from=forked_from,
            ),
            slug or title,
        )
        prompt.tags.set(shelves.tags_named(team, tags))
        if body is not None:
            versions.save(prompt, body, note, user, 0)
    return prompt


def rename(prompt: Prompt, user: User, *, title: str, about: str, slug: str = "") -> bool:
    """False when the slug is taken. The old one goes on leading here."""
    rights.need(user, prompt, Level.EDIT)
    new = slug_of(slug) if slug else prompt.slug
    others = OldSlug.objects.filter(team=prompt.team_id, slug=new).exclude(prompt=prompt)
    if others.exists():
        return False
    old, prompt.slug = prompt.slug, new
    prompt.title, prompt.about = _line(title) or prompt.title, storable(about).strip()[:LONGEST_ABOUT]
    try:
        with transaction.atomic():
            prompt.updated_at = timezone.now()
            prompt.save(update_fields=["slug", "title", "about", "updated_at"])
            if old != new:
                OldSlug.objects.filter(team=prompt.team_id, slug=new).delete()
                OldSlug.objects.create(team_id=prompt.team_id, slug=old, prompt=prompt)
    except IntegrityError:
        prompt.slug = old
        return False
    return True


def archive(prompt: Prompt, user: User) -> None:
    rights.need(user, prompt, Level.EDIT)
    Prompt.objects.filter(pk=prompt.pk, archived_at=None).update(archived_at=timezone.now())


def unarchive(prompt: Prompt, user: User) -> None:
    rights.need(user, prompt, Level.EDIT)
    Prompt.objects.filter(pk=prompt.pk).update(archived_at=None)


def duplicate(prompt: Prompt, user: User) -> Prompt:
    """A private copy of the newest version, owned by the person; needs the level view."""
    return _copy(versions.resolve(prompt.team, prompt.slug, user=user), user, prompt.team, forked=False)


def fork(version: PromptVersion, user: User, team: Team | None = None) -> Prompt:
    """The same with a link to the parent (`forked_from`); into another team of theirs, too."""
    return _copy(version, user, team or version.prompt.team, forked=True)


def delete(prompt: Prompt, user: User) -> None:
    """With all its versions; needs the level own."""
    rights.need(user, prompt, Level.OWN)
    with transaction.atomic():
        audit.record(user, prompt.team, "prompt.delete", prompt.slug)
        prompt.delete()


def favour(prompt: Prompt, user: User) -> bool:
    """Turn the person's star on or off; whether it is on now."""
    rights.need(user, prompt, Level.VIEW)
    if Favourite.objects.filter(prompt=prompt, user=user).delete()[0]:
        return False
    Favourite.objects.get_or_create(prompt=prompt, user=user)
    return True


def slug_of(text: str) -> str:
    """What is nearest to the text among slugs."""
    return slugify(text)[:LONGEST_SLUG].strip("-_") or "prompt"


def _copy(version: PromptVersion, user: User, team: Team, *, forked: bool) -> Prompt:
    source = version.prompt
    rights.need(user, source, Level.VIEW)
    home = team.pk == source.team_id
    return create(
        team,
        user,
        kind=source.kind,
        title=source.title if forked else f"{source.title[: LONGEST_TITLE - 7]} (copy)",
        about=source.about,
        body=version.body,
        note=f"{'Fork' if forked else 'Copy'} of {source.slug}, version {version.number}",
        slug=source.slug,
        folder=source.folder if home else None,
        tags=[tag.name for tag in source.tags.all()],
        forked_from=version if forked else None,
    )


def _insert(prompt: Prompt, wish: str) -> Prompt:
    """Save it under the first free slug; whom another takes it from looks again."""
    stem = slug_of(wish)
    while True:
        prompt.slug = _free(prompt.team, stem)
        try:
            with transaction.atomic():
                prompt.save(force_insert=True)
        except IntegrityError:
            if not Prompt.objects.filter(team=prompt.team, slug=prompt.slug).exists():
                raise
        else:
            return prompt


def _free(team: Team, stem: str) -> str:
    """The stem, or with the first number from 2 that nobody has."""
    short = stem[: LONGEST_SLUG - 7]
    taken = set(Prompt.objects.filter(team=team, slug__startswith=short).values_list("slug", flat=True))
    taken |= set(OldSlug.objects.filter(team=team, slug__startswith=short).values_list("slug", flat=True))
    names = (f"{short}-{number}" for number in range(2, 10_000_000))
    return stem if stem not in taken else next(name for name in names if name not in taken)


def _line(text: str) -> str:
    return " ".join(storable(text).split())[:LONGEST_TITLE]
