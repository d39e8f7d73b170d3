"""What a machine cannot test is named at the end of the tests, and fails CI where it could be installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests._servers.processes import PATIENCE_S, PYTHON, ROOT, clean_env

LACKING = """
from tests._servers import left_out

left_out.NEEDS["{marker}"] = (lambda: False, "get it there")
"""
TESTS = """
import pytest

def test_what_everybody_can():
    pass

@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.{marker}
def test_what_needs_it(number):
    raise AssertionError("it ran without what it needs")
"""


def run_without(marker: str, folder: Path, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Tests of their own, on a machine that lacks what `marker` stands for."""
    (folder / "conftest.py").write_text(LACKING.format(marker=marker))
    (folder / "test_both.py").write_text(TESTS.format(marker=marker))
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nmarkers = browser: x\n")
    argv = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests._servers.left_out"]
    return subprocess.run(
        [*argv, *more, "--rootdir", str(folder), str(folder)],
        env=clean_env(PYTHONPATH=str(ROOT), **env),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one", "two"])
@pytest.mark.parametrize("marker", ["browser", "git", "ipv6"])
def test_what_cannot_run_here_is_counted_and_named_with_how_to_get_it(
    marker: str, processes: tuple[str, ...], tmp_path: Path
) -> None:
    done = run_without(marker, tmp_path, *processes)
    assert f"Left out: 2 {marker} tests. To run them: get it there\n" in done.stdout
    assert "1 passed, 2 skipped" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one", "two"])
@pytest.mark.parametrize(("marker", "fails"), [("browser", True), ("git", True), ("ipv6", False)])
def test_ci_leaves_out_only_what_no_package_brings(
    marker: str, fails: bool, processes: tuple[str, ...], tmp_path: Path
) -> None:
    done = run_without(marker, tmp_path, *processes, REQUIRE_ALL="1")
    assert f"Left out: 2 {marker} tests." in done.stdout
    assert (done.returncode != 0) is fails
