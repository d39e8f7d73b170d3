"""Our HTTP layer where httpx's own is not the measure: TLS, reuse, and pressure in both directions."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from playground.gateway.network import Transport
from tests._servers.processes import PATIENCE_S
from tests.gateway.loopback import serving


def client(context: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=Transport(context or ssl.create_default_context()), timeout=PATIENCE_S)


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
    await writer.drain()
    writer.close()


def certificate(folder: Path) -> Path:
    """A throw-away certificate for 127.0.0.1 with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(place, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "loopback.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_tls_is_spoken_and_the_certificate_checked(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    async with serving(hello, theirs) as port:
        async with client(trusting) as trustful:
            answer = await trustful.get(f"https://127.0.0.1:{port}/")
            assert answer.content == b"hello"
        async with client(ssl.create_default_context()) as suspicious:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await suspicious.get(f"https://127.0.0.1:{port}/")


async def test_a_large_body_waits_for_a_slow_reader_and_arrives_whole() -> None:
    sizes: list[int] = []

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while sum(sizes) < length:
            sizes.append(len(await reader.read(200_000)))
            await asyncio.sleep(0)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    body = b"x" * 20_000_000
    async with serving(slow) as port, client() as pool:
        answer = await pool.post(f"http://127.0.0.1:{port}/", content=body)
    assert answer.status_code == 200
    assert sum(sizes) == len(body)


async def test_a_flood_does_not_fill_the_memory_of_a_reader_that_stands_still() -> None:
    sent = 0
    blocked = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 100_000)
            sent += 100_000
            try:
                await asyncio.wait_for(writer.drain(), 1)
            except TimeoutError:
                blocked.set()
                break
        await writer.drain()
        writer.close()

    async with (
        serving(flood) as port,
        client() as pool,
        pool.stream("GET", f"http://127.0.0.1:{port}/") as answer,
    ):
        await blocked.wait()
        assert await anext(aiter(answer.aiter_raw()))
    assert sent < 50_000_000


async def test_an_idle_connection_the_server_closed_is_not_used_again() -> None:
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with serving(once) as port, client() as pool:
        for _ in range(3):
            assert (await pool.get(f"http://127.0.0.1:{port}/")).content == b"ok"
            await asyncio.sleep(0)
    assert connections == 3


async def test_a_connection_is_used_again_after_a_whole_answer() -> None:
    connections = 0

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        writer.close()

    async with serving(patient) as port, client() as pool:
        for _ in range(3):
            assert (await pool.get(f"http://127.0.0.1:{port}/")).content == b"ok"
    assert connections == 1


async def test_a_header_with_a_line_break_never_leaves() -> None:
    async with serving(hello) as port, client() as pool:
        with pytest.raises(httpx.LocalProtocolError):
            await pool.get(f"http://127.0.0.1:{port}/", headers={"x-odd": "a\r\nx-more: b"})


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000],
)
async def test_what_is_no_http_is_an_error_and_no_hang(answer: bytes) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with serving(odd) as port, client() as pool:
        with pytest.raises(httpx.RemoteProtocolError):
            await pool.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "beside", [b"x-note: %b\r\n" % (b"a" * 1000), b"a" * 1000], ids=["many trailers", "one endless trailer"]
)
async def test_trailers_without_end_are_cut_off(beside: bytes) -> None:
    sent = 0

    async def trail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-end: ")
        with suppress(ConnectionError):
            while sent < 64 * 1024 * 1024:
                writer.write(beside)
                await writer.drain()
                sent += len(beside)

    async with serving(trail) as port, client() as asking:
        with pytest.raises(httpx.RemoteProtocolError, match="trailers are too large"):
            await asking.get(f"http://127.0.0.1:{port}/")
    assert sent < 64 * 1024 * 1024


async def test_a_trailer_ends_the_body_and_is_no_header_of_the_next_answer() -> None:
    async def trail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            writer.write(b"5\r\nhello\r\n0\r\nx-note: late\r\n\r\n")

    async with serving(trail) as port, client() as asking:
        for _ in range(2):
            answer = await asking.get(f"http://127.0.0.1:{port}/")
            assert answer.content == b"hello"
            assert "x-note" not in answer.headers


async def test_sizes_of_chunks_that_come_apart_from_them_are_no_trailers() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(100):
            for piece in (b"5;note=" + b"a" * 1000 + b"\r\n", b"hello\r\n"):
                writer.write(piece)
                await writer.drain()
                # The reader is in this loop too and takes what came.
                await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    async with serving(drip) as port, client() as asking:
        answer = await asking.get(f"http://127.0.0.1:{port}/")
    assert answer.content == b"hello" * 100
