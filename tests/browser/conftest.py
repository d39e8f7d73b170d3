"""One site for all tests that do not disturb each other: everybody who comes is somebody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from playground import processes
from tests._servers.ports import own_port
from tests._servers.processes import PYTHON, run
from tests._servers.site import Blueprint, Site
from tests.browser.desk import Desk
from tests.browser.upstream import Upstream, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

PEOPLE = 400
People = Iterator[dict[str, str]]


@pytest.fixture(scope="session")
def _upstream() -> Iterator[Upstream]:
    with running() as upstream:
        yield upstream


@pytest.fixture
def upstream(_upstream: Upstream) -> Iterator[Upstream]:
    """The gateway of the key "Own"; its answers are written by the test."""
    # A request of the test before may have come after that test was over: it waits at these words.
    _upstream.forget()
    yield _upstream
    _upstream.forget()


@pytest.fixture(scope="session")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    blueprint: Callable[[str], Blueprint],
    demo: str,
    _upstream: Upstream,
) -> Iterator[Site]:
    """An embedded site that knows the demo and the tests' own gateway, open to new accounts."""
    base, folder, port = blueprint("embedded"), tmp_path_factory.mktemp("browser"), own_port()
    assert base.database
    shutil.copy(base.database, folder / base.database.name)
    env = base.env | {"PLAYGROUND_MODE": "embedded", "PLAYGROUND_DATA": str(folder), "PORT": str(port)}
    env |= {"GATEWAY_URLS": f"{demo},{_upstream.url}", "SIGN_UP": "open"}
    commands = {"web": processes.web(port, drain_s=float(env["DRAIN_S"]))}
    made = Site("embedded", f"http://localhost:{port}", folder, env, commands)
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="module")
def worker(place: Site) -> Iterator[None]:
    """The site's worker, for as long as the tests of a module run."""
    place.commands["worker"] = processes.embedded_worker()
    place.start("worker")
    yield
    place.running.pop("worker").end()


@pytest.fixture
def studio(desk: Desk, worker: None) -> Desk:
    return desk


@pytest.fixture(scope="session")
def _people(place: Site, demo: str, _upstream: Upstream) -> People:
    argv: list[str | Path] = [PYTHON, "-m", "tests.browser.people", str(PEOPLE), demo, _upstream.url]
    rows: list[dict[str, str]] = json.loads(run(argv, env=place.env))
    return iter(rows)


@pytest.fixture
def somebody(place: Site, _people: People, open_page: Callable[..., Page]) -> Callable[..., Desk]:
    """`somebody(width=…, …)`: a new person, signed in, in a browser of their own."""

    def come(**options: Any) -> Desk:
        person = next(_people, None)
        assert person, f"More than {PEOPLE} people came to one site: raise PEOPLE."
        page = open_page(**options)
        cookie = {"name": person["cookie"], "value": person["session"], "url": place.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]  # a dict literal is no TypedDict
        return Desk(page, place.url)

    return come


@pytest.fixture
def desk(somebody: Callable[..., Desk]) -> Desk:
    return somebody()
