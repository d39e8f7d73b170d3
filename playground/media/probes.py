"""What is in a kept file: size of a picture, length of a sound or a video, a thumbnail, a waveform.

Everything here may fail without the file being any worse: then the fact is missing. ffmpeg and ffprobe
are used where they are installed; what a WAV or an MP4 says about itself is read without them.
"""

from __future__ import annotations

import io
import json
import logging
import shutil
import struct
import subprocess
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

log = logging.getLogger(__name__)
THUMBNAIL = 480
PEAKS = 200
MAX_PIXELS = 80_000_000
TOOL_S = 30
# Longer sounds have no waveform: it would be all of them in memory.
LONGEST_WAVE_S = 3600.0
POSTER_S = 1.0
# ffmpeg's names, by what `sniff` finds.
DEMUXERS = {
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/mp4": "mov",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/webm": "matroska",
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
}
BROKEN = (
    OSError,
    LookupError,
    ValueError,
    struct.error,
    wave.Error,
    EOFError,
    SyntaxError,
    ZeroDivisionError,
)
LARGEST_HEADER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Facts:
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    thumbnail: bytes = b""
    waveform: tuple[float, ...] = ()


def facts_of(path: Path, kind: str, media_type: str) -> Facts:
    """Whatever can be told of the file. Never raises for a broken one."""
    try:
        if kind == "image":
            return _picture(path)
        if kind == "audio":
            return _sound(path, media_type)
        return _film(path, media_type)
    except (
        OSError,
        LookupError,
        ValueError,
        struct.error,
        wave.Error,
        EOFError,
        SyntaxError,
        ZeroDivisionError,
    ) as error:
        log.info("nothing could be told of a file of %s: %s", media_type, error)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        log.info("a picture has too many pixels to make a thumbnail of it")
    return Facts()


def _picture(path: Path) -> Facts:
    with Image.open(path, formats=["PNG", "JPEG", "GIF", "WEBP", "AVIF"]) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            return Facts(width, height)
        return Facts(width, height, thumbnail=_thumbnail(image))


def _thumbnail(image: Image.Image) -> bytes:
    image.draft("RGB", (THUMBNAIL * 2, THUMBNAIL * 2))
    small = ImageOps.exif_transpose(image)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    out = io.BytesIO()
    small.convert("RGBA" if "A" in small.getbands() or "transparency" in small.info else "RGB").save(
        out, "WEBP", quality=80
    )
    return out.getvalue()


def _sound(path: Path, media_type: str) -> Facts:
    if media_type == "audio/wav":
        with wave.open(str(path), "rb") as file:
            duration = file.getnframes() / file.getframerate()
            return Facts(duration_s=round(duration, 3), waveform=tuple(_peaks(file)))
    told = _probed(path, media_type)
    short = told.duration_s is not None and told.duration_s <= LONGEST_WAVE_S
    return Facts(duration_s=told.duration_s, waveform=_decoded_peaks(path, media_type) if short else ())


