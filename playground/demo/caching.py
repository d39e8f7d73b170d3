"""The prompt cache of the OpenAI families: how much of a prompt was sent before (contract section 17)."""

from collections.abc import Iterable, Sequence

from .records import Memory, digest

_STEP, _STEP_WITH_KEY = 128, 16
_LEAST = 256


def chain(start: bytes, parts: Iterable[bytes]) -> list[bytes]:
    """A digest for each beginning of a prompt, the shortest first."""
    found = []
    for part in parts:
        start = digest(start, part)
        found.append(start)
    return found


class PromptCache:
    """Remembers beginnings of prompts without being asked to, as these families do."""

    def __init__(self) -> None:
        self._seen = Memory(5000)

    def cached(self, prefixes: list[bytes], tokens: Sequence[int], *, keyed: bool) -> int:
        """Tokens of the longest beginning seen before, in steps, as providers count them."""
        known = sum(1 for prefix in prefixes if prefix in self._seen)
        for prefix in prefixes:
            self._seen.add(prefix)
        count = sum(tokens[:known])
        step = _STEP_WITH_KEY if keyed else _STEP
        if count < (step if keyed else _LEAST):
            return 0
        return count // step * step
