"""The tasks of the demo's music, in memory: how each will go, and where it stands at a moment."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from .faults import Faults
from .suno_fields import Body, Route
from .suno_songs import Track
from .tasks import Task

KEPT = 20_000
GONE = "gone"
"""The state of a task that is not found any more."""

# Queries that find a finished task without its addresses, for demo-late-output.
_LATE = 3
_SLOWNESS = 10

_WISH = re.compile(r"\bdemo-[a-z0-9-]*[a-z0-9]", re.IGNORECASE)
# Words in these fields are addresses and ids, where "demo-" asks for nothing.
_MUTE = frozenset({"callBackUrl", "uploadUrl", "taskId", "audioId", "personaId"})
# "" are the routes that usually answer at once.
_LASTS = {"": 4.0, "lyrics": 4.0, "vocal-removal": 8.0, "wav": 5.0, "mp4": 10.0, "cover": 8.0}
_FAILED = {
    "": "CREATE_TASK_FAILED",
    "task": "GENERATE_AUDIO_FAILED",
    "lyrics": "GENERATE_LYRICS_FAILED",
    "vocal-removal": "GENERATE_AUDIO_FAILED",
    "wav": "GENERATE_WAV_FAILED",
    "mp4": "GENERATE_MP4_FAILED",
    "cover": "GENERATE_COVER_FAILED",
}
_MESSAGES = {
    "SENSITIVE_WORD_ERROR": (400, "The text has blocked words"),
    "CREATE_TASK_FAILED": (500, "Could not create the task"),
    "GENERATE_AUDIO_FAILED": (501, "Audio generation failed"),
    "GENERATE_LYRICS_FAILED": (500, "Lyrics generation failed"),
    "GENERATE_WAV_FAILED": (500, "WAV failed"),
    "GENERATE_MP4_FAILED": (500, "Video failed"),
    "GENERATE_COVER_FAILED": (500, "Cover failed"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A state and when it is reached, in seconds at the usual speed. `shows` says what is there by then:
    "" nothing, "text", "first" the first track, "all", "no url" all but the addresses.
    """

    status: str
    after_s: float
    shows: str = ""

    @property
    def failed(self) -> bool:
        return self.status in _MESSAGES

    @property
    def error(self) -> tuple[int, str]:
        return _MESSAGES[self.status]


_SONG = (
    Stage("PENDING", 0.0),
    Stage("TEXT_SUCCESS", 5.0, "text"),
    Stage("FIRST_SUCCESS", 12.0, "first"),
    Stage("SUCCESS", 20.0, "all"),
)


@dataclass(slots=True)
class Job:
    """One music task. `task` is its line in the list of all media tasks, `began` is on the gateway's clock,
    `source` the track of the task `parent` that it starts from, `result` the answer of a route that usually
    needs no task, `files` the addresses by name. `asked` counts its queries, `moved` tells of each.
    """

    route: Route
    body: Body
    wishes: frozenset[str]
    faults: Faults
    plan: tuple[Stage, ...]
    task: Task
    began: float
    tracks: tuple[Track, ...] = ()
    source: Track | None = None
    parent: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked: int = 0
    late: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def kind(self) -> str:
        return self.route.query or "task"

    @property
    def by_query(self) -> bool:
        """Whether the state moves on with every query instead of with time."""
        return "demo-step-by-step" in self.wishes

    def stage(self, now: float, speed: float) -> Stage:
        if self.by_query:
            return self.plan[min(self.asked, len(self.plan) - 1)]
        age = (now - self.began) * speed if speed else float("inf")
        return [stage for number, stage in enumerate(self.plan) if self.due_s(number) <= age][-1]

    def due_s(self, number: int) -> float:
        """When a stage is reached, in seconds after the beginning at the usual speed."""
        return self.plan[number].after_s * (_SLOWNESS if self.faults.slow else 1)

    def ask(self) -> None:
        """One query: what moves a task on that waits for them."""
        self.asked += 1
        self.moved.set()

    def shown(self, stage: Stage) -> Stage:
        """What a query is told of a stage: the addresses may be late."""
        if self.faults.ending != "late" or stage.shows != "all":
            return stage
        self.late += 1
        return stage if self.late > _LATE else replace(stage, shows="no url")

    def track(self, track_id: str) -> Track | None:
        return next((track for track in self.tracks if track.id == track_id), None)


