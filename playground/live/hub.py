"""The hub of one web process: channels, their recent frames, and the cursors that read them.

A channel is a conversation (`conversation:<id>`), a person's feed (`user:<id>`) or a team's (`team:<id>`).
Frames are encoded once and shared by every viewer. A cursor holds no queue of its own: a slow viewer gets a
bigger slice next time, and one that fell behind what the channel keeps is asked to come back: what it
missed may be the end of a run, which only the start of a stream tells.
Everything here runs on the event loop's thread, except `announce`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from playground.live import sse
from playground.live.mirror import Op, RunView

log = logging.getLogger(__name__)
KEEP_BYTES = 2 * 1024 * 1024
KEEP_FRAMES = 4096
SLICES = 15
TEAM = "team:"
Refused = Callable[[set[Any]], Awaitable[set[Any]]]


def team_channel(pk: uuid.UUID) -> str:
    return f"{TEAM}{pk}"


@dataclass(slots=True)
class Channel:
    name: str
    views: dict[str, RunView] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    first: int = 0
    size: int = 0
    cursors: set[Cursor] = field(default_factory=set)

    @property
    def end(self) -> int:
        return self.first + len(self.frames)

    def push(self, frame: bytes, *, news: bool = True) -> None:
        """`news`: what no snapshot holds, so that a page whose stream is just being prepared needs it too."""
        if not self.cursors:
            return
        self.frames.append(frame)
        self.size += len(frame)
        if len(self.frames) > KEEP_FRAMES or self.size > KEEP_BYTES:
            self._trim()
        for cursor in self.cursors:
            if news and cursor.early is not None:
                cursor.early.append(frame)
            cursor.wake()

    def _trim(self) -> None:
        drop = max(1, len(self.frames) // 2)
        self.size -= sum(map(len, self.frames[:drop]))
        del self.frames[:drop]
        self.first += drop

    def forget_read(self) -> None:
        """Drop what every cursor has read; called by the heartbeat, so memory follows the slowest."""
        lowest = min((cursor.at[self.name] for cursor in self.cursors), default=self.end)
        if lowest > self.first:
            drop = min(lowest, self.end) - self.first
            self.size -= sum(map(len, self.frames[:drop]))
            del self.frames[:drop]
            self.first += drop

    def show(self, view: RunView) -> None:
        """Send everything of one run anew."""
        self.push(sse.frame("snapshot", sse.payload(view.snapshot())), news=False)

    def snapshots(self) -> list[bytes]:
        """Of every run of which anything is known here: a page has more from its HTML than nothing."""
        known = [view for view in self.views.values() if view.seq]
        return [sse.frame("snapshot", sse.payload(view.snapshot())) for view in known]


class Cursor:
    """One open page's place in its channels."""

    __slots__ = ("_waiter", "at", "beat", "channels", "early", "gone", "who")

    def __init__(self, channels: list[Channel], who: Hashable) -> None:
        self.channels = channels
        self.who = who
        self.gone = False
        self.at = {channel.name: channel.end for channel in channels}
        self.beat = False
        # News that came while it is still being prepared.
        self.early: list[bytes] | None = []
        self._waiter: asyncio.Future[None] | None = None
        for channel in channels:
            channel.cursors.add(self)

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> bytes | None:
        """All that is new, in order; None when a channel no longer holds what was missed."""
        out: list[bytes] = []
        for channel in self.channels:
            at, end = self.at[channel.name], channel.end
            if at < channel.first:
                return None
            out += channel.frames[at - channel.first :]
            self.at[channel.name] = end
        return b"".join(out)

    async def wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def leave(self) -> None:
        for channel in self.channels:
            channel.cursors.discard(self)


