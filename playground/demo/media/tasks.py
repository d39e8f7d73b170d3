"""A task's life in memory: taken, under way, ended; nothing survives the process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Literal

from playground.demo.dice import Dice

from .faults import Faults
from .recipes import Recipe

_KEPT = 100_000
_LISTED = 200
_SLOWNESS = 10
# Queries that find a finished task without its result, for demo-late-output.
_LATE = 3

State = Literal["pending", "running", "odd", "succeeded", "failed", "refused", "cancelled", "gone"]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made. `pending_s` and `ready_s` are counted from when it was taken, at speed 1."""

    route: str
    model: str
    prompt: str
    faults: Faults
    recipes: tuple[Recipe, ...]
    pending_s: float
    ready_s: float
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """`answered` counts the queries that got an answer, `urls` are published once."""

    id: str
    number: int
    order: Order
    own_id: str
    taken_at: float
    started: float
    queries: int = 0
    answered: int = 0
    ended: int = 0
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How a task stands now; `made` says whether there is something to fetch."""

    state: State
    progress: float = 0.0
    made: bool = False


class Tasks:
    """All tasks of one gateway; `clock` counts seconds, `speed` 0 moves a task with each query instead."""

    def __init__(self, *, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._taken = 0
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._own: dict[str, str] = {}

    def take(self, task_id: str, order: Order, *, own_id: str = "") -> Task:
        task = Task(task_id, self._taken + 1, order, own_id, time.time(), self._clock())
        self._taken = task.number
        self._tasks[task_id] = task
        if own_id:
            self._own[own_id] = task_id
        if len(self._tasks) > _KEPT:
            _, forgotten = self._tasks.popitem(last=False)
            self._own.pop(forgotten.own_id, None)
        return task

    def find(self, route: str, task_id: str) -> Task | None:
        """By its id, or by the caller's own; a task is found on the route that made it only."""
        task = self._tasks.get(self._own.get(task_id, task_id))
        return task if task and task.order.route == route else None

    def has_own(self, own_id: str) -> bool:
        return own_id in self._own

    def look(self, task: Task) -> Look:
        """One answered query."""
        task.answered += 1
        look = self.peek(task)
        task.ended += look.state == "succeeded"
        return look

    def peek(self, task: Task) -> Look:
        """How it stands, without counting as a query."""
        share = self._share(task)
        ending = task.order.faults.ending
        if share < 0:
            return Look("pending")
        if ending == "gone":
            return Look("gone")
        if share < 1 or ending == "endless":
            return Look("odd" if ending == "odd" else "running", min(share, 0.99))
        match ending:
            case "failed" | "refused" | "cancelled":
                return Look(ending)
            case "empty" | "late":
                return Look("succeeded", 1.0, made=ending == "late" and task.ended >= _LATE)
            case _:
                return Look("succeeded", 1.0, made=True)

    def _share(self, task: Task) -> float:
        """How much of the work is done; below 0 while it is waiting."""
        if not self._speed:
            return 0.5 if task.answered < 2 else 1.0
        order = task.order
        age = (self._clock() - task.started) * self._speed / (_SLOWNESS if order.faults.slow else 1)
        return (age - order.pending_s) / (order.ready_s - order.pending_s)

    def shown(self) -> dict[str, Any]:
        """The last tasks for GET /demo/tasks, without prompts; `total` counts all that were ever taken."""
        last = list(self._tasks.values())[-_LISTED:]
        return {"data": [asdict(_line(task)) for task in last], "total": self._taken}


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    id: str
    route: str
    model: str
    own_id: str
    queries: int
    prompt_sha256: str


def _line(task: Task) -> Line:
    prompt = sha256(task.order.prompt.encode(errors="replace")).hexdigest()
    order = task.order
    return Line(task.number, task.id, order.route, order.model, task.own_id, task.queries, prompt)


def durations(prompt: str, *, pending_s: float, ready_s: float) -> tuple[float, float]:
    """The two moments for this prompt: up to a third later than the earliest."""
    share = 1 + Dice(prompt.encode(errors="replace")).number(34) / 100
    return pending_s * share, ready_s * share
