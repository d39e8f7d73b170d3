"""Pages of the models that a person's keys see: each id once, however many keys and lists show it.

The number of queries does not depend on the number of models. A page begins after an id, so the last is as
quick as the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Max, Min, Q, QuerySet, Value, When

from accounts.models import GatewayKey, Team
from playground.catalogue import labels
from playground.catalogue.labels import Labels
from playground.catalogue.models import ModelLabel
from playground.catalogue.sieve import Sieve
from playground.gateway.wire import FAMILIES
from playground.ops.measured import Standing, standings
from playground.ops.models import Measured, ModelEntry

PAGE = 60
FRESH = timedelta(days=7)
# The lists there are, each named by the family it is asked for with.
LISTS = tuple(dict.fromkeys(family.models for family in FAMILIES.values()))


@dataclass(frozen=True, slots=True)
class Row:
    """One model. `keys` see it now; `news` is "gone", "new", "changed" or "", `news_at` since when."""

    model: str
    name: str
    lists: tuple[str, ...]
    keys: int
    first_seen: datetime
    last_seen: datetime
    news: str = ""
    news_at: datetime | None = None
    labels: Labels = labels.NONE
    measured: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """`total` fits the filters; `next` and `previous` are ids to go on from, "" when nothing is left."""

    rows: list[Row] = field(default_factory=list)
    total: int = 0
    next: str = ""
    previous: str = ""
    begins: bool = True


def page(team: Team, keys: Sequence[GatewayKey], seen: Q, asked: Sieve, now: datetime) -> Page:
    """The models behind the place asked for. `keys` are those the person knows of, `seen` is `counted`."""
    entries = ModelEntry.objects.filter(key__in=[asked.key] if asked.key else [key.pk for key in keys])
    fits = _narrowed(team, entries, seen, asked, now)
    # To count them every one has to be found: what the page holds costs no second look.
    ids = list(fits.values_list("model_id", flat=True).order_by("model_id").distinct())
    found, following, earlier = _behind(fits, ids, asked)
    about = {row["model_id"]: row for row in _told(entries.filter(model_id__in=found))}
    said, able = labels.of(team.pk, found), standings(seen, found)
    return Page(
        [_row(about[model], said, able, now) for model in found if model in about],
        len(ids),
        next=found[-1] if found and following else "",
        previous=found[0] if found and earlier else "",
        begins=not earlier,
    )


def _behind(fits: QuerySet[ModelEntry], ids: list[str], asked: Sieve) -> tuple[list[str], bool, bool]:
    """The ids of the page, whether there are more behind it, and whether before it."""
    start = 0
    if asked.before:
        # The first page is always a whole one.
        start = max(0, _ahead_of(fits, ids, asked.before) - PAGE)
    elif asked.after:
        start = _ahead_of(fits, ids, asked.after) + (asked.after in ids)
    earlier = start > 0 or bool(asked.after and not asked.before)
    return ids[start : start + PAGE], start + PAGE < len(ids), earlier


def _ahead_of(fits: QuerySet[ModelEntry], ids: list[str], model: str) -> int:
    """How many stand before it. Where one that went would stand the database says: its order is its own."""
    if model in ids:
        return ids.index(model)
    return fits.filter(model_id__lt=model).values("model_id").distinct().count()


def _narrowed(
    team: Team, entries: QuerySet[ModelEntry], seen: Q, asked: Sieve, now: datetime
) -> QuerySet[ModelEntry]:
    rows = entries
    for word in asked.words.split()[:8]:
        fits = Q(model_id__icontains=word) | Q(name__icontains=word)
        used = ModelLabel.objects.filter(team=team, kind=ModelLabel.Kind.USE, value__icontains=word)
        rows = rows.filter(fits | Q(model_id__in=used.values("model")))
    for kind, value in (("modality", asked.modality), ("use", asked.use)):
        if value:
            rows = rows.filter(model_id__in=_labelled(team, kind, value))
    if asked.family:
        rows = rows.filter(_of_family(team, seen, asked.family))
    if asked.can:
        rows = _able(rows, seen, asked.can, asked.how)
    match asked.state:
        case "new":
            return rows.filter(new_at__gte=now - FRESH, gone_at=None)
        case "changed":
            return rows.filter(changed_at__gte=now - FRESH, gone_at=None)
        case "gone":
            return rows.exclude(model_id__in=entries.filter(gone_at=None).values("model_id"))
        case "any":
            return rows
    return rows.filter(gone_at=None)


def _told(entries: QuerySet[ModelEntry]) -> QuerySet[Any, Any]:
    """What all keys and lists together say of each of some models."""
    shows = {f"in_{family}": Max(_if(Q(family=family))) for family in LISTS}
    return (
        entries.order_by()
        .values("model_id")
        .annotate(
            label=Max("name"),
            first=Min("first_seen"),
            last=Max("last_seen"),
            fresh=Max("new_at"),
            other=Max("changed_at"),
            left=Max("gone_at"),
            there=Count("key", distinct=True, filter=Q(gone_at=None)),
            **shows,
        )
    )


def _if(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _labelled(team: Team, kind: str, value: str) -> QuerySet[Any, Any]:
    return ModelLabel.objects.filter(team=team, kind=kind, value=value).values("model")


def _of_family(team: Team, seen: Q, family: str) -> Q:
    """Labelled so, or seen to work so; where nobody said anything, in the family's own list."""
    worked = Measured.objects.filter(seen, family=family, works_at__isnull=False).values("model")
    fits = Q(model_id__in=_labelled(team, "family", family)) | Q(model_id__in=worked)
    if family in LISTS:
        told = ModelLabel.objects.filter(team=team, kind=ModelLabel.Kind.FAMILY).values("model")
        fits |= Q(family=family) & ~Q(model_id__in=told)
    return fits


def _able(entries: QuerySet[ModelEntry], seen: Q, capability: str, how: str) -> QuerySet[ModelEntry]:
    known = Measured.objects.filter(seen, capability=capability).values("model")
    if how == "unknown":
        return entries.exclude(model_id__in=known.values("model"))
    last = known.annotate(good=Max("works_at"), bad=Max("fails_at"))
    works = Q(good__isnull=False) & (Q(bad=None) | Q(good__gte=F("bad")))
    fails = Q(bad__isnull=False) & (Q(good=None) | Q(good__lt=F("bad")))
    fits = last.filter(works if how == "works" else fails)
    return entries.filter(model_id__in=fits.values("model"))


def _row(
    row: Mapping[str, Any],
    said: Mapping[str, Labels],
    able: Mapping[str, tuple[Standing, ...]],
    now: datetime,
) -> Row:
    model, news, at = row["model_id"], "", None
    if not row["there"]:
        news, at = "gone", row["left"]
    elif row["fresh"] and row["fresh"] >= now - FRESH:
        news, at = "new", row["fresh"]
    elif row["other"] and row["other"] >= now - FRESH:
        news, at = "changed", row["other"]
    return Row(
        model=model,
        name=row["label"],
        lists=tuple(family for family in LISTS if row[f"in_{family}"]),
        keys=row["there"],
        first_seen=row["first"],
        last_seen=row["last"],
        news=news,
        news_at=at,
        labels=said.get(model, labels.NONE),
        measured=able.get(model, ()),
    )
