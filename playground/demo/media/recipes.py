"""Files that can be made at any time: a recipe is kept instead of the bytes."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar, Protocol

from playground.demo.dice import Dice

from .drawing import picture
from .film import film
from .sound import hum

_KEPT_BYTES = 32 * 1024 * 1024
_WORDS = 2000
# As large as any route offers; larger ones would only take longer.
_LARGEST = 2048


class Recipe(Protocol):
    """Equal recipes make equal bytes."""

    @property
    def media_type(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    def make(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """`seed` tells pictures of the same words apart."""

    words: str
    width: int
    height: int
    seed: str = ""
    media_type: ClassVar[str] = "image/png"
    suffix: ClassVar[str] = "png"

    def make(self) -> bytes:
        width, height = min(self.width, _LARGEST), min(self.height, _LARGEST)
        return picture(self.words[:_WORDS], width, height, _dice(self.words, self.seed))


@dataclass(frozen=True, slots=True)
class Film:
    words: str
    ratio: str
    seconds: int
    seed: str = ""
    media_type: ClassVar[str] = "video/mp4"
    suffix: ClassVar[str] = "mp4"

    def make(self) -> bytes:
        return film(self.words[:_WORDS], self.ratio, self.seconds, _dice(self.words, self.seed))


@dataclass(frozen=True, slots=True)
class Hum:
    words: str
    seed: str = ""
    media_type: ClassVar[str] = "audio/wav"
    suffix: ClassVar[str] = "wav"

    def make(self) -> bytes:
        return hum(self.words, _dice(self.words, self.seed))


class Larder:
    """The last made bytes, as long as there is room for them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Recipe, bytes] = OrderedDict()
        self._size = 0

    async def take(self, recipe: Recipe) -> bytes:
        """Made beside the event loop: it takes up to a quarter of a second."""
        data = self._kept.get(recipe)
        if data is None:
            data = await asyncio.to_thread(recipe.make)
            self._keep(recipe, data)
        return data

    def _keep(self, recipe: Recipe, data: bytes) -> None:
        self._size += len(data) - len(self._kept.pop(recipe, b""))
        self._kept[recipe] = data
        while self._size > _KEPT_BYTES and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])


def _dice(words: str, seed: str) -> Dice:
    return Dice(f"{seed}\n{words}".encode(errors="replace"))
