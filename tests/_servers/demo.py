"""The stand-in gateway as a real process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests._servers.processes import PYTHON, Process, clean_env


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    """The address of a running demo gateway that writes its answers about as fast as it can."""
    process, url = start_demo(speed="1000")
    yield url
    process.end()


def start_demo(*, speed: str, port: int = 0) -> tuple[Process, str]:
    """Start one (on any free port) and wait until it listens; gives its address too."""
    env = clean_env(DEMO_PORT=str(port), DEMO_SPEED=speed)
    process = Process([PYTHON, "-m", "playground.demo"], env=env)
    return process, process.wait_for(r"(http://\S+) key:").group(1)
