"""PostgreSQL and Redis of the tests' own, on free loopback ports, gone when the session ends."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend
from pytest_django.plugin import DjangoDbBlocker

from playground import stores
from tests._servers import folders
from tests._servers.ports import own_port
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
    with folders.folder("postgres") as top:
        top.chmod(0o755)
        folder = top / "data"
        stores.make_cluster(folder, sync=False)
        port = own_port()
        server = Postgres(folder, port, start_postgres(folder, port, **options))
        try:
            yield server
        finally:
            # SIGTERM would wait for every client to leave.
            server.process.end(signal.SIGINT)


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
    with folders.folder("redis") as folder:
        port = own_port()
        process = Process(stores.redis_command(folder, port), env=clean_env())
        try:
            process.wait_for(stores.READY["redis"])
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            process.end()


@pytest.fixture(scope="session")
def migrated_postgres(
    postgres: Postgres, migrated_name: str, django_db_blocker: DjangoDbBlocker
) -> Iterator[BaseDatabaseWrapper]:
    """Django's connection to a migrated database of its own, for `database`."""
    name = f"own_{secrets.token_hex(4)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_name}")
    backend = load_backend("django.db.backends.postgresql")
    lite = connections["default"]
    about = {**lite.settings_dict, "ENGINE": "django.db.backends.postgresql", "OPTIONS": {}, "NAME": name}
    about |= {"HOST": "127.0.0.1", "PORT": postgres.port, "USER": stores.ROLE}
    wrapper = backend.DatabaseWrapper(about, "default")
    with django_db_blocker.unblock():
        yield wrapper
        wrapper.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, db: None) -> Iterator[str]:
    """A test that asks for it, before anything it writes, runs once on each kind of database."""
    lite = connections["default"]
    if request.param == "postgresql":
        connections["default"] = server = request.getfixturevalue("migrated_postgres")
        if server.connection is not None and not server.is_usable():
            server.close()  # a test has restarted the server meanwhile
    try:
        with transaction.atomic():
            yield request.param
            transaction.set_rollback(True)
    finally:
        connections["default"] = lite
