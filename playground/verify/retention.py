"""How long certificates are kept: the newest of a key, and those that somebody or something still needs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import GatewayKey
from playground.verify.models import CheckResult, CheckRun

# Two years of weekly checks, or what a build makes in some days.
KEPT = 100
# What one tick takes away of one key, and of how many keys: the rest is for the next one.
AT_ONCE, KEYS = 20, 20
# A key has too many only once it was checked again; a worker that was away longer waits for that.
LATELY = timedelta(minutes=10)


def sweep(now: datetime) -> int:
    """Delete what is beyond the bound of keys that were checked lately. Returns how many certificates."""
    lately = CheckRun.objects.filter(changed_at__gt=now - LATELY, ended_at__isnull=False)
    keys = GatewayKey.objects.filter(pk__in=lately.values("key"))
    return sum(_sweep(key) for key in keys.order_by("pk")[:KEYS])


def pin(run: CheckRun) -> bool:
    """Keep it for good, or no longer. Returns whether it is kept now."""
    pinned_at = None if run.pinned_at else timezone.now()
    CheckRun.objects.filter(pk=run.pk).update(pinned_at=pinned_at)
    return pinned_at is not None


def _sweep(key: GatewayKey) -> int:
    floor = list(_ordinary(key).order_by("-created_at").values_list("created_at", flat=True)[KEPT - 1 : KEPT])
    if not floor:
        return 0
    older = _ordinary(key).filter(~Exists(_last_words()), created_at__lt=floor[0])
    ids = list(older.order_by("created_at").values_list("pk", flat=True)[:AT_ONCE])
    with transaction.atomic():
        # Pinned or shared meanwhile, it stays.
        held = list(_ordinary(key).filter(pk__in=ids).select_for_update(skip_locked=True))
        CheckRun.objects.filter(pk__in=[run.pk for run in held]).delete()
    return len(held)


def _ordinary(key: GatewayKey) -> QuerySet[CheckRun]:
    """Those that count against the bound: over, not pinned, not news, and not shared by whoever ran them."""
    rows = CheckRun.objects.filter(key=key, ended_at__isnull=False, pinned_at=None, notice=False)
    # With a team key every run is the team's; with another one somebody gave it to the team.
    return rows if key.shared else rows.filter(shared=False)


def _last_words() -> QuerySet[CheckResult]:
    """What a run found of checks that no later run with its key tried: "since" is counted from there."""
    told = CheckResult.objects.filter(state__in=CheckResult.TOLD)
    later = told.filter(
        name=OuterRef("name"), run__key=OuterRef("run__key"), run__created_at__gt=OuterRef("run__created_at")
    )
    return told.filter(~Exists(later), run=OuterRef("pk"))
