"""Which tasks changed, for open pages: asked of the database, so it works across processes and without Redis.

One query a beat for all teams that somebody watches. A row's change may be committed later than it was
stamped, so each look goes back a little, and what was told already is left out.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError

from playground.media import clock
from playground.media.models import LIVE, MediaTask

log = logging.getLogger(__name__)
BEAT_S = 0.4
BACK = timedelta(seconds=5)
MOST = 2000


@dataclass(frozen=True, slots=True)
class Changed:
    """A task as it is now; a page asks for the card when its own version is older."""

    team: uuid.UUID
    task: uuid.UUID
    version: int
    status: str
    watching: bool
    held_at: datetime | None
    changed_at: datetime

    def as_feed(self) -> dict[str, Any]:
        return {
            "kind": "task",
            "task": str(self.task),
            "version": self.version,
            "status": self.status,
            "moving": self.status in LIVE and self.watching and self.held_at is None,
        }


def changes(teams: Collection[uuid.UUID], since: datetime) -> list[Changed]:
    """The tasks of these teams that changed since, the oldest change first."""
    rows = MediaTask.objects.filter(team__in=teams, changed_at__gt=since).order_by("changed_at")
    values = rows.values_list("team_id", "pk", "version", "status", "watching", "held_at", "changed_at")[
        :MOST
    ]
    return [Changed(*row) for row in values]


class Watch:
    """One per web process, on its event loop. `teams` says who has a page open, `tell` hands a change on."""

    def __init__(
        self,
        *,
        teams: Callable[[], Iterable[uuid.UUID]],
        tell: Callable[[Changed], None],
        in_thread: Callable[..., Awaitable[Any]],
    ) -> None:
        self._teams, self._tell, self._in_thread = teams, tell, in_thread
        self._since: datetime | None = None
        self._told: dict[uuid.UUID, tuple[int, datetime]] = {}

    async def run(self) -> None:
        """For ever; cancel it to end."""
        while True:
            try:
                await self.look()
            except DatabaseError as error:
                log.warning("changes of tasks could not be asked for: %s", type(error).__name__)
            except Exception:
                log.exception("changes of tasks were not told; the next look tries again")
            await asyncio.sleep(BEAT_S)

    async def look(self) -> int:
        """Tell what is new. Returns how much that was; nothing is asked while nobody watches."""
        teams = set(self._teams())
        if not teams:
            self._since = None
            self._told.clear()
            return 0
        if self._since is None:
            self._since = await self._in_thread(clock.now)
        rows: list[Changed] = await self._in_thread(changes, teams, self._since - BACK)
        fresh = [row for row in rows if self._told.get(row.task, (-1, None))[0] < row.version]
        for row in fresh:
            self._told[row.task] = (row.version, row.changed_at)
            self._tell(row)
        if rows:
            self._since = max(self._since, rows[-1].changed_at)
        self._forget()
        return len(fresh)

    def _forget(self) -> None:
        """What lies before the window cannot come again."""
        assert self._since is not None
        cut = self._since - 2 * BACK
        for task in [task for task, (_, at) in self._told.items() if at < cut]:
            del self._told[task]
