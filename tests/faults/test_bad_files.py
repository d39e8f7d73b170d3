"""Files that are no pictures, or too much of one: refused in words, and the message stays."""

from __future__ import annotations

import io
import os
import re
import struct
import uuid
import zlib
from functools import cache

import httpx
import pytest
from PIL import Image

from tests.faults.standing import HTMX, TEXT, Standing, words

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@cache
def picture(size: int = 0) -> bytes:
    """A PNG; padded with noise in a chunk of its own to `size` bytes."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, "PNG")
    data = file.getvalue()
    noise = os.urandom(max(size - len(data) - 12, 0))
    extra = png_chunk(b"prVt", noise) if noise else b""
    return data[:33] + extra + data[33:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb() -> bytes:
    """A PNG of 200 kB that says it is 50,000 by 50,000 pixels, all of them there."""
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(50_001)) for _ in range(2_000)) + rows.flush()
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    return SIGNATURE + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


FILES = {
    "20 MB image": (
        lambda: picture(20 * 2**20),
        "photo.png is too big: 20.0 MB, and a picture may have 10 MB.",
    ),
    "SVG": (lambda: SVG, "photo.png is not a picture that can be attached: it is an SVG drawing."),
    "HTML as PNG": (lambda: HTML, "photo.png is not a picture that can be attached: it is an HTML page."),
    "HTML behind a signature": (lambda: SIGNATURE + HTML, "photo.png is damaged or cut off"),
    "cut in half": (lambda: picture()[:-20], "photo.png is damaged or cut off"),
    "bomb": (bomb, "photo.png has too many pixels: a picture may have 50 million."),
    "nothing": (lambda: b"", "photo.png is empty."),
    "PDF": (lambda: b"%PDF-1.7\n", "it is a PDF document."),
}


def upload(there: Standing, data: bytes, name: str = "photo.png") -> httpx.Response:
    files = {"file": (name, data, "image/png")}
    return there.visitor().post("/chat/upload", files=files, headers=HTMX)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_fit_picture_is_refused_in_words(there: Standing, kind: str) -> None:
    make, said = FILES[kind]
    response = upload(there, make())
    assert response.status_code == 422
    assert said in response.text
    assert "<" not in response.text


def test_a_picture_goes_in_and_comes_back_as_nothing_but_a_picture(there: Standing) -> None:
    response = upload(there, picture(), name='..\\../"><script>alert(1)</script>.png')
    assert response.status_code == 200
    assert "<script" not in response.text
    found = re.search(r'name="image" value="([0-9a-f-]{36})"', response.text)
    assert found
    file = there.visitor().get(f"/chat/attachment/{found[1]}")
    assert file.headers["Content-Type"] == "image/png"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert file.content.startswith(SIGNATURE)


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "no script"])
def test_a_refused_file_sent_with_the_message_loses_no_word_of_it(there: Standing, htmx: bool) -> None:
    visitor = there.visitor()
    data = {"text": TEXT, "model": "demo-chat", "key": there.demo_key(), "family": "openai_chat"}
    files = {"files": ("drawing.png", SVG, "image/png")}
    url = f"/chat/{uuid.uuid4()}/ask"
    response = visitor.post(url, data=data, files=files, headers=HTMX if htmx else {})
    assert response.status_code == 422
    assert "drawing.png is not a picture that can be attached: it is an SVG drawing." in words(response.text)
    assert htmx or TEXT in response.text
    assert visitor.get(url.removesuffix("ask")).status_code == 404


@pytest.mark.parametrize(
    "address", ["http://example.com/a.png", "javascript:alert(1)", "https://u:p@example.com/", "x", ""]
)
def test_an_address_that_is_none_is_refused(there: Standing, address: str) -> None:
    response = there.visitor().post("/chat/upload", data={"url": address}, headers=HTMX)
    assert response.status_code == 422
    assert re.search(r"https://|not a web address|user name", response.text)


def test_what_is_more_than_a_request_may_carry_is_refused_before_it_is_read(there: Standing) -> None:
    response = upload(there, bytes(33 * 2**20))
    assert response.status_code == 413
    assert response.text == "This is more than the 32 MB one request may carry."
    there.works()
