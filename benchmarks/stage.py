"""The processes of a benchmark: the fake upstream, the raw relay, and the product with its database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground import processes, stores

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
CSRF = "benchmarkbenchmarkbenchmark12345"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(argv: list[str], ready: str | None = None, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A child that is ended with the block; `ready` is a word to wait for on its standard output."""
    out = subprocess.PIPE if ready else subprocess.DEVNULL
    child = subprocess.Popen(argv, cwd=options.pop("cwd", ROOT), stdout=out, text=True, **options)
    try:
        if ready and child.stdout is not None:
            wait_for_word(child, ready)
        yield child
    finally:
        end(child)


def wait_for_word(child: subprocess.Popen[str], ready: str) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if ready in line:
            return
    raise RuntimeError(f"{child.args!r} ended before it was ready")


def end(child: subprocess.Popen[str], number: int = signal.SIGTERM) -> None:
    if child.poll() is None:
        child.send_signal(number)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()


def until(port: int, path: str, *, status: int = 200, host: str = "127.0.0.1") -> float:
    """Wait until an address answers; the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=5) as answer:
                if answer.status == status:
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"nothing answers on {port}{path}")


@dataclass(slots=True)
class Person:
    session: str
    key: str
    conversation: str


@dataclass(slots=True)
class Stage:
    """Everything a row needs; `web` is started by `serve`, as often as a row likes."""

    data: Path
    env: dict[str, str]
    upstream: int
    relay: int
    relay_pid: int
    production: bool = False
    port: int = field(default_factory=free_port)
    people: list[Person] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def manage(self, *arguments: str) -> str:
        return self.command(processes.manage(*arguments))

    def command(self, argv: list[str]) -> str:
        done = subprocess.run(argv, cwd=ROOT, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{argv[1:]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def prepare(self, people: int) -> None:
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--verbosity", "0", "--no-input")
        address = f"http://127.0.0.1:{self.upstream}"
        made = self.seed("people", str(people), address)
        self.cookies = made["cookies"]
        self.people = [Person(**row) for row in made["people"]]

    def seed(self, *arguments: str) -> Any:
        return json.loads(self.command([sys.executable, "-m", "benchmarks.seed", *arguments]))

    def renew(self) -> None:
        """An empty conversation for everybody, so that no row asks with another one's history."""
        for person, pk in zip(self.people, self.seed("conversations"), strict=True):
            person.conversation = pk

    @contextmanager
    def serve(self, *, drain_s: float = 0, **env: str) -> Iterator[subprocess.Popen[str]]:
        """One web process, started as `manage.py play` does."""
        argv = processes.web(self.port, drain_s=drain_s)
        options = self.env | {"DRAIN_S": f"{drain_s:g}"} | env
        with running(argv, env=options) as web:
            until(self.port, "/livez")
            yield web

    def cookie(self, person: Person) -> str:
        return f"{self.cookies['session']}={person.session}; {self.cookies['csrf']}={CSRF}"

    def upstream_stats(self) -> dict[str, int]:
        stats: dict[str, int] = self._ask_upstream("stats")
        return stats

    def upstream_closed(self) -> list[int]:
        """When answers were cut from the other side, on the stamps' clock."""
        closed: list[int] = self._ask_upstream("closed")
        return closed

    def _ask_upstream(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.upstream}/{path}", timeout=10) as answer:
            return json.load(answer)


@contextmanager
def stage(*, production: bool, people: int) -> Iterator[Stage]:
    with ExitStack() as stack:
        data = Path(tempfile.mkdtemp(prefix="playground-bench-"))
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        upstream, relay = free_port(), free_port()
        own = [sys.executable, "-m"]
        stack.enter_context(running([*own, "benchmarks.upstream", str(upstream)], "upstream on"))
        raw = stack.enter_context(
            running([*own, "benchmarks.raw_relay", str(relay), str(upstream)], "relay on")
        )
        made = Stage(data, {}, upstream, relay, raw.pid, production)
        made.env = environment(made.data, made.port, upstream)
        if production:
            made.env |= stack.enter_context(servers(data))
        made.prepare(people)
        yield made


def environment(data: Path, port: int, upstream: int) -> dict[str, str]:
    return dict(os.environ) | {
        "PLAYGROUND_MODE": "embedded",
        "PLAYGROUND_DATA": str(data),
        "PORT": str(port),
        "GATEWAY_URLS": f"http://127.0.0.1:{upstream}",
        "MAX_RUNS": "5000",
        "MALLOC_ARENA_MAX": "2",
        "LOG_LEVEL": "ERROR",
    }


@contextmanager
def servers(data: Path) -> Iterator[Mapping[str, str]]:
    """PostgreSQL and Redis of our own, and the settings that name them."""
    top = Path(tempfile.mkdtemp(prefix="playground-bench-pg-"))
    top.chmod(0o755)
    postgres, redis = free_port(), free_port()
    try:
        stores.make_cluster(top / "data", sync=False)
        user = stores.server_user()
        owner: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        command = stores.postgres_command(top / "data", postgres, max_connections="100")
        quiet = {"stderr": subprocess.DEVNULL, "cwd": Path("/"), **owner}
        with (
            running(command, **quiet),
            running(stores.redis_command(data, redis), stores.READY["redis"]),
        ):
            wait_for_postgres(postgres)
            stores.make_database("bench", postgres, "")
            yield {
                "PLAYGROUND_MODE": "production",
                "DATABASE_URL": f"postgresql://{stores.ROLE}@127.0.0.1:{postgres}/bench",
                "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
                "SECRET_KEY": os.urandom(32).hex(),
                "VAULT_KEYS": new_vault_key(data),
                "SITE_URL": "http://localhost",
            }
    finally:
        shutil.rmtree(top, ignore_errors=True)


def wait_for_postgres(port: int) -> None:
    began = time.monotonic()
    while not stores.postgres_ready(port):
        if time.monotonic() - began > PATIENCE_S:
            raise RuntimeError("PostgreSQL does not start")
        time.sleep(0.05)


def new_vault_key(data: Path) -> str:
    from playground import secrets

    return secrets.vault_keys(data)
