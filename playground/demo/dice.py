"""Choices that look random and are the same every time: drawn from a digest, not from a generator."""

from collections.abc import Sequence
from typing import TypeVar

from .records import digest

T = TypeVar("T")


class Dice:
    """An endless row of choices that depends on its seed alone."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._thrown = 0

    def number(self, below: int) -> int:
        self._thrown += 1
        value = digest(self._seed, self._thrown.to_bytes(4, "big"))
        return int.from_bytes(value[:8], "big") % below

    def pick(self, options: Sequence[T]) -> T:
        return options[self.number(len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """Different options in a shuffled order."""
        left = list(options)
        return [left.pop(self.number(len(left))) for _ in range(min(count, len(left)))]
