"""What a check works with: the key it is about, a way to ask, and the sentence it ends in.

Everything happens on one thread. Between two looks at the socket the bench gives a sign of life (`pulse`),
which is also how a stop comes in: whatever is being asked is let go at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from accounts.models import GatewayKey, Team, User
from accounts.vault import Secret
from playground.gateway.errors import GatewayError
from playground.gateway.events import Usage
from playground.gateway.request import ChatRequest, WireRequest
from playground.gateway.transport import AsyncTransport
from playground.gateway.wire import FAMILIES
from playground.media.models import MediaTask
from playground.verify import exchange, spending
from playground.verify.exchange import Exchange
from playground.verify.models import CheckResult

T = TypeVar("T")
State = CheckResult.State
PULSE_S = 0.5
PATIENCE_S = 60.0
TASK_PATIENCE_S = 1800.0
WHO = {
    "you": "Your move.",
    "key owner": "The move of the key's owner.",
    "gateway": "The gateway's move.",
    "nobody": "",
}


class Stopped(Exception):
    """Somebody asked the run to stop."""


class Interrupted(Exception):
    """This process ends, or another one holds the run now."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose integration is proved. A key from the environment alone has no `key`, `user` and `team`.

    `unlisted`: why the key's list of models did not come, so that none could be suggested.
    """

    label: str
    base_url: str
    secret: Secret
    chosen: Mapping[str, str]
    key: GatewayKey | None = None
    user: User | None = None
    team: Team | None = None
    unlisted: str = ""

    def model_for(self, what: str) -> str:
        """`what`: a family, "fallback", or one piece of work of a family ("thinking.openai_chat"), for which
        the family's own is asked unless another one is chosen.
        """
        return str(self.chosen.get(what) or self.chosen.get(what.rpartition(".")[2]) or "")


@dataclass(frozen=True, slots=True)
class Spent:
    """One question a model was asked through the key, for the books, where it is called `name`.

    `known`: it was told what it used, or it used nothing.
    """

    name: str
    family: str
    model: str
    answered: bool
    usage: Usage
    known: bool
    total_ms: int


@dataclass(slots=True)
class Finding:
    """How a check ended. `said` is what was seen, `fix` what to do and whose move it is."""

    state: str
    said: str
    fix: str = ""
    first_ms: int | None = None
    total_ms: int | None = None
    usage: Usage = field(default_factory=Usage)
    status: int | None = None
    error_kind: str = ""
    drill: bool = False
    evidence: list[dict[str, str]] = field(default_factory=list)
    task: UUID | None = None
    model: str = ""
    spent: list[Spent] = field(default_factory=list)


def passed(said: str) -> Finding:
    return Finding(State.PASSED, said)


def failed(said: str, fix: str = "") -> Finding:
    return Finding(State.FAILED, said, fix)


def skipped(said: str) -> Finding:
    return Finding(State.SKIPPED, said)


def impossible(said: str) -> Finding:
    return Finding(State.IMPOSSIBLE, said)


def broken(error: GatewayError) -> Finding:
    """Failed upstream: the title with the status, the gateway's own words, and the fix by status class."""
    # A fault inside an answer that began well is not told by its status.
    status = f"HTTP {error.status}: " if error.status and error.status >= 300 else ""
    told = f" The gateway says: “{error.message}”" if error.message else ""
    about = error.about
    found = failed(f"{status}{about.title}.{told}", f"{about.sentence} {WHO[about.who]}".strip())
    found.status, found.error_kind = error.status, error.kind
    return found


def of(asked: Exchange, found: Finding) -> Finding:
    """The finding with what was measured of the question it rests on."""
    found.first_ms, found.total_ms = asked.first_ms, asked.total_ms
    found.usage = asked.transcript.usage
    found.status = found.status or asked.status
    return found


def _no_pulse() -> None:
    """Nobody waits for a sign of life."""


class Bench:
    """One run's. `await_task(task)` lets time pass while a media task is made; `names` are the checks of the
    run, so that what belongs together can be begun together.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        pulse: Callable[[], None] = _no_pulse,
        rest: Callable[[float], None] = time.sleep,
        patience_s: float = PATIENCE_S,
        names: tuple[str, ...] = (),
        run: UUID | None = None,
    ) -> None:
        self.subject, self.pulse, self.names, self.run = subject, pulse, names, run
        self.patience_s, self.task_patience_s = patience_s, TASK_PATIENCE_S
        self.tasks: dict[str, MediaTask | str] = {}
        self._rest = rest
        self._evidence: list[dict[str, str]] = []
        self._asked: dict[tuple[str, str], Exchange] = {}
        self._spent: list[Spent] = []
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._transport = AsyncTransport(read_s=patience_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, sort: type[BaseException] | None, caught: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run_until_complete(self._transport.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def ask(self, family: str, request: ChatRequest, *, once: str = "") -> Exchange:
        """Ask a model through the key. Under the same `once` a family is asked one time a run.

        Raises OverBudget before anything is sent.
        """
        if once and (earlier := self._asked.get((family, once))) is not None:
            self._evidence += earlier.evidence
            return earlier
        self._count += 1
        name = spending.subject(self.run, self._count) if self.run else ""
        if name:
            spending.set_aside(name, self.subject.user, self.subject.key, family, request)
        asked = self.send(FAMILIES[family].encode(request), family=family)
        usage, answered, told = asked.transcript.usage, asked.failure is None, spending.known(asked)
        self._spent.append(Spent(name, family, request.model, answered, usage, told, asked.total_ms))
        if once:
            self._asked[family, once] = asked
        return asked

    def send(
        self,
        wire: WireRequest,
        *,
        family: str = "",
        base_url: str = "",
        secret: str = "",
    ) -> Exchange:
        """Send through the key, or elsewhere with another `secret`; kept as evidence."""
        asked = self._wait(
            exchange.ask(
                self._transport,
                wire,
                base_url=base_url or self.subject.base_url,
                secret=secret or self.subject.secret.reveal(),
                family=FAMILIES[family] if family else None,
                patience_s=self.patience_s,
            )
        )
        self._evidence += asked.evidence
        return asked

    def show(self, title: str, text: str) -> None:
        """Something to be kept as evidence that no exchange told."""
        self._evidence.append({"title": title, "text": exchange.clean(text)})

    def take_evidence(self) -> list[dict[str, str]]:
        """What came together since the last time."""
        taken, self._evidence = self._evidence, []
        return taken

    def take_spent(self) -> list[Spent]:
        """What models were asked since the last time."""
        taken, self._spent = self._spent, []
        return taken

    def rest(self) -> None:
        """Let time pass; raises Stopped when somebody asked for that."""
        self._rest(PULSE_S)
        self.pulse()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        task = self._loop.create_task(work)
        try:
            while not task.done():
                self._loop.run_until_complete(asyncio.wait({task}, timeout=PULSE_S))
                self.pulse()
        except BaseException:
            task.cancel()
            self._loop.run_until_complete(asyncio.wait({task}))
            raise
        return task.result()
