"""All media routes of the demo gateway."""

from typing import Any

from playground.demo.exchange import Exchange, not_allowed
from playground.demo.models import Shelf
from playground.demo.records import Record

from .assets import PATH
from .dashscope import DashScope
from .kling import Kling
from .openai_audio import OpenAIAudio
from .openai_images import OpenAIImages
from .openai_texts import OpenAITexts
from .openai_videos import OpenAIVideos
from .studio import Studio
from .suno import Suno
from .ways import Family, Way


def is_asset(path: str) -> bool:
    return path.startswith(PATH)


class MediaRoutes:
    """Finds who answers a media request."""

    def __init__(self, shelf: Shelf, *, speed: float) -> None:
        self._studio = studio = Studio(shelf, speed=speed)
        self._suno = Suno(studio, speed=speed)
        families = (
            *(DashScope(studio), Kling(studio), OpenAIImages(studio), self._suno),
            *(OpenAIVideos(studio), OpenAIAudio(studio), OpenAITexts(studio)),
        )
        self._ways: tuple[Way, ...] = tuple(one for family in families for one in family.ways())

    def find(self, method: str, path: str) -> Family | None:
        """Who answers; None when it is no media route. A route's other methods are refused with 405."""
        allowed = []
        for one in self._ways:
            match = one.path.fullmatch(path)
            if match and one.method == method:
                return one.bound(match[1] if match.groups() else "")
            allowed += [one.method] if match else []
        if allowed:
            raise not_allowed(*allowed)
        return None

    async def send_asset(self, exchange: Exchange, raw: bytes, record: Record) -> None:
        if exchange.method not in ("GET", "HEAD"):
            raise not_allowed("GET", "HEAD")
        await self._studio.send_asset(exchange)

    def tasks(self) -> dict[str, Any]:
        return self._studio.tasks.shown()

    def callbacks(self) -> dict[str, Any]:
        return self._suno.callbacks()
