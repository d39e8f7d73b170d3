"""Pictures people attach: let in by content alone, cleaned, kept once, or refused with a sentence."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from accounts.models import Team, User
from playground.chat import attachments
from playground.chat.models import Attachment

SECRET = b"taken at 52.5200 north by Olivia"


@pytest.fixture(autouse=True)
def media(settings: LazySettings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def keep(db: None, owner: User) -> Callable[..., Attachment]:
    def store(data: bytes, name: str = "photo.png", team: Team | None = None) -> Attachment:
        return attachments.store(SimpleUploadedFile(name, data), owner, team or owner.personal_team)

    return store


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), **how: Any) -> bytes:
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[attachments.ORIENTATION] = orientation
    tags[0x010E] = SECRET.decode()
    return tags


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def opened(row: Attachment) -> Image.Image:
    return Image.open(io.BytesIO(attachments.open_bytes(row)))


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")],
)
def test_the_four_kinds_are_kept_as_what_they_are_whatever_their_name(
    keep: Callable[..., Attachment], kind: str, media_type: str
) -> None:
    data = picture(kind)
    row = keep(data, "wrong.bmp")
    assert (row.media_type, row.width, row.height) == (media_type, 40, 20)
    assert row.name.startswith("wrong.")
    assert not row.name.endswith("bmp")
    assert opened(row).format == kind
    assert row.size == len(attachments.open_bytes(row))
    assert row.sha256 == hashlib.sha256(attachments.open_bytes(row)).hexdigest()


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_picture_without_metadata_is_kept_byte_for_byte(keep: Callable[..., Attachment], kind: str) -> None:
    data = picture(kind)
    assert attachments.open_bytes(keep(data)) == data


def test_the_file_has_a_random_name_and_is_readable_by_us_alone(
    keep: Callable[..., Attachment], media: Path
) -> None:
    row = keep(picture(), "holiday.png")
    path = media / row.file.name
    assert re.fullmatch(r"attachments/\d{4}/\d\d/[0-9a-f]{32}\.png", row.file.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_content_is_one_row_a_team(keep: Callable[..., Attachment], media: Path, team: Team) -> None:
    first, again, elsewhere = keep(picture()), keep(picture(), "other.png"), keep(picture(), team=team)
    assert first.pk == again.pk
    assert elsewhere.pk != first.pk
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


def test_who_loses_the_race_for_a_content_gets_the_winners_row(
    keep: Callable[..., Attachment], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner = keep(picture())
    answers = iter([None, winner])
    monkeypatch.setattr(attachments, "_known", lambda row: next(answers))
    assert keep(picture()).pk == winner.pk
    assert [str(path.relative_to(media)) for path in media.rglob("*.png")] == [winner.file.name]
    monkeypatch.setattr(attachments, "_known", lambda row: None)
    with pytest.raises(IntegrityError):
        keep(picture())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_metadata_is_gone(keep: Callable[..., Attachment], kind: str) -> None:
    data = picture(kind, exif=exif())
    assert SECRET in data
    row = keep(data)
    assert SECRET not in attachments.open_bytes(row)
    assert not opened(row).getexif()


def test_comments_texts_and_xmp_are_gone(keep: Callable[..., Attachment]) -> None:
    texts = PngInfo()
    texts.add_text("Comment", SECRET.decode())
    for data in (
        picture("PNG", pnginfo=texts),
        picture("JPEG", comment=SECRET),
        picture("GIF", comment=SECRET),
        picture("WEBP", xmp=SECRET),
    ):
        assert SECRET in data
        assert SECRET not in attachments.open_bytes(keep(data))


def test_a_jpeg_without_metadata_loses_no_quality(keep: Callable[..., Attachment]) -> None:
    data = picture("JPEG", exif=exif(), progressive=True)
    with Image.open(io.BytesIO(data)) as before:
        assert opened(keep(data)).tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_on_its_side_is_turned_upright(keep: Callable[..., Attachment], kind: str) -> None:
    row = keep(picture(kind, exif=exif(orientation=6)))
    image = opened(row).convert("RGB")
    assert (row.width, row.height) == image.size == (20, 40)
    # The blue corner was at the top left and is at the top right after a quarter turn.
    red, _, blue = image.getpixel((17, 3))  # type: ignore[misc] # RGB gives three
    assert blue > 150 > red
    assert SECRET not in attachments.open_bytes(row)


def test_colours_keep_their_profile(keep: Callable[..., Attachment]) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        row = keep(picture(kind, icc_profile=b"a profile", exif=exif()))
        assert opened(row).info["icc_profile"] == b"a profile"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_what_hangs_on_behind_a_picture_is_cut_off(keep: Callable[..., Attachment], kind: str) -> None:
    row = keep(picture(kind) + b"<script>alert(1)</script>PK\x03\x04")
    assert b"script" not in attachments.open_bytes(row)
    assert opened(row).size == (40, 20)


def test_a_foreign_chunk_is_taken_out(keep: Callable[..., Attachment]) -> None:
    data = picture()
    foreign = chunk(b"heLo", b"<script>alert(1)</script>")
    assert attachments.open_bytes(keep(data[:33] + foreign + data[33:])) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html><body>hi", "an HTML page"),
        (b"  <script>alert(1)</script>", "an HTML page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "an SVG drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x --><svg/>', "an SVG drawing"),
        (b"<!---->" * 300 + b"<", "an XML file"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"\x00\x00\x00\x18ftypheic", "a HEIC picture"),
        (b"\x00\x00\x00\x18ftypmp42", "a video"),
        (b"MZ\x90\x00", "a program"),
        (b"just words, \xc3\xa4", "a text file"),
        (b"\x00\x01\x02\xff\xfe" * 20, "a file of another kind"),
    ],
)
def test_another_kind_of_file_is_refused_by_its_content(
    keep: Callable[..., Attachment], data: bytes, words: str
) -> None:
    with pytest.raises(attachments.Refused, match=f"photo.png is not a picture .* {words}"):
        keep(data)
    assert not Attachment.objects.exists()


def test_kinds_that_pillow_could_read_but_nobody_asked_for_are_refused(
    keep: Callable[..., Attachment],
) -> None:
    for kind in ("BMP", "TIFF", "ICO", "PPM", "TGA"):
        with pytest.raises(attachments.Refused):
            keep(picture(kind))


def test_an_empty_file_is_refused(keep: Callable[..., Attachment]) -> None:
    with pytest.raises(attachments.Refused, match=r"photo\.png is empty"):
        keep(b"")


def test_a_file_of_20_mb_is_refused_without_being_decoded(keep: Callable[..., Attachment]) -> None:
    with pytest.raises(attachments.Refused, match=r"photo\.png is too big: 20\.0 MB"):
        keep(picture() + b"\0" * (20 * 2**20))


def test_a_size_that_lies_does_not_help(db: None, owner: User, settings: LazySettings) -> None:
    settings.MAX_IMAGE_BYTES = 1000
    upload = SimpleUploadedFile("photo.png", picture() + b"\0" * 2000)
    upload.size = 10
    with pytest.raises(attachments.Refused, match="too big"):
        attachments.store(upload, owner, owner.personal_team)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_off_is_refused(keep: Callable[..., Attachment], kind: str, part: float) -> None:
    data = picture(kind, size=(300, 200))
    with pytest.raises(attachments.Refused):
        keep(data[: int(len(data) * part)])


def test_a_picture_with_damaged_data_is_refused(keep: Callable[..., Attachment]) -> None:
    header = struct.pack(">IIBBBBB", 40, 20, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    for body in (b"not zlib", zlib.compress(b"\0" * 50), b""):
        with pytest.raises(attachments.Refused, match="damaged"):
            keep(start + chunk(b"IDAT", body) + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [8000, 30_000, 65_000])
def test_a_bomb_of_pixels_is_refused_without_being_decoded(
    keep: Callable[..., Attachment], side: int
) -> None:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    row = b"\0" + b"\0" * (side // 8)
    body = zlib.compress(row * 200)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    with pytest.raises(attachments.Refused, match="too many pixels"):
        keep(data)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_a_small_animation_goes_on_moving(keep: Callable[..., Attachment], kind: str) -> None:
    row = keep(animation(kind, 5))
    assert opened(row).n_frames == 5  # type: ignore[attr-defined] # both formats have it


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_a_long_animation_is_kept_as_a_still_picture(
    keep: Callable[..., Attachment], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MAX_FRAMES", 4)
    row = keep(animation(kind, 5))
    assert row.media_type == "image/png"
    assert getattr(opened(row), "n_frames", 1) == 1


def test_an_animated_png_is_kept_as_a_still_picture(keep: Callable[..., Attachment]) -> None:
    row = keep(animation("PNG", 3))
    assert getattr(opened(row), "n_frames", 1) == 1


def animation(kind: str, frames: int) -> bytes:
    first, *rest = [Image.new("RGB", (12, 12), (n * 40, 0, 0)) for n in range(frames)]
    out = io.BytesIO()
    first.save(out, kind, save_all=True, append_images=rest, duration=50, loop=0)
    return out.getvalue()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cat.png", "cat.png"),
        ("in\x00vis\u202eible\u200b\n.png", "invisible.png"),
        ('<b>"x"|?*.png', "_b__x____.png"),
        ("  two   words .png", "two words .png"),
        (".htaccess", "htaccess"),
        ("", "picture"),
        ("\u202e\u0000", "picture"),
        ("ein schönes Bild 猫.jpeg", "ein schönes Bild 猫.jpeg"),
        ("\ud800x.png", "x.png"),
    ],
)
def test_a_file_name_is_safe_to_show(given: str, shown: str) -> None:
    assert attachments.clean_name(given) == shown


def test_a_long_name_keeps_its_ending() -> None:
    name = attachments.clean_name("x" * 500 + ".png")
    assert len(name) == attachments.LONGEST_NAME
    assert name.endswith(".png")


def test_a_jpeg_may_be_named_jpeg(keep: Callable[..., Attachment]) -> None:
    assert keep(picture("JPEG"), "a.jpeg").name == "a.jpeg"
    assert keep(picture("JPEG", size=(9, 9)), "b.PNG").name == "b.jpg"


def test_a_file_that_is_gone_is_told(keep: Callable[..., Attachment], media: Path) -> None:
    row = keep(picture())
    (media / row.file.name).unlink()
    with pytest.raises(FileNotFoundError):
        attachments.open_bytes(row)


def test_an_https_address_is_taken_as_it_is() -> None:
    url = "https://example.com/a%20cat.png?size=2#x"
    assert attachments.check_url(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "//example.com/a.png",
        "https://",
        "https:///a.png",
        "https://me:secret@example.com/a.png",
        "https://me@example.com/a.png",
        "https://example.com/a b.png",
        "https://example.com/a\x00.png",
        "https://example.com\\@evil.example/a.png",
        "https://[::1/a.png",
        "https://example.com:99999/",
        "https://example.com/" + "a" * 3000,
        "",
    ],
)
def test_any_other_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(attachments.Refused, match=r"\w.*\.$"):
        attachments.check_url(url)
