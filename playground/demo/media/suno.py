"""The Suno routes: sixteen that make or change music, six that tell how it stands (contract 13)."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from playground.demo.dice import Dice
from playground.demo.exchange import Exchange
from playground.demo.fields import parse
from playground.demo.records import Record

from . import suno_answers, suno_files, suno_songs
from .faults import Faults
from .faults import read as read_faults
from .studio import DAY_S, Refusals, Studio
from .suno_fields import ROUTES, Body, NotTaken, Route, read
from .suno_jobs import GONE, Job, Jobs, plan, texts, wishes
from .suno_lyrics import describe_style
from .suno_messenger import Messenger
from .suno_songs import Track
from .suno_sound import peaks, play, words_of
from .tasks import Order
from .ways import Way, as_the_gateway, way

KINDS = tuple(dict.fromkeys(route.query for route in ROUTES.values() if route.query))

_QUERY = "/suno/query/"
_LIVES_S = 14 * DAY_S
_AT_ONCE_S = 1.5
_PEAKS = 120
_CODES = {
    400: "Invalid parameters",
    401: "You do not have access permissions",
    405: "Call frequency limit exceeded",
    409: "Conflict",
    413: "The prompt is too long",
    429: "The current credits are insufficient",
    430: "Your call frequency is too high",
    451: "The file could not be downloaded",
    455: "System maintenance",
    500: "Server exception",
    501: "Generation failed",
    531: "Generation failed, the credits were returned",
}
_ONCE = {
    "generate-cover": (400, "Cover already generated"),
    "wav-generate": (409, "WAV record already exists"),
}
_NO = Refusals(
    content=lambda: NotTaken(400, "The text has blocked words"),
    busy=lambda: NotTaken(430, _CODES[430]),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was found good: what it starts from, and what it wants to go wrong."""

    route: Route
    body: Body
    source: Track | None
    parent: Job | None
    wishes: frozenset[str]
    faults: Faults
    own: Faults
    """The faults that this very request names; `faults` has those of the song it starts from as well."""


