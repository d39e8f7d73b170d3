"""PostgreSQL and Redis of the tests' own, on free loopback ports, gone when the session ends."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from playground import stores
from playground.premises import free_port
from tests._servers.processes import Process, clean_env

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@dataclass(slots=True)
class Postgres:
    """A running server; `process` may be ended and started anew with `start`."""

    folder: Path
    port: int
    process: Process

    def url(self, database: str) -> str:
        return f"postgresql://{stores.ROLE}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server without fsync; make a database of your own in it."""
    with running_postgres(**FAST) as server:
        yield server


@contextmanager
def running_postgres(**options: str) -> Iterator[Postgres]:
    # Not below pytest's own folder: that is closed to the account the server must run as under root.
    top = Path(tempfile.mkdtemp(prefix="playground-postgres-"))
    top.chmod(0o755)
    folder, port = top / "data", free_port()
    try:
        stores.make_cluster(folder, sync=False)
        server = Postgres(folder, port, start_postgres(folder, port, **options))
        try:
            yield server
        finally:
            # SIGTERM would wait for every client to leave.
            server.process.end(signal.SIGINT)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def start_postgres(folder: Path, port: int, **options: str) -> Process:
    argv = stores.postgres_command(folder, port, **options)
    process = Process(argv, env=clean_env(), user=stores.server_user(), cwd=Path("/"))
    process.wait_for(stores.READY["postgres"])
    return process


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis server without persistence, shared by the session."""
    with running_redis() as (url, _):
        yield url


@contextmanager
def running_redis() -> Iterator[tuple[str, Process]]:
    with tempfile.TemporaryDirectory(prefix="playground-redis-") as folder:
        port = free_port()
        process = Process(stores.redis_command(Path(folder), port), env=clean_env())
        try:
            process.wait_for(stores.READY["redis"])
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            process.end()
