"""docs/security-tests.md lists every row of the bar with its tests; the list and the tests agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "security-tests.md").read_text()
ROWS = dict(re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", TABLE, re.MULTILINE))
LAST = 95


def named(cell: str) -> list[tuple[str, str]]:
    """`folder/test_file.py` or `folder/test_file.py::test_name` of a row."""
    return [(path, name) for path, name in re.findall(r"`([\w/.]+\.py)(?:::(\w+))?`", cell)]


def test_every_row_is_there_once() -> None:
    assert [int(row) for row in ROWS] == list(range(1, LAST + 1))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_tests_that_are_there_or_says_that_it_is_not_of_this_issue(row: str) -> None:
    cell = ROWS[row].strip()
    if cell.startswith("not in this issue"):
        return
    assert named(cell), cell
    for path, name in named(cell):
        file = ROOT / "tests" / path
        assert file.exists(), path
        assert not name or re.search(rf"^(async )?def {name}\w*\(", file.read_text(), re.MULTILINE), name


def test_every_security_test_is_in_the_table() -> None:
    for path in (ROOT / "tests" / "security").glob("test_sec_*.py"):
        for number in set(re.findall(r"^(?:async )?def test_sec_(\d+)_", path.read_text(), re.MULTILINE)):
            files = [name for name, _ in named(ROWS[str(int(number))])]
            assert f"security/{path.name}" in files, f"row {number} does not name {path.name}"
