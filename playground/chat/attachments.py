"""Pictures people attach: what is let in, how it is cleaned, and where it is kept.

A picture is judged by its content alone, decoded once to see that it is whole, freed of metadata, and
kept once for each content a team has. What is refused says why in a sentence for the person.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import re
import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from PIL import Image, ImageOps

from accounts.models import Team, User
from playground.chat import pictures
from playground.chat.models import Attachment
from playground.storage import StorageError, save_anyhow

KINDS = {
    "PNG": ("image/png", ".png"),
    "JPEG": ("image/jpeg", ".jpg"),
    "WEBP": ("image/webp", ".webp"),
    "GIF": ("image/gif", ".gif"),
}
MAX_PIXELS = 50_000_000
MAX_FRAMES = 200
VIDEO_PAGES = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
WANTED = "Take a PNG, JPEG, WebP or GIF picture."
LONGEST_NAME = 100
LONGEST_URL = 2000
ORIENTATION = 0x0112

# Fifty million pixels take 200 MB while they are decoded: one picture at a time in a process.
_decoding = Lock()


class Refused(Exception):
    """Why a picture or an address is not taken; the text is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A clean picture file."""

    kind: str
    data: bytes
    width: int
    height: int


def store(upload: UploadedFile[Any], user: User, team: Team) -> Attachment:
    """Keep an uploaded picture. The same content comes back as the row the team already has."""
    name = clean_name(upload.name or "")
    picture = _check(_read(upload, name), name)
    media_type, suffix = KINDS[picture.kind]
    row = Attachment(
        team=team,
        user=user,
        sha256=hashlib.sha256(picture.data).hexdigest(),
        media_type=media_type,
        size=len(picture.data),
        width=picture.width,
        height=picture.height,
        name=_with_suffix(name, suffix),
    )
    if there := _known(row):
        return there
    try:
        row.file.save(f"{secrets.token_hex(16)}{suffix}", ContentFile(picture.data), save=False)
    except StorageError as error:
        raise Refused(f"{name} could not be kept. {error}") from error
    return _keep(row)


def open_bytes(attachment: Attachment) -> bytes:
    """The stored bytes. Raises FileNotFoundError when the file is gone, StorageError when the storage is."""
    with attachment.file.open("rb") as file:
        content: bytes = file.read()
    return content


def check_url(url: str) -> str:
    """An https address of a picture, which the gateway will fetch and we never do."""
    url = url.strip()
    if len(url) > LONGEST_URL:
        raise Refused(f"This address is too long: at most {LONGEST_URL:,} characters.")
    try:
        parts = urlsplit(url)
        host, credentials = parts.hostname, parts.username is not None or parts.password is not None
        odd = parts.port == 0
    except ValueError:
        raise Refused("This is not a web address.") from None
    if not url.isprintable() or " " in url or "\\" in url or odd:
        raise Refused("This is not a web address.")
    if parts.scheme.lower() != "https" or not host:
        raise Refused("The address of a picture has to begin with https://.")
    if credentials:
        raise Refused("This address holds a user name or password. Leave that out.")
    return url


def media_type_of(url: str) -> str | None:
    """The type of a video or another file by its address; None for a picture, or what may be one.

    Of a page with a video, which some providers open by themselves, the type is not known: "".
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.hostname in VIDEO_PAGES:
        return ""
    guessed = mimetypes.guess_type(parts.path)[0]
    return guessed if guessed and not guessed.startswith("image/") else None


def keep_made(data: bytes, user: User | None, team: Team) -> Attachment:
    """Keep a picture a model made, byte for byte: it may have to be sent back as it came.

    Raises Refused when it is no picture that can be shown.
    """
    name = "picture"
    picture = _check(data, name)
    media_type, suffix = KINDS[picture.kind]
    row = Attachment(
        team=team,
        user=user,
        sha256=hashlib.sha256(data).hexdigest(),
        media_type=media_type,
        size=len(data),
        width=picture.width,
        height=picture.height,
        name=name + suffix,
    )
    if there := _known(row):
        return there
    place = row.file.field.generate_filename(row, f"{secrets.token_hex(16)}{suffix}")
    row.file.name = save_anyhow(place, data)
    return _keep(row)


