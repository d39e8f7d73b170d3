"""Embedded mode in one command: prepares the data folder, then supervises web, worker and demo gateway."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from accounts import owner
from playground import processes
from playground.supervisor import Child, Plan, replace_this_process

# The whole of it ends in under 5 s after a Ctrl-C, so that running answers get 2 s of that.
DRAIN_S = 2.0
BEYOND_DRAIN_S = 2.0


class Command(BaseCommand):
    help = "Run the playground on this machine: SQLite, one worker, the demo gateway; Ctrl-C ends it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave the demo gateway out")

    def handle(self, *, no_demo: bool, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("play is for embedded mode; in production the processes run by themselves")
        lock(settings.DATA_DIR / "lock", settings.SITE_URL)
        need_port("PORT", settings.PORT)
        if not no_demo:
            need_port("DEMO_PORT", settings.DEMO_PORT)
        try:
            migrate()
            link = owner.prepare()
        except DatabaseError as error:
            raise CommandError(f"the database in {settings.DATA_DIR} cannot be used: {error}") from error
        collect_static(settings.STATIC_ROOT)
        connections.close_all()
        replace_this_process(plan(link, with_demo=not no_demo))


def lock(path: Path, address: str) -> None:
    """Held until the supervisor and its children are gone: the descriptor survives the exec below."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        running = os.pread(handle, 200, 0).decode(errors="replace") or "another address"
        raise CommandError(
            f"The playground already runs on {path.parent} at {running}; end that one, or set PLAYGROUND_DATA"
        ) from error
    except OSError as error:
        raise CommandError(f"cannot write to the data folder {path.parent}: {error.strerror}") from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, address.encode(), 0)
    os.set_inheritable(handle, True)


def need_port(name: str, port: int) -> None:
    """A browser may try either loopback address for `localhost`, so both have to be free."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise CommandError(f"Port {port} needs more rights; try {name}=8010 make run") from error
            if error.errno == errno.EADDRINUSE:
                raise CommandError(f"Port {port} is taken; try {name}={port + 10} make run") from error
            # No IPv6 on this machine: nobody else can be listening there.


def migrate() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def collect_static(root: Path) -> None:
    """Only when a file changed since the last time: hashing and rewriting them takes a second."""
    stamp, state = root / ".stamp", static_state(settings.BASE_DIR)
    if stamp.exists() and stamp.read_text() == state:
        return
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(state)


def static_state(base: Path) -> str:
    """Names, sizes and times of our own files, and the lock that fixes everybody else's."""
    files = sorted(path for path in (base / "static").rglob("*") if path.is_file())
    rows = [f"{path.relative_to(base)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    rows.append((base / "requirements" / "base.txt").read_text())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def plan(link: str, *, with_demo: bool) -> Plan:
    drain_s = settings.DRAIN_S if "DRAIN_S" in os.environ else DRAIN_S
    env = {"DRAIN_S": f"{drain_s:g}", "MALLOC_ARENA_MAX": "2"}
    children = [
        Child("web", processes.web(settings.PORT, drain_s=drain_s), env),
        Child("worker", processes.worker(beat=True), env, late=True),
    ]
    if with_demo:
        demo_env = env | {"DEMO_PORT": str(settings.DEMO_PORT)}
        children.append(Child("demo gateway", processes.demo(), demo_env, shown=False))
    welcome = [
        f"AnyInt Playground is running at {settings.SITE_URL}",
        f"Sign in with this link, it works once: {link}",
        "Ctrl-C ends it.",
    ]
    return Plan(children, settings.PORT, welcome, drain_s + BEYOND_DRAIN_S)
