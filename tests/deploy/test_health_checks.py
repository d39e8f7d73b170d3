"""The commands and health checks of docker-compose.yml, run here against a real Redis."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.secrets import new_vault_key
from tests._servers.processes import PATIENCE_S, PYTHON, ROOT, Process, clean_env, until

pytestmark = pytest.mark.redis
Service = dict[str, Any]


@pytest.fixture
def env(redis_server: str, tmp_path: Path) -> dict[str, str]:
    """What a container gets; nobody is at the database's address, which neither process needs to be well."""
    env = clean_env(
        PLAYGROUND_MODE="production",
        PLAYGROUND_DATA=str(tmp_path),
        SECRET_KEY="0123456789abcdef" * 4,
        VAULT_KEYS=new_vault_key(),
        SITE_URL="https://playground.example.com",
        DATABASE_URL="postgresql://playground@127.0.0.1:1/playground",
        REDIS_URL=redis_server,
    )
    env["PATH"] = f"{Path(PYTHON).parent}{os.pathsep}{env['PATH']}"
    return env


@pytest.fixture
def beat_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "beat"
    folder.mkdir()
    return folder


@pytest.fixture
def started(env: dict[str, str]) -> Iterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.end()


def passes(service: Service, env: dict[str, str], folder: Path | None = None) -> bool:
    """Run a health check once, as the engine would: `$$` is compose's spelling of `$`."""
    kind, *test = service["healthcheck"]["test"]
    # A worker that is there answers at once; what is shortened is the wait for one that is not.
    argv = [part.replace("$$", "$").replace("--timeout 5", "--timeout 1") for part in test]
    if folder:
        argv = [part.replace("/run/beat", str(folder)) for part in argv]
    argv = ["sh", "-c", *argv] if kind == "CMD-SHELL" else argv
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, timeout=PATIENCE_S).returncode == 0


def becomes_well(service: Service, process: Process, env: dict[str, str], folder: Path | None = None) -> bool:
    """Ask again, as the engine does, for as long as the process is there."""
    well: list[bool] = []

    def asked() -> bool:
        well.append(passes(service, env, folder))
        return well[-1] or process.popen.poll() is not None

    until(asked)
    return well[-1]


def test_the_worker_is_well_while_it_runs_and_not_after(
    services: dict[str, Service], env: dict[str, str], started: list[Process]
) -> None:
    worker = services["worker"]
    process = Process(worker["command"], env=env)
    started.append(process)
    assert becomes_well(worker, process, env), process.output
    process.end()
    assert not passes(worker, env)


def test_beat_is_well_while_it_writes_its_schedule_and_not_when_that_is_old(
    services: dict[str, Service], env: dict[str, str], started: list[Process], beat_folder: Path
) -> None:
    beat = services["beat"]
    command = [part.replace("/run/beat", str(beat_folder)) for part in beat["command"]]
    assert not passes(beat, env, beat_folder)
    process = Process(command, env=env)
    started.append(process)
    assert becomes_well(beat, process, env, beat_folder), process.output
    process.end()
    for file in beat_folder.iterdir():
        os.utime(file, (1, 1))
    assert not passes(beat, env, beat_folder)
