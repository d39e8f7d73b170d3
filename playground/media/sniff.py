"""What a file is, by its first bytes: never by a header or a name. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = 4096


@dataclass(frozen=True, slots=True)
class FileType:
    """`kind` is image, audio, video, text or data; `suffix` with its dot."""

    kind: str
    media_type: str
    suffix: str


_SIGNATURES: tuple[tuple[re.Pattern[bytes], FileType], ...] = tuple(
    (re.compile(pattern, re.DOTALL), FileType(kind, media_type, suffix))
    for pattern, kind, media_type, suffix in (
        (rb"\x89PNG\r\n\x1a\n", "image", "image/png", ".png"),
        (rb"\xff\xd8\xff", "image", "image/jpeg", ".jpg"),
        (rb"GIF8[79]a", "image", "image/gif", ".gif"),
        (rb"RIFF....WEBP", "image", "image/webp", ".webp"),
        (rb"....ftyp(?:avif|avis)", "image", "image/avif", ".avif"),
        (rb"RIFF....WAVE", "audio", "audio/wav", ".wav"),
        (rb"fLaC", "audio", "audio/flac", ".flac"),
        (rb"OggS", "audio", "audio/ogg", ".ogg"),
        (rb"....ftyp(?:M4A |M4B )", "audio", "audio/mp4", ".m4a"),
        (rb"ID3", "audio", "audio/mpeg", ".mp3"),
        (rb"\xff[\xf0\xf1\xf8\xf9][\x40-\xff]", "audio", "audio/aac", ".aac"),
        (rb"\xff[\xe2\xe3\xf2-\xf5\xfa-\xfd][\x10-\xef]", "audio", "audio/mpeg", ".mp3"),
        (rb"....ftypqt  ", "video", "video/quicktime", ".mov"),
        (rb"....ftyp(?:isom|iso[2-9]|mp4[12]|avc1|dash|M4V |MSNV|3gp\d)", "video", "video/mp4", ".mp4"),
        (rb"\x1aE\xdf\xa3.{0,64}webm", "video", "video/webm", ".webm"),
    )
)  # fmt: skip
_WORDS = {"image": "a picture", "audio": "a sound file", "video": "a video"}
_MARKUP = re.compile(rb"(?i)\s*(?:<!doctype html|<html|<head|<body|<\?xml|<svg)")


def type_of(head: bytes) -> FileType | None:
    """None for anything that is not a picture, a sound or a video we know to be harmless to show."""
    return next((found for pattern, found in _SIGNATURES if pattern.match(head)), None)


def words_for(head: bytes) -> str:
    """What a file that was not expected seems to be, for "it is …"."""
    known = type_of(head)
    if known is not None:
        return _WORDS[known.kind]
    if not head:
        return "empty"
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "a web page"
    try:
        head[:1000].decode()
    except UnicodeDecodeError as error:
        return "a text" if error.start > 900 else "a file of an unknown kind"
    return "a file of an unknown kind" if b"\0" in head else "a text"
