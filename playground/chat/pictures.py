"""Picture files as bytes: which kind they are, and what is in them beside the picture.

`strip` takes out metadata (place, camera, comments), foreign chunks and whatever hangs on behind the end
without touching a pixel. Pure; standard library only. Raises ValueError for a file that breaks its format.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
# What people attach by mistake, in words for "it is …".
OTHERS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a PDF document", re.compile(rb"\s*%PDF-")),
    ("a HEIC picture", re.compile(rb"....ftyp(?:hei|hev|mif|msf)", re.DOTALL)),
    ("an AVIF picture", re.compile(rb"....ftypavi", re.DOTALL)),
    ("a video", re.compile(rb"....ftyp|\x1aE\xdf\xa3", re.DOTALL)),
    ("a BMP picture", re.compile(rb"BM....\x00\x00\x00\x00", re.DOTALL)),
    ("a TIFF picture", re.compile(rb"II\*\x00|MM\x00\*")),
    ("an icon file", re.compile(rb"\x00\x00\x01\x00")),
    ("a ZIP archive or office document", re.compile(rb"PK\x03\x04")),
    ("a compressed archive", re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh")),
    ("a program", re.compile(rb"MZ|\x7fELF")),
)  # fmt: skip

_HTML = re.compile(rb"<(?:!doctype html|html|head|body|script|img|div|p)\b")
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs cICP".split())
_JPEG_NEXT = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# JFIF (0), colour profile (2) and Adobe's colour transform (14) belong to the picture.
_JPEG_DROPPED = frozenset({0xFE, *range(0xE0, 0xF0)} - {0xE0, 0xE2, 0xEE})
_WEBP_DROPPED = frozenset({b"EXIF", b"XMP "})
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"})


@dataclass(frozen=True, slots=True)
class Stripped:
    """The file without its extras; `frames` counts the pictures of an animation."""

    data: bytes
    frames: int = 1


def kind_of(data: bytes) -> str | None:
    """PNG, JPEG, GIF or WEBP, by content alone."""
    return next((kind for kind, pattern in SIGNATURES if pattern.match(data)), None)


def other_kind(data: bytes) -> str:
    """What a file that is no such picture seems to be, for people."""
    head = data[:2000]
    markup = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if markup.startswith(b"<"):
        return _markup_kind(markup)
    for words, pattern in OTHERS:
        if pattern.match(head):
            return words
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "a file of another kind"
    return "a file of another kind" if b"\0" in head else "a text file"


def _markup_kind(markup: bytes) -> str:
    if b"<svg" in markup and b"<html" not in markup:
        return "an SVG drawing"
    return "an HTML page" if _HTML.search(markup) else "an XML file"


def strip(kind: str, data: bytes) -> Stripped:
    try:
        return _STRIPPERS[kind](data)
    except (struct.error, IndexError):
        raise ValueError("cut off") from None


def _strip_png(data: bytes) -> Stripped:
    """An animated PNG is left with its still picture."""
    out, at = [data[:8]], 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("cut off")
        if name in _PNG_KEPT:
            out.append(data[at:end])
        if name == b"IEND":
            return Stripped(b"".join(out))
        at = end


def _strip_jpeg(data: bytes) -> Stripped:
    out, at = [data[:2]], 2
    while True:
        found = _JPEG_NEXT.search(data, at)
        if found is None:
            raise ValueError("cut off")
        # What lies before the next marker is coded picture data.
        out.append(data[at : found.start()])
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return Stripped(b"".join([*out, b"\xff\xd9"]))
        if marker in (0x01, 0xD8):
            raise ValueError("broken")
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2 or at + length > len(data):
            raise ValueError("cut off")
        if marker not in _JPEG_DROPPED:
            out.append(bytes([0xFF, marker]) + data[at : at + length])
        at += length


def _strip_webp(data: bytes) -> Stripped:
    out, frames = [], 0
    for name, body in _riff_chunks(data):
        frames += name == b"ANMF"
        if name == b"VP8X":
            # Flags: 0x08 says there is EXIF, 0x04 XMP.
            body = bytes([body[0] & ~0x0C]) + body[1:]
        if name in _WEBP_KEPT:
            out.append(name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2))
    inner = b"WEBP" + b"".join(out)
    return Stripped(b"RIFF" + struct.pack("<I", len(inner)) + inner, max(frames, 1))


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    (size,) = struct.unpack_from("<I", data, 4)
    end, at = 8 + size, 12
    if end > len(data):
        raise ValueError("cut off")
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise ValueError("cut off")
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _strip_gif(data: bytes) -> Stripped:
    """Comments, texts and application blocks go, but for the one that says how often to repeat."""
    at = 13 + _table_size(data[10])
    out, frames = [data[:at]], 0
    while True:
        sort, begin = data[at], at
        if sort == 0x3B:
            return Stripped(b"".join([*out, b";"]), max(frames, 1))
        if sort == 0x2C:
            at = _past_blocks(data, at + 10 + _table_size(data[at + 9]) + 1)
            frames += 1
            keep = True
        elif sort == 0x21:
            at = _past_blocks(data, at + 2)
            keep = data[begin + 1] == 0xF9 or data[begin + 2 : begin + 14] == b"\x0bNETSCAPE2.0"
        else:
            raise ValueError("broken")
        if keep:
            out.append(data[begin:at])


def _table_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    """The place behind a chain of blocks, each with its length before it."""
    while data[at]:
        at += data[at] + 1
    return at + 1


_STRIPPERS: dict[str, Callable[[bytes], Stripped]] = {
    "PNG": _strip_png,
    "JPEG": _strip_jpeg,
    "GIF": _strip_gif,
    "WEBP": _strip_webp,
}
