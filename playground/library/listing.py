"""Pages of a team's prompts: filtered, searched, sorted; how many queries that takes is always the same."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower

from accounts.models import Team, User
from playground.library import discussion, kinds, rights, search
from playground.library.models import Favourite, Folder, Label, Level, Prompt, Tag
from playground.library.rights import Standing

SORTS = {"updated": "Last changed", "created": "Newest", "title": "Title"}
TOP = "top"
SALT = "playground.library.listing"
MOST_SUGGESTED = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted; an empty field does not narrow. `folder` is an id (with what is below it) or TOP for
    what is in none; `owner` an id; `tag` and `label` are names; `sort` one of SORTS.
    """

    words: str = ""
    folder: str = ""
    tag: str = ""
    kind: str = ""
    label: str = ""
    owner: str = ""
    favourite: bool = False
    unread: bool = False
    archived: bool = False
    sort: str = "updated"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: everything it shows is here, nothing costs another query. `prompt.head` has no
    body; `labels` are (name, number) pairs.
    """

    prompt: Prompt
    standing: Standing
    tags: list[str] = field(default_factory=list)
    labels: list[tuple[str, int]] = field(default_factory=list)
    favourite: bool = False
    unread: bool = False
    last_run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`next_mark` leads on, "" on the last page; `first` is False behind a mark."""

    rows: list[Row]
    next_mark: str = ""
    first: bool = True


@dataclass(frozen=True, slots=True)
class Branch:
    """A folder with its depth (0 at the top) and the number of live prompts straight in it that one sees."""

    folder: Folder
    depth: int
    prompts: int


def page(
    team: Team, user: User, filters: Filters, mark: str = "", limit: int = 50, *, role: int | None = None
) -> Page:
    """The prompts behind the mark; a mark that does not belong here begins anew. `role`, here and below, is
    the person's in the team, for who knows it already: see `rights.visible`.
    """
    place = _read(mark, team, user, filters)
    rows = _behind(narrowed(team, user, filters, role), filters.sort, place)
    found = _first(rows, filters.sort, limit + 1)
    shown = found[:limit]
    more = _write(_place_of(shown[-1], filters.sort), team, user, filters) if len(found) > limit else ""
    return Page(_rows(team, user, shown, role), more, first=not place)


def narrowed(team: Team, user: User, filters: Filters, role: int | None = None) -> QuerySet[Prompt]:
    """All that match, in no order: also what an export or a bulk action of everything takes."""
    rows = rights.visible(team, user, role).filter(archived_at__isnull=not filters.archived)
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.owner:
        rows = rows.filter(owner=_uuid(filters.owner))
    if filters.tag:
        rows = rows.filter(tags__name__iexact=filters.tag)
    if filters.label:
        rows = rows.filter(Exists(Label.objects.filter(prompt=OuterRef("pk"), name=filters.label)))
    if filters.favourite:
        rows = rows.filter(Exists(Favourite.objects.filter(prompt=OuterRef("pk"), user=user)))
    if filters.unread:
        rows = rows.filter(Exists(discussion.unread_of(user).filter(version__prompt=OuterRef("pk"))))
    if filters.folder:
        rows = rows.filter(_in_folder(team, filters.folder))
    return search.matching(rows, team.pk, filters.words)


def tree(
    team: Team, user: User, known: Sequence[tuple[Folder, int]] | None = None, role: int | None = None
) -> list[Branch]:
    """All folders of the team as `folders` gives them (`known`, when they were asked for already)."""
    live = rights.visible(team, user, role).filter(archived_at=None).exclude(folder=None)
    counts = dict(live.order_by().values_list("folder").annotate(prompts=Count("pk")))
    found = folders(team) if known is None else known
    return [Branch(folder, depth, counts.get(folder.pk, 0)) for folder, depth in found]


def folders(team: Team) -> list[tuple[Folder, int]]:
    """The folders of the team and their depths in the order of a tree, by name; one query."""
    below: dict[uuid.UUID | None, list[Folder]] = {}
    for folder in Folder.objects.filter(team=team).order_by(Lower("name")):
        below.setdefault(folder.parent_id, []).append(folder)
    found: list[tuple[Folder, int]] = []
    waiting = [(folder, 0) for folder in reversed(below.get(None, []))]
    while waiting:
        folder, depth = waiting.pop()
        found.append((folder, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(folder.pk, []))]
    return found


def tags(team: Team) -> list[str]:
    return list(Tag.objects.filter(team=team).order_by(Lower("name")).values_list("name", flat=True))


def owners(team: Team, user: User, role: int | None = None) -> list[User]:
    """The members whose prompts the person sees."""
    theirs = rights.visible(team, user, role).filter(owner=OuterRef("pk")).order_by()
    # One look for each member: as an EXISTS, PostgreSQL would go through all prompts of the team.
    members = (
        User.objects.filter(teams=team).alias(one=Subquery(theirs.values("pk")[:1])).filter(one__isnull=False)
    )
    return sorted(members, key=lambda owner: str(owner).lower())


