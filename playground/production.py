"""Production mode on one machine: the same processes with the same commands as in `deploy/`.

`python -m playground.production` (`make production`) starts PostgreSQL and Redis of its own under the data
folder, unless DATABASE_URL and REDIS_URL name others, then web, worker, scheduler and demo gateway. It
is for trying that mode out; for running it on a server see `deploy/`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe

from playground import interrupts, processes, secrets, stores
from playground.premises import Taken, free_port, lock, need_port
from playground.supervisor import Child, Plan, Supervisor

ROOT = Path(__file__).resolve().parent.parent
DRAIN_S = 5.0
WORKERS = 2
# What a process needs beyond the time its answers get.
BEYOND_DRAIN_S = 3.0
PATIENCE_S = 60.0


def main() -> int:
    folder = Path(os.environ.get("PLAYGROUND_DATA") or ROOT / "var" / "production").absolute()
    try:
        port, demo_port = int(number("PORT", 8000)), int(number("DEMO_PORT", 8001))
        drain_s, workers = number("DRAIN_S", DRAIN_S), int(number("WEB_WORKERS", WORKERS))
        lock(folder, f"http://localhost:{port}")
        need_port("PORT", port, "make production")
        need_port("DEMO_PORT", demo_port, "make production")
        base, database = own_servers(folder)
        os.environ.update(environment(folder, port, demo_port))
    except (Taken, secrets.SecretsError, ValueError, OSError) as error:
        sys.stderr.write(f"{_sentence(error)}\n")
        return 1
    # Uploads and the scheduler's file are nobody else's business. The stores have made their folders.
    os.umask(0o077)
    some = [*base, *children(port, folder, drain_s=drain_s, workers=workers)]
    plan = Plan(some, port, [], drain_s + BEYOND_DRAIN_S)
    interrupts.hold()
    return Supervisor(plan).run(lambda tend: prepare(database, port, tend))


def number(name: str, default: float) -> float:
    """What the supervisor itself has to know; the processes it starts check their settings themselves."""
    raw = os.environ.get(name, f"{default:g}")
    if not re.fullmatch(r"\d+(\.\d+)?", raw):
        raise ValueError(f"{name} must be a number, not {raw!r}")
    return float(raw)


def _sentence(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{error} is not installed: apt-get install postgresql redis-server"
    return str(error)


def environment(folder: Path, port: int, demo_port: int) -> dict[str, str]:
    """What every process gets; what the shell says already wins."""
    secrets.secret_key(folder)
    secrets.vault_keys(folder)
    values = {
        "PLAYGROUND_DATA": str(folder),
        "SECRET_KEY_FILE": str(folder / "secret_key"),
        "VAULT_KEYS_FILE": str(folder / "vault_keys"),
        "PORT": str(port),
        "DEMO_PORT": str(demo_port),
        "DEMO_URL": f"http://127.0.0.1:{demo_port}",
        "WEB_WORKERS": str(WORKERS),
        "DRAIN_S": f"{DRAIN_S:g}",
    }
    return (
        values
        | {name: os.environ[name] for name in values if name in os.environ}
        | {"PLAYGROUND_MODE": "production"}
    )


def own_servers(folder: Path) -> tuple[list[Child], tuple[int, str] | None]:
    """The servers to start, and the port and password of the database if it is ours.

    Their addresses go into the environment.
    """
    found: list[Child] = []
    database = None
    if "DATABASE_URL" not in os.environ:
        password = secrets.keep(folder, "postgres_password", token_urlsafe(24))
        _make_cluster(folder, password)
        # Not before: that takes seconds, in which the port might become somebody else's.
        database = free_port(), password
        found.append(_postgres(folder, *database))
    if "REDIS_URL" not in os.environ:
        port, password = free_port(), secrets.keep(folder, "redis_password", token_urlsafe(24))
        os.environ["REDIS_URL"] = f"redis://:{password}@127.0.0.1:{port}/0"
        home = folder / "redis"
        home.mkdir(exist_ok=True, mode=0o700)
        argv = stores.redis_command(home, port, password=password)
        found.append(Child("redis", argv, base=True, shown=False))
    return found, database


def _make_cluster(folder: Path, password: str) -> None:
    if stores.server_user():
        # The account that runs it must be able to pass through; what lies there stays closed to it.
        for path in (folder, *(parent for parent in folder.parents if parent.is_relative_to(ROOT / "var"))):
            path.chmod(path.stat().st_mode | 0o011)
    stores.make_cluster(folder / "postgres", password=password)


def _postgres(folder: Path, port: int, password: str) -> Child:
    os.environ["DATABASE_URL"] = f"postgresql://{stores.ROLE}:{password}@127.0.0.1:{port}/playground"
    argv = stores.postgres_command(folder / "postgres", port, log_min_messages="fatal")
    # SIGINT: a fast end; SIGTERM would wait for every client to leave.
    user = stores.server_user()
    return Child("postgresql", argv, base=True, user=user, folder="/", end_with=signal.SIGINT, shown=False)


def children(port: int, folder: Path, *, drain_s: float, workers: int) -> list[Child]:
    return [
        Child("web", processes.web(port, drain_s=drain_s, workers=workers)),
        Child("worker", processes.worker(), late=True, shown=False),
        Child("scheduler", processes.beat(str(folder / "celerybeat-schedule")), late=True, shown=False),
        Child("demo gateway", processes.demo(), base=True, shown=False),
    ]


def prepare(database: tuple[int, str] | None, port: int, tend: Callable[[], None]) -> list[str]:
    """Migrate, collect the static files, make the owner; gives the lines to greet with."""
    if database:
        await_postgres(database[0], tend)
        stores.make_database("playground", *database)
    for arguments in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
        tend()
        manage(*arguments)
    link = manage("link").strip()
    manage("ensure_owner", "--demo-url", os.environ["DEMO_URL"])
    return [
        f"AnyInt Playground is running in production mode at http://localhost:{port}",
        f"Sign in with this link, it works once: {link}",
        "Ctrl-C ends it.",
    ]


def await_postgres(port: int, tend: Callable[[], None]) -> None:
    """`tend` raises when it has died or nobody wants it any more; what it said is on the screen."""
    deadline = time.monotonic() + PATIENCE_S
    while not stores.postgres_ready(port):
        tend()
        if time.monotonic() > deadline:
            raise OSError("PostgreSQL does not start")
        time.sleep(0.1)


def manage(*arguments: str) -> str:
    done = subprocess.run(processes.manage(*arguments), cwd=ROOT, capture_output=True, text=True)  # noqa: S603 - no shell
    if done.returncode:
        raise OSError(f"manage.py {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    try:
        interrupts.listen()
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
