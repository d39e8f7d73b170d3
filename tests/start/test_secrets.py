"""The secrets of embedded mode, on a disk that does not do what it should."""

from __future__ import annotations

import subprocess
from pathlib import Path

from playground.secrets import keep
from tests._servers.processes import PYTHON, ROOT, clean_env

# As on a full disk, a file can be made but not filled.
FULL = """
import resource, sys
from pathlib import Path
from playground.secrets import SecretsError, keep
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    keep(Path(sys.argv[1]), "secret_key", "far more than ten letters")
except SecretsError as error:
    sys.exit(str(error))
"""


def test_a_full_disk_leaves_no_empty_secret_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-c", FULL, str(tmp_path)], cwd=ROOT, env=clean_env(), capture_output=True, text=True
    )
    assert done.stderr == f"cannot write to the data folder {tmp_path}: File too large\n"
    assert list(tmp_path.iterdir()) == []
    assert keep(tmp_path, "secret_key", "made now") == "made now"


def test_a_secret_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    assert keep(tmp_path, "secret_key", "the first") == "the first"
    assert keep(tmp_path, "secret_key", "another") == "the first"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
