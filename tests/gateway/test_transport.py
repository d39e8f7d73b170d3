"""The transport against a real server on loopback that behaves as badly as a network can."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import traceback
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from playground.gateway import network
from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.gateway.transport import AsyncTransport, Transport, tls_context
from tests.gateway.loopback import serving

KEY = "sk-test-0123456789abcdef"
PATH = "/openai/v1/chat/completions"
ASK = WireRequest("POST", PATH, b'{"model":"m"}', {"content-type": "application/json"})


class Upstream:
    """One scripted server: `script(reader, writer)` is called for each request, after its head was read."""

    def __init__(self, script):
        self.script = script
        self.heads: list[str] = []
        self.connections = 0
        self.closed = asyncio.Event()
        self.url = ""

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                length = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
                await reader.readexactly(int(length[0].split(":")[1]) if length else 0)
                await self.script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def upstream(script):
    server = Upstream(script)
    async with serving(server.serve) as port:
        server.url = f"http://127.0.0.1:{port}"
        yield server


def replies(status="200 OK", body=b"", **headers):
    fields = {"content-length": str(len(body))} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {text}\r\n" for name, text in fields.items()) + "\r\n"

    async def script(reader, writer):
        writer.write(head.encode() + body)
        await writer.drain()

    return script


def begins(*chunks, then):
    """An event stream that sends these chunks, then does something else."""

    async def script(reader, writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for chunk in chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
        await then(reader, writer)

    return script


async def hangs(reader, writer):
    # Returns only when the client goes away.
    await reader.read()


async def ends(reader, writer):
    writer.write(b"0\r\n\r\n")


async def drops(reader, writer):
    writer.close()


async def resets(reader, writer):
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


LAYERS = {
    "own": lambda: network.Transport(tls_context()),
    "httpcore": lambda: httpx.AsyncHTTPTransport(verify=tls_context(), trust_env=False),
}


@pytest.fixture(params=LAYERS)
def layer(request):
    """Our own HTTP layer has to do what httpx's does."""
    return LAYERS[request.param]()


@pytest.fixture
async def transport(layer):
    client = AsyncTransport(connect_s=5, read_s=5, transport=layer)
    yield client
    await client.aclose()


@pytest.fixture
async def impatient(layer):
    client = AsyncTransport(connect_s=5, read_s=0.1, transport=layer)
    yield client
    await client.aclose()


async def failure_of(transport, server, wire=ASK, **fields):
    with pytest.raises(GatewayError) as caught:
        await transport.send(wire, server.url, KEY, **fields)
    return caught.value


async def test_bytes_come_as_they_are_sent(transport):
    script = begins(b"data: 1\n\n", b"data: 2\n\n", then=ends)
    async with upstream(script) as server, transport.open(ASK, server.url, KEY) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert b"".join([chunk async for chunk in answer.chunks]) == b"data: 1\n\ndata: 2\n\n"


async def test_the_key_goes_in_the_header_of_the_family_and_nowhere_else(transport):
    async with upstream(replies(body=b"{}")) as server:
        await transport.send(ASK, server.url, KEY)
        wire = WireRequest("GET", "/anthropic/v1/models", query={"after_id": "a b"}, auth="x-api-key")
        await transport.send(wire, f"{server.url}/base/", KEY)
    bearer, own = (head.lower() for head in server.heads)
    assert f"authorization: bearer {KEY}" in bearer
    assert "accept-encoding: identity" in bearer
    assert f"x-api-key: {KEY}" in own
    assert "authorization" not in own
    assert own.startswith("get /base/anthropic/v1/models?after_id=a")


async def test_one_connection_is_used_again_and_no_cookie_is_kept(transport):
    async with upstream(replies(body=b"{}", set_cookie="who=first; Path=/")) as server:
        await transport.send(ASK, server.url, KEY)
        await transport.send(ASK, server.url, "sk-another-0123456789")
    assert server.connections == 1
    assert "cookie" not in server.heads[1].lower()
    assert KEY not in server.heads[1]