class Suno:
    """One per gateway, with its tasks and the callbacks of them."""

    def __init__(self, studio: Studio, *, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._studio = studio
        self._jobs = Jobs(clock, speed)
        self._messenger = Messenger(self._jobs, speed=speed)

    def ways(self) -> tuple[Way, ...]:
        creating = (way("POST", f"/suno/{action}", self._create, as_the_gateway) for action in ROUTES)
        asking = (way("GET", f"{_QUERY}{kind}", self._query, as_the_gateway) for kind in KINDS)
        return *creating, *asking

    def callbacks(self) -> dict[str, Any]:
        """The last callbacks for GET /demo/callbacks, without addresses; `open` counts who waits for more."""
        return self._messenger.deliveries()

    async def _create(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="prompt")
        asked = self._read(ROUTES[exchange.path.removeprefix("/suno/")], body)
        if await self._studio.strike(exchange, asked.own, raw, _NO):
            return
        self._refuse_twice(asked)
        at_once = asked.route.query == ""
        result = await asyncio.to_thread(_result, asked) if at_once else {}
        if at_once and "demo-task-only" not in asked.wishes:
            await self._studio.work(_AT_ONCE_S, asked.own)
            await self._studio.answer(exchange, _told(result), asked.own)
            return
        job = self._take(exchange, asked, result)
        await self._studio.answer(exchange, _told({"taskId": job.id}), asked.own)

    async def _query(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        task_id = exchange.query.get("taskId")
        if not task_id:
            raise NotTaken(400, "Please enter taskId")
        job = self._jobs.find(task_id)
        if job is None or job.kind != exchange.path.removeprefix(_QUERY):
            raise NotTaken(404, "Task not found")
        if await self._studio.look(exchange, job.task) is None:
            return
        stage = self._jobs.stage(job)
        job.ask()
        if stage.status == GONE:
            raise NotTaken(404, "Task not found")
        await exchange.reply(200, _told(suno_answers.query(job, job.shown(stage))))

    def _read(self, route: Route, body: Body) -> Asked:
        said = texts(body)
        wished = wishes(said)
        for word in sorted(wished):
            if (match := re.fullmatch(r"demo-code-(\d{3})", word)) and int(match[1]) in _CODES:
                raise NotTaken(int(match[1]), _CODES[int(match[1])])
        read(route, body)
        parent, source = self._start(route, body)
        if parent and source:
            suno_songs.check(route.action, body, source)
            said = f"{said} {texts(parent.body)}"
            wished |= parent.wishes
        own = read_faults("", texts(body))
        return Asked(route, body, source, parent, wished, read_faults("", said), own)

    def _start(self, route: Route, body: Body) -> tuple[Job, Track] | tuple[None, None]:
        """The finished song that a route starts from."""
        by_task, by_track = route.takes("taskId"), route.takes("audioId")
        if not by_task and not by_track:
            return None, None
        job = self._jobs.find(body["taskId"]) if by_task else self._jobs.with_track(body["audioId"])
        if job is None or not job.tracks:
            raise NotTaken(404, "Task not found")
        track = job.track(body["audioId"]) if by_track else job.tracks[0]
        if track is None:
            raise NotTaken(404, "The music was not found in this task")
        if self._jobs.stage(job).shows != "all":
            raise NotTaken(400, "The music is not ready yet")
        return job, track

    def _refuse_twice(self, asked: Asked) -> None:
        before = self._jobs.made(asked.route, asked.body) if asked.route.action in _ONCE else None
        if before:
            code, message = _ONCE[asked.route.action]
            raise NotTaken(code, message, task_id=before.id if asked.route.query == "cover" else None)

    def _take(self, exchange: Exchange, asked: Asked, result: dict[str, Any]) -> Job:
        route, body = asked.route, asked.body
        stages = plan(route, asked.wishes, asked.faults, later=asked.source is not None)
        order = Order(
            exchange.path,
            str(body.get("model") or ""),
            texts(body),
            asked.faults,
            (),
            0.0,
            stages[-1].after_s,
        )
        job = Job(
            route,
            body,
            asked.wishes,
            asked.faults,
            stages,
            self._studio.tasks.take(secrets.token_hex(16), order),
            self._jobs.now(),
            tracks=suno_songs.make(route.action, body, asked.source) if route.query == "task" else (),
            source=asked.source,
            parent=asked.parent.id if asked.parent else "",
            result=result,
        )
        job.files.update(self._files(exchange, job))
        self._jobs.add(job)
        self._messenger.follow(job)
        return job

    def _files(self, exchange: Exchange, job: Job) -> dict[str, str]:
        """Every file has its address from the start; it is made when it is fetched."""
        names = suno_answers.names(job)
        recipes = tuple(suno_files.recipe(job, name) for name in names)
        # What is to be missing is missing from the answers, stage by stage.
        faults = replace(job.faults, ending="")
        urls = self._studio.publish(exchange, recipes, faults, lives_s=_LIVES_S)
        return dict(zip(names, urls, strict=True))


def _told(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 200, "msg": "success", "data": data}


def _result(asked: Asked) -> dict[str, Any]:
    """The answer of a route that needs no task."""
    if asked.route.action == "style-generate":
        return _style(asked.body["content"])
    if asked.source is None:
        raise ValueError(f"{asked.route.action} starts from a track")
    if asked.route.action == "timestamped-lyrics":
        return _aligned(asked.source, snake="demo-other-shape" in asked.wishes)
    about = {"name": asked.body["name"], "description": asked.body["description"]}
    return {"personaId": f"persona-{secrets.token_hex(8)}", **about}


def _style(content: str) -> dict[str, Any]:
    return {
        "taskId": secrets.token_hex(16),
        "param": content,
        "result": describe_style(content, Dice(content.encode("utf-8", "surrogatepass"))),
        "creditsConsumed": 0.4,
        "creditsRemaining": 120,
        "successFlag": "1",
        "errorCode": None,
        "errorMessage": "",
    }


def _aligned(track: Track, *, snake: bool) -> dict[str, Any]:
    """The words with the times at which the made song sings them."""
    start, end, fits = ("start_s", "end_s", "p_align") if snake else ("startS", "endS", "palign")
    words = [
        {"word": word.text, "success": word.sung, start: word.start_s, end: word.end_s, fits: 0}
        for word in words_of(track.cuts)
    ]
    shape = peaks(play(track.cuts, track.layers), _PEAKS)
    return {"alignedWords": words, "waveformData": shape, "hootCer": 0.1, "isStreamed": False}
