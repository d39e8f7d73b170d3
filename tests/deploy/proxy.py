"""deploy/nginx.conf as a running server of the tests' own, and the smallest HTTP/1.1 on both sides of it."""

from __future__ import annotations

import asyncio
import datetime
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests._servers.processes import ROOT, Process, clean_env

Answer = Callable[["Request", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What reached an upstream."""

    line: str
    headers: dict[str, str]


def write_certificate(folder: Path) -> None:
    """A throw-away key and a certificate that it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - datetime.timedelta(days=1))
    signed = built.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    (folder / "tls_certificate").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tls_key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def write_config(folder: Path, *, port: int, upstreams: tuple[int, int]) -> Path:
    """The shipped file with this machine's names, ports and folders in it, and nothing else changed."""
    write_certificate(folder)
    (folder / "tmp").mkdir()
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    changes = {
        "listen 8443 ": f"listen 127.0.0.1:{port} ",
        "web1:8000": f"127.0.0.1:{upstreams[0]}",
        "web2:8000": f"127.0.0.1:{upstreams[1]}",
        " /tmp/": f" {folder}/tmp/",
        "/run/secrets/": f"{folder}/",
        # It says at this level when it is ready.
        "stderr warn": "stderr notice",
    }
    for shipped, ours in changes.items():
        assert shipped in text, shipped
        text = text.replace(shipped, ours)
    if os.geteuid() == 0:
        # Its workers would otherwise give up root and with it the test's folder.
        text = f"user root;\n{text}"
    config = folder / "nginx.conf"
    config.write_text(text)
    return config


@contextmanager
def running(binary: str, config: Path) -> Iterator[Process]:
    process = Process([binary, "-e", "stderr", "-c", config, "-g", "daemon off;"], env=clean_env())
    try:
        process.wait_for("start worker process ")
        yield process
    finally:
        process.end()


@asynccontextmanager
async def upstream(answer: Answer) -> AsyncIterator[int]:
    """A server that hands every request to `answer`; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(await _read_request(reader), reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = head.splitlines()
    pairs = (one.partition(": ") for one in rest if one)
    return Request(line, {name.lower(): value for name, _, value in pairs})


@asynccontextmanager
async def visit(port: int, request: str) -> AsyncIterator[asyncio.StreamReader]:
    """Send a request over TLS and HTTP/1.1; the connection is cut when the block is left."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(request.replace("\n", "\r\n").encode())
    try:
        yield reader
    finally:
        writer.transport.abort()
