"""Tells open pages which of their team's check runs changed, and marks those whose process is gone.

One look at the database for all open pages of a web process, beside the hub that serves their streams.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from playground.live.hub import Hub, team_channel
from playground.threads import with_database
from playground.verify import runs
from playground.verify.models import CheckRun

log = logging.getLogger(__name__)
BEAT_S = 0.5
SWEEP_BEATS = 10
# Clocks of processes differ, and a change may be committed later than it was stamped.
BACK = timedelta(seconds=10)
MOST = 500
Told = dict[uuid.UUID, tuple[int, str]]


async def tell_changes(hub: Hub) -> None:
    """For ever; cancel it to end."""
    told: Told = {}
    beats = 0
    with ThreadPoolExecutor(1, thread_name_prefix="checks") as thread:
        loop = asyncio.get_running_loop()
        while True:
            try:
                beats += 1
                if beats % SWEEP_BEATS == 0:
                    await loop.run_in_executor(thread, with_database, _sweep)
                if teams := hub.teams():
                    rows = await loop.run_in_executor(thread, with_database, lambda: changed(teams))
                    tell(hub, rows, told)
                else:
                    told.clear()
            except DatabaseError as error:
                log.warning("changes of check runs could not be asked for: %s", type(error).__name__)
            except Exception:
                log.exception("changes of check runs were not told; the next look tries again")
            await asyncio.sleep(BEAT_S)


def changed(teams: Collection[uuid.UUID], now: datetime | None = None) -> list[tuple[Any, ...]]:
    """Team, id, version and state of what changed lately."""
    since = (now or timezone.now()) - BACK
    rows = CheckRun.objects.filter(changed_at__gt=since, team__in=list(teams))
    return list(rows.values_list("team_id", "pk", "version", "state").order_by("changed_at")[:MOST])


def tell(hub: Hub, rows: Iterable[tuple[Any, ...]], told: Told) -> None:
    """Each version once; how a run stands is also news for the chip in the rail."""
    there: Told = {}
    for team, pk, version, state in rows:
        before = told.get(pk)
        there[pk] = (version, state)
        if before == there[pk]:
            continue
        channel = team_channel(team)
        hub.feed(channel, {"kind": "check", "run": str(pk), "version": version, "state": state})
        if before is None or before[1] != state:
            hub.feed(channel, {"kind": "activity"})
    told.clear()
    told.update(there)


def _sweep() -> None:
    runs.sweep(timezone.now())
