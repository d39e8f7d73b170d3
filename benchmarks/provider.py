"""A fast stand-in for a gateway's task routes: every task is running, and files are as long as asked for.

Standard library only. `python -m benchmarks.provider <port>`: GET on a DashScope task answers at once,
`/files/<name>/<bytes>` is that many bytes of an MP4 file.
"""

from __future__ import annotations

import asyncio
import struct
import sys

RUNNING = b'{"request_id":"r","output":{"task_id":"t","task_status":"RUNNING"}}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(RUNNING)
) + RUNNING
FILM = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom")
PIECE = bytes(2**18)


class Provider(asyncio.Protocol):
    """Requests without a body, one after the other on a kept connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._begun = b""
        self._clear = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._clear.set()

    def pause_writing(self) -> None:
        self._clear.clear()

    def resume_writing(self) -> None:
        self._clear.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear.set()

    def data_received(self, data: bytes) -> None:
        *whole, self._begun = (self._begun + data).split(b"\r\n\r\n")
        for head in whole:
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        assert self._transport is not None
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/files/"):
            task = asyncio.ensure_future(self._film(int(path.rpartition(b"/")[2])))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        else:
            self._transport.write(ANSWER)

    async def _film(self, size: int) -> None:
        assert self._transport is not None
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + FILM)
        left = size - len(FILM)
        while left and not self._transport.is_closing():
            self._transport.write(PIECE[:left])
            left -= min(left, len(PIECE))
            await self._clear.wait()


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", port, backlog=1024)
    print("provider on", port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
