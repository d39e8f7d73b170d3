"""How fast an answer comes: text cut into tokens, and the moments they are sent at."""

import math
import re
from dataclasses import dataclass

# A leading space belongs to the word, long words fall into pieces, Chinese and Japanese signs
# come one or two at a time. What no branch names comes sign by sign, so nothing is ever lost.
_TOKEN = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]{1,2}"
    r"| ?[^\W\d_\u2e80-\ud7af\uff00-\uffef]{1,7}"
    r"| ?\d{1,3}|\n+| +| ?[^\w\s]{1,3}|.",
    re.DOTALL,
)

# A fixed unevenness around 1: a steady beat looks like a machine, and randomness is not needed for it.
_UNEVEN = (0.7, 1.2, 0.8, 1.5, 0.6, 1.1, 0.9, 1.4, 0.5, 1.3)


def split(text: str) -> list[str]:
    """Tokens of a believable size; joined they are the text again."""
    return _TOKEN.findall(text)


def estimate(text: str) -> int:
    """About how many tokens a prompt has, without cutting a megabyte into pieces."""
    return math.ceil(len(text) / 4)


@dataclass(frozen=True, slots=True)
class Pace:
    """The wait before the first token and the tokens per second after it; speed 0 means no wait at all."""

    first_s: float = 0.3
    per_s: float = 38.0

    def faster(self, speed: float) -> "Pace":
        return Pace(self.first_s / speed, self.per_s * speed) if speed else Pace(0, math.inf)

    def gap(self, number: int) -> float:
        """Seconds between a token and the next."""
        return _UNEVEN[number % len(_UNEVEN)] / self.per_s
