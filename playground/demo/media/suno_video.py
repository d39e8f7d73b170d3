"""Music videos: the drawn film of a song with its sound as FLAC, which browsers play inside MP4."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator

from .sound import RATE

_BLOCK = 4096
# FLAC's codes for 16,000 Hz, one channel and 16 bits, and for a block length told in the header.
_HEAD = bytes((0xFF, 0xF8, 0x75, 0x08))
_VERBATIM = b"\x02"
_SCALE = RATE
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def with_sound(film: bytes, samples: array[int]) -> bytes:
    """The MP4 with a second track; its own tables are kept, only their places in the file move on."""
    (start, movie, pictures) = _boxes(film)
    frames = list(_frames(samples))
    # The place of the sound is a number of fixed width: the track is built once to measure it.
    grown = len(_track(frames, len(samples), 0))
    track = _track(frames, len(samples), len(start) + len(movie) + grown + len(pictures) + 8)
    movie = struct.pack(">I", len(movie) + grown) + _moved(movie, grown)[4:] + track
    return start + movie + pictures + _box(b"mdat", b"".join(frames))


def _boxes(film: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(film):
        (size,) = struct.unpack_from(">I", film, place)
        yield film[place : place + size]
        place += size


def _moved(movie: bytes, grown: int) -> bytes:
    """The film's table of places, for pictures that stand further back now."""
    place = movie.index(b"stco") + 12
    (before,) = struct.unpack_from(">I", movie, place)
    return movie[:place] + struct.pack(">I", before + grown) + movie[place + 4 :]


def _frames(samples: array[int]) -> Iterator[bytes]:
    """Samples as they are: FLAC allows blocks without any prediction."""
    swapped = array("h", samples)
    swapped.byteswap()
    for number, place in enumerate(range(0, len(swapped), _BLOCK)):
        part = swapped[place : place + _BLOCK]
        head = _HEAD + _coded(number) + struct.pack(">H", len(part) - 1)
        frame = head + bytes((_crc8(head),)) + _VERBATIM + part.tobytes()
        yield frame + struct.pack(">H", _crc16(frame))


def _coded(number: int) -> bytes:
    """A number as UTF-8 would write it, which is how FLAC counts its frames."""
    return chr(number).encode("utf-8", "surrogatepass")


def _track(frames: list[bytes], length: int, place: int) -> bytes:
    milliseconds = length * 1000 // RATE
    header = struct.pack(">6I", 7, 0, 0, 2, 0, milliseconds) + bytes(8)
    header += struct.pack(">hhHH", 0, 0, 0x100, 0) + _MATRIX + bytes(8)
    times = _box(b"mdhd", struct.pack(">5IHH", 0, 0, 0, _SCALE, length, 0x55C4, 0))
    kind = _box(b"hdlr", struct.pack(">II4s", 0, 0, b"soun") + bytes(12) + b"Demo gateway\0")
    where = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", struct.pack(">I", 1))))
    information = _box(b"minf", _box(b"smhd", bytes(8)), where, _table(frames, length, place))
    return _box(b"trak", _box(b"tkhd", header), _box(b"mdia", times, kind, information))


def _table(frames: list[bytes], length: int, place: int) -> bytes:
    count = len(frames)
    last = length - (count - 1) * _BLOCK
    return _box(
        b"stbl",
        _box(b"stsd", struct.pack(">II", 0, 1), _entry(length)),
        _box(b"stts", struct.pack(">6I", 0, 2, count - 1, _BLOCK, 1, last)),
        _box(b"stsc", struct.pack(">5I", 0, 1, 1, count, 1)),
        _box(b"stsz", struct.pack(f">3I{count}I", 0, 0, count, *(len(frame) for frame in frames))),
        _box(b"stco", struct.pack(">3I", 0, 1, place)),
    )


def _entry(length: int) -> bytes:
    """Sample rate in 20 bits, one channel, 16 bits, the number of samples in 36; no checksum of the whole."""
    layout = RATE << 44 | (16 - 1) << 36 | length
    stream = struct.pack(">HH", _BLOCK, _BLOCK) + bytes(6) + struct.pack(">Q", layout) + bytes(16)
    described = _box(b"dfLa", bytes(4), struct.pack(">I", 0x80 << 24 | len(stream)), stream)
    shape = bytes(6) + struct.pack(">H", 1) + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, RATE << 16)
    return _box(b"fLaC", shape, described)


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name + body


def _table_of(width: int, polynomial: int) -> list[int]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    table = []
    for value in range(256):
        left = value << (width - 8)
        for _ in range(8):
            left = (left << 1 ^ polynomial if left & top else left << 1) & mask
        table.append(left)
    return table


_CRC8, _CRC16 = _table_of(8, 0x07), _table_of(16, 0x8005)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _crc16(data: bytes) -> int:
    crc, table = 0, _CRC16
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
    return crc
