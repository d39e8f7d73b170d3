"""Production mode on one machine: the same processes with the same commands as in `deploy/`.

`python -m playground.production` (`make production`) starts PostgreSQL and Redis of its own under the data
folder, unless DATABASE_URL and REDIS_URL name others, then web, worker, scheduler and demo gateway. It
is for trying that mode out; for running it on a server see `deploy/`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from secrets import token_urlsafe

from playground import processes, secrets, stores
from playground.premises import Taken, free_port, lock, need_port
from playground.supervisor import Child, Plan, Supervisor

ROOT = Path(__file__).resolve().parent.parent
DRAIN_S = 5.0
WORKERS = 2
PATIENCE_S = 60.0


def main() -> int:
    folder = Path(os.environ.get("PLAYGROUND_DATA") or ROOT / "var" / "production").absolute()
    port, demo_port = int(os.environ.get("PORT", "8000")), int(os.environ.get("DEMO_PORT", "8001"))
    try:
        lock(folder, f"http://localhost:{port}")
        need_port("PORT", port, "make production")
        need_port("DEMO_PORT", demo_port, "make production")
        base, database = own_servers(folder)
    except (Taken, secrets.SecretsError, OSError) as error:
        sys.stderr.write(f"{_sentence(error)}\n")
        return 1
    os.environ.update(environment(folder, port, demo_port))
    plan = Plan([*base, *children(port, folder)], port, [], DRAIN_S + 3)
    return Supervisor(plan).run(lambda: prepare(database, port))


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
        database = free_port(), secrets.keep(folder, "postgres_password", token_urlsafe(24))
        found.append(_postgres(folder, *database))
    if "REDIS_URL" not in os.environ:
        port, password = free_port(), secrets.keep(folder, "redis_password", token_urlsafe(24))
        os.environ["REDIS_URL"] = f"redis://:{password}@127.0.0.1:{port}/0"
        home = folder / "redis"
        home.mkdir(exist_ok=True, mode=0o700)
        argv = stores.redis_command(home, port, password=password)
        found.append(Child("redis", argv, base=True, shown=False))
    return found, database


def _postgres(folder: Path, port: int, password: str) -> Child:
    if stores.server_user():
        # The account that runs it must be able to pass through; what lies there stays closed to it.
        for path in (folder, *(parent for parent in folder.parents if parent.is_relative_to(ROOT / "var"))):
            path.chmod(path.stat().st_mode | 0o011)
    home = folder / "postgres"
    stores.make_cluster(home, password=password)
    os.environ["DATABASE_URL"] = f"postgresql://{stores.ROLE}:{password}@127.0.0.1:{port}/playground"
    argv = stores.postgres_command(home, port, log_min_messages="fatal")
    # SIGINT: a fast end; SIGTERM would wait for every client to leave.
    user = stores.server_user()
    return Child("postgresql", argv, base=True, user=user, folder="/", end_with=signal.SIGINT, shown=False)


def children(port: int, folder: Path) -> list[Child]:
    return [
        Child("web", processes.web(port, drain_s=DRAIN_S, workers=WORKERS)),
        Child("worker", processes.worker(), late=True),
        Child("scheduler", processes.beat(str(folder / "celerybeat-schedule")), late=True),
        Child("demo gateway", processes.demo(), shown=False),
    ]


def prepare(database: tuple[int, str] | None, port: int) -> list[str]:
    """Migrate, collect the static files, make the owner; gives the lines to greet with."""
    if database:
        await_postgres(database[0])
        stores.make_database("playground", *database)
    for arguments in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
        manage(*arguments)
    link = manage("link").strip()
    manage("ensure_owner", "--demo-url", os.environ["DEMO_URL"])
    return [
        f"AnyInt Playground is running in production mode at http://localhost:{port}",
        f"Sign in with this link, it works once: {link}",
        "Ctrl-C ends it.",
    ]


def await_postgres(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not stores.postgres_ready(port):
        if time.monotonic() > deadline:
            raise OSError("PostgreSQL does not start")
        time.sleep(0.1)


def manage(*arguments: str) -> str:
    done = subprocess.run(processes.manage(*arguments), cwd=ROOT, capture_output=True, text=True)  # noqa: S603 - no shell
    if done.returncode:
        raise OSError(f"manage.py {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
