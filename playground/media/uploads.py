"""Files people give for forms: judged by their content, freed of metadata, kept once per team and content."""

from __future__ import annotations

import re
import secrets
import tempfile
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import Image, ImageOps

from accounts.models import Team, User
from playground.media import parts, probes, sniff
from playground.media.models import Upload
from playground.storage import StorageError

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
MAX_PIXELS = 50_000_000
LONGEST_NAME = 100
_WORDS = {"image": "a PNG, JPEG, WebP or GIF picture", "audio": "a sound file", "video": "a video"}


class Refused(Exception):
    """Why a file is not taken; the text is a sentence for the person."""


def store(upload: UploadedFile[Any], kind: str, user: User, team: Team, *, max_bytes: int) -> Upload:
    """Keep a file for a form field that takes this `kind`. The same content is the row the team already has.

    Raises Refused.
    """
    name = clean_name(upload.name or kind)
    with tempfile.TemporaryDirectory(dir=parts.folder()) as folder:
        path = Path(folder) / "given"
        _write(upload, path, name, max_bytes)
        found = _checked(path, kind, name)
        if kind == "image":
            path = _cleaned(path, found, name)
        digest = parts.sha256_of(path)
        if there := Upload.objects.filter(team=team, sha256=digest, kind=kind).first():
            return there
        return _keep(path, found, digest, name, user, team)


def clean_name(name: str) -> str:
    """A file name that is safe to show and to save under: no path, no control or direction marks."""
    base = re.split(r"[/\\]", name)[-1]
    shown = "".join(sign for sign in base if unicodedata.category(sign)[0] not in "CZ" or sign == " ")
    shown = " ".join(re.sub(r'[<>:"|?*]', "_", shown).split()).lstrip(".")
    return shown[-LONGEST_NAME:] or "file"


def _write(upload: UploadedFile[Any], path: Path, name: str, max_bytes: int) -> None:
    size = 0
    with path.open("wb") as file:
        for chunk in upload.chunks():
            size += len(chunk)
            if size > max_bytes:
                raise Refused(f"{name} is too big: at most {max_bytes / 2**20:g} MB are taken here.")
            file.write(chunk)
    if not size:
        raise Refused(f"{name} is empty.")


def _checked(path: Path, kind: str, name: str) -> sniff.FileType:
    with path.open("rb") as file:
        head = file.read(sniff.HEAD)
    found = sniff.type_of(head)
    right = found is not None and found.kind == kind and (kind != "image" or found.media_type in FORMATS)
    if found is None or not right:
        raise Refused(f"{name} cannot be used here: it is {sniff.words_for(head)}. Take {_WORDS[kind]}.")
    return found


def _cleaned(path: Path, found: sniff.FileType, name: str) -> Path:
    """Decoded once, which finds what is cut off; turned upright; place, camera and comments taken out."""
    form = FORMATS[found.media_type]
    try:
        with Image.open(path, formats=[form]) as image:
            if image.size[0] * image.size[1] > MAX_PIXELS:
                raise Refused(
                    f"{name} has too many pixels: a picture may have {MAX_PIXELS // 10**6} million."
                )
            image.load()
            if not _has_metadata(image):
                return path
            clean = path.with_name("clean")
            upright = ImageOps.exif_transpose(image)
            profile = image.info.get("icc_profile")
            upright.info = {}
            quality = {"quality": 95} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
            upright.save(clean, form, icc_profile=profile, **quality)
            return clean
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(
            f"{name} has too many pixels: a picture may have {MAX_PIXELS // 10**6} million."
        ) from None
    # Pillow's readers raise whatever a broken file leads them to.
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError):
        raise Refused(f"{name} is damaged or cut off: the picture in it cannot be read.") from None


def _has_metadata(image: Image.Image) -> bool:
    harmless = {"icc_profile", "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "gamma", "srgb"}
    harmless |= {
        "transparency",
        "interlace",
        "background",
        "duration",
        "loop",
        "version",
        "extension",
        "timestamp",
    }
    return bool(set(image.info) - harmless) or bool(image.getexif())


def _keep(path: Path, found: sniff.FileType, digest: str, name: str, user: User, team: Team) -> Upload:
    """Save file and row; whoever loses a race for the same content takes the winner's row."""
    facts = probes.facts_of(path, found.kind, found.media_type)
    row = Upload(
        team=team,
        user=user,
        sha256=digest,
        kind=found.kind,
        media_type=found.media_type,
        size=path.stat().st_size,
        width=facts.width,
        height=facts.height,
        duration_s=facts.duration_s,
        name=name,
    )
    place = f"uploads/{timezone.now():%Y/%m}/{secrets.token_hex(16)}{found.suffix}"
    try:
        with path.open("rb") as file:
            row.file.name = default_storage.save(place, File(file))
    except StorageError as error:
        raise Refused(f"{name} could not be kept. {error}") from error
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Left behind, it would only take space.
        with suppress(StorageError):
            default_storage.delete(row.file.name)
        if (winner := Upload.objects.filter(team=team, sha256=digest).first()) is None:
            raise
        return winner
    return row
