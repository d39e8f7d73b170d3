"""A site whose key opens the upstream, with a desk in it, for tests of faults with real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from playground import processes
from tests._servers.processes import Process, until
from tests._servers.site import Site
from tests.media.desk import Desk, open_desk
from tests.media.upstream import Upstream

# Longer than any machine stands still: a lease that runs out under a sound worker gives its task two ends.
LEASE_S = "20"
# For a worker to be killed, where it makes no difference if it loses its task before.
SHORT_LEASE_S = "2"
Studio = Callable[..., tuple[Site, Desk]]


@pytest.fixture
def studio(site: Any, upstream: Upstream) -> Iterator[Studio]:
    """`studio(mode, worker=True, webs=0, **environment)`: a site whose key opens `upstream`, and its desk."""
    with ExitStack() as stack:

        def start(mode: str, *, worker: bool = True, webs: int = 0, **environment: str) -> tuple[Site, Desk]:
            env = {"GATEWAY_URLS": upstream.url, "TASK_LEASE_S": LEASE_S, "DRAIN_S": "1"}
            place = site(
                mode, worker=worker, webs=webs, **(env | {"MAX_TASKS_PER_USER": "1000"} | environment)
            )
            desk = stack.enter_context(open_desk(place.env))
            desk.ask("point_key", url=upstream.url)
            return place, desk

        yield start


def worker_command(place: Site) -> list[str]:
    return processes.embedded_worker() if place.mode == "embedded" else processes.worker()


def add_worker(place: Site, name: str = "worker", *, bent: str = "") -> Process:
    """Another one, which the site ends with the rest. `bent`: see `tests.media.bent`."""
    argv = worker_command(place)
    if bent:
        argv = [argv[0], "-m", "tests.media.bent", bent, *argv[2:]]
    place.commands[name] = argv
    if place.mode == "production" and "beat" not in place.commands:
        place.commands["beat"] = processes.beat(str(place.folder / "schedule"))
        place.start("beat")
    return place.start(name)


def finish_all(desk: Desk, upstream: Upstream, count: int = 1) -> list[dict[str, Any]]:
    """Let everything succeed, and look until it has."""
    upstream.finish()

    def done() -> bool:
        desk.ask("hurry")
        return sum(row["status"] == "succeeded" for row in desk.rows()) >= count

    until(done)
    return desk.rows()
