"""The weekly check of a key: free and cheap rows only, in the name of whoever switched it on."""

from __future__ import annotations

import logging
from datetime import datetime

from playground.verify import runs, setups
from playground.verify.models import CheckRun, Setup
from playground.verify.table import CHECKS

log = logging.getLogger(__name__)
AT_ONCE = 20


def begin_due(now: datetime) -> int:
    """Begin what is due. Of two schedulers one wins; a week without a worker is made up for once."""
    begun = 0
    due = Setup.objects.filter(weekly=True, next_at__lte=now).select_related("key", "user", "team")
    for setup in due.order_by("next_at")[:AT_ONCE]:
        same = Setup.objects.filter(pk=setup.pk, weekly=True, next_at=setup.next_at)
        if same.update(next_at=now + setups.WEEK):
            begun += _begin(setup)
    return begun


def _begin(setup: Setup) -> int:
    if setup.user is None or setup.key.revoked_at is not None:
        Setup.objects.filter(pk=setup.pk).update(weekly=False, next_at=None)
        return 0
    checks = [check for check in CHECKS if check.cost != "paid"]
    chosen = setups.chosen(setup.key, setup)
    try:
        begun_by = CheckRun.Begun.SCHEDULE
        runs.begin(setup.user, setup.team, setup.key, checks, chosen, begun_by=begun_by)
    except runs.Refused as error:
        log.warning("the weekly check of key %s did not begin: %s", setup.key_id, error)
        return 0
    return 1
