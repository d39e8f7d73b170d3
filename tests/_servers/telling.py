"""What a run says while it runs: each failure at once, and at its end where the time went.

A run that is cut off (CI has a limit) prints no summary, and would take its failures' names with it.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

LINES = 25
FILES = 20
# Shorter runs are watched anyway.
LONG_S = 60


class Telling:
    """Knows the reports of the whole run: the other processes (xdist) send theirs to the first."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.took: defaultdict[str, float] = defaultdict(float)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.took[report.nodeid.partition("::")[0]] += report.duration
        if report.failed:
            said = report.longreprtext.splitlines()[-LINES:]
            self.write("\n".join(["", f"{report.when} of {report.nodeid} failed:", *said]))

    def pytest_terminal_summary(self) -> None:
        if sum(self.took.values()) > LONG_S:
            files = sorted(self.took.items(), key=lambda item: -item[1])[:FILES]
            self.write("Where the time went: " + ", ".join(f"{name} {took:.0f} s" for name, took in files))

    def write(self, text: str) -> None:
        # Asked for late: it is registered after the plugins of a conftest.
        if terminal := self.config.pluginmanager.get_plugin("terminalreporter"):
            terminal.write_line(text)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Telling(config))
