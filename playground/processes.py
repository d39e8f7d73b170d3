"""The commands of every process, the same in `make run`, `make production`, the tests and `deploy/`.

Standard library only, so that the supervisor stays small. No secret is ever part of a command:
processes read theirs from the environment or from files.
"""

from __future__ import annotations

import math
import sys

# A handful of tasks, most of them waiting for the database: threads, and no talk among workers.
WORKER_OPTIONS = [
    *("--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
]


def web(port: int, *, drain_s: float, workers: int = 1) -> list[str]:
    """The web server; streams get `drain_s` to finish after a SIGTERM, the net below them a little more."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    options += ["--ws", "none", "--lifespan", "on", "--no-access-log", "--log-level", "warning"]
    # Addresses of visitors come from TRUSTED_PROXIES alone, never from a header anybody may send.
    options += [
        "--no-server-header",
        "--no-proxy-headers",
        "--timeout-graceful-shutdown",
        str(math.ceil(drain_s) + 1),
    ]
    options += ["--workers", str(workers)] if workers > 1 else []
    return [sys.executable, "-m", "uvicorn", "playground.asgi:application", *options]


def worker() -> list[str]:
    """The Celery worker; any number may run."""
    return [*_celery(), "worker", *WORKER_OPTIONS]


def embedded_worker() -> list[str]:
    """One process that is worker and scheduler."""
    return [sys.executable, "-m", "playground.embedded_worker"]


def beat(schedule: str) -> list[str]:
    """The scheduler alone; a second one does no harm."""
    return [*_celery(), "beat", "--loglevel", "WARNING", "--schedule", schedule]


def demo() -> list[str]:
    """The stand-in gateway, on DEMO_PORT."""
    return [sys.executable, "-m", "playground.demo"]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "playground", "--quiet"]