async def test_the_request_id_is_handed_over(transport):
    script = replies(body=b"{}", x_request_id="req-9")
    async with upstream(script) as server, transport.open(ASK, server.url, KEY) as answer:
        assert answer.request_id == "req-9"
        assert await answer.read() == b"{}"


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere(transport):
    async with upstream(replies(body=b"{}")) as elsewhere:
        moved = replies("307 Temporary Redirect", location=f"{elsewhere.url}/steal")
        async with upstream(moved) as server:
            error = await failure_of(transport, server)
    assert (error.kind, error.status) == ("protocol", 307)
    assert elsewhere.connections == 0


async def test_a_compressed_answer_is_refused_unread(transport):
    async with upstream(replies(body=gzip.compress(b"{}"), content_encoding="gzip")) as server:
        error = await failure_of(transport, server)
    assert (error.kind, error.code) == ("protocol", "content_encoding")


async def test_an_html_page_with_502_is_an_unavailable_provider(transport):
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Sorry</h1></body></html>"
    async with upstream(replies("502 Bad Gateway", page, content_type="text/html")) as server:
        error = await failure_of(transport, server)
    assert (error.kind, error.message) == ("upstream_unavailable", "502 Bad Gateway Sorry")


async def test_a_body_that_echoes_the_key_is_masked(transport):
    body = f'{{"error":{{"message":"Bad key {KEY} in Authorization: Bearer {KEY}","code":"{KEY}"}}}}'.encode()
    async with upstream(replies("401 Unauthorized", body, x_request_id=KEY)) as server:
        error = await failure_of(transport, server)
    assert error.kind == "auth"
    assert KEY not in f"{error} {error!r} {error.message} {error.code} {error.request_id}"
    assert "[hidden]" in error.message


