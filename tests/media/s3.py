"""A real S3 server on loopback, and a line to it that can be cut, silenced and taken away."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

import pytest
from django.conf import LazySettings

from playground.environment import kept_files
from tests._servers.processes import PATIENCE_S

ACCESS = {"AWS_ACCESS_KEY_ID": "AKIA-of-a-test", "AWS_SECRET_ACCESS_KEY": "secret-of-a-test"}


@dataclass
class Line:
    """Carries every connection to `server`, as told."""

    server: tuple[str, int]
    port: int = 0
    # Bytes that were carried from the server, and to it.
    down: int = 0
    up: int = 0
    # After so many more bytes one connection is cut, or all of them fall silent.
    cut_down: int | None = None
    cut_up: int | None = None
    quiet_up: int | None = None
    quiet_down: int | None = None
    quiet: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _door: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def plug(self) -> None:
        self._door = socket.create_server(("127.0.0.1", self.port))
        self.port = self._door.getsockname()[1]
        Thread(target=self._serve, args=[self._door], daemon=True).start()

    def unplug(self) -> None:
        """Nobody is at home: connections end, and new ones are refused."""
        if self._door is not None:
            with suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            self._door = None
        for end in list(self._open):
            _shut(end)

    def _serve(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.create_connection(self.server)
                self._open |= {near, far}
                Thread(target=self._carry, args=[near, far, "up"], daemon=True).start()
                Thread(target=self._carry, args=[far, near, "down"], daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket, way: str) -> None:
        try:
            while data := source.recv(65536):
                if self._is_cut(way, len(data)):
                    break
                to.sendall(data)
        except OSError:
            pass  # the other end is gone
        finally:
            _shut(source)
            _shut(to)

    def _is_cut(self, way: str, size: int) -> bool:
        with self._lock:
            setattr(self, way, getattr(self, way) + size)
            left = getattr(self, f"cut_{way}")
            if left is not None:
                setattr(self, f"cut_{way}", left - size if left > size else None)
            still = getattr(self, f"quiet_{way}")
            if still is not None:
                setattr(self, f"quiet_{way}", max(still - size, 0))
            hush = still is not None and still <= size
        if hush:
            self.quiet.set()
            self.let_go.wait(PATIENCE_S)
        return left is not None and left <= size


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@dataclass
class Bucket:
    """A bucket of the test's own. `client` asks the server itself, beside the line."""

    name: str
    line: Line
    client: Any

    @property
    def environment(self) -> dict[str, str]:
        return ACCESS | {"S3_BUCKET": self.name, "S3_ENDPOINT_URL": self.line.url, "S3_PREFIX": "play/files"}

    def storage(self, endpoint: str = "") -> dict[str, Any]:
        """As the settings make it from that environment."""
        return kept_files(
            {
                "bucket_name": self.name,
                "endpoint_url": endpoint or self.line.url,
                "region_name": "",
                "location": "play/files",
                "addressing_style": "auto",
                "access_key": ACCESS["AWS_ACCESS_KEY_ID"],
                "secret_key": ACCESS["AWS_SECRET_ACCESS_KEY"],
                "security_token": "",
            }
        )

    @property
    def server(self) -> str:
        """Its address beside the line."""
        return f"http://127.0.0.1:{self.line.server[1]}"

    def files(self) -> dict[str, int]:
        """Name below the prefix -> size."""
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {row["Key"].removeprefix("play/files/"): row["Size"] for row in found}

    def read(self, name: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=self.name, Key=f"play/files/{name}")["Body"].read()
        return data

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=f"play/files/{name}", Body=data)

    def begun(self) -> int:
        """Uploads that neither ended nor were given up."""
        return len(self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[tuple[str, int]]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture
def bucket(s3_server: tuple[str, int]) -> Iterator[Bucket]:
    """An empty bucket, and nobody told of it yet."""
    with made_bucket(s3_server) as made:
        yield made


@contextmanager
def made_bucket(server: tuple[str, int]) -> Iterator[Bucket]:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server[1]}",
        region_name="us-east-1",
        aws_access_key_id=ACCESS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
    )
    name = f"files-{secrets.token_hex(6)}"
    client.create_bucket(Bucket=name)
    line = Line(server)
    line.plug()
    try:
        yield Bucket(name, line, client)
    finally:
        line.let_go.set()
        line.unplug()
        client.close()


@pytest.fixture
def on_s3(bucket: Bucket, settings: LazySettings) -> Bucket:
    """The site of this process keeps its files there."""
    settings.STORAGES = settings.STORAGES | {"default": bucket.storage()}
    return bucket
