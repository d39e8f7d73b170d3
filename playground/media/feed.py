"""Tells open pages which of their team's tasks changed; the page then asks for their cards.

One look at the database for all open pages of a web process, beside the hub that serves their streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from playground.live.hub import Hub, team_channel
from playground.media.watch import Changed, Watch
from playground.threads import with_database

T = TypeVar("T")


async def tell_changes(hub: Hub) -> None:
    """For ever; cancel it to end."""
    with ThreadPoolExecutor(1, thread_name_prefix="tasks") as thread:

        async def in_thread(work: Callable[..., T], *args: Any) -> T:
            return await asyncio.get_running_loop().run_in_executor(thread, with_database, work, *args)

        def tell(changed: Changed) -> None:
            hub.feed(team_channel(changed.team), changed.as_feed())

        await Watch(teams=hub.teams, tell=tell, in_thread=in_thread).run()
