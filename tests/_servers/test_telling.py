"""A run names its failures while it runs, as one that is cut off never comes to its summary."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests._servers.processes import PYTHON, ROOT, Process, clean_env

TESTS = """
import time

def test_which_fails():
    assert 1 == 2, "the reason"

def test_which_never_ends():
    time.sleep(3600)
"""


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one", "two"])
def test_a_failure_is_told_before_the_end(processes: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "test_both.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    argv = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests._servers.telling"]
    process = Process(
        [*argv, *processes, "--rootdir", tmp_path, tmp_path],
        env=clean_env(PYTHONPATH=str(ROOT)),
        cwd=tmp_path,
    )
    try:
        process.wait_for(r"^call of test_both.py::test_which_fails failed:")
        process.wait_for(r"^E +AssertionError: the reason")
    finally:
        process.kill_group()
        process.end()
