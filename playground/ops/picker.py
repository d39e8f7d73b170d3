"""The model picker's list: what one key can see, searched on the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, IntegerField, Min, Q, Value, When
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import access, keys
from accounts.access import Request
from accounts.models import GatewayKey, Role, User
from playground.gateway.wire import FAMILIES
from playground.ops import catalog, measured
from playground.ops.catalog import Outcome
from playground.ops.models import ModelEntry, UsageRecord

SHOWN, RECENT = 50, 8
NEW_FOR = timedelta(days=7)
LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class Option:
    """`able`: the words of what the model was last seen to do in the family; `unable`: what it failed at."""

    entry: ModelEntry
    recent: bool
    new: bool
    able: str = ""
    unable: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """`total` counts what the key ever saw, `matching` what fits the words; `typed` may be used as it is."""

    rows: list[Option]
    total: int
    matching: int
    typed: str

    @property
    def more(self) -> int:
        return self.matching - len(self.rows)


@require_GET
def model_options(request: Request) -> HttpResponse:
    return _answer(request, request.GET, None)


@require_POST
def model_refresh(request: Request) -> HttpResponse:
    key = _key(request, request.POST.get("key", ""))
    if key is None:
        return _answer(request, request.POST, None)
    if access.role_of(request.user, key.team) < Role.MEMBER:
        raise PermissionDenied("This needs the role member in the team.")
    if refusal := keys.refusal(key, request.user, timezone.now()):
        raise PermissionDenied(refusal)
    outcome = catalog.refresh(key, catalog.shared_transport(), timezone.now())
    return _answer(request, request.POST, outcome)


def options(
    key: GatewayKey, user: User, family: str, words: str, now: datetime, recent: Iterable[str] = ()
) -> Options:
    """At most 50 rows: the person's recent models, then the list in the gateway's order, gone ones last."""
    entries = ModelEntry.objects.filter(key=key, family=catalog.list_of(family))
    fits = Q()
    for word in words.split()[:8]:
        fits &= Q(model_id__icontains=word) | Q(name__icontains=word)
    exact = Count("pk", filter=Q(model_id=words))
    about = entries.aggregate(
        total=Count("pk"), matching=Count("pk", filter=fits), exact=exact, first=Min("first_seen")
    )
    used = list(dict.fromkeys([*recent, *_used(key, user, family)]))[:RECENT]
    place = Case(
        *(When(model_id=model, then=Value(number)) for number, model in enumerate(used)),
        default=Value(RECENT),
        output_field=IntegerField(),
    )
    found = entries.filter(fits).order_by(place, Case(When(gone_at=None, then=0), default=1), "pk")
    # Everything is new on the day the key is: only what came later counts.
    since = max(now - NEW_FOR, (about["first"] or now) + timedelta(minutes=1))
    shown = list(found[:SHOWN])
    seen = measured.counted(key.team, user, access.role_of(user, key.team))
    stands = measured.standings(seen, [entry.model_id for entry in shown], family)
    rows = []
    for entry in shown:
        told = stands.get(entry.model_id, ())
        able, unable = _words(told, works=True), _words(told, works=False)
        rows.append(Option(entry, entry.model_id in used, entry.first_seen > since, able, unable))
    typed = words if words and not about["exact"] and _sendable(words) else ""
    return Options(rows, about["total"], about["matching"], typed)


def _words(told: Iterable[measured.Standing], *, works: bool) -> str:
    return ", ".join(each.capability.label.lower() for each in told if each.works is works)


def _used(key: GatewayKey, user: User, family: str) -> list[str]:
    used = UsageRecord.objects.filter(team=key.team_id, user=user, family=family)
    return list(dict.fromkeys(used.order_by("-at").values_list("model", flat=True)[:60]))


def _sendable(model: str) -> bool:
    return len(model) <= LONGEST_ID and model.isprintable()


def _key(request: Request, pk: str) -> GatewayKey | None:
    """The key asked for, if it is a live one; the first usable one when none is named."""
    if not pk:
        return next(iter(catalog.usable_keys(request.user, request.team)), None)
    key = access.get(GatewayKey, request, _uuid(pk))
    return key if key.revoked_at is None else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _answer(request: Request, asked: QueryDict, outcome: Outcome | None) -> HttpResponse:
    family = asked.get("family", "")
    family = family if family in FAMILIES else next(iter(FAMILIES))
    words = " ".join(asked.get("q", "").replace("\0", " ").split())[:LONGEST_ID]
    key = _key(request, asked.get("key", ""))
    context: dict[str, Any] = {
        "key": key,
        "words": words,
        "family": family,
        "selected": asked.get("selected") or asked.get("model", ""),
        "outcome": outcome,
        "may_refresh": key is not None and access.role_of(request.user, key.team) >= Role.MEMBER,
    }
    if key is not None:
        context["options"] = options(
            key, request.user, family, words, timezone.now(), asked.getlist("recent")[:RECENT]
        )
    return render(request, "ops/_model_options.html", context)
