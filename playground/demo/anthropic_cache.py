"""The prompt cache of the Anthropic family: written and read at the marks that a caller sets."""

from dataclasses import dataclass
from itertools import accumulate

from .caching import chain
from .records import Memory

# A real model caches from 1,024 tokens on; a quarter of that lets a page of text show it.
LEAST = 256
_LOOK_BACK = 20
_AROUND = 8


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the prompt; `ttl` is set where a cache mark stands on it."""

    digest: bytes
    tokens: int
    ttl: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """The input side of the usage: the four figures together are the whole prompt."""

    fresh: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        return self.written_5m + self.written_1h


def input_tokens(prompt: tuple[Block, ...]) -> int:
    """What count_tokens tells, and what the figures of the usage add up to."""
    return sum(block.tokens for block in prompt) + _AROUND


class PromptCache:
    """What was written at marks before; it lasts as long as the gateway runs."""

    def __init__(self) -> None:
        self._written = Memory(5000)

    def figures(self, model: str, prompt: tuple[Block, ...]) -> Input:
        """Read the longest beginning that is known near a mark, then write up to each mark behind it."""
        prefixes = chain(model.encode(errors="replace"), (block.digest for block in prompt))
        totals = list(accumulate(block.tokens for block in prompt))
        marks = [place for place, block in enumerate(prompt) if block.ttl and totals[place] >= LEAST]
        read = self._known(prefixes, totals, marks)
        reached = read
        written = {"5m": 0, "1h": 0}
        for place in marks:
            self._written.add(prefixes[place])
            written[prompt[place].ttl] += max(totals[place] - reached, 0)
            reached = max(reached, totals[place])
        return Input(input_tokens(prompt) - reached, read, written["5m"], written["1h"])

    def _known(self, prefixes: list[bytes], totals: list[int], marks: list[int]) -> int:
        near = {place for mark in marks for place in range(max(mark - _LOOK_BACK, 0), mark + 1)}
        return max((totals[place] for place in near if prefixes[place] in self._written), default=0)