class Hub:
    """Channels by name, and what keeps them alive."""

    def __init__(self, *, heartbeat_s: float = 15) -> None:
        self.channels: dict[str, Channel] = {}
        self.heartbeat_s = heartbeat_s
        self._cursors: dict[Cursor, None] = {}
        self._closing = False

    def channel(self, name: str) -> Channel:
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name)
        return channel

    def open_view(self, channel: str, run: str, turn: str) -> RunView:
        view = self.channel(channel).views[run] = RunView(run=run, turn=turn)
        return view

    def publish(self, channel: str, view: RunView, seq: int, ops: list[Op], data: bytes) -> None:
        """Fold the next batch of a run and hand its JSON to every viewer."""
        view.apply(seq, ops)
        self.deliver(channel, view, data)

    def deliver(self, channel: str, view: RunView, data: bytes) -> None:
        """Push an already applied batch; an ended run leaves the log."""
        self.channel(channel).push(sse.frame("run", data), news=view.ended)
        if view.ended:
            self.forget(channel, view.run)

    def forget(self, channel: str, run: str) -> None:
        """Hold a run that is over no longer, nor a channel that was there for it alone."""
        there = self.channels.get(channel)
        if there is not None:
            there.views.pop(run, None)
            self._drop_if_idle(there)

    def feed(self, channel: str, data: dict[str, Any]) -> None:
        there = self.channels.get(channel)
        if there is not None:
            there.push(sse.frame("feed", sse.payload(data)))

    def teams(self) -> set[uuid.UUID]:
        """Those of which a page is open here."""
        return {uuid.UUID(name[len(TEAM) :]) for name in self.channels if name.startswith(TEAM)}

    def _drop_if_idle(self, channel: Channel) -> None:
        if not channel.cursors and not channel.views and self.channels.get(channel.name) is channel:
            del self.channels[channel.name]

    async def tail(
        self,
        names: Iterable[str],
        *,
        who: Hashable,
        live: Callable[[], Awaitable[list[str]]],
        draining: Callable[[], bool],
    ) -> AsyncIterator[bytes]:
        """The body of one page's stream. `live` prepares the channels and names the runs in flight."""
        cursor = Cursor([self.channel(name) for name in names], who)
        self._cursors[cursor] = None
        try:
            runs = await live()
            for channel in cursor.channels:
                cursor.at[channel.name] = channel.end
            snapshots = [frame for channel in cursor.channels for frame in channel.snapshots()]
            ready = sse.frame("ready", sse.payload({"runs": runs, "draining": draining()}))
            # `live` looked a while ago: a run among them may be over by now, and has no snapshot any more.
            early, cursor.early = cursor.early or [], None
            yield b"".join([sse.OPENING, *snapshots, ready, *early])
            while True:
                if cursor.gone:
                    yield sse.frame("feed", b'{"kind":"gone"}')
                    return
                new = cursor.take()
                if new:
                    yield new
                elif new is None or self._closing:
                    yield sse.frame("drain", b'{"retry_ms":1000}')
                    return
                elif cursor.beat:
                    cursor.beat = False
                    yield sse.HEARTBEAT
                else:
                    await cursor.wait()
        finally:
            self._cursors.pop(cursor, None)
            cursor.leave()
            for channel in cursor.channels:
                self._drop_if_idle(channel)

    async def heartbeats(self, refused: Refused) -> None:
        """Runs for the life of the process: keeps proxies awake, and ends what may no longer be watched.

        A slice of the cursors at a time, so that a thousand pages do not all ask at one moment.
        """
        for beat in itertools.count():
            await asyncio.sleep(self.heartbeat_s / SLICES)
            cursors = list(self._cursors)[beat % SLICES :: SLICES]
            if beat % SLICES == 0:
                for channel in list(self.channels.values()):
                    channel.forget_read()
            if not cursors:
                continue
            gone = await _ask(refused, {cursor.who for cursor in cursors})
            for cursor in cursors:
                cursor.gone = cursor.who in gone
                cursor.beat = True
                cursor.wake()

    def close(self) -> None:
        """End every stream after what it has not sent yet."""
        self._closing = True
        for cursor in self._cursors:
            cursor.wake()


async def _ask(refused: Refused, watchers: set[Any]) -> set[Any]:
    """A fault is no reason to shut anybody out, nor to keep signs of life back; the next beat asks again."""
    try:
        return await refused(watchers)
    except Exception:
        log.exception("open streams could not be rechecked")
        return set()
