"""Keeps a handful of processes running: starts, restarts and ends them, and leaves none behind.

Standard library only and without Django, so that watching costs a few megabytes. `manage.py play`
replaces itself by `python -m playground.supervisor FD` and hands over its plan through that pipe
(it holds the sign-in link, which must not be in a process list).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from playground import interrupts
from playground.interrupts import ENDING

STEADY_S = 30.0
LONGEST_WAIT_S = 15.0
TRIES = 3


@dataclass(frozen=True, slots=True)
class Child:
    """One process. `late`: starts once the site answers; `base`: ends after all that are not."""

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    late: bool = False
    base: bool = False
    user: str | None = None
    folder: str | None = None
    end_with: int = signal.SIGTERM
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, the port that tells when it is ready, what to say then, and how long an end may take."""

    children: list[Child]
    port: int
    welcome: list[str]
    end_within_s: float

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> Plan:
        fields = json.loads(data)
        return cls(**fields | {"children": [Child(**child) for child in fields["children"]]})


def say(line: str) -> None:
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (BrokenPipeError, OSError):
        # Whoever read along has gone; that is no reason to end.
        return


class Guard:
    """A forked twin that ends the children when the supervisor dies without doing so (kill -9)."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._write)
            _stand_by(read)
        os.close(read)

    def watch(self) -> None:
        """Called by a child itself before it becomes its command, so that none is ever missed."""
        os.write(self._write, f"+{os.getpid()}\n".encode())

    def forget(self, pid: int) -> None:
        os.write(self._write, f"-{pid}\n".encode())

    def dismiss(self) -> None:
        os.close(self._write)
        os.waitpid(self.pid, 0)


def _stand_by(read: int) -> None:
    os.setsid()
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    pids: set[int] = set()
    with os.fdopen(read) as lines:
        for line in lines:
            (pids.add if line[0] == "+" else pids.discard)(int(line[1:]))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            send(number, pid)
        if pids and number == signal.SIGTERM:
            time.sleep(1)
    os._exit(0)


def send(number: int, pid: int) -> None:
    """Signal the whole group of a child: celery's scheduler and uvicorn's workers are in it."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


class Running:
    """A child's process and its history."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.popen: subprocess.Popen[bytes] | None = None
        self.due_at = 0.0
        self.started_at = 0.0
        self.failures = 0

    def start(self, now: float, guard: Guard) -> None:
        child = self.child
        self.started_at = now
        self.popen = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            child.argv,
            env=os.environ | child.env,
            cwd=child.folder,
            stdin=subprocess.DEVNULL,
            stdout=None if child.shown else subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=guard.watch,
            user=child.user,
            group=child.user,
            extra_groups=[] if child.user else None,
        )

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def died(self, now: float) -> float:
        """Note the end and give the seconds to wait before the next start."""
        self.failures = self.failures + 1 if now - self.started_at < STEADY_S else 1
        # A child may fail for days: past this the power itself would be too large for a float.
        wait = min(0.25 * 2.0 ** min(self.failures, 10), LONGEST_WAIT_S)
        self.due_at = now + wait
        return wait


class Supervisor:
    """Runs a plan until a signal ends it; `run` gives the exit code."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self.running = [Running(child) for child in plan.children]
        self.clock = clock
        self.ready = False
        self.asked_to_end = 0

    def run(self, prepare: Callable[[Callable[[], None]], list[str]] | None = None) -> int:
        """Start what is `base`, do `prepare` (it adds to the welcome), start the rest, watch, end it all.

        Whatever `prepare` has to wait for, it calls what it is given meanwhile: that looks after the base.
        """
        self._listen()
        code = 0
        try:
            self._tend_base()
            self._watch(self.plan.welcome + (prepare(self._tend_base) if prepare else []))
        except OSError as error:
            # A Ctrl-C reaches what prepares too, and how that fails is no news.
            code = 0 if self.asked_to_end else 1
            if code:
                say(str(error))
        self._end(not_base(self.running))
        self._end(self.running)
        self.guard.dismiss()
        say("Ended.")
        return code

    def _listen(self) -> None:
        self.wake, wake = os.pipe()
        for end in (self.wake, wake):
            os.set_blocking(end, False)
        self.guard = Guard()
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in ENDING:
            signal.signal(number, self._note_end)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        interrupts.release()

    def _note_end(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_end += 1

    def _watch(self, welcome: list[str]) -> None:
        while not self.asked_to_end:
            self._tend(self.running)
            if not self.ready and answers(self.plan.port):
                self.ready = True
                for line in welcome:
                    say(line)
                continue
            self._sleep(self._until_next() if self.ready else 0.05)

    def _tend_base(self) -> None:
        self._tend([running for running in self.running if running.child.base])
        if self.asked_to_end:
            raise InterruptedError

    def _tend(self, some: Iterable[Running]) -> None:
        """Clear away who has died and start who is due; raises OSError when that is of no use."""
        for running in some:
            if running.popen is not None and not running.alive:
                self._bury(running)
            held = running.child.late and not self.ready
            due = running.popen is None and running.due_at <= self.clock() and not held
            if due and not self.asked_to_end:
                running.start(self.clock(), self.guard)

    def _bury(self, running: Running) -> None:
        popen, running.popen = running.popen, None
        if popen is None or self.asked_to_end:
            return
        send(signal.SIGKILL, popen.pid)
        self.guard.forget(popen.pid)
        wait, name, how = running.died(self.clock()), running.child.name, ending(popen.returncode)
        if not self.ready and not running.child.late and running.failures >= TRIES:
            raise OSError(f"{name} does not start ({how}); the lines above say why.")
        say(f"{name} ended ({how}); it is started again in {wait:g} s.")

    def _until_next(self) -> float | None:
        due = [running.due_at - self.clock() for running in self.running if running.popen is None]
        return max(0.01, min(due)) if due else None

    def _sleep(self, seconds: float | None) -> None:
        readable, _, _ = select.select([self.wake], [], [], seconds)
        if readable:
            os.read(self.wake, 4096)

    def _end(self, some: Iterable[Running]) -> None:
        """SIGTERM for all, SIGKILL at the deadline or at a second Ctrl-C; returns when all are gone."""
        alive = [running for running in some if running.alive]
        asked, deadline = self.asked_to_end, self.clock() + self.plan.end_within_s
        for running in alive:
            if running.popen is not None:
                running.popen.send_signal(running.child.end_with)
        while any(running.alive for running in alive):
            left = deadline - self.clock()
            if left <= 0 or self.asked_to_end > max(1, asked):
                break
            self._sleep(left)
        for running in alive:
            if running.popen is not None:
                if running.alive:
                    say(f"{running.child.name} did not end by itself and was killed.")
                send(signal.SIGKILL, running.popen.pid)
                running.popen.wait()
                self.guard.forget(running.popen.pid)


def not_base(running: Iterable[Running]) -> list[Running]:
    return [one for one in running if not one.child.base]


def ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def answers(port: int) -> bool:
    """Whether the web process says it is alive."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def replace_this_process(plan: Plan) -> None:
    """Become the supervisor of `plan`, shedding all that this process has imported.

    A signal from here on waits until the supervisor listens.
    """
    interrupts.hold()
    read, write = os.pipe()
    os.set_inheritable(read, True)
    os.write(write, plan.dump())
    os.close(write)
    os.chdir(Path(__file__).resolve().parent.parent)
    os.execv(sys.executable, [sys.executable, "-m", "playground.supervisor", str(read)])  # noqa: S606 - no shell


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as pipe:
        plan = Plan.load(pipe.read())
    sys.exit(Supervisor(plan).run())