def suggest(team: Team, user: User, words: str, *, kind: str = "", limit: int = 20) -> list[Prompt]:
    """For a chooser: live prompts that match and that the person may run, the last changed first."""
    rows = narrowed(team, user, Filters(words=words, kind=kind)).exclude(head=None)
    found = _first(rows, "updated", MOST_SUGGESTED)
    standings = rights.standings(user, found)
    return [prompt for prompt in found if standings[prompt.pk].level >= Level.RUN][:limit]


def _rows(team: Team, user: User, shown: list[Prompt], role: int | None) -> list[Row]:
    pks = [prompt.pk for prompt in shown]
    standings, last = rights.standings(user, shown, role), kinds.last_runs(shown)
    starred = set(Favourite.objects.filter(user=user, prompt__in=pks).values_list("prompt", flat=True))
    unread = discussion.unread_of(user).filter(version__prompt__in=pks)
    told = set(unread.values_list("version__prompt", flat=True).distinct())
    tags, labels = _tags(pks), _labels(pks)
    for prompt in shown:
        Prompt._meta.get_field("team").set_cached_value(prompt, team)
    return [
        Row(
            prompt,
            standings[prompt.pk],
            tags[prompt.pk],
            labels[prompt.pk],
            favourite=prompt.pk in starred,
            unread=prompt.pk in told,
            last_run_at=last.get(prompt.pk),
        )
        for prompt in shown
    ]


def _tags(pks: list[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    through = Prompt.tags.through._default_manager.filter(prompt__in=pks)
    for pk, name in through.order_by(Lower("tag__name")).values_list("prompt", "tag__name"):
        found[pk].append(name)
    return found


def _labels(pks: list[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, int]]]:
    found: dict[uuid.UUID, list[tuple[str, int]]] = defaultdict(list)
    rows = Label.objects.filter(prompt__in=pks).order_by("name")
    for pk, name, number in rows.values_list("prompt", "name", "version__number"):
        found[pk].append((name, number))
    return found


def _first(rows: QuerySet[Prompt], sort: str, count: int) -> list[Prompt]:
    return list(_whole(_sorted(rows, sort))[:count])


def _whole(rows: QuerySet[Prompt]) -> QuerySet[Prompt]:
    """With what a line shows, and without what is large."""
    return rows.select_related("owner", "head").defer("text", "head__body")


def _sorted(rows: QuerySet[Prompt], sort: str) -> QuerySet[Prompt]:
    if sort == "title":
        return rows.annotate(lower_title=Lower("title")).order_by("lower_title", "id")
    at = "created_at" if sort == "created" else "updated_at"
    return rows.order_by(F(at).desc(), F("id").desc())


def _place_of(prompt: Prompt, sort: str) -> list[str]:
    if sort == "title":
        return [str(vars(prompt)["lower_title"]), prompt.pk.hex]
    at = prompt.created_at if sort == "created" else prompt.updated_at
    return [at.isoformat(), prompt.pk.hex]


def _behind(rows: QuerySet[Prompt], sort: str, place: list[str]) -> QuerySet[Prompt]:
    if not place:
        return rows
    pk = uuid.UUID(place[1])
    # The first condition bounds the index scan, which the second alone would not.
    if sort == "title":
        named = rows.annotate(lower_title=Lower("title")).filter(lower_title__gte=place[0])
        return named.filter(Q(lower_title__gt=place[0]) | Q(id__gt=pk))
    name = "created_at" if sort == "created" else "updated_at"
    at = datetime.fromisoformat(place[0])
    return rows.filter(**{f"{name}__lte": at}).filter(Q(**{f"{name}__lt": at}) | Q(id__lt=pk))


def _in_folder(team: Team, folder: str) -> Q:
    if folder == TOP:
        return Q(folder=None)
    wanted = _uuid(folder)
    rows = Folder.objects.filter(team=team).values_list("pk", "parent")
    parents: dict[uuid.UUID, uuid.UUID | None] = dict(rows)
    return Q(folder__in=[pk for pk in parents if _is_below(pk, wanted, parents)])


def _is_below(pk: uuid.UUID | None, wanted: uuid.UUID, parents: dict[uuid.UUID, uuid.UUID | None]) -> bool:
    passed: Collection[uuid.UUID | None] = ()
    while pk is not None and pk not in passed:
        if pk == wanted:
            return True
        passed = (*passed, pk)
        pk = parents.get(pk)
    return False


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)  # nothing has this id


def _write(place: list[str], team: Team, user: User, filters: Filters) -> str:
    return signing.dumps([_digest(team, user, filters), *place], salt=SALT)


def _read(mark: str, team: Team, user: User, filters: Filters) -> list[str]:
    try:
        digest, *place = signing.loads(mark, salt=SALT) if mark else [""]
    except (signing.BadSignature, ValueError, TypeError):
        return []
    return place if digest == _digest(team, user, filters) else []


def _digest(team: Team, user: User, filters: Filters) -> str:
    said: Any = f"{team.pk} {user.pk} {filters!r}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
