"""Server-sent events: bytes in, frames out (WHATWG event stream; contract section 3).

Lines end in LF, CRLF or CR and in nothing else: U+2028 and U+0085 are text. Any cut between two
chunks is allowed, and the time taken is linear in the bytes fed.
"""

from __future__ import annotations

from typing import NamedTuple

from playground.gateway.errors import GatewayError

LARGEST_FRAME = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Frame(NamedTuple):
    """One event. `cut`: the stream ended before the blank line that ends it, so it may be half of one.

    A named tuple, as one is made for every token and a frozen dataclass costs twice as much.
    """

    event: str = ""
    data: str = ""
    id: str = ""
    cut: bool = False


class FrameDecoder:
    """Feed it what the socket gives; `comments` counts keep-alive lines, which only reset idle timers."""

    def __init__(self, largest_frame: int = LARGEST_FRAME) -> None:
        self.comments = 0
        self._largest = largest_frame
        self._size = 0
        self._line = bytearray()
        self._data: list[bytes] = []
        self._event = ""
        self._id = ""
        self._skip_lf = False
        self._start: bytes | None = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes. Raises GatewayError("protocol") past the frame limit."""
        if self._size or self._skip_lf or self._start is not None or b"\r" in chunk:
            return self._lines(self._normal(chunk))
        # What nearly every chunk is: whole frames of a line or two, and nothing is pending.
        *blocks, rest = chunk.split(b"\n\n")
        frames: list[Frame] = []
        for block in blocks:
            if (frame := self._simple(block)) is not None:
                frames.append(frame)
            else:
                frames += self._lines(block + b"\n\n")
        return frames + self._lines(rest) if rest else frames

    def flush(self) -> list[Frame]:
        """The end of the stream: what is left is a frame whose blank line never came."""
        start, self._start = self._start, None
        frames = self._lines(start) if start else []
        line, self._line = bytes(self._line), bytearray()
        if line:
            self._field(line)
        frames += self._dispatch(cut=True)
        return frames

    def _simple(self, block: bytes) -> Frame | None:
        """The frame of a block that is one line of data, with or without the event's name before it."""
        if len(block) >= self._largest:
            return None
        event = self._event
        if block.startswith(b"event: "):
            name, _, block = block.partition(b"\n")
            event = name[7:].decode("utf-8", "replace")
        if not block.startswith(b"data: ") or b"\n" in block:
            return None
        self._event = ""
        return Frame(event, block[6:].decode("utf-8", "replace"), self._id)

    def _normal(self, chunk: bytes) -> bytes:
        """The chunk with LF as its only line end. A CR counts at once; an LF right after it is dropped."""
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if self._skip_lf and chunk:
            self._skip_lf = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._skip_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _without_bom(self, chunk: bytes) -> bytes:
        start = (self._start or b"") + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _lines(self, chunk: bytes) -> list[Frame]:
        frames: list[Frame] = []
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._grow(len(line) + 1)
            if self._line:
                line, self._line = bytes(self._line + line), bytearray()
            if line:
                self._field(line)
            else:
                frames += self._dispatch()
        if rest:
            self._grow(len(rest))
            self._line += rest
        return frames

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > self._largest:
            raise GatewayError(
                "protocol", "The gateway sent one event larger than 16 MiB.", code="frame_too_large"
            )

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif not name:
            self.comments += 1
            if not self._data:
                self._size = 0
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _dispatch(self, *, cut: bool = False) -> list[Frame]:
        data, self._data, self._size = self._data, [], 0
        event = self._take_event()
        if not data:
            return []
        return [Frame(event, b"\n".join(data).decode("utf-8", "replace"), self._id, cut)]

    def _take_event(self) -> str:
        event, self._event = self._event, ""
        return event
