"""Our network backend where httpcore leans on it: TLS, and pressure in both directions."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from playground.gateway.network import Backend


@asynccontextmanager
async def serving(handle: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


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
        async with httpcore.AsyncConnectionPool(ssl_context=trusting, network_backend=Backend()) as pool:
            answer = await pool.request("GET", f"https://127.0.0.1:{port}/")
            assert answer.content == b"hello"
        suspicious = ssl.create_default_context()
        async with httpcore.AsyncConnectionPool(ssl_context=suspicious, network_backend=Backend()) as pool:
            with pytest.raises(httpcore.ConnectError, match="certificate verify failed"):
                await pool.request("GET", f"https://127.0.0.1:{port}/")


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
    async with serving(slow) as port, httpcore.AsyncConnectionPool(network_backend=Backend()) as pool:
        answer = await pool.request("POST", f"http://127.0.0.1:{port}/", content=body)
    assert answer.status == 200
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
        httpcore.AsyncConnectionPool(network_backend=Backend()) as pool,
        pool.stream("GET", f"http://127.0.0.1:{port}/") as answer,
    ):
        await blocked.wait()
        assert await anext(aiter(answer.aiter_stream()))
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

    async with serving(once) as port, httpcore.AsyncConnectionPool(network_backend=Backend()) as pool:
        for _ in range(3):
            assert (await pool.request("GET", f"http://127.0.0.1:{port}/")).content == b"ok"
            await asyncio.sleep(0)
    assert connections == 3
