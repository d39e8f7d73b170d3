"""Films: the drawn landscape with the sun going over it, as MP4."""

from collections.abc import Iterator

from playground.demo.dice import Dice

from . import h264, mp4
from .canvas import Canvas, Colour
from .drawing import Scene, paint, plan, sized

_LONGEST = 256
# Long films get fewer frames a second, so that each is made in a moment.
_FRAMES = 40
_FASTEST = 8


def film(words: str, ratio: str, seconds: int, dice: Dice) -> bytes:
    """An MP4 without sound whose longer side has 256 pixels and that lasts as long as it was asked to."""
    width, height = (side - side % 2 for side in sized(ratio, _LONGEST))
    rate = max(min(_FRAMES // seconds, _FASTEST), 2)
    scene = plan(words, dice)
    frames = (_blocks(canvas) for canvas in _moments(scene, width, height, seconds * rate))
    return mp4.wrap(h264.encode(frames, width, height), width, height, rate=rate)


def _moments(scene: Scene, width: int, height: int, count: int) -> Iterator[Canvas]:
    for number in range(count):
        yield paint(scene, width, height, ink=_in_ycc, at=(number + 1) / count)


def _in_ycc(colour: Colour) -> Colour:
    """Y, Cb and Cr as BT.601 has them for video: 16 to 235, so no sample is ever 0."""
    red, green, blue = colour
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    blueness = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    redness = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    return round(luma), round(blueness), round(redness)


def _blocks(canvas: Canvas) -> list[h264.Block]:
    """The canvas cut into macroblocks; its last column and row fill what is missing to a multiple of 16."""
    wide, high = -(-canvas.width // 16) * 16, -(-canvas.height // 16) * 16
    rows = canvas.rows + [canvas.rows[-1]] * (high - canvas.height)
    luma = [_padded(row[::3], wide) for row in rows]
    chroma = [[_padded(row[plane::6], wide // 2) for row in rows[::2]] for plane in (1, 2)]
    blocks = []
    for top in range(0, high, 16):
        half = top // 2
        for left in range(0, wide, 16):
            parts = [row[left : left + 16] for row in luma[top : top + 16]]
            for plane in chroma:
                parts += [row[left // 2 : left // 2 + 8] for row in plane[half : half + 8]]
            blocks.append(b"".join(parts))
    return blocks


def _padded(row: bytearray, wide: int) -> bytes:
    return bytes(row) + bytes(row[-1:]) * (wide - len(row))
