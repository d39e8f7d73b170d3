"""Embedded mode in one command: prepares the data folder, then supervises web, worker and demo gateway."""

from __future__ import annotations

import hashlib
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import links
from accounts.owner import local_owner
from playground import interrupts, processes
from playground.premises import Taken, lock, need_port
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
        # Database, broker and files are nobody else's business.
        os.umask(0o077)
        try:
            lock(settings.DATA_DIR, settings.SITE_URL)
            need_port("PORT", settings.PORT, "make run")
            if not no_demo:
                need_port("DEMO_PORT", settings.DEMO_PORT, "make run")
        except Taken as error:
            raise CommandError(str(error)) from error
        try:
            migrate()
            call_command("ensure_owner", demo_url="" if no_demo else settings.DEMO_URL)
            link = links.address(links.make_link(local_owner(), timezone.now()))
        except DatabaseError as error:
            interrupts.check()
            raise CommandError(f"the database in {settings.DATA_DIR} cannot be used: {error}") from error
        collect_static(settings.STATIC_ROOT)
        connections.close_all()
        replace_this_process(plan(link, with_demo=not no_demo))


def migrate() -> None:
    executor = MigrationExecutor(connection)
    interrupts.check()
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def collect_static(root: Path) -> None:
    """Only when a file changed since the last time: hashing and rewriting them takes a second."""
    stamp, state = root / ".stamp", static_state(settings.BASE_DIR)
    if stamp.exists() and stamp.read_text() == state:
        return
    interrupts.check()
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
    env = {"DRAIN_S": f"{drain_s:g}", "MALLOC_ARENA_MAX": "2", "UV_THREADPOOL_SIZE": "2"}
    children = [
        Child("web", processes.web(settings.PORT, drain_s=drain_s), env),
        # Its log goes to standard error; what Celery itself says of signals is of no use to anybody here.
        Child("worker", processes.embedded_worker(), env, late=True, shown=False),
    ]
    if with_demo:
        demo_env = env | {"DEMO_PORT": str(settings.DEMO_PORT)}
        # Answers of the demo may finish too, so that it ends after the web process.
        children.append(Child("demo gateway", processes.demo(), demo_env, base=True, shown=False))
    welcome = [
        f"AnyInt Playground is running at {settings.SITE_URL}",
        f"Sign in with this link, it works once: {link}",
        "Ctrl-C ends it.",
    ]
    return Plan(children, settings.PORT, welcome, drain_s + BEYOND_DRAIN_S)
