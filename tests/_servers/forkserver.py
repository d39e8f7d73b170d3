"""Starts our own Python processes by forking one that has read the libraries already.

Most of what a process of the site does at its start is to import Django, Celery and the like, and the tests
start thousands. What is forked knows no settings, models or views: from there on everything is as after
`python -m`. Its parent is a keeper that tells how it ended, as the tests cannot wait for a child of others.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
# None of them reads settings or the environment, nor starts a thread; the gateway package is like a library.
LIBRARIES = """
asyncio celery.app.amqp celery.app.base celery.app.control celery.app.events celery.app.log celery.beat
celery.bin.celery celery.concurrency.thread celery.loaders.app celery.worker celery.worker.components
celery.worker.consumer concurrent.futures.thread cryptography.hazmat.primitives.ciphers.aead django.apps
django.conf django.contrib.messages.api django.core.checks django.core.files.storage
django.core.handlers.asgi django.core.mail django.core.management.commands.migrate
django.core.management.commands.runserver django.core.paginator django.core.serializers.json
django.db.backends.postgresql.base django.db.backends.sqlite3.base django.db.migrations.executor
django.db.models django.forms django.http django.middleware.csrf django.shortcuts
django.template.defaulttags django.template.loader django.template.loader_tags django.test.signals
django.urls django.utils.timezone django.views.decorators.csrf django.views.decorators.debug
django.views.generic django_htmx.http email.mime.text environ html.parser http.cookies httptools httpx
jsonschema kombu.transport.filesystem kombu.transport.memory kombu.transport.redis kombu.transport.virtual
logging.config markdown_it nh3 PIL.Image PIL.ImageOps playground.gateway.carry playground.gateway.catalog
playground.gateway.media.custom_checks playground.gateway.media.registry playground.gateway.media.sending
playground.gateway.media.suno_callbacks playground.gateway.salvage playground.gateway.snippets
playground.gateway.transcript playground.gateway.transport playground.gateway.wire.family psycopg
psycopg_pool pygments.formatters.html pygments.lexers redis.asyncio servestatic.middleware smtplib sqlite3
ssl statistics unittest.mock urllib.request uuid uvicorn.config uvicorn.lifespan.on uvicorn.loops.uvloop
uvicorn.main uvicorn.protocols.http.httptools_impl uvloop wave xml.etree.ElementTree zipfile zoneinfo
"""
MESSAGE = 1 << 17
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class Child:
    """Of what `subprocess.Popen` can do, as much as the tests ask for."""

    def __init__(self, status: socket.socket, stdout: IO[str], stdin: IO[str] | None) -> None:
        self._status = status
        self._lock = threading.Lock()
        self.stdout = stdout
        self.stdin = stdin
        self.pid = int(self._read())
        self.returncode: int | None = None

    def _read(self) -> str:
        said = self._status.recv(64)
        assert said, "the fork server is gone"
        return said.decode()

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self.returncode is None:
                self._status.settimeout(timeout)
                try:
                    self.returncode = int(self._read())
                except (TimeoutError, BlockingIOError):
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
                self._status.close()
            return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """The ends of its pipes here."""
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                pipe.close()


class ForkServer:
    """One for each process of tests; it ends with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
            if name in os.environ
        }
        env |= {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"}
        argv = [sys.executable, "-m", "tests._servers.forkserver", str(theirs.fileno())]
        self._process = subprocess.Popen(argv, env=env, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, talks: bool = False) -> Child:
        """`talks`: it reads what is written to `stdin`, and what it says of errors is not in its answers."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out, into = os.pipe()
        fds = [theirs.fileno(), into]
        feed = os.pipe() if talks else None
        if feed:
            fds.append(feed[0])
        job = json.dumps({"argv": list(argv), "env": dict(env), "cwd": str(cwd)}).encode()
        assert len(job) < MESSAGE, "an environment this large is not sent at once"
        with self._lock:
            socket.send_fds(self._control, [job], fds)
        theirs.close()
        os.close(into)
        if feed:
            os.close(feed[0])
        stdout = open(out, encoding="utf-8", errors="replace")  # noqa: SIM115 - the child's, closed by its owner
        return Child(ours, stdout, open(feed[1], "w", encoding="utf-8") if feed else None)  # noqa: SIM115 - likewise

    def end(self) -> None:
        self._control.close()
        self._process.wait()


def can_fork(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether it is one of ours, started the plain way."""
    ours = argv[0] == sys.executable and len(argv) > 1 and (argv[1] == "-m" or argv[1].endswith(".py"))
    return sys.platform == "linux" and ours and not {"PYTHONPATH", "PYTHONWARNINGS"} & set(env)


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Comes back in each child with what it shall be, and at the end with nothing."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    while True:
        job, fds, _, _ = socket.recv_fds(control, MESSAGE, 3)
        if not job:
            return None
        if os.fork() == 0:
            control.close()
            if become_child(fds):
                told: dict[str, Any] = json.loads(job)
                return told
            os._exit(0)
        for fd in fds:
            os.close(fd)


def become_child(fds: list[int]) -> bool:
    """True in the child; the keeper stays until it ended and tells its code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = socket.socket(fileno=fds[0])
    pid = os.fork()
    if pid == 0:
        status.close()
        os.setsid()
        talks = len(fds) > 2
        stdin = fds[2] if talks else os.open(os.devnull, os.O_RDONLY)
        for fd, place in ((stdin, 0), (fds[1], 1), *([] if talks else [(fds[1], 2)])):
            os.dup2(fd, place)
        for fd in {stdin, *fds[1:]}:
            os.close(fd)
        return True
    for fd in fds[1:]:
        os.close(fd)
    with suppress(OSError):  # who asked may be gone
        status.send(str(pid).encode())
        _, code = os.waitpid(pid, 0)
        status.send(str(os.waitstatus_to_exitcode(code)).encode())
    return False


def run(job: dict[str, Any]) -> None:
    """From here on as if Python had been started so."""
    os.environ.clear()
    os.environ.update(job["env"])
    time.tzset()
    os.chdir(job["cwd"])
    _, *rest = job["argv"]
    sys.path[0] = job["cwd"]
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in LIBRARIES.split():
        import_module(name)
    assert threading.active_count() == 1, "a library started a thread: it would not be there after a fork"
    gc.freeze()
    if job := serve(control):
        run(job)


if __name__ == "__main__":
    main()
