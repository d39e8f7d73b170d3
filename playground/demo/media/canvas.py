"""A canvas of three-byte pixels and shapes that are filled row by row."""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]
Point = tuple[float, float]

WHITE: Colour = (250, 250, 246)
_LETTERS = (
    (0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110),
    (0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111),
    (0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001),
    (0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110),
)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


class Canvas:
    """Rows of three-byte pixels; `ink` turns the RGB it is given into the colours it keeps.

    Mixing is linear, so any colour space that is linear in RGB will do.
    """

    def __init__(
        self, width: int, height: int, above: Colour, below: Colour, *, ink: Callable[[Colour], Colour]
    ) -> None:
        self.width, self.height = width, height
        self._ink = ink
        above, below = ink(above), ink(below)
        self.rows = [bytearray(bytes(_between(above, below, y / height)) * width) for y in range(height)]

    def ellipse(self, centre: Point, wide: float, high: float, colour: Colour) -> None:
        def spans(y: float) -> tuple[float, float] | None:
            inside = 1 - ((y - centre[1]) / high) ** 2
            reach = wide * max(inside, 0) ** 0.5
            return (centre[0] - reach, centre[0] + reach) if inside > 0 else None

        self._fill(centre[1] - high, centre[1] + high, spans, colour)

    def polygon(self, points: Sequence[Point], colour: Colour, *, aside: float = 0) -> None:
        """A convex polygon, in hundredths of the canvas's height around the middle of its foot.

        `aside` moves it to the right, in the same measure.
        """
        at = [
            (self.width / 2 + (x + aside) * self.height / 100, self.height * (1 - y / 100)) for x, y in points
        ]

        def spans(y: float) -> tuple[float, float] | None:
            crossed = sorted(_crossings(at, y))
            return (crossed[0], crossed[-1]) if crossed else None

        heights = [y for _, y in at]
        self._fill(min(heights), max(heights), spans, colour)

    def bar(self, box: Box, colour: Colour) -> None:
        colour = self._ink(colour)
        for y in range(max(box.top, 0), min(box.bottom, self.height)):
            self._row(y, box.left, box.right, colour)

    def sign(self) -> None:
        """DEMO in the lower right corner."""
        size = max(3, min(self.width, self.height) // 170)
        left = self.width - len(_LETTERS) * 6 * size - 6
        for number, letter in enumerate(_LETTERS):
            for row, bits in enumerate(letter):
                for column in (place for place in range(5) if bits >> (4 - place) & 1):
                    x, y = left + (number * 6 + column) * size, self.height + (row - 9) * size
                    self.bar(Box(x, y, x + size, y + size), WHITE)

    def _fill(
        self, top: float, bottom: float, spans: Callable[[float], tuple[float, float] | None], colour: Colour
    ) -> None:
        colour = self._ink(colour)
        for y in range(max(int(top), 0), min(int(bottom) + 1, self.height)):
            span = spans(y + 0.5)
            if span is not None:
                self._row(y, span[0], span[1], colour)

    def _row(self, y: int, left: float, right: float, colour: Colour) -> None:
        """Fill from left to right; the pixels at both ends are mixed with what is there."""
        left, right = max(left, 0), min(right, self.width)
        first, last = int(left), int(right)
        if right <= left:
            return
        row = self.rows[y]
        if last > first + 1:
            row[(first + 1) * 3 : last * 3] = bytes(colour) * (last - first - 1)
        self._mix(row, first, colour, min(first + 1, right) - left)
        if last > first:
            self._mix(row, last, colour, right - last)

    def _mix(self, row: bytearray, x: int, colour: Colour, share: float) -> None:
        if x < self.width and share > 0:
            there = (row[x * 3], row[x * 3 + 1], row[x * 3 + 2])
            row[x * 3 : x * 3 + 3] = bytes(_between(there, colour, share))


def png(canvas: Canvas) -> bytes:
    """The canvas as a PNG; its colours are taken for RGB."""
    header = struct.pack(">IIBBBBB", canvas.width, canvas.height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in canvas.rows), 4)
    label = b"Comment\0Drawn by the built-in demo gateway, not by a model"
    chunks = ((b"IHDR", header), (b"tEXt", label), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _between(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _crossings(points: list[Point], y: float) -> Iterator[float]:
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        if min(ay, by) <= y < max(ay, by):
            yield ax + (bx - ax) * (y - ay) / (by - ay)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