async def test_only_the_beginning_of_an_endless_error_body_is_read(transport):
    async def floods(reader, writer):
        writer.write(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with upstream(floods) as server:
        error = await failure_of(transport, server)
        assert (error.kind, error.status) == ("upstream_unavailable", 500)
        await server.closed.wait()


async def test_an_answer_past_the_limit_is_refused(transport):
    script = replies(body=b"x" * 2000)
    async with upstream(script) as server, transport.open(ASK, server.url, KEY) as answer:
        with pytest.raises(GatewayError) as caught:
            await answer.read(limit=1999)
    assert (caught.value.kind, caught.value.code) == ("protocol", "too_large")


async def test_nobody_listening_is_a_network_failure(transport):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(GatewayError) as caught:
            await transport.send(ASK, url, KEY)
    assert (caught.value.kind, caught.value.code) == ("network", "connect")


async def test_a_gateway_that_never_answers_times_out(impatient):
    async with upstream(hangs) as server:
        error = await failure_of(impatient, server)
        assert (error.kind, error.code) == ("timeout", "read_timeout")
        await server.closed.wait()


async def test_a_stream_that_goes_silent_times_out_and_keeps_what_came(impatient):
    async with upstream(begins(b"data: 1\n\n", then=hangs)) as server:
        got = []
        with pytest.raises(GatewayError) as caught:
            async with impatient.open(ASK, server.url, KEY) as answer:
                async for chunk in answer.chunks:
                    got.append(chunk)
        await server.closed.wait()
    assert got == [b"data: 1\n\n"]
    assert caught.value.kind == "timeout"


async def test_the_whole_of_a_slow_answer_has_one_deadline(transport):
    async with upstream(begins(b"{", then=hangs)) as server:
        error = await failure_of(transport, server, timeout_s=0.1)
        assert (error.kind, error.code) == ("timeout", "total_timeout")
        await server.closed.wait()


@pytest.mark.parametrize("breaks", [resets, drops], ids=["reset", "closed"])
async def test_a_stream_that_breaks_is_a_network_failure(transport, breaks):
    async with upstream(begins(b"data: 1\n\n", then=breaks)) as server:
        error = await failure_of(transport, server)
    assert error.kind == "network"


async def test_no_failure_carries_the_key_in_its_chain(transport):
    async with upstream(begins(b"data: 1\n\n", then=resets)) as server:
        error = await failure_of(transport, server)
    assert error.__context__ is None
    assert error.__cause__ is None
    assert KEY not in "".join(traceback.format_exception(error))


async def test_cancelling_the_task_closes_the_socket(transport):
    started = asyncio.Event()

    async def listen(url):
        async with transport.open(ASK, url, KEY) as answer:
            async for _ in answer.chunks:
                started.set()

    async with upstream(begins(b"data: 1\n\n", then=hangs)) as server:
        task = asyncio.create_task(listen(server.url))
        await started.wait()
        assert not server.closed.is_set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.closed.wait()


async def test_cancelling_before_the_first_byte_closes_the_socket(transport):
    arrived = asyncio.Event()

    async def waits(reader, writer):
        arrived.set()
        await reader.read()

    async with upstream(waits) as server:
        task = asyncio.create_task(transport.send(ASK, server.url, KEY))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.closed.wait()


async def test_leaving_the_block_early_closes_the_socket(transport):
    async with upstream(begins(b"data: 1\n\n", then=hangs)) as server:
        async with transport.open(ASK, server.url, KEY) as answer:
            assert await anext(answer.chunks) == b"data: 1\n\n"
        await server.closed.wait()


@pytest.mark.parametrize("key", ["", "two words", "naïve-key-123", "line\nbreak-key", "nul\0key"])
async def test_a_key_that_cannot_be_a_header_is_refused_before_it_is_sent(transport, key):
    with pytest.raises(GatewayError) as caught:
        await transport.send(ASK, "http://127.0.0.1:9", key)
    assert (caught.value.kind, caught.value.code) == ("auth", "bad_key")


class TestTheTwinForThreads:
    """The same promises from `Transport`, called in a thread beside the scripted server."""

    @pytest.fixture
    def twin(self):
        client = Transport(connect_s=5, read_s=5)
        yield client
        client.close()

    async def send(self, twin, server, **fields):
        return await asyncio.to_thread(twin.send, ASK, server.url, KEY, **fields)

    async def failure(self, twin, server, **fields):
        with pytest.raises(GatewayError) as caught:
            await self.send(twin, server, **fields)
        return caught.value

    async def test_a_body_comes_whole(self, twin):
        async with upstream(begins(b'{"a":', b"1}", then=ends)) as server:
            assert await self.send(twin, server) == b'{"a":1}'
        assert f"authorization: bearer {KEY}" in server.heads[0].lower()

    async def test_an_error_has_its_kind_and_no_key(self, twin):
        async with upstream(replies("401 Unauthorized", f'{{"error":"no {KEY}"}}'.encode())) as server:
            error = await self.failure(twin, server)
        assert (error.kind, error.message) == ("auth", "no [hidden]")

    async def test_a_redirect_is_not_followed(self, twin):
        async with upstream(replies(body=b"{}")) as elsewhere:
            moved = replies("302 Found", location=elsewhere.url)
            async with upstream(moved) as server:
                assert (await self.failure(twin, server)).kind == "protocol"
        assert elsewhere.connections == 0

    async def test_a_compressed_answer_is_refused(self, twin):
        async with upstream(replies(body=gzip.compress(b"{}"), content_encoding="gzip")) as server:
            assert (await self.failure(twin, server)).code == "content_encoding"

    @pytest.mark.parametrize("script", [hangs, begins(b"{", then=hangs)], ids=["at once", "in the body"])
    async def test_silence_times_out(self, twin, script):
        async with upstream(script) as server:
            error = await self.failure(twin, server, timeout_s=0.1)
            assert error.kind == "timeout"
            await server.closed.wait()

    async def test_a_drip_of_bytes_has_one_deadline(self, twin):
        async def drips(reader, writer):
            while True:
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        async with upstream(begins(then=drips)) as server:
            assert (await self.failure(twin, server, timeout_s=0.2)).code == "total_timeout"
            await server.closed.wait()

    async def test_a_broken_connection_is_a_network_failure_without_the_key(self, twin):
        async with upstream(begins(b"{", then=resets)) as server:
            error = await self.failure(twin, server)
        assert error.kind == "network"
        assert error.__context__ is None
