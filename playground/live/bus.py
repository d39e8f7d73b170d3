"""Redis between several web processes: the log of every run in flight, and one broadcast.

A run's batches are a stream `playground:run:<id>`, entry `<seq>-0` each, so a viewer in another
process can fold everything so far. Each tick sends one pipeline: an XADD a changed run and one
PUBLISH with the whole batch. Redis may be lost: runs go on, viewers elsewhere catch up from the
database, nothing of the history is in it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import RedisError

from playground.live.mirror import RunView

log = logging.getLogger(__name__)
LIVE = "playground:live"
KEEP_S = 3600
MAX_BATCHES = 200_000
AWAY_S = 3.0
PATIENCE_S = 1.0
AGAIN_S = 1.0


def _key(run: str) -> str:
    return f"playground:run:{run}"


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a broadcast: a batch of a run (`run` set), a feed event, or a control word."""

    kind: str
    channel: str
    run: str
    turn: str
    seq: int
    data: bytes

    def encode(self) -> bytes:
        head = json.dumps([self.kind, self.channel, self.run, self.turn, self.seq]).encode()
        return head + b"\t" + self.data

    @classmethod
    def decode(cls, line: bytes) -> Message:
        head, _, data = line.partition(b"\t")
        kind, channel, run, turn, seq = json.loads(head)
        return cls(kind, channel, run, turn, seq, data)


def encode(data: dict[str, Any]) -> bytes:
    return json.dumps(data).encode()


def decode(data: bytes) -> dict[str, Any]:
    """The JSON of a message; it comes from our own processes only."""
    value: dict[str, Any] = json.loads(data)
    return value


class Bus:
    """This process's end. `receive` gets every message of the other processes."""

    def __init__(self, url: str, process: str, receive: Callable[[Message], None]) -> None:
        # What viewers are shown waits for Redis, so that one that hangs must be given up soon.
        self._redis = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S, health_check_interval=30
        )
        self._process = process.encode()
        self._receive = receive
        self._outbox: list[tuple[Message, Callable[[], Any]]] = []
        self._due = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._away_until = 0.0
        self.on_resume: Callable[[], None] = lambda: None

    def send(self, message: Message, then: Callable[[], Any] = lambda: None) -> None:
        """Queue a message; `then` is called when Redis has it, or cannot have it.

        So nobody is shown what a crash of this process could still lose.
        """
        self._outbox.append((message, then))
        self._settled.clear()
        self._due.set()

    async def settle(self) -> None:
        """Wait until everything queued was handed on."""
        await self._settled.wait()

    async def pump(self) -> None:
        """Send what has gathered, one pipeline at a time, so that the order holds."""
        while True:
            await self._due.wait()
            self._due.clear()
            batch, self._outbox = self._outbox, []
            await self._try([message for message, _ in batch])
            for _, then in batch:
                try:
                    then()
                except Exception:
                    log.exception("what was sent could not be shown here")
            if not self._outbox:
                self._settled.set()

    async def _try(self, batch: list[Message]) -> None:
        """A Redis that is away holds nobody up: it is left alone for a while."""
        now = asyncio.get_running_loop().time()
        if not batch or now < self._away_until:
            return
        try:
            await self._write(batch)
        except (RedisError, OSError) as error:
            self._away_until = now + AWAY_S
            log.warning("redis did not take %d messages: %s", len(batch), error)
        except Exception:
            log.exception("redis did not take %d messages", len(batch))

    async def _write(self, batch: list[Message]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for message in batch:
                if message.kind == "run":
                    entry = f"{message.seq}-0"
                    pipe.xadd(
                        _key(message.run), {"d": message.data}, id=entry, maxlen=MAX_BATCHES, approximate=True
                    )
                    if message.seq % 200 == 1:
                        pipe.expire(_key(message.run), KEEP_S)
            pipe.publish(LIVE, self._process + b"\n" + b"\n".join(m.encode() for m in batch))
            await pipe.execute(raise_on_error=False)

    async def listen(self) -> None:
        """Receive for ever; after a lost connection the mirrors are filled again."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(LIVE)
                    self.on_resume()
                    async for message in pubsub.listen():
                        self._spread(message["data"])
            except (RedisError, OSError) as error:
                log.warning("redis subscription lost: %s", error)
            except Exception:
                # Without it this process would show nothing of the others for the rest of its life.
                log.exception("redis subscription lost")
            await asyncio.sleep(AGAIN_S)

    def _spread(self, data: bytes) -> None:
        sender, _, rest = data.partition(b"\n")
        if sender == self._process:
            return
        for line in rest.split(b"\n"):
            try:
                self._receive(Message.decode(line))
            except Exception:
                log.exception("a message of another process could not be taken")

    async def fill(self, view: RunView) -> bool:
        """Fold what the log holds of a run into its mirror. False: there was nothing new, or no answer."""
        try:
            entries = await self._redis.xrange(_key(view.run), min=f"{view.seq + 1}-0")
        except (RedisError, OSError) as error:
            log.warning("redis could not be read: %s", error)
            return False
        return _fold(view, entries)

    async def close(self) -> None:
        await self._redis.aclose()


def _fold(view: RunView, entries: Any) -> bool:
    """Apply stream entries `(<seq>-0, {"d": batch})` up to the first gap. False: none was new."""
    before = view.seq
    for number, fields in entries:
        if not view.apply(int(number.split(b"-")[0]), json.loads(fields[b"d"])["ops"]):
            break
    return view.seq > before


def read_run(url: str, run: str) -> RunView | None:
    """What Redis still holds of a run whose process died, or None. Blocking; for the sweep."""
    view = RunView(run=run, turn="")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5) as client:
            _fold(view, client.xrange(_key(run)))
    except (RedisError, OSError) as error:
        log.warning("redis could not be read: %s", error)
        return None
    return view if view.seq else None


def announce(url: str, messages: list[Message]) -> None:
    """Broadcast from a process without an event loop (the worker). Blocking, best effort."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            client.publish(LIVE, b"worker\n" + b"\n".join(message.encode() for message in messages))
    except (RedisError, OSError) as error:
        log.warning("redis did not take %d messages: %s", len(messages), error)
