"""The reference: a plain asyncio byte relay. It accepts, connects upstream, and copies bytes both ways."""

from __future__ import annotations

import asyncio
import sys


class Side(asyncio.Protocol):
    """One end of a pair; what it receives goes to the other."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self.early.append(data)
        else:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Client(Side):
    """The side that was connected to; connects upstream for itself."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self.upstream = upstream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, far = await loop.create_connection(Side, "127.0.0.1", self.upstream)
        assert far.transport is not None
        self.other, far.other = far, self
        for data in self.early:
            far.transport.write(data)


async def serve(port: int, upstream: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(upstream), "127.0.0.1", port, backlog=2048
    )
    print(f"relay on {port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
