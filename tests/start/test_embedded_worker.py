"""The worker of embedded mode, which is the scheduler too."""

from __future__ import annotations

from pathlib import Path

from tests._servers.processes import PYTHON, Process, clean_env


def test_a_worker_whose_scheduler_fails_ends_so_that_it_is_started_again(tmp_path: Path) -> None:
    for suffix in ("", ".bak", ".dat", ".db", ".dir", ".pag"):
        (tmp_path / f"celerybeat-schedule{suffix}").mkdir()
    worker = Process(
        [PYTHON, "-m", "playground.embedded_worker"], env=clean_env(PLAYGROUND_DATA=str(tmp_path))
    )
    try:
        worker.wait()
        assert "Is a directory" in worker.all_output()
    finally:
        worker.end()
