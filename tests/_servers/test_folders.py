"""What a killed test run leaves in the temporary folder goes with the next run; nothing else does."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests._servers import folders
from tests._servers.processes import PYTHON, Process, clean_env

DIE = "import os, signal; from tests._servers import folders; print(folders.make('tests'), flush=True); "


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_run_that_was_killed_is_removed(temporary: Path) -> None:
    killed = Process(
        [PYTHON, "-c", DIE + "os.kill(os.getpid(), signal.SIGKILL)"], env=clean_env(TMPDIR=str(temporary))
    )
    killed.wait_for("playground-tests-")
    assert killed.wait() == -signal.SIGKILL
    killed.end()
    assert len(list(temporary.iterdir())) == 1
    folders.sweep()
    assert list(temporary.iterdir()) == []


def test_the_folders_of_runs_that_go_on_and_of_others_stay(temporary: Path) -> None:
    mine = folders.make("tests")
    (temporary / "playground-bench-abc").mkdir()
    (temporary / f"somebody-else-{os.getpid()}-x").mkdir()
    folders.sweep()
    assert len(list(temporary.iterdir())) == 3
    assert mine.is_dir()


def test_a_folder_goes_with_its_block() -> None:
    with folders.folder("redis") as path:
        (path / "file").touch()
    assert not path.exists()
