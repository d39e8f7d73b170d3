"""What all media routes share: taking tasks, telling how they stand, publishing files, failing on request."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from playground.demo.conduct import Conduct
from playground.demo.exchange import Exchange, Refused, json_bytes
from playground.demo.faults import HTML_502, Fault, http_error
from playground.demo.models import Shelf
from playground.demo.records import digest

from .assets import NOBODYS, Assets
from .faults import Faults
from .recipes import Recipe
from .serving import Server
from .tasks import Look, Task, Tasks

DAY_S = 24 * 3600
_POLL_WAIT_S = "2"


@dataclass(frozen=True, slots=True)
class Refusals:
    """How a family says no: for reasons of content, and because too much is under way."""

    content: Callable[[], Refused]
    busy: Callable[[], Refused]


class Studio:
    """One per gateway; `speed` 0 takes every wait away."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self.tasks = Tasks(speed=speed)
        self.server = Server(speed=speed)
        self._assets = Assets()
        self._conduct = Conduct(shelf, speed=speed)
        self._speed = speed

    async def strike(self, exchange: Exchange, faults: Faults, raw: bytes, no: Refusals) -> bool:
        """Answer in place of the route where nothing is to be taken; else return False."""
        if faults.create and await self._conduct.strike(exchange, faults.create, digest(raw)):
            return True
        if faults.refusal:
            raise no.content() if faults.refusal == "content" else no.busy()
        return False

    async def work(self, seconds: float, faults: Faults) -> None:
        """The time a route takes that answers in one go."""
        if self._speed:
            await asyncio.sleep(seconds * (10 if faults.slow else 1) / self._speed)

    async def answer(self, exchange: Exchange, value: object, faults: Faults) -> None:
        """Tell that the task was taken or what was made, unless that answer is to be lost."""
        await self.answer_bytes(exchange, json_bytes(value), "application/json", faults)

    async def answer_bytes(self, exchange: Exchange, body: bytes, media_type: str, faults: Faults) -> None:
        if not await _lost(exchange, faults.lost, body):
            await exchange.reply_bytes(200, body, media_type)

    async def look(self, exchange: Exchange, task: Task) -> Look | None:
        """How the task stands; None when the query was answered with its fault."""
        task.queries += 1
        faults = task.order.faults
        if faults.poll and task.queries <= faults.polls:
            await _fail_query(exchange, faults.poll)
            return None
        return self.tasks.look(task)

    def urls(self, exchange: Exchange, task: Task, *, lives_s: float) -> tuple[str, ...]:
        """The addresses of what a task made, the same with every query."""
        if not task.urls:
            task.urls = self.publish(exchange, task.order.recipes, task.order.faults, lives_s=lives_s)
        return task.urls

    def publish(
        self, exchange: Exchange, recipes: tuple[Recipe, ...], faults: Faults, *, lives_s: float
    ) -> tuple[str, ...]:
        base = f"http://{exchange.headers.get('host', b'localhost').decode('latin-1')}"
        if faults.ending == "empty":
            return ()
        if faults.ending == "partial":
            recipes = recipes[: max(len(recipes) // 2, 1)]
        return tuple(
            self._assets.publish(recipe, fault=faults.asset, base=base, lives_s=lives_s) for recipe in recipes
        )

    async def send_asset(self, exchange: Exchange) -> None:
        asset = self._assets.find(exchange.path) or NOBODYS
        await self.server.send(exchange, asset, now=time.time())


async def _lost(exchange: Exchange, kind: str, body: bytes) -> bool:
    """Lose an answer; False when it is not to be lost."""
    match kind:
        case "hang":
            await asyncio.Event().wait()
        case "cut" | "reset":
            await exchange.start(200, "application/json", (("content-length", str(len(body))),))
            await exchange.write(body[: len(body) // 2])
            await (exchange.cut() if kind == "cut" else exchange.reset())
        case "500":
            raise Refused(500, "Internal error", type="server_error", code="internal_error")
        case "html":
            await exchange.reply_bytes(502, HTML_502, "text/html")
        case "garbage":
            await exchange.reply_bytes(200, body[: len(body) // 2], "application/json")
        case _:
            return False
    return True


async def _fail_query(exchange: Exchange, kind: str) -> None:
    if kind == "429":
        # Shorter than what a create answer tells: a query is soon asked again.
        wait = (("retry-after", _POLL_WAIT_S),)
        raise Refused(429, "Too many queries", type="rate_limit_error", code="rate_limit", headers=wait)
    if error := http_error(Fault("", f"error-{kind}", "")):
        raise error.refusal()
    whole = json_bytes({"demo": "the answer to a query ends in the middle of this text"})
    await _lost(exchange, kind, whole)
