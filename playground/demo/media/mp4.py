"""Puts an H.264 stream into an MP4 file that can be played while it is still being loaded."""

import struct

from .h264 import PROFILE, Stream

_TICKS = 1000
"""Units of time in a frame; a second has so many times more as there are frames in it."""

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def wrap(stream: Stream, width: int, height: int, *, rate: int) -> bytes:
    samples = [struct.pack(">I", len(unit)) + unit for unit in stream.frames]
    start = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2avc1mp41")
    # The table of places needs the length of what holds it: written once to measure, once for good.
    measured = _movie(stream, samples, (width, height), rate, 0)
    movie = _movie(stream, samples, (width, height), rate, len(start) + len(measured) + 8)
    return start + movie + _box(b"mdat", b"".join(samples))


def padding(size: int) -> bytes:
    """The head of a box of this size whose content nobody reads; the content itself is left to the caller."""
    return struct.pack(">I", size) + b"free"


def _movie(stream: Stream, samples: list[bytes], size: tuple[int, int], rate: int, place: int) -> bytes:
    duration = len(samples) * _TICKS
    header = struct.pack(">5I", 0, 0, 0, rate * _TICKS, duration) + struct.pack(
        ">IHHII", 0x10000, 0x100, 0, 0, 0
    )
    header += _MATRIX + bytes(24) + struct.pack(">I", 2)
    return _box(b"moov", _box(b"mvhd", header), _track(stream, samples, size, rate, place))


def _track(stream: Stream, samples: list[bytes], size: tuple[int, int], rate: int, place: int) -> bytes:
    duration = len(samples) * _TICKS
    header = struct.pack(">6I", 7, 0, 0, 1, 0, duration) + bytes(16) + _MATRIX
    header += struct.pack(">II", size[0] << 16, size[1] << 16)
    times = _box(b"mdhd", struct.pack(">5IHH", 0, 0, 0, rate * _TICKS, duration, 0x55C4, 0))
    kind = _box(b"hdlr", struct.pack(">II4s", 0, 0, b"vide") + bytes(12) + b"Demo gateway\0")
    where = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", struct.pack(">I", 1))))
    table = _table(stream, samples, size, place)
    information = _box(b"minf", _box(b"vmhd", struct.pack(">IQ", 1, 0)), where, table)
    return _box(b"trak", _box(b"tkhd", header), _box(b"mdia", times, kind, information))


def _table(stream: Stream, samples: list[bytes], size: tuple[int, int], place: int) -> bytes:
    count = len(samples)
    sizes = struct.pack(f">3I{count}I", 0, 0, count, *(len(sample) for sample in samples))
    return _box(
        b"stbl",
        _box(b"stsd", struct.pack(">II", 0, 1), _entry(stream, size)),
        _box(b"stts", struct.pack(">4I", 0, 1, count, _TICKS)),
        _box(b"stss", struct.pack(">3I", 0, 1, 1)),
        _box(b"stsc", struct.pack(">5I", 0, 1, 1, count, 1)),
        _box(b"stsz", sizes),
        _box(b"stco", struct.pack(">3I", 0, 1, place)),
    )


def _entry(stream: Stream, size: tuple[int, int]) -> bytes:
    name = b"\x0cDemo gateway".ljust(32, b"\0")
    shape = bytes(6) + struct.pack(">H", 1) + bytes(16)
    shape += struct.pack(">HHIIIH", *size, 72 << 16, 72 << 16, 0, 1) + name + struct.pack(">Hh", 24, -1)
    sets = b"\x01" + PROFILE + b"\xff\xe1" + struct.pack(">H", len(stream.sps)) + stream.sps
    sets += b"\x01" + struct.pack(">H", len(stream.pps)) + stream.pps
    return _box(b"avc1", shape, _box(b"avcC", sets))


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name + body
