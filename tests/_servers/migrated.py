"""Databases that are migrated and otherwise empty, to be copied: migrating takes seconds of work each time.

One is made for each engine in a run, however many processes (xdist) share it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from playground import stores
from playground.secrets import new_vault_key
from tests._servers.processes import PYTHON, clean_env, run
from tests._servers.stores import Postgres

FILE = "playground.sqlite3"
Settle = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy into a data folder."""
    folder = _shared(tmp_path_factory) / "migrated"
    with _alone(folder):
        if not folder.exists():
            making = folder.with_name("migrating")
            making.mkdir(mode=0o700)
            _migrate(PLAYGROUND_DATA=str(making))
            making.rename(folder)
    return folder / FILE


@pytest.fixture(scope="session")
def migrated_name(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the session's PostgreSQL to use as TEMPLATE; nobody may connect to it."""
    name, dump = "migrated", _shared(tmp_path_factory) / "migrated.sql"
    postgres.execute(f"CREATE DATABASE {name}")
    with _alone(dump):
        if dump.exists():
            _tool("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump), postgres.url(name))
        else:
            data = tmp_path_factory.mktemp("migrating-postgres")
            _migrate(PLAYGROUND_DATA=str(data), DATABASE_URL=postgres.url(name))
            making = dump.with_suffix(".making")
            _tool("pg_dump", "--no-owner", "-f", str(making), postgres.url(name))
            making.rename(dump)
    return name


@pytest.fixture(scope="session")
def settled(request: pytest.FixtureRequest) -> Settle:
    """`settled(folder, "sqlite" | "postgresql")`: the variables of a migrated database of one's own."""

    def make(folder: Path, engine: str = "sqlite") -> dict[str, str]:
        if engine == "sqlite":
            shutil.copy(request.getfixturevalue("migrated_file"), folder / FILE)
            return {"PLAYGROUND_DATA": str(folder)}
        server: Postgres = request.getfixturevalue("postgres")
        template: str = request.getfixturevalue("migrated_name")
        name = f"settled_{secrets.token_hex(4)}"
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return {"PLAYGROUND_DATA": str(folder), "DATABASE_URL": server.url(name)}

    return make


def _shared(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of the run know."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    with target.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _migrate(**where: str) -> None:
    env = clean_env(SECRET_KEY=secrets.token_urlsafe(50), VAULT_KEYS=new_vault_key(), **where)
    run([PYTHON, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"], env=env)


def _tool(name: str, *arguments: str) -> None:
    found = stores.postgres_tool(name)
    assert found, f"{name} comes with PostgreSQL"
    run([found, *arguments], env=clean_env())
