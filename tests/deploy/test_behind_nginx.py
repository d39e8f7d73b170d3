"""The whole of production mode: two web processes, PostgreSQL and Redis behind the shipped nginx."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests._servers.ports import own_port
from tests._servers.site import Site, Visitor
from tests.deploy import proxy

pytestmark = [pytest.mark.nginx, pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def visitor(nginx: str, site: Callable[..., Site], tmp_path: Path) -> Iterator[Visitor]:
    """The owner's browser, signed in by link through nginx."""
    port = own_port()
    address = f"https://localhost:{port}"
    behind = site("production", webs=2, SITE_URL=address, TRUSTED_PROXIES="1")
    first, second = (httpx.URL(url).port for url in behind.urls)
    assert first and second
    config = proxy.write_config(tmp_path, port=port, upstreams=(first, second))
    link = behind.login_link()
    assert link.startswith(f"{address}/")
    with proxy.running(nginx, config), Visitor(address, verify=False) as visitor:
        visitor.get(link).raise_for_status()
        visitor.post(link).raise_for_status()
        yield visitor


def test_a_person_signs_in_with_cookies_bound_to_the_very_host_and_to_https(visitor: Visitor) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    assert page.url.path == "/chat/"
    assert 'id="composer"' in page.text
    assert page.headers["strict-transport-security"].startswith("max-age=63072000")
    cookies = {cookie.name: cookie for cookie in visitor.cookies.jar}
    assert {"__Host-session", "__Host-csrf"} <= set(cookies)
    assert all(cookie.secure and cookie.path == "/" for cookie in cookies.values())


def test_the_live_stream_of_a_page_begins_at_once(visitor: Visitor) -> None:
    with visitor.stream("GET", "/chat/live", headers={"accept-encoding": "gzip"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        assert any(line == "event: ready" for line in answer.iter_lines())


def test_every_file_a_page_asks_for_is_there_and_may_be_kept(visitor: Visitor) -> None:
    files = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', visitor.get("/chat/").text))
    assert files
    for file in files:
        answer = visitor.get(file)
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["cache-control"], file
