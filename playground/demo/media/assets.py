"""Finished files under addresses nobody can guess; they are made when they are fetched."""

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

from .recipes import Picture, Recipe

PATH = "/demo/assets/"
_KEPT = 100_000
_PRIVATE_URL = "http://10.11.12.13/latest/film.mp4"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `expires_at` is in seconds of Unix time."""

    token: str
    recipe: Recipe
    fault: str
    expires_at: float


class Assets:
    """All published files of one gateway, without their bytes."""

    def __init__(self) -> None:
        self._assets: OrderedDict[str, Asset] = OrderedDict()

    def publish(self, recipe: Recipe, *, fault: str, base: str, lives_s: float) -> str:
        """The address of a new file; it is told when it ends, as the provider's storage does it."""
        if fault == "private-url":
            return _PRIVATE_URL
        asset = Asset(secrets.token_urlsafe(24), recipe, fault, time.time() + lives_s)
        self._assets[asset.token] = asset
        if len(self._assets) > _KEPT:
            self._assets.popitem(last=False)
        return f"{base}{PATH}{asset.token}.{recipe.suffix}?Expires={int(asset.expires_at)}"

    def find(self, path: str) -> Asset | None:
        return self._assets.get(path.removeprefix(PATH).partition(".")[0])


NOBODYS = Asset("", Picture("", 64, 64), "404", 0)
"""Stands for every address that was never given."""
