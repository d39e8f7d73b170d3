"""Python in another process with a database of its own, on each engine: for races of real threads, each with
a connection and transactions of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests._servers.migrated import Settle

TOP = Path(__file__).parents[2]
Run = Callable[[str], str]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def apart(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    settled: Settle,
) -> Run:
    """Runs the module's BEGIN and then the code, in an empty database that is migrated; what it printed."""
    environment = os.environ | settled(tmp_path_factory.mktemp("races"), request.param)

    def run(*arguments: str) -> str:
        ran = subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=TOP,
            text=True,
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return lambda code: run("-c", request.module.BEGIN + code)
