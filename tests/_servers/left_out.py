"""What this machine cannot test is left out, counted, and named in the last lines of the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec

import pytest

from playground import stores
from tests._servers.chromium import chromium

NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "postgres": (lambda: stores.postgres_tool("initdb") is not None, "apt-get install postgresql"),
    "redis": (lambda: stores.redis_binary() is not None, "apt-get install redis-server"),
    "browser": (lambda: chromium() is not None, "apt-get install chromium"),
}
LEFT_OUT: pytest.StashKey[Counter[str]] = pytest.StashKey()


def missing() -> dict[str, str]:
    """Marker -> how to get what it needs, for what is not on this machine."""
    gone = {marker: how for marker, (there, how) in NEEDS.items() if not there()}
    if "browser" not in gone and find_spec("playwright") is None:
        gone["browser"] = "make test (it installs the browser tests' packages once Chromium is there)"
    return gone


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    gone = missing()
    counts = config.stash.setdefault(LEFT_OUT, Counter())
    for item in items:
        for marker in (marker for marker in gone if item.get_closest_marker(marker)):
            item.add_marker(pytest.mark.skip(reason=f"needs {marker}: {gone[marker]}"))
            counts[marker] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    gone = missing()
    counts = config.stash.get(LEFT_OUT, Counter())
    for marker, count in counts.items():
        terminalreporter.write_line(
            f"Left out: {count} {marker} tests. To run them: {gone[marker]}", yellow=True
        )
    if not counts:
        terminalreporter.write_line("Nothing was left out.")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    left_out = session.config.stash.get(LEFT_OUT, Counter())
    if os.environ.get("REQUIRE_ALL") == "1" and left_out and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
