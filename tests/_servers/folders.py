"""Folders of a test run's own among the system's temporary ones: gone with the run that made them.

A run that was killed leaves its folders behind, so their names tell whose they are, and the next run
throws away what nobody can come back for.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = re.compile(r"playground-[a-z]+-(\d+)-\w+")


def make(kind: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"playground-{kind}-{os.getpid()}-"))


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    path = make(kind)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep() -> None:
    """Remove what runs of this account left that are no more."""
    for path in Path(tempfile.gettempdir()).glob("playground-*"):
        match = NAME.fullmatch(path.name)
        if match and not _alive(int(match[1])) and path.lstat().st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
