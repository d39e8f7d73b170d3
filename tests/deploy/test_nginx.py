"""deploy/nginx.conf in front of a small upstream: what it must pass on, hold back and hide."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
from pathlib import Path

import pytest

from tests._servers.ports import own_port
from tests._servers.processes import PATIENCE_S
from tests.deploy import proxy
from tests.deploy.proxy import Request

pytestmark = pytest.mark.nginx
HEAD = b"HTTP/1.1 200 OK\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\nok"
STREAM = (
    HEAD + b"Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LIVE = """GET /chat/live?conversation=1 HTTP/1.1
Host: playground.example.com
Accept-Encoding: gzip

"""


def chunk(text: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text.encode())


async def say_ok(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)
    await writer.drain()


def test_the_shipped_configuration_is_sound(nginx: str, tmp_path: Path) -> None:
    config = proxy.write_config(tmp_path, port=own_port(), upstreams=(1, 2))
    done = subprocess.run([nginx, "-t", "-e", "stderr", "-c", config], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr or "deprecated" in done.stderr


async def test_an_event_arrives_before_the_next_one_is_even_sent(nginx: str, tmp_path: Path) -> None:
    first_arrived = asyncio.Event()

    async def answer(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + chunk("data: one\n\n"))
        await writer.drain()
        await first_arrived.wait()
        writer.write(chunk("data: two\n\n") + chunk(""))
        await writer.drain()

    async with asyncio.timeout(PATIENCE_S), proxy.upstream(answer) as behind:
        port = own_port()
        config = proxy.write_config(tmp_path, port=port, upstreams=(behind, behind))
        with proxy.running(nginx, config):
            async with proxy.visit(port, LIVE) as reader:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readuntil(b"data: one\n\n")
                first_arrived.set()
                await reader.readuntil(b"data: two\n\n")
    assert b"gzip" not in head.lower()


async def test_who_leaves_is_missed_behind_the_proxy_too(nginx: str, tmp_path: Path) -> None:
    left = asyncio.Event()

    async def answer(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + chunk("data: one\n\n"))
        await writer.drain()
        assert await reader.read() == b""
        left.set()

    async with asyncio.timeout(PATIENCE_S), proxy.upstream(answer) as behind:
        port = own_port()
        config = proxy.write_config(tmp_path, port=port, upstreams=(behind, behind))
        with proxy.running(nginx, config):
            async with proxy.visit(port, LIVE) as reader:
                await reader.readuntil(b"data: one\n\n")
            await left.wait()


async def test_what_a_visitor_claims_about_itself_is_dropped(nginx: str, tmp_path: Path) -> None:
    seen: list[Request] = []

    async def answer(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        await say_ok(request, reader, writer)

    asked = """GET /chat/ HTTP/1.1
Host: playground.example.com:8443
X-Forwarded-For: 203.0.113.9
X-Forwarded-Proto: http
X-Request-ID: chosen-by-the-visitor

"""
    async with asyncio.timeout(PATIENCE_S), proxy.upstream(answer) as behind:
        port = own_port()
        config = proxy.write_config(tmp_path, port=port, upstreams=(behind, behind))
        with proxy.running(nginx, config):
            async with proxy.visit(port, asked) as reader:
                await reader.readuntil(b"ok")
    [request] = seen
    assert request.line == "GET /chat/ HTTP/1.1"
    assert request.headers["host"] == "playground.example.com:8443"
    assert request.headers["x-forwarded-for"] == "127.0.0.1"
    assert request.headers["x-forwarded-proto"] == "https"
    assert re.fullmatch("[0-9a-f]{32}", request.headers["x-request-id"])


async def test_a_page_is_served_while_one_web_process_is_down(nginx: str, tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S), proxy.upstream(say_ok) as behind:
        port = own_port()
        config = proxy.write_config(tmp_path, port=port, upstreams=(own_port(), behind))
        with proxy.running(nginx, config):
            for _ in range(4):
                async with proxy.visit(port, "GET / HTTP/1.1\nHost: x\n\n") as reader:
                    assert (await reader.readline()).split()[1] == b"200"


async def test_a_body_beyond_the_limit_never_reaches_the_app(nginx: str, tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def answer(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await say_ok(request, reader, writer)

    asked = f"POST /chat/upload HTTP/1.1\nHost: x\nContent-Length: {33 * 2**20}\n\n"
    async with asyncio.timeout(PATIENCE_S), proxy.upstream(answer) as behind:
        port = own_port()
        config = proxy.write_config(tmp_path, port=port, upstreams=(behind, behind))
        with proxy.running(nginx, config):
            async with proxy.visit(port, asked) as reader:
                assert (await reader.readline()).split()[1] == b"413"
    assert not reached.is_set()


async def test_browsers_get_http_2_and_no_old_tls(nginx: str, tmp_path: Path) -> None:
    port = own_port()
    config = proxy.write_config(tmp_path, port=port, upstreams=(1, 2))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with proxy.running(nginx, config):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        spoken = writer.get_extra_info("ssl_object")
        assert spoken.selected_alpn_protocol() == "h2"
        assert spoken.version() == "TLSv1.3"
        writer.transport.abort()
