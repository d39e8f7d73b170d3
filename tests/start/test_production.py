"""`make production`: production mode on one machine, with stores of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground import production, stores
from tests._servers.ports import own_port
from tests._servers.processes import PYTHON, Process, clean_env, until
from tests.chat.talk import ask
from tests.start.test_play import entered, family, one_line

Start = Callable[..., Process]


@pytest.fixture
def data() -> Iterator[Path]:
    """Not below pytest's own folder: that is closed to the account PostgreSQL must run as under root."""
    top = Path(tempfile.mkdtemp(prefix="playground-production-"))
    top.chmod(0o755)
    yield top / "data"
    shutil.rmtree(top, ignore_errors=True)


@pytest.fixture
def produce(data: Path) -> Iterator[Start]:
    started: list[Process] = []
    ports = {"PORT": str(own_port()), "DEMO_PORT": str(own_port())}

    def start(**env: str) -> Process:
        values = {"PLAYGROUND_DATA": str(data)} | ports | env
        process = Process([PYTHON, "-m", "playground.production"], env=clean_env(**values))
        started.append(process)
        return process

    yield start
    for process in started:
        process.end(signal.SIGINT)


@pytest.mark.parametrize("name", ["PORT", "DEMO_PORT", "DRAIN_S", "WEB_WORKERS"])
def test_a_number_that_is_none_is_one_line(produce: Start, data: Path, name: str) -> None:
    assert one_line(produce(**{name: "many"})) == f"{name} must be a number, not 'many'"
    assert not data.exists()


@pytest.mark.postgres
@pytest.mark.redis
def test_it_answers_as_it_was_told_to_and_ends_with_all_it_started(produce: Start, data: Path) -> None:
    process = produce(DRAIN_S="1", WEB_WORKERS="1")
    with entered(process) as visitor:
        commands = " ".join(family(process.pid).values())
        assert "--timeout-graceful-shutdown 2" in commands
        assert "--workers" not in commands
        asked = ask(visitor, "demo-stall-after-30")
        with asked.watch() as read:
            read(lambda page: asked.run in page.views and page.shown(asked.run) != "")
        assert process.end(signal.SIGINT) == 0
        assert "Traceback" not in process.output
        with entered(produce()):
            # A process that was killed before it could mark it leaves that to the sweep.
            until(lambda: ">Interrupted<" in asked.html())


@pytest.mark.postgres
@pytest.mark.redis
def test_a_postgresql_that_cannot_start_is_given_up_with_its_last_lines(produce: Start, data: Path) -> None:
    """Its folder is a newer one's, and none of its own."""
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("99\n")
    process = produce()
    assert process.wait() == 1
    assert re.search(r"postgres: could not|FATAL:", process.all_output())
    assert "postgresql does not start (exit code" in process.output


@pytest.mark.postgres
@pytest.mark.redis
def test_no_port_is_chosen_before_the_cluster_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That takes seconds, in which it would be anybody's."""
    done: list[str] = []

    def pick() -> int:
        done.append("port")
        return 1

    monkeypatch.setattr(stores, "make_cluster", lambda *_, **__: done.append("cluster"))
    monkeypatch.setattr(production, "free_port", pick)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    production.own_servers(tmp_path)
    assert done == ["cluster", "port", "port"]


@pytest.mark.postgres
def test_a_cluster_that_was_left_half_made_is_made_anew(data: Path) -> None:
    half = data / "postgres.half"
    half.mkdir(parents=True, mode=0o755)
    (half / "PG_VERSION").write_text("of one that was interrupted")
    stores.make_cluster(data / "postgres", sync=False)
    assert (data / "postgres" / "global" / "pg_control").exists()
    assert not half.exists()


@pytest.mark.postgres
@pytest.mark.redis
def test_what_it_writes_is_closed_to_others(produce: Start, data: Path) -> None:
    with entered(produce()):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    # The account that runs PostgreSQL passes through the folder.
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}
