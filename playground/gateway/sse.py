"""Server-sent events: bytes in, frames out (WHATWG event stream; contract section 3).

Lines end in LF, CRLF or CR and in nothing else: U+2028 and U+0085 are text. Any cut between two
chunks is allowed, and the time taken is linear in the bytes fed.
"""

from __future__ import annotations

from dataclasses import dataclass

from playground.gateway.errors import GatewayError

LARGEST_FRAME = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `cut`: the stream ended before the blank line that ends it, so it may be half of one."""

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
        end = len(chunk) - 2
        if (
            not self._size
            and not self._skip_lf
            and self._start is None
            and chunk.startswith(b"data: ")
            and chunk.find(b"\n") == end
            and chunk.endswith(b"\n\n")
            and b"\r" not in chunk
            and end < self._largest
        ):
            # What nearly every chunk is: one whole frame, and nothing is pending.
            return [Frame(self._take_event(), chunk[6:end].decode("utf-8", "replace"), self._id)]
        return self._lines(self._normal(chunk))

    def flush(self) -> list[Frame]:
        """The end of the stream: what is left is a frame whose blank line never came."""
        start, self._start = self._start, None
        frames = self._lines(start) if start else []
        line, self._line = bytes(self._line), bytearray()
        if line:
            self._field(line)
        frames += self._dispatch(cut=True)
        return frames

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
