"""Real processes for tests: started, listened to, and always waited for."""

from __future__ import annotations

import atexit
import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests._servers import forkserver

ROOT = Path(__file__).resolve().parents[2]
# A bound against hanging for ever, never a measure of speed.
PATIENCE_S = 120.0


def clean_env(**values: str) -> dict[str, str]:
    """The environment of a child: the system's own variables, the test secrets, and `values`."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    return env | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"} | values


class Process:
    """One child; its output is kept line by line and can be awaited."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path | None = None,
        user: str | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._over = False
        self.popen: Any = _spawn(self.argv, env, cwd, user)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return int(self.popen.pid)

    @property
    def output(self) -> str:
        with self._changed:
            return "".join(self.lines)

    def all_output(self) -> str:
        """All it ever wrote; waits until nobody can write any more."""
        self._reader.join(PATIENCE_S)
        return self.output

    def _read(self) -> None:
        for line in self.popen.stdout:
            if self.log:
                with self.log.open("a") as file:
                    file.write(line)
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait_for(self, pattern: str, *, count: int = 1) -> re.Match[str]:
        """The `count`-th line that matches; raises with all output when the process ends without it."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self._changed:
            self._changed.wait_for(lambda: self._over or len(found()) >= count, PATIENCE_S)
            if len(found()) < count:
                raise AssertionError(f"{self.argv} never wrote {pattern!r}:\n{''.join(self.lines)}")
            return found()[count - 1]

    def send(self, number: int) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def wait(self, within_s: float = PATIENCE_S) -> int:
        """The exit code; `subprocess.TimeoutExpired` when it takes longer."""
        code: int = self.popen.wait(within_s)
        return code

    def end(self, number: int = signal.SIGTERM, *, grace_s: float = PATIENCE_S) -> int:
        """Stop it (by force after `grace_s`, with all of its group) and close what was open."""
        self.send(number)
        try:
            self.popen.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill_group()
            self.popen.wait(grace_s)
        self.kill_group()
        self._reader.join(PATIENCE_S)
        # Closing the pipe under a reader would wait for ever.
        assert not self._reader.is_alive(), f"{self.argv} left somebody behind who can still write"
        self.popen.stdout.close()
        return int(self.popen.returncode)

    def kill_group(self) -> None:
        """SIGKILL for the child and whatever it started in its own group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


def _spawn(argv: list[str], env: Mapping[str, str], cwd: Path, user: str | None) -> Any:
    if user is None and forkserver.can_fork(argv, env):
        return fork_server().start(argv, env, cwd)
    owner = {"user": user, "group": user, "extra_groups": []} if user else {}
    return subprocess.Popen(  # type: ignore[call-overload] # the owner's names are keyword arguments
        argv,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
        **owner,
    )


@functools.cache
def fork_server() -> forkserver.ForkServer:
    server = forkserver.ForkServer()
    atexit.register(server.end)
    return server


def until(condition: Callable[[], bool]) -> None:
    """For what the system tells nobody about, such as the end of somebody else's child."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def run(argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path = ROOT) -> str:
    """Run to the end and return the output; raises with it when the exit code is not 0."""
    process = Process(argv, env=env, cwd=cwd)
    try:
        code = process.wait()
        output = process.all_output()
    finally:
        process.end(signal.SIGKILL)
    if code:
        raise AssertionError(f"{argv} ended with {code}:\n{output}")
    return output


PYTHON = sys.executable
