"""The site as the other tests get it: real web processes on real stores, in both modes."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests._servers import cast
from tests._servers.processes import PATIENCE_S
from tests._servers.site import Site, Visitor


def test_it_is_ready_in_either_mode(site: Callable[..., Site], mode: str) -> None:
    answer = httpx.get(f"{site(mode).url}/readyz", timeout=PATIENCE_S)
    assert (answer.status_code, set(answer.json().values())) == (200, {True})


def test_everybody_of_the_cast_can_enter(
    site: Callable[..., Site], mode: str, signed_in: Callable[..., Visitor]
) -> None:
    running = site(mode)
    for name in (cast.OWNER, cast.VIEWER):
        visitor = signed_in(running, cast.address(name))
        assert visitor.get("/settings/").url.path.startswith("/settings/")


def test_a_session_outlives_a_killed_web_process(
    site: Callable[..., Site], mode: str, signed_in: Callable[..., Visitor]
) -> None:
    running = site(mode)
    visitor = signed_in(running)
    running.kill("web")
    running.start("web")
    assert visitor.get("/settings/").url.path.startswith("/settings/")


def test_a_stopped_web_process_ends_without_an_error(site: Callable[..., Site], mode: str) -> None:
    running = site(mode)
    process = running.term("web")
    # uvicorn hands the signal on when it has cleaned up.
    assert process.wait() in (0, -15)
    assert "Traceback" not in process.all_output()


def test_an_embedded_worker_takes_its_place(site: Callable[..., Site]) -> None:
    running = site("embedded", worker=True)
    assert running.running["worker"].popen.poll() is None


@pytest.mark.postgres
@pytest.mark.redis
def test_two_web_processes_share_their_sessions(
    site: Callable[..., Site], signed_in: Callable[..., Visitor]
) -> None:
    running = site("production", webs=2)
    visitor = signed_in(running)
    first, second = (visitor.get(f"{url}/settings/") for url in running.urls)
    assert first.url.path.startswith("/settings/")
    assert second.url.path.startswith("/settings/")
