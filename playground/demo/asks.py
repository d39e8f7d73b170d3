"""What a caller asks for, the same for every family: the families translate their bodies into it."""

import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from .records import digest

Role = Literal["user", "assistant", "tool"]

_CONTINUE = re.compile(
    r"^\W*(please\s+)?(continue\b|go on\b|keep going\b|carry on\b|weiter\b|fahre? fort\b)"
    r"|\b(continue|resume|pick up|carry on)\b.{0,60}\b(stopped|left off|cut off|broke off|ended)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image or another file of the prompt; only its address is known when it is on another host."""

    media_type: str = ""
    size: int = 0
    pixels: str = ""
    address: str = ""

    @property
    def is_file(self) -> bool:
        return bool(self.media_type) and not self.media_type.startswith("image/")

    def __str__(self) -> str:
        if self.address:
            what = self.media_type if self.is_file else "an image"
            return f"{what} at {self.address} (the demo never fetches it)"
        parts = [self.media_type, _bytes(self.size), self.pixels]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Said:
    """One message without its wire form."""

    role: Role
    text: str
    images: tuple[Image, ...] = ()
    tool: str = ""

    def digest(self) -> bytes:
        shown = " ".join(map(str, self.images))
        return digest(self.role.encode(), *(part.encode(errors="replace") for part in (self.text, shown)))


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """The whole question; `salt` stands for seed and temperature, so that another one answers otherwise."""

    said: tuple[Said, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    parallel: bool = True
    must_call: bool = False
    as_json: bool = False
    schema: dict[str, Any] | None = None
    effort: str = ""
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    salt: bytes = b""

    @property
    def last(self) -> Said:
        return self.said[-1]

    @property
    def question(self) -> str:
        """The newest text of the user."""
        return next((said.text for said in reversed(self.said) if said.role == "user"), "")

    @property
    def images(self) -> tuple[Image, ...]:
        return next((said.images for said in reversed(self.said) if said.role == "user"), ())

    def digest(self, voice: str) -> bytes:
        everything = [said.digest() for said in self.said]
        return digest(voice.encode(), self.salt, self.system.encode(errors="replace"), *everything)

    def before(self) -> tuple["Ask", str] | None:
        """For a request to go on: the question that was cut, and the text it had got so far.

        None when this is no such request. A conversation that ends with the assistant's own words
        is one too.
        """
        said = list(self.said)
        pieces: list[str] = []
        while len(said) > 1:
            if (
                said[-1].role == "user"
                and said[-2].role == "assistant"
                and _CONTINUE.search(said[-1].text[:400])
            ):
                said.pop()
            if said[-1].role != "assistant":
                break
            pieces.append(said.pop().text)
        so_far = "".join(reversed(pieces))
        if len(said) == len(self.said) or not so_far:
            return None
        return replace(self, said=tuple(said)), so_far


def read_image(url: str) -> Image | None:
    """An https address or an image data URL in base64; None for anything else, which is refused."""
    if match := re.match(r"data:(image/[a-zA-Z0-9.+-]+);base64,", url):
        return _inline(match[1].lower(), url[match.end() :])
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname:
        return None
    # Neither user name nor query is repeated: signed addresses carry secrets there.
    return Image(address=f"{parts.hostname}{parts.path}"[:200])


def _inline(media_type: str, data: str) -> Image | None:
    if not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", data):
        return None
    size = len(data) * 3 // 4 - data.count("=", -2)
    return Image(media_type, size, _pixels(data[:64]))


def _pixels(head: str) -> str:
    """Width and height of a PNG or a GIF, which stand in the first bytes."""
    try:
        data = base64.b64decode(head[: len(head) // 4 * 4])
    except binascii.Error:
        return ""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return f"{int.from_bytes(data[16:20], 'big')} × {int.from_bytes(data[20:24], 'big')} px"
    if data.startswith(b"GIF8") and len(data) >= 10:
        return f"{int.from_bytes(data[6:8], 'little')} × {int.from_bytes(data[8:10], 'little')} px"
    return ""


def _bytes(size: int) -> str:
    if size < 1024:
        return f"{size} bytes"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"
