"""Writes H.264 the plain way: blocks are sent as they are (I_PCM) or not at all (skipped).

Every decoder has to read that (ITU-T H.264, baseline profile), and it needs neither prediction nor transform.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PROFILE = bytes((66, 0xC0, 31))
"""Baseline, constrained baseline, level 3.1: what avcC and the codec string tell too."""

# A macroblock: 16x16 luma samples, then 8x8 of each chroma.
Block = bytes
_I_PCM, _I_PCM_IN_P = 25, 30
_IDR, _PLAIN = 0x65, 0x41
_FRAME_NUMBER_BITS = 8


class Bits:
    """Bits in the order they are written."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._open = ""

    def fixed(self, value: int, width: int) -> None:
        self._open += f"{value:0{width}b}"

    def ue(self, value: int) -> None:
        """Exp-Golomb, unsigned."""
        code = f"{value + 1:b}"
        self._open += "0" * (len(code) - 1) + code

    def pcm(self, block: Block) -> None:
        """Samples as they are, from the next byte on."""
        self._flush("0")
        self._done += block

    def payload(self) -> bytes:
        """Everything with its trailing bits, and without a row of zeros that looks like a start code."""
        self._open += "1"
        self._flush("0")
        return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", bytes(self._done))

    def _flush(self, filler: str) -> None:
        bits = self._open + filler * (-len(self._open) % 8)
        self._done += bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))
        self._open = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """The two parameter sets, and one unit for each frame; the first is the only one to start from."""

    sps: bytes
    pps: bytes
    frames: tuple[bytes, ...]


def encode(frames: Iterable[list[Block]], width: int, height: int) -> Stream:
    """Frames as lists of macroblocks from top left; odd sizes are not possible with 4:2:0."""
    return Stream(_sps(width, height), _pps(), tuple(_pictures(frames)))


def _pictures(frames: Iterable[list[Block]]) -> Iterator[bytes]:
    before: list[Block] = []
    for number, blocks in enumerate(frames):
        yield _changed(before, blocks, number) if before else _whole(blocks)
        before = blocks


def _sps(width: int, height: int) -> bytes:
    across, down = -(-width // 16), -(-height // 16)
    bits = Bits()
    for value in (0, _FRAME_NUMBER_BITS - 4, 2, 1):  # id, frame number, output in order, one reference
        bits.ue(value)
    bits.fixed(0, 1)
    bits.ue(across - 1)
    bits.ue(down - 1)
    bits.fixed(0b11, 2)  # frames only, direct 8x8
    cropped = (across * 16 - width, down * 16 - height)
    bits.fixed(1 if any(cropped) else 0, 1)
    if any(cropped):
        for value in (0, cropped[0] // 2, 0, cropped[1] // 2):
            bits.ue(value)
    bits.fixed(0, 1)
    return b"\x67" + PROFILE + bits.payload()


def _pps() -> bytes:
    bits = Bits()
    bits.ue(0)
    bits.ue(0)
    bits.fixed(0b00, 2)
    for _ in range(3):
        bits.ue(0)
    bits.fixed(0b000, 3)
    for _ in range(3):
        bits.ue(0)
    bits.fixed(0b100, 3)  # the deblocking filter can be turned off
    return b"\x68" + bits.payload()


def _whole(blocks: list[Block]) -> bytes:
    bits = _slice(7, 0)
    bits.ue(0)  # idr_pic_id
    bits.fixed(0b00, 2)
    _end_of_header(bits)
    for block in blocks:
        bits.ue(_I_PCM)
        bits.pcm(block)
    return bytes((_IDR,)) + bits.payload()


def _changed(before: list[Block], blocks: list[Block], number: int) -> bytes:
    """What is other than in the frame before."""
    bits = _slice(5, number % (1 << _FRAME_NUMBER_BITS))
    bits.fixed(0b000, 3)
    _end_of_header(bits)
    skipped = 0
    for old, new in zip(before, blocks, strict=True):
        if old == new:
            skipped += 1
            continue
        bits.ue(skipped)
        bits.ue(_I_PCM_IN_P)
        bits.pcm(new)
        skipped = 0
    if skipped:
        bits.ue(skipped)
    return bytes((_PLAIN,)) + bits.payload()


def _slice(kind: int, number: int) -> Bits:
    bits = Bits()
    bits.ue(0)
    bits.ue(kind)
    bits.ue(0)
    bits.fixed(number, _FRAME_NUMBER_BITS)
    return bits


def _end_of_header(bits: Bits) -> None:
    bits.ue(0)  # no change of the quantiser
    bits.ue(1)  # no deblocking: it would blur what was sent as it is
