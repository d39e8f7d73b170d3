"""What this machine cannot test is left out, counted, and named in the last lines of the report."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from playground import stores
from tests._servers.chromium import chromium

ROOT = Path(__file__).resolve().parents[2]
# Whoever the checkout belongs to: in a container that is often somebody else, and git would refuse.
GIT = ("git", "-c", "safe.directory=*")


def checkout() -> bool:
    """Whether git knows these files, and so which of them a clone would have."""
    if shutil.which("git") is None:
        return False
    argv = [*GIT, "rev-parse", "--is-inside-work-tree"]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, check=False).returncode == 0


def ipv6() -> bool:
    """Whether the loopback has its IPv6 address; `socket.has_ipv6` tells only how Python was built."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "postgres": (lambda: stores.postgres_tool("initdb") is not None, "apt-get install postgresql"),
    "redis": (lambda: stores.redis_binary() is not None, "apt-get install redis-server"),
    "browser": (lambda: chromium() is not None, "apt-get install chromium-headless-shell"),
    "ffmpeg": (lambda: bool(shutil.which("ffmpeg") and shutil.which("ffprobe")), "apt-get install ffmpeg"),
    "curl": (lambda: shutil.which("curl") is not None, "apt-get install curl"),
    "node": (lambda: shutil.which("node") is not None, "apt-get install nodejs (18 or newer)"),
    "git": (checkout, "apt-get install git, and test a clone instead of a copy"),
    "ipv6": (ipv6, "sysctl net.ipv6.conf.lo.disable_ipv6=0"),
}
# What no package brings, where the machine cannot do it: named like the rest, and no failure of CI's.
OF_THE_MACHINE = {"ipv6"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ffmpeg: needs ffmpeg and ffprobe")
    config.addinivalue_line("markers", "curl: needs curl")
    config.addinivalue_line("markers", "node: needs Node.js")
    config.addinivalue_line("markers", "git: needs a git checkout")
    config.addinivalue_line("markers", "ipv6: needs an IPv6 loopback")


def missing() -> dict[str, str]:
    """Marker -> how to get what it needs, for what is not on this machine."""
    gone = {marker: how for marker, (there, how) in NEEDS.items() if not there()}
    if "browser" not in gone and find_spec("playwright") is None:
        gone["browser"] = "make test (it installs the browser tests' packages once Chromium is there)"
    return gone


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    gone = missing()
    for item in items:
        for marker in (marker for marker in gone if item.get_closest_marker(marker)):
            item.add_marker(pytest.mark.skip(reason=f"needs {marker}: {gone[marker]}"))


def left_out(reporter: pytest.TerminalReporter) -> Counter[tuple[str, str]]:
    """(marker, how to get it) -> tests, from the reports, as other processes (xdist) send theirs too."""
    said = [report.longrepr[2] for report in reporter.stats.get("skipped", ())]
    found = [re.fullmatch(r"Skipped: needs (\w+): (.+)", reason) for reason in said]
    return Counter((match[1], match[2]) for match in found if match)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = left_out(terminalreporter)
    for (marker, how), count in counts.items():
        terminalreporter.write_line(f"Left out: {count} {marker} tests. To run them: {how}", yellow=True)
    if not counts:
        terminalreporter.write_line("Nothing was left out.")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_ALL") != "1" or session.exitstatus != pytest.ExitCode.OK or reporter is None:
        return
    if {marker for marker, _ in left_out(reporter)} - OF_THE_MACHINE:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