def _peaks(file: wave.Wave_read) -> Iterator[float]:
    """The loudest sample of each of `PEAKS` stretches, from 0 to 1."""
    width, frames = file.getsampwidth(), file.getnframes()
    typecode = {1: "B", 2: "h", 4: "i"}.get(width)
    if typecode is None or not frames:
        return
    middle, top = (128, 128) if width == 1 else (0, 1 << (8 * width - 1))
    stretches = min(PEAKS, frames)
    for number in range(stretches):
        wanted = frames * (number + 1) // stretches - frames * number // stretches
        data = file.readframes(wanted)
        samples = array(typecode, data[: len(data) // width * width])
        loudest = max(max(samples) - middle, middle - min(samples)) if samples else 0
        yield round(min(loudest / top, 1.0), 3)


def _decoded_peaks(path: Path, media_type: str) -> tuple[float, ...]:
    """Of a sound in a form of its own, by ffmpeg: mono at 4 kHz is plenty for a picture of it."""
    tool = shutil.which("ffmpeg")
    if tool is None:
        return ()
    argv = [tool, "-v", "error", "-nostdin", *_only_this(path, media_type)]
    done = _run([*argv, "-ac", "1", "-ar", "4000", "-f", "s16le", "-"])
    samples = memoryview(done)[: len(done) // 2 * 2].cast("h")
    if not samples:
        return ()
    stretches = min(PEAKS, len(samples))
    edges = [len(samples) * number // stretches for number in range(stretches + 1)]
    return tuple(
        round(min(max(max(part), -min(part)) / 32768, 1.0), 3)
        for part in (samples[a:b] for a, b in zip(edges, edges[1:], strict=False))
    )


def _film(path: Path, media_type: str) -> Facts:
    told = _probed(path, media_type)
    if told.width:
        return replace(told, thumbnail=_poster(path, media_type, told.duration_s or 0))
    with path.open("rb") as file:
        return _mp4_facts(file)


def _poster(path: Path, media_type: str, duration_s: float) -> bytes:
    """A little behind the beginning, as films begin in the dark; else the first picture."""
    tool = shutil.which("ffmpeg")
    if tool is None:
        return b""
    scale = f"scale='min({THUMBNAIL},iw)':-2"
    there = [*_only_this(path, media_type), "-frames:v", "1", "-vf", scale, "-f", "image2", "-c:v", "mjpeg"]
    at = ("-ss", f"{min(POSTER_S, duration_s / 3):.3f}")
    argv = [tool, "-v", "error", "-nostdin"]
    return _run([*argv, *at, *there, "-"]) or _run([*argv, *there, "-"])


def _probed(path: Path, media_type: str) -> Facts:
    tool = shutil.which("ffprobe")
    if tool is None:
        return Facts()
    entries = "format=duration:stream=width,height"
    argv = [tool, "-v", "error", *_only_this(path, media_type), "-show_entries", entries, "-of", "json"]
    told = json.loads(_run(argv) or b"{}")
    duration = told.get("format", {}).get("duration")
    sizes = [stream for stream in told.get("streams", []) if stream.get("width")]
    size = sizes[0] if sizes else {}
    return Facts(size.get("width"), size.get("height"), float(duration) if duration else None)


def _only_this(path: Path, media_type: str) -> list[str]:
    """Read as what it was found to be: a playlist in disguise must not make it open something else."""
    form = DEMUXERS[media_type]
    return ["-protocol_whitelist", "file,pipe", "-f", form, "-i", f"file:{path}"]


def _run(argv: list[str]) -> bytes:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=TOOL_S, check=False)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired:
        return b""
    return done.stdout if done.returncode == 0 else b""


def _mp4_facts(file: BinaryIO) -> Facts:
    """Length and size as the file's own table of contents tells them."""
    found = next((body for name, body in _boxes(file) if name == b"moov"), b"")
    duration, width, height = None, None, None
    for name, body in _inner(found):
        if name == b"mvhd":
            duration = _mvhd_seconds(body)
        if name == b"trak" and width is None:
            header = next((part for inner, part in _inner(body) if inner == b"tkhd"), b"")
            width, height = _tkhd_size(header)
    return Facts(width, height, duration)


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Top-level boxes; only `moov` is read, the rest is stepped over."""
    at = 0
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        begin = at + 8
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
            begin = at + 16
        if size < 8:
            return
        wanted = size - (begin - at)
        yield name, file.read(wanted) if name == b"moov" and wanted <= LARGEST_HEADER else b""
        at += size
        file.seek(at)


def _inner(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(body):
        size, name = struct.unpack_from(">I4s", body, at)
        if size < 8:
            return
        yield name, body[at + 8 : at + size]
        at += size


def _mvhd_seconds(body: bytes) -> float | None:
    at, form = (20, ">IQ") if body[0] == 1 else (12, ">II")
    scale, duration = struct.unpack_from(form, body, at)
    return round(duration / scale, 3) if scale else None


def _tkhd_size(body: bytes) -> tuple[int | None, int | None]:
    if len(body) < 84:
        return None, None
    width, height = struct.unpack_from(">II", body, len(body) - 8)
    return (width >> 16) or None, (height >> 16) or None