def clean_name(name: str) -> str:
    """A file name that is safe to show and to save under: no path, no control or direction marks."""
    base = re.split(r"[/\\]", name)[-1]
    shown = "".join(sign for sign in base if unicodedata.category(sign)[0] not in "CZ" or sign == " ")
    shown = " ".join(re.sub(r'[<>:"|?*]', "_", shown).split()).lstrip(".")
    stem, dot, suffix = shown.rpartition(".")
    if dot and 0 < len(suffix) <= 8:
        return stem[: LONGEST_NAME - len(suffix) - 1] + dot + suffix
    return shown[:LONGEST_NAME] or "picture"


def _with_suffix(name: str, suffix: str) -> str:
    stem, dot, old = name.rpartition(".")
    if f".{old.lower()}" in {suffix, ".jpeg" if suffix == ".jpg" else suffix}:
        return name
    return (stem if dot and stem else name) + suffix


def _read(upload: UploadedFile[Any], name: str) -> bytes:
    limit = settings.MAX_IMAGE_BYTES
    if (upload.size or 0) > limit:
        raise _too_big(name, upload.size or 0)
    data: bytes = upload.read(limit + 1)
    if len(data) > limit:
        raise _too_big(name, len(data))
    if not data:
        raise Refused(f"{name} is empty.")
    return data


def _too_big(name: str, size: int) -> Refused:
    limit = settings.MAX_IMAGE_BYTES
    return Refused(f"{name} is too big: {size / 2**20:.1f} MB, and a picture may have {limit / 2**20:g} MB.")


def _check(data: bytes, name: str) -> Picture:
    kind = pictures.kind_of(data)
    if kind is None:
        found = pictures.other_kind(data)
        raise Refused(f"{name} is not a picture that can be attached: it is {found}. {WANTED}")
    try:
        stripped = pictures.strip(kind, data)
        with _decoding:
            return _decoded(kind, data, stripped, name)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(name) from None
    # Pillow's readers raise whatever a broken file leads them to.
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError):
        raise Refused(f"{name} is damaged or cut off: the picture in it cannot be read.") from None


def _decoded(kind: str, data: bytes, stripped: pictures.Stripped, name: str) -> Picture:
    """Decode once, which finds what is cut off; turn upright; keep small animations only."""
    with Image.open(io.BytesIO(stripped.data), formats=[kind]) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise _too_many_pixels(name)
        small = stripped.frames <= MAX_FRAMES and width * height * stripped.frames <= MAX_PIXELS
        image.load()
        if stripped.frames > 1 and not small:
            return _saved(image.convert("RGBA"), "PNG")
    orientation = _orientation(kind, data)
    if orientation not in range(2, 9):
        return Picture(kind, stripped.data, width, height)
    with Image.open(io.BytesIO(stripped.data), formats=[kind]) as image:
        image.getexif()[ORIENTATION] = orientation
        return _saved(ImageOps.exif_transpose(image), kind)


def _orientation(kind: str, data: bytes) -> int:
    with Image.open(io.BytesIO(data), formats=[kind]) as image:
        value = image.getexif().get(ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _saved(image: Image.Image, kind: str) -> Picture:
    out = io.BytesIO()
    profile = image.info.get("icc_profile")
    image.info = {}
    if kind == "JPEG":
        image.save(out, kind, quality=95, icc_profile=profile)
    else:
        image.save(out, kind, lossless=True, icc_profile=profile)
    return Picture(kind, out.getvalue(), *image.size)


def _too_many_pixels(name: str) -> Refused:
    return Refused(f"{name} has too many pixels: a picture may have {MAX_PIXELS // 10**6} million.")


def _known(row: Attachment) -> Attachment | None:
    return Attachment.objects.filter(team=row.team, sha256=row.sha256).first()


def _keep(row: Attachment) -> Attachment:
    """Save the row of a kept file; whoever loses a race for the same content takes the winner's row."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Left behind, it would only take space.
        with suppress(StorageError):
            row.file.delete(save=False)
        if (winner := _known(row)) is None:
            raise
        return winner
    return row
