"""Clocks that jump by an hour, the machine's and the database server's: nothing is late, lost or double."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests._servers.processes import PATIENCE_S, Process, until
from tests.media.desk import Desk, open_desk
from tests.media.studio import Studio, add_worker, finish_all
from tests.media.upstream import Upstream

HOUR_S = 3600.0
# A clock of the database's own, which is found before the real one.
BENT_CLOCK = """
CREATE SCHEMA bent;
CREATE TABLE bent.off (seconds float NOT NULL);
INSERT INTO bent.off VALUES (0);
CREATE FUNCTION bent.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
    'SELECT pg_catalog.statement_timestamp() + make_interval(secs => seconds) FROM bent.off';
CREATE FUNCTION bent.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    'SELECT pg_catalog.clock_timestamp() + make_interval(secs => seconds) FROM bent.off';
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = bent, pg_catalog, public', current_database());
END $$;
"""


@dataclass(frozen=True, slots=True)
class Bent:
    """A desk in a site whose clock can be moved: all of it in embedded mode, else the database's."""

    desk: Desk
    jump: Callable[[float], None]


@pytest.fixture
def bent(studio: Studio, mode: str, tmp_path: Path) -> Iterator[Bent]:
    place, _ = studio(mode, worker=False)
    file = tmp_path / "clock"
    jump = _database_clock(place.env["DATABASE_URL"]) if mode == "production" else _own_clock(file)
    file.write_text("0")
    fault = f"clock:{file}"
    add_worker(place, bent=fault)
    with ExitStack() as stack:
        yield Bent(stack.enter_context(open_desk(place.env, bent=fault)), jump)


def _own_clock(file: Path) -> Callable[[float], None]:
    def jump(seconds: float) -> None:
        file.with_suffix(".new").write_text(str(seconds))
        file.with_suffix(".new").replace(file)

    return jump


def _database_clock(url: str) -> Callable[[float], None]:
    def run(statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    run(BENT_CLOCK)
    return lambda seconds: run(f"UPDATE bent.off SET seconds = {seconds}")


def looked_at(desk: Desk, least: int) -> None:
    """Until every task was looked at so often."""

    def done() -> bool:
        desk.ask("hurry")
        return all(row["polls"] >= least for row in desk.rows())

    until(done)


def test_a_clock_that_jumps_an_hour_ahead_gives_nothing_up(bent: Bent, upstream: Upstream) -> None:
    bent.desk.place("a boat", times=5)
    looked_at(bent.desk, 1)
    bent.jump(HOUR_S)
    looked_at(bent.desk, 3)
    assert {row["status"] for row in bent.desk.rows()} == {"waiting"}
    rows = finish_all(bent.desk, upstream, 5)
    assert {(row["ends"], len(row["assets"])) for row in rows} == {(1, 1)}
    assert upstream.creates == 5


def test_a_clock_that_jumps_an_hour_back_holds_nothing_up(bent: Bent, upstream: Upstream) -> None:
    bent.desk.place("a boat", times=5)
    looked_at(bent.desk, 1)
    bent.jump(-HOUR_S)
    upstream.finish()  # nobody hurries them: their own due times are an hour ahead now
    rows = bent.desk.wait_for("succeeded", count=5)
    assert {(row["ends"], len(row["assets"])) for row in rows} == {(1, 1)}
    assert upstream.creates == 5


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S])
def test_a_clock_that_jumps_while_a_task_is_sent_loses_no_answer(
    bent: Bent, upstream: Upstream, seconds: float
) -> None:
    bent.desk.place("hang on")
    assert upstream.taken.wait(PATIENCE_S)
    bent.jump(seconds)
    bent.desk.place("a boat")  # its way to the gateway shows that the worker goes by the new time
    until(lambda: upstream.prompts["a boat"] == 1)
    upstream.let_go.set()
    bent.desk.wait_for("waiting", count=2)
    finish_all(bent.desk, upstream, 2)
    assert upstream.prompts == {"hang on": 1, "a boat": 1}


def stand_still(worker: Process, desk: Desk) -> None:
    """Stop it where it holds up nobody: what it has locked stays locked while it stands."""

    def stands() -> bool:
        worker.send(signal.SIGSTOP)
        until(lambda: states(worker.pid) == {"T"})
        if desk.ask("writable"):
            return True
        worker.send(signal.SIGCONT)
        return False

    until(stands)


def states(pid: int) -> set[str]:
    """Those of its threads, as Linux tells them; none when one ended just now."""
    if not Path("/proc").is_dir():
        return {"T"}  # nobody tells: the signal is believed
    try:
        told = [(thread / "stat").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return set()
    return {line.rpartition(")")[2].split()[0] for line in told}


def test_a_worker_that_stood_still_while_it_sent_brings_the_answer_late(
    studio: Studio, upstream: Upstream, mode: str
) -> None:
    place, desk = studio(mode)
    desk.place("hang on")
    assert upstream.taken.wait(PATIENCE_S)
    stand_still(place.running["worker"], desk)
    desk.ask("lapse")
    add_worker(place, "worker2")
    desk.wait_for("unconfirmed")
    upstream.let_go.set()
    place.running["worker"].send(signal.SIGCONT)
    desk.wait_for("waiting")
    (row,) = finish_all(desk, upstream)
    assert (upstream.creates, row["upstream_id"], len(row["assets"])) == (1, "up-1", 1)


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S])
def test_a_worker_whose_own_clock_is_wrong_goes_by_the_databases(
    studio: Studio, upstream: Upstream, tmp_path: Path, seconds: float
) -> None:
    place, desk = studio("production", worker=False)
    (tmp_path / "clock").write_text(str(seconds))
    add_worker(place, bent=f"clock:{tmp_path / 'clock'}")
    add_worker(place, "sound")
    desk.place("a boat", times=10)
    desk.wait_for("waiting", count=10)
    rows = finish_all(desk, upstream, 10)
    assert {row["ends"] for row in rows} == {1}
    assert upstream.creates == 10