def texts(body: Body) -> str:
    """Everything a person wrote into a body: where faults are asked for."""
    return " ".join(value for name, value in body.items() if isinstance(value, str) and name not in _MUTE)


def wishes(said: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WISH.findall(said))


def plan(route: Route, wished: frozenset[str], faults: Faults, *, later: bool) -> tuple[Stage, ...]:
    """How a task will go; `later` tells that it starts from an earlier song."""
    stages = _good(route)
    *before, last = stages
    failure = Stage(_FAILED[route.query], last.after_s)
    if later and "demo-later-fails" in wished:
        return stages[0], failure
    if "demo-audio-failed" in wished:
        return *before[:2], failure
    for wish, status in _OWN_ENDS.items():
        if wish in wished:
            return stages[0], Stage(status, 3.0)
    if "demo-callback-exception" in wished:
        return *before, replace(last, status="CALLBACK_EXCEPTION")
    if "demo-suffixed-state" in wished:
        return *before, replace(last, status="SUCCESS-v2")
    return _ended(stages, failure, faults.ending)


def _ended(stages: tuple[Stage, ...], failure: Stage, ending: str) -> tuple[Stage, ...]:
    """The endings that every media route knows."""
    *before, last = stages
    match ending:
        case "failed":
            return stages[0], failure
        case "refused":
            return stages[0], Stage("SENSITIVE_WORD_ERROR", 3.0)
        case "gone":
            return stages[0], Stage(GONE, 3.0)
        case "odd":
            return stages[0], Stage("POLISHING", 3.0)
        case "endless":
            return tuple(before)
        case "empty":
            return *before, replace(last, shows="no url")
        case _:
            return stages


def _good(route: Route) -> tuple[Stage, ...]:
    if route.query == "task":
        return _SONG
    return Stage("PENDING", 0.0), Stage("SUCCESS", _LASTS[route.query], "all")


# Wishes of this family alone that end a task early.
_OWN_ENDS = {
    "demo-create-failed": "CREATE_TASK_FAILED",
    "demo-callback-exception-empty": "CALLBACK_EXCEPTION",
}


class Jobs:
    """The newest tasks, found by their id or by that of one of their tracks."""

    def __init__(self, clock: Callable[[], float], speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._by_track: dict[str, str] = {}
        self._made: dict[tuple[str, str], str] = {}

    def now(self) -> float:
        return self._clock()

    def add(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._by_track.update((track.id, job.id) for track in job.tracks)
        if job.parent:
            # Only the newest is found again: one that failed may be asked for once more.
            self._made[self._which(job.route, job.body)] = job.id
        if len(self._jobs) > KEPT:
            self._forget()

    def stage(self, job: Job) -> Stage:
        return job.stage(self._clock(), self._speed)

    def find(self, job_id: object) -> Job | None:
        return self._jobs.get(job_id) if isinstance(job_id, str) else None

    def with_track(self, track_id: object) -> Job | None:
        return self.find(self._by_track.get(track_id)) if isinstance(track_id, str) else None

    def made(self, route: Route, body: Body) -> Job | None:
        """What the same route made of the same song before, unless that failed."""
        job = self.find(self._made.get(self._which(route, body)))
        return None if job is None or self.stage(job).failed else job

    def _forget(self) -> None:
        _, oldest = self._jobs.popitem(last=False)
        for track in oldest.tracks:
            del self._by_track[track.id]
        which = self._which(oldest.route, oldest.body)
        if self._made.get(which) == oldest.id:
            del self._made[which]

    def _which(self, route: Route, body: Body) -> tuple[str, str]:
        return route.action, f"{body.get('taskId')} {body.get('audioId')}"
